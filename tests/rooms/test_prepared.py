"""Prepared statements: the same rows as through SQLAlchemy, whatever the order of their values."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    bindparam,
    create_engine,
    insert,
    select,
    update,
)

from rooms.store.prepared import Prepared

_TABLE = Table("t", MetaData(), Column("a", Integer, primary_key=True), Column("b", Text), Column("c", LargeBinary))


def test_rows_written_and_found_are_those_of_sqlalchemy() -> None:
    write = Prepared(insert(_TABLE), "c", "a", "b")
    find = Prepared(
        select(_TABLE).where(_TABLE.c.b == bindparam("word"), _TABLE.c.a > bindparam("least")), "least", "word"
    )
    with create_engine("sqlite://").connect() as connection:
        _TABLE.create(connection)
        write.run(connection, ((bytes([n]), n, "奇" if n % 2 else "偶") for n in range(6)))
        assert find.find(connection, [(0, "奇"), (3, "偶")]) == [
            (1, "奇", b"\1"),
            (3, "奇", b"\3"),
            (5, "奇", b"\5"),
            (4, "偶", b"\4"),
        ]
        assert [tuple(row) for row in connection.execute(select(_TABLE).order_by(_TABLE.c.a))] == [
            (n, "奇" if n % 2 else "偶", bytes([n])) for n in range(6)
        ]
        connection.rollback()


def test_a_row_that_cannot_be_written_is_the_drivers_error_and_part_of_the_transaction() -> None:
    write = Prepared(insert(_TABLE), "a", "b")
    with create_engine("sqlite://").connect() as connection:
        _TABLE.create(connection)
        connection.commit()
        with pytest.raises(sqlite3.IntegrityError), connection.begin():
            write.run(connection, [(1, "x"), (1, "y")])
        assert connection.execute(select(_TABLE)).all() == []


@pytest.mark.parametrize("names", [(), ("new",), ("new", "old", "more")])
def test_every_parameter_has_a_name_and_every_name_a_parameter(names: tuple[str, ...]) -> None:
    move = update(_TABLE).where(_TABLE.c.a == bindparam("old")).values(a=bindparam("new"))
    with create_engine("sqlite://").connect() as connection, pytest.raises(ValueError, match="parameters are"):
        Prepared(move, *names).run(connection, [])
