"""The product behind the sockets: ``Engine`` over the store, the writer and the live sessions.

Rules: reads come from read-only connections, writes go through ``submit``; a member reads from its joining on
(``Member.after``); nobody reads a room that does not exist in its zone.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from rooms.commands import Origin
from rooms.commands.posting import PostMessage
from rooms.events import RoomEvent
from rooms.ids import CHANCE_BYTES
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.store.database import Database
from rooms.store.gathering import histories_of, rooms_of
from rooms.store.posting import events_after
from rooms.world import Posted as Kept
from server import wire
from server.engine import Answered, Gap, LoggedIn, Posted, Pruned, RequestOrigin, StoredEvent
from server.on_record import OnRecord
from server.read_marks import ReadMarks
from server.sessions import Live, Sessions
from server.storage_watch import Perform
from server.strangers import Strangers
from server.views import Viewer


def domain_origin(origin: RequestOrigin, person: str | None = None) -> Origin:
    """The origin as commands and leaves carry it."""
    return Origin(
        zone=origin.zone,
        person=person,
        device=origin.device or None,
        address=origin.address,
        request=origin.request_id,
        forwarded=origin.forwarded,
    )


class RoomsEngine:
    """See ``server.engine.Engine`` for what each method promises."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        strangers: Strangers,
        viewer: Viewer,
        user_of: Callable[[Live], wire.User],
        perform: Perform,
        marks: ReadMarks,
    ) -> None:
        self._marks = marks
        self._database = database
        self._sessions = sessions
        self._strangers = strangers
        self._viewer = viewer
        self._user_of = user_of
        self._perform = perform
        self._chance = Chance()

    async def authenticate(self, token: str, origin: RequestOrigin) -> LoggedIn | Refusal:
        live = await self._sessions.authenticate(token, domain_origin(origin))
        if isinstance(live, Refusal):
            if not isinstance(live, OnRecord):
                self._strangers.refused(domain_origin(origin), live.reason)
            return live
        session, person = live
        return LoggedIn(session.id, person.id, session.zone, session.zone, self._user_of(live))

    async def rooms_of(self, who: LoggedIn) -> list[wire.RoomView] | Refusal:
        listed = await list_rooms(self._database, self._viewer, who.person, who.zone)
        return listed if self._sessions.alive(who.session) else refuse("session_ended")

    async def events(self, who: LoggedIn, gaps: Sequence[Gap]) -> list[Sequence[StoredEvent] | Pruned]:
        found = await self._database.look(lambda connection: _events(connection, who, gaps))
        return [[self._viewer.stored(event) for event in events] for events in found]

    def post(self, who: LoggedIn, frame: wire.Post, origin: RequestOrigin, answered: Answered) -> None:
        if not self._sessions.use(who.session):
            answered(refuse("session_ended"))
            return
        command = PostMessage(
            domain_origin(origin, who.person),
            frame.room,
            frame.client_msg_id,
            frame.text,
            self._chance.take(),
            tuple(frame.attachments),
            frame.reply_to,
        )
        self._perform(command, functools.partial(_pass_on, answered))

    def mark_read(self, who: LoggedIn, room: str, seq: int) -> None:
        if self._sessions.alive(who.session):
            self._marks.gather(who.person, who.zone, room, seq)

    def seen(self, who: LoggedIn) -> None:
        self._sessions.seen(who.session)

    def refused(self, origin: RequestOrigin, reason: str) -> None:
        self._strangers.refused(domain_origin(origin), reason)


def _pass_on(answered: Answered, outcome: Outcome) -> None:
    answer = outcome.answer
    answered(Posted(answer.message_id, answer.seq) if isinstance(answer, Kept) else answer)


class Chance:
    """The system's chance, fetched for 64 ids at a time."""

    def __init__(self) -> None:
        self._left: list[bytes] = []

    def take(self) -> bytes:
        """16 bytes that nobody else gets."""
        if not self._left:
            drawn = secrets.token_bytes(64 * CHANCE_BYTES)
            self._left = [drawn[at : at + CHANCE_BYTES] for at in range(0, len(drawn), CHANCE_BYTES)]
        return self._left.pop()


async def list_rooms(
    database: Database, viewer: Viewer, person: str, zone: str, only: str | None = None
) -> list[wire.RoomView]:
    """The rooms of a person in a zone, with what is unread in each."""
    rooms = await database.look(lambda connection: rooms_of(connection, person, zone, only))
    audiences = await viewer.audiences.of(database, [room.id for room in rooms])
    return [viewer.listed(room, audiences[room.id], zone) for room in rooms]


def _events(connection: Connection, who: LoggedIn, gaps: Sequence[Gap]) -> list[list[RoomEvent]]:
    """Of each gap what the person may read; nothing of a room that is not there for it."""
    first = histories_of(connection, {gap.room for gap in gaps}, who.person, who.zone)
    return [
        events_after(connection, gap.room, max(gap.after, first[gap.room]), gap.limit) if gap.room in first else []
        for gap in gaps
    ]
