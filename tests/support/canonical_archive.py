"""A tiny writer of the archives of ``docs/grammar-archive.md``, made from that page, for tests of the verifier.

>>> archive({"a.txt": b"a"})[:4], archive({"a.txt": b"a"})[-22:-18]
(b'PK\\x03\\x04', b'PK\\x05\\x06')
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sanitizer import kinds

_ALSO_DEFLATED = ("image/bmp", "image/svg+xml", "image/tiff", "message/rfc822")


@dataclass(frozen=True)
class Entry:
    """One member as its header says it; a test breaks a rule by changing a field."""

    name: bytes
    data: bytes  # as stored
    crc: int
    size: int
    method: int
    version: int = 20
    flags: int = 0
    time: int = 0
    date: int = 33
    extra: bytes = b""

    def common(self) -> bytes:
        return struct.pack(
            "<HHHHHIIIHH",
            *(self.version, self.flags, self.method, self.time, self.date, self.crc),
            *(len(self.data), self.size, len(self.name), len(self.extra)),
        )


def deflated(content: bytes) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return machine.compress(content) + machine.flush()


def entry(name: str, content: bytes) -> Entry:
    """A member as the page says it must be."""
    written = name.encode()
    mime = next(iter(kinds.types_of(name.rpartition("/")[2])), "")
    pressed = mime.startswith("text/") or mime in _ALSO_DEFLATED
    data = deflated(content) if pressed else content
    flags = 0 if written.isascii() else 0x0800
    return Entry(written, data, zlib.crc32(content), len(content), 8 if pressed else 0, flags=flags)


def packed(entries: Iterable[Entry], *, before: bytes = b"", between: bytes = b"", comment: bytes = b"") -> bytes:
    """The file of these members, with foreign bytes where they are asked for."""
    out, central = before, b""
    for count, one in enumerate(entries, 1):
        offset = len(out)
        out += b"PK\x03\x04" + one.common() + one.name + one.extra + one.data + between
        central += b"PK\x01\x02\x14\0" + one.common() + bytes(10) + struct.pack("<I", offset) + one.name + one.extra
        number = count
    end = struct.pack("<HHHHIIH", 0, 0, number, number, len(central), len(out), len(comment))
    return out + central + b"PK\x05\x06" + end + comment


def archive(members: Mapping[str, bytes]) -> bytes:
    """A whole archive; names that end in ``/`` are folders."""
    return packed(entry(name, content) for name, content in members.items())
