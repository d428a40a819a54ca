"""The control socket: administration commands from the same machine's owner to the running server.

Rules kept here: ``control.sock`` is 0600 in a 0700 folder, so whoever reaches it owns the installation; one JSON
line is asked, one is answered; only the commands of ``ALLOWED`` exist here; a bad line is answered and ends the
connection.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from rooms.commands import Command
from rooms.commands.api_keys import AddApiKey, RevokeApiKey
from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.commands.noting import MakeCheckpoint, NoteAct
from rooms.commands.people import AddOrganisation, AddPerson, AddSection, SetActive, SetPassword, SetRoles, SetZones
from rooms.commands.sessions import EndSessionsOf, OpenSession
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse

_COMMANDS: tuple[type[Command], ...] = (
    AddApiKey,
    AddOrganisation,
    AddPerson,
    AddSection,
    ChangeMembers,
    EndSessionsOf,
    MakeCheckpoint,
    NoteAct,
    OpenRoom,
    OpenSession,
    RevokeApiKey,
    SetActive,
    SetPassword,
    SetRoles,
    SetZones,
)
ALLOWED: dict[str, type[Command]] = {command.__name__: command for command in _COMMANDS}
MAX_LINE = 1 << 22


class Request(Struct):
    """``command`` is the JSON of the struct named ``kind``; for a question, which stands alone, it does not matter."""

    kind: str
    command: msgspec.Raw


class Response(Struct):
    """``refusal`` is (code, reason, retry_after), else ``answer`` holds."""

    answer: Any = None
    refusal: tuple[str, str, int | None] | None = None


class ControlSocket:
    """Listens on ``path`` and hands commands to ``submit``; ``before`` hears of each first. ``questions`` are answered
    from memory, by plain data."""

    def __init__(
        self,
        path: Path,
        submit: Callable[[Command], Awaitable[Outcome]],
        before: Callable[[Command], None] = lambda command: None,
        questions: Mapping[str, Callable[[], Any]] | None = None,
    ) -> None:
        self._questions = questions or {}
        self._path = path
        self._submit = submit
        self._before = before
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """The caller holds the installation's lock, so a socket that is there is left over."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_LINE)
        finally:
            os.umask(before)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                response = await self._answer(line)
                writer.write(msgspec.json.encode(response) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> list[Response]:
        try:
            requests = msgspec.json.decode(line, type=list[Request])
            if len(requests) == 1 and requests[0].kind in self._questions:
                return [Response(self._questions[requests[0].kind]())]
            commands = [msgspec.json.decode(r.command, type=ALLOWED[r.kind]) for r in requests]
        except (msgspec.DecodeError, KeyError):
            return [Response(refusal=refuse("malformed"))]
        for command in commands:
            self._before(command)
        outcomes = await asyncio.gather(*(self._submit(command) for command in commands))
        return [_response(outcome.answer) for outcome in outcomes]


def _response(answer: object) -> Response:
    return Response(refusal=answer) if isinstance(answer, Refusal) else Response(msgspec.to_builtins(answer))
