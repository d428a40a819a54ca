"""What follows from a drain: every durable change is told to those who are connected.

Rules: called on the event loop after the commit, in the order of the commit, before the callers hear their
answers; a change that nobody listens to costs nothing; telling never decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rooms.attachment import Attachment
from rooms.decide.comparing import ComparisonWanted
from rooms.decide.gathering import MembersMoved, RoomOpened
from rooms.decide.people import OrganisationAdded, PersonAdded, PersonChanged
from rooms.decide.posting import EventAppended, MessageKept, ReadMarkMoved
from rooms.decide.receiving import AttachmentMoved, AttachmentReceived, ThumbnailDrawn
from rooms.decide.sessions import SessionEnded, SessionOpened
from rooms.perform import Outcome
from rooms.room import Room
from server import wire
from server.directory import Directory
from server.engine import StoredEvent
from server.fanout import Hub
from server.sessions import Sessions
from server.views import Viewer, release_views, zones_that_know


class Teller:
    """Registered with the writer as ``told``. ``work_arrived`` wakes the release worker, ``said`` who follows what is
    said in rooms, ``released`` who compares what was released."""

    def __init__(
        self,
        hub: Hub,
        directory: Directory,
        viewer: Viewer,
        sessions: Sessions,
        work_arrived: Callable[[], None],
        said: Callable[[], None],
        released: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._directory = directory
        self._viewer = viewer
        self._sessions = sessions
        self._work_arrived = work_arrived
        self._said = said
        self._released = released
        self._events: list[StoredEvent] = []

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Events are gathered, so that what one drain has for a room goes out in one write; whatever changes who hears
        them lets the gathered ones go first."""
        for outcome in outcomes:
            for change in outcome.changes:
                if isinstance(change, EventAppended):
                    self._events.append(self._viewer.stored(change.event))
                elif not isinstance(change, MessageKept):  # its event says it all
                    self._tell(change)
        self._publish()

    def _publish(self) -> None:
        if self._events:
            events, self._events = self._events, []
            self._hub.publish(events)
            self._said()

    def _tell(self, change: object) -> None:
        match change:
            case RoomOpened(room=room):
                self._publish()
                self._joined(room, room.members, 0)
            case MembersMoved(room=room, joined=joined, left=left):
                self._publish()
                for person in left:
                    self._hub.left(person, room.id)
                self._joined(room, joined, None)
            case ReadMarkMoved(person=person, room=room_id, seq=seq, zones=zones):
                for zone in zones:
                    self._hub.to_person(person, wire.ReadMark(room_id, seq), zone)
            case AttachmentReceived():
                self._work_arrived()
            case ComparisonWanted():
                self._released()
            case AttachmentMoved(attachment=attachment):
                self._changed(attachment)
                self._work_arrived()
            case ThumbnailDrawn(attachment=attachment):
                self._changed(attachment)
            case _:
                self._tell_accounts(change)

    def _changed(self, attachment: Attachment) -> None:
        moved = wire.AttachmentChanged(attachment.id, release_views(attachment.releases))
        for zone in zones_that_know(attachment.releases):
            self._hub.to_person(attachment.uploader, moved, zone)

    def _tell_accounts(self, change: object) -> None:
        match change:
            case SessionOpened(session=session, token_hash=digest):
                person = self._directory.person(session.person)
                if person is not None:
                    self._sessions.opened(digest, session, person)
            case SessionEnded(session=session, reason=reason):
                self._sessions.ended(session)
                self._hub.end(session.person, session=session.id, reason=reason)
            case PersonAdded(person=person):
                self._directory.know(person)
            case PersonChanged(person=person):
                self._directory.know(person)
                self._sessions.changed(person)
            case OrganisationAdded(organisation=organisation):
                self._directory.know_organisation(organisation)

    def _joined(self, room: Room, people: Iterable[str], after: int | None) -> None:
        """Each person who is there hears of the room in every zone where it exists, then of its events."""
        audience = self._viewer.audiences.told(room)
        for person in people:
            if not self._hub.connections_of(person):
                continue
            first = room.members[person].after if after is None else after
            views = {zone: self._viewer.joined(room, first, person, audience, zone) for zone in room.zones}
            self._hub.joined(person, views, first)
