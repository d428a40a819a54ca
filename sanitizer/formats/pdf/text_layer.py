"""The text of a page as an invisible layer over its picture (text mode 3), in a font without shapes.

Rules kept here:

- Text and places are read from the rebuilt document, never recognised from pixels.
- Each character used gets a code of its own; ToUnicode says what it is, so nothing depends on the font.
- A word is set at its place, stretched to its width; characters that cannot be placed are left out.

>>> TextLayer().content([Word("ab", 10.0, 20.0, 12.0, 11.0)])
b'BT\\n3 Tr\\n1 0 0 1 10 20 Tm /F 11 Tf 54.55 Tz <00010002> Tj\\nET\\n'
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass, field

import pypdfium2
import pypdfium2.raw as pdfium

from sanitizer.formats.pdf.cmaps import to_unicode
from sanitizer.formats.pdf.font_programs import sfnt
from sanitizer.formats.pdf.values import Real, spell_number

MAX_CODES = 65_000


@dataclass(slots=True)
class Word:
    """Characters set in one go: text, left end of the baseline, width and size in page units."""

    text: str
    x: float
    y: float
    width: float
    size: float


@dataclass
class TextLayer:
    """The codes used so far, over all pages."""

    codes: dict[str, int] = field(default_factory=dict)

    def content(self, words: list[Word]) -> bytes:
        """The content stream that sets ``words``."""
        lines = [line for word in words if (line := self._line(word))]
        return b"BT\n3 Tr\n" + b"".join(lines) + b"ET\n" if lines else b""

    def _line(self, word: Word) -> bytes:
        codes = [self._code(c) for c in word.text]
        hexed = b"".join([b"%04x" % c for c in codes if c])
        size = max(word.size, 0.1)
        stretch = min(max(100 * word.width / (size * len(word.text)), 1.0), 1000.0)
        place = b" ".join(_spell(x) for x in (word.x, word.y))
        return (
            b"1 0 0 1 %b Tm /F %b Tf %b Tz <%b> Tj\n" % (place, _spell(size), _spell(stretch), hexed) if hexed else b""
        )

    def _code(self, c: str) -> int:
        if c not in self.codes and len(self.codes) >= MAX_CODES:
            return 0
        return self.codes.setdefault(c, len(self.codes) + 1)

    def to_unicode(self) -> bytes:
        """The ToUnicode CMap of the codes."""
        pairs = [(code, c.encode("utf-16-be").hex().encode()) for c, code in self.codes.items()]
        entries = b" ".join([b"<%04x> <%b>" % pair for pair in pairs])
        space = b"1 begincodespacerange <0000> <ffff> endcodespacerange "
        return to_unicode(space + b"1 beginbfchar " + entries + b" endbfchar")


def _spell(x: float) -> bytes:
    return spell_number(Real(f"{x:.2f}")) or b"0"


def words_of(page: pypdfium2.PdfPage) -> list[Word]:
    """The words of a page, in the order of its text, spaces at their ends."""
    textpage = page.get_textpage()
    out: list[Word] = []
    for i in range(textpage.count_chars()):
        c = _character(textpage, i)
        if c in ("\r", "\n", "\0", "\ufffe", "\uffff", ""):
            continue
        box = _box(textpage, i)
        if box is None or box[2] <= box[0]:
            if out and c == " " and not out[-1].text.endswith(" "):
                out[-1].text += " "
            continue
        _place(out, c, box, _size(textpage, i, box))
    return out


def _place(out: list[Word], c: str, box: tuple[float, float, float, float], size: float) -> None:
    left, bottom, right, _ = box
    last = out[-1] if out else None
    if (
        last is not None
        and not last.text.endswith(" ")
        and abs(last.y - bottom) < 0.1 * size
        and abs(last.size - size) < 0.2 * size
        and -0.2 * size < left - (last.x + last.width) < 0.5 * size
    ):
        last.text += c
        last.width = max(right - last.x, last.width)
    else:
        out.append(Word(c, left, bottom, right - left, size))


def _character(textpage: pypdfium2.PdfTextPage, i: int) -> str:
    code = int(pdfium.FPDFText_GetUnicode(textpage, i))
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        return ""
    return chr(code)


def _box(textpage: pypdfium2.PdfTextPage, i: int) -> tuple[float, float, float, float] | None:
    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(textpage, i, ctypes.byref(rect)):
        return None
    return rect.left, rect.bottom, rect.right, rect.top


def _size(textpage: pypdfium2.PdfTextPage, i: int, box: tuple[float, float, float, float]) -> float:
    return max(box[3] - box[1], 0.1)


def empty_font() -> bytes:
    """A TrueType font of one empty glyph, a thousand units wide."""
    tables = {
        b"glyf": bytes(4),
        b"head": struct.pack(
            ">IIIIHHQQhhhhHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 0, 1000, 0, 0, 0, 0, 1000, 1000, 0, 8, 2, 0, 0
        ),
        b"hhea": struct.pack(">IhhhHhhhhhhhhhhhH", 0x10000, 1000, 0, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
        b"hmtx": struct.pack(">Hh", 1000, 0),
        b"loca": bytes(4),
        b"maxp": struct.pack(">IHHHHHHHHHHHHHH", 0x10000, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    offset = 12 + 16 * len(tables)
    rows, bodies = b"", b""
    for tag, body in tables.items():
        rows += struct.pack(">4sIII", tag, 0, offset + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    made = sfnt(b"\0\1\0\0" + struct.pack(">HHHH", len(tables), 0, 0, 0) + rows + bodies)
    assert made is not None
    return made
