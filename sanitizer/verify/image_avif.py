"""Reads AVIF as ``docs/grammar-image.md`` allows it: a header with no free byte, and AV1 units that fill the rest.

Rules kept here:

- The header follows from width, height, number of components, chroma, levels and lengths; it is written down again here
  from these and compared byte for byte.
- The AV1 data of each item is a temporal delimiter, a sequence header of that size, and frames; nothing else.

Source: AV1 specification 5.3–5.5; AV1 Image File Format 1.1; ISO/IEC 23008-12.

>>> from sanitizer.limits import Limits
>>> verify(b"", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 0')
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.image_reader import Cursor, check_raster, demand

ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"
CHROMA = {0x0C: 3, 0x00: 3, 0x1C: 1}  # third byte of av1C: 4:2:0, 4:4:4, monochrome → components
PROFILES = {0x0C: 0, 0x00: 1, 0x1C: 0}
SEQUENCE, TEMPORAL_DELIMITER, FRAME_HEADER, TILE_GROUP, FRAME = 1, 2, 3, 4, 6


@dataclass(frozen=True, slots=True)
class _Item:
    """Facts of one coded picture: the first four bytes of ``av1C`` and its length."""

    config: bytes
    length: int


def verify(data: bytes, limits: Limits, mime: str = "image/avif") -> None:
    """File type, metadata and media data, each once, for one picture with at most one alpha plane."""
    ftyp = Cursor(data).unpack(">I")[0]
    at = ftyp + 8 + 4  # the contents of meta
    cursor = Cursor(data, at)
    demand(ftyp in (28, 32), "bad-header")
    items = _items(cursor, data)
    width, height = _size(data)
    check_raster(width, height, limits)
    head = _header(width, height, items)
    demand(data.startswith(head), "bad-header")
    cursor = Cursor(data, len(head))
    for item in reversed(items):
        _units(cursor.take(item.length), width, height, item.config)
    cursor.finish()


def _items(cursor: Cursor, data: bytes) -> list[_Item]:
    """Lengths from ``iloc``, configurations from ``av1C``, wherever they stand; the comparison tells if they may."""
    iloc = data.find(b"iloc", cursor.at, cursor.at + 100)
    demand(iloc > 0, "bad-header", "iloc")
    _, sizes, count = Cursor(data, iloc + 4).unpack(">IHH")
    demand(sizes == 0x4400 and count in (1, 2), "bad-header", "iloc")
    items, at = [], iloc
    for number in range(count):
        (length,) = Cursor(data, iloc + 12 + 14 * number + 10).unpack(">I")
        at = data.find(b"av1C", at + 4, iloc + 600)
        demand(at > 0, "bad-header", "av1C")
        items.append(_Item(Cursor(data, at + 4).take(4), length))
    return items


def _size(data: bytes) -> tuple[int, int]:
    at = data.find(b"ispe", 0, 600)
    demand(at > 0, "bad-header", "ispe")
    _, width, height = Cursor(data, at + 4).unpack(">III")
    return width, height


def _box(name: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), name) + body


def _header(width: int, height: int, items: list[_Item]) -> bytes:
    """Everything up to the first byte of coded data, as it must be."""
    colour = items[0].config
    demand(colour[2] in CHROMA, "bad-configuration")
    demand(all(item.config[2] == 0x1C for item in items[1:]), "bad-configuration", "alpha")
    profile = b"MA1B" if colour[2] == 0x0C else b"MA1A" if colour[2] == 0 else b""
    ftyp = _box(b"ftyp", b"avif\0\0\0\0avifmif1miaf", profile)
    length = len(ftyp) + len(_meta(width, height, items, [0, 0])) + 8
    offsets, at = [0] * len(items), length
    for number in reversed(range(len(items))):  # the alpha plane stands first
        offsets[number] = at
        at += items[number].length
    total = sum(item.length for item in items)
    return ftyp + _meta(width, height, items, offsets) + struct.pack(">I4s", 8 + total, b"mdat")


def _meta(width: int, height: int, items: list[_Item], offsets: list[int]) -> bytes:
    count = len(items)
    places = b"".join(
        struct.pack(">HHHII", number, 0, 1, offsets[number - 1], items[number - 1].length)
        for number in range(1, count + 1)
    )
    names = b"".join(
        _box(b"infe", struct.pack(">IHH", 0x02000000, number, 0), b"av01", name)
        for number, name in ((1, b"Color\0"), (2, b"Alpha\0"))[:count]
    )
    relation = [_box(b"iref", bytes(4), _box(b"auxl", struct.pack(">HHH", 2, 1, 1)))] if count == 2 else []
    return _box(
        b"meta",
        bytes(4),
        _box(b"hdlr", bytes(8), b"pict", bytes(13)),
        _box(b"pitm", bytes(4), b"\0\1"),
        _box(b"iloc", struct.pack(">IHH", 0, 0x4400, count), places),
        _box(b"iinf", struct.pack(">IH", 0, count), names),
        *relation,
        _box(b"iprp", _box(b"ipco", *_properties(width, height, items)), _associations(count)),
    )


def _properties(width: int, height: int, items: list[_Item]) -> list[bytes]:
    components = CHROMA[items[0].config[2]]
    found = [
        _box(b"ispe", struct.pack(">III", 0, width, height)),
        _box(b"pixi", bytes(4), bytes([components] + [8] * components)),
        _box(b"av1C", items[0].config),
        _box(b"colr", b"nclx", struct.pack(">HHHB", 1, 13, 6, 0x80)),
    ]
    if len(items) == 2:
        pixi = [] if components == 1 else [_box(b"pixi", bytes(4), b"\1\x08")]
        found += [*pixi, _box(b"av1C", items[1].config), _box(b"auxC", bytes(4), ALPHA)]
    return found


def _associations(count: int) -> bytes:
    rows = [b"\0\1\4\1\2\x83\4", b"\0\2\4\1\5\x86\7"][:count]
    return _box(b"ipma", struct.pack(">II", 0, count), *rows)


def _units(data: bytes, width: int, height: int, config: bytes) -> None:
    """A temporal delimiter, a sequence header, and one frame: in one unit, or as header and tile groups."""
    cursor, kinds = Cursor(data), []
    while cursor.at < len(data):
        (head,) = cursor.unpack(">B")
        demand(head & 0x87 == 0x02, "bad-unit", f"offset {cursor.at}")  # with a size, without extension
        kinds.append(head >> 3)
        body = cursor.take(_leb128(cursor))
        if kinds[-1] == SEQUENCE:
            _sequence(body, width, height, config)
    demand(kinds[:2] == [TEMPORAL_DELIMITER, SEQUENCE], "bad-unit-order")
    tiles = kinds[2:]
    split = len(tiles) > 1 and tiles[0] == FRAME_HEADER and set(tiles[1:]) == {TILE_GROUP}
    demand(tiles == [FRAME] or split, "bad-unit-order")


def _leb128(cursor: Cursor) -> int:
    value = 0
    byte: int
    for shift in range(0, 35, 7):
        (byte,) = cursor.unpack(">B")
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise Violation("bad-unit", "size")


def _sequence(body: bytes, width: int, height: int, config: bytes) -> None:
    """The reduced header of a still picture: profile and level of ``av1C``, the size of ``ispe``."""
    bits, left = int.from_bytes(body, "big"), 8 * len(body)

    def take(count: int) -> int:
        nonlocal left
        left -= count
        demand(left >= 0, "truncated", "sequence header")
        return bits >> left & (1 << count) - 1

    profile = take(3)
    demand(take(2) == 3, "not-a-still-picture")
    level = take(5)
    demand(config[:2] == bytes([0x81, profile << 5 | level]) and config[3] == 0, "bad-configuration")
    demand(PROFILES.get(config[2]) == profile or (config[2] == 0x1C and profile == 0), "bad-configuration")
    wide, high = take(4) + 1, take(4) + 1
    demand((take(wide) + 1, take(high) + 1) == (width, height), "other-size")
