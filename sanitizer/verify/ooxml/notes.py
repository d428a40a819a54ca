"""The shapes of a sheet's notes (§9 of the grammar): computed from the notes, compared byte by byte.

>>> shape(0, "B3").count(b"<x:Row>2</x:Row><x:Column>1</x:Column>")
1
"""

from __future__ import annotations

import re

from sanitizer.verify.ooxml.checks import demand

DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_BEFORE = (
    b'<xml xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:v="urn:schemas-microsoft-com:vml"'
    b' xmlns:x="urn:schemas-microsoft-com:office:excel"><v:shapetype coordsize="21600,21600" id="_x0000_t202"'
    b' o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
    b'<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_SHAPE = (
    '<v:shape fillcolor="#ffffe1" id="_x0000_s{id}" o:insetmode="auto" style="position:absolute;visibility:hidden"'
    ' type="#_x0000_t202"><v:fill color2="#ffffe1"/><v:shadow color="black" obscured="t" on="t"/>'
    '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"/><x:ClientData ObjectType="Note">'
    "<x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{left}, 15, {top}, 10, {right}, 15, {bottom}, 4</x:Anchor>"
    "<x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
_COMMENT = re.compile(rb"<x:comment(?=[ />])([^<>]*)>")
_REF = re.compile(rb' ref="([A-Z]{1,3}[1-9][0-9]{0,6})"')


def refs(comments: bytes, where: str) -> list[str]:
    """The cells of the notes of a part ``sheetComments`` whose markup has been checked already."""
    found = [_REF.search(attributes) for attributes in _COMMENT.findall(comments)]
    demand(None not in found, "note-reference", where)
    return [ref[1].decode("ascii") for ref in found if ref]


def shape(index: int, ref: str) -> bytes:
    """The shape of the note with this number (from 0) at this cell."""
    letters = ref.rstrip("0123456789")
    row, column = int(ref[len(letters) :]) - 1, 0
    for letter in letters:
        column = 26 * column + ord(letter) - 64
    column -= 1
    left, top, bottom = min(column, 16_380), max(row - 1, 0), min(row, 1_048_570)
    return _SHAPE.format(
        id=1025 + index, left=left + 1, top=top, right=left + 3, bottom=bottom + 4, row=row, column=column
    ).encode("ascii")


def shapes(cells: list[str]) -> bytes:
    """The whole part for the notes at these cells."""
    return DECLARATION + _BEFORE + b"".join(shape(index, ref) for index, ref in enumerate(cells)) + b"</xml>"
