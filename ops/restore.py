"""``sekisho restore``: bring a backup back into an empty folder, or only check it (``--check``).

Rules kept here:
- only into a folder that is empty or not there, and that nobody uses;
- everything is written to ``restoring/`` inside it and checked there: every hash, the sealed keys, the database, its
  schema; only then is it put in place, the database last. What fails leaves the folder as it was; after a power cut
  ``restoring/`` is still there, and no command takes the folder for an installation;
- nobody stays logged in: a session that was ended after the backup must not come back to life;
- the restore is an act on record, in the record that was brought back: ``installation.restore``;
- it begins an incarnation: who saw what came after the backup is told to load afresh (``server/incarnations.py``);
- without the secret keys new ones are made, and the public ones of before are kept to check the older checkpoints.

Example: ``sekisho restore sekisho.backup --data /var/lib/sekisho --key-passphrase-file passphrase``
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from ops.backup import SECRETS
from ops.backup_format import DATABASE, SEALED, BackupRefused, Manifest, read_archive
from ops.backup_keys import read_passphrase, unseal
from ops.control import Reached, reach
from ops.former_keys import write_former_keys
from ops.place import WrongUse, place_of, wrong_use
from ops.telling import tell, tell_refused
from rooms.commands import SERVER, Command
from rooms.commands.restoring import BeginIncarnation
from rooms.commands.sessions import EndSessionsOf
from rooms.ids import CHANCE_BYTES
from rooms.refusals import Refusal
from rooms.store.backing_up import QUARANTINE, RENDITIONS, logins_with_sessions
from rooms.store.blobs import make_folder, sync_folder, write_all
from rooms.store.database import DatabaseDamaged, snapshot
from rooms.zones import ZONE_NAMES
from server.installation import KEYS, LOCK, RESTORING, StartRefused, hold_lock, only_ours

OURS_OR_NOBODYS = {LOCK, "lost+found"}
PIECE = 200
JAPAN = timezone(timedelta(hours=9))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backup", metavar="F", type=Path, help="sekisho backup が書いたファイル / what backup wrote")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", metavar="DIR", type=Path, help="空のデータの置き場所 / the empty data folder")
    where.add_argument("--config", metavar="FILE", type=Path, help="設定ファイル / the configuration, sekisho.toml")
    where.add_argument("--check", action="store_true", help="戻さずに検査だけする / check it, restore nothing")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument(
        "--key-passphrase-file", type=Path, metavar="P", help="鍵の合言葉のファイル / the passphrase of the keys"
    )
    keys.add_argument("--without-keys", action="store_true", help="鍵を戻さず新しく作る / make new keys instead")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 restored (or, with ``--check``, whole), 1 refused with nothing changed, 2 wrong use."""
    try:
        passphrase = read_passphrase(args.key_passphrase_file)
        if args.check:
            return _check(args.backup, passphrase)
        folder, _ = place_of(args)
        manifest = restore(args.backup, folder, passphrase, without_keys=args.without_keys)
    except WrongUse as error:
        return wrong_use(error)
    except StartRefused as refused:
        return tell_refused(refused)
    except (OSError, sqlite3.Error, DBAPIError, DatabaseDamaged) as error:
        return tell_refused(_failed(error))
    _tell_contents(manifest)
    tell(f"戻しました: {folder}。全員にもう一度ログインしてもらってください。",
         f"Restored to {folder}. Everybody has to log in again.")  # fmt: skip
    return 0


def _check(path: Path, passphrase: str | None) -> int:
    """The whole file, and the keys where the passphrase is given."""
    sealed: list[bytes] = []

    def keep(name: str, chunks: Iterator[bytes]) -> None:
        if name == SEALED:
            sealed.append(b"".join(chunks))

    with path.open("rb") as file:
        manifest, _ = read_archive(file, keep)
    if passphrase is not None and sealed:
        _unsealed(sealed[0], passphrase, manifest.origin)
    _tell_contents(manifest)
    tell("バックアップは壊れていません。", "The backup is whole.")
    return 0


def restore(path: Path, folder: Path, passphrase: str | None, *, without_keys: bool = False) -> Manifest:
    """Bring the backup at ``path`` back into ``folder``. Raises ``StartRefused`` or ``OSError`` with nothing
    changed.
    """
    with path.open("rb") as file, _empty_folder(folder) as staging:
        manifest, sha256 = read_archive(file, _keeper(staging))
        _take_keys(staging, manifest, passphrase, without_keys)
        with reach(staging) as installation:
            _put_on_record(installation, staging, manifest, sha256)
        _put_in_place(staging, folder)
    return manifest


# The folder -----------------------------------------------------------------------------------------------------------


@contextmanager
def _empty_folder(folder: Path) -> Iterator[Path]:
    """``restoring/`` in the folder, which is held; whatever fails, the folder is as it was."""
    made = not folder.exists()
    make_folder(folder)
    try:
        _refuse_unless_empty(folder)
        only_ours(folder)
        with hold_lock(folder):
            _refuse_unless_empty(folder)
            try:
                staging = folder / RESTORING
                staging.mkdir(mode=0o700)
                yield staging
            except BaseException:
                _empty(folder)
                raise
    except BaseException:
        if made:
            folder.rmdir()
        raise


def _refuse_unless_empty(folder: Path) -> None:
    there = {entry.name for entry in folder.iterdir()}
    if there <= OURS_OR_NOBODYS:
        return
    if LOCK in there:
        with hold_lock(folder):  # raises if a server runs: that is the better sentence
            pass
    raise BackupRefused(
        "folder_not_empty",
        f"{folder} は空ではありません。空のフォルダーを指定してください(今のデータは別の場所へ移してください)。",
        f"{folder} is not empty. Name an empty folder, and move the present data elsewhere first.",
    )


def _empty(folder: Path) -> None:
    """Take away everything that was put into the folder, which was empty."""
    for entry in list(folder.iterdir()):
        if entry.is_dir() and entry.name != "lost+found":
            shutil.rmtree(entry)
        elif entry.is_file():
            entry.unlink()


def _put_in_place(staging: Path, folder: Path) -> None:
    """All but the database, then the database: a folder with it is an installation."""
    (staging / LOCK).unlink()
    entries = sorted(staging.iterdir(), key=lambda entry: entry.name == DATABASE)
    for entry in entries:
        entry.rename(folder / entry.name)
        sync_folder(folder)
    staging.rmdir()
    sync_folder(folder)


# The contents ---------------------------------------------------------------------------------------------------------


def _keeper(staging: Path) -> Callable[[str, Iterator[bytes]], None]:
    for name in (KEYS, QUARANTINE, RENDITIONS):
        (staging / name).mkdir(mode=0o700)

    def keep(name: str, chunks: Iterator[bytes]) -> None:
        write_durably(staging / name, chunks)

    return keep


def write_durably(path: Path, chunks: Iterator[bytes]) -> None:
    """A new file (0600) that is on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        for chunk in chunks:
            write_all(file, chunk)
        os.fsync(descriptor)


def _take_keys(staging: Path, manifest: Manifest, passphrase: str | None, without_keys: bool) -> None:
    """The secret keys if they are to come, the log's name and the public keys in any case."""
    keys, sealed = staging / KEYS, staging / SEALED
    write_durably(keys / "origin", iter([f"{manifest.origin}\n".encode("ascii")]))
    write_former_keys(staging, manifest.public_keys)
    if manifest.keys == "sealed" and not without_keys:
        if passphrase is None:
            raise BackupRefused(
                "passphrase_needed",
                "鍵が合言葉で暗号化されています。--key-passphrase-file か --without-keys を付けてください。",
                "The keys are sealed. Add --key-passphrase-file, or --without-keys to go on with new ones.",
            )
        for name, secret in _unsealed(sealed.read_bytes(), passphrase, manifest.origin).items():
            write_durably(keys / name, iter([secret]))
    sealed.unlink(missing_ok=True)
    for folder in (keys, staging / QUARANTINE, staging / RENDITIONS):
        sync_folder(folder)


def _unsealed(sealed: bytes, passphrase: str, origin: str) -> dict[str, bytes]:
    found = unseal(sealed, passphrase, origin)
    if found is None or set(found) != set(SECRETS):
        raise BackupRefused(
            "wrong_passphrase",
            "合言葉が違うため、鍵を取り出せません。合言葉のファイルを確かめてください。",
            "The passphrase does not open the keys. Check the passphrase file.",
        )
    return found


def _put_on_record(installation: Reached, staging: Path, manifest: Manifest, sha256: str) -> None:
    """The restore itself; and every session ends."""
    with snapshot(staging / DATABASE) as connection:
        logins = logins_with_sessions(connection)
    notes: dict[str, str | int | bool | None] = {
        "made_at": manifest.made_at,
        "leaves": manifest.record.size,
        "release": manifest.release,
    }
    begin = BeginIncarnation(SERVER, secrets.token_bytes(CHANCE_BYTES), f"sha256:{sha256}", notes)
    commands: list[Command] = [begin]
    commands += [EndSessionsOf(SERVER, login, "restored") for login in logins]
    for first in range(0, len(commands), PIECE):
        for answer in installation.perform_all(commands[first : first + PIECE]):
            if isinstance(answer, Refusal):
                raise BackupRefused("restore_failed", answer.sentence("ja"), answer.sentence("en"))


# Telling --------------------------------------------------------------------------------------------------------------


def _failed(error: Exception) -> BackupRefused:
    return BackupRefused(
        "restore_failed",
        f"戻せませんでした({error})。何も変えていません。ファイルと空き容量を確かめてください。",
        f"Nothing was restored ({error}). Check the file and the free space.",
    )


def _tell_contents(manifest: Manifest) -> None:
    """What the backup is of; aloud, what is not in it."""
    made = datetime.fromtimestamp(manifest.made_at / 1000, JAPAN).isoformat(timespec="seconds")
    zones_ja = "、".join(ZONE_NAMES[zone][0] for zone in manifest.zones if zone in ZONE_NAMES)
    zones_en = ", ".join(manifest.zones)
    tell(
        f"{made} のバックアップ: {manifest.origin}、区画 {zones_ja}、監査記録 {manifest.record.size} 件",
        f"Backup of {made}: {manifest.origin}, zones {zones_en}, {manifest.record.size} leaves",
    )
    if manifest.keys == "left-out":
        tell(
            "署名の鍵は入っていません。別に保管した鍵があれば、起動の前に keys/ へ戻してください。",
            "The signing keys are not in it. If you keep them elsewhere, put them into keys/ before the start.",
        )
    if manifest.absent:
        tell(
            f"バックアップの時に無いか壊れていたファイルが {len(manifest.absent)} 個あります:",
            f"{len(manifest.absent)} files were missing or damaged when it was made:",
        )
        print(*(f"  {name}" for name in manifest.absent), sep="\n", file=sys.stderr)
