"""A PostgreSQL of its own for one peer: as Debian has it, durable (``fsync`` and ``synchronous_commit`` are on), on
a free port of loopback.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from ops.bench.product import free_port
from ops.bench.served_chat import Group, wait_for


class PostgreSQL:
    """``psql`` runs SQL; ``cpu_seconds`` is of all its processes."""

    def __init__(self, folder: Path) -> None:
        self._programs = newest()
        self._user = pwd.getpwnam("postgres").pw_uid
        self.port = free_port()
        folder.chmod(0o711)  # PostgreSQL runs as another user
        data = folder / "postgresql"
        data.mkdir()
        os.chown(data, self._user, self._user)
        data.chmod(0o700)
        init: list[str | Path] = [
            self._programs / "initdb",
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "bench",
            "--no-locale",
            "-E",
            "UTF8",
        ]
        subprocess.run(init, check=True, capture_output=True, user=self._user, cwd="/")
        options = ["-p", str(self.port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60"]
        command: list[str | Path] = [self._programs / "postgres", "-D", data, *options]
        self._group = Group(command, environment={}, log=folder / "postgresql.log", user=self._user)
        wait_for(self._ready, self._group)
        self.psql("CREATE DATABASE chat", database="postgres")

    def _ready(self) -> bool:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-q"]
        return subprocess.run([self._programs / "pg_isready", *where], check=False).returncode == 0

    def psql(self, *commands: str, database: str = "chat") -> None:
        arguments = [part for command in commands for part in ("-c", command)]
        self._psql(*arguments, database=database)

    def load(self, file: Path) -> None:
        self._psql("-f", str(file), database="chat")

    def _psql(self, *arguments: str, database: str) -> None:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", "-d", database, "-q", "-v", "ON_ERROR_STOP=1"]
        subprocess.run([self._programs / "psql", *where, *arguments], check=True, capture_output=True)

    def cpu_seconds(self) -> float:
        return self._group.cpu_seconds()

    def end(self) -> None:
        self._group.end()


def newest() -> Path:
    """Where the newest PostgreSQL's programs are. Raises ``FileNotFoundError`` without one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        raise FileNotFoundError("postgresql is not installed")
    return found[-1].parent
