"""The one form in which a ZIP leaves, whatever it is for: members in a row, and a directory that follows from them.

Rules kept here:

- No dates, extra fields, comments, attributes, descriptors or disks. Names are UTF-8, and say so if they are not ASCII.
- No member looks like a bomb: what would shrink too much is packed less tightly.

Source: APPNOTE.TXT 6.3.10; docs/grammar-ooxml.md, docs/grammar-archive.md, section 1 of each.

>>> len(write([("表.txt", b"a", False)]))
113
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from sanitizer.formats.deflating import raw_stream

_BOMB_SIZE, _BOMB_RATIO = 1 << 20, 150
_UTF8 = 0x800


def write(members: Iterable[tuple[str, bytes, bool]]) -> bytes:
    """A canonical ZIP of names, bytes and whether they are to be deflated, in this order; fewer than 65,536."""
    out, directory, count = bytearray(), bytearray(), 0
    for name, data, deflated in members:
        spelled, packed = name.encode(), _deflated(data) if deflated else data
        flags, method, sizes = 0 if name.isascii() else _UTF8, 8 if deflated else 0, (len(packed), len(data))
        common = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 0x21, zlib.crc32(data), *sizes, len(spelled), 0)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + spelled
        out += b"PK\x03\x04" + common + spelled + packed
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(out), 0)
    out += directory + b"PK\x05\x06" + end
    return bytes(out)


def _deflated(data: bytes) -> bytes:
    """Raw Deflate; what would shrink so much that it looks like a bomb is packed less tightly."""
    packed = raw_stream(data)
    if len(data) > _BOMB_SIZE and len(data) > _BOMB_RATIO * len(packed):
        packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8, zlib.Z_HUFFMAN_ONLY)
        packed = packer.compress(data) + packer.flush()
    return packed
