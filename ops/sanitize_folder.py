"""A whole folder through one warm sanitizer, for ``sekisho sanitize``.

Rules kept here:

- Every entry that is not a folder gets a verdict and a line in the report; symbolic links are refused, not followed.
- The tree is kept; two files that would leave under one name get different ones.
- As many files are under way as there are workers, whatever the size of the tree; lines come in the order of the paths.
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
from ops.sanitize_one import Similarity, Wishes
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import Verdict


@dataclass(slots=True)
class FolderRun:
    """One run over a folder. ``lines``: the report so far, by the number of the path."""

    supervisor: Supervisor
    source: Path
    target: Path
    wishes: Wishes
    lines: dict[int, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    names: set[Path] = field(default_factory=set)  # in the target, taken or promised

    async def run(self, workers: int) -> str:
        """Examine everything; returns the report, one line for each file."""
        paths = list(files_under(self.source))
        self.names.update(self.target / path.relative_to(self.source) for path in paths)
        progress = Progress(len(paths), sys.stderr)
        waiting = iter(enumerate(paths))
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(waiting, progress))
        progress.end(self.counts)
        return "".join(self.lines[number] for number in range(len(paths)))

    async def _work(self, waiting: Iterator[tuple[int, Path]], progress: Progress) -> None:
        for number, path in waiting:
            verdict, similarity = await self._one(path)
            self.lines[number] = sanitize_one.line(verdict, similarity)
            self.counts[verdict.outcome] = self.counts.get(verdict.outcome, 0) + 1
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


def _hand_out(output: int, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    sanitize_one.hand_out(output, place)


def _remove(old: Path) -> None:
    """An output of an earlier run goes before its file is examined again."""
    if old.is_file() or old.is_symlink():
        old.unlink()
