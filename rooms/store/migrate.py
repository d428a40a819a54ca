"""Bringing a database to the schema of this release.

Rules: only under the installation's lock; a copy of the database is made before anything is changed; a database of
a newer release is refused. A start that finds nothing to do does not import alembic, which is a sixth of its time.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from rooms.store.database import writer_engine

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


class NewerDatabase(Exception):
    """The database was written by a newer release; install that release, or restore a backup of this one's."""


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _revisions() -> list[str]:
    """Every revision of this release, ascending: the numbers of the files, which a test holds against alembic."""
    return sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def head_revision() -> str:
    return _revisions()[-1]


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy by SQLite's own backup; ``target`` appears complete or not at all."""
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(partial)) as here:
        there.backup(here)
    partial.chmod(0o600)
    partial.rename(target)


def migrate(path: Path, backups: Path) -> tuple[str | None, str]:
    """Bring the database at ``path`` to the newest revision; answers (before, after). A copy of an existing one is
    left in ``backups`` first. Raises ``NewerDatabase``."""
    engine = writer_engine(path)
    try:
        with engine.connect() as connection:
            with connection.begin():
                before = _revision(connection)
            if before is not None and before not in _revisions():
                raise NewerDatabase(before)
            after = head_revision()
            if before == after:
                return before, after
            if before is not None:
                copy_database(path, backups / f"before-{after}.db")
            _upgrade(connection)
            return before, after
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
