"""Japanese letters in sample PDFs: a subset of a font of this machine, or the name of one that every reader has.

Rules: only the glyphs that were used are embedded; text is written as two-byte codes; every code has its Unicode value,
so that the text can be searched and copied. Source: ISO 32000-2, 9.7 (composite fonts) and 9.10.3 (ToUnicode).
"""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf
from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from pikepdf import Array, Dictionary, Name, Pdf, String


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a font file; ``number`` is its place in a collection (.ttc)."""

    path: Path
    number: int


def japanese_face() -> Face | None:
    """The sans-serif face that this machine uses for Japanese; None if it has none."""
    if shutil.which("fc-match") is None:
        return None
    asked = ["fc-match", "--format=%{file}\n%{index}\n%{lang}", "sans-serif:lang=ja"]
    file, index, languages = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split("\n")
    is_open_type = Path(file).suffix.lower() in {".ttf", ".ttc", ".otf", ".otc"}
    # Above the low 16 bits fontconfig puts the instance of a variable font.
    return Face(Path(file), int(index) & 0xFFFF) if "ja" in languages.split("|") and is_open_type else None


class Letters:
    """A PDF font for a known set of letters. ``code`` gives a letter's two bytes, ``embed`` the font object."""

    def __init__(self, letters: str, face: Face | None) -> None:
        self._letters = "".join(sorted(set(letters)))
        self._font = _subset(face, self._letters) if face else None
        self._codes = _codes(self._font, self._letters) if self._font else {}

    def encode(self, text: str) -> bytes:
        """``text`` as the bytes of a PDF string in this font. ``KeyError`` for a letter that was not announced."""
        if self._font is None:
            return text.encode("utf-16-be")
        return b"".join(self._codes[letter].to_bytes(2, "big") for letter in text)

    def width(self, text: str) -> float:
        """The width of ``text`` in units of the font size."""
        if self._font is None:
            return sum(0.5 if letter.isascii() else 1.0 for letter in text)
        cmap, metrics = self._font.getBestCmap(), self._font["hmtx"]
        em = int(self._font["head"].unitsPerEm)
        return sum(int(metrics[cmap[ord(letter)]][0]) for letter in text) / em

    def embed(self, pdf: Pdf) -> pikepdf.Object:
        """The Type 0 font, as an indirect object of ``pdf``."""
        return self._embedded(pdf, self._font) if self._font else _named(pdf)

    def _embedded(self, pdf: Pdf, font: TTFont) -> pikepdf.Object:
        scale = 1000 / font["head"].unitsPerEm
        cmap, metrics = font.getBestCmap(), font["hmtx"]
        widths: list[Any] = []
        for letter in sorted(self._letters, key=self._codes.__getitem__):
            widths += [self._codes[letter], Array([round(metrics[cmap[ord(letter)]][0] * scale)])]
        is_cff = "CFF " in font
        cid_font = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType0 if is_cff else Name.CIDFontType2,
            BaseFont=Name("/KASUMI+Japanese"),
            CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0),
            FontDescriptor=pdf.make_indirect(_descriptor(pdf, font, scale)),
            DW=1000,
            W=Array(widths),
        )
        if not is_cff:
            cid_font.CIDToGIDMap = Name.Identity
        return pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type0,
                BaseFont=Name("/KASUMI+Japanese"),
                Encoding=Name("/Identity-H"),
                DescendantFonts=Array([pdf.make_indirect(cid_font)]),
                ToUnicode=pdf.make_stream(_to_unicode(self._codes)),
            )
        )


def _subset(face: Face, letters: str) -> TTFont:
    options = subset.Options(layout_features=[], notdef_outline=True, desubroutinize=True, hinting=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=letters)
    small = io.BytesIO()
    with TTFont(face.path, fontNumber=face.number, lazy=True) as font:
        subsetter.subset(font)
        font.save(small)
    return TTFont(small)


def _codes(font: TTFont, letters: str) -> dict[str, int]:
    """Letter → code: the glyph's CID in a CID-keyed CFF font, else the glyph's index."""
    cmap = font.getBestCmap()
    cid_keyed = "CFF " in font and hasattr(font["CFF "].cff.topDictIndex[0], "ROS")
    if cid_keyed:
        return {letter: int(cmap[ord(letter)].removeprefix("cid")) for letter in letters}
    return {letter: font.getGlyphID(cmap[ord(letter)]) for letter in letters}


def _descriptor(pdf: Pdf, font: TTFont, scale: float) -> Dictionary:
    head, horizontal = font["head"], font["hhea"]
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=Name("/KASUMI+Japanese"),
        Flags=4,
        FontBBox=Array([round(v * scale) for v in (head.xMin, head.yMin, head.xMax, head.yMax)]),
        ItalicAngle=0,
        Ascent=round(horizontal.ascent * scale),
        Descent=round(horizontal.descent * scale),
        CapHeight=733,
        StemV=80,
    )
    if "CFF " in font:
        stream = pdf.make_stream(font.getTableData("CFF "))
        stream.Subtype = Name.CIDFontType0C
        descriptor.FontFile3 = stream
    else:
        out = io.BytesIO()
        font.save(out)
        descriptor.FontFile2 = pdf.make_stream(out.getvalue(), Length1=len(out.getvalue()))
    return descriptor


def _to_unicode(codes: dict[str, int]) -> bytes:
    pairs = [f"<{code:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for letter, code in sorted(codes.items())]
    blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{body}\nendcmap\n"
        "CMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


def _named(pdf: Pdf) -> pikepdf.Object:
    """A gothic that is not embedded: readers with Japanese fonts put theirs in its place."""
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType0,
        BaseFont=Name("/HeiseiKakuGo-W5"),
        CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Japan1"), Supplement=2),
        FontDescriptor=pdf.make_indirect(
            Dictionary(
                Type=Name.FontDescriptor,
                FontName=Name("/HeiseiKakuGo-W5"),
                Flags=4,
                FontBBox=Array([-92, -250, 1010, 922]),
                ItalicAngle=0,
                Ascent=752,
                Descent=-221,
                CapHeight=737,
                StemV=114,
            )
        ),
        DW=1000,
        W=Array([1, 94, 500]),
    )
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=Name("/HeiseiKakuGo-W5-UniJIS-UTF16-H"),
            Encoding=Name("/UniJIS-UTF16-H"),
            DescendantFonts=Array([pdf.make_indirect(descendant)]),
        )
    )
