"""Names of members (§1 and §4 of the grammar): every name says what the member is.

Rules kept here:

- The folder of the main part decides which names there are.
- The numbers of a kind have no gap; pictures of all types share one numbering.

>>> Names("document").part("word/header12.xml").kind
'header'
>>> Names("document").part("word/header012.xml") is Names("document").part("xl/workbook.xml") is None
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from sanitizer.verify.ooxml.checks import demand
from sanitizer.verify.ooxml.table import FOLDERS, TABLE

PICTURES = ("png", "jpeg", "gif", "bmp", "tiff")
_NUMBER = re.compile(r"(?<=[A-Za-z])([1-9][0-9]{0,5})(?=\.[a-z]+\Z)")


@dataclass(frozen=True, slots=True)
class Place:
    """What a name says: the kind of the part, the last step of the type that leads to it, its number (0: has none)."""

    kind: str
    relation: str
    number: int = 0


class Names:
    """The names of a package whose main part is of this kind."""

    def __init__(self, main: str) -> None:
        self.folder = FOLDERS[main]
        self.paths = _paths(self.folder)

    def part(self, name: str) -> Place | None:
        """What a part of this name is; None if there is no such name."""
        found = self.paths.get(name)
        if found is not None:
            return Place(*found)
        digits = _NUMBER.search(name)
        found = self.paths.get(_NUMBER.sub("{n}", name)) if digits else None
        return Place(*found, int(digits[1])) if found and digits else None


@cache
def _paths(folder: str) -> dict[str, tuple[str, str]]:
    paths = {
        part.path.replace("{a}", folder): (part.kind, part.relation)
        for part in TABLE.parts.values()
        if part.path.startswith((folder + "/", "{a}/"))
    }
    paths |= {f"{folder}/media/image{{n}}.{extension}": ("image", "image") for extension in PICTURES}
    paths[f"{folder}/embeddings/workbook{{n}}.xlsx"] = ("workbookPackage", "package")
    paths["xl/drawings/vmlDrawing{n}.vml"] = ("noteShapes", "vmlDrawing")
    return {path: place for path, place in paths.items() if path.startswith(folder + "/")}


def check_numbers(places: Iterable[Place]) -> None:
    """``Violation`` if the numbers of a kind are not 1, 2, 3 …"""
    numbers: dict[str, list[int]] = {}
    for place in places:
        if place.number:
            numbers.setdefault(place.kind, []).append(place.number)
    for found in numbers.values():
        demand(sorted(found) == list(range(1, len(found) + 1)), "part-numbers")
