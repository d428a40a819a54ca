"""Descriptors on the trusting side: what goes into a jail, what comes out, and their hashes.

Rules kept here:

- A jail gets a sealed copy of a small file, and a read-only descriptor of a large one that is hashed before and after.
- What a jail writes goes into a memory file that was given its largest size beforehand and sealed against growing: the
  kernel keeps the output limit, not the worker.
- An output is cut to the stated size, sealed for good, then hashed. From then on nobody can change it, and the verifier
  reads the very bytes that are released.

All functions but ``take_at_once`` block; call them in a thread.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SMALL = 32 << 20  # bytes up to which the input is copied
AT_ONCE = 256 << 10  # bytes up to which copying and hashing take less than a thread would
_CHUNK = 1 << 20

_FINAL = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass(frozen=True, slots=True)
class Taken:
    """A received file as it goes into the jail. ``descriptor`` is owned by whoever holds this object."""

    descriptor: int
    size: int
    sha256: str
    stamp: tuple[int, ...] | None  # None: a sealed copy, nothing can change


class NotTaken(Exception):
    """The file does not even go into a jail: why, and its size."""

    def __init__(self, code: str, size: int) -> None:
        super().__init__(code, size)
        self.code = code
        self.size = size


def take_in(source: int, max_input: int) -> Taken:
    """The file behind ``source`` (position and descriptor stay as they are). Raises ``NotTaken``."""
    before = os.fstat(source)
    if not stat.S_ISREG(before.st_mode):
        raise NotTaken("unreadable", 0)
    if not 0 < before.st_size <= max_input:
        raise NotTaken("too-large" if before.st_size else "empty", before.st_size)
    return _unmoved(
        _copied(source, before.st_size) if before.st_size <= SMALL else _opened(source, before), source, before
    )


def take_at_once(source: int, max_input: int) -> Taken | None:
    """``take_in`` without waiting for a disk, so that it needs no thread; None where the file is not small or not in
    memory already. Raises ``NotTaken``."""
    before = os.fstat(source)
    if not stat.S_ISREG(before.st_mode) or not 0 < before.st_size <= min(AT_ONCE, max_input):
        return None
    content = bytearray(before.st_size)
    try:
        if os.preadv(source, [content], 0, os.RWF_NOWAIT) != before.st_size:
            return None
    except OSError:  # EAGAIN, or a file system that cannot say
        return None
    return _unmoved(_sealed_copy([content], before.st_size), source, before)


def _unmoved(taken: Taken, source: int, before: os.stat_result) -> Taken:
    """What was taken, if the source was the same before and after."""
    if _stamp(os.fstat(source)) != _stamp(before):
        os.close(taken.descriptor)
        raise NotTaken("changed-while-read", before.st_size)
    return taken


def take_part(source: int, offset: int, size: int) -> Taken:
    """``size`` bytes of a sealed memory file from ``offset`` on, as a file of their own."""
    return _copied(source, size, offset)


def unchanged(taken: Taken) -> bool:
    """True if the file is still what it was when it was taken in."""
    if taken.stamp is None:
        return True
    return _stamp(os.fstat(taken.descriptor)) == taken.stamp and sha256(taken.descriptor, taken.size) == taken.sha256


def new_output(limit: int) -> int:
    """A memory file in which a jail may write up to ``limit`` bytes; whoever asked closes it."""
    descriptor = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, limit)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    return descriptor


def seal_output(descriptor: int, untrusted_size: int) -> bool:
    """Cut the output to its stated size and seal it; False if that size is impossible. The process that wrote it is
    dead."""
    if not 0 < untrusted_size <= os.fstat(descriptor).st_size:
        return False
    os.ftruncate(descriptor, untrusted_size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _FINAL)
    return True


def sha256(descriptor: int, size: int) -> str:
    """Lower-case hex of ``size`` bytes from the start; a file that ends early hashes to something else."""
    digest = hashlib.sha256()
    for part in _parts(descriptor, size):
        digest.update(part)
    return digest.hexdigest()


def _copied(source: int, size: int, offset: int = 0) -> Taken:
    return _sealed_copy(_parts(source, size, offset), size)


def _sealed_copy(parts: Iterable[bytes | bytearray], size: int) -> Taken:
    descriptor = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    digest, copied = hashlib.sha256(), 0
    try:
        for part in parts:
            digest.update(part)
            copied += os.write(descriptor, part)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _FINAL)
    except BaseException:
        os.close(descriptor)
        raise
    if copied != size:
        os.close(descriptor)
        raise NotTaken("changed-while-read", size)
    return Taken(descriptor, size, digest.hexdigest(), None)


def _opened(source: int, before: os.stat_result) -> Taken:
    if fcntl.fcntl(source, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        descriptor = os.dup(source)
    else:
        descriptor = os.open(f"/proc/self/fd/{source}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return Taken(descriptor, before.st_size, sha256(descriptor, before.st_size), _stamp(before))
    except BaseException:
        os.close(descriptor)
        raise


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _parts(descriptor: int, size: int, offset: int = 0) -> Iterator[bytes]:
    end = offset + size
    while offset < end:
        part = os.pread(descriptor, min(_CHUNK, end - offset), offset)
        if not part:
            return
        yield part
        offset += len(part)
