"""Pictures of a document, made anew from their pixels by the picture formats.

Rules kept here:

- A picture leaves in one of the types that the programs of its package show, in that type's canonical form.
  ``ENDINGS`` are those that every Office program shows.
- What is no such picture, or cannot be read, becomes a transparent picture of one pixel: the place stays.

Source: docs/grammar-image.md.
"""

from __future__ import annotations

from PIL import Image

from sanitizer.formats import image
from sanitizer.formats.base import Job, Refused
from sanitizer.formats.image_open import signature_type
from sanitizer.formats.package.metafiles import Metafiles, is_metafile
from sanitizer.formats.package.report import PackageReport
from sanitizer.limits import Limits

ENDINGS = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/bmp": "bmp", "image/tiff": "tiff"}
BLANK = image.canonical_png(Image.new("RGBA", (1, 1), (0, 0, 0, 0)))


def rebuilt(
    data: bytes,
    limits: Limits,
    report: PackageReport,
    endings: dict[str, str] = ENDINGS,
    metafiles: Metafiles | None = None,
) -> tuple[bytes, str]:
    """(picture, ending of its name); ``endings``: the types in which it may leave; ``metafiles``: who draws those."""
    mime = signature_type(data)
    if mime not in endings:
        return _instead(data, report, metafiles), "png"
    try:
        made = image.rebuild(data, Job(mime, "rebuild", "", None, limits))
    except Refused:
        report.add("image")
        return BLANK, "png"
    return made.data, endings[mime]


def _instead(data: bytes, report: PackageReport, metafiles: Metafiles | None) -> bytes:
    """What stands in the place of a picture of no such type."""
    if not is_metafile(data):
        report.add("image")
        return BLANK
    drawn = metafiles.picture(data) if metafiles else None
    report.add("metafile" if drawn is None else "metafile-picture")
    return BLANK if drawn is None else drawn
