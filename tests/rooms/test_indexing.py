"""The search index: every event once, whatever is interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from support.schema_before import go_back
from support.town import Town, open_town

from rooms.commands import SERVER
from rooms.commands.indexing import Entry, IndexEvents
from rooms.grams import grams, query_grams
from rooms.store import search
from rooms.store.migrate import migrate
from rooms.store.prepared import Prepared
from rooms.store.search import Hit, find, waiting_events
from rooms.zones import ZONES
from server.load import Load
from server.search_worker import SearchWorker


async def found(town: Town, query: str, login: str, zone: str = "lgwan", kind: str = "message") -> list[Hit]:
    async with town.database.read() as connection:
        wanted = query_grams((query,))
        return await find(connection, kind, wanted, town.people[login].id, zone, ZONES, 1 << 62, 50)


async def waiting(town: Town) -> int:
    async with town.database.read() as connection:
        return len(await waiting_events(connection, 10_000))


async def index(town: Town) -> None:
    worker = SearchWorker(town.database, town.performer.submit, Load())
    while await worker.step():
        pass


async def test_what_was_said_is_found_by_members_alone(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    posted = await town.posted("sato", room.id, "防災訓練の日程")
    await index(town)
    assert await waiting(town) == 0
    assert [(h.ref, h.event.seq) for h in await found(town, "訓練", "suzuki")] == [(posted.message_id, posted.seq)]
    assert await found(town, "訓練", "tanaka") == []
    assert await found(town, "訓練", "suzuki", zone="mynumber") == []
    assert await found(town, "避難", "suzuki") == []


async def test_the_same_rows_twice_make_one_entry(town: Town) -> None:
    room = await town.room("sato")
    await town.posted("sato", room.id, "一度だけ")
    async with town.database.read() as connection:
        rows = await waiting_events(connection, 100)
    last, event = rows[-1]
    entry = Entry(last, event.room, event.seq, "message", "m_x", grams("一度だけ"))
    command = IndexEvents(SERVER, tuple(row for row, _ in rows), (entry,))
    assert [await town.do(command), await town.do(command)] == [len(rows), 0]
    assert len(await found(town, "一度", "sato")) == 1


async def test_twice_in_one_drain_is_once(town: Town) -> None:
    room = await town.room("sato")
    await town.posted("sato", room.id, "一度だけ")
    async with town.database.read() as connection:
        rows = await waiting_events(connection, 100)
    command = IndexEvents(SERVER, tuple(row for row, _ in rows), ())
    first, second = town.performer.submit(command), town.performer.submit(command)
    assert [(await first).answer, (await second).answer] == [len(rows), 0]


async def test_an_index_that_fails_loses_no_row(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    room = await town.room("sato")
    await town.posted("sato", room.id, "失われない")
    before = await waiting(town)
    nowhere = Prepared(text("INSERT INTO no_such_table VALUES (:id, :grams)"), "id", "grams")
    monkeypatch.setattr(search, "_INSERT_GRAMS", nowhere)
    async with town.database.read() as connection:
        rows = await waiting_events(connection, 100)
    entry = Entry(rows[-1][0], room.id, rows[-1][1].seq, "message", "m_x", grams("失われない"))
    outcome = await town.performer.submit(IndexEvents(SERVER, tuple(row for row, _ in rows), (entry,)))
    assert outcome.refused
    assert await waiting(town) == before
    monkeypatch.undo()
    await index(town)
    assert len(await found(town, "失われ", "sato")) == 1


async def test_a_restart_takes_up_what_waits(tmp_path: Path) -> None:
    from rooms.commands.people import AddOrganisation

    town = await open_town(tmp_path)
    town.organisation = (await town.do(AddOrganisation(SERVER, "霞ヶ浜市", bytes(16)))).id
    await town.add("sato")
    room = await town.room("sato")
    for number in range(150):
        await town.posted("sato", room.id, f"第{number}号議案")
    await town.performer.close()
    await town.database.close()
    again = await open_town(tmp_path)
    again.people = town.people
    await index(again)
    assert len(await found(again, "議案", "sato")) == 50
    assert len(await found(again, "第149号", "sato")) == 1
    assert await waiting(again) == 0
    await again.performer.close()
    await again.database.close()


async def test_newcomers_of_a_group_do_not_find_what_was_said_before(town: Town) -> None:
    from rooms.commands.gathering import ChangeMembers

    room = await town.room("sato")
    await town.posted("sato", room.id, "前の話")
    await town.do(ChangeMembers(town.origin("sato"), room.id, ("suzuki",)))
    await town.posted("sato", room.id, "後の話")
    await index(town)
    assert [h.event.seq for h in await found(town, "の話", "suzuki")] == [3]
    assert len(await found(town, "の話", "sato")) == 2
    await town.do(ChangeMembers(town.origin("sato"), room.id, (), ("suzuki",)))
    assert await found(town, "の話", "suzuki") == []


def test_a_database_of_the_first_schema_becomes_searchable(tmp_path: Path) -> None:
    path = tmp_path / "sekisho.db"
    migrate(path, tmp_path)
    go_back(path, "0001")
    before, after = migrate(path, tmp_path)
    assert (before, after) != (after, after)
    assert list(tmp_path.glob("before-*.db"))


async def test_the_schema_in_words_is_the_schema_of_the_migrations(town: Town) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from rooms.store.schema import metadata

    def own(_object: object, name: str | None, kind: str, *_: object) -> bool:
        return not (kind == "table" and name is not None and name.startswith("search_grams"))

    def differences(connection: Connection) -> list[object]:
        with connection.begin():
            context = MigrationContext.configure(connection, opts={"include_object": own})
            return list(compare_metadata(context, metadata))

    assert await town.database.run(differences) == []
