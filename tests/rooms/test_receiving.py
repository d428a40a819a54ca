"""The life of an attachment: who may bring one, what each zone gets, tries, verdicts, receipts, passwords, the end."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.town import CHECKPOINT_SEED, RECEIPT_SEED, Town, chance

from rooms.attachment import MAX_TRIES, NEXT, Attachment, Release, may_become
from rooms.commands import SERVER
from rooms.commands.gathering import OpenRoom
from rooms.commands.receiving import (
    ForgetOriginal,
    GiveBackTry,
    GivePassword,
    JudgeAttachment,
    ReceiveAttachment,
    StartTry,
)
from rooms.receipt import verify_receipt
from rooms.refusals import Refusal
from rooms.store.receiving import attachment_by_id, known_blobs, waiting_attachments

SHA = "ab" * 32
OUT = "cd" * 32


async def _received(town: Town, room: str, by: str = "sato", zone: str = "internet", **more: Any) -> Any:
    given: dict[str, Any] = {"name": "申請書.pdf", "size": 10, "sha256": SHA, "blob": f"b_{chance().hex()}"}
    return await town.do(ReceiveAttachment(town.origin(by, zone), room, chance=chance(), **(given | more)))


def _report(zone_kind: str = "javascript") -> dict[str, Any]:
    return {
        "removed": [{"kind": zone_kind, "count": 2, "where": ""}, {"kind": zone_kind, "count": 3, "where": "page 1"}],
        "input": {"type": "application/pdf"},
        "verified": {"by": "sanitizer.verify.pdf", "ok": True, "grammar": "pdf-1"},
        "engine": "sekisho-sanitizer/1",
    }


def _released(zone: str, treatment: str = "rebuild") -> Release:
    return Release(zone, treatment, "released", None, "b_out", OUT, 8, "application/pdf", None, _report(), "b_thumb")


async def _stored(town: Town, attachment: str) -> Attachment | None:
    async with town.database.read() as connection:
        return await attachment_by_id(connection, attachment)


async def test_each_zone_gets_its_treatment(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    from_outside = await _received(town, room.id)
    assert {z: (r.treatment, r.state) for z, r in from_outside.releases.items()} == {
        "internet": ("rebuild", "quarantined"),
        "lgwan": ("rebuild", "quarantined"),
    }
    from_inside = await _received(town, room.id, zone="lgwan")
    assert {z: r.treatment for z, r in from_inside.releases.items()} == {"internet": "rebuild", "lgwan": "pass"}
    assert await _stored(town, from_inside.id) == from_inside


async def test_only_members_bring_files_and_only_into_the_room(town: Town) -> None:
    room, other = await town.room("sato", "suzuki"), await town.room("sato")
    assert (await _received(town, room.id, "tanaka")).code == "not_found"
    assert (await _received(town, room.id, size=0)).reason == "empty_file"
    attachment = await _received(town, room.id)
    for by, where in (("sato", other.id), ("suzuki", room.id)):
        refused = await town.do(town.post(by, where, "これ", attachments=(attachment.id,)))
        assert (refused.code, refused.reason) == ("invalid", "unknown_attachment")
    posted = await town.posted("sato", room.id, "", attachments=(attachment.id,))
    again = await town.do(town.post("sato", room.id, "もう一度", attachments=(attachment.id,)))
    assert again.reason == "unknown_attachment"
    stored = await _stored(town, attachment.id)
    assert stored is not None
    assert (stored.message, stored.seq) == (posted.message_id, posted.seq)


async def test_a_my_number_in_a_file_name_stays_inside(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    named = {"name": "マイナンバー123456789018.pdf"}
    assert (await _received(town, room.id, zone="lgwan", **named)).reason == "my_number_in_name"
    closed = OpenRoom(town.origin("sato"), "group", "庁内", (), chance(), frozenset({"lgwan"}))
    inside = (await town.do(closed)).room
    assert isinstance(await _received(town, inside.id, zone="lgwan", **named), Attachment)


async def test_quotas_hold(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    town.drain.terms = town.drain.terms._replace(quota_person=25)
    assert isinstance(await _received(town, room.id), Attachment)
    assert isinstance(await _received(town, room.id), Attachment)
    refused = await _received(town, room.id)
    assert (refused.code, refused.reason) == ("too_large", "quota_exceeded")
    assert isinstance(await _received(town, room.id, "suzuki"), Attachment)


async def test_a_file_is_poison_after_three_tries(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    attachment = await _received(town, room.id)
    for n in range(MAX_TRIES):
        assert (await town.do(StartTry(SERVER, attachment.id))).tries == n + 1
    await town.do(GiveBackTry(SERVER, attachment.id))
    assert (await town.do(StartTry(SERVER, attachment.id))).tries == MAX_TRIES
    assert await town.do(StartTry(SERVER, attachment.id)) is None
    stored = await _stored(town, attachment.id)
    assert stored is not None
    assert {(r.state, r.code) for r in stored.releases.values()} == {("refused", "crashed")}
    async with town.database.read() as connection:
        assert await waiting_attachments(connection, 10) == []


async def test_a_verdict_is_an_event_and_a_receipt(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    attachment = await _received(town, room.id)
    await town.posted("sato", room.id, "どうぞ", attachments=(attachment.id,))
    await town.do(JudgeAttachment(SERVER, attachment.id, (_released("lgwan"), _released("internet"))))
    stored = await _stored(town, attachment.id)
    assert stored is not None
    document = stored.releases["lgwan"].receipt
    assert document is not None
    public = Ed25519PrivateKey.from_private_bytes(RECEIPT_SEED).public_key().public_bytes_raw()
    receipt = verify_receipt(document, public)
    assert (receipt.made_in, receipt.read_in, receipt.treatment) == ("internet", "lgwan", "rebuild")
    assert (receipt.input.sha256, receipt.output.sha256, receipt.grammar) == (SHA, OUT, "pdf-1")
    assert [(r.kind, r.count) for r in receipt.removed] == [("javascript", 5)]
    assert receipt.leaf == town.drain.frontier.size - 1
    assert CHECKPOINT_SEED != RECEIPT_SEED
    last = town.told[-1].changes[-1]
    assert last.event.seq == 2  # type: ignore[attr-defined]
    assert "b_out" in await _blobs(town)


async def _blobs(town: Town) -> set[str]:
    async with town.database.read() as connection:
        return await known_blobs(connection)


async def test_what_passes_has_no_receipt(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    attachment = await _received(town, room.id, zone="lgwan")
    passed = msgspec.structs.replace(_released("lgwan", "pass"), blob=None)
    await town.do(JudgeAttachment(SERVER, attachment.id, (passed,)))
    stored = await _stored(town, attachment.id)
    assert stored is not None
    assert stored.releases["lgwan"].receipt is None
    assert stored.releases["internet"].state == "quarantined"


async def test_a_verdict_cannot_be_reversed_into_a_release(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    attachment = await _received(town, room.id)
    no = Release("lgwan", "rebuild", "refused", "unreadable")
    await town.do(JudgeAttachment(SERVER, attachment.id, (no,)))
    await town.do(JudgeAttachment(SERVER, attachment.id, (_released("lgwan"),)))
    stored = await _stored(town, attachment.id)
    assert stored is not None
    assert stored.releases["lgwan"].state == "refused"


async def test_a_password_brings_it_back_once(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    attachment = await _received(town, room.id)
    assert (await town.do(GivePassword(town.origin("sato"), attachment.id))).reason == "not_waiting_for_password"
    locked = tuple(Release(z, "rebuild", "needs_password", "needs-password") for z in ("internet", "lgwan"))
    await town.do(JudgeAttachment(SERVER, attachment.id, locked))
    assert (await town.do(GivePassword(town.origin("suzuki"), attachment.id))).code == "not_found"
    back = await town.do(GivePassword(town.origin("sato"), attachment.id))
    assert {r.state for r in back.releases.values()} == {"quarantined"}
    assert back.tries == 0


@pytest.mark.parametrize("posted", [True, False])
async def test_forgetting_an_original(town: Town, posted: bool) -> None:
    room = await town.room("sato", "suzuki")
    attachment = await _received(town, room.id)
    if posted:
        await town.posted("sato", room.id, "どうぞ", attachments=(attachment.id,))
        verdicts = (_released("internet"), Release("lgwan", "rebuild", "refused", "unreadable"))
        await town.do(JudgeAttachment(SERVER, attachment.id, verdicts))
    await town.do(ForgetOriginal(SERVER, attachment.id, posted))
    stored = await _stored(town, attachment.id)
    assert (stored is not None) is posted
    assert attachment.blob not in await _blobs(town)
    assert not isinstance(await town.do(ForgetOriginal(SERVER, attachment.id, posted)), Refusal)


async def test_an_upload_that_is_posted_at_the_last_moment_is_not_forgotten(town: Town) -> None:
    """Retention found it unposted; before the writer gets there, it is posted."""
    room = await town.room("sato", "suzuki")
    attachment = await _received(town, room.id)
    await town.posted("sato", room.id, "どうぞ", attachments=(attachment.id,))
    await town.do(ForgetOriginal(SERVER, attachment.id, posted=False))
    stored = await _stored(town, attachment.id)
    assert stored is not None and not stored.original_gone
    assert attachment.blob in await _blobs(town)


@pytest.mark.parametrize(
    "waiting",
    [
        Release("lgwan", "rebuild", "quarantined"),
        Release("lgwan", "rebuild", "needs_password", "needs-password"),
        Release("lgwan", "pass", "released", sha256=SHA, size=10, mime="text/plain"),
    ],
    ids=["quarantined", "needs_password", "pass"],
)
async def test_an_original_that_is_still_needed_is_not_forgotten(town: Town, waiting: Release) -> None:
    room = await town.room("sato", "suzuki")
    attachment = await _received(town, room.id)
    await town.posted("sato", room.id, "どうぞ", attachments=(attachment.id,))
    await town.do(JudgeAttachment(SERVER, attachment.id, (_released("internet"), waiting)))
    await town.do(ForgetOriginal(SERVER, attachment.id, posted=True))
    stored = await _stored(town, attachment.id)
    assert stored is not None and not stored.original_gone


def test_the_table_of_states_ends() -> None:
    assert not any(may_become("refused", then) for then in NEXT)
    assert may_become("released", "refused")
    assert not may_become("released", "quarantined")
