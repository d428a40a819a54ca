"""What is taken out of a package and changed in it, counted while it is rebuilt.

Rules kept here:

- Only kinds of the format's own table are counted; no string of a file is kept.

>>> report = PackageReport({"macro": ("マクロ", "macros")}, frozenset())
>>> report.add("macro", 2)
>>> report.changes()
([Change(kind='macro', count=2, where='')], [])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sanitizer.formats.base import Change


class PackageReport:
    """Counts by kind and place. ``kinds``: slug → words, in the order of the report; ``changed``: those of them that
    are changes, not removals; ``place`` is "" or "sheet N" and set while walking."""

    def __init__(self, kinds: Mapping[str, tuple[str, str]], changed: frozenset[str]) -> None:
        self.place = ""
        self._order = {kind: number for number, kind in enumerate(kinds)}
        self._changed = changed
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, kind: str, count: int = 1) -> None:
        """``count`` things of ``kind`` go, or change, at the current place. Nothing for the empty kind."""
        if kind:
            if kind not in self._order:
                raise KeyError(kind)
            self._counts[kind, self.place] += count

    def changes(self) -> tuple[list[Change], list[Change]]:
        """(removed, changed), in the order of the kinds (what can act first), then by place."""
        order = self._order
        keys = sorted((key for key, n in self._counts.items() if n), key=lambda k: (order[k[0]], len(k[1]), k[1]))
        removed: list[Change] = []
        changed: list[Change] = []
        for kind, place in keys:
            made = Change(kind, min(self._counts[kind, place], 2**32 - 1), place)
            (changed if kind in self._changed else removed).append(made)
        return removed, changed
