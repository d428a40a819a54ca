"""PNG (ISO/IEC 15948) and its animations: which chunks there may be, in which order, and what they hold.

>>> from sanitizer.limits import Limits
>>> check(b"\\x89PNG\\r\\n\\x1a\\n", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 8')
"""

from __future__ import annotations

import struct
import zlib

from sanitizer.limits import Limits
from sanitizer.verify.image.reader import Cursor, check_rows, check_size, demand

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE = 3
_SAMPLES = {0: 1, 2: 3, _PALETTE: 1, 4: 2, 6: 4}  # colour type → samples of a pixel
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8,), _PALETTE: (1, 2, 4, 8), 4: (8,), 6: (8,)}
_FRAME = struct.Struct(">IIIIIHHBB")  # number, width, height, x, y, delay as a fraction, dispose, blend


def check(data: bytes, limits: Limits) -> int:
    """The number of pixels of the canvas; ``Violation`` if ``data`` is no PNG of the grammar."""
    return _Png(data, limits).check()


class _Png:
    def __init__(self, data: bytes, limits: Limits) -> None:
        self.cursor, self.limits = Cursor(data), limits
        self.cursor.expect(SIGNATURE, "signature")
        header = struct.unpack(">IIBBBBB", self._take(b"IHDR", 13))
        self.width, self.height, self.depth, self.colour = header[:4]
        self.pixels = check_size(self.width, self.height, limits)
        demand(self.depth in _DEPTHS.get(self.colour, ()) and header[4:] == (0, 0, 0), "header")

    def check(self) -> int:
        frames = self._animation()
        self._palette()
        if frames:
            self._frames(frames)
        else:
            self._resolution()
            self._rows(self._take(b"IDAT"), self.width, self.height)
        self._take(b"IEND", 0)
        self.cursor.check_end()
        return self.pixels

    def _next_is(self, name: bytes) -> bool:
        return self.cursor.peek(4, ahead=4) == name

    def _take(self, name: bytes, size: int | None = None) -> bytes:
        """The body of the next chunk, which is ``name`` (of ``size`` bytes)."""
        where = self.cursor.where
        length = self.cursor.u32()
        self.cursor.expect(name, "unexpected-chunk")
        demand(size in (None, length), "chunk-length", where)
        body = self.cursor.take(length)
        demand(self.cursor.u32() == zlib.crc32(body, zlib.crc32(name)), "crc", where)
        return body

    def _animation(self) -> int:
        """How many frames there are; 0 for a still picture."""
        if not self._next_is(b"acTL"):
            return 0
        frames, _plays = struct.unpack(">II", self._take(b"acTL", 8))
        demand(1 <= frames <= self.limits.max_frames, "frames")
        return int(frames)

    def _palette(self) -> None:
        if self.colour != _PALETTE:
            return
        entries, rest = divmod(len(self._take(b"PLTE")), 3)
        demand(not rest and 1 <= entries <= 1 << self.depth, "palette")
        if self._next_is(b"tRNS"):
            demand(1 <= len(self._take(b"tRNS")) <= entries, "transparency")

    def _resolution(self) -> None:
        if self._next_is(b"pHYs"):
            *density, unit = struct.unpack(">IIB", self._take(b"pHYs", 9))
            demand(unit == 1 and min(density) >= 400 and max(density) <= 100_000, "resolution")

    def _frames(self, count: int) -> None:
        number = pixels = 0
        for frame in range(count):
            where = self.cursor.where
            sequence, width, height, x, y, _, _, dispose, blend = _FRAME.unpack(self._take(b"fcTL", _FRAME.size))
            demand(sequence == number and dispose <= 2 and blend <= 1, "frame", where)
            pixels += check_size(width, height, self.limits)
            demand(pixels <= self.limits.max_pixels, "too-many-pixels", where)
            if frame == 0:
                demand((width, height, x, y) == (self.width, self.height, 0, 0), "frame", where)
                self._rows(self._take(b"IDAT"), width, height)
                number += 1
            else:
                demand(x + width <= self.width and y + height <= self.height, "frame", where)
                body = self._take(b"fdAT")
                demand(body[:4] == (number + 1).to_bytes(4, "big"), "frame", where)
                self._rows(body[4:], width, height)
                number += 2

    def _rows(self, stream: bytes, width: int, height: int) -> None:
        row = 1 + (width * _SAMPLES[self.colour] * self.depth + 7) // 8
        check_rows(stream, row, height, self.cursor.where, filtered=True)
