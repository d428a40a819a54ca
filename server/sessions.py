"""Live sessions: whose token this is, and when it ends.

Rules kept here:
- truth is in the store; here is a bounded copy, kept up by what the writer tells; what was read while the writer told
  of an end is read again;
- a token works only in the zone it was issued in; a foreign one gets the same answer as an unknown one, and is on
  record (each by itself, a flood of them by the minute);
- use puts off the end by rest (written at most every 30 s a session); nothing puts off the end by age, nor an end that
  has come;
- rest and age are measured by a clock that nobody sets: a machine whose time is corrected ends nobody's session and
  prolongs none;
- a session that ended closes its sockets within five seconds (``sweep`` runs every two), also while its end cannot be
  written.
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
from server.on_record import on_record
from server.rate_limits import Bucket, Rate

TOUCH_EVERY = 30_000
MOST_KEPT = 50_000
FOREIGN = Rate(per_second=0.2, burst=10)
"""How often a token in a foreign zone gets a leaf of its own."""


class Live(NamedTuple):
    """A session that is open, with its person."""

    session: Session
    person: Person


class Over(NamedTuple):
    """A session that has come to its end, whether that is written already or not."""

    person: str
    session: str
    reason: str


class _Kept:
    """``seen``, ``opened`` and ``written``: ms of the clock that nobody sets."""

    __slots__ = ("digest", "foreign", "live", "opened", "seen", "written")

    def __init__(self, digest: str, live: Live, now: int, elapsed: int) -> None:
        self.digest = digest
        self.live = live
        self.opened = elapsed - max(0, now - live.session.opened)
        self.seen = self.written = elapsed - max(0, now - live.session.seen)
        self.foreign: Bucket | None = None


class Sessions:
    """``submit`` hands a command to the writer; ``now`` is ms UTC, ``elapsed`` ms of a clock that nobody sets."""

    def __init__(
        self,
        database: Database,
        times: SessionTimes,
        submit: Callable[[Command], Awaitable[Outcome]],
        now: Callable[[], int],
        elapsed: Callable[[], int],
        most: int = MOST_KEPT,
    ) -> None:
        self._database = database
        self._times = times
        self._submit = submit
        self._now = now
        self._elapsed = elapsed
        self._most = most
        self._by_token: dict[str, _Kept] = {}
        self._by_id: dict[str, _Kept] = {}
        self._connected: set[str] = set()
        self._told = 0

    async def authenticate(self, token: str, origin: Origin) -> Live | Refusal:
        """The session of the token, if it is alive here. Counts as use."""
        digest = token_hash(token)
        kept = self._by_token.get(digest) or await self._read(digest)
        if kept is None:
            return refuse("unauthenticated")
        if kept.live.session.zone != origin.zone:
            return await self._foreign(kept, origin)
        if may_act(kept.live.person, kept.live.session.zone) is not None or self._over(kept) is not None:
            return refuse("session_ended")
        self.seen(kept.live.session.id)
        return kept.live

    async def _read(self, digest: str) -> _Kept | None:
        """From the store. What ended between the reading and now was told to a copy that was not here yet."""
        while True:
            told = self._told
            found = await self._database.look(lambda connection: session_by_token(connection, digest))
            if told == self._told:
                break
        if found is None:
            return None
        return self._by_token.get(digest) or self._keep(digest, Live(*found))

    async def _foreign(self, kept: _Kept, origin: Origin) -> Refusal:
        seconds = self._elapsed() / 1000
        if kept.foreign is None:
            kept.foreign = Bucket(FOREIGN, seconds)
        refusal = refuse("unauthenticated")
        if kept.foreign.take(seconds):
            return refusal
        session = kept.live.session.id
        await self._submit(NoteAct(origin, "session.foreign_zone", session, "refused", "unauthenticated"))
        return on_record(refusal)

    def _keep(self, digest: str, live: Live) -> _Kept:
        if len(self._by_id) >= self._most:
            self._make_room()
        kept = _Kept(digest, live, self._now(), self._elapsed())
        self._by_token[digest] = self._by_id[live.session.id] = kept
        return kept

    def _make_room(self) -> None:
        """A tenth goes, those that rested longest; none that holds a socket, for its end must be seen here."""
        spare = [(kept.seen, session) for session, kept in self._by_id.items() if session not in self._connected]
        for _, session in sorted(spare)[: max(1, self._most // 10)]:
            self.forget(session)

    def _over(self, kept: _Kept) -> str | None:
        session, elapsed = kept.live.session, self._elapsed()
        if session.ended is not None:
            return "ended"
        return self._times.over(session.zone, elapsed - kept.seen, elapsed - kept.opened)

    def seen(self, session_id: str) -> None:
        """The session was used now. What has ended is not brought back."""
        kept = self._by_id.get(session_id)
        if kept is not None and self._over(kept) is None:
            self._use(session_id, kept)

    def _use(self, session_id: str, kept: _Kept) -> None:
        kept.seen = self._elapsed()
        if kept.seen - kept.written >= TOUCH_EVERY:
            kept.written = kept.seen
            self._submit(TouchSession(Origin(), session_id, self._now()))

    def use(self, session_id: str) -> bool:
        """``alive``, and if so ``seen``: at one look."""
        kept = self._by_id.get(session_id)
        if kept is None or self._over(kept) is not None:
            return False
        self._use(session_id, kept)
        return True

    def alive(self, session_id: str) -> bool:
        """Whether a session that was authenticated here is still open."""
        kept = self._by_id.get(session_id)
        return kept is not None and self._over(kept) is None

    def sweep(self, connected: set[str]) -> list[Over]:
        """End what rested too long or is too old; ``connected`` are the sessions that hold a socket. Answers those
        whose sockets must close."""
        self._connected = connected
        over = []
        for session_id, kept in list(self._by_id.items()):
            session = kept.live.session
            reason = self._over(kept)
            if reason is None:
                continue
            if session.ended is None:
                self._submit(EndSession(Origin(zone=session.zone), session_id, reason))
            elif session_id not in connected:
                self.forget(session_id)
            if session_id in connected:
                over.append(Over(session.person, session_id, reason))
        return over

    # What the writer tells -------------------------------------------------------------------------------------------

    def opened(self, digest: str, session: Session, person: Person) -> None:
        self._keep(digest, Live(session, person))

    def ended(self, session: Session) -> None:
        self._told += 1
        kept = self._by_id.get(session.id)
        if kept is not None:
            kept.live = Live(session, kept.live.person)

    def changed(self, person: Person) -> None:
        self._told += 1
        for kept in self._by_id.values():
            if kept.live.person.id == person.id:
                kept.live = Live(kept.live.session, person)

    def forget(self, session_id: str) -> None:
        """Drop the copy; the store still knows."""
        kept = self._by_id.pop(session_id, None)
        if kept is not None:
            self._by_token.pop(kept.digest, None)
