"""Streams of a compound file, just enough for an encrypted Office document.

Rules kept here:

- Chains are followed no further than the file is long; whatever does not add up raises ``Refused("unreadable")``.

Source: [MS-CFB] 2.2-2.6.
"""

from __future__ import annotations

import struct

from sanitizer.formats.base import Refused

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END = 0xFFFFFFFA  # this and above: not a sector
_MINI = 64


class CompoundFile:
    """The streams by name."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        try:
            self._open()
        except (struct.error, IndexError) as error:
            raise Refused("unreadable", "compound file structure") from error

    def _open(self) -> None:
        self._size = 1 << struct.unpack_from("<H", self._data, 30)[0]
        if self._size not in (512, 4096):
            raise Refused("unreadable", "compound file sector size")
        directory, self._cutoff, mini = (struct.unpack_from("<I", self._data, at)[0] for at in (48, 56, 60))
        self._fat: list[int] = []
        for sector in self._fat_sectors():
            self._fat += struct.unpack(f"<{self._size // 4}I", self._sector(sector))
        entries = self._chain(directory)
        self._entries = [entries[at : at + 128] for at in range(0, len(entries) - 127, 128)]
        self._mini_fat = [number for (number,) in struct.iter_unpack("<I", self._chain(mini))]
        start, length = struct.unpack_from("<IQ", self._entries[0], 116)
        self._mini_stream = self._chain(start)[:length]

    def _fat_sectors(self) -> list[int]:
        found = [number for number in struct.unpack_from("<109I", self._data, 76) if number < _END]
        (sector,) = struct.unpack_from("<I", self._data, 68)
        for _ in range(len(self._data) // self._size + 1):
            if sector >= _END:
                return found
            *numbers, sector = struct.unpack(f"<{self._size // 4}I", self._sector(sector))
            found += [number for number in numbers if number < _END]
        raise Refused("unreadable", "compound file has no end")

    def _sector(self, number: int) -> bytes:
        return self._data[(number + 1) * self._size : (number + 2) * self._size].ljust(self._size, b"\0")

    def _chain(self, sector: int) -> bytes:
        pieces: list[bytes] = []
        while sector < _END:
            if len(pieces) > len(self._data) // self._size:
                raise Refused("unreadable", "compound file chain has no end")
            pieces.append(self._sector(sector))
            sector = self._fat[sector]
        return b"".join(pieces)

    def _mini_chain(self, sector: int) -> bytes:
        pieces: list[bytes] = []
        while sector < _END and len(pieces) <= len(self._mini_fat):
            pieces.append(self._mini_stream[sector * _MINI : (sector + 1) * _MINI])
            sector = self._mini_fat[sector]
        return b"".join(pieces)

    def names(self) -> list[str]:
        """The names of all streams, whatever storage they are in, in the order of the directory."""
        found = []
        for entry in self._entries:
            length = min(struct.unpack_from("<H", entry, 64)[0], 64)
            if entry[66] == 2:
                found.append(entry[: max(length - 2, 0)].decode("utf-16-le", "replace"))
        return found

    def stream(self, name: str) -> bytes | None:
        """The bytes of a stream, whatever storage it is in; None if there is none of that name."""
        try:
            for entry in self._entries:
                length = min(struct.unpack_from("<H", entry, 64)[0], 64)
                if (
                    entry[: max(length - 2, 0)].decode("utf-16-le", "replace").lower() == name.lower()
                    and entry[66] == 2
                ):
                    start, size = struct.unpack_from("<IQ", entry, 116)
                    size &= 0xFFFFFFFF
                    return (self._mini_chain(start) if size < self._cutoff else self._chain(start))[:size]
        except (struct.error, IndexError) as error:
            raise Refused("unreadable", "compound file structure") from error
        return None
