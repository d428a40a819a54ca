"""Fonts of this machine that have the measures of fonts named in metafiles; mapped when the module is imported.

Rules kept here:

- A family is known only if a font made to its measures is installed, the one that LibreOffice would take as well; text
  in another font is left to LibreOffice.
- Nothing is opened in a jail: a cell maps the files before any jail is born, and a jail reads the one that it needs.

>>> known("No Such Family", bold=False, italic=False) is None
True
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path("/usr/share/fonts/truetype")
_STYLES = (False, False), (True, False), (False, True), (True, True)  # bold, italic
_FILES = {
    "sans": [f"liberation/LiberationSans-{style}.ttf" for style in ("Regular", "Bold", "Italic", "BoldItalic")],
    "serif": [f"liberation/LiberationSerif-{style}.ttf" for style in ("Regular", "Bold", "Italic", "BoldItalic")],
    "mono": [f"liberation/LiberationMono-{style}.ttf" for style in ("Regular", "Bold", "Italic", "BoldItalic")],
    "wide": [f"dejavu/DejaVuSans{style}.ttf" for style in ("", "-Bold", "-Oblique", "-BoldOblique")],
}
_FAMILIES = {
    "arial": "sans",
    "helvetica": "sans",
    "liberation sans": "sans",
    "times new roman": "serif",
    "times": "serif",
    "liberation serif": "serif",
    "courier new": "mono",
    "liberation mono": "mono",
    "verdana": "wide",
    "dejavu sans": "wide",
}


@dataclass(frozen=True, slots=True, eq=False)
class Font:
    """A mapped font file, and how far it reaches above and below the base line, in parts of its size."""

    mapped: mmap.mmap
    ascent: float
    descent: float


def known(family: str, *, bold: bool, italic: bool) -> Font | None:
    """The font for a family as a metafile names it."""
    plain = family.lower().removesuffix(" bold").removesuffix(" italic")
    return _FONTS.get((_FAMILIES.get(plain, ""), bold, italic))


def _measured(data: mmap.mmap) -> Font:
    """From the tables ``head`` and ``hhea`` (ISO/IEC 14496-22, 5.2.1 and 5.2.3)."""
    (count,) = struct.unpack_from(">H", data, 4)
    tables = {data[at : at + 4]: struct.unpack_from(">I", data, at + 8)[0] for at in range(12, 12 + 16 * count, 16)}
    (units,) = struct.unpack_from(">H", data, tables[b"head"] + 18)
    ascent, descent = struct.unpack_from(">hh", data, tables[b"hhea"] + 4)
    return Font(data, ascent / units, -descent / units)


def _read() -> dict[tuple[str, bool, bool], Font]:
    found = {}
    for name, files in _FILES.items():
        for (bold, italic), file in zip(_STYLES, files, strict=True):
            if (_FOLDER / file).is_file():
                with (_FOLDER / file).open("rb") as opened:
                    mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
                found[name, bold, italic] = _measured(mapped)
    return found


_FONTS = _read()
