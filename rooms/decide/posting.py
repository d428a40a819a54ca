"""May this message be posted, and what follows from it."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from rooms.attachment import Attachment
from rooms.commands.posting import MarkRead, PostMessage
from rooms.decide import Act, Change, Decision, actor, no
from rooms.events import MessageAttachment, MessagePosted, RoomEvent
from rooms.ids import make_id
from rooms.message import MAX_ATTACHMENTS, check_client_msg_id, clean_text
from rooms.my_number import find_my_numbers
from rooms.permissions import membership
from rooms.refusals import Refusal, refuse
from rooms.room import Room
from rooms.world import Posted, Terms, World

ACTION = "message.post"


class EventAppended(Struct, frozen=True):
    """An event took its place in a room."""

    event: RoomEvent

    def apply(self, world: World) -> None:
        world.heads[self.event.room] = self.event.seq


class MessageKept(Struct, frozen=True):
    """A message and the ``client_msg_id`` under which its answer is remembered."""

    id: str
    room: str
    seq: int
    author: str
    client_msg_id: str

    def apply(self, world: World) -> None:
        world.posted[self.author, self.room, self.client_msg_id] = Posted(self.id, self.seq, True)
        world.messages[self.id] = self.room


class AttachmentPosted(Struct, frozen=True):
    """An attachment became visible to the room with a message."""

    attachment: Attachment

    def apply(self, world: World) -> None:
        world.attachments[self.attachment.id] = self.attachment


class ReadMarkMoved(Struct, frozen=True):
    """``zones`` are those the room exists in."""

    person: str
    room: str
    seq: int
    zones: frozenset[str]

    def apply(self, world: World) -> None:
        world.read_marks[self.person, self.room] = self.seq


def post_message(world: World, command: PostMessage, now: int, terms: Terms) -> Decision:
    """A new event at the room's head, or the answer that the same ``client_msg_id`` got before: that comes before any
    other question, but a room that does not exist in this zone has answered nobody here.
    """
    zone, person_id = command.origin.zone or "", command.origin.person or ""
    room = world.rooms.get(command.room)
    before = world.posted.get((person_id, command.room, command.client_msg_id))
    if before is not None and room is not None and zone in room.zones:
        return Decision(before)
    person = actor(world, command)
    if isinstance(person, Refusal):
        return no(person, ACTION, command.room)
    member = membership(person, room, zone)
    if isinstance(member, Refusal):
        return no(member, ACTION, command.room)
    assert room is not None
    text = _text(command, room, zone, terms)
    if isinstance(text, Refusal):
        return no(text, ACTION, command.room)
    attachments = _attachments(world, command)
    if isinstance(attachments, Refusal):
        return no(attachments, ACTION, command.room)
    if command.reply_to is not None and world.messages.get(command.reply_to) != command.room:
        return no(refuse("unknown_reply"), ACTION, command.room)
    return _posted(world, command, now, text, attachments)


def _text(command: PostMessage, room: Room, zone: str, terms: Terms) -> str | Refusal:
    bad = check_client_msg_id(command.client_msg_id)
    if bad is not None:
        return bad
    text = clean_text(command.text)
    if isinstance(text, Refusal):
        return text
    if not text.strip() and not command.attachments:
        return refuse("empty_message")
    if terms.table.needs_my_number_check(zone, room.zones) and find_my_numbers(text).sure:
        return refuse("my_number")
    return text


def _attachments(world: World, command: PostMessage) -> tuple[Attachment, ...] | Refusal:
    """Usable only in the room they were uploaded to, by their uploader, and once."""
    if not command.attachments:
        return ()
    if len(command.attachments) > MAX_ATTACHMENTS:
        return refuse("too_many_attachments")
    if len(set(command.attachments)) != len(command.attachments):
        return refuse("unknown_attachment")
    found = []
    for attachment_id in command.attachments:
        attachment = world.attachments.get(attachment_id)
        usable = (
            attachment is not None
            and attachment.room == command.room
            and attachment.uploader == command.origin.person
            and attachment.message is None
        )
        if attachment is None or not usable:
            return refuse("unknown_attachment")
        found.append(attachment)
    return tuple(found)


def _posted(world: World, command: PostMessage, now: int, text: str, attachments: tuple[Attachment, ...]) -> Decision:
    message_id = make_id("message", command.chance)
    seq = (world.heads.get(command.room) or 0) + 1
    author = command.origin.person or ""
    named = tuple(MessageAttachment(a.id, a.name, a.size) for a in attachments)
    event = MessagePosted(message_id, text, command.client_msg_id, named, command.reply_to)
    changes: list[Change] = [
        EventAppended(RoomEvent(command.room, seq, now, author, command.origin.zone or "", event)),
        MessageKept(message_id, command.room, seq, author, command.client_msg_id),
    ]
    changes += [AttachmentPosted(msgspec.structs.replace(a, message=message_id, seq=seq)) for a in attachments]
    act = Act(ACTION, message_id, notes={"room": command.room, "seq": seq, "attachments": len(named)})
    return Decision(Posted(message_id, seq), tuple(changes), act)


def mark_read(world: World, command: MarkRead, now: int, terms: Terms) -> Decision:
    """The mark moves forward, never beyond the head."""
    person = actor(world, command)
    if isinstance(person, Refusal):
        return Decision(person)
    room = world.rooms.get(command.room)
    member = membership(person, room, command.origin.zone or "")
    if isinstance(member, Refusal):
        return Decision(member)
    assert room is not None
    seq = min(command.seq, world.heads.get(command.room) or 0)
    if seq <= (world.read_marks.get((person.id, command.room)) or 0):
        return Decision(None)
    return Decision(seq, (ReadMarkMoved(person.id, command.room, seq, room.zones),))
