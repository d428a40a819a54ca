"""The tables and pictures of a rebuilt page alone.

Rules kept here:

- A cell that spans several columns or rows stands in its first place, the others are empty (HTML 4.9.12).
- Tables inside cells come by themselves. Pictures are those inside the page, rebuilt with it, each once.

>>> tables(b"<table><tr><td colspan=2>a<tr><td>b<td>c</table>", Limits())
[[['a', ''], ['b', 'c']]]
"""

from __future__ import annotations

import base64
import binascii

from lxml import etree

from sanitizer.formats.base import Picture, Table
from sanitizer.formats.image_open import signature_type
from sanitizer.limits import Limits

_SPAN = 64  # rows or columns that a cell may span here


def tables(data: bytes, limits: Limits) -> list[Table]:
    """All tables of the page, in its order."""
    root = _parsed(data)
    return [] if root is None else [_table(table, limits.max_objects) for table in root.iter("table")]


def pictures(data: bytes, limits: Limits) -> list[Picture]:
    """All pictures that the page holds."""
    root = _parsed(data)
    found: dict[bytes, str] = {}
    for image in root.iter("img") if root is not None else ():
        picture = _carried(str(image.get("src", "")))
        mime = signature_type(picture)
        if mime:
            found.setdefault(picture, mime)
    return [Picture(mime, picture) for picture, mime in found.items()]


def _parsed(data: bytes) -> etree._Element | None:
    return etree.fromstring(data, etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True))


def _carried(address: str) -> bytes:
    """The bytes of a ``data:`` address; none for any other."""
    head, _, body = address.partition(",")
    if not (head.startswith("data:image/") and head.endswith(";base64")):
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""


def _table(table: etree._Element, most: int) -> Table:
    grid: Table = []
    below: dict[int, int] = {}  # column → further rows that a cell above reaches into it
    for row in table.iter("tr"):
        if next(row.iterancestors("table")) is not table:
            continue
        cells: list[str] = []
        for cell in row.iterchildren("td", "th"):
            _skip(cells, below)
            across, down = _span(cell, "colspan"), _span(cell, "rowspan")
            for column in range(len(cells), len(cells) + across):
                below[column] = down - 1
            cells += [_said(cell), *[""] * (across - 1)]
        _skip(cells, below)
        most -= len(cells) + 1
        if most < 0:
            break
        grid.append(cells)
    return grid


def _skip(cells: list[str], below: dict[int, int]) -> None:
    """Empty cells where a cell of an earlier row reaches."""
    while below.get(len(cells), 0) > 0:
        below[len(cells)] -= 1
        cells.append("")


def _span(cell: etree._Element, name: str) -> int:
    value = str(cell.get(name, "1"))
    return min(max(int(value), 1), _SPAN) if value.isascii() and value.isdigit() and len(value) < 6 else 1


def _said(cell: etree._Element) -> str:
    """The words of a cell, one blank between them, without those of tables inside it."""
    texts = [cell.text or ""]
    for child in cell.iterdescendants():
        if next(child.iterancestors("td", "th")) is cell and child.tag != "table":
            texts += ["\n" if child.tag in ("br", "p", "div", "li") else "", child.text or ""]
        if child.getparent() is not None and next(child.iterancestors("td", "th")) is cell:
            texts.append(child.tail or "")
    return "\n".join(" ".join(line.split()) for line in "".join(texts).split("\n") if line.strip())
