"""Pictures of a document, made anew from their pixels by the picture formats.

Rules kept here:

- A picture leaves in one of the types that the programs of its package show, in that type's canonical form.
  ``ENDINGS`` are those that every Office program shows.
- What is no such picture, or cannot be read, becomes a transparent picture of one pixel: the place stays.

Source: docs/grammar-image.md.
"""

from __future__ import annotations

import zlib

from PIL import Image

from sanitizer.formats import image
from sanitizer.formats.base import Job, Refused
from sanitizer.formats.image_open import signature_type
from sanitizer.formats.package.report import PackageReport
from sanitizer.limits import Limits

ENDINGS = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/bmp": "bmp", "image/tiff": "tiff"}
BLANK = image.canonical_png(Image.new("RGBA", (1, 1), (0, 0, 0, 0)))


def rebuilt(data: bytes, limits: Limits, report: PackageReport, endings: dict[str, str] = ENDINGS) -> tuple[bytes, str]:
    """(picture, ending of its name); ``endings``: the types in which it may leave."""
    mime = signature_type(data)
    if mime not in endings:
        report.add("metafile" if _is_metafile(data) else "image")
        return BLANK, "png"
    try:
        made = image.rebuild(data, Job(mime, "rebuild", "", None, limits))
    except Refused:
        report.add("image")
        return BLANK, "png"
    return made.data, endings[mime]


def _is_metafile(data: bytes) -> bool:
    if data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompressobj(31).decompress(data, 64)
        except zlib.error:
            return False
    if data[:6] == b"VCLMTF":  # StarView's, of LibreOffice
        return True
    return data[40:44] == b" EMF" or data[:4] in (b"\xd7\xcd\xc6\x9a", b"\x01\x00\x09\x00")
