"""What a rebuilt package says: its words, for search and for a reader who wants them alone.

Rules kept here:

- A line for each paragraph, a line for each row with a tab between cells; notes and comments after what they belong to.
- Only rebuilt packages are read, and no further than the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from sanitizer.formats.ooxml.facts import source
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.formats.package.xml_source import parse
from sanitizer.limits import Limits

_PARTS = re.compile(
    r"word/(?:document|footnotes|endnotes|comments|header\d+|footer\d+)\.xml|xl/(?:worksheets/sheet|comments)\d+\.xml"
    r"|ppt/(?:slides/slide|notesslides/notesslide|comments/comment)\d+\.xml"
)
_PARAGRAPHS = frozenset(source(name) for name in ("w:p", "a:p", "x:row", "x:comment", "p:text"))
_WORDS = frozenset(source(name) for name in ("w:t", "a:t", "x:t", "p:text"))
_TABS = frozenset(source(name) for name in ("w:tab", "w:tc"))
_BREAKS = frozenset(source(name) for name in ("w:br", "w:cr", "a:br"))
_CELL, _VALUE, _INLINE, _ITEM = source("x:c"), source("x:v"), source("x:is"), source("x:si")
_PHONETIC = source("x:rPh")


def text(data: bytes, limits: Limits) -> str:
    """The words of a rebuilt package, at most ``limits.text_bytes`` bytes of them."""
    archive = Archive(data, Budget(limits.max_inflated, limits.max_objects))
    strings = strings_of(archive)
    out: list[str] = []
    left = limits.text_bytes
    for name in sorted((one for one in archive.members if _PARTS.fullmatch(one)), key=order):
        for line in _lines(tree(archive, name), strings):
            left -= len(line.encode("utf-8")) + 1
            if left < 0:
                return "".join(out)
            out.append(f"{line}\n")
    return "".join(out)


def strings_of(archive: Archive) -> list[str]:
    """The shared strings of a workbook."""
    return [words(item) for item in tree(archive, "xl/sharedstrings.xml").iter(_ITEM)]


def order(name: str) -> tuple[bool, int, bool, str]:
    """Sorts parts as they are read: the document first, then by their numbers."""
    number = re.search(r"\d+", name)
    return name != "word/document.xml", int(number[0]) if number else 0, "comment" in name or "notes" in name, name


def tree(archive: Archive, name: str) -> etree._Element:
    """The root of a part; an empty element where there is none."""
    data = archive.read(name)
    root = parse(data) if data else None
    return root if root is not None else etree.Element("none")


def _lines(root: etree._Element, strings: list[str]) -> Iterator[str]:
    if root.tag == source("x:worksheet"):
        for row in root.iter(source("x:row")):
            line = "\t".join(_cell(cell, strings) for cell in row.iter(_CELL)).rstrip("\t")
            if line:
                yield line
        return
    for e in root.iter(*_PARAGRAPHS):
        line = words(e).strip()
        if line:
            yield line


def _cell(cell: etree._Element, strings: list[str]) -> str:
    inline = cell.find(_INLINE)
    if inline is not None:
        return words(inline)
    value = cell.findtext(_VALUE) or ""
    if cell.get("t") == "s":
        return strings[int(value)] if value.isdigit() and int(value) < len(strings) else ""
    return value


def words(e: etree._Element) -> str:
    """What stands in an element, without readings, and without the paragraphs of text boxes inside it."""
    said: list[str] = []
    if e.tag in _WORDS:
        said.append(e.text or "")
    for child in e:
        if child.tag in _BREAKS:
            said.append(" ")
        elif child.tag in _TABS:
            said.append("\t")
        elif child.tag not in _PARAGRAPHS and child.tag != _PHONETIC:
            said.append(words(child))
    return "".join(said)
