"""Logging in: a password becomes a session token.

Rules kept here:
- an unknown name, a wrong password, a locked name and a zone that is not allowed get the same answer after the
  same work, so that a stranger learns nothing; the record tells them apart for those who exist;
- a source that tries too often waits (``rate_limited``), whatever names it tries;
- refusals for names that do not exist are counted per source and minute, never with the name (people type
  passwords there).
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from rooms.commands import Command, Origin
from rooms.commands.sessions import FailLogin, OpenSession
from rooms.people import normal_login
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.session import Session, token_hash
from rooms.store.database import Database
from rooms.store.people import password_of
from rooms.store.sessions import tries_of
from server.passwords import Passwords
from server.strangers import Strangers

TOKEN_BYTES = 32


class Entered(NamedTuple):
    """``token`` is told once and never stored."""

    token: str
    session: Session


class Logins:
    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        strangers: Strangers,
        submit: Callable[[Command], Awaitable[Outcome]],
        now: Callable[[], int],
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._strangers = strangers
        self._submit = submit
        self._now = now

    async def log_in(self, login: str, password: str, origin: Origin) -> Entered | Refusal:
        """A new session in the origin's zone, or why not."""
        waiting = self._strangers.must_wait(origin.address or "")
        if waiting is not None:
            return waiting
        name = normal_login(login) or ""
        async with self._database.read() as connection:
            encoded = await password_of(connection, name)
            tries = await tries_of(connection, name)
        right = await self._passwords.check(encoded, password)
        if encoded is None:
            self._strangers.refused(origin, "wrong_login")
            return refuse("wrong_login")
        if not right or tries.locked(self._now()):
            self._strangers.counted(origin.address or "")
            await self._submit(FailLogin(origin, name))
            return refuse("wrong_login")
        return await self._enter(name, origin)

    async def _enter(self, login: str, origin: Origin) -> Entered | Refusal:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        command = OpenSession(origin, login, token_hash(token), secrets.token_bytes(16))
        answer = (await self._submit(command)).answer
        if isinstance(answer, Session):
            return Entered(token, answer)
        return refuse("wrong_login") if answer.code in ("unauthenticated", "rate_limited") else answer
