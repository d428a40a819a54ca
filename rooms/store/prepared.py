"""Statements of the hot path: compiled once, then run on the driver's own cursor.

SQLAlchemy takes ten times as long over one row as SQLite does, and a message that comes alone pays that for each of its
statements. What is written stays Core, so that it serves every dialect; only the running is direct.

Rules kept here:
- values go in and rows come out as the driver has them: for texts, integers and bytes, which need no converting;
- every value is given, but for what the statement itself says (a limit, a kind);
- errors are the driver's own, which ``storage_error`` knows.

>>> from sqlalchemy import Integer, bindparam, create_engine, select
>>> less = Prepared(select(bindparam("a", type_=Integer) - bindparam("b", type_=Integer)), "b", "a")
>>> with create_engine("sqlite://").connect() as connection:
...     less.find(connection, [(1, 3)])
[(2,)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler


def _raw(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.dbapi_connection


class _Compiled(NamedTuple):
    """``place`` puts the values of a row where the statement wants them; None: they stand there already."""

    sql: str
    place: Callable[[Any], tuple[Any, ...]] | None


class Prepared:
    """``names``: the statement's parameters in the order in which each row gives their values."""

    def __init__(self, statement: ClauseElement, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
        """Once for each row; nothing comes back."""
        sql, place = self._for(connection.dialect)
        cursor = _raw(connection).cursor()
        try:
            cursor.executemany(sql, list(rows if place is None else map(place, rows)))
        finally:
            cursor.close()

    def find(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """What is found for each row of values, one after the other."""
        sql, place = self._for(connection.dialect)
        cursor = _raw(connection).cursor()
        found: list[tuple[Any, ...]] = []
        try:
            for row in rows:
                cursor.execute(sql, row if place is None else place(row))
                found += cursor.fetchall()
        finally:
            cursor.close()
        return found

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = self._compile(dialect)
        return compiled

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled = self._statement.compile(dialect=dialect, column_keys=list(self._names))
        assert isinstance(compiled, SQLCompiler)
        wanted = compiled.positiontup or []
        said = {
            name: bind.value for name, bind in compiled.binds.items() if not bind.required and bind.value is not None
        }
        if set(wanted) - said.keys() != set(self._names):
            raise ValueError(f"the statement's parameters are {wanted}, not {list(self._names)}")
        constants = tuple(said[name] for name in wanted if name in said)
        places = [*self._names, *(name for name in wanted if name in said)]
        order = [places.index(name) for name in wanted]
        if order == list(range(len(self._names))):
            return _Compiled(str(compiled), None)
        if len(order) == 1:
            return _Compiled(str(compiled), lambda row: (*row, *constants))
        pick = itemgetter(*order)
        return _Compiled(str(compiled), lambda row: pick((*row, *constants)) if constants else pick(row))
