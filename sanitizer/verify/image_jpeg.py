"""Reads JPEG as ``docs/grammar-image.md`` allows it: the marker grammar, standard quantisation tables, well-formed
Huffman tables, scans that hold coded bytes and nothing else.

>>> from sanitizer.limits import Limits
>>> verify(b"\\xff\\xd8\\xff\\xe1", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('unexpected-segment', 'offset 2')
"""

from __future__ import annotations

import re
import struct

from sanitizer.limits import Limits
from sanitizer.verify.image_reader import Cursor, check_raster, demand

# ITU-T T.81 tables K.1 and K.2 in the zigzag order in which DQT carries them.
# fmt: off
LUMINANCE = (
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61,
    60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113,
    121, 112, 100, 120, 92, 101, 103, 99,
)
CHROMINANCE = (17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, *[99] * 50)
# fmt: on
_IN_SCAN = re.compile(rb"[^\xff]*(?:\xff\x00[^\xff]*)*", re.DOTALL)


def verify(data: bytes, limits: Limits) -> None:
    """SOI, APP0, DQT …, SOF0 or SOF2, (DHT … SOS scan) …, EOI, end of file."""
    cursor = Cursor(data)
    cursor.expect(b"\xff\xd8", "bad-signature")
    _jfif(cursor)
    tables = _quantisation(cursor)
    progressive, components = _frame(cursor, tables, limits)
    _scans(cursor, progressive, components)
    cursor.finish()


def _segment(cursor: Cursor, marker: int) -> bytes | None:
    """The body of the next segment if it has this marker."""
    if not cursor.data.startswith(bytes((0xFF, marker)), cursor.at):
        return None
    cursor.take(2)
    (size,) = cursor.unpack(">H")
    demand(size >= 2, "bad-segment", f"offset {cursor.at}")
    return cursor.take(size - 2)


def _jfif(cursor: Cursor) -> None:
    body = _segment(cursor, 0xE0)
    demand(body is not None, "unexpected-segment", f"offset {cursor.at}")
    assert body is not None
    demand(len(body) == 14 and body[:7] == b"JFIF\0\1\1" and body[12:] == b"\0\0", "bad-jfif")
    unit, across, down = struct.unpack(">BHH", body[7:12])
    demand((unit, across, down) == (0, 1, 1) or (unit == 1 and 10 <= across <= 2540 and 10 <= down <= 2540), "bad-jfif")


def _quantisation(cursor: Cursor) -> int:
    """How many tables there are: one or two, the standard ones at one quality."""
    tables: list[bytes] = []
    while (body := _segment(cursor, 0xDB)) is not None:
        demand(len(body) == 65 and body[0] == len(tables) < 2, "bad-quantisation")
        tables.append(body[1:])
    demand(bool(tables), "bad-quantisation")
    demand(any(_standard(quality)[: len(tables)] == tables for quality in range(1, 101)), "strange-quantisation")
    return len(tables)


def _standard(quality: int) -> list[bytes]:
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [
        bytes(max(1, min(255, (step * percent + 50) // 100)) for step in table) for table in (LUMINANCE, CHROMINANCE)
    ]


def _frame(cursor: Cursor, tables: int, limits: Limits) -> tuple[bool, int]:
    """Whether the frame is progressive, and its number of components: grey with one table, or YCbCr with two."""
    progressive = cursor.data.startswith(b"\xff\xc2", cursor.at)
    body = _segment(cursor, 0xC2 if progressive else 0xC0)
    demand(body is not None and len(body) >= 6, "unexpected-segment", f"offset {cursor.at}")
    assert body is not None
    precision, height, width, count = struct.unpack(">BHHB", body[:6])
    demand(precision == 8 and (count, tables) in ((1, 1), (3, 2)) and len(body) == 6 + 3 * count, "bad-frame")
    check_raster(width, height, limits)
    parts = [tuple(body[6 + 3 * n : 9 + 3 * n]) for n in range(count)]
    demand(parts[0][0] == 1 and parts[0][1] in (0x11, 0x21, 0x22) and parts[0][2] == 0, "bad-frame")
    demand(parts[1:] == [(2, 0x11, 1), (3, 0x11, 1)][: count - 1], "bad-frame")
    return progressive, count


def _scans(cursor: Cursor, progressive: bool, components: int) -> None:
    """Huffman tables and scans up to EOI; a baseline frame has one scan, a progressive one at most a hundred."""
    scans = 0
    while not cursor.data.startswith(b"\xff\xd9", cursor.at):
        while (table := _segment(cursor, 0xC4)) is not None:
            _huffman(table)
        header = _segment(cursor, 0xDA)
        demand(header is not None, "unexpected-segment", f"offset {cursor.at}")
        assert header is not None
        _scan_header(header, progressive, components)
        coded = _IN_SCAN.match(cursor.data, cursor.at)
        demand(coded is not None and coded.end() > cursor.at, "empty-scan")
        assert coded is not None
        cursor.at = coded.end()
        scans += 1
        demand(scans <= (100 if progressive else 1), "too-many-scans")
    demand(scans > 0, "no-scan")
    cursor.expect(b"\xff\xd9", "no-end")


def _huffman(body: bytes) -> None:
    """One table whose code lengths leave no code unused but the one of all ones (T.81 C.2), each symbol once."""
    demand(len(body) >= 17 and body[0] & 0xEE == 0, "bad-huffman")
    lengths, symbols = body[1:17], body[17:]
    demand(sum(lengths) == len(symbols) == len(set(symbols)), "bad-huffman")
    used = sum(count << (16 - length) for length, count in enumerate(lengths, 1))
    demand(0 < used < 1 << 16, "bad-huffman")


def _scan_header(body: bytes, progressive: bool, components: int) -> None:
    count = body[0] if body else 0
    demand(1 <= count <= components and len(body) == 4 + 2 * count, "bad-scan")
    ids = list(body[1 : 1 + 2 * count : 2])
    demand(ids == sorted(set(ids)) and ids[0] >= 1 and ids[-1] <= components, "bad-scan")
    demand(all(selector & 0xEE == 0 for selector in body[2 : 2 + 2 * count : 2]), "bad-scan")
    first, last, bits = body[-3:]
    if not progressive:
        demand(count == components and (first, last, bits) == (0, 63, 0), "bad-scan")
    else:
        high, low = bits >> 4, bits & 15
        demand(first <= last <= 63 and low <= 13 and (high == 0 or high == low + 1), "bad-scan")
        demand(first > 0 or last == 0, "bad-scan")
