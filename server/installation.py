"""The data folder of one installation: its gates, its lock, its secrets.

Rules kept here:
- one process per folder: ``lock`` is held (``flock``) by whoever may write;
- secrets are made at the first start, 0600, in a folder of their own (``keys/``, 0700), and nobody else may read them;
- the database is migrated under the lock, with a copy before;
- what is wrong is a ``StartRefused`` with a code and a sentence, never a traceback.

>>> with lock_folder(Path("/var/lib/sekisho")) as folder: ...   # doctest: +SKIP
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import secrets
import sqlite3
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from rooms.audit import NoteSigner
from rooms.perform import Clocks, Keys
from rooms.store.blobs import make_folder
from rooms.store.database import (
    Database,
    DatabaseDamaged,
    FatalStorageError,
    StorageFull,
    settle_log,
    storage_error,
)
from rooms.store.kept_head import KeptHead, write_file
from rooms.store.migrate import NewerDatabase, migrate

DATABASE = "sekisho.db"
CONTROL_SOCKET = "control.sock"
LOCK = "lock"
KEYS = "keys"
HEAD = "audit.head"
BACKUPS = "backups"
RESTORING = "restoring"


class StartRefused(Exception):
    """The installation cannot be used as it is. ``code`` is stable; the sentences say what to do."""

    def __init__(self, code: str, ja: str, en: str) -> None:
        super().__init__(f"{code}: {ja} / {en}")
        self.code = code
        self.ja = ja
        self.en = en


def prepare_folder(folder: Path) -> None:
    """Make the folder (0700) or check it as ``check_folder`` does. Raises ``StartRefused``
    (``folder_unusable``) where none can be had or written.
    """
    try:
        make_folder(folder)
        check_folder(folder)
        for name in (KEYS, BACKUPS):
            make_folder(folder / name)
        (folder / LOCK).touch(mode=0o600)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise StartRefused(
            "folder_unusable",
            f"データフォルダー {folder} を使えません({reason})。"
            "場所・所有者・書き込み権限・ディスクの空きを確かめてください。",
            f"The data folder {folder} cannot be used ({reason}). Check its place, owner, permissions and free space.",
        ) from error


def check_folder(folder: Path) -> None:
    """Look, change nothing. Raises ``StartRefused`` if the folder is somebody else's (``wrong_owner``), if others may
    read it (``file_permissions``), or if a restore into it has not ended (``restore_unfinished``).
    """
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise StartRefused(
            "wrong_owner",
            f"{folder} はほかの利用者(uid {owner})のものです。その利用者で実行してください(sudo -u ...)。",
            f"{folder} belongs to another user (uid {owner}). Run this as that user (sudo -u ...).",
        )
    only_ours(folder)
    if (folder / RESTORING).exists():
        raise StartRefused(
            "restore_unfinished",
            f"{folder} へのバックアップの復元が終わっていません。復元の途中なら待ってください。"
            "途切れたのなら、このフォルダーを空にして sekisho restore をやり直してください。",
            f"A restore into {folder} has not ended. If it is under way, wait. "
            "If it was cut off, empty this folder and run sekisho restore again.",
        )
    keys = folder / KEYS
    for path in (keys, *(keys.iterdir() if keys.is_dir() else ()), folder / DATABASE):
        if path.exists():
            only_ours(path)


def only_ours(path: Path) -> None:
    """Raises ``StartRefused`` (``file_permissions``) if others may read the path."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise StartRefused(
            "file_permissions",
            f"{path} をほかの利用者が読める設定になっています。chmod go= {path} を実行してください。",
            f"Others may read {path}. Run: chmod go= {path}",
        )


@contextmanager
def lock_folder(folder: Path) -> Iterator[Path]:
    """Make or check the folder and hold its lock. Raises ``StartRefused``: see ``prepare_folder``, ``hold_lock``."""
    prepare_folder(folder)
    with hold_lock(folder):
        yield folder


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises ``StartRefused`` (``already_running``) if another process holds it."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartRefused(
                "already_running",
                f"{folder} はほかの sekisho が使用中です。先にそれを止めてください。",
                f"Another sekisho is using {folder}. Stop it first.",
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _secret(path: Path) -> bytes:
    """The 32-byte seed in a file, made on the first call."""
    if not path.exists():
        write_file(path, base64.b64encode(secrets.token_bytes(32)) + b"\n")
    try:
        seed = base64.b64decode(path.read_bytes().strip(), validate=True)
    except binascii.Error:
        seed = b""
    if len(seed) != 32:
        raise StartRefused(
            "damaged_key",
            f"{path} が壊れています。バックアップから戻してください。",
            f"{path} is damaged. Restore it from a backup.",
        )
    return seed


def _origin(path: Path) -> str:
    """The name of the audit log, chosen once."""
    if not path.exists():
        write_file(path, f"sekisho/{secrets.token_hex(8)}\n".encode("ascii"))
    return path.read_text(encoding="ascii").strip()


def load_keys(folder: Path) -> Keys:
    """The installation's secrets, made on the first start."""
    keys = folder / KEYS
    origin = _origin(keys / "origin")
    signer = NoteSigner(_secret(keys / "checkpoint.key"), origin)
    return Keys(origin, signer, _secret(keys / "receipt.key"), KeptHead(keys / HEAD))


def _cause(error: BaseException) -> BaseException:
    """The driver's error behind SQLAlchemy's."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _is_the_disk(error: BaseException) -> bool:
    """Whether not the database but what it lies on is to blame."""
    name = getattr(_cause(error), "sqlite_errorname", "") or ""
    failed = isinstance(error, (StorageFull, FatalStorageError, OSError))
    return failed or name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY"))


def _reason(error: BaseException) -> str:
    cause = _cause(error)
    return str(os.strerror(cause.errno or 0) if isinstance(cause, OSError) else cause)


def open_database(folder: Path) -> Database:
    """Migrate and open the database; the caller holds the lock."""
    path = folder / DATABASE
    try:
        if not path.exists():
            path.touch(mode=0o600)
        settle_log(path)
        migrate(path, folder / BACKUPS)
        database = Database(path)
        database.check()
    except NewerDatabase as error:
        raise StartRefused(
            "newer_database",
            "データベースがこの版より新しい sekisho で作られています。"
            "新しい版を入れるか、バックアップを戻してください。",
            "The database was written by a newer release. Install it, or restore a backup of this one.",
        ) from error
    except (DatabaseDamaged, StorageFull, FatalStorageError, DBAPIError, sqlite3.Error, OSError) as error:
        if _is_the_disk(error):
            raise StartRefused(
                "disk_failed",
                f"{path} をディスクに読み書きできません({_reason(error)})。"
                "ディスクの空き・書き込み権限・故障(dmesg)を確かめてから、もう一度起動してください。",
                f"The disk does not let {path} be read or written ({_reason(error)}). "
                "Check its free space, its permissions and its health (dmesg), then start again.",
            ) from error
        named = error if isinstance(error, DatabaseDamaged) else storage_error(error)
        if not isinstance(named, DatabaseDamaged):
            raise
        raise StartRefused(
            "database_damaged",
            f"{path} が壊れています。何も書き換えていません。sekisho restore で最後のバックアップを戻してください。",
            f"{path} is damaged. Nothing was changed. Restore the last backup with sekisho restore.",
        ) from error
    return database


def system_clocks() -> Clocks:
    """The machine's clocks; ``boot`` names this start of the process."""
    return Clocks(lambda: time.time_ns() // 1_000_000, time.monotonic_ns, uuid.uuid4().hex)
