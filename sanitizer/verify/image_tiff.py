"""Reads TIFF as ``docs/grammar-image.md`` allows it: one chain of directories in file order, every byte accounted for.

>>> from sanitizer.limits import Limits
>>> verify(b"II*\\0\\0\\0\\0\\0", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('no-page', '')
"""

from __future__ import annotations

import struct

from sanitizer.limits import Limits
from sanitizer.verify import image_jpeg
from sanitizer.verify.image_reader import check_raster, demand, inflate_rows

SHORT, LONG, RATIONAL = 3, 4, 5
WIDTHS = {SHORT: 2, LONG: 4, RATIONAL: 8}
# tag → type and number of values (None: as many as the picture needs)
TAGS: dict[int, tuple[int, int | None]] = {
    256: (LONG, 1), 257: (LONG, 1), 258: (SHORT, None), 259: (SHORT, 1), 262: (SHORT, 1), 273: (LONG, None),
    277: (SHORT, 1), 278: (LONG, 1), 279: (LONG, None), 282: (RATIONAL, 1), 283: (RATIONAL, 1), 284: (SHORT, 1),
    296: (SHORT, 1), 317: (SHORT, 1), 320: (SHORT, 768), 338: (SHORT, 1), 530: (SHORT, 2),
}  # fmt: skip
REQUIRED = {256, 257, 258, 259, 262, 273, 277, 278, 279, 284}
GROUP4, JPEG, DEFLATE = 4, 7, 8
# compression, photometric interpretation, bits of the samples → further tags that must be there
KINDS: dict[tuple[int, int, tuple[int, ...]], frozenset[int]] = {
    (GROUP4, 0, (1,)): frozenset(),
    (GROUP4, 1, (1,)): frozenset(),
    (DEFLATE, 0, (1,)): frozenset(),
    (DEFLATE, 1, (1,)): frozenset(),
    (DEFLATE, 1, (8,)): frozenset({317}),
    (DEFLATE, 1, (16,)): frozenset({317}),
    (DEFLATE, 1, (8, 8)): frozenset({317, 338}),
    (DEFLATE, 3, (8,)): frozenset({317, 320}),
    (DEFLATE, 2, (8, 8, 8)): frozenset({317}),
    (DEFLATE, 2, (8, 8, 8, 8)): frozenset({317, 338}),
    (JPEG, 1, (8,)): frozenset(),
    (JPEG, 6, (8, 8, 8)): frozenset({530}),
}
Fields = dict[int, tuple[int, ...]]


def verify(data: bytes, limits: Limits) -> None:
    """Header, then per page strips, values, directory, without a byte between; nothing behind the last directory."""
    demand(data[:4] == b"II*\0", "bad-signature")
    (directory,), at, pages, pixels = _unpack(data, "<I", 4), 8, 0, 0
    demand(directory > 0, "no-page")
    while directory:
        fields, strips_end, at, following = _directory(data, directory, at)
        pixels += _page(data, fields, strips_end, limits)
        pages += 1
        demand(pages <= limits.max_frames, "too-many-pages")
        demand(pixels <= limits.max_pixels * 4, "too-many-pixels")
        directory = following
    demand(at == len(data), "trailing-bytes", f"offset {at}")


def _unpack(data: bytes, form: str, at: int) -> tuple[int, ...]:
    demand(0 <= at <= len(data) - struct.calcsize(form), "truncated", f"offset {at}")
    return struct.unpack_from(form, data, at)


def _directory(data: bytes, directory: int, at: int) -> tuple[Fields, int, int, int]:
    """The fields of a directory, where the page's strips end, where the directory ends, and the next directory.

    ``at`` is where the page begins; the values outside the fields follow the strips in the order of the tags.
    """
    demand(directory >= at, "bad-order", f"offset {directory}")
    (count,) = _unpack(data, "<H", directory)
    entries = [_unpack(data, "<HHII", directory + 2 + 12 * number) for number in range(count)]
    demand([entry[0] for entry in entries] == sorted({entry[0] for entry in entries}), "bad-order")
    outside = [WIDTHS.get(kind, 0) * number > 4 for _, kind, number, _ in entries]
    total = sum(WIDTHS[kind] * number for (_, kind, number, _), far in zip(entries, outside, strict=True) if far)
    place = strips_end = directory - total
    demand(strips_end >= at, "bad-values")
    fields: Fields = {}
    for index, (tag, kind, number, value) in enumerate(entries):
        demand(tag in TAGS and kind == TAGS[tag][0], "unexpected-tag", f"tag {tag}")
        demand(number > 0 and TAGS[tag][1] in (None, number), "bad-count", f"tag {tag}")
        demand(not outside[index] or value == place, "bad-values", f"tag {tag}")
        fields[tag] = _values(data, directory + 10 + 12 * index, kind, number, place)
        place += WIDTHS[kind] * number if outside[index] else 0
    end = directory + 6 + 12 * count
    _strips_fill(data, fields, at, strips_end)
    return fields, strips_end, end, _unpack(data, "<I", end - 4)[0]


def _values(data: bytes, inside: int, kind: int, number: int, outside: int) -> tuple[int, ...]:
    letters = f"<{number * (2 if kind == RATIONAL else 1)}{'H' if kind == SHORT else 'I'}"
    length = WIDTHS[kind] * number
    if length > 4:
        return _unpack(data, letters, outside)
    demand(not any(data[inside + length : inside + 4]), "bad-values")
    return _unpack(data, letters, inside)


def _strips_fill(data: bytes, fields: Fields, at: int, end: int) -> None:
    """The strips lie one after another from ``at`` to ``end``, each followed by a zero byte if its length is odd."""
    offsets, counts = fields.get(273, ()), fields.get(279, ())
    demand(len(offsets) == len(counts) > 0, "bad-strips")
    for offset, count in zip(offsets, counts, strict=True):
        demand(offset == at and count > 0 and offset + count <= end, "bad-strips", f"offset {offset}")
        at += count + (count & 1)
        demand(not count & 1 or data[at - 1 : at] == b"\0", "bad-strips", f"offset {offset}")
    demand(at == end, "unused-bytes", f"offset {at}")


def _page(data: bytes, fields: Fields, end: int, limits: Limits) -> int:
    """Checks the tags against each other and the strips against the raster; the number of pixels."""
    demand(set(fields) >= REQUIRED, "missing-tag")
    width, height, rows = fields[256][0], fields[257][0], fields[278][0]
    check_raster(width, height, limits)
    bits, compression = fields[258], fields[259][0]
    further = KINDS.get((compression, fields[262][0], bits))
    demand(further is not None, "bad-kind")
    assert further is not None
    demand(set(fields) - REQUIRED - {282, 283, 296} == further, "unexpected-tag")
    demand(fields[277][0] == len(bits) and fields[284][0] == 1, "bad-samples")
    demand(fields.get(317, (2,)) == (2,) and fields.get(338, (2,)) == (2,), "bad-samples")
    demand(fields.get(530, (1, 1)) in ((1, 1), (2, 1), (2, 2)), "bad-sampling")
    _resolution(fields)
    demand(1 <= rows <= height and len(fields[273]) == -(-height // rows), "bad-strips")
    _rasters(data, fields, limits)
    return width * height


def _resolution(fields: Fields) -> None:
    given = [tag for tag in (282, 283, 296) if tag in fields]
    demand(len(given) in (0, 3), "bad-resolution")
    if given:
        demand(fields[296][0] in (1, 2, 3), "bad-resolution")
        for value, per in (fields[282], fields[283]):
            demand(per == 100 and 1 <= value <= 100_000, "bad-resolution")


def _rasters(data: bytes, fields: Fields, limits: Limits) -> None:
    """Each strip holds exactly its rows: inflated, or a whole JPEG of the page's size; group 4 is not decoded."""
    width, height, rows, compression = fields[256][0], fields[257][0], fields[278][0], fields[259][0]
    row_bytes = (width * sum(fields[258]) + 7) // 8
    for number, (offset, count) in enumerate(zip(fields[273], fields[279], strict=True)):
        strip = data[offset : offset + count]
        if compression == DEFLATE:
            inflate_rows(strip, row_bytes, min(rows, height - number * rows), None)
        elif compression == JPEG:
            demand(rows == height, "bad-strips")
            image_jpeg.verify(strip, limits)
            demand(_jpeg_size(strip) == (width, height), "bad-size")


def _jpeg_size(strip: bytes) -> tuple[int, int]:
    """Width and height in the frame header of a JPEG whose grammar has been checked."""
    at = 2
    while strip[at + 1] not in (0xC0, 0xC2):
        at += 2 + int.from_bytes(strip[at + 2 : at + 4], "big")
    height, width = struct.unpack(">HH", strip[at + 5 : at + 9])
    return width, height
