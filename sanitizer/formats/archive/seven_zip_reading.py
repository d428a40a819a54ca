"""The files of a 7z archive, decrypted and decompressed with Python's own means.

Rules kept here:

- Methods: AES-256 with SHA-256, LZMA, LZMA2, BZip2, Deflate, Copy, and the filters for programs and differences; an
  archive with any other is ``Malformed`` before anything is unpacked. A key takes at most 2²⁰ rounds of SHA-256.
- No step yields more than it says, all together no more than ``limit`` bytes; else it is a bomb.
- What does not decode, or has another CRC-32, is ``Damaged``: a wrong password looks alike.

Source: 7-Zip, DOC/Methods.txt and CPP/7zip/Crypto/7zAes.cpp (Igor Pavlov).
"""

from __future__ import annotations

import bz2
import hashlib
import lzma
import struct
import zlib
from collections.abc import Iterator

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from sanitizer.formats.archive.seven_zip import (
    ENCODED,
    HEADER,
    Chain,
    Coder,
    File,
    Malformed,
    Numbers,
    read_header,
    read_streams,
    start_header,
)
from sanitizer.formats.base import NeedsPassword, Refused

AES_METHOD = b"\x06\xf1\x07\x01"
_COPY, _LZMA, _LZMA2, _DELTA = b"\0", b"\3\1\1", b"\x21", b"\3"
_BZIP2, _DEFLATE = b"\4\2\2", b"\4\1\x08"
_FILTERS = {
    b"\3\3\1\3": lzma.FILTER_X86,
    b"\3\3\2\5": lzma.FILTER_POWERPC,
    b"\3\3\4\1": lzma.FILTER_IA64,
    b"\3\3\5\1": lzma.FILTER_ARM,
    b"\3\3\7\1": lzma.FILTER_ARMTHUMB,
    b"\3\3\x08\5": lzma.FILTER_SPARC,
}
_KNOWN = frozenset((AES_METHOD, _COPY, _LZMA, _LZMA2, _DELTA, _BZIP2, _DEFLATE, *_FILTERS))
_ROUNDS, _BLOCK = 20, 1 << 12  # the most rounds as a power of two; rounds hashed at once


class Damaged(Exception):
    """It does not decode."""


class SevenZip:
    """An archive with its password. Raises ``Malformed``, ``Damaged``, ``NeedsPassword`` and ``Refused``; ``directory``
    does, and then nothing else but ``Refused``."""

    def __init__(self, data: bytes, password: str | None, limit: int) -> None:
        self._data = data
        self._password = None if password is None else password.encode("utf-16-le", "replace")
        self._keys: dict[bytes, bytes] = {}
        self._left = limit
        self.decrypted = False  # a key was made

    def contents(self, files: list[File]) -> Iterator[tuple[File, bytes | None]]:
        """All files in their order, folders too; None for bytes that do not decode."""
        unfolded: tuple[Chain, bytes | None] | None = None
        for file in files:
            if file.chain is None:
                yield file, b""
                continue
            if unfolded is None or unfolded[0] is not file.chain:
                unfolded = file.chain, self._perhaps(file.chain)
            yield file, _cut(unfolded[1], file.chain, file.number)

    def _perhaps(self, chain: Chain) -> bytes | None:
        try:
            return self._unfold(chain)
        except Damaged:
            return None

    def directory(self) -> list[File]:
        """The files, if all their methods are known here."""
        files = self._header()
        for file in files:
            if file.chain is not None and not all(coder.method in _KNOWN for coder in file.chain.coders):
                raise Malformed
        return files

    def _header(self) -> list[File]:
        at, size, crc = start_header(self._data)
        header = self._data[at : at + size]
        if zlib.crc32(header) != crc:
            raise Malformed
        for _ in range(4):  # a directory may be packed, and that one packed again
            numbers = Numbers(header)
            kind = numbers.byte()
            if kind == HEADER:
                return read_header(numbers)
            if kind != ENCODED:
                raise Malformed
            (chain,) = read_streams(numbers)
            header = self._unfold(chain)
            _check(header, chain.crc)
        raise Malformed

    def _unfold(self, chain: Chain) -> bytes:
        data = self._data[chain.start : chain.start + chain.packed]
        if len(data) != chain.packed:
            raise Malformed
        for coder in chain.coders:
            self._left -= coder.size
            if self._left < 0:
                raise Refused("bomb", "bytes of members")
            data = self._undone(data, coder)
        return data

    def _undone(self, data: bytes, coder: Coder) -> bytes:
        if coder.method == AES_METHOD:
            return self._decrypted(data, coder)[: coder.size]
        try:
            undone = _decoded(data, coder)
        except (lzma.LZMAError, zlib.error, OSError, EOFError) as error:
            raise Damaged from error
        if len(undone) != coder.size:
            raise Damaged
        return undone

    def _decrypted(self, data: bytes, coder: Coder) -> bytes:
        numbers = Numbers(coder.properties)
        first = numbers.byte()
        second = numbers.byte() if first & 0xC0 else 0
        salt = numbers.take((first >> 7 & 1) + (second >> 4))
        vector = numbers.take((first >> 6 & 1) + (second & 15)).ljust(16, b"\0")
        if len(data) % 16 or len(vector) > 16:
            raise Malformed
        opener = Cipher(AES(self._key(salt, first & 0x3F)), CBC(vector)).decryptor()
        return opener.update(data) + opener.finalize()

    def _key(self, salt: bytes, rounds: int) -> bytes:
        if rounds > _ROUNDS:
            raise Malformed
        wanted = salt + bytes([rounds])
        if self._password is None:
            raise NeedsPassword(wrong=False)
        self.decrypted = True
        if wanted not in self._keys:
            digest, seed = hashlib.sha256(), salt + self._password
            for start in range(0, 1 << rounds, _BLOCK):
                block = range(start, min(start + _BLOCK, 1 << rounds))
                digest.update(b"".join(seed + struct.pack("<Q", number) for number in block))
            self._keys[wanted] = digest.digest()
        return self._keys[wanted]


def _decoded(data: bytes, coder: Coder) -> bytes:
    """One step that is no encryption; at most one byte more than it says."""
    size = coder.size + 1
    if coder.method == _COPY:
        return data
    if coder.method == _BZIP2:
        return bz2.BZ2Decompressor().decompress(data, size)
    if coder.method == _DEFLATE:
        return zlib.decompressobj(-15).decompress(data, size)
    if coder.method == _LZMA:
        return lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(_alone(coder) + data, size)
    if coder.method == _LZMA2:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[_lzma2(coder)]).decompress(data, size)
    return _filtered(data, coder)


def _alone(coder: Coder) -> bytes:
    """The header of an .lzma file: only with it the decoder knows where the data end."""
    if len(coder.properties) != 5:
        raise Malformed
    (dictionary,) = struct.unpack("<I", coder.properties[1:])
    return coder.properties[:1] + struct.pack("<IQ", max(4096, min(dictionary, coder.size)), coder.size)


def _lzma2(coder: Coder) -> dict[str, int]:
    if len(coder.properties) != 1 or coder.properties[0] > 38:
        raise Malformed
    dictionary = (2 | coder.properties[0] & 1) << coder.properties[0] // 2 + 11
    return {"id": lzma.FILTER_LZMA2, "dict_size": max(4096, min(dictionary, coder.size))}


def _filtered(data: bytes, coder: Coder) -> bytes:
    """A filter alone: Python applies it only before LZMA2, so the bytes are wrapped into chunks that pack nothing."""
    if coder.method == _DELTA and len(coder.properties) == 1:
        chosen = {"id": lzma.FILTER_DELTA, "dist": coder.properties[0] + 1}
    elif coder.method in _FILTERS:
        chosen = {"id": _FILTERS[coder.method]}
    else:
        raise Malformed
    chunks = (data[at : at + 0x10000] for at in range(0, len(data), 0x10000))
    stored = b"".join(b"\1" + struct.pack(">H", len(chunk) - 1) + chunk for chunk in chunks)
    filters = [chosen, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(stored + b"\0")


def _cut(unfolded: bytes | None, chain: Chain, number: int) -> bytes | None:
    """One file of a chain."""
    if unfolded is None:
        return None
    start = chain.starts[number]
    data = unfolded[start : start + chain.sizes[number]]
    try:
        _check(data, chain.crcs[number])
    except Damaged:
        return None
    return data


def _check(data: bytes, crc: int | None) -> None:
    if crc is not None and zlib.crc32(data) != crc:
        raise Damaged
