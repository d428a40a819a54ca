"""Jailed processes beside the verdict: what they make is sealed, bounded and read by a verifier (trusting side).

Rules kept here:

- Nothing here decides about the release of a file; whatever goes wrong means that there is nothing, never an error.
- What a jail wrote is believed only if the process ended well, said so, and stayed in its bounds.
- A patient errand runs only where the processor is free, so that no file waits for its verdict because of it.

Example: see ``sanitizer.comparison`` and ``sanitizer.extraction``, its two users.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from msgspec import structs

from sanitizer import intake
from sanitizer.cell_link import CellDied
from sanitizer.file_jails import Jails
from sanitizer.wire import MAX_NAME, Answer, BadAnswer, Kind, Run, Status, read_answer


class Source(NamedTuple):
    """A file for a jail to read: a descriptor, which stays the caller's, and its bytes."""

    descriptor: int
    size: int


class Errands:
    """Errands for one file. ``cpu_seconds``: what they have cost so far."""

    def __init__(self, jails: Jails, *, patient: bool) -> None:
        self._jails = jails
        self._patient = patient
        self.cpu_seconds = 0.0

    async def made(
        self, kind: Kind, mime: str, source: Source, most: int, *, second: Source | None = None, first: int = 0,
        name: str = "", cpu_seconds: int | None = None,
    ) -> Source | None:  # fmt: skip
        """What a jail makes of ``source``: at most ``most`` bytes in a sealed memory file, which the caller closes;
        None if nothing came of it. Raises ``Unavailable`` of the supervisor."""
        output = intake.new_output(most)
        run = self._order(kind, mime, source.size, most)
        run = structs.replace(run, cpu_seconds=cpu_seconds or run.cpu_seconds)
        run = structs.replace(run, first=first, name=name.encode("utf-8", "replace").decode()[-MAX_NAME:])
        descriptors = [source.descriptor, output]
        if second is not None:
            run = structs.replace(run, second=second.size)
            descriptors.append(second.descriptor)
        try:
            answer = await self._answer(run, *descriptors)
            if answer is not None and answer.size <= most and intake.seal_output(output, answer.size):
                return Source(output, answer.size)
        except BaseException:
            os.close(output)
            raise
        os.close(output)
        return None

    async def verified(self, data: bytes, mime: str) -> bool:
        """Whether the type's verifier accepts the bytes."""
        if not data or mime not in self._jails.verifiers:
            return False
        copy = intake.new_output(len(data))
        try:
            os.pwrite(copy, data, 0)
            return (
                intake.seal_output(copy, len(data))
                and await self._answer(self._order("verify", mime, len(data), 1), copy) is not None
            )
        finally:
            os.close(copy)

    async def _answer(self, run: Run, *descriptors: int) -> Answer | None:
        """What the process says if it ended well and did what it was asked."""
        link = self._jails.readers if run.kind == "verify" else self._jails.transformers
        try:
            ending = await self._jails.run(link, run, self._jails.limits.wall_seconds, *descriptors)
            self.cpu_seconds += ending.cpu_seconds
            if ending.timed_out or ending.status:
                return None
            answer = read_answer(ending.untrusted_answer)
        except (CellDied, BadAnswer):
            return None
        return answer if answer.status is Status.DONE else None

    def _order(self, kind: Kind, mime: str, size: int, most: int) -> Run:
        limits = self._jails.limits
        return Run(
            0,
            kind,
            mime,
            size=size,
            cpu_seconds=limits.cpu_seconds,
            memory=limits.memory,
            max_file=most,
            limits=limits.plain(),
            patient=self._patient,
        )


def taken_bytes(source: Source) -> bytes:
    """All of a sealed file, which is closed."""
    try:
        return os.pread(source.descriptor, source.size, 0)
    finally:
        os.close(source.descriptor)
