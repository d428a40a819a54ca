"""The pictures on the pages of a rebuilt PDF, as files of their own.

Rules kept here:

- In the order of the pages, each once; pictures smaller than ``LEAST`` on a side are rules and dots, and are left out.
- A JPEG stays one, made anew by the picture format; every other picture leaves as PNG of its pixels, without the mask
  that the page puts over it.

>>> pictures(b"not a PDF", Limits())
[]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw
from PIL import Image

from sanitizer.formats import image
from sanitizer.formats.base import Job, Picture, Refused
from sanitizer.formats.image_carrier import TRIES, is_fine, varied
from sanitizer.formats.pdf.rendering import opened
from sanitizer.limits import Limits

LEAST = 16  # pixels
_NESTED = 4  # forms within forms that are looked into


def pictures(data: bytes, limits: Limits) -> list[Picture]:
    """At most ``limits.parts`` pictures, ``limits.parts_bytes`` in all."""
    found: dict[bytes, Picture] = {}
    left = limits.parts_bytes
    try:
        with opened(data) as document:
            for placed in _placed(document):
                made = _made(placed, limits)
                if made is None or hashlib.sha256(made.data).digest() in found:
                    continue
                left -= len(made.data)
                if left < 0 or len(found) >= limits.parts:
                    break
                found[hashlib.sha256(made.data).digest()] = made
    except pypdfium2.PdfiumError:
        return list(found.values())
    return list(found.values())


def _placed(document: pypdfium2.PdfDocument) -> Iterator[pypdfium2.PdfImage]:
    for number in range(len(document)):
        yield from document[number].get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=_NESTED)


def _made(placed: pypdfium2.PdfImage, limits: Limits) -> Picture | None:
    width, height = placed.get_px_size()
    if min(width, height) < LEAST or width * height > limits.max_pixels:
        return None
    if placed.get_filters() == ["DCTDecode"]:
        try:
            job = Job("image/jpeg", "rebuild", "", None, limits)
            return Picture("image/jpeg", image.rebuild(bytes(placed.get_data()), job).data)
        except Refused:
            pass  # its pixels may still be had
    try:
        return _png(placed.get_bitmap().to_pil())
    except pypdfium2.PdfiumError:
        return None


def _png(pixels: Image.Image) -> Picture | None:
    for variation in range(TRIES):
        made = image.canonical_png(varied(pixels, variation))
        if is_fine(made, variation):
            return Picture("image/png", made)
    return None
