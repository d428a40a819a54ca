"""Compound files, read as a tree of storages and streams.

Rules kept here:

- Chains are followed no further than the file has sectors, the tree no further than the directory has entries, storages
  at most ``MAX_DEPTH`` deep; no entry is taken twice. What does not add up raises ``Refused("unreadable")``.
- All streams together give at most three times the bytes of the file: entries may share sectors, but make no bomb.

Source: [MS-CFB] 2.1-2.6.

>>> opened(b"")
Traceback (most recent call last):
sanitizer.formats.base.Refused: ('unreadable', 'compound file structure')
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from sanitizer.formats.base import Refused

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAX_DEPTH = 16
_END = 0xFFFFFFFA  # this and above: not a sector
_MINI = 64
_STORAGE, _STREAM, _ROOT = 1, 2, 5


@dataclass(slots=True)
class Storage:
    """A storage: what is in it, by name. Streams are read when they are asked for."""

    file: _File
    storages: dict[str, Storage] = field(default_factory=dict)
    streams: dict[str, tuple[int, int]] = field(default_factory=dict)

    def read(self, name: str) -> bytes | None:
        """The bytes of a stream; None if there is none of that name."""
        place = self.streams.get(name)
        return None if place is None else self.file.stream(*place)


def opened(data: bytes) -> Storage:
    """The root storage. Raises ``Refused``."""
    try:
        return _File(data).root()
    except (struct.error, IndexError) as error:
        raise Refused("unreadable", "compound file structure") from error


class _File:
    def __init__(self, data: bytes) -> None:
        self._data = data
        if data[:8] != SIGNATURE:
            raise Refused("unreadable", "compound file structure")
        self._size = 1 << min(struct.unpack_from("<H", data, 30)[0], 16)
        if self._size not in (512, 4096):
            raise Refused("unreadable", "compound file sector size")
        directory, self._cutoff, mini = (struct.unpack_from("<I", data, at)[0] for at in (48, 56, 60))
        self._budget = 3 * len(data) + self._size
        self._fat: list[int] = []
        for sector in self._fat_sectors():
            self._fat += struct.unpack(f"<{self._size // 4}I", self._sector(sector))
        entries = self._chain(directory)
        self._entries = [entries[at : at + 128] for at in range(0, len(entries) - 127, 128)]
        self._mini_fat = [number for (number,) in struct.iter_unpack("<I", self._chain(mini))]
        start, length = struct.unpack_from("<II", self._entries[0], 116)
        self._mini_stream = self._chain(start)[:length]

    def _fat_sectors(self) -> list[int]:
        sectors = len(self._data) // self._size + 1
        found = [number for number in struct.unpack_from("<109I", self._data, 76) if number < _END]
        (sector,) = struct.unpack_from("<I", self._data, 68)
        for _ in range(sectors):
            if sector >= _END or len(found) > sectors:
                return found[:sectors]
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

    def stream(self, start: int, length: int) -> bytes:
        """The bytes of a stream. Raises ``Refused``."""
        self._budget -= length
        if self._budget < 0:
            raise Refused("bomb", "compound file streams")
        try:
            whole = self._mini_chain(start) if length < self._cutoff else self._chain(start)
        except IndexError as error:
            raise Refused("unreadable", "compound file stream") from error
        return whole[:length]

    def root(self) -> Storage:
        """The tree."""
        made = Storage(self)
        seen = {0}
        self._fill(made, struct.unpack_from("<I", self._entries[0], 76)[0], seen, 0)
        return made

    def _fill(self, storage: Storage, child: int, seen: set[int], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Refused("too-deep", "storages")
        waiting = [child]
        while waiting:
            number = waiting.pop()
            if number >= len(self._entries) or number in seen:
                continue
            seen.add(number)
            entry = self._entries[number]
            left, right, inner = struct.unpack_from("<3I", entry, 68)
            waiting += [left, right]
            name = _name(entry)
            if entry[66] == _STORAGE and name not in storage.storages:
                storage.storages[name] = Storage(self)
                self._fill(storage.storages[name], inner, seen, depth + 1)
            elif entry[66] == _STREAM:
                start, length = struct.unpack_from("<II", entry, 116)
                storage.streams.setdefault(name, (start, length))


def _name(entry: bytes) -> str:
    length = min(struct.unpack_from("<H", entry, 64)[0], 64)
    return entry[: max(length - 2, 0)].decode("utf-16-le", "replace")
