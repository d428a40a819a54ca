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
from sanitizer.formats.compound_sectors import SIGNATURE, Sectors, entry_name

MAX_DEPTH = 16
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


class _File(Sectors):
    def __init__(self, data: bytes) -> None:
        if data[:8] != SIGNATURE:
            raise Refused("unreadable", "compound file structure")
        super().__init__(data)
        self._budget = 3 * len(data) + self.size

    def stream(self, start: int, length: int) -> bytes:
        """The bytes of a stream. Raises ``Refused``."""
        self._budget -= length
        if self._budget < 0:
            raise Refused("bomb", "compound file streams")
        try:
            return self.read(start, length)
        except IndexError as error:
            raise Refused("unreadable", "compound file stream") from error

    def root(self) -> Storage:
        """The tree."""
        made = Storage(self)
        seen = {0}
        self._fill(made, struct.unpack_from("<I", self.entries[0], 76)[0], seen, 0)
        return made

    def _fill(self, storage: Storage, child: int, seen: set[int], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Refused("too-deep", "storages")
        waiting = [child]
        while waiting:
            number = waiting.pop()
            if number >= len(self.entries) or number in seen:
                continue
            seen.add(number)
            entry = self.entries[number]
            left, right, inner = struct.unpack_from("<3I", entry, 68)
            waiting += [left, right]
            name = entry_name(entry)
            if entry[66] == _STORAGE and name not in storage.storages:
                storage.storages[name] = Storage(self)
                self._fill(storage.storages[name], inner, seen, depth + 1)
            elif entry[66] == _STREAM:
                start, length = struct.unpack_from("<II", entry, 116)
                storage.streams.setdefault(name, (start, length))
