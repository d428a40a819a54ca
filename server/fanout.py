"""Who hears what: rooms and their live connections, persons and their connections.

Rules:
- An event is encoded and framed once per view and room; the same bytes go to every live connection of that view. An
  idle connection costs one entry per room and nothing else.
- A connection is *live* in a room or *behind*. Behind, it gets nothing from here: its replay (server/resume.py)
  reads the store until it has reached ``Channel.head`` and goes live in that same moment. So nothing is missed and
  nothing comes twice, and nothing is buffered meanwhile.
- ``head`` moves before the bytes are written, and every room that was ever published is remembered (one small object
  per room), so that a connection which arrives between a commit and its subscription still sees how far it must read.
- A publication that does not follow on the head (a lost doorbell, an event that cannot be rendered) puts the room's
  live connections behind; they read the rest from the store.
- What is written to is a ``sink``: the transport itself while all is well, the connection while its socket is full.
  In a room of 1,000 the loop below touches nothing but sinks, in the order of their coming, because what it touches
  must be fetched from memory each time (5.1 µs a delivery by way of the connections, 2.7 by sinks, a bare server 2.4
  to 3.3).
- Everything here runs on the event loop's thread. Who is live never changes inside a write (a connection defers
  that), so the loops below may run over the live dictionaries themselves.

Example: ``hub.publish([event])`` after the commit; ``hub.left(person, room)`` before the event by which they left.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from server import wire
from server.engine import LoggedIn, StoredEvent
from server.framing import frame
from server.timestamps import timestamp

_log = logging.getLogger("sekisho.fanout")


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> None: ...

    def abort(self) -> None:
        """End the connection at once."""


class Receiver(Protocol):
    """What the hub needs of a connection. ``channels`` belongs to the hub: the rooms it is live or behind in."""

    who: LoggedIn | None
    channels: list[Channel]

    @property
    def sink(self) -> Sink:
        """The transport, or the connection itself while its socket is full (``Hub.changed_sink``)."""

    def fall_behind(self, channel: Channel, after: int) -> None:
        """Read ``channel`` from ``after`` on in a replay; it is no longer live there."""

    def follow(self, view: wire.RoomView, after: int) -> None:
        """The person joined: send ``room``, then the events after ``after``."""

    def unfollow(self, room: str) -> None:
        """The person left: send ``room_left`` and nothing more of the room."""

    def tell(self, data: bytes) -> None:
        """A frame for this person."""

    def end(self, reason: str) -> None:
        """The session or the right to the zone ended: close with 4003."""


class Channel:
    """A room as the fan-out sees it. ``head``: the last seq that was published, or known at the first subscription.

    ``ahead``: connections whose replay read more than was published so far (between a commit and its publication); they
    go live when the publications reach what they have.
    """

    __slots__ = ("ahead", "head", "live", "room")

    def __init__(self, room: str, head: int) -> None:
        self.room = room
        self.head = head
        self.live: dict[str, dict[Receiver, Sink]] = {}
        self.ahead: dict[Receiver, int] | None = None

    def receivers(self) -> list[Receiver]:
        """All that are live or ahead."""
        return [receiver for live in self.live.values() for receiver in live] + list(self.ahead or ())


class Hub:
    """One per process. ``deliveries`` counts event frames handed to connections."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}
        self._people: dict[str, list[Receiver]] = {}
        self.deliveries = 0

    # Events ------------------------------------------------------------------------------------------------------

    def publish(self, events: Sequence[StoredEvent]) -> None:
        """Tell the live connections of ``events`` that were just committed, in the order of their seq in each room.

        All that one commit has for a room goes to a connection in one write. An event that was published before is
        skipped.
        """
        if len(events) == 1:
            self._publish(events[0].room, events)
            return
        by_room: dict[str, list[StoredEvent]] = {}
        for event in events:
            by_room.setdefault(event.room, []).append(event)
        for room, of_room in by_room.items():
            self._publish(room, of_room)

    def _publish(self, room: str, events: Sequence[StoredEvent]) -> None:
        channel = self._channels.get(room)
        last = events[-1].seq
        if channel is None:
            self._channels[room] = Channel(room, last)
            return
        head = channel.head
        if last <= head:
            return
        if events[0].seq <= head:
            events = [event for event in events if event.seq > head]
        if events[0].seq != head + 1:
            self._put_behind(channel)
        channel.head = last
        if channel.live:
            self._write(channel, events, head)
        if channel.ahead:
            self._catch_up(channel, events)

    def _write(self, channel: Channel, events: Sequence[StoredEvent], head: int) -> None:
        """The hot path: 100 to 1,000 turns of the inner loop per event."""
        try:
            rendered = [(live, event_frames(events, view)) for view, live in channel.live.items()]
        except Exception:
            _log.exception("an event of room %s cannot be rendered", channel.room)
            channel.head = head
            self._put_behind(channel)
            channel.head = events[-1].seq
            return
        for live, data in rendered:
            for sink in live.values():
                try:
                    sink.write(data)
                except Exception:  # one that cannot be told harms no other; it comes back with its cursors
                    _log.warning("a connection could not be written to", exc_info=True)
                    sink.abort()
            self.deliveries += len(live) * len(events)

    def _catch_up(self, channel: Channel, events: Sequence[StoredEvent]) -> None:
        for receiver, has in list((channel.ahead or {}).items()):
            rest = [event for event in events if event.seq > has]
            if rest and receiver.who is not None:
                receiver.sink.write(event_frames(rest, receiver.who.view))
            if channel.head >= has:
                self.hold(receiver, channel)
                self.go_live(receiver, channel, channel.head)

    def _put_behind(self, channel: Channel) -> None:
        for receiver in channel.receivers():
            has = self.hold(receiver, channel)
            if has is not None:
                receiver.fall_behind(channel, has)

    # Rooms of a connection ---------------------------------------------------------------------------------------

    def subscribe(self, receiver: Receiver, room: str, head: int) -> Channel:
        """``receiver`` belongs to ``room`` and is behind in it. ``head``: a committed seq the engine spoke of; it
        counts only for a room that was never published, for what is committed may still have to be published to
        others.
        """
        channel = self._channels.get(room)
        if channel is None:
            channel = self._channels[room] = Channel(room, head)
        if channel not in receiver.channels:
            receiver.channels.append(channel)
        return channel

    def go_live(self, receiver: Receiver, channel: Channel, has: int) -> None:
        """``receiver`` has every event up to ``has``, at least ``channel.head``; from now on it hears them from
        here.
        """
        assert receiver.who is not None, "only who is logged in hears events"
        if has > channel.head:
            channel.ahead = channel.ahead or {}
            channel.ahead[receiver] = has
        else:
            channel.live.setdefault(receiver.who.view, {})[receiver] = receiver.sink

    def hold(self, receiver: Receiver, channel: Channel) -> int | None:
        """``receiver`` is behind from now on. The seq up to which it has everything, None if it was behind already."""
        if channel.ahead and receiver in channel.ahead:
            return channel.ahead.pop(receiver)
        who = receiver.who
        live = channel.live.get(who.view) if who is not None else None
        if live is None or who is None or receiver not in live:
            return None
        del live[receiver]
        if not live:
            del channel.live[who.view]
        return channel.head

    def changed_sink(self, receiver: Receiver) -> None:
        """``receiver.sink`` is another. Allowed from inside a write: values change, keys do not."""
        who = receiver.who
        for channel in receiver.channels:
            live = channel.live.get(who.view) if who is not None else None
            if live is not None and receiver in live:
                live[receiver] = receiver.sink

    def unsubscribe(self, receiver: Receiver, room: str) -> Channel | None:
        """``receiver`` no longer belongs to ``room``; the room's channel if it did."""
        for channel in receiver.channels:
            if channel.room == room:
                self.hold(receiver, channel)
                receiver.channels.remove(channel)
                return channel
        return None

    # Persons -----------------------------------------------------------------------------------------------------

    def enter(self, receiver: Receiver) -> None:
        """A connection whose ``who`` is known; from now on it hears of joins, leaves and ends."""
        assert receiver.who is not None, "a connection enters after its login"
        self._people.setdefault(receiver.who.person, []).append(receiver)

    def leave(self, receiver: Receiver) -> None:
        """The connection is closing: it hears nothing more."""
        for channel in receiver.channels:
            self.hold(receiver, channel)
        receiver.channels = []
        who = receiver.who
        of_person = self._people.get(who.person) if who is not None else None
        if of_person is None or who is None or receiver not in of_person:
            return
        of_person.remove(receiver)
        if not of_person:
            del self._people[who.person]

    def connections_of(self, person: str) -> list[Receiver]:
        return list(self._people.get(person, ()))

    def joined(self, person: str, views: Mapping[str, wire.RoomView], after: int) -> None:
        """``person`` joined a room (or it was created): ``views`` by zone; a zone that is missing may not see the
        room.
        """
        for receiver, who in self._of(person):
            view = views.get(who.zone)
            if view is not None:
                receiver.follow(view, after)

    def left(self, person: str, room: str) -> None:
        """``person`` is no longer a member. Call it before publishing the event by which they left."""
        for receiver, _ in self._of(person):
            receiver.unfollow(room)

    def to_person(self, person: str, message: wire.ServerFrame, zone: str | None = None) -> None:
        """A frame to each connection of a person (of one zone): read marks, the state of own uploads."""
        data: bytes | None = None
        for receiver, who in self._of(person):
            if zone is None or who.zone == zone:
                data = data or frame(message)
                receiver.tell(data)

    def end(self, person: str, *, session: str | None = None, zone: str | None = None, reason: str) -> int:
        """A session, all sessions of a person, or those of a zone ended: close their sockets with 4003; how many."""
        ended = [
            receiver
            for receiver, who in self._of(person)
            if (session is None or who.session == session) and (zone is None or who.zone == zone)
        ]
        for receiver in ended:
            receiver.end(reason)
        return len(ended)

    def _of(self, person: str) -> Iterator[tuple[Receiver, LoggedIn]]:
        for receiver in self.connections_of(person):
            if receiver.who is not None:
                yield receiver, receiver.who


def event_frames(events: Sequence[StoredEvent], view: str) -> bytes:
    """``events`` as one view reads them, each in a frame of its own."""
    if len(events) == 1:
        return event_frame(events[0], view)
    return b"".join([event_frame(event, view) for event in events])


def event_frame(event: StoredEvent, view: str) -> bytes:
    """One event as one view reads it, as bytes for the socket."""
    return frame(wire.Event(event.room, event.seq, timestamp(event.at_ms), event.actor, event.view(view)))
