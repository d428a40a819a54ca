"""The package byte by byte (§1 of the grammar): members in a row, and a directory that follows from them.

Rules kept here:

- The directory is not read: it is computed from the members and compared.
- Sizes are charged before anything is inflated, and a stream may not yield one byte more than it said.

>>> from sanitizer.limits import Limits
>>> read(b"PK\\x05\\x06" + bytes(18), Budget.of(Limits()))
Traceback (most recent call last):
sanitizer.verify.Violation: ('directory', '')
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from sanitizer.verify import Violation
from sanitizer.verify.ooxml.checks import Budget, demand

FIRST = "[Content_Types].xml"
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
COMMON = struct.Struct("<HHHHHIIIHH")  # version, flags, method, time, date, CRC-32, compressed, size, name, extra
DEFLATED = (".xml", ".rels", ".vml")
RATIO, RATIO_FROM = 200, 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One member, not inflated yet."""

    name: str
    deflated: bool
    crc: int
    size: int
    data: memoryview

    def content(self) -> bytes:
        """The bytes that it holds; ``Violation`` if its stream, size or CRC-32 is wrong."""
        content = inflate(self.data, self.size) if self.deflated else bytes(self.data)
        demand(zlib.crc32(content) == self.crc, "crc")
        return content


def inflate(data: memoryview, size: int) -> bytes:
    """Raw Deflate that ends with the last byte of ``data`` and yields exactly ``size`` bytes."""
    engine = zlib.decompressobj(-15)
    try:
        content = engine.decompress(data, size + 1)
    except zlib.error as error:
        raise Violation("deflate") from error
    demand(engine.eof and not engine.unused_data and not engine.unconsumed_tail, "deflate")
    demand(len(content) == size, "member-size")
    return content


def read(data: bytes, budget: Budget, first: str = FIRST, deflated: tuple[str, ...] = DEFLATED) -> dict[str, Member]:
    """The members by name, in the order of the file: ``first``, then the others ascending. Those whose names end in
    ``deflated`` are so, the others are not."""
    demand(len(data) <= budget.limits.max_output, "too-long")
    view, at, members, central = memoryview(data), 0, dict[str, Member](), list[bytes]()
    before = ""
    while data.startswith(LOCAL, at):
        offset, where = at, f"member {len(members) + 1}"
        common, at = data[at + 4 : at + 4 + COMMON.size], at + 4 + COMMON.size
        demand(len(common) == COMMON.size, "truncated", where)
        version, flags, method, time, date, crc, compressed, size, length, extra = COMMON.unpack(common)
        demand((version, flags, time, date, extra) == (20, 0, 0, 33, 0), "member-header", where)
        demand(length + compressed <= len(data) - at, "truncated", where)
        name = _name(data[at : at + length], first, before, where)
        demand(method == (8 if name.endswith(deflated) else 0), "method", where)
        demand(method == 8 or size == compressed, "member-size", where)
        demand(size <= RATIO_FROM or size <= RATIO * compressed, "ratio", where)
        budget.member(size)
        members[name] = Member(name, method == 8, crc, size, view[at + length : at + length + compressed])
        at, before = at + length + compressed, name
        central.append(CENTRAL + b"\x14\0" + common + struct.pack("<HHHII", 0, 0, 0, 0, offset) + name.encode())
    directory = b"".join(central)
    count = len(central)
    end = END + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), at, 0) if count <= 0xFFFF else b""
    demand(members and data[at:] == directory + end, "directory")
    return members


def _name(name: bytes, first: str, before: str, where: str) -> str:
    """A name in its place: ``first``, then the others ascending."""
    demand(name and name.isascii(), "member-name", where)
    text = name.decode("ascii")
    demand(text == first if not before else text > before or before == first, "member-order", where)
    demand(not before or text != first, "member-order", where)
    return text
