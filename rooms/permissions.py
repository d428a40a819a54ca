"""Who may do what: pure questions, answered by None or by the refusal that says why.

Rules: a room that does not exist in the caller's zone, or of which the caller is no member, is ``not_found`` (the
same answer as for a room that never was); an inactive person may do nothing; administration needs the role, never
the network alone.
"""

from __future__ import annotations

from rooms.attachment import Attachment
from rooms.people import ADMINISTRATOR, Person
from rooms.refusals import Refusal, refuse
from rooms.room import Member, Room


def may_act(person: Person | None, zone: str) -> Refusal | None:
    """Whether the person may act from this zone at all."""
    if person is None or not person.active:
        return refuse("session_ended")
    return None if zone in person.zones else refuse("session_ended")


def membership(person: Person, room: Room | None, zone: str) -> Member | Refusal:
    """The caller's membership of a room that exists for it, or ``not_found``."""
    if room is None or zone not in room.zones:
        return refuse("not_found")
    member = room.members.get(person.id)
    return member if member is not None else refuse("not_found")


def may_manage_members(person: Person, room: Room | None, zone: str, *, removing: bool = False) -> Refusal | None:
    """Any member of a group may bring others in; who leads a room (managers, administrators among its members) may
    besides bring others in to a channel and put others out; nobody changes who is in a direct room.
    """
    member = membership(person, room, zone)
    if isinstance(member, Refusal):
        return member
    assert room is not None
    if room.kind == "direct":
        return refuse("forbidden")
    if member.manager or ADMINISTRATOR in person.roles:
        return None
    return None if room.kind == "group" and not removing else refuse("forbidden")


def may_see_attachment(person: Person, room: Room | None, attachment: Attachment | None, zone: str) -> Refusal | None:
    """The uploader before posting; after it every member whose history reaches back to the post."""
    if attachment is None:
        return refuse("not_found")
    member = membership(person, room, zone)
    if isinstance(member, Refusal):
        return member
    if attachment.uploader == person.id:
        return None
    if attachment.seq is None or attachment.seq <= member.after:
        return refuse("not_found")
    return None


def may_administer(person: Person) -> Refusal | None:
    return None if ADMINISTRATOR in person.roles else refuse("forbidden")
