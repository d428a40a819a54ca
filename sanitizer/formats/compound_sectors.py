"""The sectors of a compound file: its allocation tables, its directory, and the chains that make a stream.

Rules kept here:

- Chains are followed no further than the file has sectors; what does not add up raises ``Refused("unreadable")``,
  ``struct.error`` or ``IndexError``, which its users turn into the same refusal.

Source: [MS-CFB] 2.2-2.6.

>>> Sectors(bytes(512))
Traceback (most recent call last):
sanitizer.formats.base.Refused: ('unreadable', 'compound file sector size')
"""

from __future__ import annotations

import struct

from sanitizer.formats.base import Refused

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
END = 0xFFFFFFFA  # this and above: not a sector
MINI = 64


class Sectors:
    """``entries``: the directory, 128 bytes each, the root first; ``size``: bytes of a sector."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = 1 << min(struct.unpack_from("<H", data, 30)[0], 16)
        if self.size not in (512, 4096):
            raise Refused("unreadable", "compound file sector size")
        directory, self._cutoff, mini = (struct.unpack_from("<I", data, at)[0] for at in (48, 56, 60))
        self._fat: list[int] = []
        for sector in self._fat_sectors():
            self._fat += struct.unpack(f"<{self.size // 4}I", self._sector(sector))
        entries = self._chain(directory)
        self.entries = [entries[at : at + 128] for at in range(0, len(entries) - 127, 128)]
        self._mini_fat = [number for (number,) in struct.iter_unpack("<I", self._chain(mini))]
        start, length = struct.unpack_from("<II", self.entries[0], 116)
        self._mini_stream = self._chain(start)[:length]

    def read(self, start: int, length: int) -> bytes:
        """The bytes of a stream: in small sectors below the cutoff (2.6.3)."""
        return (self._mini_chain(start) if length < self._cutoff else self._chain(start))[:length]

    def _fat_sectors(self) -> list[int]:
        sectors = len(self._data) // self.size + 1
        found = [number for number in struct.unpack_from("<109I", self._data, 76) if number < END]
        (sector,) = struct.unpack_from("<I", self._data, 68)
        for _ in range(sectors):
            if sector >= END or len(found) > sectors:
                return found[:sectors]
            *numbers, sector = struct.unpack(f"<{self.size // 4}I", self._sector(sector))
            found += [number for number in numbers if number < END]
        raise Refused("unreadable", "compound file has no end")

    def _sector(self, number: int) -> bytes:
        return self._data[(number + 1) * self.size : (number + 2) * self.size].ljust(self.size, b"\0")

    def _chain(self, sector: int) -> bytes:
        pieces: list[bytes] = []
        while sector < END:
            if len(pieces) > len(self._data) // self.size:
                raise Refused("unreadable", "compound file chain has no end")
            pieces.append(self._sector(sector))
            sector = self._fat[sector]
        return b"".join(pieces)

    def _mini_chain(self, sector: int) -> bytes:
        pieces: list[bytes] = []
        while sector < END and len(pieces) <= len(self._mini_fat):
            pieces.append(self._mini_stream[sector * MINI : (sector + 1) * MINI])
            sector = self._mini_fat[sector]
        return b"".join(pieces)


def entry_name(entry: bytes) -> str:
    """The name in an entry of the directory (2.6.1)."""
    length = min(struct.unpack_from("<H", entry, 64)[0], 64)
    return entry[: max(length - 2, 0)].decode("utf-16-le", "replace")
