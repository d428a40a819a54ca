"""Uploads under way, on the disk: what was acknowledged survives a crash.

Rules kept here:
- two files an upload, under its random id, 0600 in a folder of 0700: ``.part`` holds the bytes, ``.log`` says whose
  they are (first line) and how many of them are durable (one line a mark);
- a mark is written only after the bytes it speaks of are fsynced, and is fsynced itself: the last whole line of the
  log is the offset that was, or may have been, acknowledged;
- bytes beyond the last mark are nobody's: they are cut off before anything is appended;
- handing over is a hard link: until the row is durable the upload stays whole, so that no crash loses what was
  acknowledged.

>>> partials = Partials(Path("/var/lib/sekisho/uploads"))      # doctest: +SKIP
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from rooms.store.blobs import BlobFolder, make_folder, sync_folder

READ_PIECE = 1 << 20


class Begun(Struct, frozen=True, forbid_unknown_fields=True):
    """What does not change about an upload. ``chance`` makes the id of the attachment it will be; ``metadata`` is the
    header as it was sent; ``length`` in bytes, ``at`` in ms UTC.
    """

    id: str
    person: str
    zone: str
    room: str
    name: str
    metadata: str
    length: int
    chance: bytes
    at: int


class Mark(Struct, frozen=True, forbid_unknown_fields=True):
    """``offset`` bytes are durable since ``at``; ``done``: they are an attachment."""

    offset: int
    at: int
    done: bool = False


class Partials:
    """The folder. Everything here blocks; call it off the event loop, for one upload from one place at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_folder(folder)

    def _data(self, upload: str) -> Path:
        return self.folder / f"{upload}.part"

    def _log(self, upload: str) -> Path:
        return self.folder / f"{upload}.log"

    def begin(self, begun: Begun) -> None:
        """An empty upload, durable."""
        for path, content in ((self._data(begun.id), b""), (self._log(begun.id), _line(begun))):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
        sync_folder(self.folder)

    def open(self, upload: str, offset: int) -> BinaryIO:
        """The bytes, cut off at ``offset`` and ready to append to."""
        file = self._data(upload).open("r+b", buffering=0)
        file.truncate(offset)
        file.seek(offset)
        return file

    def mark(self, upload: str, file: BinaryIO, mark: Mark) -> None:
        """The bytes so far are durable, then the log says so."""
        os.fsync(file.fileno())
        self._append(upload, mark)

    def _append(self, upload: str, mark: Mark) -> None:
        with self._log(upload).open("ab", buffering=0) as log:
            log.write(b"\n" + _line(mark))  # a line of its own even after one that a crash left without its end
            os.fsync(log.fileno())

    def digest(self, upload: str) -> str:
        """The SHA-256 (hex) of all bytes."""
        digest = hashlib.sha256()
        with self._data(upload).open("rb", buffering=0) as file:
            while piece := file.read(READ_PIECE):
                digest.update(piece)
            os.fsync(file.fileno())
        return digest.hexdigest()

    def hand_over(self, upload: str, quarantine: BlobFolder, blob: str) -> None:
        """The bytes are a durable blob of ``quarantine`` too; the upload stays until ``done``."""
        os.link(self._data(upload), quarantine.path(blob))
        sync_folder(quarantine.folder)

    def done(self, upload: str, mark: Mark) -> None:
        """The row is durable: the bytes are the quarantine's alone; the log stays for a client that asks again."""
        self._data(upload).unlink(missing_ok=True)
        self._append(upload, mark)

    def drop(self, upload: str) -> None:
        for path in (self._data(upload), self._log(upload)):
            path.unlink(missing_ok=True)

    def load(self) -> Iterator[tuple[Begun, Mark]]:
        """Every upload that can be gone on with; what cannot be understood is removed."""
        logs = {path.stem: path for path in self.folder.glob("*.log")}
        for path in [p for p in self.folder.iterdir() if p.stem not in logs]:
            path.unlink()
        for upload, path in sorted(logs.items()):
            found = _read(path.read_bytes())
            if found is None or not (found[1].done or self._holds(upload, found[1].offset)):
                self.drop(upload)
            else:
                yield found

    def _holds(self, upload: str, offset: int) -> bool:
        path = self._data(upload)
        return path.exists() and path.stat().st_size >= offset


def _line(value: Struct) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _read(log: bytes) -> tuple[Begun, Mark] | None:
    """The head and the last whole mark; a last line without its end was never acknowledged."""
    head, *marks = log.split(b"\n")[:-1] or [b""]
    try:
        begun = msgspec.json.decode(head, type=Begun)
    except msgspec.DecodeError:
        return None
    last = Mark(0, begun.at)
    for line in marks:
        with contextlib.suppress(msgspec.DecodeError):
            last = msgspec.json.decode(line, type=Mark)
    return begun, last
