"""The list of rooms under load: few statements however many rooms, right counts, an answer when no reader is free."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from support.installation import Client, Installation, installed
from support.town import chance

import rooms.store.database
from rooms.commands import Origin
from rooms.commands.posting import PostMessage
from rooms.room import Member, Room
from rooms.store.gathering import MOST_UNREAD
from server.audiences import Audiences

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def opened(client: Client, *members: str, kind: str = "group") -> str:
    answered = await client.post("rooms", json={"kind": kind, "name": "防災", "members": members})
    assert answered.status_code == 201, answered.text
    room: str = answered.json()["id"]
    return room


async def listed(client: Client) -> dict[str, dict[str, Any]]:
    return {room["id"]: room for room in (await client.get("rooms")).json()["rooms"]}


async def statements(town: Installation, client: Client) -> int:
    """How many statements the readers execute for one list."""
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    engine = town.application.database._readers.sync_engine
    event.listen(engine, "before_cursor_execute", counted)
    try:
        await listed(client)
    finally:
        event.remove(engine, "before_cursor_execute", counted)
    return count


async def test_the_number_of_rooms_does_not_multiply_the_statements(town: Installation) -> None:
    sato = await town.login("sato")
    for _ in range(3):
        await opened(sato, "suzuki")
    few = await statements(town, await town.login("suzuki"))
    for _ in range(40):
        await opened(sato, "suzuki")
    assert await statements(town, await town.login("suzuki")) == few <= 3


async def test_counts_follow_who_comes_and_goes(town: Installation) -> None:
    await town.add("yoso2", organisation="隣町")
    sato = await town.login("sato")
    room = await opened(sato, "suzuki")

    async def audience(client: Client) -> tuple[int, int]:
        told = (await listed(client))[room]["audience"]
        return told["people"], told["other_organisations"]

    assert await audience(sato) == (2, 0)
    await sato.post(f"rooms/{room}/members", json={"add": ["tanaka", "yoso2"]})
    assert await audience(sato) == (4, 1)
    town.application.viewer.audiences._kept.clear()
    assert await audience(await town.login("tanaka")) == (4, 1)
    await (await town.login("yoso2")).post(f"rooms/{room}/leave")
    assert await audience(sato) == (3, 0)


async def test_unread_is_not_counted_beyond_what_anybody_reads(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki")
    room = await opened(sato, "suzuki")
    submit = town.application.performer.submit
    origin = Origin(zone="internet", person=town.people["sato"].id)
    posts = [submit(PostMessage(origin, room, f"c-{n}", "x", chance())) for n in range(MOST_UNREAD + 50)]
    for post in posts:
        assert not (await post).refused
    assert (await listed(suzuki))[room]["unread"] == MOST_UNREAD
    assert (await listed(sato))[room]["unread"] == 0


async def test_copies_of_audiences_are_bounded_and_what_is_told_is_newer(town: Installation) -> None:
    audiences = Audiences(town.application.directory, most=10)
    people = [person.id for person in town.people.values()]
    for number in range(30):
        members = {person: Member(0) for person in people[: 1 + number % 3]}
        audiences.told(Room(f"r_{number}", "group", "x", town.organisation, frozenset({"lgwan"}), members))
    assert len(audiences._kept) == 10
    found = await audiences.of(town.application.database, ["r_29", "r_none"])
    assert (found["r_29"].people, found["r_none"].people) == (3, 0)


async def test_when_no_reader_is_free_the_answer_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms.store.database, "READER_WAIT", 0.2)
    async with installed(tmp_path / "data") as town:
        sato = await town.login("sato")
        assert (await sato.get("rooms")).status_code == 200
        over = threading.Event()
        look, readers = town.application.database.look, rooms.store.database.READERS
        longest = asyncio.gather(*(look(lambda _: over.wait(10)) for _ in range(readers)), return_exceptions=True)
        busy = await sato.get("rooms")
        over.set()
        await longest
        assert (busy.status_code, busy.json()["code"]) == (503, "busy")
        assert int(busy.headers["retry-after"]) > 0
        assert (await sato.get("rooms")).status_code == 200
