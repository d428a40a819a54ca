"""Reads PNG as ``docs/grammar-image.md`` allows it: the chunk order of the grammar, CRCs, exact rasters.

>>> from sanitizer.limits import Limits
>>> verify(b"\\x89PNG\\r\\n\\x1a\\n", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 8')
"""

from __future__ import annotations

import struct
import zlib

from sanitizer.limits import Limits
from sanitizer.verify.image_reader import Cursor, check_raster, demand, inflate_rows

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8,), 3: (1, 2, 4, 8), 4: (8,), 6: (8,)}
RESOLUTION = (400, 100_000)


class _Chunks:
    """The chunks one after another, each with a right CRC."""

    def __init__(self, data: bytes) -> None:
        self.cursor = Cursor(data)
        self.cursor.expect(b"\x89PNG\r\n\x1a\n", "bad-signature")
        self.name, self.body = b"", b""
        self.step()

    def step(self) -> None:
        size, self.name = self.cursor.unpack(">I4s")
        self.body = self.cursor.take(size)
        (crc,) = self.cursor.unpack(">I")
        demand(zlib.crc32(self.name + self.body) == crc, "bad-crc", f"offset {self.cursor.at}")

    def optional(self, name: bytes) -> bytes | None:
        """The body of the chunk if it has this name, and on to the next."""
        return self.required(name) if self.name == name else None

    def required(self, name: bytes, size: int | None = None) -> bytes:
        """The body of the chunk, which must have this name (and size), and on to the next."""
        demand(self.name == name, "unexpected-chunk", f"offset {self.cursor.at}")
        body = self.body
        demand(size is None or len(body) == size, "bad-chunk-size", f"offset {self.cursor.at}")
        if name != b"IEND":
            self.step()
        return body


def verify(data: bytes, limits: Limits) -> None:
    """IHDR, [acTL], [PLTE], [tRNS], [pHYs], IDAT or frames, IEND, end of file."""
    chunks = _Chunks(data)
    width, height, depth, colour, compression, filters, interlace = struct.unpack(
        ">IIBBBBB", chunks.required(b"IHDR", 13)
    )
    check_raster(width, height, limits)
    demand(depth in DEPTHS.get(colour, ()), "bad-depth")
    demand((compression, filters, interlace) == (0, 0, 0), "bad-ihdr")
    animation = chunks.optional(b"acTL")
    _palette(chunks, depth, colour)
    bits = depth * CHANNELS[colour]
    if animation is not None:
        _frames(chunks, animation, (width, height), bits, limits)
    else:
        _resolution(chunks)
        inflate_rows(chunks.required(b"IDAT"), (width * bits + 7) // 8, height, 4)
    chunks.required(b"IEND", 0)
    chunks.cursor.finish()


def _palette(chunks: _Chunks, depth: int, colour: int) -> None:
    if colour != 3:
        return
    plte = chunks.required(b"PLTE")
    entries = len(plte) // 3
    demand(len(plte) % 3 == 0 and 1 <= entries <= 1 << depth, "bad-palette")
    trns = chunks.optional(b"tRNS")
    demand(trns is None or 1 <= len(trns) <= entries, "bad-transparency")


def _resolution(chunks: _Chunks) -> None:
    phys = chunks.optional(b"pHYs")
    if phys is None:
        return
    demand(len(phys) == 9 and phys[8] == 1, "bad-resolution")
    demand(all(RESOLUTION[0] <= value <= RESOLUTION[1] for value in struct.unpack(">II", phys[:8])), "bad-resolution")


def _frames(chunks: _Chunks, animation: bytes, canvas: tuple[int, int], bits: int, limits: Limits) -> None:
    """fcTL and IDAT of the first frame, fcTL and fdAT of each other one; sequence numbers without a gap."""
    demand(len(animation) == 8, "bad-animation")
    count, _loops = struct.unpack(">II", animation)
    demand(1 <= count <= limits.max_frames, "too-many-frames")
    number = pixels = 0
    for index in range(count):
        sequence, width, height, left, top, _delay, _per, dispose, blend = struct.unpack(
            ">IIIIIHHBB", chunks.required(b"fcTL", 26)
        )
        demand(sequence == number, "bad-sequence")
        demand(left + width <= canvas[0] and top + height <= canvas[1], "frame-outside")
        demand(index > 0 or (width, height) == canvas, "bad-first-frame")
        demand(dispose <= 2 and blend <= 1, "bad-frame")
        pixels += width * height
        check_raster(width, height, limits)
        demand(pixels <= limits.max_pixels, "too-many-pixels")
        stream = chunks.required(b"fdAT" if index else b"IDAT")
        if index:
            demand(stream[:4] == struct.pack(">I", number + 1), "bad-sequence")
            stream = stream[4:]
        number += 2 if index else 1
        inflate_rows(stream, (width * bits + 7) // 8, height, 4)
