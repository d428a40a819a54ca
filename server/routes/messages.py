"""Posting over HTTP, and reading a room's events."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rooms.commands import Command
from rooms.commands.posting import PostMessage
from rooms.events import RoomEvent
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.store.database import Database
from rooms.store.gathering import room_for
from rooms.store.posting import events_after, events_before, head_of
from server import wire
from server.incarnations import Incarnations
from server.on_record import on_record
from server.routes.http import Caller, Door, answer, body, number
from server.views import Viewer

PAGE = 100
MAX_PAGE = 500
MAX_SEQ = 1 << 40


class NewMessage(Struct, forbid_unknown_fields=True):
    client_msg_id: str
    text: str = ""
    attachments: list[str] = []
    reply_to: str | None = None


class PostedMessage(Struct):
    message_id: str
    seq: int


class EventPage(Struct):
    """Ascending by seq; ``head`` is the room's last seq. Another ``incarnation`` than before says that a backup was
    brought back since: seqs name other events, load the room afresh."""

    events: list[wire.EventView]
    head: int
    incarnation: str


class Messages:
    def __init__(
        self,
        database: Database,
        viewer: Viewer,
        incarnations: Incarnations,
        submit: Callable[[Command], Awaitable[Outcome]],
    ) -> None:
        self._database = database
        self._viewer = viewer
        self._incarnations = incarnations
        self._submit = submit

    def routes(self, door: Door) -> list[Route]:
        return [
            Route("/rooms/{room}/messages", door.known(self.post, "message.post"), methods=["POST"]),
            Route("/rooms/{room}/events", door.known(self.events, "room.read"), methods=["GET"]),
        ]

    async def post(self, request: Request, caller: Caller) -> Response | Refusal:
        """201, or 200 with the first answer for a ``client_msg_id`` that was posted before."""
        sent = await body(request, NewMessage)
        if isinstance(sent, Refusal):
            return sent
        command = PostMessage(
            caller.origin,
            request.path_params["room"],
            sent.client_msg_id,
            sent.text,
            secrets.token_bytes(16),
            tuple(sent.attachments),
            sent.reply_to,
        )
        posted = (await self._submit(command)).answer
        if isinstance(posted, Refusal):
            return on_record(posted)
        return answer(PostedMessage(posted.message_id, posted.seq), 200 if posted.repeated else 201)

    async def events(self, request: Request, caller: Caller) -> Response | Refusal:
        """A page of a room's events, ascending: after a seq (from the start without one), or the last before a seq."""
        limit = number(request, "limit", PAGE, 1, MAX_PAGE)
        after = number(request, "after", None, 0, MAX_SEQ)
        before = number(request, "before", None, 0, MAX_SEQ)
        if isinstance(limit, Refusal) or isinstance(after, Refusal) or isinstance(before, Refusal):
            return refuse("malformed")
        if after is not None and before is not None:
            return refuse("malformed")
        page = Page(request.path_params["room"], limit or PAGE, after, before)
        found = await self._database.look(lambda connection: _read(connection, page, caller))
        if found is None:
            return refuse("not_found")
        events, head = found
        entries = [self._viewer.entry(e, caller.zone) for e in events]
        return answer(EventPage(entries, head, self._incarnations.current))


class Page(NamedTuple):
    """``limit`` events of a room: the last before ``before`` where that is given, else the next after ``after``."""

    room: str
    limit: int
    after: int | None
    before: int | None


def _read(connection: Connection, page: Page, caller: Caller) -> tuple[list[RoomEvent], int] | None:
    """The events that the caller may read of the page, and the room's head; None where the room is not there for it."""
    found = room_for(connection, page.room, caller.person, caller.zone)
    if found is None:
        return None
    first, head = found[1].after, head_of(connection, page.room)
    if page.before is not None:
        return events_before(connection, page.room, page.before, page.limit, after=first), head
    return events_after(connection, page.room, max(page.after or 0, first), page.limit), head
