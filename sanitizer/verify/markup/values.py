"""Links and pictures as ``docs/grammar-markup.md`` allows them.

>>> is_link("https://example.jp/?a=%E3"), is_link("javascript:alert(1)"), is_link("https://a@example.jp/")
(True, False, False)
"""

from __future__ import annotations

import base64
import binascii
import struct

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify import image
from sanitizer.verify.markup.characters import demand

HOST = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
URL = r"(?:[A-Za-z0-9/?:@!$&()*+,;=~\-._\[\]]|%[0-9A-Fa-f]{2})*+"
ADDRESS = r"[A-Za-z0-9.!#$*+/=?^_{|}~%-]+@[A-Za-z0-9.-]+"
LINK = compile_pattern(
    rf"https?://{HOST}(?:\.{HOST})*\.?(?::[0-9]{{1,5}})?(?:[/?]{URL})?(?:#{URL})?"
    rf"|mailto:{ADDRESS}(?:,{ADDRESS})*(?:\?subject=[A-Za-z0-9._~%-]+)?"
    r"|tel:\+?[0-9().-]{1,40}"
)
PICTURE = compile_pattern(r"data:image/(png|jpeg|gif|webp);base64,([A-Za-z0-9+/]+={0,2})")
STARTS = {"png": b"\x89PNG", "jpeg": b"\xff\xd8", "gif": b"GIF89a", "webp": b"RIFF"}


def is_link(value: str) -> bool:
    """Whether ``value`` is a link out of the document."""
    return len(value) <= 2000 and LINK.fullmatch(value) is not None


class Gallery:
    """The pictures of one document, each by the grammar of pictures, all together within the limit of pixels."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pixels = 0
        self._known: set[str] = set()

    def __call__(self, value: str) -> bool:
        """Whether ``value`` is a picture; ``Violation`` for one that breaks its own grammar."""
        match = PICTURE.fullmatch(value)
        if match is None:
            return False
        if value in self._known:
            return True
        try:
            data = base64.b64decode(match[2], validate=True)
        except binascii.Error:
            return False
        if base64.b64encode(data).decode("ascii") != match[2] or not data.startswith(STARTS[match[1]]):
            return False
        kind = {b"\x89": "png", b"\xff": "jpeg", b"G": "gif"}.get(data[:1], "webp")
        image.verify(data, self._limits, f"image/{kind}")
        self._pixels += _pixels(match[1], data)
        demand(self._pixels <= self._limits.max_pixels, "too-many-pixels")
        self._known.add(value)
        return True


def _pixels(kind: str, data: bytes) -> int:
    """Width times height, from where the header of the (already verified) file has them."""
    if kind == "png":
        width, height = struct.unpack_from(">II", data, 16)
    elif kind == "gif":
        width, height = struct.unpack_from("<HH", data, 6)
    elif kind == "jpeg":
        at = next(at for at in (data.find(b"\xff\xc0\0"), data.find(b"\xff\xc2\0")) if at > 0)
        height, width = struct.unpack_from(">HH", data, at + 5)
    else:
        width, height = _webp_size(data)
    return int(width) * int(height)


def _webp_size(data: bytes) -> tuple[int, int]:
    if data[12:16] == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF
