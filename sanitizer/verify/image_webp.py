"""Reads WebP as ``docs/grammar-image.md`` allows it: the RIFF chunks and the headers of the streams in them.

>>> from sanitizer.limits import Limits
>>> verify(b"RIFF\\4\\0\\0\\0WEBP", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 12')
"""

from __future__ import annotations

import struct

from sanitizer.limits import Limits
from sanitizer.verify.image_reader import Cursor, check_raster, demand

ALPHA, ANIMATED = 0x10, 0x02


def verify(data: bytes, limits: Limits) -> None:
    """RIFF of exactly the file's length, holding VP8, or VP8L, or VP8X with the chunks that its flags announce."""
    cursor = Cursor(data)
    cursor.expect(b"RIFF", "bad-signature")
    (size,) = cursor.unpack("<I")
    demand(size == len(data) - 8 and size % 2 == 0, "bad-riff-size")
    cursor.expect(b"WEBP", "bad-signature")
    name, body = _chunk(cursor)
    if name == b"VP8X":
        _extended(cursor, body, limits)
    else:
        check_raster(*_stream(name, body), limits)
    cursor.finish()


def _chunk(cursor: Cursor) -> tuple[bytes, bytes]:
    """Name and body of the next chunk; the padding byte of an odd one is zero."""
    name, size = cursor.unpack("<4sI")
    body = cursor.take(size)
    demand(size % 2 == 0 or cursor.take(1) == b"\0", "bad-padding", f"offset {cursor.at}")
    return name, body


def _stream(name: bytes, body: bytes) -> tuple[int, int]:
    """Width and height of a VP8 key frame (RFC 6386, 9.1) or a VP8L stream (RFC 9649, 3.4)."""
    if name == b"VP8 ":
        demand(len(body) > 10 and body[3:6] == b"\x9d\x01\x2a" and body[0] & 1 == 0, "bad-vp8")
        first_part = int.from_bytes(body[:3], "little") >> 5
        demand(0 < first_part <= len(body) - 10, "bad-vp8")
        width, height = struct.unpack("<HH", body[6:10])
        demand(width < 1 << 14 and height < 1 << 14, "bad-vp8")
        return width, height
    demand(name == b"VP8L", "unexpected-chunk")
    demand(len(body) > 5 and body[0] == 0x2F and body[4] >> 5 == 0, "bad-vp8l")
    packed = int.from_bytes(body[1:5], "little")
    return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1


def _extended(cursor: Cursor, body: bytes, limits: Limits) -> None:
    demand(len(body) == 10 and body[1:4] == b"\0\0\0" and body[0] & ~(ALPHA | ANIMATED) == 0, "bad-vp8x")
    canvas = int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    check_raster(*canvas, limits)
    if body[0] & ANIMATED:
        _animation(cursor, canvas, limits)
    else:
        demand(body[0] == ALPHA, "bad-vp8x")
        demand(_picture(cursor) == canvas, "bad-size")


def _picture(cursor: Cursor) -> tuple[int, int]:
    """The size of the next picture: ALPH and VP8, or one stream alone."""
    name, body = _chunk(cursor)
    if name == b"ALPH":
        demand(len(body) > 1 and body[0] & 0xC2 == 0, "bad-alpha")
        name, body = _chunk(cursor)
        demand(name == b"VP8 ", "unexpected-chunk")
    return _stream(name, body)


def _animation(cursor: Cursor, canvas: tuple[int, int], limits: Limits) -> None:
    """ANIM with a transparent background, then frames inside the canvas."""
    name, body = _chunk(cursor)
    demand(name == b"ANIM" and len(body) == 6 and body[:4] == bytes(4), "bad-animation")
    frames = pixels = 0
    while cursor.at < len(cursor.data):
        name, body = _chunk(cursor)
        demand(name == b"ANMF" and len(body) > 16 and body[15] & 0xFC == 0, "bad-frame")
        left, top, width, height, _delay = (int.from_bytes(body[at : at + 3], "little") for at in range(0, 15, 3))
        demand(2 * left + width + 1 <= canvas[0] and 2 * top + height + 1 <= canvas[1], "frame-outside")
        inside = Cursor(body, 16)
        demand(_picture(inside) == (width + 1, height + 1), "bad-size")
        inside.finish()
        frames, pixels = frames + 1, pixels + (width + 1) * (height + 1)
        demand(frames <= limits.max_frames, "too-many-frames")
        demand(pixels <= limits.max_pixels, "too-many-pixels")
    demand(frames > 0, "no-frame")
