"""TIFF 6.0: pages one behind the other, each with its strips, its long values and its directory, without a gap.

>>> from sanitizer.limits import Limits
>>> check(b"II*\\0\\x08\\0\\0\\0", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 8')
"""

from __future__ import annotations

import struct

from sanitizer.limits import Limits
from sanitizer.verify.image import jpeg
from sanitizer.verify.image.reader import Cursor, check_rows, check_size, demand

SIGNATURE = b"II*\0"
SHORT, LONG, RATIONAL = 3, 4, 5
_FORMS = {SHORT: "H", LONG: "I", RATIONAL: "2I"}
(WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, SAMPLES, ROWS, LENGTHS) = (
    *(256, 257, 258, 259, 262, 273, 277, 278, 279),
)
(X_RESOLUTION, Y_RESOLUTION, PLANAR, UNIT, PREDICTOR, COLOUR_MAP, EXTRA, SUBSAMPLING) = (
    *(282, 283, 284, 296, 317, 320, 338, 530),
)
_TYPES = {
    **dict.fromkeys((WIDTH, HEIGHT, OFFSETS, ROWS, LENGTHS), LONG),
    **dict.fromkeys((BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PLANAR, UNIT, PREDICTOR), SHORT),
    **dict.fromkeys((COLOUR_MAP, EXTRA, SUBSAMPLING), SHORT),
    **dict.fromkeys((X_RESOLUTION, Y_RESOLUTION), RATIONAL),
}
_ALWAYS = {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, SAMPLES, ROWS, LENGTHS, PLANAR}
_RESOLUTION = {X_RESOLUTION, Y_RESOLUTION, UNIT}
FAX, JPEG, DEFLATE = 4, 7, 8
# (compression, photometric, bits of the samples) → the tags that such a page has besides
_KINDS: dict[tuple[int, int, tuple[int, ...]], set[int]] = {
    (FAX, 0, (1,)): set(),
    (FAX, 1, (1,)): set(),
    (DEFLATE, 0, (1,)): set(),
    (DEFLATE, 1, (1,)): set(),
    (DEFLATE, 1, (8,)): {PREDICTOR},
    (DEFLATE, 1, (16,)): {PREDICTOR},
    (DEFLATE, 1, (8, 8)): {PREDICTOR, EXTRA},
    (DEFLATE, 2, (8, 8, 8)): {PREDICTOR},
    (DEFLATE, 2, (8, 8, 8, 8)): {PREDICTOR, EXTRA},
    (DEFLATE, 3, (8,)): {PREDICTOR, COLOUR_MAP},
    (JPEG, 1, (8,)): set(),
    (JPEG, 6, (8, 8, 8)): {SUBSAMPLING},
}
_Tags = dict[int, tuple[int, ...]]


def check(data: bytes, limits: Limits) -> int:
    """The number of pixels of the first page; ``Violation`` if ``data`` is no TIFF of the grammar."""
    cursor = Cursor(data, order="little")
    cursor.expect(SIGNATURE, "signature")
    directory, sizes = cursor.u32(), list[int]()
    while directory:
        demand(len(sizes) < limits.max_frames, "too-many-pages", cursor.where)
        tags, following = _directory(data, directory)
        sizes.append(_page(cursor, tags, directory, limits))
        cursor.take(2 + 12 * len(tags) + 4)
        directory = following
    demand(sizes, "no-page")
    cursor.check_end()
    return sizes[0]


def _directory(data: bytes, offset: int) -> tuple[_Tags, int]:
    """The tags of a directory, and the offset of the next one. The values that do not fit stand right before it."""
    where = f"directory {offset}"
    cursor = Cursor(data, offset, order="little")
    demand(8 <= offset < len(data), "truncated", f"offset {min(offset, len(data))}")
    tags, long, before = _Tags(), list[tuple[int, int, str]](), 0
    for _ in range(cursor.u16()):
        tag, type_, count = struct.unpack("<HHI", cursor.take(8))
        demand(tag > before and _TYPES.get(tag) == type_, "tag", where)
        before, form = tag, "<" + _FORMS[type_] * min(count, 1 << 20)
        size = struct.calcsize(form)
        demand(0 < count < 1 << 20 and size < len(data), "tag-count", where)
        if size <= 4:
            field = cursor.take(4)
            demand(not any(field[size:]), "tag-padding", where)
            tags[tag] = struct.unpack(form, field[:size])
        else:
            tags[tag] = ()
            long.append((tag, cursor.u32(), form))
    following = cursor.u32()
    at = offset - sum(struct.calcsize(form) for _, _, form in long)
    demand(at >= 8, "tag-offset", where)
    for tag, given, form in long:
        demand(given == at, "tag-offset", where)
        tags[tag] = struct.unpack_from(form, data, at)
        at += struct.calcsize(form)
    return tags, following


def _one(tags: _Tags, tag: int) -> int:
    value = tags[tag]
    demand(len(value) == 1, "tag-count")
    return value[0]


def _page(cursor: Cursor, tags: _Tags, directory: int, limits: Limits) -> int:
    """The number of pixels of a page; the cursor goes from its first strip to its directory."""
    where = f"directory {directory}"
    demand(tags.keys() >= _ALWAYS, "tag-missing", where)
    width, height = _one(tags, WIDTH), _one(tags, HEIGHT)
    pixels = check_size(width, height, limits)
    kind = _one(tags, COMPRESSION), _one(tags, PHOTOMETRIC), tags[BITS]
    demand(kind in _KINDS, "kind", where)
    resolution = _RESOLUTION & tags.keys()
    demand(resolution in (set(), _RESOLUTION) and tags.keys() == _ALWAYS | resolution | _KINDS[kind], "tags", where)
    demand((_one(tags, SAMPLES), _one(tags, PLANAR)) == (len(tags[BITS]), 1), "samples", where)
    demand(tags.get(PREDICTOR, (2,)) == tags.get(EXTRA, (2,)) == (2,), "samples", where)
    demand(len(tags.get(COLOUR_MAP, bytes(768))) == 768, "colour-map", where)
    if resolution:
        demand(1 <= _one(tags, UNIT) <= 3, "resolution", where)
        for tag in (X_RESOLUTION, Y_RESOLUTION):
            demand(tags[tag][1:] == (100,) and 1 <= tags[tag][0] <= 100_000, "resolution", where)
    _strips(cursor, tags, limits)
    demand(cursor.at + _outside(tags) == directory, "gap", cursor.where)
    cursor.at = directory
    return pixels


def _outside(tags: _Tags) -> int:
    """Bytes of the values that do not fit into fields."""
    sizes = [struct.calcsize("<" + _FORMS[_TYPES[tag]][-1]) * len(values) for tag, values in tags.items()]
    return sum(size for size in sizes if size > 4)


def _strips(cursor: Cursor, tags: _Tags, limits: Limits) -> None:
    width, height, rows = _one(tags, WIDTH), _one(tags, HEIGHT), _one(tags, ROWS)
    demand(1 <= rows <= height, "rows", cursor.where)
    demand(len(tags[OFFSETS]) == len(tags[LENGTHS]) == -(-height // rows), "strips", cursor.where)
    row, compression = (width * sum(tags[BITS]) + 7) // 8, _one(tags, COMPRESSION)
    demand(compression != JPEG or rows == height, "strips", cursor.where)
    for number, (offset, length) in enumerate(zip(tags[OFFSETS], tags[LENGTHS], strict=True)):
        where = cursor.where
        demand(offset == cursor.at and length, "strips", where)
        strip = cursor.take(length)
        if length % 2:
            cursor.expect(b"\0", "padding")
        if compression == DEFLATE:
            check_rows(strip, row, min(rows, height - number * rows), where, filtered=False)
        elif compression == JPEG:
            _check_jpeg(jpeg.read(strip, limits), tags, where)


def _check_jpeg(picture: jpeg.Picture, tags: _Tags, where: str) -> None:
    size = _one(tags, WIDTH), _one(tags, HEIGHT), len(tags[BITS])
    demand((picture.width, picture.height, picture.components) == size, "size", where)
    if SUBSAMPLING in tags:
        demand(tags[SUBSAMPLING] == (picture.sampling >> 4, picture.sampling & 15), "subsampling", where)
