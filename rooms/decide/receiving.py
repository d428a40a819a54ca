"""The life of an attachment: received, tried, judged, forgotten. The states and their order are in
``rooms.attachment``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from rooms.attachment import (
    LATER,
    MAX_TRIES,
    Attachment,
    Release,
    first_releases,
    may_become,
    needs_original,
    open_zones,
)
from rooms.commands.receiving import (
    ForgetOriginal,
    GiveBackTry,
    GivePassword,
    JudgeAttachment,
    NoteThumbnail,
    ReceiveAttachment,
    StartTry,
)
from rooms.comparison import Comparison
from rooms.decide import Act, Change, Decision, actor, no
from rooms.decide.comparing import ComparisonWanted
from rooms.decide.posting import EventAppended
from rooms.events import AttachmentJudged, RoomEvent
from rooms.file_name import safe_file_name
from rooms.ids import make_id
from rooms.my_number import find_my_numbers
from rooms.permissions import membership
from rooms.receipt import FileFacts, Receipt, Removed
from rooms.refusals import Refusal, refuse
from rooms.room import Room
from rooms.world import Terms, World

RECEIVE = "attachment.receive"
JUDGE = "attachment.judge"


class AttachmentReceived(Struct, frozen=True):
    attachment: Attachment

    def apply(self, world: World) -> None:
        world.attachments[self.attachment.id] = self.attachment
        for owner in (self.attachment.uploader, self.attachment.organisation):
            world.usage[owner] = (world.usage.get(owner) or 0) + self.attachment.size


class AttachmentMoved(Struct, frozen=True):
    """The attachment with its new states. ``zones`` are those that moved."""

    attachment: Attachment
    zones: tuple[str, ...]

    def apply(self, world: World) -> None:
        world.attachments[self.attachment.id] = self.attachment


class ThumbnailDrawn(Struct, frozen=True):
    """``attachment`` with the thumbnail in all ``zones`` that waited for it."""

    attachment: Attachment
    zones: tuple[str, ...]

    def apply(self, world: World) -> None:
        world.attachments[self.attachment.id] = self.attachment


class TryCounted(Struct, frozen=True):
    attachment: Attachment

    def apply(self, world: World) -> None:
        world.attachments[self.attachment.id] = self.attachment


class OriginalForgotten(Struct, frozen=True):
    """``gone``: the row goes too, because nobody ever posted it."""

    attachment: Attachment
    gone: bool

    def apply(self, world: World) -> None:
        kept = msgspec.structs.replace(self.attachment, original_gone=True)
        world.attachments[self.attachment.id] = None if self.gone else kept


def may_receive(world: World, command: ReceiveAttachment, terms: Terms) -> Room | Refusal:
    """Whether the sender may bring a file of this size and name into the room."""
    person = actor(world, command)
    if isinstance(person, Refusal):
        return person
    room = world.rooms.get(command.room)
    member = membership(person, room, command.origin.zone or "")
    if isinstance(member, Refusal):
        return member
    assert room is not None
    if command.size <= 0:
        return refuse("empty_file")
    if (world.usage.get(person.id) or 0) + command.size > terms.quota_person:
        return refuse("quota_exceeded")
    if (world.usage.get(person.organisation) or 0) + command.size > terms.quota_organisation:
        return refuse("quota_exceeded")
    crossing = terms.table.needs_my_number_check(command.origin.zone or "", room.zones)
    return refuse("my_number_in_name") if crossing and find_my_numbers(command.name).sure else room


def receive_attachment(world: World, command: ReceiveAttachment, now: int, terms: Terms) -> Decision:
    """The file is durable in quarantine; every zone of the room gets its first state."""
    room = may_receive(world, command, terms)
    if isinstance(room, Refusal):
        return no(room, RECEIVE, command.room)
    zone = command.origin.zone or ""
    person = world.people.get(command.origin.person or "")
    assert person is not None
    attachment = Attachment(
        id=make_id("attachment", command.chance),
        room=room.id,
        organisation=person.organisation,
        uploader=person.id,
        name=safe_file_name(command.name).name,
        original_name=command.name,
        size=command.size,
        sha256=command.sha256,
        made_in=zone,
        blob=command.blob,
        at=now,
        tries=0,
        message=None,
        seq=None,
        releases=first_releases(terms.table, zone, room.zones),
    )
    act = Act(RECEIVE, attachment.id, notes={"room": room.id, "size": command.size, "sha256": command.sha256})
    return Decision(attachment, (AttachmentReceived(attachment),), act)


def start_try(world: World, command: StartTry, now: int, terms: Terms) -> Decision:
    """Answers the attachment to try, or None when there is nothing to try any more; poison is refused here."""
    attachment = world.attachments.get(command.attachment)
    if attachment is None or not open_zones(attachment.releases):
        return Decision(None)
    if attachment.tries >= MAX_TRIES:
        poison = tuple(
            msgspec.structs.replace(attachment.releases[zone], state="refused", code="crashed")
            for zone in open_zones(attachment.releases)
        )
        decision = judge_attachment(world, JudgeAttachment(command.origin, attachment.id, poison), now, terms)
        return decision._replace(answer=None)
    tried = msgspec.structs.replace(attachment, tries=attachment.tries + 1)
    return Decision(tried, (TryCounted(tried),))


def give_back_try(world: World, command: GiveBackTry, now: int, terms: Terms) -> Decision:
    """One try fewer; what was judged meanwhile stays."""
    attachment = world.attachments.get(command.attachment)
    if attachment is None or attachment.tries == 0:
        return Decision(None)
    back = msgspec.structs.replace(attachment, tries=attachment.tries - 1)
    return Decision(back, (TryCounted(back),))


def judge_attachment(world: World, command: JudgeAttachment, now: int, terms: Terms) -> Decision:
    """The verdict takes its place: states, receipts, the record and, once posted, an event for the room."""
    attachment = world.attachments.get(command.attachment)
    if attachment is None:
        return Decision(refuse("not_found"))
    moved = {r.zone: r for r in command.releases if _moves(attachment, r)}
    if not moved:
        return Decision(attachment)
    judged = msgspec.structs.replace(
        attachment,
        releases={**attachment.releases, **moved},
    )
    changes: list[Change] = [AttachmentMoved(judged, tuple(moved))]
    compared = sorted({r.treatment for r in moved.values() if _crossed(r) and r.blob})
    changes += [ComparisonWanted(Comparison(judged.id, treatment)) for treatment in compared]
    if judged.seq is not None:
        changes.append(EventAppended(_judged_event(world, judged, now)))
    notes = {zone: release.state for zone, release in sorted(moved.items())}
    act = Act(JUDGE, judged.id, notes=notes)
    receipts = tuple(_receipt(judged, r, now, terms) for r in moved.values() if _crossed(r))
    return Decision(judged, tuple(changes), act, receipts)


def _moves(attachment: Attachment, release: Release) -> bool:
    now = attachment.releases.get(release.zone)
    return now is not None and may_become(now.state, release.state)


def _crossed(release: Release) -> bool:
    return release.state == "released" and release.treatment != "pass"


def _judged_event(world: World, attachment: Attachment, now: int) -> RoomEvent:
    zones: dict[str, tuple[str, str, str | None]] = {
        z: (r.treatment, r.state, r.code) for z, r in attachment.releases.items()
    }
    seq = (world.heads.get(attachment.room) or 0) + 1
    event = AttachmentJudged(attachment.id, zones)
    return RoomEvent(attachment.room, seq, now, attachment.uploader, attachment.made_in, event)


def _receipt(attachment: Attachment, release: Release, now: int, terms: Terms) -> Receipt:
    """What the crossing statement says; the leaf's index (here 0) is known only when the leaf is written."""
    report = release.report or {}
    source = report.get("input") or {}
    verified = report.get("verified") or {}
    return Receipt(
        at=now,
        attachment=attachment.id,
        grammar=str(verified.get("grammar", "")),
        input=FileFacts(attachment.sha256, attachment.size, str(source.get("type", ""))),
        leaf=0,
        made_in=attachment.made_in,
        organisation=attachment.organisation,
        output=FileFacts(release.sha256 or "", release.size or 0, release.mime or ""),
        policy=terms.table.version,
        read_in=release.zone,
        removed=[Removed(count, kind) for kind, count in sorted(_removed(report).items())],
        transformer=str(report.get("engine", "")),
        treatment="flatten" if release.treatment == "flatten" else "rebuild",
        verifier=str(verified.get("by", "")),
    )


def _removed(report: Mapping[str, Any]) -> Counter[str]:
    """How many of each kind were taken out, wherever they were."""
    counts: Counter[str] = Counter()
    for entry in report.get("removed", ()):
        counts[entry["kind"]] += entry["count"]
    return counts


def note_thumbnail(world: World, command: NoteThumbnail, now: int, terms: Terms) -> Decision:
    """Answers whether somebody waited for it."""
    attachment = world.attachments.get(command.attachment)
    waits = {
        zone: msgspec.structs.replace(release, thumbnail=command.thumbnail)
        for zone, release in (attachment.releases if attachment is not None else {}).items()
        if (release.treatment, release.state, release.thumbnail) == (command.treatment, "released", LATER)
    }
    if attachment is None or not waits:
        return Decision(False)
    drawn = msgspec.structs.replace(attachment, releases={**attachment.releases, **waits})
    return Decision(True, (ThumbnailDrawn(drawn, tuple(waits)),))


def give_password(world: World, command: GivePassword, now: int, terms: Terms) -> Decision:
    """Back to quarantine in every zone that waits for a password; tries start again."""
    person = actor(world, command)
    if isinstance(person, Refusal):
        return no(person, "attachment.password", command.attachment)
    attachment = world.attachments.get(command.attachment)
    if attachment is None or attachment.uploader != person.id:
        return no(refuse("not_found"), "attachment.password", command.attachment)
    waiting = tuple(z for z, r in attachment.releases.items() if r.state == "needs_password")
    if not waiting:
        return no(refuse("not_waiting_for_password"), "attachment.password", attachment.id)
    back = {z: msgspec.structs.replace(attachment.releases[z], state="quarantined", code=None) for z in waiting}
    again = msgspec.structs.replace(attachment, releases={**attachment.releases, **back}, tries=0)
    return Decision(again, (AttachmentMoved(again, waiting),), Act("attachment.password", attachment.id))


def forget_original(world: World, command: ForgetOriginal, now: int, terms: Terms) -> Decision:
    """Retention: the received bytes go; what was never posted goes altogether. Bytes that are still served, judged or
    waited for stay, whatever was found before.
    """
    attachment = world.attachments.get(command.attachment)
    if attachment is None or (attachment.message is not None) != command.posted:
        return Decision(None)
    if command.posted and (attachment.original_gone or needs_original(attachment.releases)):
        return Decision(None)
    gone = not command.posted
    act = Act("attachment.forget", attachment.id, notes={"posted": not gone})
    return Decision(attachment, (OriginalForgotten(attachment, gone),), act)
