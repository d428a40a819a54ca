"""A compound file with its storages by name, and a way to put other bytes into a stream of the same length.

Rules kept here:

- Names are compared without case. Nothing is moved: a stream keeps its sectors, so that a decrypted document differs
  from the received one in its encrypted bytes alone.

Source: [MS-CFB] 2.2-2.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from sanitizer.formats.base import Refused
from sanitizer.formats.compound_sectors import END, MINI, entry_name
from sanitizer.formats.ooxml.compound import CompoundFile
from sanitizer.formats.ooxml.kinds import Report

_STORAGE, _STREAM = 1, 2
_INFORMATION = ("\x05summaryinformation", "\x05documentsummaryinformation")


class Streams(CompoundFile):
    """``storages`` and ``streams``: names in lower case, in the order of the directory, wherever in the tree."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._top = self._right_under_the_root()
        self.storages = [entry_name(entry).lower() for entry in self.entries if entry[66:67] == bytes([_STORAGE])]
        self.streams = [entry_name(entry).lower() for entry in self.entries if entry[66:67] == bytes([_STREAM])]

    def stream(self, name: str) -> bytes | None:
        """The bytes of a stream right under the root; of one elsewhere only if there is none."""
        everywhere = self.entries
        try:
            self.entries = [everywhere[0], *(everywhere[number] for number in self._top)]
            found = super().stream(name)
        finally:
            self.entries = everywhere
        return super().stream(name) if found is None else found

    def _right_under_the_root(self) -> list[int]:
        """Numbers of entries; the entries of a storage form a tree."""
        todo, seen = [struct.unpack_from("<I", self.entries[0], 76)[0]], [0]
        while todo:
            number = todo.pop()
            if number < len(self.entries) and number not in seen:
                seen.append(number)
                todo += struct.unpack_from("<II", self.entries[number], 68)
        return sorted(seen[1:])

    def report_info(self, report: Report) -> None:
        """Say that the file tells about its author and history, if it does."""
        report.add("document-info", int(any(name in _INFORMATION for name in self.streams)))

    def replaced(self, streams: dict[str, bytes]) -> bytes:
        """The file with other contents of the named streams; each as long as before."""
        made = bytearray(self._data)
        try:
            for name, content in streams.items():
                self._put(made, name, content)
        except (struct.error, IndexError) as error:
            raise Refused("unreadable", "compound file structure") from error
        return bytes(made)

    def without(self, name: str) -> Streams:
        """The same with a stream under a name that nobody looks for, as long as before: names stay in order."""
        made = bytearray(self._data)
        (start,) = struct.unpack_from("<I", self._data, 48)
        for count, sector in enumerate(self._numbers(start, self._fat)):
            for at in range(0, self.size, 128):
                entry = self.entries[count * (self.size // 128) + at // 128]
                if entry_name(entry).lower() == name.lower():
                    last = (sector + 1) * self.size + at + 2 * len(name) - 2
                    made[last : last + 2] = "~".encode("utf-16-le")
        return Streams(bytes(made))

    def _put(self, made: bytearray, name: str, content: bytes) -> None:
        ordered = [self.entries[number] for number in self._top] + self.entries
        entry = next(one for one in ordered if one[66] == _STREAM and entry_name(one).lower() == name.lower())
        start, size = struct.unpack_from("<IQ", entry, 116)
        if size & 0xFFFFFFFF != len(content):
            raise Refused("unreadable", "stream length")
        at = 0
        for place, length in self._places(start, len(content)):
            piece = content[at : at + length]
            made[place : place + len(piece)] = piece
            at += length

    def _places(self, start: int, size: int) -> Iterator[tuple[int, int]]:
        """(offset in the file, bytes) of a stream's sectors."""
        if size >= self._cutoff:
            for sector in self._numbers(start, self._fat):
                yield (sector + 1) * self.size, self.size
            return
        (root,) = struct.unpack_from("<I", self.entries[0], 116)
        whole = list(self._numbers(root, self._fat))
        for mini in self._numbers(start, self._mini_fat):
            sector, offset = divmod(mini * MINI, self.size)
            yield (whole[sector] + 1) * self.size + offset, MINI

    def _numbers(self, sector: int, table: list[int]) -> Iterator[int]:
        for _ in range(len(table) + 1):
            if sector >= END:
                return
            yield sector
            sector = table[sector]
        raise Refused("unreadable", "compound file chain has no end")
