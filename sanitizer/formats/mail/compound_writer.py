"""The canonical compound file: one order, no gaps (``docs/grammar-mail.md``).

>>> len(written([Stream("a", b"x")], b"\\0" * 16))
2560
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SECTOR, MINI, CUTOFF = 512, 64, 4096
MAX_FAT = 109
_FREE, _END, _FAT, _NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage and what is in it."""

    name: str
    entries: list[Entry]


Entry = Stream | Storage


@dataclass(slots=True)
class _Row:
    """An entry of the directory."""

    entry: Entry
    left: int = _NONE
    right: int = _NONE
    child: int = _NONE
    start: int = 0


def written(entries: list[Entry], class_id: bytes) -> bytes | None:
    """The file with these entries in its root; None if it would need more FAT sectors than its header has room for."""
    rows = _directory(Storage("Root Entry", entries))
    streams = [row for row in rows if isinstance(row.entry, Stream)]
    small = [row for row in streams if 0 < _size(row) < CUTOFF]
    large = [row for row in streams if _size(row) >= CUTOFF]
    mini_stream, mini_fat = _mini(small)
    sizes = [-(-len(rows) // 4), _sectors(4 * len(mini_fat)), _sectors(len(mini_stream))]
    sizes += [_sectors(_size(row)) for row in large]
    count = _fat_sectors(sum(sizes))
    if count > MAX_FAT:
        return None
    fat, starts = _chains(count, sizes)
    for row in streams:
        row.start = row.start if _size(row) else _END
    for row, start in zip(large, starts[3:], strict=True):
        row.start = start
    rows[0].start = starts[2] if mini_stream else _END
    pieces = [
        _header(count, starts[0], starts[1] if mini_fat else _END, sizes[1]),
        _numbers(fat),
        _filled(b"".join(_packed(row, class_id, len(mini_stream)) for row in rows), _EMPTY),
        _numbers(mini_fat),
        _filled(mini_stream, b"\0"),
        *(_filled(row.entry.data, b"\0") for row in large if isinstance(row.entry, Stream)),
    ]
    return b"".join(pieces)


def _directory(root: Storage) -> list[_Row]:
    """The entries in order: the root, what is in it, then what is in each storage; each storage's make a tree."""
    rows = [_Row(root)]
    for row in rows:
        if isinstance(row.entry, Storage):
            inside = sorted(row.entry.entries, key=lambda entry: (len(entry.name), entry.name))
            first = len(rows)
            rows += [_Row(entry, start=0) for entry in inside]
            row.child = _tree(rows, first, len(rows))
    return rows


def _tree(rows: list[_Row], start: int, end: int) -> int:
    """Joins the sorted rows to a tree; its top."""
    if start == end:
        return _NONE
    top = start + (end - start) // 2
    rows[top].left, rows[top].right = _tree(rows, start, top), _tree(rows, top + 1, end)
    return top


def _size(row: _Row) -> int:
    return len(row.entry.data) if isinstance(row.entry, Stream) else 0


def _sectors(size: int) -> int:
    return -(-size // SECTOR)


def _mini(rows: list[_Row]) -> tuple[bytes, list[int]]:
    """The mini stream and its chains; the rows learn their places."""
    out, fat = bytearray(), list[int]()
    for row in rows:
        assert isinstance(row.entry, Stream)
        row.start = len(fat)
        count = -(-len(row.entry.data) // MINI)
        fat += [*range(row.start + 1, row.start + count), _END]
        out += row.entry.data.ljust(count * MINI, b"\0")
    return bytes(out), fat


def _fat_sectors(others: int) -> int:
    """As many FAT sectors as it takes for themselves and the others."""
    count = 1
    while count * (SECTOR // 4) < count + others:
        count += 1
    return count


def _chains(count: int, sizes: list[int]) -> tuple[list[int], list[int]]:
    """The FAT for its own sectors and things of these sizes after them, and where each begins."""
    fat, starts = [_FAT] * count, list[int]()
    for size in sizes:
        starts.append(len(fat))
        if size:
            fat += [*range(len(fat) + 1, len(fat) + size), _END]
    return fat, starts


def _header(fat: int, directory: int, mini_fat: int, mini_sectors: int) -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, fat, directory, 0, CUTOFF, mini_fat, mini_sectors, _END, 0)
    return head + struct.pack("<109I", *range(fat), *[_FREE] * (MAX_FAT - fat))


def _numbers(values: list[int]) -> bytes:
    return _filled(struct.pack(f"<{len(values)}I", *values), b"\xff")


_EMPTY = bytes(68) + b"\xff" * 12 + bytes(48)


def _filled(data: bytes, filling: bytes) -> bytes:
    """``data`` on whole sectors."""
    missing = -len(data) % SECTOR
    return data + filling * (missing // len(filling))


def _packed(row: _Row, class_id: bytes, mini_size: int) -> bytes:
    name = row.entry.name.encode("utf-16-le")
    is_stream = isinstance(row.entry, Stream)
    is_root = row.entry.name == "Root Entry" and not is_stream
    kind = 2 if is_stream else 5 if is_root else 1
    size = mini_size if is_root else _size(row)
    head = struct.pack("<64sHBB3I", name, len(name) + 2, kind, 1, row.left, row.right, row.child)
    return head + struct.pack("<16s20xIQ", class_id if is_root else b"", row.start, size)
