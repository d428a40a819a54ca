"""What only a foreign program can read, and what it makes of it: one table, known on both sides of the wall.

Rules kept here:

- A jail names a recipe and nothing else; file names, filters and options of the converter are constants of this table.
- The filter that reads is named, never guessed by the converter: what identification found is what is opened.
- ``instead``: the result takes the place of the file and is identified, rebuilt and verified like any received one.
  ``beside``: the file is rebuilt once more, with the result at hand (pictures that had to be drawn).
  ``again``: the same module rebuilds the result, as it would the file; without a result the file is refused.

>>> RECIPES["xls-xlsx"].source, RECIPES["xls-xlsx"].target
('xls', 'xlsx')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_STEPS = 3  # conversions of one file: into OOXML, its metafiles, its pages


@dataclass(frozen=True, slots=True)
class Recipe:
    """One conversion: the ending and filter of what is read, the ending and filter of what is written. ``ffmpeg``: the
    filter that reads is a demuxer, the one that writes a line of ``sanitizer/transcoding.py``."""

    source: str
    reads: str
    target: str
    writes: str
    use: Literal["instead", "beside", "again"] = "instead"
    program: Literal["libreoffice", "ffmpeg"] = "libreoffice"


_DOC, _XLS, _PPT = "MS Word 97", "MS Excel 97", "MS PowerPoint 97"
_DOCX, _XLSX = "MS Word 2007 XML", "Calc MS Excel 2007 XML"
_PPTX, _PPSX = "Impress MS PowerPoint 2007 XML", "Impress MS PowerPoint 2007 XML AutoPlay"
_DOTX, _XLTX, _POTX = f"{_DOCX} Template", f"{_XLSX} Template", f"{_PPTX} Template"

_READ = (  # recipe prefix, ending, filter, family
    ("doc", "doc", _DOC, "text"),
    ("doc95", "doc", "MS Word 95", "text"),
    ("doc6", "doc", "MS WinWord 6.0", "text"),
    ("rtf", "rtf", "Rich Text Format", "text"),
    ("wordml", "xml", "MS Word 2003 XML", "text"),
    ("xls", "xls", _XLS, "sheet"),
    ("xls95", "xls", "MS Excel 95", "sheet"),
    ("xls4", "xls", "MS Excel 4.0", "sheet"),
    ("xlsb", "xlsb", "Calc MS Excel 2007 Binary", "sheet"),
    ("xmlss", "xml", "MS Excel 2003 XML Orcus", "sheet"),
    ("slk", "slk", "SYLK", "sheet"),
    ("ppt", "ppt", _PPT, "slides"),
)
_WRITTEN = {
    "text": (("docx", _DOCX), ("dotx", _DOTX), ("odt", "writer8")),
    "sheet": (("xlsx", _XLSX), ("xltx", _XLTX), ("ods", "calc8")),
    "slides": (("pptx", _PPTX), ("potx", _POTX), ("ppsx", _PPSX), ("odp", "impress8")),
}
_PRINTERS = {"text": "writer_pdf_Export", "sheet": "calc_pdf_Export", "slides": "impress_pdf_Export"}
_PRINTED = (
    ("docx", _DOCX, "writer_pdf_Export"),
    ("dotx", _DOTX, "writer_pdf_Export"),
    ("odt", "writer8", "writer_pdf_Export"),
    ("xlsx", _XLSX, "calc_pdf_Export"),
    ("xltx", _XLTX, "calc_pdf_Export"),
    ("ods", "calc8", "calc_pdf_Export"),
    ("pptx", _PPTX, "impress_pdf_Export"),
    ("potx", _POTX, "impress_pdf_Export"),
    ("ppsx", _PPTX, "impress_pdf_Export"),
    ("odp", "impress8", "impress_pdf_Export"),
    ("odg", "draw8", "draw_pdf_Export"),
    ("ott", "writer8_template", "writer_pdf_Export"),
    ("ots", "calc8_template", "calc_pdf_Export"),
    ("otp", "impress8_template", "impress_pdf_Export"),
    ("otg", "draw8_template", "draw_pdf_Export"),
)
_MEDIA = (  # what is read, its demuxer, what is written
    ("mp3", "mp3", "mp3"),
    ("wav", "wav", "wav"),
    ("flac", "flac", "wav"),
    ("aac", "aac", "m4a"),
    ("m4a", "mov", "m4a"),
    ("ogg", "ogg", "m4a"),
    ("amr", "amr", "m4a"),
    ("aiff", "aiff", "wav"),
    ("ogv", "ogg", "mp4"),
    ("mpg", "mpeg", "mp4"),
    ("m2ts", "mpegts", "mp4"),
    ("flv", "flv", "mp4"),
    ("mp4", "mov", "mp4"),
    ("mov", "mov", "mp4"),
    ("mkv", "matroska", "mp4"),
    ("avi", "avi", "mp4"),
    ("asf", "asf", "mp4"),
)

RECIPES: dict[str, Recipe] = {
    **{
        f"{prefix}-{target}": Recipe(source, reads, target, writes)
        for prefix, source, reads, family in _READ
        for target, writes in _WRITTEN[family]
    },
    **{f"{source}-pdf": Recipe(source, reads, "pdf", writes) for source, reads, writes in _PRINTED},
    **{  # received files, laid out to be compared with what became of them (``sanitizer/layouts.py``)
        f"{prefix}-pdf": Recipe(source, reads, "pdf", _PRINTERS[family])
        for prefix, source, reads, family in _READ
        if prefix in ("doc", "rtf", "xls", "ppt")
    },
    **{
        f"media-{source}-{target}": Recipe(source, reads, target, target, "again", "ffmpeg")
        for source, reads, target in _MEDIA
    },
    "pictures": Recipe("fodg", "OpenDocument Drawing Flat XML", "pdf", "draw_pdf_Export", "beside"),
}
