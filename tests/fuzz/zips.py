"""A ZIP taken apart and written again, with its own headers: flags, versions, times and extra fields stay as they were.

Rules kept here:

- ``write(read(data))`` says the same as ``data``; where a member's content is as before, its bytes are as before.
- Only what a local header and the directory state is read; a ZIP that differs from it is None, and is mutated as bytes.
- Nothing more than ``MOST`` bytes is inflated.

>>> read(b"no archive") is None
True
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

MOST = 4 << 20
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")


@dataclass(frozen=True, slots=True)
class Member:
    """One member: the fields of its local header, of its entry in the directory, and what it holds."""

    name: bytes
    content: bytes
    raw: bytes  # as stored
    method: int
    local: tuple[int, int, int, int]  # version, flags, time, date
    local_extra: bytes
    central: tuple[int, int, int, int]  # made by, version, internal and external attributes
    central_extra: bytes
    comment: bytes

    def holding(self, content: bytes) -> Member:
        """The same member with another content."""
        return replace(self, content=content, raw=_packed(content, self.method))

    def called(self, name: bytes) -> Member:
        """The same member with another name."""
        return replace(self, name=name)


def _packed(content: bytes, method: int) -> bytes:
    if method != 8:
        return content
    machine = zlib.compressobj(6, zlib.DEFLATED, -15)
    return machine.compress(content) + machine.flush()


def read(data: bytes) -> list[Member] | None:
    """The members in the order of the directory; None for what is no plain ZIP."""
    end = data.rfind(b"PK\x05\x06")
    if end < 0 or len(data) < end + _END.size:
        return None
    count, at = (_END.unpack_from(data, end)[i] for i in (4, 6))
    members = list[Member]()
    try:
        for _ in range(count):
            member, at = _member(data, at)
            members.append(member)
            if sum(len(one.content) for one in members) > MOST:
                return None
    except (struct.error, ValueError, zlib.error):
        return None
    return members


def _member(data: bytes, at: int) -> tuple[Member, int]:
    fields = _CENTRAL.unpack_from(data, at)
    magic, made, version, _, method, _, _, _, size, _, named, extra, said, _, inner, outer, offset = fields
    local = _LOCAL.unpack_from(data, offset)
    if (magic, local[0]) != (b"PK\x01\x02", b"PK\x03\x04") or method not in (0, 8):
        raise ValueError("no plain member")
    start = offset + _LOCAL.size + local[9] + local[10]
    raw = data[start : start + size]
    content = zlib.decompressobj(-15).decompress(raw, MOST) if method == 8 else raw
    here = at + _CENTRAL.size + named
    member = Member(
        *(data[at + _CENTRAL.size : here], content, raw, method, (local[1], local[2], local[4], local[5])),
        data[start - local[10] : start],
        (made, version, inner, outer),
        *(data[here : here + extra], data[here + extra : here + extra + said]),
    )
    return member, here + extra + said


def write(members: list[Member]) -> bytes:
    """The archive of these members; checksums and sizes are right."""
    out, directory = bytearray(), bytearray()
    for one in members:
        version, flags, time, date = one.local
        flags &= ~8  # the sizes stand in the header
        facts = (zlib.crc32(one.content), len(one.raw), len(one.content), len(one.name))
        made, needs, inner, outer = one.central
        directory += _CENTRAL.pack(
            *(b"PK\x01\x02", made, needs, flags, one.method, time, date, *facts, len(one.central_extra)),
            *(len(one.comment), 0, inner, outer, len(out)),
        )
        directory += one.name + one.central_extra + one.comment
        out += _LOCAL.pack(b"PK\x03\x04", version, flags, one.method, time, date, *facts, len(one.local_extra))
        out += one.name + one.local_extra + one.raw
    count = len(members) & 0xFFFF
    return bytes(out + directory) + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), len(out), 0)
