"""The shapes of a sheet's notes (§9 of the grammar): computed from the notes, compared byte by byte; only the corners
of a note that is always shown are read.

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
_START = (
    '<v:shape fillcolor="#ffffe1" id="_x0000_s{id}" o:insetmode="auto" style="position:absolute{hidden}"'
    ' type="#_x0000_t202"><v:fill color2="#ffffe1"/><v:shadow color="black" obscured="t" on="t"/>'
    '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"/><x:ClientData ObjectType="Note">'
    "<x:MoveWithCells/><x:SizeWithCells/><x:Anchor>"
)
_END = (
    "</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column>{shown}"
    "</x:ClientData></v:shape>"
)
_ANCHOR = re.compile(rb"(?:(?:0|[1-9][0-9]{0,6}), ){7}(?:0|[1-9][0-9]{0,6})(?=<)")
_MOST = (16_383, 9_999, 1_048_575, 9_999) * 2
_COMMENT = re.compile(rb"<x:comment(?=[ />])([^<>]*)>")
_REF = re.compile(rb' ref="([A-Z]{1,3}[1-9][0-9]{0,6})"')


def refs(comments: bytes, where: str) -> list[str]:
    """The cells of the notes of a part ``sheetComments`` whose markup has been checked already."""
    found = [_REF.search(attributes) for attributes in _COMMENT.findall(comments)]
    demand(None not in found, "note-reference", where)
    return [ref[1].decode("ascii") for ref in found if ref]


def shape(index: int, ref: str, anchor: bytes | None = None) -> bytes:
    """The shape of the note with this number (from 0) at this cell; ``anchor``: that of a note that is always shown."""
    letters = ref.rstrip("0123456789")
    row, column = int(ref[len(letters) :]) - 1, 0
    for letter in letters:
        column = 26 * column + ord(letter) - 64
    column -= 1
    left, top, bottom = min(column, 16_380), max(row - 1, 0), min(row, 1_048_570)
    usual = f"{left + 1}, 15, {top}, 10, {left + 3}, 15, {bottom + 4}, 4".encode("ascii")
    hidden, shown = (";visibility:hidden", "") if anchor is None else ("", "<x:Visible/>")
    start = _START.format(id=1025 + index, hidden=hidden).encode("ascii")
    end = _END.format(row=row, column=column, shown=shown).encode("ascii")
    return start + (usual if anchor is None else anchor) + end


def check_shapes(content: bytes, cells: list[str], where: str) -> None:
    """The whole part for the notes at these cells."""
    demand(content.startswith(DECLARATION + _BEFORE), "note-shapes", where)
    at = len(DECLARATION + _BEFORE)
    for index, ref in enumerate(cells):
        expected = shape(index, ref)
        if not content.startswith(expected, at):
            expected = shape(index, ref, _shown_anchor(content, at, where))
        demand(content.startswith(expected, at), "note-shapes", where)
        at += len(expected)
    demand(content[at:] == b"</xml>", "note-shapes", where)


def _shown_anchor(content: bytes, at: int, where: str) -> bytes:
    """The anchor that the shape at this place gives: two corners within a sheet, the first before the second."""
    found = _ANCHOR.match(content, content.find(b"<x:Anchor>", at) + len(b"<x:Anchor>"))
    demand(found is not None, "note-shapes", where)
    assert found is not None
    numbers = [int(number) for number in found[0].split(b", ")]
    demand(all(number <= most for number, most in zip(numbers, _MOST, strict=True)), "note-shapes", where)
    demand(numbers[0] <= numbers[4] and numbers[2] <= numbers[6], "note-shapes", where)
    return found[0]
