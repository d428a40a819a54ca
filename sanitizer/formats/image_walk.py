"""What a received picture carries besides its pixels: a cheap walk of its container, for the report alone.

Rules kept here:

- Nothing here decides what leaves: the picture is made anew from pixels whatever this walk finds or misses.
- The walk never raises and never loops: it stops at the first thing that it does not understand.
- It gives kinds (``image_kinds.KINDS``) and counts, never a string of the file.

>>> [change.kind for change in carried(b"GIF89a\\1\\0\\1\\0\\0\\0\\0!\\xfe\\1x\\0;tail", "image/gif")]
['comment', 'trailing-bytes']
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from sanitizer.formats.base import Change
from sanitizer.formats.image_gif import blocks, colour_table
from sanitizer.formats.image_kinds import KINDS

_PNG = {b"tEXt": "text-metadata", b"zTXt": "text-metadata", b"iTXt": "text-metadata", b"tIME": "time-stamp"}
_PNG_SILENT = frozenset(
    (
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"sBIT",
        b"bKGD",
        b"pHYs",
        b"hIST",
        b"cICP",
    )
) | {b"acTL", b"fcTL", b"fdAT", b"sPLT"}
_TIFF = {
    34853: "gps", 34665: "exif", 700: "xmp", 33723: "iptc", 34377: "iptc", 34675: "icc-profile", 306: "time-stamp",
    330: "embedded-image", 269: "text-metadata", 270: "text-metadata", 271: "text-metadata", 272: "text-metadata",
    285: "text-metadata", 305: "text-metadata", 315: "text-metadata", 316: "text-metadata", 33432: "text-metadata",
}  # fmt: skip
_TIFF_SILENT = frozenset((32781, 32995, 32996, 32997))
_TIFF_WIDTH = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def carried(data: bytes, mime: str) -> list[Change]:
    """What the file carries that its rebuilt form does not, in the order of ``KINDS``."""
    counts: dict[str, int] = {}
    try:
        for kind in _WALKS[mime](data):
            counts[kind] = counts.get(kind, 0) + 1
    except (struct.error, IndexError):
        pass
    return [Change(kind, counts[kind]) for kind in KINDS if kind in counts]


def has_bad_checksum(data: bytes) -> bool:
    """Whether a PNG has a chunk whose CRC is wrong."""
    return any(zlib.crc32(data[at + 4 : at + 8 + size]) != crc for at, size, crc in _png_chunks(data))


def _png_chunks(data: bytes) -> Iterator[tuple[int, int, int]]:
    at = 8
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        if at + 12 + size > len(data):
            return
        yield at, size, struct.unpack_from(">I", data, at + 8 + size)[0]
        at += 12 + size


def _png(data: bytes) -> Iterator[str]:
    for at, size, _ in _png_chunks(data):
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if name == b"eXIf":
            yield from _exif(body)
        elif name == b"iCCP":
            yield "icc-profile"
        elif name == b"iTXt" and body.startswith(b"XML:com.adobe.xmp"):
            yield "xmp"
        elif name in _PNG:
            yield _PNG[name]
        elif name not in _PNG_SILENT:
            yield "private-data"
        if name == b"IEND":
            if data[at + 12 + size :].strip(b"\0"):
                yield "trailing-bytes"
            return


def _exif(body: bytes) -> Iterator[str]:
    """EXIF (a TIFF structure), and the place if its first directory points to GPS data."""
    yield "exif"
    order = "<" if body.startswith(b"II") else ">"
    if len(body) < 8:
        return
    (at,) = struct.unpack_from(order + "I", body, 4)
    if at + 2 > len(body):
        return
    (count,) = struct.unpack_from(order + "H", body, at)
    tags = [
        struct.unpack_from(order + "H", body, at + 2 + 12 * n)[0] for n in range(min(count, (len(body) - at) // 12))
    ]
    if 0x8825 in tags:
        yield "gps"


def _jpeg(data: bytes) -> Iterator[str]:
    at = 2
    while (found := _JPEG_MARKER.search(data, at)) is not None:
        at, marker = found.start(), found[0][1]
        if marker == 0xD9:
            if data[at + 2 :].strip(b"\0"):
                yield "trailing-bytes"
            return
        if marker in (0x01, 0xD8):
            at += 2
            continue
        (size,) = struct.unpack_from(">H", data, at + 2)
        yield from _jpeg_segment(marker, data[at + 4 : at + 2 + size])
        at += 2 + size


def _jpeg_segment(marker: int, body: bytes) -> Iterator[str]:
    if marker == 0xFE:
        yield "comment"
    elif marker == 0xE1 and body.startswith(b"Exif\0"):
        yield from _exif(body[6:])
    elif marker == 0xE1:
        yield "xmp" if body.startswith(b"http://ns.adobe.com/") else "private-data"
    elif marker == 0xE2 and body.startswith(b"ICC_PROFILE"):
        yield "icc-profile"
    elif marker == 0xE2 and body.startswith(b"MPF"):
        yield "embedded-image"
    elif marker == 0xED:
        yield "iptc"
    elif marker == 0xE0 and body.startswith(b"JFXX"):
        yield "embedded-image"
    elif 0xE2 <= marker <= 0xEF and not (marker == 0xEE and body.startswith(b"Adobe")):
        yield "private-data"


def _gif(data: bytes) -> Iterator[str]:
    at, _ = colour_table(data, 13, data[10])
    while at < len(data):
        if data[at] == 0x3B:
            if data[at + 1 :].strip(b"\0"):
                yield "trailing-bytes"
            return
        if data[at] == 0x21:
            body, end = blocks(data, at + 2)
            yield from _gif_extension(data[at + 1], body)
        elif data[at] == 0x2C:
            start, _ = colour_table(data, at + 10, data[at + 9])
            _, end = blocks(data, start + 1)
        else:
            return
        at = end


def _gif_extension(label: int, body: list[bytes]) -> Iterator[str]:
    name = body[0] if body else b""
    if label == 0xFE:
        yield "comment"
    elif label == 0x01:
        yield "text-metadata"
    elif label == 0xFF and name.startswith(b"XMP"):
        yield "xmp"
    elif label == 0xFF and name.startswith(b"ICC"):
        yield "icc-profile"
    elif label != 0xF9 and name not in (b"NETSCAPE2.0", b"ANIMEXTS1.0"):
        yield "private-data"


def _webp(data: bytes) -> Iterator[str]:
    end, at = 8 + struct.unpack_from("<I", data, 4)[0], 12
    kinds = {b"EXIF": "exif", b"XMP ": "xmp", b"ICCP": "icc-profile"}
    while at + 8 <= min(end, len(data)):
        name, size = struct.unpack_from("<4sI", data, at)
        if name == b"EXIF":
            body = data[at + 8 : at + 8 + size]
            yield from _exif(body[6:] if body.startswith(b"Exif\0") else body)
        elif name in kinds:
            yield kinds[name]
        elif name not in (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"):
            yield "private-data"
        at += 8 + size + (size & 1)
    if data[end + (end & 1) :].strip(b"\0"):
        yield "trailing-bytes"


def _tiff(data: bytes) -> Iterator[str]:
    order, seen, used = ("<" if data.startswith(b"II") else ">"), set[int](), 8
    (at,) = struct.unpack_from(order + "I", data, 4)
    while at and at not in seen and at + 2 <= len(data) and len(seen) < 10_000:
        seen.add(at)
        (count,) = struct.unpack_from(order + "H", data, at)
        used = max(used, at + 6 + 12 * count)
        fields = [struct.unpack_from(order + "HHII", data, at + 2 + 12 * number) for number in range(count)]
        for tag, kind, values, place in fields:
            length = _TIFF_WIDTH.get(kind, 1) * values
            used = max(used, place + length if length > 4 else 0)
            if tag in _TIFF:
                yield _TIFF[tag]
            elif tag >= 32768 and tag not in _TIFF_SILENT:
                yield "private-data"
        used = max(used, _tiff_strips(data, order, fields))
        (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
    if data[used:].strip(b"\0"):
        yield "trailing-bytes"


def _tiff_strips(data: bytes, order: str, fields: list[tuple[int, ...]]) -> int:
    """Where the last strip or tile of a directory ends."""
    found: dict[int, tuple[int, ...]] = {}
    for tag, kind, values, place in fields:
        if tag in (273, 279, 324, 325) and kind in (3, 4):
            letter = "H" if kind == 3 else "I"
            if struct.calcsize(letter) * values <= 4:
                packed = struct.pack(order + "I", place)
                found[tag] = struct.unpack_from(f"{order}{values}{letter}", packed)
            elif place + struct.calcsize(letter) * values <= len(data):
                found[tag] = struct.unpack_from(f"{order}{values}{letter}", data, place)
    pairs = [*zip(found.get(273, ()), found.get(279, ()), strict=False)]
    pairs += zip(found.get(324, ()), found.get(325, ()), strict=False)
    return max((offset + length for offset, length in pairs), default=0)


def _bmp(data: bytes) -> Iterator[str]:
    offset, header = struct.unpack_from("<II", data, 10)
    if header < 40:
        return
    width, height, _, bits, compression, size = struct.unpack_from("<iiHHII", data, 18)
    if header >= 124 and data[70:74] in (b"KNIL", b"DEBM"):
        yield "icc-profile"
    end = offset + ((width * bits + 31) // 32 * 4 * abs(height) if compression in (0, 3) else size)
    colours = struct.unpack_from("<I", data, 46)[0] or (1 << bits if bits <= 8 else 0)
    if offset > 14 + header + 4 * colours + 12:
        yield "hidden-bytes"
    if data[end:].strip(b"\0"):
        yield "trailing-bytes"


_WALKS = {
    "image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp, "image/tiff": _tiff,
    "image/bmp": _bmp,
}  # fmt: skip
