"""A restored history is another one: which of a client's cursors still speak of what there is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select
from support.town import Town, chance

from rooms.commands import SERVER
from rooms.commands.restoring import BeginIncarnation
from rooms.store.restoring import Lineage, lineage
from rooms.store.schema import audit_leaves
from server import incarnations
from server.incarnations import FIRST, Incarnations

R = "r_1"


async def found(town: Town) -> Lineage:
    async with town.database.read() as connection:
        return await lineage(connection)


async def last_leaf(town: Town) -> dict[str, Any]:
    async with town.database.read() as connection:
        row = await connection.execute(select(audit_leaves.c.leaf).order_by(audit_leaves.c.idx.desc()).limit(1))
        leaf: dict[str, Any] = json.loads(row.scalar_one())
        return leaf


async def test_each_restore_begins_an_incarnation_and_keeps_the_lowest_heads(town: Town) -> None:
    assert await found(town) == Lineage((), {})
    room = await town.room("sato", "suzuki")
    await town.posted("sato", room.id, "一")
    first = await town.do(BeginIncarnation(SERVER, chance(), "sha256:1", {"leaves": 7}))
    await town.posted("sato", room.id, "二")
    later = await town.room("sato", "tanaka")
    second = await town.do(BeginIncarnation(SERVER, chance(), "sha256:2"))
    third = await town.do(BeginIncarnation(SERVER, chance(), "sha256:2"))
    assert len({first, second, third}) == 3
    assert await found(town) == Lineage((first, second, third), {room.id: 1, later.id: 0})


async def test_the_incarnation_is_on_record_with_what_was_restored(town: Town) -> None:
    incarnation = await town.do(BeginIncarnation(SERVER, chance(), "sha256:1", {"leaves": 7}))
    leaf = await last_leaf(town)
    assert (leaf["action"], leaf["object"]) == ("installation.restore", "sha256:1")
    assert leaf["notes"] == {"leaves": 7, "incarnation": incarnation}


def test_where_nothing_was_ever_restored_every_cursor_is_good_but_those_of_a_restored_server() -> None:
    never = Incarnations()
    assert never.current == FIRST
    assert never.judge(None, "s")(R, 99) and never.judge(None, "s")(R, 99)
    assert never.judge(FIRST, "s")(R, 99)
    assert not never.judge("i_other", "s")(R, 1)


def test_cursors_of_this_history_are_good_others_as_far_as_they_share_it() -> None:
    restored = Incarnations(Lineage(("i_2", "i_3"), {R: 50}))
    assert restored.current == "i_3"
    assert restored.judge("i_3", "s")(R, 99)
    for past in (FIRST, "i_2", None):
        good = restored.judge(past, f"s of {past}")
        assert [good(R, seq) for seq in (0, 50, 51)] == [True, True, False]
        assert good("r_opened_since", 99)
    lost = restored.judge("i_lost", "s")
    assert [lost(R, seq) for seq in (0, 1, 50)] == [True, False, False]
    assert not lost("r_opened_since", 1)


def test_who_names_no_incarnation_is_told_once_in_each_session() -> None:
    restored = Incarnations(Lineage(("i_2",), {R: 50}))
    assert not restored.judge(None, "s_1")(R, 51)
    assert restored.judge(None, "s_1")(R, 51)
    assert not restored.judge(None, "s_2")(R, 51)
    assert restored.judge(None, "s_1")(R, 51)
    assert not restored.judge(FIRST, "s_1")(R, 51), "who names the past is of the past, told or not"


def test_who_was_told_is_forgotten_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told once more, which does no harm."""
    monkeypatch.setattr(incarnations, "MOST_TOLD", 2)
    restored = Incarnations(Lineage(("i_2",), {R: 50}))
    for session in ("s_1", "s_2"):
        assert not restored.judge(None, session)(R, 51)
        assert restored.judge(None, session)(R, 51)
    assert not restored.judge(None, "s_3")(R, 51)
    assert restored.judge(None, "s_3")(R, 51)
    assert not restored.judge(None, "s_1")(R, 51)
