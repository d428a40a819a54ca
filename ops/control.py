"""Reaching an installation from the command line: through the running server, or by taking its lock.

Rules kept here: no second process ever writes the database; while a server runs, commands go over ``control.sock``
(0600, owner only); the language of the socket is one JSON line (a list) there, one back, and only the commands of
``ALLOWED`` can be said.

>>> with reach(Path("data")) as installation:                                        # doctest: +SKIP
...     installation.perform(SetPassword(SERVER, "sato", encoded))
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from rooms.commands import Command
from rooms.commands.restoring import BeginIncarnation
from rooms.perform import Drain
from rooms.refusals import Refusal, refuse
from rooms.store.database import Database, DatabaseDamaged, FatalStorageError, StorageFull
from rooms.world import Terms
from server.control import ALLOWED, Request, Response
from server.installation import (
    CONTROL_SOCKET,
    DATABASE,
    StartRefused,
    load_keys,
    lock_folder,
    open_database,
    system_clocks,
)

TIMEOUT = 60.0
STARTING = 10.0
ALLOWED_ALONE = {*ALLOWED, BeginIncarnation.__name__}
"""A server that runs has clients, and cannot begin another history under them."""


class Reached(Protocol):
    """An installation that can be asked to perform commands. ``running``: a server answers."""

    running: bool

    def perform(self, command: Command) -> Any | Refusal:
        """The command's answer as plain data (dict, list, str, int, None), or a Refusal."""
        ...

    def perform_all(self, commands: Sequence[Command]) -> list[Any | Refusal]:
        """Several at once (a few hundred at most), answered in their order."""
        ...


class _Running:
    running = True

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rwb")

    def perform(self, command: Command) -> Any | Refusal:
        return self.perform_all([command])[0]

    def perform_all(self, commands: Sequence[Command]) -> list[Any | Refusal]:
        requests = [Request(type(c).__name__, msgspec.Raw(msgspec.json.encode(c))) for c in commands]
        responses = msgspec.json.decode(self._say(msgspec.json.encode(requests)), type=list[Response])
        return [Refusal(*r.refusal) if r.refusal is not None else r.answer for r in responses]

    def ask(self, question: str) -> Any:
        """The answer to a question, which changes nothing."""
        said = self._say(msgspec.json.encode([Request(question, msgspec.Raw(b"{}"))]))
        return msgspec.json.decode(said, type=list[Response])[0].answer

    def _say(self, line: bytes) -> bytes:
        """One line there, one back. Raises ``StartRefused`` if the server ends meanwhile."""
        try:
            self._file.write(line + b"\n")
            self._file.flush()
            answer = self._file.readline()
        except OSError:
            answer = b""
        if not answer.endswith(b"\n"):
            raise StartRefused(
                "server_gone",
                "サーバーが途中で止まり、返事がありません。起動を確かめて、結果を見てから、もう一度行ってください。",
                "The server ended before it answered. See that it runs and what was done, then try again.",
            )
        return answer


class _Alone:
    running = False

    def __init__(self, database: Database, drain: Drain) -> None:
        self._database = database
        self._drain = drain

    def perform(self, command: Command) -> Any | Refusal:
        return self.perform_all([command])[0]

    def perform_all(self, commands: Sequence[Command]) -> list[Any | Refusal]:
        assert all(type(command).__name__ in ALLOWED_ALONE for command in commands)
        try:
            outcomes = self._database.run_here(lambda connection: self._drain(connection, commands))
        except StorageFull:
            return [refuse("storage_full") for _ in commands]
        except (FatalStorageError, DatabaseDamaged) as error:
            raise StartRefused(
                "storage_failed",
                f"ディスクかデータベースに異常があり、何も書いていません({error})。sekisho doctor で確かめてください。",
                f"The disk or the database failed and nothing was written ({error}). See sekisho doctor.",
            ) from error
        return [o.answer if o.refused else msgspec.to_builtins(o.answer) for o in outcomes]


@contextmanager
def reach(folder: Path, terms: Terms | None = None) -> Iterator[Reached]:
    """The installation in ``folder``: its running server if there is one, else the folder itself under its lock.

    A server that is just starting holds the lock before it opens its socket: it is waited for, ``STARTING`` seconds at
    most. Raises ``StartRefused``.
    """
    until = time.monotonic() + STARTING
    with ExitStack() as held:
        while True:
            connection = _connect(folder / CONTROL_SOCKET)
            if connection is not None:
                yield _Running(held.enter_context(connection))
                return
            try:
                held.enter_context(lock_folder(folder))
                break
            except StartRefused as refused:
                if refused.code != "already_running" or time.monotonic() > until:
                    raise
            time.sleep(0.05)
        yield held.enter_context(_alone(folder, terms or Terms()))


def ask(folder: Path, question: str, seconds: float = TIMEOUT) -> Any | None:
    """What the running server answers to a question (``server/app.py`` names them); None where none runs. Raises
    ``StartRefused`` for one that does not answer in time."""
    connection = _connect(folder / CONTROL_SOCKET)
    if connection is None:
        return None
    with connection:
        connection.settimeout(seconds)
        return _Running(connection).ask(question)


@contextmanager
def _alone(folder: Path, terms: Terms) -> Iterator[_Alone]:
    """The folder itself, whose lock the caller holds."""
    database = open_database(folder)
    try:
        drain = Drain(terms, system_clocks(), load_keys(folder))
        database.run_here(drain.open)
        yield _Alone(database, drain)
    finally:
        asyncio.run(database.close())


def existing(folder: Path) -> Path:
    """The folder, if an installation is in it; nothing is made by a mistyped name. Raises ``StartRefused``."""
    if not (folder / DATABASE).is_file():
        raise StartRefused(
            "no_installation",
            f"{folder} に sekisho のデータがありません。--data か設定の data を確かめてください。",
            f"There is no installation in {folder}. Check --data, or data in the configuration.",
        )
    return folder


def _connect(path: Path) -> socket.socket | None:
    if not path.exists():
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT)
    try:
        connection.connect(str(path))
    except (ConnectionRefusedError, FileNotFoundError):
        connection.close()
        return None
    return connection
