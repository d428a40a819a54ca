"""What one file costs the sanitizer, with everything: jails of transformer and verifier, cells that fork them, and the
trusting side; beside qpdf's bare rewrite and Ghostscript's ``pdfwrite`` of the same PDFs in the same run.

Rules kept here:

- CPU seconds, not wall seconds: jails as the kernel counted them at their end, cells from ``/proc``, the trusting side
  from its own clock. Files go through one after the other, so that each cost belongs to one file.
- Warm: one pass over a few files comes first. Thumbnails are measured apart, as ``thumbnail_ms``.
- A tool that is not installed is named as missing; nothing is estimated.

Example: ``sekisho bench sanitizer FOLDER``; ``sekisho bench sanitizer --soak 10000`` watches memory instead.
"""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from ops.bench import samples
from sanitizer.self_check import probe
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import Verdict

LARGE = 100_000  # bytes: above it, seconds per megabyte are told
CLASSES = ((10_000, "< 10 kB"), (100_000, "10-100 kB"), (1_000_000, "0.1-1 MB"), (1 << 62, "> 1 MB"))
WARM = 12  # files
ROUNDS = 3  # passes for files per second
EMPTY = 100  # jails with nothing but the probes in them
PEERS = {
    "qpdf": ["qpdf", "--warning-exit-0", "{in}", "{out}"],
    "ghostscript": ["gs", "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=pdfwrite", "-o", "{out}", "{in}"],
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one file cost; milliseconds of CPU."""

    path: Path
    size: int
    released: bool
    output: int  # bytes
    jails: float
    cells: float
    trusting: float

    @property
    def all(self) -> float:
        """Everything that any process of ours spent on it."""
        return self.jails + self.cells + self.trusting

    @property
    def format(self) -> str:
        """By its ending."""
        return self.path.suffix.lower().lstrip(".") or "none"


def figures(folder: Path | None = None) -> dict[str, Any]:
    """The figures of a folder, or of the samples. Call it before an event loop runs."""
    with _files(folder) as paths:
        supervisor = Supervisor(workers=os.cpu_count() or 1)
        supervisor.start()
        return asyncio.run(_figures(supervisor, paths)) | {"peers": _peers([p for p in paths if _is_pdf(p)])}


def soak(count: int, folder: Path | None = None) -> dict[str, Any]:
    """Memory of the trusting side and the cells while ``count`` files of at most ``LARGE`` bytes go through, in twenty
    samples."""
    with _files(folder) as found:
        paths = [path for path in found if path.stat().st_size <= LARGE]
        supervisor = Supervisor(workers=os.cpu_count() or 1)
        supervisor.start()
        return asyncio.run(_soak(supervisor, paths, count))


@contextmanager
def _files(folder: Path | None) -> Iterator[list[Path]]:
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as own:
        if folder is None:
            samples.write(Path(own))
        yield sorted(path for path in (folder or Path(own)).rglob("*") if path.is_file() and not path.is_symlink())


async def _figures(supervisor: Supervisor, paths: Sequence[Path]) -> dict[str, Any]:
    try:
        cells = _cell_clocks(supervisor)
        for path in paths[:: max(1, len(paths) // WARM)]:
            await _examine(supervisor, path)
        costs = [await _cost(supervisor, cells, path) for path in paths]
        drawn = [await _cost(supervisor, cells, path, thumbnail=True) for path in paths]
        return {
            "host": _host(),
            "isolation": supervisor.isolation,
            "probes": await _probes(supervisor, cells),
            "files": len(paths),
            "formats": _by_format(costs, drawn),
            "files_per_second": await _rates(supervisor, costs),
        }
    finally:
        await supervisor.close()


def _host() -> dict[str, Any]:
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


async def _examine(supervisor: Supervisor, path: Path, thumbnail: bool = False) -> Verdict:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        examined = await supervisor.examine(descriptor, name=path.name, treatment="rebuild", thumbnail=thumbnail)
    finally:
        os.close(descriptor)
    if examined.output is not None:
        os.close(examined.output)
    return examined.verdict


async def _cost(supervisor: Supervisor, cells: Sequence[int], path: Path, thumbnail: bool = False) -> Cost:
    before, own = _spent(cells), time.process_time()
    verdict = await _examine(supervisor, path, thumbnail)
    trusting = 1e3 * (time.process_time() - own)
    output = verdict.output.size if verdict.output else 0
    released, jails = verdict.outcome == "released", 1e3 * verdict.cpu_seconds
    return Cost(path, verdict.input.size, released, output, jails, _spent(cells) - before, trusting)


def _cell_clocks(supervisor: Supervisor) -> list[int]:
    """The processes of both cells: the outer ones and their only child."""
    found: list[int] = []
    for link in (supervisor.transformers, supervisor.readers):
        outer = link.pid
        assert outer is not None
        children = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
        found += [outer, *map(int, children)]
    return found


def _spent(processes: Sequence[int]) -> float:
    """CPU milliseconds of processes with one thread, without their children (proc(5), schedstat)."""
    return sum(int(Path(f"/proc/{one}/schedstat").read_text().split()[0]) for one in processes) / 1e6


async def _probes(supervisor: Supervisor, cells: Sequence[int]) -> dict[str, Any]:
    """What a jail costs in which nothing but the escape probes run, and how many of them it blocks."""
    blocked, spent, before = 0, 0.0, _spent(cells)
    for _ in range(EMPTY):
        probed = await probe(supervisor)
        blocked, spent = len(probed.blocked), spent + probed.cpu_seconds
    cells_ms = (_spent(cells) - before) / EMPTY
    return {"blocked": blocked, "jail_ms": round(1e3 * spent / EMPTY, 2), "cells_ms": round(cells_ms, 2)}


def _by_format(costs: Sequence[Cost], drawn: Sequence[Cost]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in sorted({cost.format for cost in costs}):
        some = [cost for cost in costs if cost.format == name]
        with_picture = [cost for cost in drawn if cost.format == name]
        released = [cost for cost in some if cost.released]
        large = [cost for cost in some if cost.size > LARGE]
        found[name] = {
            "files": len(some),
            "released": len(released),
            "cpu_ms": _summary([cost.all for cost in some]),
            "jails_ms": _summary([cost.jails for cost in some]),
            "cells_ms": round(statistics.fmean(cost.cells for cost in some), 2),
            "trusting_ms": round(statistics.fmean(cost.trusting for cost in some), 2),
            "thumbnail_ms": round(statistics.fmean(b.all - a.all for a, b in zip(some, with_picture, strict=True)), 2),
            "seconds_per_megabyte_above_100_kb": _per_megabyte([(cost.all, cost.size) for cost in large]),
            "jails_seconds_per_megabyte_above_100_kb": _per_megabyte([(cost.jails, cost.size) for cost in large]),
            "size_to_input": round(sum(c.output for c in released) / max(1, sum(c.size for c in released)), 3),
        }
    return found


def _summary(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    p90 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]
    return {
        "mean": round(statistics.fmean(ordered), 2),
        "median": round(statistics.median(ordered), 2),
        "p90": round(p90, 2),
    }


def _per_megabyte(spent: Sequence[tuple[float, int]]) -> float | None:
    return round(sum(ms for ms, _ in spent) / 1e3 / (sum(size for _, size in spent) / 1e6), 3) if spent else None


async def _rates(supervisor: Supervisor, costs: Sequence[Cost]) -> dict[str, dict[str, float]]:
    """Files per second of wall time with a file under way on each core, by format and size."""
    rates: dict[str, dict[str, float]] = {}
    for name in sorted({cost.format for cost in costs}):
        least = 0
        for most, label in CLASSES:
            some = [c.path for c in costs if c.format == name and least <= c.size < most and c.released]
            least = most
            if some:
                start = time.perf_counter()
                await asyncio.gather(*(_examine(supervisor, path) for path in some * ROUNDS))
                rate = len(some) * ROUNDS / (time.perf_counter() - start)
                rates.setdefault(name, {})[label] = round(rate, 1)
    return rates


def _is_pdf(path: Path) -> bool:
    return path.suffix.lower() == ".pdf"


def _peers(pdfs: Sequence[Path]) -> dict[str, Any]:
    """The same PDFs through other tools, each file in a process of its own, as these tools are used."""
    found: dict[str, Any] = {}
    for name, command in PEERS.items():
        if shutil.which(command[0]) is None:
            found[name] = "not installed"
        elif pdfs:
            costs = [_peer_cost(command, path) for path in pdfs]
            large = [(ms, path.stat().st_size) for ms, path in zip(costs, pdfs, strict=True)]
            large = [(ms, size) for ms, size in large if size > LARGE]
            found[name] = _summary(costs) | {"seconds_per_megabyte_above_100_kb": _per_megabyte(large)}
    return found


def _peer_cost(command: Sequence[str], path: Path) -> float:
    """CPU milliseconds from start to end; what the tool says of the file does not matter here."""
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as folder:
        words = [word.replace("{in}", str(path)).replace("{out}", f"{folder}/out.pdf") for word in command]
        before = _children()
        subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return 1e3 * (_children() - before)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


async def _soak(supervisor: Supervisor, paths: Sequence[Path], count: int) -> dict[str, Any]:
    try:
        cells = _cell_clocks(supervisor)
        samples_kib = [_memory(cells)]
        waiting = islice(cycle(paths), count)
        for _ in range(20):
            await _some(supervisor, waiting, count // 20)
            samples_kib.append(_memory(cells))
        trusting = [one["trusting"] for one in samples_kib]
        return {"files": count, "kib": samples_kib, "growth_in_second_half_kib": trusting[-1] - trusting[10]}
    finally:
        await supervisor.close()


async def _some(supervisor: Supervisor, waiting: Iterator[Path], count: int) -> None:
    """The next files, one under way on each core."""

    async def work(share: Iterator[Path]) -> None:
        for path in share:
            await _examine(supervisor, path)

    share = islice(waiting, count)
    await asyncio.gather(*(work(share) for _ in range(os.cpu_count() or 1)))


def _memory(cells: Sequence[int]) -> dict[str, int]:
    """KiB: proportional size of this process (proc(5), smaps_rollup), resident size of the cells."""
    rollup = Path("/proc/self/smaps_rollup").read_text().splitlines()
    trusting = next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    pages = sum(int(Path(f"/proc/{cell}/statm").read_text().split()[1]) for cell in cells)
    return {"trusting": trusting, "cells": pages * resource.getpagesize() // 1024}
