"""Pages of a PDF as pixels, for comparison: of the received file and of the rebuilt one, by the same program.

Rules kept here:

- A page is drawn as a reader shows it on opening: hidden layers stay hidden, no script or action runs (pdfium is built
  without either), form fields and notes show their appearance.
- A4 and smaller pages are drawn at up to 144 dpi, larger ones as large as ``limits.drawn_side`` allows.

>>> draw(b"not a PDF", "application/pdf", 0, Limits())
Drawing(total=0, pages=[])
"""

from __future__ import annotations

import pypdfium2

from sanitizer.formats.base import Drawing, Page
from sanitizer.formats.pdf import rendering
from sanitizer.formats.pixels import page_of
from sanitizer.limits import Limits

_LARGEST = 2.0  # pixels per unit of 1/72 inch


def draw(data: bytes, mime: str, first: int, limits: Limits) -> Drawing:
    """Pages from ``first`` (from 0) on; none where pdfium cannot open the file."""
    try:
        with rendering.opened(data) as document:
            last = min(len(document), first + limits.drawn_at_once)
            return Drawing(len(document), [_page(document[number], limits.drawn_side) for number in range(first, last)])
    except pypdfium2.PdfiumError:
        return Drawing(0, [])


def _page(page: pypdfium2.PdfPage, side: int) -> Page:
    scale = min((side - 0.5) / max(*page.get_size(), 1.0), _LARGEST)  # pdfium rounds up
    try:
        return page_of(rendering.draw(page, scale), side)
    finally:
        page.close()
