"""Mutated files through the supervisor, as in earnest: jails, verifier, containers, and LibreOffice for ``office``.

Rules kept here:

- Every file has a verdict with a known code; after every ``AMONG`` files one that must be released is released.
- A jail that dies (``crashed``), a verifier that rejects an output or stumbles, and a file that runs out of its
  time are findings to be looked at; the trusting side has held.
- An exception of the supervisor, or no verdict, is the finding that must not be: ``trusting side``.

>>> AMONG
25
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from fuzz import seeds
from fuzz.findings import Finding
from fuzz.mutate import mutated
from fuzz.seeds import PAGE, RTF, SPREADSHEETML, SYLK, WORDML, Seed
from fuzz.targets import PASSWORD, Target, of_group

from sanitizer import kinds
from sanitizer.converter import Converted, Converter, NoConverter
from sanitizer.formats import FORMATS
from sanitizer.limits import MIB, Limits
from sanitizer.recipes import Recipe
from sanitizer.refusals import SENTENCES
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import Treatment, Verdict

AMONG = 25
LIMITS = Limits(max_pixels=4_000_000, max_inflated=128 * MIB, cpu_seconds=30, wall_seconds=90.0)
_FINDINGS = {"crashed": "crash", "timeout": "slow", "verification-failed": "disagreement"}


class _NoOffice(Converter):
    """A machine without LibreOffice: what only it can read is refused."""

    async def convert(self, source: int, size: int, output: int, recipe: Recipe, limits: Limits) -> Converted:
        raise NoConverter("not asked for")


@dataclass
class Jailed:
    """One supervisor and the event loop it runs in. ``convert``: whether LibreOffice may be asked."""

    convert: bool
    supervisor: Supervisor = field(default_factory=lambda: Supervisor(LIMITS, workers=1))
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    served: int = 0

    def __enter__(self) -> Jailed:
        if not self.convert:
            self.supervisor.converter = _NoOffice()
        self.supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self.supervisor.close())
        self.runner.close()

    def take(self, given: Seed, treatment: Treatment) -> str:
        """The code of the verdict. Raises ``Finding``."""
        verdict = self.runner.run(self._examine(given, treatment))
        self.served += 1
        if self.served % AMONG == 0:
            self._still_serves()
        if verdict.code not in SENTENCES:
            raise Finding("trusting side", f"code {verdict.code}")
        if verdict.code in _FINDINGS:
            raise Finding(_FINDINGS[verdict.code], f"{verdict.code} {verdict.detail}", f"{verdict.input.type}")
        return verdict.code

    async def _examine(self, given: Seed, treatment: Treatment) -> Verdict:
        name, data = given
        descriptor = os.memfd_create("fuzz")
        try:
            os.write(descriptor, data)
            examined = await self.supervisor.examine(
                descriptor, name=name, treatment=treatment, password=PASSWORD, text=True
            )
        except Exception as error:
            raise Finding("trusting side", type(error).__name__, f"{error}"[:200]) from error
        finally:
            os.close(descriptor)
        if examined.output is not None:
            os.close(examined.output)
        return examined.verdict

    def _still_serves(self) -> None:
        verdict = self.runner.run(self._examine(("見本.html", PAGE), "rebuild"))
        if verdict.code != "released":
            raise Finding("trusting side", "serves no more", f"{verdict.code} {verdict.detail}")


def targets(group: str) -> list[tuple[str, Callable[[Random], tuple[Seed, Treatment]]]]:
    """Name and how an input is made, of every format (``jail``), or of every format that LibreOffice reads."""
    if group == "office":
        return [(f"office {mime}", _office(mime)) for mime in FORMATS if mime in kinds.CONVERTED]
    return [(f"jail {target.name.partition(' ')[2]}", _as_received(target)) for target in of_group("rebuild")]


def _as_received(target: Target) -> Callable[[Random], tuple[Seed, Treatment]]:
    treatments: tuple[Treatment, ...] = ("rebuild", "rebuild", "rebuild", "rebuild", "flatten", "pass")
    return lambda chance: (target.make(chance), chance.choice(treatments))


def _office(mime: str) -> Callable[[Random], tuple[Seed, Treatment]]:
    def make(chance: Random) -> tuple[Seed, Treatment]:
        known = legacy_files()[mime]
        data = mutated(chance.choice(known), chance.choice(known), chance)
        return (f"a.{kinds.ending_of(mime)}", data), "rebuild"

    return make


_made: dict[str, Sequence[bytes]] = {}


def legacy_files() -> dict[str, Sequence[bytes]]:
    """Files that LibreOffice reads, made by itself where nobody else can write them."""
    if not _made:
        from support.legacy_samples import _OUT, converted

        written = {ending: converted(data, recipe) for ending, (data, recipe) in _OUT.items()}
        _made.update(
            {mime: [data for _, data in seeds.received()[mime]] for mime in FORMATS if mime in kinds.CONVERTED}
        )
        _made["application/msword"] = [written["doc"]]
        _made["application/vnd.ms-excel"] = [written["xls"]]
        _made["application/vnd.ms-powerpoint"] = [written["ppt"]]
        _made["application/rtf"] = [RTF]
        _made["application/x-sylk"] = [SYLK]
        _made[kinds.WORDML], _made[kinds.SPREADSHEETML] = [WORDML], [SPREADSHEETML]
    return _made


def resident() -> int:
    """Bytes of memory that this process, the trusting side, holds."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
