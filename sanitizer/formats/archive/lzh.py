"""The headers of an LZH (LHA) archive, levels 0 to 3, and one member at a time as an archive of its own.

Rules kept here:

- Names are read here, because only here a separator is told from the second byte of a character in CP932; the methods
  (lh0, lh4 … lh7, lz4 …) are unpacked by the library, from an archive made here that holds one member called ``m``.
- A header that does not add up refuses the archive; no length leads beyond its end.

Source: the LHA header document (Haruyasu Yoshizaki, Kazuhiko Miki, Koji Arai), levels 0, 1, 2 and 3.

>>> read(b"\\0")
[]
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sanitizer.formats.base import Refused
from sanitizer.formats.member_names import read_names

_START = struct.Struct("<5sIIIBB")  # method, packed, size, time, attribute, level: the same in all levels
_KIND, _FOLDER_METHOD, _FILE_MODE = 0xF000, b"-lhd-", 0x8000
_FILE_NAME, _FOLDER_NAME, _MODE, _WIDE_FILE, _WIDE_FOLDER = 1, 2, 0x50, 0x44, 0x45
_NEXT_WIDTH = {1: "<H", 2: "<H", 3: "<I"}


@dataclass(slots=True)
class Entry:
    """One member; its packed bytes are ``data[start:start + packed]``."""

    method: bytes
    packed: int
    size: int
    crc: int
    start: int
    raw_name: bytes
    name: str | None
    mode: int

    @property
    def is_folder(self) -> bool:
        """By its method."""
        return self.method == _FOLDER_METHOD and self.mode & _KIND != 0xA000

    @property
    def is_special(self) -> bool:
        """A link or a device."""
        return self.mode & _KIND not in (0, 0x4000, _FILE_MODE)


def read(data: bytes) -> list[Entry]:
    """All members with their names. Raises ``Refused``."""
    members, at = list[Entry](), 0
    try:
        while at < len(data) and data[at]:
            entry = _READERS[data[at + 20]](data, at)
            at = entry.start + entry.packed
            if at > len(data):
                raise Refused("unreadable", "lzh member beyond the end")
            members.append(entry)
    except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
        raise Refused("unreadable", "lzh header") from error
    names = read_names(entry.raw_name for entry in members if entry.name is None)
    for entry in members:
        if entry.name is None:
            entry.name = names[entry.raw_name].replace("\0", "/")
    return members


def alone(data: bytes, entry: Entry) -> bytes:
    """An archive with this member only."""
    body = _START.pack(entry.method, entry.packed, entry.size, 0, 0x20, 0) + b"\1m" + struct.pack("<H", entry.crc)
    header = bytes((len(body), sum(body) & 0xFF)) + body
    return header + data[entry.start : entry.start + entry.packed] + b"\0"


def _level_0(data: bytes, at: int) -> Entry:
    length = data[at] + 2
    if sum(data[at + 2 : at + length]) & 0xFF != data[at + 1]:
        raise Refused("unreadable", "lzh header sum")
    method, packed, size, *_ = _START.unpack_from(data, at + 2)
    spelled = data[at + 21]
    raw = data[at + 22 : at + 22 + spelled]
    (crc,) = struct.unpack_from("<H", data, at + 22 + spelled)
    return Entry(method, packed, size, crc, at + length, raw, None, 0)


def _level_1(data: bytes, at: int) -> Entry:
    entry = _level_0(data, at)
    begins = entry.start
    _extend(entry, data, begins - 2, 1)
    entry.packed -= entry.start - begins  # the headers of level 1 count as packed bytes
    if entry.packed < 0:
        raise Refused("unreadable", "lzh header")
    return entry


def _level_2(data: bytes, at: int) -> Entry:
    length, *_ = struct.unpack_from("<H", data, at)
    method, packed, size, *_ = _START.unpack_from(data, at + 2)
    (crc,) = struct.unpack_from("<H", data, at + 21)
    entry = Entry(method, packed, size, crc, 0, b"", None, 0)
    _extend(entry, data, at + 24, 2)
    if not entry.start <= at + length <= entry.start + 1:  # a byte may make the length not end in zero
        raise Refused("unreadable", "lzh header")
    entry.start = at + length
    return entry


def _level_3(data: bytes, at: int) -> Entry:
    width, *_ = struct.unpack_from("<H", data, at)
    method, packed, size, *_ = _START.unpack_from(data, at + 2)
    crc, _, length = struct.unpack_from("<HBI", data, at + 21)
    entry = Entry(method, packed, size, crc, 0, b"", None, 0)
    _extend(entry, data, at + 28, 3)
    if width != 4 or entry.start != at + length:
        raise Refused("unreadable", "lzh header")
    return entry


_READERS = {0: _level_0, 1: _level_1, 2: _level_2, 3: _level_3}


def _extend(entry: Entry, data: bytes, at: int, level: int) -> None:
    """Read the extended headers; ``at`` is where the size of the first one stands. ``start`` becomes their end."""
    parts: dict[int, bytes] = {}
    width = struct.calcsize(_NEXT_WIDTH[level])
    (size,) = struct.unpack_from(_NEXT_WIDTH[level], data, at)
    at += width
    while size:
        if size <= width or at + size > len(data):
            raise Refused("unreadable", "lzh extended header")
        parts[data[at]] = data[at + 1 : at + size - width]
        at += size
        (size,) = struct.unpack_from(_NEXT_WIDTH[level], data, at - width)
    entry.start = at
    if _MODE in parts:
        (entry.mode,) = struct.unpack("<H", parts[_MODE][:2])
    if _WIDE_FILE in parts:
        folder = parts.get(_WIDE_FOLDER, b"").decode("utf-16-le").replace("\uffff", "/")
        entry.name = folder + parts[_WIDE_FILE].decode("utf-16-le")
    else:
        entry.raw_name = parts.get(_FOLDER_NAME, b"").replace(b"\xff", b"\0") + parts.get(_FILE_NAME, entry.raw_name)
