"""Reads archives as ``docs/grammar-archive.md`` allows them: one ZIP, every byte in its place, members by their types.

Rules kept here:

- The directory is not read: it is computed from the members and compared.
- Sizes are charged before anything is inflated, and a stream may not yield one byte more than it said.
- A member is of the one type that its name's ending stands for, and is read by the verifier of that type.

>>> verify(b"PK\\x05\\x06" + bytes(18), Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('directory', '')
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from sanitizer import kinds
from sanitizer.limits import Limits
from sanitizer.verify import VERIFIERS, Violation
from sanitizer.verify.archive_names import MAX_NAME, check_names
from sanitizer.verify.nesting import Allowance

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_COMMON = struct.Struct("<HHHHHIIIHH")  # version, flags, method, time, date, CRC-32, compressed, size, name, extra
UTF_8 = 0x0800
RATIO, RATIO_FROM = 200, 1 << 20
_DEFLATED = frozenset(("image/bmp", "image/svg+xml", "image/tiff", "message/rfc822"))


class _Member(NamedTuple):
    """One member, not inflated yet; ``mime`` is empty for a folder."""

    name: str
    mime: str
    deflated: bool
    crc: int
    size: int
    data: memoryview


def verify(data: bytes, limits: Limits, mime: str = "application/zip") -> None:
    """Nothing if ``data`` is an archive of the grammar within ``limits``, else ``Violation``."""
    verify_within(data, mime, Allowance.of(limits))


def verify_within(data: bytes, mime: str, allowance: Allowance) -> None:
    """The same for an archive that is a member of another container."""
    _demand(allowance.depth <= allowance.limits.max_nesting, "too-deep")
    members = _read(data, allowance)
    check_names(member.name for member in members)
    for number, member in enumerate(members, 1):
        content = _content(member, f"member {number}")
        if member.mime:
            allowance.check_member(content, member.mime)


def _demand(condition: object, code: str, where: str = "") -> None:
    if not condition:
        raise Violation(code, where)


def _read(data: bytes, allowance: Allowance) -> list[_Member]:
    """The members in the order of the file, all of whose bytes are accounted for."""
    _demand(len(data) <= allowance.limits.max_output, "too-long")
    view, at, members, central = memoryview(data), 0, list[_Member](), list[bytes]()
    while data.startswith(LOCAL, at):
        offset, where = at, f"member {len(members) + 1}"
        common, at = data[at + 4 : at + 4 + _COMMON.size], at + 4 + _COMMON.size
        _demand(len(common) == _COMMON.size, "truncated", where)
        version, flags, method, time, date, crc, compressed, size, length, extra = _COMMON.unpack(common)
        _demand((version, time, date, extra) == (20, 0, 33, 0), "member-header", where)
        _demand(length + compressed <= len(data) - at and length <= MAX_NAME, "truncated", where)
        written, at = data[at : at + length], at + length
        _demand(flags == (0 if written.isascii() else UTF_8), "member-header", where)
        name = _decoded(written, where)
        mime = "" if name.endswith("/") else _type(name, where)
        _demand(method == (8 if mime.startswith("text/") or mime in _DEFLATED else 0), "method", where)
        _demand(method == 8 or size == compressed, "member-size", where)
        _demand(mime or size == 0, "member-size", where)
        _demand(size <= RATIO_FROM or size <= RATIO * compressed, "ratio", where)
        allowance.take(1, size)
        members.append(_Member(name, mime, method == 8, crc, size, view[at : at + compressed]))
        at += compressed
        central.append(CENTRAL + b"\x14\0" + common + bytes(10) + struct.pack("<I", offset) + written)
    directory, count = b"".join(central), len(central)
    _demand(0 < count <= 0xFFFF, "directory")
    end = END + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), at, 0)
    _demand(data[at:] == directory + end, "directory")
    return members


def _decoded(name: bytes, where: str) -> str:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Violation("member-name", where) from error


def _type(name: str, where: str) -> str:
    """The one type that the ending of the name stands for."""
    types = kinds.types_of(name.rpartition("/")[2])
    _demand(len(types) == 1 and types <= VERIFIERS.keys(), "member-type", where)
    return next(iter(types))


def _content(member: _Member, where: str) -> bytes:
    """The bytes of a member; ``Violation`` if its stream, size or CRC-32 is wrong."""
    content = _inflated(member, where) if member.deflated else bytes(member.data)
    _demand(zlib.crc32(content) == member.crc, "crc", where)
    return content


def _inflated(member: _Member, where: str) -> bytes:
    machine = zlib.decompressobj(-15)
    try:
        content = machine.decompress(member.data, member.size + 1)
    except zlib.error as error:
        raise Violation("deflate", where) from error
    _demand(machine.eof and not machine.unused_data and not machine.unconsumed_tail, "deflate", where)
    _demand(len(content) == member.size, "member-size", where)
    return content
