"""Live sessions: whose token this is, and when it ends.

Rules kept here:
- truth is in the store; here is a bounded copy, kept up by what the writer tells;
- a token works only in the zone it was issued in; a foreign one gets the same answer as an unknown one, and is on
  record;
- use puts off the end by rest (written at most every 30 s a session); nothing puts off the end by age;
- a session that ended closes its sockets within five seconds (``sweep`` runs every two).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from rooms.commands import Command, Origin
from rooms.commands.noting import NoteAct
from rooms.commands.sessions import EndSession, TouchSession
from rooms.people import Person
from rooms.perform import Outcome
from rooms.permissions import may_act
from rooms.refusals import Refusal, refuse
from rooms.session import Session, SessionTimes, token_hash
from rooms.store.database import Database
from rooms.store.sessions import session_by_token

TOUCH_EVERY = 30_000
MOST_KEPT = 50_000


class Live(NamedTuple):
    """A session that is open, with its person."""

    session: Session
    person: Person


class _Kept:
    __slots__ = ("live", "seen", "written")

    def __init__(self, live: Live) -> None:
        self.live = live
        self.seen = live.session.seen
        self.written = live.session.seen


class Sessions:
    """``submit`` hands a command to the writer; ``now`` is ms UTC."""

    def __init__(
        self,
        database: Database,
        times: SessionTimes,
        submit: Callable[[Command], Awaitable[Outcome]],
        now: Callable[[], int],
    ) -> None:
        self._database = database
        self._times = times
        self._submit = submit
        self._now = now
        self._by_token: dict[str, _Kept] = {}
        self._by_id: dict[str, _Kept] = {}

    async def authenticate(self, token: str, origin: Origin) -> Live | Refusal:
        """The session of the token, if it is alive here. Counts as use."""
        digest = token_hash(token)
        kept = self._by_token.get(digest)
        if kept is None:
            async with self._database.read() as connection:
                found = await session_by_token(connection, digest)
            if found is None:
                return refuse("unauthenticated")
            kept = self._keep(digest, Live(*found))
        session = kept.live.session
        if session.zone != origin.zone:
            await self._submit(NoteAct(origin, "session.foreign_zone", session.id, "refused", "unauthenticated"))
            return refuse("unauthenticated")
        return self._alive(kept)

    def _keep(self, digest: str, live: Live) -> _Kept:
        if len(self._by_token) >= MOST_KEPT:
            self._by_token.clear()
            self._by_id.clear()
        kept = _Kept(live)
        self._by_token[digest] = self._by_id[live.session.id] = kept
        return kept

    def _alive(self, kept: _Kept) -> Live | Refusal:
        session, person = kept.live
        if may_act(person, session.zone) is not None or not self._is_alive(kept):
            return refuse("session_ended")
        self.seen(session.id)
        return kept.live

    def _is_alive(self, kept: _Kept) -> bool:
        session = kept.live.session
        now = self._now()
        rest = kept.seen + self._times.idle(session.zone)
        return session.ended is None and now < min(rest, session.opened + self._times.absolute)

    def seen(self, session_id: str) -> None:
        """The session was used now."""
        kept = self._by_id.get(session_id)
        if kept is None:
            return
        kept.seen = self._now()
        if kept.seen - kept.written >= TOUCH_EVERY:
            kept.written = kept.seen
            self._submit(TouchSession(Origin(), session_id, kept.seen))

    def alive(self, session_id: str) -> bool:
        """Whether a session that was authenticated here is still open."""
        kept = self._by_id.get(session_id)
        return kept is not None and self._is_alive(kept)

    def sweep(self, connected: set[str]) -> None:
        """End what rested too long or is too old; ``connected`` are the sessions that hold a socket."""
        for session_id, kept in list(self._by_id.items()):
            session = kept.live.session
            if session.ended is None and not self._is_alive(kept):
                old = self._now() >= session.opened + self._times.absolute
                self._submit(EndSession(Origin(zone=session.zone), session_id, "absolute" if old else "idle"))
            elif session.ended is not None and session_id not in connected:
                self.forget(session_id)

    # What the writer tells -------------------------------------------------------------------------------------------

    def opened(self, digest: str, session: Session, person: Person) -> None:
        self._keep(digest, Live(session, person))

    def ended(self, session: Session) -> None:
        kept = self._by_id.get(session.id)
        if kept is not None:
            kept.live = Live(session, kept.live.person)

    def changed(self, person: Person) -> None:
        for kept in self._by_id.values():
            if kept.live.person.id == person.id:
                kept.live = Live(kept.live.session, person)

    def forget(self, session_id: str) -> None:
        """Drop the copy; the store still knows."""
        kept = self._by_id.pop(session_id, None)
        if kept is not None:
            self._by_token = {d: k for d, k in self._by_token.items() if k is not kept}
