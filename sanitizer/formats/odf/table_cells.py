"""The tables of a rebuilt file: each sheet of a spreadsheet, each table of a text or of slides; and its pictures.

Rules kept here:

- Cells are what they hold, as characters: numbers with at most 15 digits, dates and times in ISO 8601, TRUE and FALSE,
  else their words.
- A merged cell stands in its first place, the others are empty. Empty rows and columns before a cell stay, so that a
  place in the table is a place in the sheet.
- Bounded in cells; what is beyond is left out.

Source: OASIS OpenDocument 1.3 part 3, 9.1 (tables), 19.369-19.386 (values of cells).
"""

from __future__ import annotations

import re

from lxml import etree

from sanitizer.formats.base import Picture, Table
from sanitizer.formats.image_open import signature_type
from sanitizer.formats.odf.extraction import words
from sanitizer.formats.odf.facts import source, sources
from sanitizer.formats.package.media import BLANK
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.formats.package.xml_source import parse
from sanitizer.limits import Limits

MOST_COLUMNS = 16_384
MOST_GAP = 10_000  # empty rows in a row
_TABLES = sources("table:table loext:table")
_ROWS = sources("table:table-row loext:table-row")
_CELLS = sources("table:table-cell table:covered-table-cell loext:table-cell loext:covered-table-cell")
_COVERED = sources("table:covered-table-cell loext:covered-table-cell")
_KIND, _VALUE = source("office:value-type"), source("office:value")
_DATE, _TIME, _TRUTH = (source(f"office:{name}-value") for name in ("date", "time", "boolean"))
_ACROSS, _DOWN = source("table:number-columns-repeated"), source("table:number-rows-repeated")
_DURATION = re.compile(r"PT([0-9]{1,6})H([0-9]{1,2})M([0-9]{1,2})(?:[.,][0-9]*)?S")
_PICTURE = re.compile(r"(?:part[0-9]+/)?pictures/image[0-9]+\.[a-z]+")


def tables(data: bytes, limits: Limits) -> list[Table]:
    """All tables of a rebuilt file, in its order."""
    archive = Archive(data, Budget(limits.max_inflated, limits.max_objects))
    root = parse(archive.read("content.xml") or b"")
    left = [limits.max_objects]
    return [_table(one, left) for one in root.iter(*_TABLES)] if root is not None else []


def pictures(data: bytes, limits: Limits) -> list[Picture]:
    """All pictures of a rebuilt file but drawings and the empty ones that stand where one could not be rebuilt."""
    archive = Archive(data, Budget(limits.max_inflated, limits.max_objects))
    found: dict[bytes, str] = {}
    for name in sorted((one for one in archive.members if _PICTURE.fullmatch(one)), key=lambda one: (len(one), one)):
        picture = archive.read(name) or b""
        mime = signature_type(picture)
        if mime and picture != BLANK:
            found.setdefault(picture, mime)
    return [Picture(mime, picture) for picture, mime in found.items()]


def _table(table: etree._Element, left: list[int]) -> Table:
    """The rows of a table; ``left`` counts down the cells that may still be written. Tables inside it come by
    themselves."""
    rows: Table = []
    for row in table.iter(*_ROWS):
        if next(row.iterancestors(*_TABLES)) is not table:
            continue
        cells = _cells(row, left)
        times = _count(row, _DOWN, MOST_GAP)
        if cells:
            times = min(times, max(left[0] // len(cells), 1))
            left[0] -= (times - 1) * len(cells)
        rows += [list(cells) for _ in range(times)]
        if left[0] <= 0:
            break
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _cells(row: etree._Element, left: list[int]) -> list[str]:
    """The cells of a row, without the empty ones at its end."""
    cells: list[str] = []
    empty = 0
    for cell in row.iterchildren(*_CELLS):
        said = "" if cell.tag in _COVERED else _said(cell)
        times = _count(cell, _ACROSS, MOST_COLUMNS)
        if not said:
            empty += times
            continue
        left[0] -= empty + times
        if left[0] < 0 or len(cells) + empty + times > MOST_COLUMNS:
            break
        cells += [""] * empty + [said] * times
        empty = 0
    return cells


def _said(cell: etree._Element) -> str:
    kind = cell.get(_KIND)
    number, date, time = cell.get(_VALUE), cell.get(_DATE), cell.get(_TIME)
    if kind in ("float", "percentage", "currency") and number:
        return _numeral(number)
    if kind == "date" and date:
        return date.replace("T", " ").removesuffix(" 00:00:00")
    if kind == "time" and time and (parts := _DURATION.fullmatch(time)):
        return ":".join(part.zfill(2) for part in parts.groups())
    if kind == "boolean" and cell.get(_TRUTH):
        return str(cell.get(_TRUTH)).upper()
    paragraphs = (words(e).strip() for e in cell.iter(*sources("text:p text:h")) if _stands_in(e, cell))
    return "\n".join(paragraphs).strip()


def _stands_in(e: etree._Element, cell: etree._Element) -> bool:
    """True for a paragraph of the cell itself, not of a table or a comment in it."""
    return next(e.iterancestors(*_CELLS, source("office:annotation"))) is cell


def _numeral(value: str) -> str:
    try:
        return f"{float(value):.15g}" if abs(float(value)) < 1e15 else value
    except (ValueError, OverflowError):
        return value


def _count(e: etree._Element, attribute: str, most: int) -> int:
    stated = e.get(attribute) or "1"
    return min(max(int(stated), 1), most) if stated.isascii() and stated.isdigit() else 1
