"""The frames of ``sekisho.v1`` and the bodies of the HTTP interface, as types.

One place says what travels: the server decodes with these types (unknown fields in a client's frame are ``malformed``),
the web client's ``protocol.ts`` is generated from them, and the interface's documentation is tested against them.
Ids are opaque ASCII of at most 64 characters, times RFC 3339 UTC with milliseconds, ``seq`` starts at 1.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

SUBPROTOCOL = "sekisho.v1"
MAX_FRAME = 64 * 1024

RoomKind = Literal["direct", "group", "channel"]
ReleaseState = Literal["quarantined", "released", "refused", "needs_password", "awaiting_approval"]
Treatment = Literal["pass", "rebuild", "flatten", "forbid"]
NoticeReason = Literal["busy", "storage"]
Paused = Literal["marks", "previews", "search", "uploads", "posts"]


# What a client sends -------------------------------------------------------------------------------------------------


class Hello(Struct, tag_field="op", tag="hello", forbid_unknown_fields=True):
    """First frame of a connection. ``cursors`` maps a room to the last seq the client holds; 0 means from the start.
    ``incarnation``: that of the ``ready`` under which it got them. ``notices``: tell this client when the server rests
    from something (``notice``)."""

    token: str | None = None
    cursors: dict[str, int] = {}
    incarnation: str | None = None
    notices: bool = False


class Post(Struct, tag_field="op", tag="post", forbid_unknown_fields=True):
    """Post a message; answered by ``ack`` or ``refused`` with the same ``ref``. Safe to send again."""

    ref: int
    room: str
    client_msg_id: str
    text: str = ""
    attachments: list[str] = []
    reply_to: str | None = None


class Read(Struct, tag_field="op", tag="read", forbid_unknown_fields=True):
    """Everything in the room up to ``seq`` has been seen by this person. Not answered."""

    room: str
    seq: int


ClientFrame = Hello | Post | Read


# What both HTTP and WebSocket carry ----------------------------------------------------------------------------------


class Actor(Struct):
    """Who acted."""

    login: str
    name: str
    org: str


class User(Struct):
    """The person who is logged in."""

    login: str
    name: str
    org: str
    org_name: str
    section: str
    roles: list[str]


class Audience(Struct):
    """Who reads what is posted to a room: shown above the composer before a message leaves."""

    people: int
    other_organisations: int
    zones: list[str]


class RoomView(Struct):
    """A room as one person sees it in the room list. ``head`` is the last seq, ``read`` the last one they saw."""

    id: str
    kind: RoomKind
    name: str
    head: int
    read: int
    audience: Audience
    zones: list[str]
    unread: int


class AttachmentInMessage(Struct):
    """An attachment named by a message. ``size`` is the received size in bytes."""

    id: str
    name: str
    size: int


class MessageView(Struct):
    """A message as a zone may read it."""

    id: str
    author: Actor
    text: str
    made_in: str
    attachments: list[AttachmentInMessage]
    reply_to: str | None
    client_msg_id: str


class MessagePosted(Struct, tag_field="type", tag="message.posted"):
    message: MessageView


class MessageWithheld(Struct, tag_field="type", tag="message.withheld"):
    """Something was said here that may not be read in this zone: no text, no name, no size."""


class AttachmentJudged(Struct, tag_field="type", tag="attachment.judged"):
    """The verdict on a posted attachment changed; the reader fetches ``GET attachments/{id}`` for the whole of it."""

    attachment: str
    zones: dict[str, ZoneRelease]


class MembersChanged(Struct, tag_field="type", tag="members.changed"):
    joined: list[Actor]
    left: list[Actor]


RoomEvent = MessagePosted | MessageWithheld | AttachmentJudged | MembersChanged


class EventView(Struct):
    """One entry of ``GET rooms/{room}/events``."""

    seq: int
    at: str
    actor: Actor
    event: RoomEvent


class ZoneRelease(Struct, omit_defaults=True):
    """What one zone may read of an attachment. ``code`` says why not, where it may not."""

    treatment: Treatment
    state: ReleaseState
    code: str | None = None


class ComparedPage(Struct):
    """A page that differs from the original's, counted from 1. ``place``: where, as left, top, right and bottom in
    thousandths of the page. ``original``, ``rebuilt``: whether there is a picture of it at ``comparison``."""

    page: int
    place: list[int] | None
    original: bool
    rebuilt: bool


class ComparisonView(Struct):
    """How like its original the rebuilt file looks, worked out after the verdict; the numbers are the report's
    ``similarity``. ``pages`` are those that differ. ``on_request``: an Office file, compared when somebody asks for it
    (``POST attachments/{id}/comparison``)."""

    state: Literal["waiting", "done", "on_request"]
    pages: list[ComparedPage]


class AttachmentView(Struct):
    """``GET attachments/{id}``. ``report`` is the sanitizer's report for the caller's zone, null before the verdict;
    ``comparison`` is null where nothing was rebuilt."""

    id: str
    name: str
    size: int
    room: str
    posted: bool
    uploader: Actor
    at: str
    zones: dict[str, ZoneRelease]
    report: dict[str, Any] | None
    thumbnail: bool
    receipt: bool
    comparison: ComparisonView | None


# What a server sends -------------------------------------------------------------------------------------------------


class Ready(Struct, tag_field="op", tag="ready"):
    """``incarnation`` names this history: another one than before says that a backup was brought back since."""

    user: User
    zone: str
    rooms: list[RoomView]
    incarnation: str


class Ack(Struct, tag_field="op", tag="ack"):
    ref: int
    message_id: str
    seq: int


class Refused(Struct, tag_field="op", tag="refused", omit_defaults=True):
    ref: int
    code: str
    message: str
    advice: str | UnsetType = UNSET


class Event(Struct, tag_field="op", tag="event"):
    room: str
    seq: int
    at: str
    actor: Actor
    event: RoomEvent


class Room(Struct, tag_field="op", tag="room"):
    """Joined or created: events after ``after`` follow."""

    room: RoomView
    after: int


class RoomLeft(Struct, tag_field="op", tag="room_left"):
    room: str


class Reset(Struct, tag_field="op", tag="reset"):
    """The cursor is beyond the head, pruned, or of a history that was given up by a restore: load the room afresh from
    ``head``."""

    room: str
    head: int


class Resync(Struct, tag_field="op", tag="resync"):
    """Too slow: come back with your cursors; the close code 4008 follows."""


class ReadMark(Struct, tag_field="op", tag="read_mark"):
    """This person's read mark moved, here or on another device."""

    room: str
    seq: int


class AttachmentChanged(Struct, tag_field="op", tag="attachment"):
    """To the uploader only, before and after posting: the state of an own upload changed."""

    attachment: str
    zones: dict[str, ZoneRelease]


class ServerNotice(Struct, tag_field="op", tag="notice"):
    """To those whose ``hello`` asked for it, after ``ready`` (unless all is well) and whenever it changes: what the
    server rests from. ``paused`` is in the order in which it is given up; ``posts`` are refused only on a full disk.
    It comes back by itself."""

    why: list[NoticeReason]
    paused: list[Paused]


ServerFrame = (
    Ready | Ack | Refused | Event | Room | RoomLeft | Reset | Resync | ReadMark | AttachmentChanged | ServerNotice
)


# Close codes (RFC 6455 section 7.4; 4000–4999 are ours) --------------------------------------------------------------

CLOSE_GOING_AWAY = 1001
CLOSE_UNSUPPORTED = 1003
CLOSE_TOO_BIG = 1009
CLOSE_UNAUTHENTICATED = 4001
CLOSE_ENDED = 4003
CLOSE_RESYNC = 4008
