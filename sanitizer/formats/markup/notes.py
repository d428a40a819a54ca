"""What the rebuild of a document in markup took out and altered, counted while it runs; and how characters are written.

>>> notes = Notes(); notes.removed("javascript"); notes.removed("javascript"); notes.lists()
([Change(kind='javascript', count=2, where='')], [])
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from sanitizer.formats.base import Change
from sanitizer.formats.image_kinds import KINDS as PICTURE_KINDS
from sanitizer.formats.markup.kinds import KINDS

BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# also what XML and HTML cannot hold, and the surrogates that stand for damaged bytes
_NONCHARACTERS = "".join(chr((plane << 16) + low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF))
CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff" + _NONCHARACTERS + "]"
)


class Notes:
    """Counts by kind; ``lists`` gives them in the order of ``KINDS``, what can act first."""

    def __init__(self, kinds: Iterable[str] = KINDS) -> None:
        self._order = {kind: at for at, kind in enumerate([*kinds, *PICTURE_KINDS])}
        self._removed: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()

    def removed(self, kind: str, count: int = 1) -> None:
        """Notes that something was taken out."""
        self._removed[kind] += count

    def changed(self, kind: str, count: int = 1) -> None:
        """Notes that something was altered."""
        self._changed[kind] += count

    def take(self, removed: Iterable[Change], changed: Iterable[Change]) -> None:
        """Adds what the rebuild of a part says."""
        for change in removed:
            self._removed[change.kind] += change.count
        for change in changed:
            self._changed[change.kind] += change.count

    def lists(self) -> tuple[list[Change], list[Change]]:
        """``removed`` and ``changed`` for ``Rebuilt``."""
        return self._listed(self._removed), self._listed(self._changed)

    def _listed(self, counts: Counter[str]) -> list[Change]:
        last = len(self._order)
        kinds = sorted((kind for kind in counts if counts[kind]), key=lambda kind: (self._order.get(kind, last), kind))
        return [Change(kind, counts[kind]) for kind in kinds]

    def clean(self, text: str) -> str:
        """Characters as they may leave: no controls, no characters that reorder text; line ends are LF."""
        if CONTROLS.search(text):
            text, count = CONTROLS.subn("", text)
            self.removed("control-characters", count)
        if BIDI.search(text):
            text, count = BIDI.subn("", text)
            self.removed("bidi-controls", count)
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")


def escaped(text: str) -> str:
    """Text as it stands in canonical markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoted(value: str) -> str:
    """An attribute's value as it stands between its quotes."""
    return escaped(value).replace('"', "&quot;")
