"""A ``forgetful_disk.Disk`` mounted: the kernel's FUSE protocol (include/uapi/linux/fuse.h, 7.31) in one process.

Rules kept here:
- needs nothing installed: /dev/fuse and a mount namespace of our own (as root, or with a user namespace), which takes
  the mount away with its last process;
- whoever serves never looks into its own mount: that would wait for itself;
- no write-back cache: each write(2) arrives at once and in order; the page cache serves reads and mappings, so that
  SQLite's shared memory works as on a disk of the machine;
- ``before`` is asked ahead of every request that touches the disk: it may let it be, refuse it with an errno, cut a
  write short, or raise.

>>> enter_own_mounts()                                        # doctest: +SKIP
>>> mounted = Mounted(disk, Path("/tmp/point"))               # doctest: +SKIP
>>> while select.select([mounted.descriptor], [], [])[0]:     # doctest: +SKIP
...     mounted.serve_one()
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from support.forgetful_disk import ROOT, Disk, DiskError, File, Folder

_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_MS_NOSUID, _MS_NODEV, _MS_REC, _MS_PRIVATE = 2, 4, 16384, 1 << 18
_MNT_DETACH = 2
_MAX_WRITE = 128 << 10
_FOREVER = 86_400  # seconds: nobody else changes what the kernel has seen
_ASYNC_READ, _BIG_WRITES, _PARALLEL_DIROPS = 1, 1 << 5, 1 << 18
_SET_MODE, _SET_SIZE = 1, 8

_IN = struct.Struct("<IIQQIIIHH")
_OUT = struct.Struct("<IiQ")
_ATTRIBUTES = struct.Struct("<6Q10I")
_ENTRY = struct.Struct("<4Q2I")
_ATTRIBUTES_FOR = struct.Struct("<QII")
_OPENED = struct.Struct("<QIi")
_READ = struct.Struct("<QQIIQII")
_SETATTR = struct.Struct("<IIQQQQQQIIIIIIII")
_DIRENT = struct.Struct("<QQII")


class Unavailable(Exception):
    """This machine does not let us mount; the text says why."""


class Request(NamedTuple):
    """What ``before`` is asked about: ``operation`` is the name of the system call behind it."""

    operation: str
    node: int
    size: int = 0


Before = Callable[[Request], int]
SHORT = -1  # an answer of ``before``: only half of this write is taken


def go_on(_: Request) -> int:
    return 0


def _call(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def enter_own_mounts() -> None:
    """Move this process, which has no threads yet, to a mount namespace of its own. Raises ``Unavailable``."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        raise Unavailable("/dev/fuse is not there, or not for this user")
    uid, gid = os.geteuid(), os.getegid()
    try:
        try:
            _call("unshare", _CLONE_NEWNS)
        except PermissionError:
            _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        _call("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    except OSError as error:
        raise Unavailable(f"no mount namespace of our own: {error}") from error


class Mounted:
    """One mount of one disk. ``served`` counts requests that touched the disk."""

    def __init__(self, disk: Disk, point: Path, before: Before = go_on) -> None:
        self.disk = disk
        self.point = point
        self.before = before
        self.served = 0
        self._time = int(time.time())
        self._owner = os.geteuid(), os.getegid()
        self._room = bytearray(_MAX_WRITE + 8192)
        self.descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        options = f"fd={self.descriptor},rootmode=40000,user_id={self._owner[0]},group_id={self._owner[1]}"
        try:
            _call("mount", b"forgetful", bytes(point), b"fuse", _MS_NOSUID | _MS_NODEV, options.encode())
        except OSError as error:
            os.close(self.descriptor)
            raise Unavailable(f"FUSE cannot be mounted: {error}") from error
        self._answers: dict[int, Callable[[int, memoryview], bytes]] = {
            1: self._lookup, 3: self._getattr, 4: self._setattr, 8: self._mknod, 9: self._mkdir, 10: self._unlink,
            11: self._unlink, 12: self._rename, 13: self._link, 14: self._open, 15: self._read, 16: self._write,
            17: self._statfs, 18: self._done, 20: self._fsync, 26: self._init, 27: self._opened, 28: self._readdir,
            29: self._done, 30: self._fsync, 35: self._create, 45: self._rename2,
        }  # fmt: skip

    def close(self) -> None:
        """The power is off: whatever waits for an answer gets an error, and nothing more is taken."""
        os.close(self.descriptor)
        _call("umount2", bytes(self.point), _MNT_DETACH)

    def serve_one(self) -> bool:
        """Take one request and answer it; False if none was there. Raises what ``before`` raises."""
        try:
            length = os.readv(self.descriptor, [self._room])
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno == errno.ENOENT:  # it was withdrawn before we took it
                return True
            raise
        _, opcode, unique, node, *_ = _IN.unpack_from(self._room)
        if opcode in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET want no answer
            return True
        answer = self._answers.get(opcode)
        number, data = errno.ENOSYS, b""
        if answer is not None:
            try:
                number, data = 0, answer(node, memoryview(self._room)[_IN.size : length])
            except DiskError as error:
                number = error.number
        with contextlib.suppress(FileNotFoundError):  # who asked was interrupted
            os.writev(self.descriptor, [_OUT.pack(_OUT.size + len(data), -number, unique), data])
        return True

    def _ask(self, operation: str, node: int, size: int = 0) -> int:
        """Raises DiskError where ``before`` answers with an errno."""
        self.served += 1
        number = self.before(Request(operation, node, size))
        if number > 0:
            raise DiskError(number)
        return number

    # What goes back --------------------------------------------------------------------------------------------------

    def _attributes(self, node: File | Folder) -> bytes:
        size = len(node.data) if isinstance(node, File) else 4096
        links = node.links if isinstance(node, File) else 2
        return _ATTRIBUTES.pack(
            node.number, size, -(-size // 512), self._time, self._time, self._time, 0, 0, 0,
            node.mode, links, *self._owner, 0, 4096, 0,
        )  # fmt: skip

    def _entry(self, node: File | Folder) -> bytes:
        return _ENTRY.pack(node.number, 0, _FOREVER, _FOREVER, 0, 0) + self._attributes(node)

    def _init(self, node: int, body: memoryview) -> bytes:
        _, _, readahead, flags = struct.unpack_from("<IIII", body)
        flags &= _ASYNC_READ | _BIG_WRITES | _PARALLEL_DIROPS
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, readahead, flags, 12, 9, _MAX_WRITE, 1, 0, 0, 0)

    def _done(self, node: int, body: memoryview) -> bytes:
        return b""

    def _statfs(self, node: int, body: memoryview) -> bytes:
        capacity = self.disk.capacity if self.disk.capacity is not None else 1 << 40
        free = max(0, capacity - self.disk.used) // 4096
        return struct.pack("<5QIIII24x", capacity // 4096, free, free, 1 << 20, 1 << 20, 4096, 255, 4096, 0)

    # Names -----------------------------------------------------------------------------------------------------------

    def _lookup(self, node: int, body: memoryview) -> bytes:
        return self._entry(self.disk.named(node, _name(body)))

    def _getattr(self, node: int, body: memoryview) -> bytes:
        return _ATTRIBUTES_FOR.pack(_FOREVER, 0, 0) + self._attributes(self.disk.nodes[node])

    def _setattr(self, node: int, body: memoryview) -> bytes:
        valid, _, _, size, *more = _SETATTR.unpack_from(body)
        found = self.disk.nodes[node]
        if valid & _SET_SIZE:
            self._ask("truncate", node)
            self.disk.truncate(node, size)
        if valid & _SET_MODE:
            found.mode = stat.S_IFMT(found.mode) | stat.S_IMODE(more[7])
        return self._getattr(node, body)

    def _mknod(self, node: int, body: memoryview) -> bytes:
        self._ask("create", node)
        (mode,) = struct.unpack_from("<I", body)
        return self._entry(self.disk.create(node, _name(body[16:]), mode))

    def _create(self, node: int, body: memoryview) -> bytes:
        self._ask("create", node)
        _, mode = struct.unpack_from("<II", body)
        return self._entry(self.disk.create(node, _name(body[16:]), stat.S_IMODE(mode))) + _OPENED.pack(0, 0, 0)

    def _mkdir(self, node: int, body: memoryview) -> bytes:
        self._ask("mkdir", node)
        (mode,) = struct.unpack_from("<I", body)
        return self._entry(self.disk.make_folder(node, _name(body[8:]), stat.S_IMODE(mode)))

    def _unlink(self, node: int, body: memoryview) -> bytes:
        self._ask("unlink", node)
        self.disk.remove(node, _name(body))
        return b""

    def _link(self, node: int, body: memoryview) -> bytes:
        self._ask("link", node)
        (old,) = struct.unpack_from("<Q", body)
        return self._entry(self.disk.link(old, node, _name(body[8:])))

    def _rename(self, node: int, body: memoryview, names_at: int = 8) -> bytes:
        self._ask("rename", node)
        (to,) = struct.unpack_from("<Q", body)
        old, new = bytes(body[names_at:]).split(b"\0")[:2]
        self.disk.rename(node, os.fsdecode(old), to, os.fsdecode(new))
        return b""

    def _rename2(self, node: int, body: memoryview) -> bytes:
        if struct.unpack_from("<QI", body)[1]:
            raise DiskError(errno.EINVAL)
        return self._rename(node, body, 16)

    def _readdir(self, node: int, body: memoryview) -> bytes:
        _, offset, size, *_ = _READ.unpack_from(body)
        listed = b""
        for place, (name, number) in enumerate(list(self.disk.folder(node).names.items()), 1):
            raw = os.fsencode(name)
            kind = stat.S_IFMT(self.disk.nodes[number].mode) >> 12
            line = _DIRENT.pack(number, place, len(raw), kind) + raw
            line += bytes(-len(line) % 8)
            if len(listed) + len(line) > size:
                break
            if place > offset:
                listed += line
        return listed

    # Bytes -----------------------------------------------------------------------------------------------------------

    def _open(self, node: int, body: memoryview) -> bytes:
        self._ask("open", node)
        return self._opened(node, body)

    def _opened(self, node: int, body: memoryview) -> bytes:
        return _OPENED.pack(0, 0, 0)

    def _read(self, node: int, body: memoryview) -> bytes:
        self._ask("read", node)
        _, offset, size, *_ = _READ.unpack_from(body)
        return bytes(memoryview(self.disk.file(node).data)[offset : offset + size])

    def _write(self, node: int, body: memoryview) -> bytes:
        _, offset, size, *_ = _READ.unpack_from(body)
        if self._ask("write", node, size) == SHORT:
            size = size // 2
        self.disk.write(node, offset, bytes(body[40 : 40 + size]))
        return struct.pack("<II", size, 0)

    def _fsync(self, node: int, body: memoryview) -> bytes:
        try:
            self._ask("fsync", node)
        except DiskError:
            self.disk.fail_sync(node)
            raise
        self.disk.sync(node)
        return b""


def _name(body: memoryview) -> str:
    return os.fsdecode(bytes(body).split(b"\0", 1)[0])


__all__ = ["ROOT", "SHORT", "Before", "Mounted", "Request", "Unavailable", "enter_own_mounts", "go_on"]
