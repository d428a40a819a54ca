"""Pictures of an OpenDocument file, made anew: from their pixels, or as drawings of the SVG that may leave.

Rules kept here:

- What is no picture, or cannot be read, becomes a transparent picture of one pixel: the place stays.

Source: docs/grammar-odf.md, section 5.
"""

from __future__ import annotations

import re

from sanitizer.formats.base import Job, Refused
from sanitizer.formats.markup import svg
from sanitizer.formats.odf.kinds import Report
from sanitizer.formats.package import media
from sanitizer.formats.package.metafiles import Metafiles
from sanitizer.limits import Limits

ENDINGS = {**media.ENDINGS, "image/webp": "webp"}
_SVG = re.compile(rb"<(?:\w+:)?svg[\s>]")
_LOOK = 4096


def rebuilt(data: bytes, limits: Limits, report: Report, metafiles: Metafiles | None = None) -> tuple[bytes, str]:
    """(picture, ending of its name); ``metafiles``: who draws those."""
    if not _SVG.search(data[:_LOOK]):
        return media.rebuilt(data, limits, report, ENDINGS, metafiles)
    try:
        return svg.rebuild(data, Job("image/svg+xml", "rebuild", "", None, limits)).data, "svg"
    except Refused:
        report.add("image")
        return media.BLANK, "png"


def is_blank(data: bytes) -> bool:
    """True for the picture that keeps a place."""
    return data == media.BLANK
