"""The jails of one file: what they are told, which of their answers are believed, and what they cost (trusting side).

Rules kept here:

- An answer counts only if its process ended well within its limits, and if it is in the language of ``sanitizer/wire``.
- Every process is charged to the received file that the examined one is, or is in; where its allowance has ended, no
  further process starts.
- Only the verifier's yes counts: its crash, time-out or silence is ``verification-failed``.

Example: ``sanitizer.examination`` is its only user.
"""

from __future__ import annotations

import os
from typing import Protocol

from msgspec import structs

from sanitizer import intake
from sanitizer.cell_link import CellDied, CellLink, Ending
from sanitizer.clamd import Clamd
from sanitizer.containing import Allowance
from sanitizer.converter import Converter
from sanitizer.limits import Limits
from sanitizer.verdict import FileFacts, Isolation, Verified
from sanitizer.verify import GRAMMARS
from sanitizer.wire import Answer, BadAnswer, Kind, Run, Status, read_answer

_SIGKILL = -9
_THUMBNAIL_TYPE = "image/png"


class Jails(Protocol):
    """What an examination needs of the supervisor."""

    limits: Limits
    isolation: Isolation
    formats: dict[str, str]
    verifiers: dict[str, str]
    transformers: CellLink
    readers: CellLink
    scanner: Clamd | None
    converter: Converter

    async def run(self, link: CellLink, run: Run, wall_seconds: float, *descriptors: int) -> Ending:
        """One jailed process."""


class NotReleased(Exception):
    """The file is not released."""

    def __init__(self, code: str, detail: str = "", verified: Verified | None = None, *, spent: bool = False) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.verified = verified
        self.spent = spent  # no more may be spent on the received file that this one is in


class FileJails:
    """The jails of one file, and ``left``, what it may still cost."""

    def __init__(self, jails: Jails, left: Allowance) -> None:
        self._jails = jails
        self._limits = jails.limits
        self._left = left
        self._before = left.cpu_seconds
        self.holds_members = False

    @property
    def spent(self) -> float:
        """CPU seconds that this file and everything in it have cost so far."""
        return self._before - self._left.cpu_seconds

    async def verified(self, output: int, size: int, mime: str) -> Verified:
        """The yes of the type's verifier to a sealed output. Raises ``NotReleased`` for everything else."""
        by, grammar = self._jails.verifiers[mime], GRAMMARS.get(mime, "")
        run, wall = self._roomy(self.order("verify", mime, size))
        try:
            answer = await self.answer(self._jails.readers, run, wall, output)
        except NotReleased as no:
            if no.spent:
                raise
            raise NotReleased("verification-failed", no.code, Verified(by, False, grammar)) from None
        if answer.status is not Status.DONE:
            said = f"{answer.code} {answer.detail}".strip()
            raise NotReleased("verification-failed", said, Verified(by, False, grammar))
        return Verified(by, True, grammar)

    def _roomy(self, run: Run) -> tuple[Run, float]:
        """The order and its wall clock; for a container, whose members are all read in one jail, with as much more time
        as they have taken one by one."""
        more = self.spent if self.holds_members else 0.0
        return structs.replace(run, cpu_seconds=run.cpu_seconds + int(more)), self._limits.wall_seconds + 2 * more

    async def words(self, output: int, facts: FileFacts) -> str | None:
        """What a sealed output says, read in a jail of its own; None if it could not be read."""
        words = intake.new_output(self._limits.text_bytes)
        try:
            run, wall = self._roomy(self.order("text", facts.type or "", facts.size))
            answer = await self.answer(self._jails.transformers, run, wall, output, words)
            if answer.status is not Status.DONE or answer.size > self._limits.text_bytes:
                return None
            if answer.size and not intake.seal_output(words, answer.size):
                return None
            return os.pread(words, answer.size, 0).decode("utf-8", "replace")
        except NotReleased:
            return None
        finally:
            os.close(words)

    async def drawn(self, output: int, facts: FileFacts) -> bytes | None:
        """The verified thumbnail of a sealed output; None if nothing was drawn. Raises ``NotReleased``."""
        if _THUMBNAIL_TYPE not in self._jails.verifiers:
            return None
        drawing = intake.new_output(self._limits.thumbnail_bytes)
        try:
            run = structs.replace(
                self.order("thumbnail", facts.type or "", facts.size), cpu_seconds=self._limits.thumbnail_cpu_seconds
            )
            wall = self._limits.thumbnail_wall_seconds
            answer = await self.answer(self._jails.transformers, run, wall, output, drawing)
            if answer.status is not Status.DONE or not intake.seal_output(drawing, answer.size):
                return None
            await self.verified(drawing, answer.size, _THUMBNAIL_TYPE)
            return os.pread(drawing, answer.size, 0)
        finally:
            os.close(drawing)

    async def answer(self, link: CellLink, run: Run, wall_seconds: float, *descriptors: int) -> Answer:
        """What a jailed process says, if its end lets us believe that it said it. Raises ``NotReleased``."""
        if self._left.cpu_seconds <= 0:
            raise NotReleased("timeout", "all jails together", spent=True)
        try:
            async with self._left.places:
                ending = await self._jails.run(link, run, wall_seconds, *descriptors)
        except CellDied:
            raise NotReleased("crashed", "cell") from None
        self._left.cpu_seconds -= ending.cpu_seconds
        self._left.peak_rss = max(self._left.peak_rss, ending.peak_rss)
        if ending.timed_out or (ending.status == _SIGKILL and ending.cpu_seconds > run.cpu_seconds - 1):
            raise NotReleased("timeout")
        if ending.status == _SIGKILL and ending.peak_rss > run.memory // 2:
            raise NotReleased("memory")  # the kernel ran out of it
        if ending.status:
            raise NotReleased("crashed", f"status {ending.status}")
        try:
            return read_answer(ending.untrusted_answer)
        except BadAnswer as error:
            raise NotReleased("crashed", f"answer {error}") from None

    def order(self, kind: Kind, mime: str, size: int) -> Run:
        """What every process is told: ``size`` bytes of input, of type ``mime`` if that is known."""
        limits = self._limits
        return Run(
            0,
            kind,
            mime,
            size=size,
            cpu_seconds=limits.cpu_seconds,
            memory=limits.memory,
            max_file=limits.max_output,
            limits=limits.plain(),
        )
