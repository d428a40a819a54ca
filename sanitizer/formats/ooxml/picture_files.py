"""The pictures of a rebuilt package, each once, in the order of their names: they were made anew with it."""

from __future__ import annotations

import re

from sanitizer.formats.base import Picture
from sanitizer.formats.image_open import signature_type
from sanitizer.formats.ooxml.extraction import order
from sanitizer.formats.package.media import BLANK
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.limits import Limits

_MEDIA = re.compile(r"(?:word|xl|ppt)/media/[^/]+")


def pictures(data: bytes, limits: Limits) -> list[Picture]:
    """All pictures but the empty ones that stand where one could not be rebuilt."""
    archive = Archive(data, Budget(limits.max_inflated, limits.max_objects))
    found: dict[bytes, str] = {}
    for name in sorted((one for one in archive.members if _MEDIA.fullmatch(one)), key=order):
        picture = archive.read(name) or b""
        mime = signature_type(picture)
        if mime and picture != BLANK:
            found.setdefault(picture, mime)
    return [Picture(mime, picture) for picture, mime in found.items()]
