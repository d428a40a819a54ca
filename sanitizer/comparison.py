"""How like its original a rebuilt file is, page by page, worked out after the verdict (trusting side).

Rules kept here:

- Each file is drawn in a jail of its own, and a third jail compares the pixels: whoever takes over the first one cannot
  say how like the files are, nor what the rebuilt one looks like.
- The numbers are range-checked here. Pictures are canonical PNG and read by the verifier before they are kept.
- A picture of the original shows what a reader of it sees, so a page gets none where anything hidden was taken out of
  it (``HIDING``), nor does any page where that may have been anywhere in the file, or where the list of what was taken
  out is full. The caller decides for which zones
  there may be any at all.
- Bounded in pages, pictures and processor time; what is beyond is not compared, and ``of`` says how many there are.

>>> may_be_pictured(3, [Change("hidden-layer", 1, "page 3")]), may_be_pictured(4, [Change("hidden-layer", 1, "page 3")])
(False, True)
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sanitizer.errands import Errands, Source, taken_bytes
from sanitizer.file_jails import Jails
from sanitizer.formats.base import Change
from sanitizer.wire import MAX_CHANGES, PIXELS

HIDING = frozenset(
    ("hidden-layer", "hidden-content", "hidden-field", "older-revision", "alternate-image", "annotation", "page-tree")
)
Side = Literal["original", "rebuilt"]
SIDES: tuple[Side, ...] = ("original", "rebuilt")
Box = tuple[int, int, int, int]
_HEAD, _RESULT = struct.Struct("<4sII"), struct.Struct("<IB4H")  # as in ``formats.pixels``
_WHOLE = 1_000_000


class PageScore(NamedTuple):
    """``page`` from 1; ``likeness`` 0 … 1; ``box``: where it differs, left, top, right, bottom in thousandths."""

    page: int
    likeness: float
    differs: bool
    box: Box | None


class PagePicture(NamedTuple):
    """A verified PNG of one page."""

    page: int
    side: Side
    png: bytes


@dataclass(frozen=True, slots=True)
class Compared:
    """The scores of the pages that were compared, of how many, and pictures of those that differ."""

    scores: tuple[PageScore, ...]
    of: int
    pictures: tuple[PagePicture, ...]

    def report(self) -> dict[str, Any]:
        """``similarity`` of the outward report."""
        likenesses = [score.likeness for score in self.scores]
        return {
            "pages": len(self.scores),
            "of": self.of,
            "mean": round(sum(likenesses) / len(likenesses), 6),
            "least": round(min(likenesses), 6),
            "differing": [score.page for score in self.scores if score.differs],
            "places": {str(score.page): list(score.box) for score in self.scores if score.differs and score.box},
        }


def may_be_pictured(page: int, changes: Sequence[Change]) -> bool:
    """Whether the original's page may be shown, after what was taken out of the file."""
    return len(changes) < MAX_CHANGES and not any(
        change.kind in HIDING and change.where in ("", f"page {page}") for change in changes
    )


class Comparison:
    """One original, one rebuilt file. Descriptors stay the caller's; ``name`` and types as in the verdict. ``sides``:
    of which files there may be pictures."""

    def __init__(
        self, jails: Jails, original: Source, rebuilt: Source, name: str, types: tuple[str, str],
        changes: Sequence[Change], sides: Collection[Side],
    ) -> None:  # fmt: skip
        self._limits = jails.limits
        self._errands = Errands(jails, patient=True)
        self._files: tuple[Source, Source] = (original, rebuilt)
        self._name = name
        self._types = types
        self._changes = changes
        self._sides = sides
        self._scores: list[PageScore] = []
        self._made: list[PagePicture] = []

    async def compare(self) -> Compared | None:
        """The comparison; None where one of the files cannot be drawn. Raises ``Unavailable`` of the supervisor."""
        of = first = 0
        while first < self._limits.compared_pages and self._errands.cpu_seconds < self._limits.compared_seconds:
            totals = await self._step(first)
            if totals is None:
                break
            of = max(totals)
            first += self._limits.drawn_at_once
            if first >= min(totals):
                self._missing(*totals)
                break
        return Compared(tuple(self._scores), max(of, len(self._scores)), tuple(self._made)) if self._scores else None

    async def _step(self, first: int) -> tuple[int, int] | None:
        """Compare the pages from ``first`` (from 0) on; how many pages each file has. None: nothing came of it."""
        original = await self._drawn(0, first)
        if original is None:
            return None
        try:
            rebuilt = await self._drawn(1, first)
            if rebuilt is None:
                return None
            try:
                return await self._judged(original, rebuilt, first)
            finally:
                os.close(rebuilt.descriptor)
        finally:
            os.close(original.descriptor)

    async def _drawn(self, which: Literal[0, 1], first: int) -> Source | None:
        most = _HEAD.size + self._limits.drawn_at_once * (4 + 3 * self._limits.drawn_side**2)
        file, mime, name = self._files[which], self._types[which], "" if which else self._name
        return await self._errands.made("draw", mime, file, most, first=first, name=name)

    async def _judged(self, original: Source, rebuilt: Source, first: int) -> tuple[int, int] | None:
        most = self._limits.drawn_at_once * _RESULT.size
        found = await self._errands.made("compare", PIXELS, original, most, second=rebuilt)
        totals = _total(original), _total(rebuilt)
        if found is None:
            return None
        fresh = list(_scores(taken_bytes(found), first + 1, self._limits.compared_pages))
        for score in fresh:
            pictured = len({picture.page for picture in self._made})
            if score.differs and pictured < self._limits.compared_pictures:
                await self._picture(original, rebuilt, score.page, score.page - first - 1)
        self._scores += fresh
        return totals

    async def _picture(self, original: Source, rebuilt: Source, page: int, place: int) -> None:
        drawings: list[tuple[Side, Source]] = [("rebuilt", rebuilt)]
        if may_be_pictured(page, self._changes):
            drawings.insert(0, ("original", original))
        for side, drawing in drawings:
            if side not in self._sides:
                continue
            made = await self._errands.made("picture", PIXELS, drawing, self._limits.thumbnail_bytes, first=place)
            if made is not None:
                png = taken_bytes(made)
                if await self._errands.verified(png, "image/png"):
                    self._made.append(PagePicture(page, side, png))

    def _missing(self, one: int, other: int) -> None:
        """Pages that only one of the files has are like nothing."""
        last = min(max(one, other), self._limits.compared_pages)
        for page in range(len(self._scores) + 1, last + 1):
            self._scores.append(PageScore(page, 0.0, True, None))


def _total(drawing: Source) -> int:
    """How many pages a drawing says its file has; at least 0, whatever it says."""
    head = os.pread(drawing.descriptor, _HEAD.size, 0)
    return int(_HEAD.unpack(head)[1]) if len(head) == _HEAD.size else 0


def _scores(untrusted: bytes, first: int, last: int) -> Iterator[PageScore]:
    """What the comparing jail found, as far as it is in range."""
    for number, fields in enumerate(_RESULT.iter_unpack(untrusted[: len(untrusted) // _RESULT.size * _RESULT.size])):
        likeness, differs, left, top, right, bottom = fields
        if likeness > _WHOLE or differs > 1 or first + number > last:
            return
        box = (left, top, right, bottom) if left < right <= 1000 and top < bottom <= 1000 else None
        yield PageScore(first + number, likeness / _WHOLE, bool(differs), box)
