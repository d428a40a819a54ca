"""What a rebuilt OpenDocument file says: its words, for search and for a reader who wants them alone.

Rules kept here:

- A line for each paragraph, a line for each row of a sheet with a tab between cells; notes and comments where they
  stand.
- A cell that shows a number otherwise than it is, is followed by the number: it is searched for My Numbers.
- Headers and footers come after the content. Only rebuilt files are read, and no further than the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from sanitizer.formats.odf.facts import source, sources
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.formats.package.xml_source import parse
from sanitizer.limits import Limits

_PARAGRAPHS = sources("text:p text:h loext:p")
_ROWS, _SHEETS = sources("table:table-row loext:table-row"), source("office:spreadsheet")
_CELLS = sources("table:table-cell table:covered-table-cell")
_REPEATED, _VALUE = source("table:number-columns-repeated"), source("office:value")
_SPACE, _SPACES, _TAB, _BREAK = source("text:s"), source("text:c"), source("text:tab"), source("text:line-break")
_READING = source("text:ruby-text")
_REST = sources("style:master-page")
_MANY = 1000  # repeated cells and spaces that are written out


def text(data: bytes, limits: Limits) -> str:
    """The words of a rebuilt file, at most ``limits.text_bytes`` bytes of them."""
    archive = Archive(data, Budget(limits.max_inflated, limits.max_objects))
    out: list[str] = []
    left = limits.text_bytes
    for line in _all_lines(archive):
        left -= len(line.encode("utf-8")) + 1
        if left < 0:
            break
        out.append(f"{line}\n")
    return "".join(out)


def _all_lines(archive: Archive) -> Iterator[str]:
    content, styles = (parse(archive.read(name) or b"") for name in ("content.xml", "styles.xml"))
    if content is not None:
        sheets = next(content.iter(_SHEETS), None)
        yield from _rows(sheets) if sheets is not None else _lines(content)
        if content.tag == source("math:math"):
            yield from filter(None, ["".join(e.text or "" for e in content.iter(source("math:annotation"))).strip()])
    for page in styles.iter(*_REST) if styles is not None else ():
        yield from _lines(page)


def _lines(root: etree._Element) -> Iterator[str]:
    for e in root.iter(*_PARAGRAPHS):
        line = words(e).strip()
        if line:
            yield line


def _rows(sheets: etree._Element) -> Iterator[str]:
    for row in sheets.iter(*_ROWS):
        cells: list[str] = []
        for cell in row.iterchildren(*_CELLS):
            said = " ".join(filter(None, (words(e) for e in cell.iterfind(source("text:p")))))
            said = _with_number(cell, said)
            repeated = cell.get(_REPEATED) or "1"
            cells.extend([said] * min(int(repeated), _MANY))
        line = "\t".join(cells).rstrip("\t")
        if line:
            yield line
        yield from (said for cell in row.iterchildren(*_CELLS) for said in _elsewhere(cell))


def _with_number(cell: etree._Element, said: str) -> str:
    """What a cell shows, and its whole number where the format shows other digits."""
    value = cell.get(_VALUE) or ""
    return f"{said} {value}".strip() if value.isdigit() and value not in re.sub(r"\D", "", said) else said


def _elsewhere(cell: etree._Element) -> Iterator[str]:
    """What comments and shapes of a cell say."""
    for child in cell:
        if child.tag not in _PARAGRAPHS:
            yield from _lines(child)


def words(e: etree._Element) -> str:
    """What stands in an element, without readings, and without the paragraphs of frames and notes inside it."""
    said = [e.text or ""]
    for child in e:
        if child.tag == _SPACE:
            said.append(" " * min(int(child.get(_SPACES) or "1"), _MANY))
        elif child.tag == _TAB:
            said.append("\t")
        elif child.tag == _BREAK:
            said.append(" ")
        elif child.tag not in _PARAGRAPHS and child.tag != _READING:
            said.append(words(child))
        said.append(child.tail or "")
    return "".join(said)
