"""The directory of a received ZIP, held against what lies in the file: which members there are, and where.

Rules kept here:

- The central directory says what the members are, as for every program that opens a ZIP; each must have its local
  header, of the same method and encryption. A member without one, or with another, is there but unreadable.
- Members that lie over one another are a bomb. What lies between, before and behind them is counted, and left behind.
- A part of a split archive, and a directory that cannot be followed, refuse the archive.

Source: APPNOTE.TXT 6.3.10; David Fifield, A better zip bomb (overlapping members).

>>> Directory(b"PK\\x05\\x06" + bytes(18)).members
[]
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from sanitizer.formats.base import Refused
from sanitizer.formats.member_names import read_names

ENCRYPTED, DESCRIPTOR, STRONG, UTF8 = 1, 8, 0x40, 0x800
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_TAIL = _END.size + 0xFFFF + 1024  # bytes in which the end record is looked for; a little junk may follow it
_KIND, _FOLDER_BIT = 0xF000, 0x10
_FILES, _FOLDER = (0, 0x8000), 0x4000


@dataclass(slots=True)
class Entry:
    """One member. ``start`` is where its packed bytes begin, -1 if it has no local header that agrees."""

    raw_name: bytes
    extra: bytes
    flags: int
    method: int
    time: int
    crc: int
    packed: int
    size: int
    attributes: int
    header: int
    has_comment: bool
    start: int = -1
    name: str = ""

    @property
    def is_folder(self) -> bool:
        """By its name, its DOS attribute or its Unix mode."""
        kind = self.attributes >> 16 & _KIND
        return self.name.endswith(("/", "\\")) or kind == _FOLDER or bool(self.attributes & _FOLDER_BIT)

    @property
    def is_special(self) -> bool:
        """A link, a device, a socket: neither file nor folder."""
        return self.attributes >> 16 & _KIND not in (*_FILES, _FOLDER)


class Directory:
    """All members of a ZIP, in the order of its directory. Raises ``Refused``."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.foreign = 0  # stretches of bytes that belong to nothing
        self.has_comment = False
        self.mismatches = 0  # members that have another name in their local header
        first, last, shift = self._end()
        self.members = self._read(first, last)
        for entry in self.members:
            self._locate(entry, shift)
        self._measure(first, last)
        self._name()

    def _end(self) -> tuple[int, int, int]:
        """Where the directory begins and ends, and by how much offsets fall short of the truth."""
        data = self._data
        at = data.rfind(b"PK\x05\x06", max(0, len(data) - _TAIL))
        if at < 0 or at + _END.size > len(data):
            raise Refused("unreadable", "zip without end record")
        *numbers, comment = _END.unpack_from(data, at)[1:]
        last = at
        if 0xFFFF in numbers[:4] or 0xFFFFFFFF in numbers[4:]:
            numbers, last = self._end64(at, numbers)
        disk, first_disk, here, count, size, offset = numbers
        if disk or first_disk or here != count:
            raise Refused("split-archive")
        if size > last:
            raise Refused("unreadable", "zip directory")
        self.has_comment = comment > 0
        self.foreign += at + _END.size + comment != len(data)
        return last - size, last, last - size - offset

    def _end64(self, at: int, numbers: list[int]) -> tuple[list[int], int]:
        """The same numbers from the record for large archives, and where that begins."""
        data = self._data
        if at < _LOCATOR.size or data[at - _LOCATOR.size : at - _LOCATOR.size + 4] != b"PK\x06\x07":
            return numbers, at  # they mean themselves
        told = _LOCATOR.unpack_from(data, at - _LOCATOR.size)[2]
        for where in (told, at - _LOCATOR.size - _END64.size):
            if data[where : where + 4] == b"PK\x06\x06" and 0 <= where <= at - _END64.size:
                return list(_END64.unpack_from(data, where)[4:]), where
        raise Refused("unreadable", "zip64 end record")

    def _read(self, first: int, last: int) -> list[Entry]:
        members, at = [], first
        while at + _CENTRAL.size <= last and self._data[at : at + 4] == b"PK\x01\x02":
            fields = _CENTRAL.unpack_from(self._data, at)
            _, _, _, flags, method, time, _, crc, packed, size, name, extra, comment, _, _, attributes, header = fields
            at += _CENTRAL.size
            if at + name + extra + comment > last:
                raise Refused("unreadable", "zip directory")
            raw, more = self._data[at : at + name], self._data[at + name : at + name + extra]
            at += name + extra + comment
            entry = Entry(raw, more, flags, method, time, crc, packed, size, attributes, header, comment > 0)
            _widen(entry)
            members.append(entry)
        if at != last:
            raise Refused("unreadable", "zip directory")
        return members

    def _locate(self, entry: Entry, shift: int) -> None:
        """Find the local header, where the directory says or by as much later as all the file is."""
        for at in (entry.header + shift, entry.header):
            if self._data[at : at + 4] == b"PK\x03\x04" and 0 <= at <= len(self._data) - _LOCAL.size:
                self._compare(entry, at)
                return

    def _compare(self, entry: Entry, at: int) -> None:
        _, _, flags, method, time, _, _, packed, size, name, extra = _LOCAL.unpack_from(self._data, at)
        start = at + _LOCAL.size + name + extra
        agrees = (method, flags & ENCRYPTED) == (entry.method, entry.flags & ENCRYPTED)
        if not flags & DESCRIPTOR and 0xFFFFFFFF not in (packed, size):
            agrees = agrees and (packed, size) == (entry.packed, entry.size)
        entry.header, entry.time = at, time
        if agrees and start + entry.packed <= len(self._data):
            entry.start = start
            self.mismatches += self._data[at + _LOCAL.size : at + _LOCAL.size + name] != entry.raw_name

    def _measure(self, first: int, last: int) -> None:
        """Members in a row, nothing over anything; counts what lies between."""
        at = 0
        for entry in sorted((one for one in self.members if one.start >= 0), key=lambda one: one.header):
            if entry.header < at:
                raise Refused("bomb", "members lie over one another")
            self.foreign += entry.header > at
            at = entry.start + entry.packed
            at += self._descriptor(entry, at) if entry.flags & DESCRIPTOR else 0
        if at > first:
            raise Refused("bomb", "members lie over one another")
        self.foreign += first > at

    def _descriptor(self, entry: Entry, at: int) -> int:
        """The length of the data descriptor behind a member, 0 if there is none."""
        signed, wide = b"PK\x07\x08", struct.pack("<IQQ", entry.crc, entry.packed, entry.size)
        narrow = struct.pack("<III", entry.crc, entry.packed & 0xFFFFFFFF, entry.size & 0xFFFFFFFF)
        behind = self._data[at : at + 24]
        forms = (signed + wide, wide, signed + narrow, narrow)
        return next((len(form) for form in forms if behind.startswith(form)), 0)

    def _name(self) -> None:
        told = {id(entry): _told_name(entry) for entry in self.members}
        read = read_names(entry.raw_name for entry in self.members if told[id(entry)] is None)
        for entry in self.members:
            name = told[id(entry)]
            entry.name = read[entry.raw_name] if name is None else name


def _widen(entry: Entry) -> None:
    """Sizes and offset of a large member are in an extra field."""
    field = extra_field(entry.extra, 1)
    at = 0
    for attribute in ("size", "packed", "header"):
        if getattr(entry, attribute) == 0xFFFFFFFF and at + 8 <= len(field):
            setattr(entry, attribute, struct.unpack_from("<Q", field, at)[0])
            at += 8


def _told_name(entry: Entry) -> str | None:
    """The name, if the archive says in which encoding it is: by its flag or by a Unicode Path field."""
    field = extra_field(entry.extra, 0x7075)
    if field[:1] == b"\1" and struct.pack("<I", zlib.crc32(entry.raw_name)) == field[1:5]:
        told = field[5:]
    elif entry.flags & UTF8:
        told = entry.raw_name
    else:
        return None
    try:
        return told.decode("utf-8")
    except UnicodeDecodeError:
        return None


def extra_field(extra: bytes, wanted: int) -> bytes:
    """The contents of an extra field; empty if there is none."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""
