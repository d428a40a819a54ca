"""Who may open rooms, bring people in and put them out; one direct room; what does not exist is not remembered."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.schema_before import go_back
from support.town import Town, chance

from rooms.commands import SERVER
from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.commands.people import AddOrganisation, SetActive
from rooms.commands.posting import MarkRead
from rooms.people import ADMINISTRATOR
from rooms.refusals import Refusal
from rooms.room import direct_key, direct_keys
from rooms.store.migrate import migrate
from rooms.world import LASTING


def assert_refused(answer: object, reason: str) -> None:
    assert isinstance(answer, Refusal), answer
    assert answer.reason == reason


async def direct(town: Town, by: str, other: str, zone: str = "lgwan", **more: Any) -> Any:
    return await town.do(OpenRoom(town.origin(by, zone), "direct", "", (other,), chance(), **more))


async def move(town: Town, by: str, room: str, add: str = "", remove: str = "") -> Any:
    gone, come = tuple(remove.split()), tuple(add.split())
    return await town.do(ChangeMembers(town.origin(by), room, come, gone))


@pytest.mark.parametrize("typed", ["suzuki", "SUZUKI", " suzuki ", "ｓｕｚｕｋｉ"])
async def test_a_direct_room_is_the_same_however_the_login_is_typed(town: Town, typed: str) -> None:
    first = await direct(town, "sato", "suzuki")
    again = await direct(town, "sato", typed)
    back = await direct(town, "suzuki", "sato", "internet")
    assert (again.room.id, again.repeated) == (back.room.id, back.repeated) == (first.room.id, True)


async def test_a_direct_room_of_a_closed_zone_is_another_one(town: Town) -> None:
    """It does not exist in the internet zone, and must not be in the way there either."""
    closed = await direct(town, "sato", "suzuki", zones=frozenset({"lgwan"}))
    both = await direct(town, "sato", "suzuki", "internet")
    assert not both.repeated and both.room.id != closed.room.id
    assert both.room.zones == {"internet", "lgwan"}
    assert (await direct(town, "suzuki", "sato", zones=frozenset({"lgwan"}))).room.id == closed.room.id
    assert (await direct(town, "suzuki", "sato")).room.id == both.room.id


def test_direct_rooms_of_the_schema_before_get_their_zones(tmp_path: Path) -> None:
    path = tmp_path / "sekisho.db"
    migrate(path, tmp_path)
    go_back(path, "0002")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO organisations VALUES ('o', '市')")
        for room, key in (("r_1", "p_1|p_2"), ("r_2", None)):
            kind = "direct" if key else "group"
            values = (room, kind, "", "o", "internet,lgwan", 0, key, "p_1", 0)
            database.execute("INSERT INTO rooms VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    (tmp_path / "backups").mkdir()
    migrate(path, tmp_path / "backups")
    with closing(sqlite3.connect(path)) as database:
        found = dict(database.execute("SELECT id, direct_key FROM rooms").fetchall())
    assert found == {"r_1": direct_key("p_2", "p_1", ["lgwan", "internet"]), "r_2": None}
    assert found["r_1"] in direct_keys("p_1", "p_2")


async def test_only_who_leads_a_group_puts_others_out(town: Town) -> None:
    await town.add("admin", roles=frozenset({ADMINISTRATOR}))
    room = (await town.room("sato", "suzuki", "tanaka", "admin")).id
    assert_refused(await move(town, "suzuki", room, remove="tanaka"), "forbidden")
    assert_refused(await move(town, "suzuki", room, remove="sato"), "forbidden")
    assert_refused(await move(town, "suzuki", room, add="admin", remove="suzuki"), "forbidden")
    assert "tanaka" not in str(await move(town, "suzuki", room, remove="suzuki"))
    assert len((await move(town, "sato", room, remove="tanaka")).members) == 2
    assert len((await move(town, "sato", room, add="suzuki tanaka")).members) == 4
    assert len((await move(town, "admin", room, remove="tanaka")).members) == 3


async def test_who_is_not_active_any_more_can_be_put_out_but_not_brought_in(town: Town) -> None:
    room = (await town.room("sato", "suzuki")).id
    await town.do(SetActive(SERVER, "suzuki", False))
    assert len((await move(town, "sato", room, remove="suzuki")).members) == 1
    assert_refused(await move(town, "sato", room, add="suzuki"), "unknown_person")


async def test_a_channel_stays_within_its_organisation(town: Town) -> None:
    other = await town.do(AddOrganisation(SERVER, "隣町", chance()))
    town.organisation, own = other.id, town.organisation
    await town.add("yoso")
    town.organisation = own
    channel = (await town.room("sato", "suzuki", kind="channel")).id
    assert_refused(await move(town, "sato", channel, add="yoso"), "bad_room")
    group = (await town.room("sato", "suzuki")).id
    assert len((await move(town, "sato", group, add="yoso")).members) == 3


async def test_who_can_be_in_none_of_a_rooms_zones_is_nobody_there(town: Town) -> None:
    """Otherwise any zone could find out by trying who works behind a closed one."""
    await town.add("outside", zones=frozenset({"internet"}))
    closed = OpenRoom(town.origin("sato"), "group", "内", ("outside",), chance(), frozenset({"lgwan"}))
    assert_refused(await town.do(closed), "unknown_person")
    room = await town.do(OpenRoom(town.origin("sato"), "group", "内", (), chance(), frozenset({"lgwan"})))
    assert_refused(await move(town, "sato", room.room.id, add="outside"), "unknown_person")


async def test_a_read_mark_names_the_zones_of_its_room(town: Town) -> None:
    opened = await town.do(OpenRoom(town.origin("sato"), "group", "内", ("suzuki",), chance(), frozenset({"lgwan"})))
    await town.posted("sato", opened.room.id, "x")
    await town.do(MarkRead(town.origin("suzuki"), opened.room.id, 1))
    assert town.told[-1].changes[0].zones == {"lgwan"}  # type: ignore[attr-defined]


async def test_what_does_not_exist_is_not_remembered(town: Town) -> None:
    """Strangers' ids cost nothing once they are answered."""
    room = (await town.room("sato", "suzuki")).id
    await town.posted("sato", room, "x")
    before = {name: len(getattr(town.drain.world, name)) for name in LASTING}
    for _ in range(300):
        assert_refused(await town.do(town.post("sato", f"r_{os.urandom(8).hex()}", "x")), "not_found")
        assert_refused(await direct(town, "sato", f"n{os.urandom(8).hex()}"), "unknown_person")
    assert {name: len(getattr(town.drain.world, name)) for name in LASTING} == before
