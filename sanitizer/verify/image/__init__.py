"""Reads pictures as ``docs/grammar-image.md`` allows them, one module for each container.

Rules kept here:

- Written from the grammar and the standards alone; no library for pictures, not a line of the transformer. Nothing is
  decoded but Deflate and the lengths of LZW codes.
- A picture is of the type as which it is going to be served; a PNG that is served as a JPEG is a violation.
- What no module expects at a place is a violation, whatever it is; any other exception becomes one.

In reading order: ``reader``, then ``png``, ``jpeg``, ``gif``, ``bmp``, ``webp``, ``tiff`` and ``avif``.

>>> verify(b"MZ", Limits(), "image/png")
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 0')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.image import avif, bmp, gif, jpeg, png, tiff, webp
from sanitizer.verify.image.reader import demand

_NEVER = (b"<script", b"<?php", b"javascript:", b"pk\x05\x06")
_NEVER_EARLY = (b"<html", b"<svg", b"<!doctype", b"%pdf-")
_EARLY = 1024  # bytes
_READERS = {
    "image/avif": avif.check,
    "image/bmp": bmp.check,
    "image/gif": gif.check,
    "image/jpeg": jpeg.check,
    "image/png": png.check,
    "image/tiff": tiff.check,
    "image/webp": webp.check,
}


def verify(data: bytes, limits: Limits, mime: str) -> None:
    """Nothing if ``data`` is a picture of the grammar of this media type, else ``Violation``."""
    pixels(data, limits, mime)


def pixels(data: bytes, limits: Limits, mime: str) -> int:
    """The number of pixels of the first frame of a picture of the grammar, else ``Violation``."""
    demand(len(data) <= limits.max_output, "too-long")
    try:
        count = _READERS[mime](data, limits)
    except Violation:
        raise
    except Exception as error:
        raise Violation("unverifiable") from error
    lower = data.lower()
    demand(not any(word in lower for word in _NEVER), "foreign-bytes")
    demand(not any(word in lower[:_EARLY] for word in _NEVER_EARLY), "foreign-bytes")
    return count
