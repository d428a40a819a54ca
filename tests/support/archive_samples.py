"""Archives made here, honest and not: ZIP with every field at will, LZH of four levels, what libarchive can write."""

from __future__ import annotations

import bz2
import ctypes
import hashlib
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from sanitizer import kinds
from sanitizer.formats import archive
from sanitizer.formats.archive import library
from sanitizer.formats.base import Job, Member, Rebuilt, Treated
from sanitizer.limits import Limits

needs_libarchive = pytest.mark.skipif(
    not library.AVAILABLE, reason="libarchive13 is not installed (make setup does it)"
)

ZIP = "application/zip"
UTF8, DESCRIPTOR = 0x800, 8
SYMLINK, DEVICE, FOLDER = 0o120777 << 16, 0o020666 << 16, 0o040755 << 16


@dataclass(frozen=True)
class Part:
    """One member of a ZIP. ``local_*``: what its local header says otherwise. ``same_header_as_first``: it has none of
    its own and no bytes."""

    name: str | bytes
    data: bytes = b""
    flags: int = 0
    method: int = 8
    attributes: int = 0
    extra: bytes = b""
    comment: bytes = b""
    gap: bytes = b""
    size: int | None = None
    local_name: bytes | None = None
    local_method: int | None = None
    same_header_as_first: bool = False


def zip_of(
    *parts: Part | tuple[str | bytes, bytes], before: bytes = b"", after: bytes = b"", comment: bytes = b""
) -> bytes:
    """A ZIP; a pair is a name and bytes."""
    out, central, count = bytearray(before), bytearray(), 0
    for part in (one if isinstance(one, Part) else Part(*one) for one in parts):
        name = part.name.encode() if isinstance(part.name, str) else part.name
        flags = part.flags | (UTF8 if isinstance(part.name, str) and not part.name.isascii() else 0)
        packed = _deflate(part.data) if part.method == 8 else part.data
        size = len(part.data) if part.size is None else part.size
        told = struct.pack("<III", zlib.crc32(part.data), len(packed), size)
        out += part.gap
        start = len(before) if part.same_header_as_first else len(out)
        local = part.local_name if part.local_name is not None else name
        method = part.method if part.local_method is None else part.local_method
        head = bytes(12) if flags & DESCRIPTOR else told
        if not part.same_header_as_first:
            out += b"PK\x03\x04" + struct.pack("<HHHHH", 20, flags, method, 0, 33) + head
            out += struct.pack("<HH", len(local), 0) + local + packed
            out += b"PK\x07\x08" + told if flags & DESCRIPTOR else b""
        central += b"PK\x01\x02" + struct.pack("<HHHHHH", 20 | 3 << 8, 20, flags, part.method, 0, 33) + told
        central += struct.pack("<HHHHHII", len(name), len(part.extra), len(part.comment), 0, 0, part.attributes, start)
        central += name + part.extra + part.comment
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(out), len(comment))
    return bytes(out + central + b"PK\x05\x06" + end + comment + after)


def unicode_path(raw: bytes, name: str) -> bytes:
    """The extra field that tells a name in UTF-8 beside another encoding."""
    field = b"\1" + struct.pack("<I", zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", 0x7075, len(field)) + field


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def lzh_of(
    *members: tuple[bytes, bytes], level: int = 0, method: bytes = b"-lh5-", folder: bytes = b"", mode: int = 0
) -> bytes:
    """An LZH of raw names and bytes; ``folder``, with FF behind each part, has a header of its own (levels 1 to 3)."""
    out = bytearray()
    for name, data in members:
        packed = _lh5(data) if method == b"-lh5-" else data
        out += _LEVELS[level](name, data, packed, method, folder, mode) + packed
    return bytes(out + b"\0")


def _lh5(data: bytes) -> bytes:
    """Literals only, at most 65,535: one block in which every byte is its own code of 8 bits."""
    lengths = f"{11:05b}" + "000" * 3 + "00" + "000" * 6 + "001" * 2  # of the code lengths: two codes of one bit
    positions = f"{2:04b}" + "001" * 2
    literals = f"{256:09b}" + "1" * 256
    bits = f"{len(data):016b}" + lengths + literals + positions + "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _common(packed: int, size: int, method: bytes, level: int) -> bytes:
    return method + struct.pack("<IIIBB", packed, size, 0, 0x20, level)


def _level_0(name: bytes, data: bytes, packed: bytes, method: bytes, folder: bytes, mode: int) -> bytes:
    body = _common(len(packed), len(data), method, 0) + bytes([len(name)]) + name + struct.pack("<H", crc16(data))
    return bytes((len(body), sum(body) & 0xFF)) + body


def _extensions(name: bytes, folder: bytes, mode: int, width: str) -> bytes:
    """Extended headers and the zero behind them; the size of each stands before it."""
    fields = (
        [b"\x01" + name]
        + ([b"\x02" + folder] if folder else [])
        + ([b"\x50" + struct.pack("<H", mode)] if mode else [])
    )
    size = struct.calcsize(width)
    return b"".join(struct.pack(width, len(field) + size) + field for field in fields) + struct.pack(width, 0)


def _level_1(name: bytes, data: bytes, packed: bytes, method: bytes, folder: bytes, mode: int) -> bytes:
    more = _extensions(name, folder, mode, "<H")
    body = _common(len(packed) + len(more) - 2, len(data), method, 1) + b"\0" + struct.pack("<H", crc16(data)) + b"M"
    body += more[:2]
    return bytes((len(body), sum(body) & 0xFF)) + body + more[2:]


def _level_2(name: bytes, data: bytes, packed: bytes, method: bytes, folder: bytes, mode: int) -> bytes:
    body = _common(len(packed), len(data), method, 2) + struct.pack("<H", crc16(data)) + b"M"
    body += _extensions(name, folder, mode, "<H")
    return struct.pack("<H", len(body) + 2) + body


def _level_3(name: bytes, data: bytes, packed: bytes, method: bytes, folder: bytes, mode: int) -> bytes:
    start = _common(len(packed), len(data), method, 3) + struct.pack("<H", crc16(data)) + b"M"
    more = _extensions(name, folder, mode, "<I")
    return struct.pack("<H", 4) + start + struct.pack("<I", len(start) + 6 + len(more)) + more


_LEVELS = (_level_0, _level_1, _level_2, _level_3)


def rar_of(*members: tuple[bytes, bytes], encrypted: bool = False) -> bytes:
    """A RAR of version 4 that packs nothing; ``encrypted`` only says so."""

    def block(kind: int, flags: int, fields: bytes) -> bytes:
        head = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
        return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head

    out = b"Rar!\x1a\7\0" + block(0x73, 0, bytes(6))
    for name, data in members:
        fields = struct.pack("<IIBII", len(data), len(data), 3, zlib.crc32(data), 0x21 << 16)
        fields += struct.pack("<BBHI", 20, 0x30, len(name), 0o100644) + name
        out += block(0x74, 0x8000 | 4 * encrypted, fields) + data
    return out + block(0x7B, 0x4000, b"")


def crc16(data: bytes) -> int:
    """CRC-16/ARC, as LHA has it."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def by_libarchive(
    kind: str,
    members: Iterable[tuple[str, bytes]],
    options: str = "",
    filters: Sequence[str] = (),
    encoding: str = "utf-8",
) -> bytes:
    """An archive of ``kind`` (``7zip``, ``zip``, ``gnutar`` …) that the library writes; ``options`` as for
    ``archive_write_set_options``; the password is ``合言葉`` in ``encoding``."""
    lib: Any = ctypes.CDLL("libarchive.so.13")
    for name in ("archive_write_new", "archive_entry_new"):
        getattr(lib, name).restype = ctypes.c_void_p
    writer, buffer, used = (
        ctypes.c_void_p(lib.archive_write_new()),
        ctypes.create_string_buffer(1 << 20),
        ctypes.c_size_t(),
    )
    assert getattr(lib, f"archive_write_set_format_{kind}")(writer) == 0
    for name in filters:
        assert getattr(lib, f"archive_write_add_filter_{name}")(writer) == 0
    if options:
        assert lib.archive_write_set_options(writer, options.encode()) == 0
        lib.archive_write_set_passphrase(writer, "合言葉".encode(encoding))
    lib.archive_write_set_bytes_in_last_block(writer, 1)
    assert lib.archive_write_open_memory(writer, buffer, ctypes.c_size_t(len(buffer)), ctypes.byref(used)) == 0
    for name, data in members:
        entry = ctypes.c_void_p(lib.archive_entry_new())
        lib.archive_entry_set_pathname(entry, name.encode())
        lib.archive_entry_set_size(entry, ctypes.c_int64(len(data)))
        lib.archive_entry_set_filetype(entry, 0o100000)
        assert lib.archive_write_header(writer, entry) == 0
        assert lib.archive_write_data(writer, data, ctypes.c_size_t(len(data))) == len(data)
        lib.archive_entry_free(entry)
    assert lib.archive_write_close(writer) == 0
    lib.archive_write_free(writer)
    return buffer.raw[: used.value]


def seven_zip_of(
    *members: tuple[str, bytes], password: str = "", hidden: bool = False, method: str = "lzma2", mode: int = 0
) -> bytes:
    """A 7z, encrypted with a ``password``, its directory too if ``hidden``. ``mode``: the Unix mode of all members."""
    whole = b"".join(data for _, data in members)
    packed, chain, sizes = _sevenfold(whole, method, password)
    crcs = b"".join(struct.pack("<I", zlib.crc32(data)) for _, data in members)
    names = b"".join(name.encode("utf-16-le") + b"\0\0" for name, _ in members)
    count = _number(len(members))
    header = b"\1\4" + _streams(0, len(packed), chain, sizes) + b"\x08\x0d" + count
    if len(members) > 1:
        header += b"\x09" + b"".join(_number(len(data)) for _, data in members[:-1])
    header += b"\x0a\1" + crcs + b"\0\0" + b"\5" + count + b"\x11" + _number(len(names) + 1) + b"\0" + names
    if mode:
        attributes = struct.pack("<I", mode << 16 | 0x8000) * len(members)
        header += b"\x15" + _number(len(attributes) + 2) + b"\1\0" + attributes
    header += b"\0\0"
    if hidden:
        inner, chain, sizes = _sevenfold(header, "lzma", password)
        header = b"\x17" + _streams(len(packed), len(inner), chain, sizes) + b"\0"
        packed += inner
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + packed + header


def _sevenfold(data: bytes, method: str, password: str) -> tuple[bytes, bytes, list[int]]:
    """Packed bytes, the description of their folder, and the sizes of what its coders yield."""
    pack, coder = _SEVEN[method]
    packed = pack(data)
    if not password:
        return packed, b"\1" + coder, [len(data)]
    salt, rounds = b"salt", 10
    digest = hashlib.sha256()
    for number in range(1 << rounds):
        digest.update(salt + password.encode("utf-16-le") + struct.pack("<Q", number))
    sealer = Cipher(AES(digest.digest()), CBC(bytes(16))).encryptor()
    sealed = sealer.update(packed + bytes(-len(packed) % 16)) + sealer.finalize()
    key = b"\x24\x06\xf1\x07\x01\x06" + bytes((0x80 | rounds, 0x30)) + salt
    return sealed, b"\2" + coder + key + b"\0\1", [len(data), len(packed)]


def _streams(at: int, size: int, chain: bytes, sizes: list[int]) -> bytes:
    """PackInfo and UnpackInfo of one folder."""
    told = b"".join(_number(one) for one in sizes)
    return b"\6" + _number(at) + b"\1\x09" + _number(size) + b"\0\7\x0b\1\0" + chain + b"\x0c" + told + b"\0"


def _number(value: int) -> bytes:
    return bytes((value,)) if value < 0x80 else b"\xff" + struct.pack("<Q", value)


def _lzma1(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16}])


def _lzma2(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}])


_SEVEN: dict[str, tuple[Callable[[bytes], bytes], bytes]] = {
    "lzma": (_lzma1, b"\x23\3\1\1\5\x5d" + struct.pack("<I", 1 << 16)),
    "lzma2": (_lzma2, b"\x21\x21\1\x08"),
    "bzip2": (bz2.compress, b"\3\4\2\2"),
    "deflate": (_deflate, b"\3\4\1\x08"),
    "copy": (bytes, b"\1\0"),
}


def repacked(data: bytes, mime: str = ZIP, name: str = "a.zip", password: str | None = None) -> Rebuilt:
    """What leaves if every member is a text that needs nothing done, or such an archive. No jail."""
    job = Job(mime, "rebuild", name, password, Limits())
    unpacked = archive.unpack(data, job)
    treated = [_treated(member) for member in unpacked.members]
    rebuilt = archive.pack(data, job, treated)
    return Rebuilt(rebuilt.data, rebuilt.mime, unpacked.removed + rebuilt.removed, unpacked.changed + rebuilt.changed)


def _treated(member: Member) -> Treated:
    if member.name.endswith("/"):
        return Treated(member.name, "", "", bytes)
    if member.refused or not member.data:
        return Treated(member.name, member.refused or "empty", "", bytes)
    if member.data.startswith(b"PK") and ZIP in kinds.types_of(member.name):
        inner = repacked(member.data).data
        return Treated(member.name, "released", ZIP, lambda: inner)
    folder, slash, last = member.name.rpartition("/")
    name = folder + slash + kinds.output_name(last, "text/plain")
    return Treated(name, "released", "text/plain", lambda: member.data)


def contents(data: bytes) -> dict[str, bytes]:
    """The members of a ZIP as Python reads them."""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {info.filename: opened.read(info) for info in opened.infolist()}
