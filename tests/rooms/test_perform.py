"""The drain: durable before told, in order, idempotent, one bad item harming no other."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text
from support.town import Town, chance, open_town

from rooms.audit import Frontier, decode_leaf, leaf_hash
from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.commands.noting import MakeCheckpoint
from rooms.commands.posting import MarkRead
from rooms.decide.gathering import Opened
from rooms.refusals import Refusal
from rooms.store.audit import all_checkpoints, all_leaves
from rooms.store.gathering import rooms_of
from rooms.store.posting import events_after, events_before
from rooms.world import Posted


async def test_posts_take_gapless_places(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    answers = await asyncio.gather(*(town.do(town.post("sato", room.id, f"第{i}報")) for i in range(300)))
    assert [a.seq for a in answers] == list(range(1, 301))
    async with town.database.read() as connection:
        events = await connection.run_sync(events_after, room.id, 0, 500)
        assert [e.seq for e in events] == list(range(1, 301))
        assert [e.seq for e in await connection.run_sync(events_before, room.id, 11, 5)] == [6, 7, 8, 9, 10]
        for login, unread in (("suzuki", 300), ("sato", 0)):
            assert (await connection.run_sync(rooms_of, town.people[login].id, "lgwan"))[0].unread == unread


async def test_the_same_client_msg_id_gets_the_first_answer(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    first = await town.do(town.post("sato", room.id, "一度目", "same"))
    again, other = await asyncio.gather(
        town.do(town.post("sato", room.id, "違う内容", "same")), town.do(town.post("suzuki", room.id, "別の人", "same"))
    )
    assert again == Posted(first.message_id, first.seq, True)
    assert other.seq == 2
    both = await asyncio.gather(*(town.do(town.post("sato", room.id, "同時", "twin")) for _ in range(5)))
    assert {a.seq for a in both} == {3}
    assert [a.repeated for a in both] == [False, True, True, True, True]


async def test_a_stranger_finds_nothing(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    refused = await town.do(town.post("tanaka", room.id, "入れて"))
    unknown = await town.do(town.post("tanaka", "r_unknown", "入れて"))
    assert refused == unknown
    assert isinstance(refused, Refusal)
    assert refused.code == "not_found"


async def test_a_room_that_is_not_open_to_a_zone_does_not_exist_there(town: Town) -> None:
    closed = OpenRoom(town.origin("sato"), "group", "庁内", ("suzuki",), chance(), frozenset({"lgwan"}))
    room = (await town.do(closed)).room
    refused = await town.do(town.post("sato", room.id, "外から", zone="internet"))
    assert refused.code == "not_found"
    async with town.database.read() as connection:
        assert await connection.run_sync(rooms_of, town.people["sato"].id, "internet") == []
        assert [r.id for r in await connection.run_sync(rooms_of, town.people["sato"].id, "lgwan")] == [room.id]


async def test_a_direct_room_is_one_per_pair(town: Town) -> None:
    one = await town.do(OpenRoom(town.origin("sato"), "direct", "", ("suzuki", "suzuki", "sato"), chance()))
    two = await town.do(OpenRoom(town.origin("suzuki"), "direct", "", ("sato",), chance()))
    assert isinstance(one, Opened) and isinstance(two, Opened)
    assert (one.room.id, one.repeated, two.repeated) == (two.room.id, False, True)
    alone = await town.do(OpenRoom(town.origin("sato"), "direct", "", ("sato",), chance()))
    assert alone.reason == "bad_room"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "empty_message"),
        ("あ" * 20_001, "text_too_long"),
        ("x" * 70_000, "text_too_long"),
    ],
)
async def test_texts_that_are_refused(town: Town, message: str, reason: str) -> None:
    room = await town.room("sato")
    refused = await town.do(town.post("sato", room.id, message))
    assert refused.reason == reason
    assert refused.code == "invalid"


async def test_a_my_number_does_not_leave_the_closed_zone(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    number = "マイナンバーは 123456789018 です"
    assert (await town.do(town.post("sato", room.id, number))).reason == "my_number"
    assert (await town.do(town.post("sato", room.id, number))).code == "forbidden_crossing"
    assert isinstance(await town.do(town.post("sato", room.id, number, zone="internet")), Posted)
    inside = OpenRoom(town.origin("sato"), "group", "庁内", (), chance(), frozenset({"lgwan"}))
    closed = (await town.do(inside)).room
    assert isinstance(await town.do(town.post("sato", closed.id, number)), Posted)


async def test_newcomers_of_a_group_see_it_from_their_joining(town: Town) -> None:
    group = await town.room("sato")
    await town.posted("sato", group.id, "前の話")
    moved = await town.do(ChangeMembers(town.origin("sato"), group.id, ("suzuki",)))
    assert moved.members[town.people["suzuki"].id].after == 1
    channel = await town.room("sato", kind="channel", name="お知らせ")
    await town.posted("sato", channel.id, "前のお知らせ")
    moved = await town.do(ChangeMembers(town.origin("sato"), channel.id, ("suzuki",)))
    assert moved.members[town.people["suzuki"].id].after == 0
    refused = await town.do(ChangeMembers(town.origin("suzuki"), channel.id, ("tanaka",)))
    assert refused.code == "forbidden"
    left = await town.do(ChangeMembers(town.origin("suzuki"), channel.id, (), ("suzuki",)))
    assert town.people["suzuki"].id not in left.members
    assert (await town.do(town.post("suzuki", channel.id, "まだいる?"))).code == "not_found"


async def test_read_marks_only_move_forward(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    for i in range(3):
        await town.posted("sato", room.id, str(i))
    assert await town.do(MarkRead(town.origin("suzuki"), room.id, 99)) == 3
    assert await town.do(MarkRead(town.origin("suzuki"), room.id, 2)) is None


async def test_one_bad_item_harms_no_other(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    short = msgspec.structs.replace(town.post("sato", room.id, "悪い"), chance=b"short")
    answers = await asyncio.gather(
        town.do(town.post("sato", room.id, "前")), town.do(short), town.do(town.post("sato", room.id, "後"))
    )
    assert [getattr(a, "seq", getattr(a, "code", None)) for a in answers] == [1, "internal", 2]


async def test_every_act_and_every_refusal_leaves_a_leaf(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    await town.posted("sato", room.id, "秘密の言葉")
    await town.do(town.post("tanaka", room.id, "だめ"))
    await town.do(MakeCheckpoint(town.origin("sato")))
    leaves = town.database.run_here(lambda c: list(all_leaves(c)))
    assert [index for index, _, _ in leaves] == list(range(len(leaves)))
    assert all(leaf_hash(data) == digest for _, data, digest in leaves)
    last = [decode_leaf(data) for _, data, _ in leaves[-2:]]
    assert [(x.action, x.outcome, x.reason) for x in last] == [
        ("message.post", "done", None),
        ("message.post", "refused", "not_found"),
    ]
    assert not any("秘密".encode() in data for _, data, _ in leaves)
    assert Frontier().extend([digest for _, _, digest in leaves]).root() == town.drain.frontier.root()
    assert [size for size, _ in town.database.run_here(lambda c: list(all_checkpoints(c)))] == [len(leaves)]


async def test_the_audit_table_is_append_only(town: Town) -> None:
    for statement in ("UPDATE audit_leaves SET leaf = x'00'", "DELETE FROM audit_leaves"):
        with pytest.raises(Exception, match="append-only"):
            town.database.run_here(lambda c, s=statement: c.execute(text(s)))  # type: ignore[misc]


async def test_a_cancelled_caller_does_not_hurt_the_writer(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    chooser = random.Random(7)
    for _ in range(200):
        task = asyncio.create_task(town.do(town.post("sato", room.id, "x")))
        await asyncio.sleep(chooser.choice((0, 0, 0.001)))
        task.cancel()
    await asyncio.gather(*(t for t in asyncio.all_tasks() if t.get_coro().__name__ == "do"), return_exceptions=True)  # type: ignore[union-attr]
    last = await town.posted("sato", room.id, "最後")
    async with town.database.read() as connection:
        events = await connection.run_sync(events_after, room.id, 0, 500)
    assert [e.seq for e in events] == list(range(1, last.seq + 1))


async def test_a_full_queue_says_busy(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.performer, "_max_queue", 5)
    room = await town.room("sato")
    answers = await asyncio.gather(*(town.do(town.post("sato", room.id, "x")) for _ in range(20)))
    assert [a.code for a in answers if isinstance(a, Refusal)] == ["busy"] * 15


async def test_a_restart_goes_on_where_it_stopped(tmp_path: Path, town: Town) -> None:
    room = await town.room("sato", "suzuki")
    await town.posted("sato", room.id, "前")
    size = town.drain.frontier.size
    await town.performer.close()
    again = await open_town(tmp_path)
    again.people, again.organisation = town.people, town.organisation
    assert again.drain.frontier.size == size
    posted = await again.posted("sato", room.id, "後", cmid="after")
    assert posted.seq == 2
    await again.performer.close()
    await again.database.close()


async def test_whoever_fails_to_hear_harms_neither_the_writer_nor_those_who_wait(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await town.room("sato", "suzuki")

    def deaf(_: object) -> None:
        raise RuntimeError("Cannot call write() after write_eof()")

    monkeypatch.setattr(town.performer, "_told", deaf)
    first = await asyncio.wait_for(town.do(town.post("sato", room.id, "一")), 5)
    second = await asyncio.wait_for(town.do(town.post("sato", room.id, "二")), 5)
    assert (first.seq, second.seq) == (1, 2)
