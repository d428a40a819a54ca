"""Compound files ([MS-CFB]) in their one form.

Rules kept here:

- What is in a file is read along its links, with little care; then the file is written anew and compared. So every byte
  is accounted for, and no link leads where it should not.

>>> read(b"\\xd0\\xcf\\x11\\xe0\\xa1\\xb1\\x1a\\xe1")
Traceback (most recent call last):
sanitizer.verify.Violation: ('compound-file', '')
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from sanitizer.verify import Violation
from sanitizer.verify.markup.characters import demand

SECTOR, MINI, ENTRY = 512, 64, 128
CUT_OFF = 4096  # streams from here on have sectors of their own
PLACES = SECTOR // 4  # numbers in a sector
FREE = NONE = 0xFFFFFFFF
END, FAT = 0xFFFFFFFE, 0xFFFFFFFD
MAX_FAT_SECTORS = 109
STORAGE, STREAM, ROOT = 1, 2, 5
SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
CLASS = bytes.fromhex("0b0d020000000000c000000000000046")
_HEADER = struct.Struct("<8s16x5H6x9I109I")
_ENTRY = struct.Struct("<64sHBB3I16s20xIQ")
_EMPTY = bytes(68) + struct.pack("<3I", NONE, NONE, NONE) + bytes(48)

Streams = dict[str, bytes]


@dataclass(slots=True)
class Compound:
    """The streams of the root, and those of each storage in it."""

    streams: Streams = field(default_factory=dict)
    storages: dict[str, Streams] = field(default_factory=dict)


def read(data: bytes) -> Compound:
    """What is in a compound file of the grammar, else ``Violation``."""
    demand(len(data) % SECTOR == 0, "compound-file")
    try:
        found = _Reader(data).root()
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise Violation("compound-file") from error
    demand(written(found) == data, "compound-file")
    return found


class _Reader:
    """``entries``: the fields of the directory's entries."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        _, *numbers = _HEADER.unpack_from(data)
        self.fat_sectors, directory = numbers[6], numbers[7]
        demand(numbers[6] <= MAX_FAT_SECTORS and directory == self.fat_sectors, "compound-file")
        fat = struct.unpack_from(f"<{self.fat_sectors * PLACES}I", data, SECTOR)
        last = directory
        while fat[last] == last + 1:
            last += 1
        area = data[SECTOR * (directory + 1) : SECTOR * (last + 2)]
        self.entries = list(_ENTRY.iter_unpack(area))
        self.mini = SECTOR * (self.entries[0][8] + 1)
        self.seen: set[int] = set()

    def root(self) -> Compound:
        found = Compound()
        for number in self._inside(self.entries[0][6]):
            entry, name = self.entries[number], self._name(number)
            if entry[2] == STORAGE:
                found.storages[name] = {self._name(one): self._stream(one) for one in self._inside(entry[6])}
            else:
                found.streams[name] = self._stream(number)
        return found

    def _inside(self, top: int) -> list[int]:
        """The entries of the tree below and with ``top``, each of them seen for the first time."""
        found, todo = list[int](), [top]
        while todo:
            number = todo.pop()
            if number != NONE:
                demand(number not in self.seen, "compound-file")
                self.seen.add(number)
                found.append(number)
                todo += self.entries[number][4:6]
        return found

    def _name(self, number: int) -> str:
        raw, length = self.entries[number][:2]
        return str(raw[: max(length - 2, 0)], "utf-16-le")

    def _stream(self, number: int) -> bytes:
        entry = self.entries[number]
        demand(entry[2] == STREAM, "compound-file")
        start, size = entry[8], entry[9]
        at = SECTOR * (start + 1) if size >= CUT_OFF else self.mini + MINI * start
        return self.data[at : at + size] if size else b""


def written(found: Compound) -> bytes:
    """The file that holds this."""
    rows = _Rows(found)
    directory = rows.directory_size()
    mini = b"".join(_filled(data, MINI) for data in rows.small)
    larges = [_filled(data, SECTOR) for data in rows.large]
    places = _chains([len(_filled(data, MINI)) // MINI for data in rows.small], 0)
    mini_fat = _numbers(places)
    mini_stream = _filled(mini, SECTOR)
    sizes = [len(part) // SECTOR for part in (directory, mini_fat, mini_stream, *larges)]
    fat_sectors = 1
    while fat_sectors * PLACES < fat_sectors + sum(sizes):
        fat_sectors += 1
    demand(fat_sectors <= MAX_FAT_SECTORS, "compound-file")
    starts = [fat_sectors + sum(sizes[:at]) for at in range(len(sizes))]
    fat = _numbers([FAT] * fat_sectors + _chains(sizes, fat_sectors))
    first_mini_fat = starts[1] if mini else END
    header = _HEADER.pack(
        *(SIGNATURE, 0x3E, 3, 0xFFFE, 9, 6, 0, fat_sectors, starts[0], 0, 0x1000, first_mini_fat, sizes[1], END, 0),
        *(*range(fat_sectors), *[FREE] * (MAX_FAT_SECTORS - fat_sectors)),
    )
    entries = rows.directory(starts[2] if mini else END, len(mini), starts[3:])
    return header + fat + entries + mini_fat + mini_stream + b"".join(larges)


def _filled(data: bytes, size: int) -> bytes:
    return data + bytes(-len(data) % size)


def _numbers(places: list[int]) -> bytes:
    """A table of sectors, its last sector filled up."""
    places = places + [FREE] * (-len(places) % PLACES)
    return struct.pack(f"<{len(places)}I", *places)


def _chains(sizes: list[int], first: int) -> list[int]:
    """The places of things of these sizes that lie one behind the other."""
    places: list[int] = []
    for size in sizes:
        places += [first + len(places) + step for step in range(1, size)] + [END] * (size > 0)
    return places


class _Rows:
    """The entries of the directory in their order: of the root, then of each storage. ``small`` and ``large``: the
    streams in the order of the directory."""

    def __init__(self, found: Compound) -> None:
        inside: dict[str, bytes | Streams] = {**found.streams, **found.storages}
        self.root = sorted(inside.items(), key=_order)
        self.storages: list[list[tuple[str, bytes | Streams]]] = [
            sorted(entries.items(), key=_order) for _, entries in self.root if isinstance(entries, dict)
        ]
        streams = [data for group in (self.root, *self.storages) for _, data in group if isinstance(data, bytes)]
        self.small = [data for data in streams if 0 < len(data) < CUT_OFF]
        self.large = [data for data in streams if len(data) >= CUT_OFF]

    def directory_size(self) -> bytes:
        """As many bytes as the directory has."""
        return bytes(-(-ENTRY * (1 + len(self.root) + sum(map(len, self.storages))) // SECTOR) * SECTOR)

    def _firsts(self) -> list[int]:
        """The number of the first entry of each storage."""
        sizes = [1 + len(self.root), *map(len, self.storages)]
        return [sum(sizes[:at]) for at in range(1, len(sizes))]

    def directory(self, mini: int, size: int, larges: list[int]) -> bytes:
        """The directory's sectors: the mini stream begins at ``mini``, the large streams at ``larges``."""
        starts, place, firsts = iter(larges), 0, self._firsts()
        rows = [_entry("Root Entry", ROOT, (NONE, NONE, _top(1, len(self.root))), mini, size)]
        groups: list[tuple[int, list[tuple[str, bytes | Streams]]]] = [(1, self.root)]
        groups += zip(firsts, self.storages, strict=True)
        children = iter(firsts)
        for first, group in groups:
            sides = _sides(first, len(group))
            for (name, content), (left, right) in zip(group, sides, strict=True):
                if isinstance(content, dict):
                    child = _top(next(children), len(content))
                    rows.append(_entry(name, STORAGE, (left, right, child), 0, 0))
                    continue
                start = END
                if len(content) >= CUT_OFF:
                    start = next(starts)
                elif content:
                    start, place = place, place + -(-len(content) // MINI)
                rows.append(_entry(name, STREAM, (left, right, NONE), start, len(content)))
        empty = -len(rows) % (SECTOR // ENTRY)
        return b"".join(rows) + _EMPTY * empty


def _order(item: tuple[str, object]) -> tuple[int, str]:
    return len(item[0]), item[0]


def _top(first: int, count: int) -> int:
    """The top of the tree of ``count`` entries from ``first`` on."""
    return first + count // 2 if count else NONE


def _sides(first: int, count: int) -> list[tuple[int, int]]:
    """The entries to the left and to the right of each of these."""
    sides, todo = [(NONE, NONE)] * count, [(0, count)]
    while todo:
        low, high = todo.pop()
        if low < high:
            middle = low + (high - low) // 2
            sides[middle] = _top(first + low, middle - low), _top(first + middle + 1, high - middle - 1)
            todo += [(low, middle), (middle + 1, high)]
    return sides


def _entry(name: str, kind: int, links: tuple[int, int, int], start: int, size: int) -> bytes:
    raw = name.encode("utf-16-le")
    demand(len(raw) <= 62, "compound-file")
    return _ENTRY.pack(raw, len(raw) + 2, kind, 1, *links, CLASS if kind == ROOT else bytes(16), start, size)
