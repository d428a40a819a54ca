"""A disk that forgets, at a power cut, whatever was not fsynced. Pure: no kernel, no clock; chance is an argument.

Rules of the model, which promises no more than POSIX does:
- what a file holds is durable when that file was fsynced; until then each sector (512 or 4096 bytes, whichever the cut
  has) may survive as any of its versions since the last fsync, and the size as any of its sizes;
- a name (created, renamed, linked, removed) is durable when its folder was fsynced, and not with the file; until then
  each such step may survive or not, a rename whole or not at all;
- an fsync that failed has lost what it was asked to keep: it stays readable, counts as clean, and the next fsync
  answers yes without it (https://wiki.postgresql.org/wiki/Fsync_Errors);
- a hole is zeros; bytes of other files never turn up.

>>> disk = Disk()
>>> file = disk.create(ROOT, "a", 0o600)
>>> disk.write(file.number, 0, b"said")
>>> disk.sync(file.number)
>>> disk.sync(ROOT)
>>> disk.write(file.number, 0, b"lost")
>>> after = disk.cut(random.Random(1), Way("drop"))
>>> bytes(after.file(after.folder(ROOT).names["a"]).data)
b'said'
"""

from __future__ import annotations

import errno
import os
import random
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

ROOT = 1
PAGE = 4096


Kind = Literal["drop", "keep", "prefix", "torn"]
_KINDS: tuple[Kind, ...] = ("drop", "keep", "prefix", "torn", "torn", "torn", "torn", "torn", "torn")


class DiskError(Exception):
    """A refusal, as an errno."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


class Way(NamedTuple):
    """How a cut treats what was not fsynced: all dropped, all kept, the first so many steps kept, or torn: each sector
    of ``grain`` bytes, each size and each name for itself, the newest with the chance ``newest``.
    """

    kind: Kind
    grain: int = 512
    newest: float = 0.5


def any_way(chooser: random.Random) -> Way:
    """Torn in two cases of three."""
    return Way(chooser.choice(_KINDS), chooser.choice((512, 4096)), chooser.choice((0.1, 0.5, 0.9)))


class Change(NamedTuple):
    """What a write or truncation replaced: ``before`` stood at ``offset``; ``length`` bytes stand there since."""

    offset: int
    before: bytes
    size_before: int
    length: int


@dataclass
class File:
    """``data`` is what readers see; ``changes`` lead back to what is durable; ``lost`` pages seem clean and are not."""

    number: int
    mode: int
    data: bytearray = field(default_factory=bytearray)
    changes: list[Change] = field(default_factory=list)
    lost: dict[int, bytes] = field(default_factory=dict)
    lost_size: int | None = None
    links: int = 0

    def write(self, offset: int, data: bytes) -> None:
        size = len(self.data)
        end = offset + len(data)
        self.changes.append(Change(offset, bytes(self.data[offset:end]), size, len(data)))
        if offset > size:
            self.data.extend(bytes(offset - size))
        self.data[offset:end] = data

    def truncate(self, size: int) -> None:
        had = len(self.data)
        self.changes.append(Change(min(size, had), bytes(self.data[size:]), had, 0))
        if size < had:
            del self.data[size:]
        else:
            self.data.extend(bytes(size - had))

    def sync(self) -> None:
        for page in self._pages():
            self.lost.pop(page, None)
        self.lost_size = None
        self.changes.clear()

    def fail_sync(self) -> None:
        """The kernel gives up on the dirty pages: readable still, but never again written by themselves."""
        durable, _ = self._rewound()
        for page in self._pages():
            self.lost.setdefault(page, bytes(durable[page * PAGE : (page + 1) * PAGE]))
        self.lost_size = len(durable)
        self.changes.clear()

    def _pages(self) -> set[int]:
        touched: set[int] = set()
        for change in self.changes:
            end = change.offset + max(change.length, len(change.before))
            touched.update(range(change.offset // PAGE, -(-end // PAGE)))
        return touched

    def _rewound(self) -> tuple[bytearray, list[tuple[int, bytes, int]]]:
        """What is behind all changes, and the changes forward: (offset, what was written, size after it)."""
        data = bytearray(self.data)
        forward = []
        for offset, before, size_before, length in reversed(self.changes):
            forward.append((offset, bytes(data[offset : offset + length]), len(data)))
            if size_before > len(data):
                data.extend(before)
            else:
                data[offset : offset + len(before)] = before
                del data[size_before:]
        return data, forward[::-1]

    def survives(self, chooser: random.Random, way: Way) -> bytearray:
        """What is found after the cut."""
        seen, forward = self._rewound()
        durable = bytearray(seen)
        if self.lost_size is not None:
            _resize(durable, self.lost_size)
        for page, content in self.lost.items():
            durable[page * PAGE : page * PAGE + len(content)] = content
        if way.kind == "drop" or not forward:
            return durable
        if way.kind == "keep" and not self.lost:
            return bytearray(self.data)
        if way.kind == "prefix":
            forward = forward[: chooser.randrange(len(forward) + 1)]
        versions, sizes = _versions(seen, forward, way.grain)
        newest = way.newest if way.kind == "torn" else 1.0
        return _torn(durable, versions, sizes, chooser, way.grain, newest)


def _resize(data: bytearray, size: int) -> None:
    if size < len(data):
        del data[size:]
    else:
        data.extend(bytes(size - len(data)))


def _versions(
    image: bytearray, forward: Iterable[tuple[int, bytes, int]], grain: int
) -> tuple[dict[int, list[bytes]], list[int]]:
    """Every content that each sector had, and every size, in order."""
    versions: dict[int, list[bytes]] = {}
    sizes: list[int] = []
    for offset, written, size in forward:
        _resize(image, size)
        image[offset : offset + len(written)] = written
        sizes.append(size)
        for sector in range(offset // grain, -(-(offset + len(written)) // grain)):
            versions.setdefault(sector, []).append(bytes(image[sector * grain : (sector + 1) * grain]))
    return versions, sizes


def _torn(
    durable: bytearray,
    versions: dict[int, list[bytes]],
    sizes: list[int],
    chooser: random.Random,
    grain: int,
    newest: float,
) -> bytearray:
    """``durable`` with some sectors of later versions, at one of the sizes."""
    if not sizes:
        return durable
    size = sizes[-1] if chooser.random() < newest else chooser.choice([len(durable), *sizes])
    _resize(durable, max(len(durable), size))
    for sector, contents in versions.items():
        which = len(contents) if chooser.random() < newest else chooser.randrange(len(contents) + 1)
        if which:
            content = contents[which - 1]
            place = sector * grain
            durable[place : place + len(content)] = content[: max(0, len(durable) - place)]
    _resize(durable, size)
    return durable


@dataclass
class Folder:
    """``names`` is what readers see, ``durable`` what a cut leaves at least."""

    number: int
    mode: int
    names: dict[str, int] = field(default_factory=dict)
    durable: dict[str, int] = field(default_factory=dict)


class Step(NamedTuple):
    """One change of names, whole or not at all: (folder, name, node or None)."""

    names: tuple[tuple[int, str, int | None], ...]


class Disk:
    """A tree of files. ``capacity`` bytes at most, where one is set."""

    def __init__(self, capacity: int | None = None) -> None:
        self.nodes: dict[int, File | Folder] = {ROOT: Folder(ROOT, stat.S_IFDIR | 0o700)}
        self.steps: list[Step] = []
        self.capacity = capacity
        self.used = 0
        self._next = ROOT + 1

    # Looking ---------------------------------------------------------------------------------------------------------

    def file(self, number: int) -> File:
        node = self.nodes[number]
        if not isinstance(node, File):
            raise DiskError(errno.EISDIR)
        return node

    def folder(self, number: int) -> Folder:
        node = self.nodes[number]
        if not isinstance(node, Folder):
            raise DiskError(errno.ENOTDIR)
        return node

    def named(self, folder: int, name: str) -> File | Folder:
        number = self.folder(folder).names.get(name)
        if number is None:
            raise DiskError(errno.ENOENT)
        return self.nodes[number]

    def at(self, path: str) -> File | Folder:
        """The node at ``a/b/c``."""
        node: File | Folder = self.nodes[ROOT]
        for name in path.split("/"):
            node = self.named(node.number, name)
        return node

    def walk(self, folder: int = ROOT, path: str = "") -> Iterator[tuple[str, File]]:
        """Every file with its path."""
        for name, number in sorted(self.folder(folder).names.items()):
            node = self.nodes[number]
            if isinstance(node, Folder):
                yield from self.walk(number, f"{path}{name}/")
            else:
                yield path + name, node

    # Names -----------------------------------------------------------------------------------------------------------

    def _step(self, *names: tuple[int, str, int | None]) -> None:
        for folder, name, number in names:
            if number is None:
                del self.folder(folder).names[name]
            else:
                self.folder(folder).names[name] = number
        self.steps.append(Step(names))

    def _new(self, folder: int, name: str) -> int:
        if name in self.folder(folder).names:
            raise DiskError(errno.EEXIST)
        self._take(PAGE)
        self._next += 1
        return self._next - 1

    def create(self, folder: int, name: str, mode: int) -> File:
        file = File(self._new(folder, name), stat.S_IFREG | mode if not stat.S_IFMT(mode) else mode, links=1)
        self.nodes[file.number] = file
        self._step((folder, name, file.number))
        return file

    def make_folder(self, folder: int, name: str, mode: int) -> Folder:
        made = Folder(self._new(folder, name), stat.S_IFDIR | mode)
        self.nodes[made.number] = made
        self._step((folder, name, made.number))
        return made

    def link(self, number: int, folder: int, name: str) -> File:
        file = self.file(number)
        if name in self.folder(folder).names:
            raise DiskError(errno.EEXIST)
        file.links += 1
        self._step((folder, name, number))
        return file

    def remove(self, folder: int, name: str) -> None:
        node = self.named(folder, name)
        if isinstance(node, Folder) and node.names:
            raise DiskError(errno.ENOTEMPTY)
        self._step((folder, name, None))
        self._unlinked(node)

    def _unlinked(self, node: File | Folder) -> None:
        self.used -= PAGE
        if isinstance(node, File):
            node.links -= 1
            if node.links == 0:
                self.used -= len(node.data)
            else:
                self.used += PAGE

    def rename(self, folder: int, name: str, to_folder: int, to_name: str) -> None:
        node = self.named(folder, name)
        there = self.folder(to_folder).names.get(to_name)
        if there == node.number:
            return
        replaced = self.nodes[there] if there is not None else None
        if isinstance(replaced, Folder) and replaced.names:
            raise DiskError(errno.ENOTEMPTY)
        self._step((folder, name, None), (to_folder, to_name, node.number))
        if replaced is not None:
            self._unlinked(replaced)

    # Bytes -----------------------------------------------------------------------------------------------------------

    def _take(self, more: int) -> None:
        if more > 0 and self.capacity is not None and self.used + more > self.capacity:
            raise DiskError(errno.ENOSPC)
        self.used += more

    def write(self, number: int, offset: int, data: bytes) -> None:
        file = self.file(number)
        self._take(max(0, offset + len(data) - len(file.data)) if file.links else 0)
        file.write(offset, data)

    def truncate(self, number: int, size: int) -> None:
        file = self.file(number)
        self._take(size - len(file.data) if file.links else 0)
        file.truncate(size)

    def sync(self, number: int) -> None:
        """fsync(2) of a file or a folder."""
        node = self.nodes[number]
        if isinstance(node, File):
            node.sync()
            return
        for step in self.steps:
            if any(folder == number for folder, _, _ in step.names):
                self._keep(step)
        self.steps = [step for step in self.steps if all(folder != number for folder, _, _ in step.names)]

    def fail_sync(self, number: int) -> None:
        """An fsync that answered with an error. Names wait for the folder's next fsync, which a journal may repeat."""
        node = self.nodes[number]
        if isinstance(node, File):
            node.fail_sync()

    def _keep(self, step: Step) -> None:
        for folder, name, number in step.names:
            durable = self.folder(folder).durable
            if number is None:
                durable.pop(name, None)
            else:
                durable[name] = number

    def sync_all(self) -> None:
        """sync(2)."""
        for step in self.steps:
            self._keep(step)
        self.steps = []
        for node in self.nodes.values():
            if isinstance(node, File):
                node.sync()

    # Lives -----------------------------------------------------------------------------------------------------------

    def cut(self, chooser: random.Random, way: Way) -> Disk:
        """What is there when the power is back. This disk is not used any more."""
        for step in self._surviving(chooser, way):
            self._keep(step)
        after = Disk(self.capacity)
        after._next = self._next
        self._survive(ROOT, after, chooser, way)
        return after

    def _surviving(self, chooser: random.Random, way: Way) -> list[Step]:
        if way.kind == "drop":
            return []
        if way.kind == "keep":
            return self.steps
        if way.kind == "prefix":
            return self.steps[: chooser.randrange(len(self.steps) + 1)]
        return [step for step in self.steps if chooser.random() < way.newest]

    def _survive(self, number: int, after: Disk, chooser: random.Random, way: Way) -> None:
        before = self.folder(number)
        folder = after.nodes[number] = Folder(number, before.mode, dict(before.durable), dict(before.durable))
        for child in folder.names.values():
            node = self.nodes[child]
            after.used += PAGE
            kept = after.nodes.get(child)
            if isinstance(node, Folder):
                self._survive(child, after, chooser, way)
            elif isinstance(kept, File):
                kept.links += 1
            else:
                after.nodes[child] = File(child, node.mode, node.survives(chooser, way), links=1)
                after.used += len(after.file(child).data)

    def copy(self) -> Disk:
        """Another disk with the same; everything on it durable."""
        self.sync_all()
        return self.cut(random.Random(0), Way("keep"))

    def load(self, source: Path, folder: int = ROOT) -> None:
        """Take in a real folder, durable."""
        for path in sorted(source.iterdir()):
            mode = path.stat().st_mode & 0o7777
            if path.is_dir():
                self.load(path, self.make_folder(folder, path.name, mode).number)
            elif path.is_file():
                file = self.create(folder, path.name, mode)
                self.write(file.number, 0, path.read_bytes())
        self.sync_all()
