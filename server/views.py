"""What a zone may read of what is stored: pure translations from the domain to the wire.

Rules: a view is a function of the stored thing and the zone alone; content made in a zone whose crossing is
``forbid`` is withheld whole (no text, no name, no size); a report is shown without the words of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any

from rooms.attachment import Attachment, Release
from rooms.comparison import Comparison
from rooms.events import AttachmentJudged, MembersChanged, MessagePosted, RoomEvent
from rooms.room import Room
from rooms.store.gathering import Audience, RoomOfPerson
from rooms.zones import CrossingTable
from sanitizer import converter
from sanitizer.layouts import recipe_of
from server import wire
from server.audiences import Audiences
from server.directory import Directory
from server.engine import StoredEvent
from server.timestamps import timestamp


class Viewer:
    """Renders events, rooms and attachments of one installation."""

    def __init__(self, directory: Directory, table: CrossingTable, zones: frozenset[str]) -> None:
        self._directory = directory
        self.audiences = Audiences(directory)
        self._table = table
        self._zones = zones

    # Events ----------------------------------------------------------------------------------------------------------

    def stored(self, event: RoomEvent) -> StoredEvent:
        """The event as the fan-out wants it."""
        actor = self._directory.actor(event.actor)
        view: Callable[[str], wire.RoomEvent] = partial(self.event, event)
        return StoredEvent(event.room, event.seq, event.at, actor, view)

    def event(self, event: RoomEvent, zone: str) -> wire.RoomEvent:
        """What ``zone`` may read of the event."""
        if not self._table.text_may_be_read(event.made_in, zone):
            return wire.MessageWithheld()
        what = event.event
        if isinstance(what, MessagePosted):
            return wire.MessagePosted(self._message(event, what))
        if isinstance(what, AttachmentJudged):
            zones = {z: wire.ZoneRelease(t, s, code) for z, (t, s, code) in what.zones.items()}  # type: ignore[arg-type]
            return wire.AttachmentJudged(what.attachment, zones)
        return self._members(what)

    def _message(self, event: RoomEvent, message: MessagePosted) -> wire.MessageView:
        return wire.MessageView(
            id=message.id,
            author=self._directory.actor(event.actor),
            text=message.text,
            made_in=event.made_in,
            attachments=[wire.AttachmentInMessage(a.id, a.name, a.size) for a in message.attachments],
            reply_to=message.reply_to,
            client_msg_id=message.client_msg_id,
        )

    def _members(self, what: MembersChanged) -> wire.MembersChanged:
        actor = self._directory.actor
        return wire.MembersChanged([actor(p) for p in what.joined], [actor(p) for p in what.left])

    def entry(self, event: RoomEvent, zone: str) -> wire.EventView:
        """The event as ``GET rooms/{room}/events`` shows it."""
        actor = self._directory.actor(event.actor)
        return wire.EventView(event.seq, timestamp(event.at), actor, self.event(event, zone))

    # Rooms -----------------------------------------------------------------------------------------------------------

    def listed(self, room: RoomOfPerson, audience: Audience, zone: str) -> wire.RoomView:
        """A room in the list of one of its members, as told in ``zone``."""
        name = self._directory.actor(room.other).name if room.other is not None else room.name
        return self._room(room.id, room.kind, name, room.head, room.read, room.unread, room.zones, audience, zone)

    def joined(self, room: Room, head: int, person: str, audience: Audience, zone: str) -> wire.RoomView:
        """A room that ``person`` has just come into, as told in ``zone``."""
        name = room.name
        if room.kind == "direct":
            name = next((self._directory.actor(p).name for p in room.members if p != person), name)
        return self._room(room.id, room.kind, name, head, head, 0, room.zones, audience, zone)

    def _room(
        self, room: str, kind: str, name: str, head: int, read: int, unread: int, zones: Iterable[str],
        audience: Audience, here: str,
    ) -> wire.RoomView:  # fmt: skip
        """The audience are those zones of the room that may read what is written ``here``."""
        open_to = sorted(set(zones) & self._zones)
        readers = [zone for zone in open_to if self._table.text_may_be_read(here, zone)]
        heard_by = wire.Audience(audience.people, audience.foreign, readers)
        return wire.RoomView(room, kind, name, head, read, heard_by, open_to, unread)  # type: ignore[arg-type]

    # Attachments -----------------------------------------------------------------------------------------------------

    def attachment(self, attachment: Attachment, zone: str, comparison: Comparison | None) -> wire.AttachmentView:
        """What a reader in ``zone`` is told about an attachment it may know of; ``comparison``: of what it reads."""
        here = attachment.releases.get(zone)
        released = here is not None and here.state == "released"
        return wire.AttachmentView(
            id=attachment.id,
            name=attachment.name,
            size=attachment.size,
            room=attachment.room,
            posted=attachment.seq is not None,
            uploader=self._directory.actor(attachment.uploader),
            at=timestamp(attachment.at),
            zones=release_views(attachment.releases),
            report=_report(here, comparison) if here is not None else None,
            thumbnail=bool(here is not None and here.thumbnail and here.state == "released"),
            receipt=bool(here is not None and here.receipt),
            comparison=self._comparison(attachment, zone, comparison) if released and comparison is not None else None,
        )

    def _comparison(self, attachment: Attachment, zone: str, comparison: Comparison) -> wire.ComparisonView:
        similarity = comparison.similarity or {}
        places: Mapping[str, list[int]] = similarity.get("places", {})
        there = {(picture.page, picture.side) for picture in comparison.pictures}
        may_see = self._table.original_may_be_pictured(attachment.made_in, zone)
        pages = [
            wire.ComparedPage(
                page, places.get(str(page)), may_see and (page, "original") in there, (page, "rebuilt") in there
            )
            for page in similarity.get("differing", ())
        ]
        asks = not comparison.asked and comparison.similarity is None and _is_laid_out(attachment.releases[zone])
        return wire.ComparisonView("waiting" if not comparison.done else "on_request" if asks else "done", pages)


def _is_laid_out(release: Release) -> bool:
    return recipe_of(release.mime or "") is not None and _can_lay_out()


@cache
def _can_lay_out() -> bool:
    """Looked up once: what is installed later counts from the next start."""
    return converter.missing() == ""


def _report(release: Release, comparison: Comparison | None) -> dict[str, Any] | None:
    """The sanitizer's report, with what was found of the likeness since."""
    if release.report is None:
        return None
    found = comparison is not None and comparison.similarity is not None and release.state == "released"
    return {**release.report, **({"similarity": comparison.similarity} if comparison is not None and found else {})}


def zones_that_know(releases: Mapping[str, Release]) -> list[str]:
    """Where the attachment's own uploader may know of it: where its room exists and the crossing is not forbidden."""
    return [zone for zone, release in releases.items() if release.treatment != "forbid"]


def release_views(releases: Mapping[str, Release]) -> dict[str, wire.ZoneRelease]:
    return {zone: release_view(release) for zone, release in sorted(releases.items())}


def release_view(release: Release) -> wire.ZoneRelease:
    return wire.ZoneRelease(release.treatment, release.state, release.code)  # type: ignore[arg-type]
