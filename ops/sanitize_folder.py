"""A whole folder through one warm sanitizer, for ``sekisho sanitize``.

Rules kept here:

- Every entry that is not a folder gets a verdict and a line in the report; symbolic links are refused, not followed.
- The tree is kept; two files that would leave under one name get different ones.
- As many files are under way as there are workers, whatever the size of the tree; lines come in the order of the paths.
- What a run has done stands in its journal (``ops/sanitize_journal.py``): the next one goes on where one was killed,
  and does nothing again that is complete and unchanged.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TextIO

from ops import sanitize_one
from ops.sanitize_journal import Journal, stamp_of
from ops.sanitize_one import Similarity, Wishes
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import Verdict


@dataclass(slots=True)
class FolderRun:
    """One run over a folder."""

    supervisor: Supervisor
    source: Path
    target: Path
    wishes: Wishes
    journal: Journal
    counts: dict[str, int] = field(default_factory=dict)
    names: set[Path] = field(default_factory=set)  # in the target, taken or promised

    async def run(self, workers: int) -> Iterator[str]:
        """Examine everything that no earlier run has; returns the report, one line for each file."""
        paths = [path for path in files_under(self.source) if not _is(path, self.journal.path)]
        names = [str(path.relative_to(self.source)) for path in paths]
        self.names.update(self.target / name for name in names)
        await asyncio.to_thread(_sweep, self.target)
        progress = Progress(len(paths), sys.stderr)
        left = await asyncio.to_thread(self._go_on, paths, names)
        progress.resumed(len(paths) - len(left))
        waiting = iter(left)
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(waiting, progress))
        progress.end(self.counts)
        return (sanitize_one.as_line(report) for report in self.journal.lines(range(len(paths))))

    def _go_on(self, paths: list[Path], names: list[str]) -> list[tuple[int, Path]]:
        """What is still to be done; the rest of an earlier run is taken over."""
        stamps = {name: stamp_of(path) for path, name in zip(paths, names, strict=True)}
        done = self.journal.resume(stamps, self.wishes.password is not None)
        for number, name in enumerate(names):
            if name in done:
                self.journal.take_over(number, name)
                self._counted(done[name].verdict)
        self.names.update(self.target / one.output for one in done.values() if one.output is not None)
        return [each for each, name in zip(enumerate(paths), names, strict=True) if name not in done]

    def _counted(self, verdict: str) -> None:
        self.counts[verdict] = self.counts.get(verdict, 0) + 1

    async def _work(self, waiting: Iterator[tuple[int, Path]], progress: Progress) -> None:
        for number, path in waiting:
            before = stamp_of(path)
            verdict, similarity = await self._one(path)
            stamp = before if stamp_of(path) == before else None
            name = str(path.relative_to(self.source))
            self.journal.add(number, name, stamp, sanitize_one.report_of(verdict, similarity))
            self._counted(verdict.outcome)
            progress.step()

    async def _one(self, path: Path) -> tuple[Verdict, Similarity]:
        name = str(path.relative_to(self.source))
        old = self.target / name
        await asyncio.to_thread(_remove, old)
        inspected = await sanitize_one.inspect(self.supervisor, path, name, self.wishes, follow=False)
        verdict = inspected.verdict
        if inspected.output is None or verdict.output is None:
            return verdict, None
        place = self._place(self.target / verdict.output.name, old)
        await asyncio.to_thread(_hand_out, inspected.output, place)
        named = replace(verdict.output, name=str(place.relative_to(self.target)))
        return replace(verdict, output=named), inspected.similarity

    def _place(self, wanted: Path, own: Path) -> Path:
        """A name in the target that no other file of this run has or may claim; ``own`` is the file's by right."""
        place, number = wanted, 1
        while place != own and place in self.names:
            number += 1
            place = wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
        self.names.add(place)
        return place


@dataclass(slots=True)
class Progress:
    """How far it is: a line that is rewritten on a terminal, now and then a new one elsewhere."""

    total: int
    stream: TextIO
    done: int = 0

    def step(self) -> None:
        """One more file has its verdict."""
        self.done += 1
        if self.stream.isatty():
            self.stream.write(f"\r{self._bar()} {self.done}/{self.total}")
            self.stream.flush()
        elif self.done % 100 == 0:
            self.stream.write(f"{self.done}/{self.total}\n")

    def resumed(self, done: int) -> None:
        """So many have theirs from an earlier run."""
        self.done += done
        if done:
            self.stream.write(
                f"前回の続きから: {done}件は済んでいます\nGoing on where the last run stopped: {done} files are done\n"
            )

    def end(self, counts: dict[str, int]) -> None:
        """Say what came of them."""
        released, refused = counts.get("released", 0), counts.get("refused", 0)
        waiting = counts.get("needs_password", 0)
        start = "\r\x1b[K" if self.stream.isatty() else ""
        self.stream.write(
            f"{start}{self.total}件: 無害化 {released}、拒否 {refused}、要パスワード {waiting}\n"
            f"{self.total} files: {released} released, {refused} refused, {waiting} need a password\n"
        )

    def _bar(self) -> str:
        full = 30 * self.done // max(self.total, 1)
        return f"[{'#' * full}{'.' * (30 - full)}]"


def files_under(folder: Path) -> Iterator[Path]:
    """Everything in a tree that is not a folder, in the order of the paths. An unreadable folder raises ``OSError``."""
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            yield from files_under(Path(entry.path))
        else:
            yield Path(entry.path)


def _is(path: Path, other: Path) -> bool:
    return path.name == other.name and path.samefile(other)


def _sweep(target: Path) -> None:
    """What a killed run has left half written."""
    for folder, _, names in os.walk(target):
        for name in names:
            if name.startswith(sanitize_one.HALF[0]) and name.endswith(sanitize_one.HALF[1]):
                Path(folder, name).unlink(missing_ok=True)


def _hand_out(output: int, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    sanitize_one.hand_out(output, place)


def _remove(old: Path) -> None:
    """An output of an earlier run goes before its file is examined again."""
    if old.is_file() or old.is_symlink():
        old.unlink()
