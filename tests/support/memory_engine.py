"""The peer of the transport's tests: an engine that keeps rooms in lists, commits late and publishes later still.

It is not a mock: it keeps the promises of ``server.engine.Engine`` and stretches the moments between commit,
publication and reading as far as the promises allow.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from rooms.refusals import Refusal, refuse
from server import wire
from server.engine import PRUNED, Answered, Gap, LoggedIn, Posted, Pruned, RequestOrigin, StoredEvent
from server.fanout import Hub

AT_MS = 1_700_000_000_000


def logged_in(login: str, zone: str = "internet") -> LoggedIn:
    user = wire.User(login, login.title(), "kasumi", "霞ヶ浜市", "総務課", [])
    return LoggedIn(f"s_{login}_{zone}", f"p_{login}", zone, zone, user)


class MemoryEngine:
    """``pause``: seconds between taking a post and its commit; ``lag``: turns of the loop between commit and
    publication; ``chance``: where given, both vary, and reading takes its time."""

    def __init__(self, hub: Hub, *, chance: random.Random | None = None) -> None:
        self.hub = hub
        self.chance = chance
        self.pause = 0.0
        self.publishing = True
        self.sessions: dict[str, LoggedIn] = {}
        self.members: dict[str, set[str]] = {}
        self.events_of: dict[str, list[StoredEvent]] = {}
        self.pruned_below: dict[str, int] = {}
        self.answers: dict[tuple[str, str, str], Posted] = {}
        self.read_marks: list[tuple[str, str, int]] = []
        self.refusals: list[tuple[RequestOrigin, str]] = []
        self.origins: list[RequestOrigin] = []
        self.pages: list[int] = []
        self.seen_by: list[str] = []
        self.posting = True
        self._unpublished: list[StoredEvent] = []
        self._tasks: set[asyncio.Task[None]] = set()

    # What tests arrange ------------------------------------------------------------------------------------------

    def add_session(self, login: str, zone: str = "internet") -> str:
        """A token for ``login`` in ``zone``."""
        token = f"token-{login}-{zone}"
        self.sessions[token] = logged_in(login, zone)
        return token

    def add_room(self, room: str, *logins: str) -> None:
        self.members[room] = {f"p_{login}" for login in logins}
        self.events_of[room] = []

    def commit(self, room: str, text: str, *, made_in: str = "internet", message_id: str = "") -> StoredEvent:
        """Make an event durable; ``publish_all`` tells the hub of it."""
        events = self.events_of[room]
        seq = len(events) + 1
        actor = wire.Actor("sato", "Sato", "kasumi")
        message = wire.MessageView(message_id or f"m_{seq}", actor, text, made_in, [], None, f"c-{room}-{seq}")

        def view(zone: str) -> wire.RoomEvent:
            closed = "mynumber" in (made_in, zone) and made_in != zone
            return wire.MessageWithheld() if closed else wire.MessagePosted(message)

        event = StoredEvent(room, seq, AT_MS + seq, actor, view)
        events.append(event)
        self._unpublished.append(event)
        return event

    def publish_all(self) -> None:
        """Publish what was committed, in one go."""
        events, self._unpublished = self._unpublished, []
        if events:
            self.hub.publish(events)

    def say(self, room: str, *texts: str, made_in: str = "internet") -> None:
        """Commit and publish."""
        for text in texts:
            self.commit(room, text, made_in=made_in)
        self.publish_all()

    # Engine ------------------------------------------------------------------------------------------------------

    async def authenticate(self, token: str, origin: RequestOrigin) -> LoggedIn | Refusal:
        self.origins.append(origin)
        await self._some_turns()
        who = self.sessions.get(token)
        return who if who is not None and who.zone == origin.zone else refuse("unauthenticated")

    async def rooms_of(self, who: LoggedIn) -> list[wire.RoomView] | Refusal:
        views = [self.room_view(room) for room, members in self.members.items() if who.person in members]
        await self._some_turns()
        return views if who in self.sessions.values() else refuse("session_ended")

    def room_view(self, room: str) -> wire.RoomView:
        head = len(self.events_of[room])
        people = len(self.members[room])
        return wire.RoomView(room, "group", room, head, 0, wire.Audience(people, 0, ["internet"]), ["internet"], 0)

    async def events(self, who: LoggedIn, gaps: Sequence[Gap]) -> list[Sequence[StoredEvent] | Pruned]:
        self.pages.append(sum(gap.limit for gap in gaps))
        return [await self._events(who, *gap) for gap in gaps]

    async def _events(self, who: LoggedIn, room: str, after: int, limit: int) -> Sequence[StoredEvent] | Pruned:
        if who.person not in self.members[room]:
            return []
        if after < self.pruned_below.get(room, 0):
            return PRUNED
        page = self.events_of[room][after : after + limit]
        await self._some_turns()
        return page

    def post(self, who: LoggedIn, frame: wire.Post, origin: RequestOrigin, answered: Answered) -> None:
        if not self.posting:
            raise RuntimeError("the writer is broken")
        task = asyncio.get_running_loop().create_task(self._post(who, frame, answered))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, who: LoggedIn, frame: wire.Post, answered: Answered) -> None:
        await asyncio.sleep(self.pause)
        if who.person not in self.members.get(frame.room, ()):
            answered(refuse("not_found"))
            return
        key = (who.person, frame.room, frame.client_msg_id)
        if key not in self.answers:
            event = self.commit(frame.room, frame.text, made_in=who.zone)
            self.answers[key] = Posted(f"m_{event.seq}", event.seq)
        answered(self.answers[key])
        await self._some_turns()
        if self.publishing:
            self.publish_all()

    def mark_read(self, who: LoggedIn, room: str, seq: int) -> None:
        self.read_marks.append((who.person, room, seq))
        self.hub.to_person(who.person, wire.ReadMark(room, seq))

    def seen(self, who: LoggedIn) -> None:
        self.seen_by.append(who.person)

    def refused(self, origin: RequestOrigin, reason: str) -> None:
        self.refusals.append((origin, reason))

    async def _some_turns(self) -> None:
        for _ in range(self.chance.randrange(4) if self.chance else 1):
            await asyncio.sleep(0)
