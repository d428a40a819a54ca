"""The tables of a rebuilt package: each worksheet of a workbook, each table of a document or of slides.

Rules kept here:

- Cells are what a reader sees, as characters: numbers with at most 15 digits, as Excel shows them, dates and times in
  ISO 8601 by the format of their cell, TRUE and FALSE.
- A merged cell stands in its first place, the others are empty. Empty rows and columns before a cell stay, so that a
  place in the table is a place in the sheet.
- Bounded in cells; what is beyond is left out.

Source: ECMA-376 part 1, 17.4 (w:tbl), 18.3.1 (sheetData), 18.8.30 (numFmt), 21.1.3 (a:tbl).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from lxml import etree

from sanitizer.formats.base import Table
from sanitizer.formats.ooxml.extraction import order, strings_of, tree, words
from sanitizer.formats.ooxml.facts import source
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.limits import Limits

MOST_COLUMNS = 16_384
MOST_GAP = 10_000  # empty rows in a row
_SHEET = re.compile(r"xl/worksheets/sheet\d+\.xml")
_TEXTS = re.compile(r"word/document\.xml|ppt/slides/slide\d+\.xml")
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
# 18.8.30: built-in formats that are dates or times, those of Japanese Excel too
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_TIMES = frozenset((18, 19, 20, 21, 32, 33, 45, 46, 47))
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)


def tables(data: bytes, limits: Limits) -> list[Table]:
    """All tables of a rebuilt package, in its order."""
    archive = Archive(data, Budget(limits.max_inflated, limits.max_objects))
    left = [limits.max_objects]
    found: list[Table] = []
    sheets = sorted((one for one in archive.members if _SHEET.fullmatch(one)), key=order)
    if sheets:
        book = _Book(archive)
        found += [book.table(tree(archive, name), left) for name in sheets]
    for name in sorted((one for one in archive.members if _TEXTS.fullmatch(one)), key=order):
        root = tree(archive, name)
        found += [_rows(table, "w", left) for table in root.iter(source("w:tbl"))]
        found += [_rows(table, "a", left) for table in root.iter(source("a:tbl"))]
    return found


class _Book:
    """What the cells of a workbook refer to: its strings, and which formats are dates."""

    def __init__(self, archive: Archive) -> None:
        self._strings = strings_of(archive)
        about = tree(archive, "xl/workbook.xml").find(source("x:workbookPr"))
        of_1904 = about is not None and about.get("date1904") in ("1", "true")
        self._start = datetime(1904, 1, 1) if of_1904 else datetime(1899, 12, 30)  # noqa: DTZ001  (sheets have no zone)
        self._styles = list(_styles(tree(archive, "xl/styles.xml")))

    def table(self, root: etree._Element, left: list[int]) -> Table:
        """The rows of a worksheet; ``left`` counts down the cells that may still be written."""
        rows: Table = []
        for row in root.iter(source("x:row")):
            number = _number(row.get("r"), len(rows) + 1)
            rows += [[] for _ in range(min(number - 1 - len(rows), MOST_GAP))]
            cells: list[str] = []
            for cell in row.iter(source("x:c")):
                column = _column(cell.get("r"), len(cells))
                left[0] -= 1 + max(0, column - len(cells))
                if left[0] < 0:
                    return rows
                cells += [""] * (column - len(cells))
                cells.append(self._shown(cell))
            rows.append(cells)
        return _trimmed(rows)

    def _shown(self, cell: etree._Element) -> str:
        inline = cell.find(source("x:is"))
        if inline is not None:
            return words(inline)
        value, kind = cell.findtext(source("x:v")) or "", cell.get("t", "n")
        if kind == "s":
            at = _number(value, -1)
            return self._strings[at] if 0 <= at < len(self._strings) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        return self._numeral(value, _number(cell.get("s"), 0)) if kind == "n" else value

    def _numeral(self, value: str, style: int) -> str:
        """A number as its format has it: a date, a time, or digits."""
        try:
            number = float(value)
            how = self._styles[style] if 0 <= style < len(self._styles) else ""
            if how and 0 <= number < 2_958_466:  # the day after 9999-12-31
                return _moment(self._start, number, how)
            return f"{number:.15g}" if abs(number) < 1e15 else value
        except (ValueError, OverflowError):
            return value


def _styles(root: etree._Element) -> Iterator[str]:
    """For each cell style "date", "time", or empty."""
    own = {e.get("numFmtId"): e.get("formatCode") or "" for e in root.iter(source("x:numFmt"))}
    formats = root.find(source("x:cellXfs"))
    for style in formats if formats is not None else ():
        number = style.get("numFmtId", "0")
        if number in own:
            yield _kind(own[number])
        else:
            known = _number(number, 0)
            yield ("time" if known in _TIMES else "date") if known in _DATES else ""


def _kind(code: str) -> str:
    """What a format code shows: a date, only a time, or neither (18.8.31)."""
    bare = _LITERAL.sub("", code.split(";")[0]).lower()
    if re.search(r"[ydeg]|m{3,}", bare) and "general" not in bare:
        return "date"
    return "time" if re.search(r"[hs]", bare) else "date" if re.fullmatch(r"[^0#?]*m[^0#?]*", bare) else ""


def _moment(start: datetime, number: float, how: str) -> str:
    """A serial number as ISO 8601: the date, the time, or both where both say something."""
    if start.year < 1904 and number < 60:
        number += 1  # Excel counts a 29 February 1900
    at = start + timedelta(seconds=round(number * 86_400))
    if how == "time" and number < 2:
        return at.strftime("%H:%M:%S")
    return at.strftime("%Y-%m-%d %H:%M:%S" if at.hour or at.minute or at.second else "%Y-%m-%d")


def _rows(table: etree._Element, prefix: str, left: list[int]) -> Table:
    """A table of a document (``w``) or of a slide (``a``); tables inside it come by themselves."""
    rows: Table = []
    for row in table.iter(source(f"{prefix}:tr")):
        if next(row.iterancestors(source(f"{prefix}:tbl"))) is not table:
            continue
        cells: list[str] = []
        for cell in row.iter(source(f"{prefix}:tc")):
            if next(cell.iterancestors(source(f"{prefix}:tbl"))) is not table:
                continue
            width = _width(cell)
            left[0] -= width
            if left[0] < 0:
                return rows
            cells += [_said(cell, prefix), *[""] * (width - 1)]
        rows.append(cells)
    return rows


def _width(cell: etree._Element) -> int:
    """Columns that a cell of a document spans; the further cells of a slide's table are there, empty."""
    span = cell.find(f"{source('w:tcPr')}/{source('w:gridSpan')}")
    return min(max(_number(span.get(source("w:val")), 1), 1), 64) if span is not None else 1


def _said(cell: etree._Element, prefix: str) -> str:
    merged = cell.find(f"{source('w:tcPr')}/{source('w:vMerge')}")
    if merged is not None and merged.get(source("w:val")) != "restart":
        return ""
    paragraphs = [words(p).strip() for p in cell.iter(source(f"{prefix}:p"))]
    return "\n".join(paragraphs).strip()


def _trimmed(rows: Table) -> Table:
    """Without what is empty at the end."""
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


def _column(place: str | None, following: int) -> int:
    """The column (from 0) of a place such as ``B3``; the next one where there is none, never an earlier one."""
    found = _PLACE.fullmatch(place or "")
    if not found:
        return following
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return max(min(number, MOST_COLUMNS) - 1, following)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else otherwise
