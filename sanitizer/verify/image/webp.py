"""WebP (RFC 9649): the tree of chunks, and the heads of the coded pictures in them.

>>> from sanitizer.limits import Limits
>>> check(b"RIFF\\4\\0\\0\\0WEBP", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 12')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.verify.image.reader import Cursor, check_size, demand

SIGNATURE = b"RIFF"
_ALPHA, _ANIMATION = 0x10, 0x02
_Size = tuple[int, int]


def check(data: bytes, limits: Limits) -> int:
    """The number of pixels of the canvas; ``Violation`` if ``data`` is no WebP of the grammar."""
    cursor = Cursor(data, order="little")
    cursor.expect(SIGNATURE, "signature")
    demand(cursor.u32() == len(data) - 8 and len(data) % 2 == 0, "length")
    cursor.expect(b"WEBP", "signature")
    if cursor.peek(4) == b"VP8X":
        canvas = _extended(cursor, limits)
    else:
        canvas = _picture(cursor, alpha=False)
        check_size(*canvas, limits)
    cursor.check_end()
    return canvas[0] * canvas[1]


def _chunk(cursor: Cursor, name: bytes) -> Cursor:
    """The body of the next chunk, which has this name; behind it is a zero byte if its length is odd."""
    cursor.expect(name, "unexpected-chunk")
    where, length = cursor.where, cursor.u32()
    demand(length <= cursor.left, "truncated", where)
    body = Cursor(cursor.data, cursor.at, cursor.at + length, "little")
    cursor.at = body.end
    if length % 2:
        cursor.expect(b"\0", "padding")
    return body


def _extended(cursor: Cursor, limits: Limits) -> _Size:
    """A file with ``VP8X``: one picture, or an animation."""
    body = _chunk(cursor, b"VP8X")
    flags = body.u8()
    body.expect(b"\0\0\0", "vp8x")
    canvas = body.u24() + 1, body.u24() + 1
    body.check_end()
    check_size(*canvas, limits)
    if flags & _ANIMATION:
        demand(flags in (_ANIMATION, _ANIMATION | _ALPHA), "vp8x")
        _frames(cursor, canvas, limits)
    else:
        demand(flags == _ALPHA, "vp8x")
        demand(_picture(cursor, alpha=True) == canvas, "size")
    return canvas


def _frames(cursor: Cursor, canvas: _Size, limits: Limits) -> None:
    body = _chunk(cursor, b"ANIM")
    body.expect(bytes(4), "background")
    body.take(2)  # how often it is played
    body.check_end()
    frames = pixels = 0
    while cursor.left or not frames:
        where, frame = cursor.where, _chunk(cursor, b"ANMF")
        x, y, width, height = 2 * frame.u24(), 2 * frame.u24(), frame.u24() + 1, frame.u24() + 1
        frame.take(3)  # how long it is shown
        demand(frame.u8() <= 3, "frame", where)
        demand(x + width <= canvas[0] and y + height <= canvas[1], "frame", where)
        frames += 1
        pixels += width * height
        demand(frames <= limits.max_frames, "too-many-frames", where)
        demand(pixels <= limits.max_pixels, "too-many-pixels", where)
        demand(_picture(frame, alpha=True) == (width, height), "size", where)
        frame.check_end()


def _picture(cursor: Cursor, *, alpha: bool) -> _Size:
    """The size of one coded picture, with its transparency where that is allowed."""
    if cursor.peek(4) == b"VP8L":
        return _lossless(_chunk(cursor, b"VP8L"))
    transparency = _chunk(cursor, b"ALPH") if alpha and cursor.peek(4) == b"ALPH" else None
    width, height = _lossy(_chunk(cursor, b"VP8 "))
    if transparency is not None:
        flags = transparency.u8()
        demand(flags < 0x20 and flags & 3 < 2, "alpha")  # preprocessing 0 or 1, any filter, compression 0 or 1
        demand(transparency.left == width * height if flags & 3 == 0 else transparency.left, "alpha")
    return width, height


def _lossless(body: Cursor) -> _Size:
    """VP8L: 14 bits each of width and height less one, 1 of transparency, 3 of version."""
    where = body.where
    body.expect(b"\x2f", "vp8l")
    bits = body.u32()
    demand(bits >> 29 == 0 and body.left, "vp8l", where)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _lossy(body: Cursor) -> _Size:
    """VP8 (RFC 6386, 9.1): a shown key frame without scaling, whose first partition lies inside."""
    where, bits = body.where, body.u24()
    demand(bits & 1 == 0 and bits >> 1 & 7 <= 3 and bits >> 4 & 1, "vp8", where)
    body.expect(b"\x9d\x01\x2a", "vp8")
    width, height = body.u16(), body.u16()
    demand(width and height and width < 1 << 14 and height < 1 << 14, "vp8", where)
    demand(0 < bits >> 5 < body.left, "vp8", where)
    return width, height
