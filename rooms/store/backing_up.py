"""What a backup needs of the database: a consistent copy beside a server that writes, and what its rows name.

Rules: the source is opened read-only, so that the server stays the only one that writes and checkpoints; the copy is
one file in itself (no write-ahead log beside it).

>>> copy_beside(Path("/var/lib/sekisho/sekisho.db"), Path("/backup/copy.db"))               # doctest: +SKIP
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from rooms.store.schema import attachments, audit_checkpoints, comparison_pictures, people, releases, rooms, sessions
from rooms.store.words import split

QUARANTINE, RENDITIONS = "quarantine", "renditions"


class NamedBlob(NamedTuple):
    """A file that a row names: its folder, its key there, and its SHA-256 (hex) where a row knows it."""

    folder: str
    key: str
    sha256: str | None


def copy_beside(source: Path, target: Path) -> None:
    """Copy the database in one read transaction by SQLite's own backup. ``target`` is an empty file, or none. Blocks;
    raises ``sqlite3.Error`` or ``OSError``."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        there.execute("PRAGMA busy_timeout=5000")
        here.execute("PRAGMA synchronous=OFF")  # the caller makes what is made of it durable
        there.backup(here)
        here.execute("PRAGMA journal_mode=DELETE")


def named_blobs(connection: Connection) -> Iterator[NamedBlob]:
    """Every file that the rows name, each once, in the order of their ids."""
    kept = select(attachments.c.blob, attachments.c.sha256).where(~attachments.c.original_gone)
    for key, sha256 in connection.execute(kept.order_by(attachments.c.id)):
        yield NamedBlob(QUARANTINE, key, sha256)
    seen: set[str] = set()
    columns = (releases.c.blob, releases.c.sha256, releases.c.thumbnail)
    for row in connection.execute(select(*columns).order_by(releases.c.attachment, releases.c.zone)):
        for key, sha256 in ((row.blob, row.sha256), (row.thumbnail, None)):
            if key and key not in seen:
                seen.add(key)
                yield NamedBlob(RENDITIONS, key, sha256)
    for key in connection.execute(select(comparison_pictures.c.blob).order_by(comparison_pictures.c.blob)).scalars():
        yield NamedBlob(RENDITIONS, key, None)


def zones_inside(connection: Connection) -> set[str]:
    """The zones of the rooms and of the people: whose content this database may hold."""
    found = [connection.execute(select(column).distinct()).scalars() for column in (rooms.c.zones, people.c.zones)]
    return {zone for column in found for words in column for zone in split(words)}


def schema_of(connection: Connection) -> str | None:
    """The migration that the database stands at."""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def newest_checkpoint(connection: Connection) -> str | None:
    """The signed note of the newest checkpoint."""
    note = audit_checkpoints.c.note
    return connection.execute(select(note).order_by(audit_checkpoints.c.size.desc()).limit(1)).scalar_one_or_none()


def logins_with_sessions(connection: Connection) -> list[str]:
    """Who is logged in anywhere."""
    inside = people.c.id.in_(select(sessions.c.person).where(sessions.c.ended.is_(None)))
    return list(connection.execute(select(people.c.login).where(inside).order_by(people.c.login)).scalars())
