"""What a received HEIF or AVIF file carries besides its picture: a cheap walk of its boxes, for the report alone.

Rules kept here:

- Nothing here decides what leaves: the picture is made anew from pixels whatever this walk finds or misses.
- The walk never raises and never loops: it stops at the first thing that it does not understand.

Source: ISO/IEC 14496-12 (boxes), ISO/IEC 23008-12 (items of HEIF).

>>> [change.kind for change in carried(b"\\0\\0\\0\\x10ftypheic\\0\\0\\0\\0\\0\\0\\0\\x08free")]
['private-data']
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import ExifTags, Image

from sanitizer.formats.base import Change
from sanitizer.formats.image_kinds import KINDS
from sanitizer.formats.image_open import UNREADABLE

_PLAIN = frozenset((b"ftyp", b"meta", b"mdat", b"moov"))
_ITEMS = {b"Exif": "exif", b"mime": "xmp", b"uri ": "private-data"}
_CHILDREN = {b"meta": 4, b"iprp": 0, b"ipco": 0}
_GPS = 0x8825


def boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of the contents of each whole box; what follows the last whole one has the type ``b""``."""
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        size = end - at if size == 0 else size
        if size < head or at + size > end:
            break
        yield name, at + head, at + size
        at += size
    if at < end:
        yield b"", at, end


def exif_of(image: Image.Image) -> Image.Exif | None:
    """The picture's EXIF; None where it is broken, which is no reason to refuse the picture."""
    try:
        return image.getexif()
    except UNREADABLE:
        return None


def carried(data: bytes, exif: Image.Exif | None = None) -> list[Change]:
    """What the file carries that its rebuilt form does not, in the order of ``KINDS``. ``exif``: as the decoder
    found it."""
    kinds = list(_found(data, 0, len(data)))
    if exif is not None and _says_where(exif):
        kinds.append("gps")
    return [Change(kind, kinds.count(kind)) for kind in KINDS if kind in kinds]


def _says_where(exif: Image.Exif) -> bool:
    try:
        return _GPS in exif and bool(exif.get_ifd(ExifTags.IFD.GPSInfo))
    except UNREADABLE:
        return False


def _found(data: bytes, at: int, end: int, inside: bytes = b"") -> Iterator[str]:
    for name, start, stop in boxes(data, at, end):
        if name in _CHILDREN:
            yield from _found(data, start + _CHILDREN[name], stop, name)
        if name == b"iinf":
            yield from _items(data, start, stop)
        elif name == b"colr" and data[start : start + 4] in (b"prof", b"rICC"):
            yield "icc-profile"
        elif not inside and name == b"":
            yield "trailing-bytes"
        elif not inside and name not in _PLAIN:
            yield "private-data"


def _items(data: bytes, start: int, stop: int) -> Iterator[str]:
    first = start + (6 if data[start] == 0 else 8)
    for name, at, end in boxes(data, first, stop):
        if name == b"infe" and end - at >= 12 and data[at] >= 2:
            kind = data[at + 8 : at + 12] if data[at] == 2 else data[at + 10 : at + 14]
            if kind in _ITEMS:
                yield _ITEMS[kind]
