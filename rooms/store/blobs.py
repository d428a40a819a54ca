"""Files on the local disk: what was received (``quarantine``), what may leave (``renditions``), uploads under way
(``uploads``).

Rules kept here:
- a blob's name is random and says nothing; folders are 0700, files 0600, outside any served path;
- a blob is there when its file and its folder are fsynced, and only then is its row written; a folder that is made is
  fsynced by name in the one above;
- a file that is not complete is under another name (``.partial``) and is swept at the start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Blocks."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """The folder (0700) and what is missing above it, each durable by its name in the one above. Blocks."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_folder(made.parent)


class BlobFolder:
    """One folder of blobs.

    >>> quarantine = BlobFolder(Path("/var/lib/sekisho/quarantine"))         # doctest: +SKIP
    >>> with quarantine.begin("b_…") as file: file.write(data)               # doctest: +SKIP
    >>> quarantine.keep("b_…")                                               # doctest: +SKIP
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_folder(folder)

    def path(self, key: str) -> Path:
        """Where the blob lies. Raises ValueError for a key that is not one (keys never come from outside)."""
        if not key.replace("_", "").isalnum() or not key.isascii():
            raise ValueError("not a blob key")
        return self.folder / key

    def partial(self, key: str) -> Path:
        return self.path(key).with_suffix(".partial")

    def begin(self, key: str) -> BinaryIO:
        """A new, empty, unbuffered file for a blob that is not there yet."""
        descriptor = os.open(self.partial(key), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "r+b", buffering=0)

    def keep(self, key: str) -> None:
        """Make the blob durable under its name: fsync file, rename, fsync folder. Blocks; call it off the event
        loop.
        """
        with self.partial(key).open("rb") as file:
            os.fsync(file.fileno())
        self.partial(key).rename(self.path(key))
        sync_folder(self.folder)

    def drop(self, key: str) -> None:
        """Give up a blob that was begun, or remove one that was kept. Nothing there is fine."""
        self.partial(key).unlink(missing_ok=True)
        self.path(key).unlink(missing_ok=True)

    def put(self, key: str, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Write, fsync and keep a whole blob; answers (SHA-256 hex, size). What fails leaves nothing behind: on a full
        disk its bytes would stand in the way of the next try.
        """
        digest, size = hashlib.sha256(), 0
        try:
            with self.begin(key) as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    write_all(file, chunk)
            self.keep(key)
        except BaseException:
            self.drop(key)
            raise
        return digest.hexdigest(), size

    def open(self, key: str) -> int:
        """A read-only descriptor of a kept blob; the caller closes it. Raises FileNotFoundError."""
        return os.open(self.path(key), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def keys(self) -> Iterator[str]:
        """Every kept blob."""
        for entry in self.folder.iterdir():
            if entry.suffix != ".partial":
                yield entry.name

    def sweep(self, known: set[str]) -> int:
        """Remove what no row names and what was never completed; answers how many files went."""
        gone = 0
        for entry in [entry for entry in self.folder.iterdir() if not entry.is_dir()]:  # lost+found of a mounted disk
            if entry.suffix == ".partial" or entry.name not in known:
                entry.unlink(missing_ok=True)
                gone += 1
        return gone

    def used_share(self) -> float:
        """How full the disk below is, 0 to 1, as an unprivileged writer sees it."""
        usage = shutil.disk_usage(self.folder)
        return 1 - usage.free / usage.total if usage.total else 1.0


def write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write every byte; an unbuffered file may take fewer at once."""
    view = memoryview(data)
    while view:
        written = file.write(view)
        view = view[written:]


def read_chunks(descriptor: int, offset: int, length: int) -> Iterator[bytes]:
    """``length`` bytes of an open file from ``offset``, in pieces of at most 1 MiB."""
    while length > 0:
        chunk = os.pread(descriptor, min(CHUNK, length), offset)
        if not chunk:
            return
        offset += len(chunk)
        length -= len(chunk)
        yield chunk
