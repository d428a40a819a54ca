"""The shapes of a sheet's notes, drawn anew (docs/grammar-ooxml.md, section 9).

Rules kept here:

- A note that shows only under the pointer gets the shape that follows from its cell.
- A note that is always shown keeps its corners and nothing else; corners that cannot be are taken for none.

>>> note_shapes([(0, 0)], {}).count(b"visibility:hidden")
1
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lxml import etree

from sanitizer.formats.package.xml_text import HEAD

Cell = tuple[int, int]  # row and column, from 0
Corners = tuple[int, ...]  # column, offset, row, offset of the first corner, then of the second; offsets in pixels

_MOST = (16_383, 9_999, 1_048_575, 9_999) * 2
_EXCEL = "{urn:schemas-microsoft-com:office:excel}"
_SHAPES = (
    '<xml xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"><v:shapetype coordsize="21600,21600" id="_x0000_t202" '
    'o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
    '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>{shapes}</xml>'
)
_SHAPE = (
    '<v:shape fillcolor="#ffffe1" id="_x0000_s{number}" o:insetmode="auto" style="position:absolute{hidden}" '
    'type="#_x0000_t202"><v:fill color2="#ffffe1"/><v:shadow color="black" obscured="t" on="t"/>'
    '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"/><x:ClientData ObjectType="Note">'
    "<x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill>"
    "<x:Row>{row}</x:Row><x:Column>{column}</x:Column>{shown}</x:ClientData></v:shape>"
)


def note_shapes(cells: Iterable[Cell], shown: Mapping[Cell, Corners]) -> bytes:
    """The part that draws the notes of these cells."""
    shapes = "".join(_shape(1025 + number, cell, shown.get(cell)) for number, cell in enumerate(cells))
    return (HEAD + _SHAPES.format(shapes=shapes)).encode("ascii")


def _shape(number: int, cell: Cell, corners: Corners | None) -> str:
    row, column = cell
    left, top, bottom = min(column, 16_380), max(row - 1, 0), min(row, 1_048_570)
    usual = (left + 1, 15, top, 10, left + 3, 15, bottom + 4, 4)
    hidden, visible = ("", "<x:Visible/>") if corners else (";visibility:hidden", "")
    anchor = ", ".join(map(str, corners or usual))
    return _SHAPE.format(number=number, hidden=hidden, anchor=anchor, row=row, column=column, shown=visible)


def shown_notes(root: etree._Element) -> dict[Cell, Corners]:
    """The notes of a received drawing that are always shown, with their corners."""
    found: dict[Cell, Corners] = {}
    for data in root.iter(f"{_EXCEL}ClientData"):
        if data.get("ObjectType") != "Note" or data.find(f"{_EXCEL}Visible") is None:
            continue
        row, column = (_numbers(data.findtext(f"{_EXCEL}{name}")) for name in ("Row", "Column"))
        corners = _numbers(data.findtext(f"{_EXCEL}Anchor"))
        if len(row) == len(column) == 1 and _are_corners(corners):
            found[row[0], column[0]] = corners
    return found


def _numbers(text: str | None) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"(?<![0-9-])[0-9]{1,7}(?![0-9])", text or "")))


def _are_corners(numbers: Corners) -> bool:
    if len(numbers) != 8 or any(number > most for number, most in zip(numbers, _MOST, strict=True)):
        return False
    return numbers[0] <= numbers[4] and numbers[2] <= numbers[6]
