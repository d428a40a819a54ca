"""Reads GIF as ``docs/grammar-image.md`` allows it, its LZW streams too: every frame decodes to exactly its pixels.

>>> from sanitizer.limits import Limits
>>> verify(b"GIF89a\\1\\0\\1\\0\\x70\\0\\0;", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('no-frame', '')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.verify.image_reader import Cursor, check_raster, demand


def verify(data: bytes, limits: Limits) -> None:
    """GIF89a, screen descriptor, [table], [loop], ([control] frame) …, trailer, end of file."""
    cursor = Cursor(data)
    cursor.expect(b"GIF89a", "bad-signature")
    width, height, flags, background, aspect = cursor.unpack("<HHBBB")
    check_raster(width, height, limits)
    demand(flags & 0x78 == 0x70 and (background, aspect) == (0, 0), "bad-screen")
    demand(flags & 0x80 != 0 or flags & 7 == 0, "bad-screen")
    shared = _table(cursor, flags)
    looping = _loop(cursor)
    frames = pixels = controls = 0
    while not data.startswith(b";", cursor.at):
        controls += _control(cursor)
        pixels += _frame(cursor, (width, height), shared)
        frames += 1
        demand(pixels <= limits.max_pixels, "too-many-pixels")
        demand(frames <= limits.max_frames, "too-many-frames")
    demand(frames > 0, "no-frame")
    demand(frames == 1 or controls == frames, "no-control")
    demand(frames > 1 or not looping, "bad-loop")
    cursor.expect(b";", "no-trailer")
    cursor.finish()


def _table(cursor: Cursor, flags: int) -> int:
    """How many colours the table has that the flags announce, 0 without one."""
    if not flags & 0x80:
        return 0
    colours = 2 << (flags & 7)
    cursor.take(3 * colours)
    return colours


def _loop(cursor: Cursor) -> bool:
    if not cursor.data.startswith(b"!\xff", cursor.at):
        return False
    cursor.expect(b"!\xff\x0bNETSCAPE2.0\x03\x01", "bad-extension")
    cursor.take(2)
    cursor.expect(b"\0", "bad-extension")
    return True


def _control(cursor: Cursor) -> bool:
    if not cursor.data.startswith(b"!", cursor.at):
        return False
    cursor.expect(b"!\xf9\x04", "bad-extension")
    flags, _delay, transparent = cursor.unpack("<BHB")
    demand(flags & 0xF2 == 0, "bad-control")
    demand(flags & 1 == 1 or transparent == 0, "bad-control")
    cursor.expect(b"\0", "bad-control")
    return True


def _frame(cursor: Cursor, canvas: tuple[int, int], shared: int) -> int:
    """The number of pixels of the next frame, after its stream has been read whole."""
    cursor.expect(b",", "unexpected-block")
    left, top, width, height, flags = cursor.unpack("<HHHHB")
    demand(0 < width <= canvas[0] - left and 0 < height <= canvas[1] - top, "frame-outside")
    demand(flags & 0x78 == 0 and (flags & 0x80 != 0 or flags == 0), "bad-frame")
    demand((flags & 0x80 != 0) != (shared > 0), "bad-table")
    colours = _table(cursor, flags) or shared
    code_size = cursor.take(1)[0]
    demand(code_size == max(2, colours.bit_length() - 1), "bad-code-size")
    pixels = int(width * height)
    _check_lzw(_stream(cursor), code_size, pixels)
    return pixels


def _stream(cursor: Cursor) -> bytes:
    """The bytes of the sub-blocks; all but the last block are full."""
    parts: list[bytes] = []
    while (size := cursor.take(1)[0]) > 0:
        demand(not parts or len(parts[-1]) == 255, "short-block", f"offset {cursor.at}")
        parts.append(cursor.take(size))
    return b"".join(parts)


def _check_lzw(stream: bytes, code_size: int, pixels: int) -> None:
    """The LZW stream yields exactly ``pixels`` indices (GIF89a, appendix F): it starts with a clear code, uses no code
    before it is defined, and after the last index there is the end code, then zero bits to the end of its byte.

    Encoders differ in whether the end code is already wider: it is compared as the number that all remaining bits make.
    """
    clear, end = 1 << code_size, (1 << code_size) + 1
    lengths = [1] * clear + [0, 0]
    width, known, previous, total = code_size + 1, clear + 2, 0, 0
    bits = held = 0
    started = False
    for at, byte in enumerate(stream):
        bits |= byte << held
        held += 8
        while held >= width:
            code = bits & ((1 << width) - 1)
            bits >>= width
            held -= width
            if code == clear:
                del lengths[clear + 2 :]
                width, known, previous, started = code_size + 1, clear + 2, 0, True
                continue
            demand(started and code != end, "bad-raster")
            if previous and known < 4096:
                lengths.append(previous + 1)
                known += 1
                if known == 1 << width and width < 12:
                    width += 1
            demand(code < known, "undefined-code")
            previous = lengths[code]
            total += previous
            if total >= pixels:
                demand(total == pixels, "bad-raster")
                rest = stream[at + 1 :]
                demand(len(rest) <= 2 and bits | int.from_bytes(rest, "little") << held == end, "lzw-slack")
                return
    demand(False, "bad-raster")
