"""Messages, events and read marks: the hot path."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, tuple_, update

from rooms.commands.posting import MarkRead, PostMessage
from rooms.decide.posting import AttachmentPosted, EventAppended, MessageKept, ReadMarkMoved
from rooms.events import RoomEvent, encode, kind_of
from rooms.store.event_rows import COLUMNS, check_of, event_of
from rooms.store.gathering import load_rooms
from rooms.store.people import load_people
from rooms.store.prepared import Prepared
from rooms.store.receiving import load_attachments
from rooms.store.schema import attachments, events, messages, outbox, read_marks, rooms
from rooms.world import Posted, World

_KEY = ("author", "room", "client_msg_id")
_POSTED = Prepared(
    select(*(messages.c[name] for name in _KEY), messages.c.id, messages.c.seq).where(
        *(messages.c[name] == bindparam(name) for name in _KEY)
    ),
    *_KEY,
)
_HEAD = Prepared(
    update(rooms).where(rooms.c.id == bindparam("b_id")).values(head=bindparam("b_head")), "b_id", "b_head"
)
_SHOWN = (
    update(attachments)
    .where(attachments.c.id == bindparam("b_id"))
    .values(message=bindparam("b_message"), seq=bindparam("b_seq"))
)
_INSERT_EVENTS = Prepared(insert(events), "room", "seq", "at", "actor", "made_in", "kind", "body", "crc")
_INSERT_MESSAGES = Prepared(insert(messages), *_KEY, "id", "seq")
_INSERT_OUTBOX = Prepared(insert(outbox), "topic", "room", "seq")


def load_post_message(connection: Connection, commands: Sequence[PostMessage], world: World) -> None:
    """Who posts, where, and what was answered to the same ``client_msg_id`` before."""
    load_people(connection, (c.origin.person for c in commands), world)
    load_rooms(connection, (c.room for c in commands), world)
    keys = [(c.origin.person or "", c.room, c.client_msg_id) for c in commands]
    for author, room, client_msg_id, message_id, seq in _POSTED.find(connection, keys):
        world.posted[author, room, client_msg_id] = Posted(message_id, seq, True)
    load_attachments(connection, (a for c in commands for a in c.attachments), world)
    replies = [c.reply_to for c in commands if c.reply_to]
    if replies:
        statement = select(messages.c.id, messages.c.room).where(messages.c.id.in_(replies))
        for row in connection.execute(statement):
            world.messages[row.id] = row.room


def load_mark_read(connection: Connection, commands: Sequence[MarkRead], world: World) -> None:
    load_people(connection, (c.origin.person for c in commands), world)
    load_rooms(connection, (c.room for c in commands), world)
    keys = [(c.origin.person or "", c.room) for c in commands]
    statement = select(read_marks).where(tuple_(read_marks.c.person, read_marks.c.room).in_(keys))
    for row in connection.execute(statement):
        world.read_marks[row.person, row.room] = row.seq


def write_events(connection: Connection, changes: Sequence[EventAppended]) -> None:
    """The events, each room's new head, and what must follow from them (``outbox``)."""
    appended = [change.event for change in changes]
    _INSERT_EVENTS.run(connection, (_row(event) for event in appended))
    _INSERT_OUTBOX.run(connection, (("event", e.room, e.seq) for e in appended))
    _HEAD.run(connection, {e.room: e.seq for e in appended}.items())


def _row(event: RoomEvent) -> tuple[str, int, int, str, str, str, bytes, int]:
    room, seq, at, actor, made_in, what = event.room, event.seq, event.at, event.actor, event.made_in, event.event
    body = encode(what)
    return room, seq, at, actor, made_in, kind_of(what), body, check_of(room, seq, at, actor, made_in, body)


def write_messages(connection: Connection, changes: Sequence[MessageKept]) -> None:
    _INSERT_MESSAGES.run(connection, ((c.author, c.room, c.client_msg_id, c.id, c.seq) for c in changes))


def write_posted_attachments(connection: Connection, changes: Sequence[AttachmentPosted]) -> None:
    rows = [{"b_id": a.id, "b_message": a.message, "b_seq": a.seq} for a in (c.attachment for c in changes)]
    connection.execute(_SHOWN, rows)


def write_read_marks(connection: Connection, changes: Sequence[ReadMarkMoved]) -> None:
    # Only the one that is in use: importing the other takes a twentieth of the time of a start.
    dialect: Any = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    statement = dialect.insert(read_marks)
    upsert = statement.on_conflict_do_update(
        index_elements=[read_marks.c.person, read_marks.c.room], set_={"seq": statement.excluded.seq}
    )
    last = {(c.person, c.room): c.seq for c in changes}
    connection.execute(upsert, [{"person": p, "room": r, "seq": seq} for (p, r), seq in last.items()])


_AFTER = Prepared(
    select(*COLUMNS)
    .where(events.c.room == bindparam("room"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(bindparam("n")),
    "room",
    "after",
    "n",
)
_BEFORE = Prepared(
    select(*COLUMNS)
    .where(
        events.c.room == bindparam("room"),
        events.c.seq > bindparam("after"),
        events.c.seq < bindparam("before"),
    )
    .order_by(events.c.seq.desc())
    .limit(bindparam("n")),
    "room",
    "after",
    "before",
    "n",
)
_HEAD_OF = Prepared(select(rooms.c.head).where(rooms.c.id == bindparam("room")), "room")


def events_after(connection: Connection, room: str, after: int, limit: int) -> list[RoomEvent]:
    """The next events of a room, ascending."""
    rows = _AFTER.find(connection, [(room, after, limit)])
    return [event_of(row) for row in rows]


def events_before(connection: Connection, room: str, before: int, limit: int, *, after: int = 0) -> list[RoomEvent]:
    """The last events before a seq, ascending; none up to ``after``."""
    rows = _BEFORE.find(connection, [(room, after, before, limit)])
    return [event_of(row) for row in reversed(rows)]


def head_of(connection: Connection, room: str) -> int:
    """The room's last seq, 0 for an empty one."""
    return int(_HEAD_OF.find(connection, [(room,)])[0][0])
