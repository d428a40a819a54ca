"""JPEG (ITU-T T.81, JFIF): which segments there may be, in which order, and what they hold. Scan data is not decoded.

>>> from sanitizer.limits import Limits
>>> check(b"\\xff\\xd8\\xff\\xfe\\x00\\x02", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('unexpected-segment', 'offset 2')
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify.image.reader import Cursor, check_size, demand

SOI, EOI, APP0, DQT, DHT, SOS = 0xD8, 0xD9, 0xE0, 0xDB, 0xC4, 0xDA
BASELINE, PROGRESSIVE = 0xC0, 0xC2
MAX_SCANS = 100
MAX_SHIFT = 13  # of a point transform, T.81 table B.3
_SAMPLING = (0x11, 0x21, 0x22)
_SCAN_DATA = compile_pattern(rb"[^\xff]*+(?:\xff\0[^\xff]*+)*+", re.DOTALL)
_LUMINANCE = (  # T.81 table K.1
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (  # T.81 table K.2
    *(17, 18, 24, 47, *(99,) * 4),
    *(18, 21, 26, 66, *(99,) * 4),
    *(24, 26, 56, 99, *(99,) * 4),
    *(47, 66, 99, 99, *(99,) * 4),
    *(99,) * 32,
)
_ZIGZAG = sorted(range(64), key=lambda at: (at // 8 + at % 8, at // 8 if (at // 8 + at % 8) % 2 else at % 8))


def _scaled(table: tuple[int, ...], quality: int) -> bytes:
    """A table in the order of a file, scaled as libjpeg's ``jpeg_set_quality`` does."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return bytes(min(max((table[at] * scale + 50) // 100, 1), 255) for at in _ZIGZAG)


_GREY = {_scaled(_LUMINANCE, quality) for quality in range(1, 101)}
_COLOUR = {(_scaled(_LUMINANCE, quality), _scaled(_CHROMINANCE, quality)) for quality in range(1, 101)}


class Picture(NamedTuple):
    """What the header says. ``sampling`` is the first component's: 0x11, 0x21 or 0x22."""

    width: int
    height: int
    components: int
    sampling: int


def check(data: bytes, limits: Limits) -> int:
    """The number of pixels; ``Violation`` if ``data`` is no JPEG of the grammar."""
    picture = read(data, limits)
    return picture.width * picture.height


def read(data: bytes, limits: Limits) -> Picture:
    """The header of a JPEG of the grammar, else ``Violation``."""
    jpeg = _Jpeg(data)
    jpeg.header(limits)
    if jpeg.progressive:
        jpeg.progressive_scans()
    else:
        jpeg.baseline_scan()
    jpeg.cursor.expect(bytes((0xFF, EOI)), "no-end")
    jpeg.cursor.check_end()
    return jpeg.picture


class _Jpeg:
    """``tables``: the Huffman tables so far, as class and number."""

    def __init__(self, data: bytes) -> None:
        self.cursor = Cursor(data)
        self.cursor.expect(bytes((0xFF, SOI)), "signature")
        self.tables: set[int] = set()
        self.progressive = False
        self.picture = Picture(0, 0, 0, 0)

    def _next_is(self, marker: int) -> bool:
        return self.cursor.peek(2) == bytes((0xFF, marker))

    def _segment(self, marker: int) -> Cursor:
        """The body of the next segment, which has this marker."""
        where = self.cursor.where
        demand(self._next_is(marker), "unexpected-segment", where)
        self.cursor.take(2)
        length = self.cursor.u16()
        demand(2 <= length <= self.cursor.left + 2, "truncated", where)
        body = Cursor(self.cursor.data, self.cursor.at, self.cursor.at + length - 2)
        self.cursor.at = body.end
        return body

    def header(self, limits: Limits) -> None:
        """From APP0 to the frame header."""
        body = self._segment(APP0)
        body.expect(b"JFIF\0\1\1", "app0")
        unit, *density = body.u8(), body.u16(), body.u16()
        demand((unit, density) == (0, [1, 1]) or (unit == 1 and 10 <= min(density) <= max(density) <= 2540), "app0")
        body.expect(b"\0\0", "app0")
        body.check_end()
        tables: list[bytes] = []
        while self._next_is(DQT):
            body = self._segment(DQT)
            demand(body.u8() == len(tables) < 2, "quantization")
            tables.append(body.take(64))
            body.check_end()
        self._frame(limits)
        grey = self.picture.components == 1
        demand(len(tables) == 1 and tables[0] in _GREY if grey else tuple(tables) in _COLOUR, "quantization")

    def _frame(self, limits: Limits) -> None:
        self.progressive = self._next_is(PROGRESSIVE)
        body = self._segment(PROGRESSIVE if self.progressive else BASELINE)
        depth, height, width, count = body.u8(), body.u16(), body.u16(), body.u8()
        check_size(width, height, limits)
        demand(depth == 8 and count in (1, 3), "frame")
        identity, sampling, table = body.take(3)
        demand((identity, table) == (1, 0) and sampling in (_SAMPLING if count == 3 else (0x11,)), "frame")
        if count == 3:
            body.expect(b"\2\x11\1\3\x11\1", "frame")
        body.check_end()
        self.picture = Picture(width, height, count, sampling)

    def baseline_scan(self) -> None:
        """One scan of all components."""
        components, selection = self._scan_header()
        demand(components == list(range(1, self.picture.components + 1)), "scan")
        demand(selection == (0, 63, 0, 0), "scan")

    def progressive_scans(self) -> None:
        """Scans as T.81 G.1.1.1.1 has them: DC before AC, each bit of a coefficient once, from high to low."""
        lowest = [[-1] * 64 for _ in range(self.picture.components)]  # the lowest bit sent so far; -1: none
        scans = 0
        while not self._next_is(EOI):
            where = self.cursor.where
            components, (first, last, high, low) = self._scan_header()
            scans += 1
            demand(scans <= MAX_SCANS, "too-many-scans", where)
            demand(first == last == 0 or (1 <= first <= last <= 63 and len(components) == 1), "scan", where)
            demand(low <= MAX_SHIFT and high in (0, low + 1), "scan", where)
            for component in components:
                sent = lowest[component - 1]
                demand(first == 0 or sent[0] >= 0, "scan", where)
                demand(all(bit == (high or -1) for bit in sent[first : last + 1]), "scan", where)
                sent[first : last + 1] = [low] * (last + 1 - first)
        demand(all(sent[0] >= 0 for sent in lowest), "scan")

    def _scan_header(self) -> tuple[list[int], tuple[int, int, int, int]]:
        """The components of the next scan, and its spectral selection and bits; the cursor stands behind its data."""
        while self._next_is(DHT):
            self._huffman_table()
        where, body = self.cursor.where, self._segment(SOS)
        components, used = [], []
        for _ in range(body.u8()):
            components.append(body.u8())
            used.append(body.u8())
        first, last, bits = body.take(3)
        body.check_end()
        demand(components and components == sorted(set(components)), "scan", where)
        demand(components[0] >= 1 and components[-1] <= self.picture.components, "scan", where)
        for selected in used:
            needed = ({selected >> 4} if first == 0 and bits < 0x10 else set()) | (
                {0x10 | selected & 15} if last else set()
            )
            demand(needed <= self.tables and selected & 0xEE == 0, "scan-tables", where)
        found = _SCAN_DATA.match(self.cursor.data, self.cursor.at)
        demand(found and found.end() > self.cursor.at, "empty-scan", where)
        self.cursor.at = found.end() if found else self.cursor.at
        return components, (first, last, bits >> 4, bits & 15)

    def _huffman_table(self) -> None:
        where, body = self.cursor.where, self._segment(DHT)
        name, lengths = body.u8(), body.take(16)
        demand(name in (0x00, 0x01, 0x10, 0x11), "huffman", where)
        symbols = body.take(sum(lengths))
        body.check_end()
        demand(len(set(symbols)) == len(symbols), "huffman", where)
        demand(sum(count << (15 - at) for at, count in enumerate(lengths)) < 1 << 16, "huffman", where)
        self.tables.add(name)
