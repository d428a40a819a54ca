"""The file that ``sekisho backup`` writes: one tar archive in which no byte is free.

======================  ===========================================================================================
member                  what it is
======================  ===========================================================================================
``FORMAT``              ``sekisho-backup/1`` and a line end
``sekisho.db``          the database, one consistent copy
``keys.sealed``         the secret keys under a passphrase (``ops.backup_keys``); only where asked for
``quarantine/b_…``      files as received that rows name
``renditions/b_…``      files that zones may read, and thumbnails
``manifest.json``       ``Manifest``: what this is a backup of, and SHA-256 of every member before it
``manifest.sha256``     SHA-256 of ``manifest.json``, as ``sha256sum -c`` reads it
======================  ===========================================================================================

Rules kept here:
- every byte has one value that is right: headers are compared with the ones that would be written, padding is zero,
  contents have their SHA-256, the manifest has its one encoding, and after two empty blocks the file ends;
- the reader takes the file in one pass and in pieces; nothing of it is to be trusted before ``read_archive`` returns;
- names are a short list of what may be there; a path that leads elsewhere cannot be said;
- a plain ``tar`` and ``sha256sum`` can open and check it without Sekisho.

>>> writer = ArchiveWriter(out, 1_800_000_000)                                            # doctest: +SKIP
>>> writer.add("sekisho.db", size, chunks)                                                # doctest: +SKIP
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Literal

import msgspec
from msgspec import Struct

from server.installation import StartRefused

FORMAT = "sekisho-backup/1"
DATABASE, SEALED = "sekisho.db", "keys.sealed"
MANIFEST, DIGEST = "manifest.json", "manifest.sha256"
BLOCK = tarfile.BLOCKSIZE
CHUNK = 1 << 20
MAX_MANIFEST = 1 << 30
_FIRST = FORMAT.encode() + b"\n"
_CONTENT = re.compile(r"sekisho\.db|keys\.sealed|(quarantine|renditions)/[a-z0-9_]{1,64}", re.ASCII)
Keys = Literal["sealed", "left-out"]


class BackupRefused(StartRefused):
    """The backup cannot be made or brought back; nothing was changed."""


class Member(Struct, frozen=True, forbid_unknown_fields=True):
    """One file in the archive. ``sha256`` is lower-case hex, ``size`` bytes."""

    name: str
    size: int
    sha256: str


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """The audit tree at the moment of the copy, and the newest signed checkpoint (a note), if there was one."""

    size: int
    root: str
    checkpoint: str | None


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the backup is of.

    ``made_at``: ms UTC. ``origin``: the installation's name in its record. ``zones``: whose content may be inside.
    ``public_keys``: text forms of the keys that sign its record, the present one first. ``absent``: files that rows
    name and that were not there, or not as the row says.
    """

    format: str
    made_at: int
    release: str
    origin: str
    schema: str
    zones: list[str]
    record: Head
    keys: Keys
    public_keys: list[str]
    absent: list[str]
    members: list[Member]


def damaged(where: str) -> BackupRefused:
    return BackupRefused(
        "backup_damaged",
        f"バックアップが壊れています({where})。何も戻していません。ほかのバックアップを使ってください。",
        f"The backup is damaged ({where}). Nothing was restored. Use another backup.",
    )


def not_a_backup() -> BackupRefused:
    return BackupRefused(
        "not_a_backup",
        "これは sekisho backup が書いたファイルではありません。ファイルを確かめてください。",
        "This is not a file that sekisho backup wrote. Check the file.",
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest's one encoding."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def digest_line(manifest: bytes) -> bytes:
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()


def _header(name: str, size: int, mtime: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime, 0o600
    return info.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")


def _padding(size: int) -> int:
    return -size % BLOCK


class ArchiveWriter:
    """Writes the archive to ``out``. ``made_at`` (ms) becomes every member's time. ``members`` are those written."""

    def __init__(self, out: BinaryIO, made_at: int) -> None:
        self._out = out
        self._mtime = made_at // 1000
        self.members: list[Member] = []
        self.add("FORMAT", len(_FIRST), [_FIRST])

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> str:
        """Write one member; answers its SHA-256. Raises OSError if there are not ``size`` bytes."""
        digest, written = hashlib.sha256(), 0
        self._out.write(_header(name, size, self._mtime))
        for chunk in chunks:
            digest.update(chunk)
            written += len(chunk)
            self._out.write(chunk)
        if written != size:
            raise OSError(f"{name} changed while it was read")
        self._out.write(bytes(_padding(size)))
        self.members.append(Member(name, size, digest.hexdigest()))
        return digest.hexdigest()

    def finish(self, manifest: Manifest) -> str:
        """Write the end; answers the manifest's SHA-256."""
        data = encode_manifest(manifest)
        line = digest_line(data)
        sha256 = self.add(MANIFEST, len(data), [data])
        self.add(DIGEST, len(line), [line])
        self._out.write(bytes(2 * BLOCK))
        return sha256


Keep = Callable[[str, Iterator[bytes]], None]


def read_archive(file: BinaryIO, keep: Keep) -> tuple[Manifest, str]:
    """Read and check a whole archive; answers its manifest and the manifest's SHA-256.

    ``keep`` gets every content member's name and bytes; nothing of that is good before this returns. Raises
    ``BackupRefused`` (``backup_damaged``, ``not_a_backup``).
    """
    return _Reader(file, keep).run()


class _Reader:
    def __init__(self, file: BinaryIO, keep: Keep) -> None:
        self._file = file
        self._keep = keep
        self._mtime: int | None = None
        self._where = "FORMAT"
        self._seen: list[Member] = []
        self._names: set[str] = set()

    def run(self) -> tuple[Manifest, str]:
        self._begin()
        name, size = self._next()
        while name != MANIFEST:
            if not _CONTENT.fullmatch(name) or name in self._names:
                raise damaged(name)
            self._names.add(name)
            self._content(name, size)
            name, size = self._next()
        data = self._small(size, MAX_MANIFEST)
        self._end(data)
        return self._manifest(data), hashlib.sha256(data).hexdigest()

    def _begin(self) -> None:
        """The first member tells whether this is a backup at all."""
        block = self._file.read(BLOCK)
        try:
            info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        except (tarfile.HeaderError, ValueError):
            raise not_a_backup() from None
        self._mtime = int(info.mtime)
        if self._mtime < 0 or block != _header("FORMAT", len(_FIRST), self._mtime):
            raise not_a_backup()
        if self._small(len(_FIRST), len(_FIRST)) != _FIRST:
            raise not_a_backup()
        self._seen.append(Member("FORMAT", len(_FIRST), hashlib.sha256(_FIRST).hexdigest()))

    def _next(self) -> tuple[str, int]:
        """The next member's name and size; its header must be the one that would be written."""
        block = self._read(BLOCK)
        try:
            info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
            canonical = _header(info.name, info.size, self._mtime or 0)
        except (tarfile.HeaderError, ValueError):
            raise damaged(f"after {self._where}") from None
        if block != canonical or info.size < 0:
            raise damaged(f"after {self._where}")
        self._where = info.name
        return info.name, info.size

    def _content(self, name: str, size: int) -> None:
        digest = hashlib.sha256()

        def chunks() -> Iterator[bytes]:
            left = size
            while left:
                chunk = self._read(min(CHUNK, left))
                digest.update(chunk)
                left -= len(chunk)
                yield chunk

        rest = chunks()
        self._keep(name, rest)
        for _ in rest:
            pass
        self._pad(size)
        self._seen.append(Member(name, size, digest.hexdigest()))

    def _small(self, size: int, most: int) -> bytes:
        if size > most:
            raise damaged(self._where)
        data = self._read(size)
        self._pad(size)
        return data

    def _pad(self, size: int) -> None:
        padding = _padding(size)
        if self._read(padding) != bytes(padding):
            raise damaged(self._where)

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise damaged(f"{self._where}: the end is missing")
        return data

    def _end(self, manifest: bytes) -> None:
        line = digest_line(manifest)
        if self._next() != (DIGEST, len(line)) or self._small(len(line), len(line)) != line:
            raise damaged(MANIFEST)
        if self._file.read(2 * BLOCK + 1) != bytes(2 * BLOCK):
            raise damaged(f"after {DIGEST}")

    def _manifest(self, data: bytes) -> Manifest:
        """What the manifest says must be what was read."""
        try:
            manifest = msgspec.json.decode(data, type=Manifest)
        except msgspec.DecodeError:
            raise damaged(MANIFEST) from None
        if manifest.format != FORMAT or encode_manifest(manifest) != data or manifest.made_at // 1000 != self._mtime:
            raise damaged(MANIFEST)
        for said, found in zip(manifest.members, self._seen, strict=False):
            if said != found:
                raise damaged(found.name)
        whole = len(manifest.members) == len(self._seen) and DATABASE in self._names
        if not whole or (SEALED in self._names) != (manifest.keys == "sealed"):
            raise damaged(MANIFEST)
        return manifest
