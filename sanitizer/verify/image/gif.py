"""GIF 89a: header, frames and their LZW streams, to the last bit.

>>> from sanitizer.limits import Limits
>>> check(b"GIF89a\\x01\\x00\\x01\\x00\\x70\\x00\\x00;", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('no-frame', '')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.verify.image.reader import Cursor, check_size, demand

SIGNATURE = b"GIF89a"
LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"
CONTROL, DESCRIPTOR, TRAILER = b"\x21\xf9", b"\x2c", b"\x3b"
LARGEST = 1 << 12  # entries of an LZW table


def check(data: bytes, limits: Limits) -> int:
    """The number of pixels of the screen; ``Violation`` if ``data`` is no GIF of the grammar."""
    return _Gif(data, limits).check()


class _Gif:
    def __init__(self, data: bytes, limits: Limits) -> None:
        self.cursor, self.limits = Cursor(data, order="little"), limits
        self.cursor.expect(SIGNATURE, "signature")
        self.width, self.height = self.cursor.u16(), self.cursor.u16()
        self.pixels = check_size(self.width, self.height, limits)
        flags = self.cursor.u8()
        demand(flags == 0x70 or flags & 0xF8 == 0xF0, "screen")
        self.has_table = flags != 0x70
        self.cursor.expect(b"\0\0", "screen")
        self.code_size = max(2, (flags & 7) + 1)
        if self.has_table:
            self.cursor.take(3 << (flags & 7) + 1)

    def check(self) -> int:
        loops = self.cursor.peek(len(LOOP)) == LOOP
        if loops:
            self.cursor.take(len(LOOP) + 2)
            self.cursor.expect(b"\0", "loop")
        frames = pixels = 0
        all_controlled = True
        while self.cursor.peek(1) != TRAILER:
            controlled, size = self._frame()
            all_controlled = all_controlled and controlled
            frames += 1
            pixels += size
            demand(frames <= self.limits.max_frames, "too-many-frames", self.cursor.where)
            demand(pixels <= self.limits.max_pixels, "too-many-pixels", self.cursor.where)
        self.cursor.take(1)
        self.cursor.check_end()
        demand(frames, "no-frame")
        demand(frames > 1 or not loops, "loop")
        demand(frames == 1 or all_controlled, "control")
        return self.pixels

    def _frame(self) -> tuple[bool, int]:
        """Whether the next frame has a control, and its number of pixels."""
        cursor = self.cursor
        controlled = cursor.peek(2) == CONTROL
        if controlled:
            cursor.take(2)
            size, flags, _delay, index, end = cursor.u8(), cursor.u8(), cursor.u16(), cursor.u8(), cursor.u8()
            demand((size, end) == (4, 0) and flags & 0xF2 == 0, "control", cursor.where)
            demand(flags & 1 or not index, "control", cursor.where)
        cursor.expect(DESCRIPTOR, "unexpected-block")
        x, y, width, height = (cursor.u16() for _ in range(4))
        flags = cursor.u8()
        size = check_size(width, height, self.limits)
        demand(x + width <= self.width and y + height <= self.height, "frame", cursor.where)
        demand(flags == 0 if self.has_table else flags & 0xF8 == 0x80, "frame", cursor.where)
        if not self.has_table:
            self.code_size = max(2, (flags & 7) + 1)
            cursor.take(3 << (flags & 7) + 1)
        where = cursor.where
        cursor.expect(bytes((self.code_size,)), "code-size")
        check_codes(self._blocks(), self.code_size, size, where)
        return controlled, size

    def _blocks(self) -> bytes:
        """The data of the sub-blocks, of which all but the last are full."""
        parts, size = [], 255
        while size == 255:
            size = self.cursor.u8()
            parts.append(self.cursor.take(size))
        if size:
            self.cursor.expect(b"\0", "sub-block")
        return b"".join(parts)


def check_codes(stream: bytes, first: int, pixels: int, where: str) -> None:
    """An LZW stream that yields exactly so many pixels. ``lengths`` has for each code how many pixels it yields; a new
    code yields one more than the one before it."""
    clear, end = 1 << first, (1 << first) + 1
    start = [1] * clear + [0, 0]
    lengths, width, before = list(start), first + 1, 0
    known = len(lengths)
    demand(stream and int.from_bytes(stream[:2], "little") & (1 << width) - 1 == clear, "lzw-start", where)
    bits = held = at = 0
    while True:
        if held < width:
            more = stream[at : at + 6]
            bits |= int.from_bytes(more, "little") << held
            held += 8 * len(more)
            at += 6
            demand(held >= width, "lzw-truncated", where)
        code = bits & (1 << width) - 1
        bits >>= width
        held -= width
        if code == clear:
            lengths, width, before = list(start), first + 1, 0
            known = len(lengths)
            continue
        if code == end:
            break
        if before and known < LARGEST:
            lengths.append(before + 1)
            known += 1
        demand(code < known, "lzw-code", where)
        before = lengths[code]
        pixels -= before
        if pixels <= 0:
            demand(pixels == 0, "lzw-pixels", where)
        elif known == 1 << width and width < 12:
            width += 1  # not for the end code, which is as wide as the last one
    demand(pixels == 0, "lzw-pixels", where)
    demand(at >= len(stream) and held < 8 and not bits, "lzw-end", where)
