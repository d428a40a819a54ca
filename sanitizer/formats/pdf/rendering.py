"""Pages to pixels through pdfium: for thumbnails and for ``flatten``. Only rebuilt bytes come here.

Rules kept here:

- A page is drawn on white, with its annotations and form fields, never larger than asked for.
- What pdfium cannot draw gives None.

>>> thumbnail(b"not a PDF", Limits()) is None
True
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pypdfium2
from PIL import Image

from sanitizer.formats.image_raster import thumbnail_of
from sanitizer.limits import Limits

MOST_PIXELS = 16_000_000  # of one drawn page


@contextmanager
def opened(data: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """A document with its form environment; closed afterwards."""
    document = pypdfium2.PdfDocument(data)
    try:
        document.init_forms()
        yield document
    finally:
        document.close()


def draw(page: pypdfium2.PdfPage, scale: float) -> Image.Image:
    """The page as an RGB picture, ``scale`` pixels per unit (less, if that were more than ``MOST_PIXELS``)."""
    width, height = page.get_size()
    pixels = width * height * scale * scale
    if pixels > MOST_PIXELS:
        scale *= (MOST_PIXELS / pixels) ** 0.5
    scale = max(scale, 1 / max(min(width, height), 1e-3))
    bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=True)
    picture: Image.Image = bitmap.to_pil()
    return picture.convert("RGB")


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """The first page of ``data`` as a canonical PNG, longest side at most ``limits.thumbnail_side``."""
    side = limits.thumbnail_side
    try:
        with opened(data) as document:
            page = document[0]
            picture = draw(page, (side - 0.5) / max(*page.get_size(), 1.0))  # pdfium rounds up
    except (pypdfium2.PdfiumError, IndexError):
        return None
    return thumbnail_of(picture, side)
