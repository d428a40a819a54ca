"""``sekisho backup``: the whole installation in one file, beside a running server or without one.

Rules kept here:
- the database is copied by SQLite's own backup over a read-only connection; then the files that the copy's rows name,
  each hashed and held against its row. Every answered post and upload of before the copy is inside;
- the file (0600) appears whole under its name, or not at all, and is on the disk when it does;
- secret keys leave only sealed under a passphrase (``--key-passphrase-file``); otherwise they are left out, said aloud;
- the backup is an act on record: ``backup.start`` before the copy, ``backup.finish`` with the manifest's SHA-256 before
  the file gets its name;
- a file that rows name but that is missing or damaged does not stop the rest: it is named in the manifest and told.

Example: ``sekisho backup --config sekisho.toml -o sekisho.backup --key-passphrase-file passphrase``
"""

from __future__ import annotations

import argparse
import fcntl
import os
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ops.backup_format import DATABASE, FORMAT, SEALED, ArchiveWriter, BackupRefused, Head, Manifest
from ops.backup_keys import CHANCE, read_passphrase, seal
from ops.control import Reached, existing, reach
from ops.former_keys import public_keys
from ops.place import WrongUse, add_place, place_of, wrong_use
from ops.telling import tell, tell_refused
from rooms.commands import SERVER, Command
from rooms.commands.noting import MakeCheckpoint, NoteAct
from rooms.perform import Keys
from rooms.refusals import Refusal
from rooms.store.audit import stored_frontier
from rooms.store.backing_up import NamedBlob, copy_beside, named_blobs, newest_checkpoint, schema_of, zones_inside
from rooms.store.blobs import BlobFolder, read_chunks, sync_folder
from rooms.store.database import snapshot
from rooms.zones import ZONES
from server.installation import KEYS, StartRefused, load_keys, system_clocks

SECRETS = ("checkpoint.key", "receipt.key")
INCOMPLETE = 3


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class Made(NamedTuple):
    """A backup that is there."""

    manifest: Manifest
    sha256: str
    size: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", dest="output", metavar="F", type=Path, required=True, help="出力先 / where to")
    add_place(parser)
    parser.add_argument(
        "--key-passphrase-file",
        type=Path,
        metavar="P",
        help="1行目の合言葉で鍵を暗号化して含める / seal the keys under the passphrase in its first line",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 made and whole, 1 refused, 2 wrong use, 3 made, but the installation itself lacks files."""
    try:
        folder, terms = place_of(args)
        passphrase = read_passphrase(args.key_passphrase_file)
        with reach(existing(folder), terms) as installation:
            made = make_backup(installation, folder, args.output, passphrase)
    except WrongUse as error:
        return wrong_use(error)
    except StartRefused as refused:
        return tell_refused(refused)
    except _Refused as error:
        return tell_refused(error.refusal)
    except (OSError, sqlite3.Error) as error:
        return tell_refused(_failed(error, args.output))
    return _tell_made(made, args.output)


def make_backup(installation: Reached, folder: Path, output: Path, passphrase: str | None) -> Made:
    """Write the backup to ``output``. Raises ``StartRefused``, ``OSError`` or ``sqlite3.Error`` with nothing there."""
    keys = load_keys(folder)
    with _partial(output) as (partial, file):
        state = "sealed" if passphrase is not None else "left-out"
        _note(installation, NoteAct(SERVER, "backup.start", notes={"keys": state}), MakeCheckpoint(SERVER))
        copy = partial.with_name(partial.name + ".db")
        try:
            copy.unlink(missing_ok=True)
            copy.touch(mode=0o600)
            copy_beside(folder / DATABASE, copy)
            manifest, sha256 = _write(file, folder, copy, keys, passphrase)
        finally:
            copy.unlink(missing_ok=True)
        file.flush()
        os.fsync(file.fileno())
        made = Made(manifest, sha256, file.tell())
        notes = {"bytes": made.size, "members": len(manifest.members), "absent": len(manifest.absent)}
        _note(installation, NoteAct(SERVER, "backup.finish", f"sha256:{sha256}", notes=notes))
        partial.rename(output)
    sync_folder(output.parent)
    return made


def _note(installation: Reached, *commands: Command) -> None:
    for answer in installation.perform_all(commands):
        if isinstance(answer, Refusal):
            raise _Refused(answer)


@contextmanager
def _partial(output: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """The file under its name of before it is whole; it is gone if anything fails. One backup at a time."""
    partial = output.with_name(output.name + ".partial")
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefused(
                "backup_under_way",
                f"{output} へのバックアップがすでに動いています。終わるのを待ってください。",
                f"Another backup to {output} is under way. Wait for it to end.",
            ) from None
        os.fchmod(descriptor, 0o600)
        file.truncate(0)
        try:
            yield partial, file
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _write(file: BinaryIO, folder: Path, copy: Path, keys: Keys, passphrase: str | None) -> tuple[Manifest, str]:
    """Everything, the manifest last; answers it and its SHA-256."""
    made_at = system_clocks().now()
    archive = ArchiveWriter(file, made_at)
    with copy.open("rb") as database:
        size = os.fstat(database.fileno()).st_size
        archive.add(DATABASE, size, read_chunks(database.fileno(), 0, size))
    if passphrase is not None:
        plain = {name: (folder / KEYS / name).read_bytes() for name in SECRETS}
        sealed = seal(plain, passphrase, keys.origin, secrets.token_bytes(CHANCE))
        archive.add(SEALED, len(sealed), [sealed])
    with snapshot(copy) as connection:
        absent = [blob for blob in named_blobs(connection) if not _add(archive, folder, blob)]
        head = stored_frontier(connection)
        inside = zones_inside(connection)
        manifest = Manifest(
            format=FORMAT, made_at=made_at, release=version("sekisho"), origin=keys.origin,
            schema=schema_of(connection) or "", zones=[zone for zone in ZONES if zone in inside],
            record=Head(head.size, head.root().hex(), newest_checkpoint(connection)),
            keys="sealed" if passphrase is not None else "left-out", public_keys=public_keys(folder, keys),
            absent=_still_named(folder, absent), members=archive.members,
        )  # fmt: skip
    return manifest, archive.finish(manifest)


def _add(archive: ArchiveWriter, folder: Path, blob: NamedBlob) -> bool:
    """Take one file in as it is. False if it is missing, or not what its row says: that is told, never mended."""
    try:
        descriptor = BlobFolder(folder / blob.folder).open(blob.key)
    except FileNotFoundError:
        return False
    try:
        size = os.fstat(descriptor).st_size
        sha256 = archive.add(f"{blob.folder}/{blob.key}", size, read_chunks(descriptor, 0, size))
    finally:
        os.close(descriptor)
    return blob.sha256 in (None, sha256)


def _still_named(folder: Path, absent: list[NamedBlob]) -> list[str]:
    """Without what the server's retention took away since the copy: it will do so again after a restore."""
    if not absent:
        return []
    with snapshot(folder / DATABASE) as connection:
        named = set(named_blobs(connection))
    return [f"{blob.folder}/{blob.key}" for blob in absent if blob in named]


def _failed(error: Exception, output: Path) -> BackupRefused:
    return BackupRefused(
        "backup_failed",
        f"バックアップを書けませんでした({error})。{output} はできていません。空き容量と場所を確かめてください。",
        f"The backup could not be written ({error}). There is no new {output}. Check the free space and the place.",
    )


def _tell_made(made: Made, output: Path) -> int:
    """What was made and, aloud, what is not in it."""
    manifest = made.manifest
    files = sum("/" in member.name for member in manifest.members)
    tell(
        f"バックアップができました: {output}({made.size:,} バイト、ファイル{files}個、記録{manifest.record.size}件)",
        f"Backup made: {output} ({made.size:,} bytes, {files} files, {manifest.record.size} leaves)",
    )
    if manifest.keys == "left-out":
        tell(
            "注意: 署名の鍵(keys/)は入っていません。別に保管するか、--key-passphrase-file を付けてください。",
            "Note: the signing keys (keys/) are not in it. Keep them elsewhere, or add --key-passphrase-file.",
        )
    if not manifest.absent:
        return 0
    tell(
        f"警告: 記録にあるのに、無いか壊れているファイルが {len(manifest.absent)} 個あります:",
        f"Warning: {len(manifest.absent)} files that the database names are missing or damaged:",
    )
    print(*(f"  {name}" for name in manifest.absent), sep="\n", file=sys.stderr)
    return INCOMPLETE
