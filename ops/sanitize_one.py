"""One path through the sanitizer and out to disk again, for ``sekisho sanitize``.

Rules kept here:

- Whatever cannot be opened as a regular file is a verdict too: ``unreadable``. A FIFO never blocks.
- A file appears whole or not at all: written beside its place, flushed, then renamed.

>>> line(refused("empty", FileFacts("a.pdf", 0, None, None), "rebuild"))[:22]
'{"verdict": "refused",'
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from sanitizer import kinds
from sanitizer.extraction import What, in_one
from sanitizer.supervisor import Examined, Supervisor
from sanitizer.verdict import FileFacts, Office, Treatment, Verdict, refused

Similarity = dict[str, Any] | None
HALF = (".sekisho-", ".part")
"""How the name of a file begins and ends that is not whole yet."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked of every file: its treatment, its password, whether to compare it with its original, and whether to
    give out a part of it instead. ``office``: what a legacy Office file is to leave as."""

    treatment: Treatment
    password: str | None = None
    compare: bool = False
    part: What | None = None
    office: Office = "ooxml"


@dataclass(frozen=True, slots=True)
class Inspected:
    """``output``: what may leave, a descriptor the caller closes. ``similarity``: of the report, if asked for."""

    verdict: Verdict
    output: int | None
    similarity: Similarity = None


async def inspect(supervisor: Supervisor, path: Path, name: str, wishes: Wishes, *, follow: bool) -> Inspected:
    """The verdict on one path, called ``name`` in it; ``follow`` a symbolic link or refuse it."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        facts = FileFacts(name, 0, None, None)
        return Inspected(refused("unreadable", facts, wishes.treatment, detail="cannot be opened"), None)
    try:
        examined = await supervisor.examine(
            descriptor,
            name=name,
            treatment=wishes.treatment,
            password=wishes.password,
            office=wishes.office,
            thumbnail=False,
        )
        return await _as_wished(supervisor, descriptor, examined, wishes)
    finally:
        os.close(descriptor)


async def _as_wished(supervisor: Supervisor, source: int, examined: Examined, wishes: Wishes) -> Inspected:
    """The output compared, or a part of it in its stead."""
    output, verdict = examined.output, examined.verdict
    if output is None:
        return Inspected(verdict, None)
    try:
        compared = await supervisor.compare(source, output, verdict, sides=(), layout=True) if wishes.compare else None
        similarity = compared.report() if compared else None
        if wishes.part is None:
            return Inspected(verdict, output, similarity)
        verdict, part = await _part(supervisor, output, verdict, wishes.part)
    except BaseException:
        os.close(output)
        raise
    os.close(output)
    return Inspected(verdict, part, similarity)


async def _part(supervisor: Supervisor, output: int, verdict: Verdict, what: What) -> tuple[Verdict, int | None]:
    """The verdict on the part of a released output that is asked for, and the part."""
    assert verdict.output is not None
    parts = await supervisor.extract(output, verdict.output.type or "", what)
    if not parts:
        return refused("no-such-part", verdict.input, verdict.treatment), None
    whole = in_one(parts, what)
    descriptor = os.memfd_create("part", os.MFD_CLOEXEC)
    await asyncio.to_thread(_fill, descriptor, whole.data)
    name = kinds.output_name(verdict.output.name, whole.mime)
    facts = FileFacts(name, len(whole.data), hashlib.sha256(whole.data).hexdigest(), whole.mime)
    return replace(verdict, output=facts), descriptor


def _fill(descriptor: int, data: bytes) -> None:
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)


def hand_out(output: int, target: Path) -> None:
    """Put a released output into its place and close it."""
    try:
        _write_whole(target, lambda file: _copy(output, file))
    finally:
        os.close(output)


def write_lines(target: Path, lines: Iterable[str]) -> None:
    """Put a report into its place."""
    _write_whole(target, lambda file: file.writelines(line.encode("utf-8") for line in lines))


def report_of(verdict: Verdict, similarity: Similarity = None) -> dict[str, Any]:
    """The report, with the comparison if one was asked for."""
    return verdict.report() if similarity is None else {**verdict.report(), "similarity": similarity}


def line(verdict: Verdict, similarity: Similarity = None) -> str:
    """The report as one line of JSON."""
    return as_line(report_of(verdict, similarity))


def as_line(report: dict[str, Any]) -> str:
    """One line of JSON. Names that are no Unicode keep their bytes as lone surrogates, escaped."""
    text = json.dumps(report, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(report)
    return text + "\n"


def _write_whole(target: Path, fill: Callable[[BinaryIO], object]) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=HALF[0], suffix=HALF[1])
    try:
        with os.fdopen(descriptor, "wb") as file:
            fill(file)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The file mode mask, read without changing it (proc(5))."""
    status = Path("/proc/self/status").read_text("ascii", "replace")
    return int(status.partition("Umask:")[2].split()[0], 8)


def _copy(output: int, file: BinaryIO) -> None:
    offset = 0
    while part := os.pread(output, _CHUNK, offset):
        file.write(part)
        offset += len(part)
