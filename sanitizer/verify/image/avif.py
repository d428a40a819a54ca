"""AVIF: two heads that follow from a few numbers, and the coded data (AV1, section 5), of which the heads are read.

Rules kept here:

- The boxes are not read: they are written from the numbers in them and compared.
- The numbers must be those of the sequence headers in the coded data.

>>> from sanitizer.limits import Limits
>>> check(b"\\0\\0\\0\\x20ftypavif", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('head', '')
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.image.reader import Cursor, check_size, demand

SIGNATURE = b"ftypavif"  # from the fifth byte on
GREY, HALVED, FULL = "4:0:0", "4:2:0", "4:4:4"
_BRANDS = {GREY: b"", HALVED: b"MA1B", FULL: b"MA1A"}
_CHROMA = {GREY: b"\x1c", HALVED: b"\x0c", FULL: b"\x00"}  # third byte of av1C
_ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"
_COLOURS = (1, 13, 6)  # BT.709 primaries, sRGB transfer, BT.601 matrix (ISO/IEC 23091-2)
DELIMITER, SEQUENCE, FRAME, FRAME_HEADER, TILES = 0x12, 0x0A, 0x32, 0x1A, 0x22  # types of units, with a size


class Head(NamedTuple):
    """What the boxes follow from. ``code``: profile and level as in av1C; ``alpha_*`` are 0 without transparency."""

    chroma: str
    width: int = 0
    height: int = 0
    code: int = 0
    size: int = 0
    alpha_code: int = 0
    alpha_size: int = 0


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body


def _full(name: bytes, *parts: bytes, version: int = 0) -> bytes:
    """A box with a version and no flags."""
    return _box(name, struct.pack(">I", version << 24), *parts)


def _properties(head: Head, transparent: bool) -> bytes:
    """``iprp``: what the items are like, and which property belongs to which item."""
    grey = head.chroma == GREY
    depths = _full(b"pixi", b"\1\x08" if grey else b"\3\x08\x08\x08")
    known = [
        _full(b"ispe", struct.pack(">II", head.width, head.height)),
        depths,
        _box(b"av1C", b"\x81", bytes((head.code,)), _CHROMA[head.chroma], b"\0"),
        _box(b"colr", b"nclx", struct.pack(">HHHB", *_COLOURS, 0x80)),
    ]
    items = [struct.pack(">HB", 1, 4) + bytes((1, 2, 0x80 | 3, 4))]
    if transparent:
        known += [] if grey else [_full(b"pixi", b"\1\x08")]
        known += [_box(b"av1C", b"\x81", bytes((head.alpha_code,)), _CHROMA[GREY], b"\0"), _full(b"auxC", _ALPHA)]
        last = len(known)
        items.append(struct.pack(">HB", 2, 4) + bytes((1, 2 if grey else 5, 0x80 | last - 1, last)))
    linked = _full(b"ipma", struct.pack(">I", len(items)), *items)
    return _box(b"iprp", _box(b"ipco", *known), linked)


def boxes(head: Head, transparent: bool) -> bytes:
    """``ftyp``, ``meta`` and the head of ``mdat``."""
    file_type = _box(b"ftyp", b"avif\0\0\0\0avifmif1miaf", _BRANDS[head.chroma])
    names = (b"Color", b"Alpha") if transparent else (b"Color",)
    items = [
        _full(b"infe", struct.pack(">HH4s", number, 0, b"av01"), name, b"\0", version=2)
        for number, name in enumerate(names, 1)
    ]

    def meta(start: int) -> bytes:
        places = [(start + head.alpha_size, head.size), (start, head.alpha_size)][: len(names)]
        extents = [struct.pack(">HHHII", number, 0, 1, offset, size) for number, (offset, size) in enumerate(places, 1)]
        return _full(
            b"meta",
            _full(b"hdlr", bytes(4), b"pict", bytes(13)),
            _full(b"pitm", struct.pack(">H", 1)),
            _full(b"iloc", struct.pack(">HH", 0x4400, len(extents)), *extents),
            _full(b"iinf", struct.pack(">H", len(items)), *items),
            _full(b"iref", _box(b"auxl", struct.pack(">HHH", 2, 1, 1))) if transparent else b"",
            _properties(head, transparent),
        )

    start = len(file_type) + len(meta(0)) + 8
    return file_type + meta(start) + struct.pack(">I4s", 8 + head.size + head.alpha_size, b"mdat")


_EMPTY = [(boxes(Head(chroma), bool(alpha)), chroma, bool(alpha)) for chroma in _BRANDS for alpha in (0, 1)]


def check(data: bytes, limits: Limits) -> int:
    """The number of pixels; ``Violation`` if ``data`` is no AVIF of the grammar."""
    head, start = _head(data)
    pixels = check_size(head.width, head.height, limits)
    cursor = Cursor(data, start)
    if head.alpha_size:
        _item(cursor, head._replace(code=head.alpha_code, size=head.alpha_size, chroma=GREY))
    _item(cursor, head)
    cursor.check_end()
    return pixels


def _head(data: bytes) -> tuple[Head, int]:
    """The numbers in the boxes, which are written as the grammar says, and where the coded data begins."""
    for empty, chroma, transparent in _EMPTY:
        if len(data) > len(empty):
            head = _numbers(data, empty, chroma, transparent)
            if data.startswith(boxes(head, transparent)) and bool(head.alpha_size) == transparent:
                return head, len(empty)
    raise Violation("head")


def _numbers(data: bytes, empty: bytes, chroma: str, transparent: bool) -> Head:
    """The numbers at the places where ``empty`` has none."""

    def number(after: bytes, skip: int, last: bool = False) -> int:
        at = (empty.rindex(after) if last else empty.index(after)) + 4 + skip
        return int.from_bytes(data[at : at + 4], "big")

    code, alpha_code = number(b"av1C", 0) >> 16 & 0xFF, number(b"av1C", 0, last=True) >> 16 & 0xFF
    alpha_size = number(b"iloc", 32) if transparent else 0
    width, height, size = number(b"ispe", 4), number(b"ispe", 8), number(b"iloc", 18)
    return Head(chroma, width, height, code, size, alpha_code if transparent else 0, alpha_size)


def _item(cursor: Cursor, head: Head) -> None:
    """The coded data of one picture: a temporal delimiter, a sequence header, one frame."""
    item = Cursor(cursor.data, cursor.at, cursor.at + min(head.size, cursor.left))
    cursor.at = item.end
    demand(not _unit(item, DELIMITER), "delimiter", item.where)
    where = item.where
    _sequence(_unit(item, SEQUENCE), head, where)
    if item.peek(1)[0:1] == bytes((FRAME,)):
        demand(_unit(item, FRAME), "frame", where)
    else:
        demand(_unit(item, FRAME_HEADER), "frame", where)
        demand(_unit(item, TILES), "frame", where)
        while item.left:
            demand(_unit(item, TILES), "frame", where)
    item.check_end()


def _unit(item: Cursor, kind: int) -> bytes:
    """The contents of the next unit, which is of this kind (AV1, 5.3.2: type, no extension, with a size)."""
    item.expect(bytes((kind,)), "unexpected-unit")
    size = shift = 0
    while shift <= 28:
        byte = item.u8()
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return item.take(size)
    raise Violation("unit-size", item.where)


def _sequence(unit: bytes, head: Head, where: str) -> None:
    """A reduced still picture header (AV1, 5.5) of this size and kind, with no bit left."""
    bits = "".join(f"{byte:08b}" for byte in unit)
    at = 0

    def read(count: int) -> int:
        nonlocal at
        demand(at + count <= len(bits), "sequence-header", where)
        at += count
        return int(bits[at - count : at], 2)

    still, profile, grey = (read(3), read(1), read(1)), head.code >> 5, head.chroma == GREY
    demand(still == (profile, 1, 1) and read(5) == head.code & 31, "sequence-header", where)
    demand(profile == (head.chroma == FULL), "sequence-header", where)
    width_bits, height_bits = read(4) + 1, read(4) + 1
    demand((read(width_bits) + 1, read(height_bits) + 1) == (head.width, head.height), "sequence-header", where)
    read(3)  # tools within a picture
    demand(read(1) == 0, "sequence-header", where)  # no scaling of the decoded picture
    read(2)  # filters
    demand(read(1) == 0, "sequence-header", where)  # 8 bits
    demand(profile == 1 or read(1) == grey, "sequence-header", where)
    if read(1):
        demand((read(8), read(8), read(8)) == _COLOURS, "sequence-header", where)
    demand(read(1) == 1, "sequence-header", where)  # full range
    if head.chroma == HALVED:
        read(2)  # where the chroma samples lie
    if not grey:
        demand(read(1) == 0, "sequence-header", where)  # one quantizer for both chroma planes
    demand(read(1) == 0, "sequence-header", where)  # no film grain
    rest = bits[at:]
    demand(len(rest) <= 8 and rest.rstrip("0") == "1", "sequence-header", where)
