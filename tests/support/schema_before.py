"""A database as an earlier release left it."""

from __future__ import annotations

from pathlib import Path

from alembic import command

from rooms.store.database import writer_engine
from rooms.store.migrate import _config


def go_back(path: Path, revision: str) -> None:
    """Take the steps of the migrations back to ``revision``."""
    engine = writer_engine(path)
    try:
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.downgrade(config, revision)
    finally:
        engine.dispose()
