"""Readers in threads: one consistent view for a question, read-only, and a fault of one question harms no other."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Integer, bindparam, create_engine, literal, select

from rooms.store.database import READERS, Database
from rooms.store.prepared import Prepared


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE numbers (n)")
        connection.execute("INSERT INTO numbers VALUES (1)")
    connection.close()
    opened = Database(tmp_path / "a.db")
    yield opened
    await opened.close()


def numbers(connection: Connection) -> list[int]:
    return [row[0] for row in connection.connection.cursor().execute("SELECT n FROM numbers ORDER BY n").fetchall()]


def add_two(connection: Connection) -> None:
    connection.exec_driver_sql("INSERT INTO numbers VALUES (2)")
    connection.commit()


async def test_a_question_sees_one_state_while_somebody_writes(database: Database) -> None:
    begun, written = threading.Event(), threading.Event()

    def twice(connection: Connection) -> tuple[list[int], list[int]]:
        first = numbers(connection)
        begun.set()
        assert written.wait(10)
        return first, numbers(connection)

    asked = asyncio.ensure_future(database.look(twice))
    await asyncio.to_thread(begun.wait, 10)
    await database.run(add_two)
    written.set()
    assert await asked == ([1], [1])
    assert await database.look(numbers) == [1, 2]


async def test_a_reader_cannot_write_and_goes_on_after_a_fault(database: Database) -> None:
    def write(connection: Connection) -> None:
        connection.connection.cursor().execute("DELETE FROM numbers")

    for _ in range(2 * READERS):
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await database.look(write)
    assert await database.look(numbers) == [1]


async def test_what_was_given_up_is_not_asked(database: Database) -> None:
    over = threading.Event()
    asked: list[Connection] = []
    held = [asyncio.ensure_future(database.look(lambda _: over.wait(10))) for _ in range(READERS)]
    given_up = asyncio.ensure_future(database.look(asked.append))
    await asyncio.sleep(0.05)
    given_up.cancel()
    over.set()
    assert all(await asyncio.gather(*held))
    assert await database.look(numbers) == [1]
    assert asked == []


def test_what_a_statement_itself_says_need_not_be_given() -> None:
    n = bindparam("n", type_=Integer)
    more = Prepared(select(literal(7), n + 3, n).limit(5), "n")
    with create_engine("sqlite://").connect() as connection:
        assert more.find(connection, [(1,), (2,)]) == [(7, 4, 1), (7, 5, 2)]
        with pytest.raises(ValueError, match="parameters"):
            Prepared(select(n), "n", "m").find(connection, [(1, 2)])
        with pytest.raises(ValueError, match="parameters"):
            Prepared(select(n)).find(connection, [()])
