"""Finding messages, attachments by their names, and people.

Rules: only what the caller may read here and now: its rooms in this zone, its history in them, no text that the
crossing table withholds; a search is on record, without what was asked for; answers are bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rooms.commands import Command
from rooms.commands.noting import NoteAct
from rooms.events import MessageAttachment, MessagePosted
from rooms.grams import holds, query_grams, snippet, words
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.store.database import Database
from rooms.store.people import search_people
from rooms.store.search import Hit, find
from rooms.zones import CrossingTable
from server import wire
from server.directory import Directory
from server.load import Level, Load
from server.on_record import on_record
from server.routes.accounts import PersonView, person_view
from server.routes.http import Caller, Door, answer, number
from server.timestamps import timestamp

FOUND_AT_MOST = 50
DEFAULT = 20
PAGES = 10
AT_ONCE = 2
NEWEST = 1 << 62


class FoundMessage(Struct):
    """``snippet`` is a part of the text; ``marks`` are (start, end) of the words in it, in code points."""

    room: str
    seq: int
    id: str
    at: str
    author: wire.Actor
    snippet: str
    marks: list[tuple[int, int]]


class FoundAttachment(Struct):
    room: str
    seq: int
    id: str
    at: str
    author: wire.Actor
    name: str
    size: int


class Found(Struct):
    messages: list[FoundMessage]
    attachments: list[FoundAttachment]
    people: list[PersonView]


class Search:
    def __init__(
        self,
        database: Database,
        directory: Directory,
        table: CrossingTable,
        submit: Callable[[Command], Awaitable[Outcome]],
        load: Load,
    ) -> None:
        self._load = load
        self._database = database
        self._directory = directory
        self._table = table
        self._submit = submit
        self._places = asyncio.Semaphore(AT_ONCE)

    def routes(self, door: Door) -> list[Route]:
        return [Route("/search", door.known(self.search, "search"), methods=["GET"])]

    async def search(self, request: Request, caller: Caller) -> Response | Refusal:
        """Newest first; every word of ``q`` must be there. Under load (``server.load``) nothing is looked for."""
        limit = number(request, "limit", DEFAULT, 1, FOUND_AT_MOST)
        query = request.query_params.get("q")
        if isinstance(limit, Refusal) or query is None:
            return refuse("malformed")
        asked = words(query)
        if asked is None:
            return refuse("invalid")
        if self._load.sheds(Level.SEARCH):
            return refuse("search_paused", self._load.come_back())
        async with self._places:
            found = await self._find(query, asked, caller, limit or DEFAULT)
        counts = {"messages": len(found.messages), "attachments": len(found.attachments), "people": len(found.people)}
        noted = await self._submit(NoteAct(caller.origin, "search", notes=counts))
        return on_record(noted.answer) if noted.refused else answer(found)

    async def _find(self, query: str, asked: tuple[str, ...], caller: Caller, limit: int) -> Found:
        messages = await self._hits("message", asked, caller, limit)
        attachments = await self._hits("attachment", asked, caller, limit)
        async with self._database.read() as connection:
            people = await search_people(connection, query.strip(), limit, self._table.read_in(caller.zone))
        return Found(
            [m for hit in messages if (m := self._message(hit, asked)) is not None],
            [a for hit in attachments if (a := self._attachment(hit)) is not None],
            [person_view(person, self._directory) for person in people],
        )

    async def _hits(self, kind: str, asked: tuple[str, ...], caller: Caller, limit: int) -> list[Hit]:
        """Grams narrow; the words decide."""
        wanted = query_grams(asked)
        made_in = self._table.read_in(caller.zone)
        hits: list[Hit] = []
        before = NEWEST
        async with self._database.read() as connection:
            for _ in range(PAGES):
                page = await find(connection, kind, wanted, caller.person, caller.zone, made_in, before, limit)
                hits += [hit for hit in page if holds(_text(hit), asked)]
                if len(page) < limit or len(hits) >= limit:
                    break
                before = page[-1].id
        return hits[:limit]

    def _message(self, hit: Hit, asked: tuple[str, ...]) -> FoundMessage | None:
        event = hit.event
        if not isinstance(event.event, MessagePosted):
            return None
        shown = snippet(event.event.text, asked)
        actor = self._directory.actor(event.actor)
        return FoundMessage(
            event.room, event.seq, event.event.id, timestamp(event.at), actor, shown.text, list(shown.marks)
        )

    def _attachment(self, hit: Hit) -> FoundAttachment | None:
        event, named = hit.event, _named(hit)
        if named is None:
            return None
        actor = self._directory.actor(event.actor)
        return FoundAttachment(event.room, event.seq, named.id, timestamp(event.at), actor, named.name, named.size)


def _named(hit: Hit) -> MessageAttachment | None:
    what = hit.event.event
    if not isinstance(what, MessagePosted):
        return None
    return next((attachment for attachment in what.attachments if attachment.id == hit.ref), None)


def _text(hit: Hit) -> str:
    """What the grams were made of."""
    what = hit.event.event
    if hit.kind == "message":
        return what.text if isinstance(what, MessagePosted) else ""
    named = _named(hit)
    return named.name if named is not None else ""
