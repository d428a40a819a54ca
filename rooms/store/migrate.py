"""Bringing a database to the schema of this release.

Rules: only under the installation's lock; a copy of the database is made before anything is changed; a database of
a newer release is refused.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from rooms.store.database import writer_engine

MIGRATIONS = Path(__file__).parent / "migrations"


class NewerDatabase(Exception):
    """The database was written by a newer release; install that release, or restore a backup of this one's."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


@cache
def _steps() -> ScriptDirectory:
    """The steps of this release, read once: a start asks twice, and their files are compiled each time."""
    return ScriptDirectory.from_config(_config())


def head_revision() -> str:
    head = _steps().get_current_head()
    assert head is not None
    return head


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _known(revision: str) -> bool:
    return revision in {script.revision for script in _steps().walk_revisions()}


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
            if before is not None and not _known(before):
                raise NewerDatabase(before)
            after = head_revision()
            if before == after:
                return before, after
            if before is not None:
                copy_database(path, backups / f"before-{after}.db")
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return before, after
    finally:
        engine.dispose()
