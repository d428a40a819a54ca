"""The verifier of pictures: hands each to the reader of its container. No Pillow here.

Rules kept here:

- The readers are written from ``docs/grammar-image.md`` alone and share no line with the transformer.
- Nowhere in a picture stands what another program could take for a script or an archive, nor in its first kibibyte what
  could be taken for a page or a document.
- The first bytes say which container it is; what is none of the six is a violation.

>>> from sanitizer.limits import Limits
>>> verify(b"plain words", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('unknown-container', '')
"""

from __future__ import annotations

from collections.abc import Callable

from sanitizer.limits import Limits
from sanitizer.verify import Violation, image_bmp, image_gif, image_jpeg, image_png, image_tiff, image_webp
from sanitizer.verify.image_reader import demand

ANYWHERE = (b"<script", b"<?php", b"javascript:", b"pk\x05\x06")
AT_THE_HEAD = (b"<html", b"<svg", b"<!doctype", b"%pdf-")

READERS: tuple[tuple[bytes, Callable[[bytes, Limits], None]], ...] = (
    (b"\x89PNG", image_png.verify),
    (b"\xff\xd8", image_jpeg.verify),
    (b"GIF89a", image_gif.verify),
    (b"RIFF", image_webp.verify),
    (b"II*\0", image_tiff.verify),
    (b"BM", image_bmp.verify),
)


def verify(data: bytes, limits: Limits, mime: str = "") -> None:
    """Nothing if ``data`` is a canonical picture within ``limits``, else ``Violation``."""
    lowered = data.lower()
    demand(not any(word in lowered for word in ANYWHERE), "carrier")
    demand(not any(word in lowered[:1024] for word in AT_THE_HEAD), "carrier", "head")
    for start, reader in READERS:
        if data.startswith(start):
            return reader(data, limits)
    raise Violation("unknown-container")
