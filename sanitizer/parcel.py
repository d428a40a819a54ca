"""Files in a row, and an index behind them: how the members of a container travel between a jail and the trusting side.

Rules kept here:

- The layout has no offsets to trust: members lie one behind the other from the first byte, the index follows them, and
  all lengths add up to the size of the parcel, or it is none. A name is UTF-8, a code and a media type are of their
  alphabets.
- A parcel is one memory file. The side that reads it got it sealed, or is the only one left that holds it.

::

    parcel = data{n}  entry{n}  end
    entry  = size(8)  length-of-name(2)  code(40)  media-type(100)  name
    end    = "SKP1"  n(4)  length-of-index(4)

Integers are little-endian; texts are padded with zero bytes.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

from sanitizer.wire import BadAnswer, read_slug, read_type, slug_field, type_field

MAX_NAME = 2048  # bytes of a name
_ENTRY = struct.Struct("<QH40s100s")
_END = struct.Struct("<4sII")
_MAGIC = b"SKP1"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One member: where its bytes are, and what is said of it."""

    name: str
    offset: int
    size: int
    code: str
    mime: str


class Full(Exception):
    """No more goes into the parcel."""


class Writer:
    """Fills the memory file ``descriptor`` from its beginning, up to ``limit`` bytes. Raises ``Full``."""

    def __init__(self, descriptor: int, limit: int) -> None:
        self._descriptor = descriptor
        self._room = limit - _END.size
        self._at = 0
        self._count = 0
        self._index = bytearray()

    def add(self, name: str, data: bytes = b"", *, code: str = "", mime: str = "") -> None:
        """One more member."""
        self._enter(name, len(data), code, mime)
        view = memoryview(data)
        while view:
            self._write(view[:_CHUNK])
            view = view[_CHUNK:]

    def add_file(self, name: str, source: int, size: int, *, code: str, mime: str) -> None:
        """One more member: ``size`` bytes from the beginning of a sealed memory file. Blocks."""
        self._enter(name, size, code, mime)
        for offset in range(0, size, _CHUNK):
            self._write(memoryview(os.pread(source, min(_CHUNK, size - offset), offset)))

    def finish(self) -> int:
        """Write the index; returns the size of the parcel in bytes."""
        end = _END.pack(_MAGIC, self._count, len(self._index))
        self._write(memoryview(bytes(self._index) + end))
        return self._at

    def _enter(self, name: str, size: int, code: str, mime: str) -> None:
        spelled = name.encode("utf-8", "replace")[:MAX_NAME]
        self._room -= size + _ENTRY.size + len(spelled)
        if self._room < 0:
            raise Full
        self._index += _ENTRY.pack(size, len(spelled), slug_field(code), type_field(mime)) + spelled
        self._count += 1

    def _write(self, view: memoryview) -> None:
        while view:
            written = os.pwrite(self._descriptor, view, self._at)
            self._at += written
            view = view[written:]


def read_index(descriptor: int, size: int, max_members: int) -> list[Entry]:
    """The members of a parcel of ``size`` bytes, in order. Raises ``BadAnswer`` for what is no parcel, never anything
    else whatever the bytes."""
    untrusted_end = os.pread(descriptor, _END.size, max(size - _END.size, 0))
    if len(untrusted_end) != _END.size or size < _END.size:
        raise BadAnswer("parcel end")
    magic, count, length = _END.unpack(untrusted_end)
    start = size - _END.size - length
    if magic != _MAGIC or count > max_members or length > count * (_ENTRY.size + MAX_NAME) or start < 0:
        raise BadAnswer("parcel end")
    return _entries(os.pread(descriptor, length, start), count, start)


def _entries(untrusted: bytes, count: int, end: int) -> list[Entry]:
    entries, at, offset = list[Entry](), 0, 0
    for _ in range(count):
        if at + _ENTRY.size > len(untrusted):
            raise BadAnswer("parcel index")
        size, length, code, mime = _ENTRY.unpack_from(untrusted, at)
        at += _ENTRY.size + length
        name = _name(untrusted[at - length : at], length)
        entries.append(Entry(name, offset, size, read_slug(code), read_type(mime)))
        offset += size
    if at != len(untrusted) or offset != end:
        raise BadAnswer("parcel lengths")
    return entries


def _name(untrusted: bytes, length: int) -> str:
    try:
        name = untrusted.decode("utf-8")
    except UnicodeDecodeError:
        raise BadAnswer("parcel name") from None
    if len(untrusted) != length or not 0 < length <= MAX_NAME or "\0" in name:
        raise BadAnswer("parcel name")
    return name
