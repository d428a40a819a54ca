"""Pictures inside markup (``data:`` addresses): rebuilt by the module of pictures, or gone.

Rules kept here:

- PNG, JPEG, GIF and WebP, recognised by their bytes, leave in canonical form; nothing else does.
- All pictures of a document together have at most ``limits.max_pixels`` pixels.

>>> Pictures(Limits()).rebuilt("data:text/html,x") is None
True
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import urllib.parse

from PIL import Image

from sanitizer.formats import image
from sanitizer.formats.base import Change, Job, Refused
from sanitizer.formats.image_open import UNREADABLE, signature_type
from sanitizer.limits import Limits

_DATA = re.compile(r"\s*data:([^,]*),(.*)", re.IGNORECASE | re.DOTALL)
_KEPT = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))


class Pictures:
    """The pictures of one document; ``removed`` and ``changed`` collect what their rebuild says."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pixels = 0
        self._done: dict[bytes, str | None] = {}
        self.removed: list[Change] = []
        self.changed: list[Change] = []

    def holds(self, address: str) -> bool:
        """Whether an address is one of a picture that came with the document."""
        return address[:5].lower() == "data:"

    def rebuilt(self, address: str) -> str | None:
        """The address with the picture made anew; None if it holds none that may stay. Raises ``Refused`` for too many
        pixels."""
        data = self._decoded(address)
        if data is None:
            return None
        if data not in self._done:
            self._done[data] = self._made(data)
        return self._done[data]

    def _decoded(self, address: str) -> bytes | None:
        match = _DATA.fullmatch(address)
        if not match:
            return None
        body = urllib.parse.unquote_to_bytes(match[2])
        if not re.search(r";\s*base64\s*$", match[1], re.IGNORECASE):
            return body
        try:
            return base64.b64decode(re.sub(rb"[\s=]+", b"", body) + b"===")
        except (binascii.Error, ValueError):
            return None

    def _made(self, data: bytes) -> str | None:
        mime = signature_type(data)
        if mime not in _KEPT:
            return None
        try:
            made = image.rebuild(data, Job(mime, "rebuild", "", None, self._limits))
            with Image.open(io.BytesIO(made.data)) as opened:
                self._pixels += opened.width * opened.height * int(getattr(opened, "n_frames", 1))
        except Refused as no:
            if no.code == "too-many-pixels":
                raise
            return None
        except UNREADABLE:
            return None
        if self._pixels > self._limits.max_pixels:
            raise Refused("too-many-pixels", "all pictures")
        self.removed.extend(made.removed)
        self.changed.extend(made.changed)
        return f"data:{mime};base64,{base64.b64encode(made.data).decode('ascii')}"
