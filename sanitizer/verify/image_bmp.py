"""Reads BMP as ``docs/grammar-image.md`` allows it: header, table and raster of exactly the announced sizes.

>>> from sanitizer.limits import Limits
>>> verify(b"BM", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 2')
"""

from __future__ import annotations

import struct

from sanitizer.limits import Limits
from sanitizer.verify.image_reader import Cursor, check_raster, demand

MASKS = struct.pack("<IIII4s", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, b"BGRs") + bytes(48)


def verify(data: bytes, limits: Limits) -> None:
    """File header, information header, [masks], [table], rows from below, end of file."""
    cursor = Cursor(data)
    cursor.expect(b"BM", "bad-signature")
    length, reserved, offset = cursor.unpack("<IIi")
    demand(length == len(data) and reserved == 0, "bad-length")
    header, width, height, planes, bits, compression, size, *rest = cursor.unpack("<IiiHHIIiiII")
    check_raster(width, height, limits)
    demand(planes == 1 and bits in (1, 4, 8, 24, 32), "bad-depth")
    demand((header, compression) == ((108, 3) if bits == 32 else (40, 0)), "bad-header")
    colours = rest[2]
    demand(rest == [0, 0, colours, 0], "bad-header")
    demand(1 <= colours <= 1 << bits if bits <= 8 else colours == 0, "bad-table")
    if bits == 32:
        cursor.expect(MASKS, "bad-masks")
    demand(not any(cursor.take(4 * colours)[3::4]), "bad-table")
    demand(cursor.at == offset, "bad-offset")
    _rows(cursor, width, height, bits, size)
    cursor.finish()


def _rows(cursor: Cursor, width: int, height: int, bits: int, size: int) -> None:
    """Rows padded with zero bits to a multiple of four bytes."""
    used = (width * bits + 7) // 8
    row = (used + 3) // 4 * 4
    demand(size == row * height, "bad-raster")
    raster = cursor.take(size)
    for column in range(used, row):
        demand(not any(raster[column::row]), "bad-padding")
    spare = -width * bits % 8
    demand(not spare or not any(last & ((1 << spare) - 1) for last in raster[used - 1 :: row]), "bad-padding")
