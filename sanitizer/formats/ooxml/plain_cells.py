"""Plain cells and rows of a sheet, taken out of the text before it becomes a tree: a large table is little else.

Rules kept here:

- A run is taken out if each cell of it is spelled as programs spell them and as the table allows: a reference, a style
  and a type in this order, and a value of ASCII without references; in a run of rows, each row has its number and its
  span. What is spelled otherwise, has a formula or a text of its own stays for the walk.
- The spelling means what it seems to mean only in a text that declares the prefix once, for workbooks, and is without
  comments, sections or declarations in which it would be text; another text stays whole.
- A mark is left in the place of a run. What it stands for is written inside of a row or a sheet alone, and once.

Measured: 0.4 µs a cell instead of 7 for a tree and a walk.

Source: docs/grammar-ooxml.md, sections 2 and 3; ECMA-376 part 1, 18.3.1.4 and 18.3.1.73.

>>> space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
>>> text, plain = taken_out(b'<worksheet xmlns="%b"><row ht="9"><c r="A1" t="s"><v>1</v></c></row></worksheet>' % space)
>>> plain.written
['<x:c r="A1" t="s"><x:v>1</x:v></x:c>']
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from sanitizer.formats.ooxml.facts import ENUMS, NAMESPACES, TYPES, Type, source

_SPACE = "urn:sekisho:plain-cells"
_NEVER = (b"<!", b"<?", _SPACE.encode())
_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^<>]*\?>)?\s*<[^<>]*>")
_OURS = re.compile(rb"\sxmlns(:[A-Za-z]{1,8})?=[\"']" + re.escape(NAMESPACES["x"].encode()) + rb"[\"']")
_TYPES = "|".join(sorted(ENUMS["x:ST_CellType"] - {"inlineStr"}))
_CELL, _ROW = TYPES["x:CT_Cell"], TYPES["x:CT_Row"]
_MARKS = {_ROW: f"{{{_SPACE}}}cells", TYPES["x:CT_SheetData"]: f"{{{_SPACE}}}rows"}
_SPELLED = {"r": "token", "s": "num", "t": "enum:x:ST_CellType"}, {"r": "num", "spans": "token"}

if any(not spelled.items() <= {*of.attributes.values()} for spelled, of in zip(_SPELLED, (_CELL, _ROW), strict=True)):
    raise ValueError("the table does not allow what is taken out")
if _CELL.children[source("x:v")][1].text != "text":
    raise ValueError("the table does not allow what is taken out")


@cache
def _runs(prefix: str) -> re.Pattern[bytes]:
    """Runs of rows, and of cells in other rows. ``prefix``: the one of workbooks, with its colon, or none."""
    cell = (
        rf'<{prefix}c r="[A-Z]{{1,3}}[1-9][0-9]{{0,6}}"(?: s="[0-9]{{1,9}}")?(?: t="(?:{_TYPES})")?'
        rf"(?:/>|><{prefix}v>[ !-%'-;=?-~]+</{prefix}v></{prefix}c>)"
    )
    row = rf'<{prefix}row r="[0-9]{{1,7}}"(?: spans="[0-9]{{1,5}}:[0-9]{{1,5}}")?>(?:{cell})+</{prefix}row>'
    return re.compile(f"(?:{row})+|(?:{cell})+".encode())


_runs(""), _runs("x:")


@dataclass(slots=True)
class PlainCells:
    """The runs of a sheet as they are written, and how many elements that are."""

    prefix: bytes = b""
    written: list[str] = field(default_factory=list)
    elements: int = 0

    def put(self, found: re.Match[bytes]) -> bytes:
        """The mark in the place of a run."""
        run, prefix = found[0], self.prefix
        self.elements += run.count(b"<") - run.count(b"</")
        if prefix != b"x:":
            run = run.replace(b"</" + prefix, b"\0").replace(b"<" + prefix, b"<x:").replace(b"\0", b"</x:")
        self.written.append(run.decode("ascii"))
        name = b"rows" if run.startswith(b"<x:row ") else b"cells"
        return b'<%b xmlns="%b" n="%d"/>' % (name, _SPACE.encode(), len(self.written) - 1)

    def take(self, of: Type, mark: str, number: str | None) -> str | None:
        """What a mark inside of a type stands for, nothing the second time; None for what is no mark there."""
        if _MARKS.get(of) != mark or number is None or not number.isdecimal():
            return None
        at = int(number)
        if at >= len(self.written):
            return None
        run, self.written[at] = self.written[at], ""
        return run


def taken_out(text: bytes) -> tuple[bytes, PlainCells]:
    """The text of a sheet with marks in the place of plain cells, and what they stand for."""
    head = _HEAD.match(text)
    ours = _OURS.search(head[0]) if head is not None else None
    if head is None or ours is None or any(text.find(word, head.end()) >= 0 for word in _NEVER):
        return text, PlainCells()
    colon = ours[1] or b""
    if len(re.findall(rb"\sxmlns" + colon + rb"\s*=", text)) != 1:
        return text, PlainCells()
    plain = PlainCells(colon[1:] + b":" if colon else b"")
    return _runs(plain.prefix.decode("ascii")).sub(plain.put, text), plain
