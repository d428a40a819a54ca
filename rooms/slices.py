"""The registry of what people can do: for each command what to load and how to decide, for each change how to write it.

A new capability adds its lines here. The order of ``WRITES`` is the order of writing within a drain: parents
before children.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from rooms.commands import Command
from rooms.commands.api_keys import AddApiKey, RevokeApiKey
from rooms.commands.comparing import AskComparison, GiveBackComparison, NoteComparison, StartComparison
from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.commands.indexing import IndexEvents
from rooms.commands.noting import MakeCheckpoint, NoteAct
from rooms.commands.people import AddOrganisation, AddPerson, AddSection, SetActive, SetPassword, SetRoles, SetZones
from rooms.commands.posting import MarkRead, PostMessage
from rooms.commands.receiving import (
    ForgetOriginal,
    GiveBackTry,
    GivePassword,
    JudgeAttachment,
    NoteThumbnail,
    ReceiveAttachment,
    StartTry,
)
from rooms.commands.restoring import BeginIncarnation
from rooms.commands.sessions import EndSession, EndSessionsOf, FailLogin, OpenSession, TouchSession
from rooms.decide import (
    Decision,
    api_keys,
    comparing,
    gathering,
    indexing,
    noting,
    people,
    posting,
    receiving,
    restoring,
    sessions,
)
from rooms.store import api_keys as store_api_keys
from rooms.store import comparing as store_comparing
from rooms.store import gathering as store_gathering
from rooms.store import people as store_people
from rooms.store import posting as store_posting
from rooms.store import receiving as store_receiving
from rooms.store import restoring as store_restoring
from rooms.store import search as store_search
from rooms.store import sessions as store_sessions
from rooms.world import World


class Slice(NamedTuple):
    load: Callable[[Connection, Sequence[Any], World], None]
    decide: Callable[..., Decision]


def _nothing(connection: Connection, commands: Sequence[Command], world: World) -> None:
    """Nothing needs loading."""


SLICES: dict[type[Command], Slice] = {
    PostMessage: Slice(store_posting.load_post_message, posting.post_message),
    MarkRead: Slice(store_posting.load_mark_read, posting.mark_read),
    OpenRoom: Slice(store_gathering.load_open_room, gathering.open_room),
    ChangeMembers: Slice(store_gathering.load_change_members, gathering.change_members),
    ReceiveAttachment: Slice(store_receiving.load_receive, receiving.receive_attachment),
    StartTry: Slice(store_receiving.load_named_attachments, receiving.start_try),
    GiveBackTry: Slice(store_receiving.load_named_attachments, receiving.give_back_try),
    JudgeAttachment: Slice(store_receiving.load_named_attachments, receiving.judge_attachment),
    GivePassword: Slice(store_receiving.load_named_attachments, receiving.give_password),
    NoteThumbnail: Slice(store_receiving.load_named_attachments, receiving.note_thumbnail),
    ForgetOriginal: Slice(store_receiving.load_named_attachments, receiving.forget_original),
    AskComparison: Slice(store_comparing.load_comparisons, comparing.ask_comparison),
    StartComparison: Slice(store_comparing.load_comparisons, comparing.start_comparison),
    GiveBackComparison: Slice(store_comparing.load_comparisons, comparing.give_back_comparison),
    NoteComparison: Slice(store_comparing.load_comparisons, comparing.note_comparison),
    OpenSession: Slice(store_sessions.load_login, sessions.open_session),
    FailLogin: Slice(store_sessions.load_login, sessions.fail_login),
    TouchSession: Slice(store_sessions.load_sessions, sessions.touch_session),
    EndSession: Slice(store_sessions.load_sessions, sessions.end_session),
    EndSessionsOf: Slice(store_sessions.load_sessions_of_named, sessions.end_sessions_of),
    AddOrganisation: Slice(store_people.load_organisations, people.add_organisation),
    AddSection: Slice(store_people.load_sections, people.add_section),
    AddPerson: Slice(store_people.load_sections, people.add_person),
    SetPassword: Slice(store_sessions.load_sessions_of_named, people.set_password),
    SetActive: Slice(store_sessions.load_sessions_of_named, people.set_active),
    SetRoles: Slice(store_people.load_administration, people.set_roles),
    SetZones: Slice(store_sessions.load_sessions_of_named, people.set_zones),
    AddApiKey: Slice(store_api_keys.load_api_keys, api_keys.add_api_key),
    RevokeApiKey: Slice(store_api_keys.load_api_keys, api_keys.revoke_api_key),
    IndexEvents: Slice(store_search.load_outbox, indexing.index_events),
    BeginIncarnation: Slice(_nothing, restoring.begin_incarnation),
    NoteAct: Slice(_nothing, noting.note_act),
    MakeCheckpoint: Slice(_nothing, noting.make_checkpoint),
}

WRITES: dict[type[Any], Callable[[Connection, Sequence[Any]], None]] = {
    people.OrganisationAdded: store_people.write_organisations,
    people.SectionAdded: store_people.write_sections,
    people.PersonAdded: store_people.write_people,
    people.PersonChanged: store_people.write_changed_people,
    people.PasswordSet: store_people.write_passwords,
    sessions.SessionOpened: store_sessions.write_opened,
    sessions.SessionSeen: store_sessions.write_seen,
    sessions.SessionEnded: store_sessions.write_ended,
    sessions.LoginTried: store_sessions.write_login_tries,
    api_keys.ApiKeyAdded: store_api_keys.write_added,
    api_keys.ApiKeyRevoked: store_api_keys.write_revoked,
    gathering.RoomOpened: store_gathering.write_rooms,
    gathering.MembersMoved: store_gathering.write_members,
    receiving.AttachmentReceived: store_receiving.write_received,
    receiving.TryCounted: store_receiving.write_tries,
    posting.EventAppended: store_posting.write_events,
    posting.MessageKept: store_posting.write_messages,
    posting.AttachmentPosted: store_posting.write_posted_attachments,
    receiving.AttachmentMoved: store_receiving.write_moved,
    receiving.ThumbnailDrawn: store_receiving.write_drawn,
    comparing.ComparisonWanted: store_comparing.write_wanted,
    comparing.ComparisonMoved: store_comparing.write_comparisons,
    receiving.OriginalForgotten: store_receiving.write_forgotten,
    posting.ReadMarkMoved: store_posting.write_read_marks,
    indexing.EventsIndexed: store_search.write_indexed,
    restoring.IncarnationBegun: store_restoring.write_incarnations,
}
