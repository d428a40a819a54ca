"""Logging in: a password becomes a session token.

Rules kept here:
- an unknown name, a wrong password, a locked name and a zone that is not allowed get the same answer after the
  same work, so that a stranger learns nothing; the record tells them apart for those who exist;
- a source that tries too often waits (``rate_limited``), whatever names it tries;
- a password that was changed while the old one was being checked opens nothing;
- refusals for names that do not exist are counted per source and minute, never with the name (people type
  passwords there).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import NamedTuple

from rooms.commands import Command, Origin
from rooms.commands.sessions import FailLogin, OpenSession
from rooms.people import normal_login
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.session import Session, password_mark, token_hash
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
        submit: Callable[[Command], asyncio.Future[Outcome]],
        now: Callable[[], int],
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._strangers = strangers
        self._submit = submit
        self._now = now

    async def log_in(self, login: str, password: str, origin: Origin) -> Entered | Refusal:
        """A new session in the origin's zone, or why not."""
        source = origin.address or ""
        waiting = self._strangers.must_wait(source)
        if waiting is not None:
            return waiting
        with self._strangers.checked(source):
            return await self._checked(login, password, origin)

    async def _checked(self, login: str, password: str, origin: Origin) -> Entered | Refusal:
        """Who fails hears so at once: waiting for the record would tell who exists by its time."""
        name = normal_login(login) or ""
        encoded, tries = await self._database.look(lambda c: (password_of(c, name), tries_of(c, name)))
        right = await self._passwords.check(encoded, password)
        if encoded is None:
            self._strangers.refused(origin, "wrong_login")
            return refuse("wrong_login")
        if not right or tries.locked(self._now()):
            self._strangers.counted(origin.address or "")
            self._submit(FailLogin(origin, name))
            return refuse("wrong_login")
        return await self._enter(name, encoded, origin)

    async def _enter(self, login: str, encoded: str, origin: Origin) -> Entered | Refusal:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        chance, checked = secrets.token_bytes(16), password_mark(encoded)
        command = OpenSession(origin, login, token_hash(token), chance, checked)
        answer = (await self._submit(command)).answer
        if isinstance(answer, Session):
            return Entered(token, answer)
        return refuse("wrong_login") if answer.code in ("unauthenticated", "rate_limited") else answer
