"""Opening the database: one writer in its own thread, read-only readers, the start-up gates.

Rules kept here:
- exactly one connection writes and checkpoints (SQLite before 3.51.3 may corrupt the WAL when two do); it lives in
  one thread and runs one drain at a time;
- ``synchronous=FULL``: what is committed survives a power cut; no mmap;
- readers open the file read-only and ask for nothing that waits;
- an error never carries the values of its statement: people wrote them;
- a failed fsync ends the process (``FatalStorageError``): after it nobody knows what is on the disk, and the next start
  writes anew what it believes (``settle_log``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, StaticPool

from rooms.store.blobs import write_all
from rooms.store.reader_threads import ReaderThreads
from rooms.store.writer_thread import WriterThread

T = TypeVar("T")
PIECE = 1 << 20
READERS = 4
READER_WAIT = 10.0  # seconds for a free one
ENOUGH_IN_LOG = 1_000  # changed rows, about as many pages: now or soon they are worth a checkpoint
MOST_IN_LOG = 4_000  # pages (16 MiB): a commit that finds so many waits for a checkpoint


class StorageFull(Exception):
    """The disk or the database is full; nothing of the drain was written."""


class FatalStorageError(Exception):
    """The disk failed to make a commit durable; the process must end and be started again."""


class ReadersBusy(Exception):
    """No reader became free in time; nothing was read, and trying again helps."""


class DatabaseDamaged(Exception):
    """The file is not a sound database. ``sekisho doctor`` says more; restore the last backup."""


def _prepare_writer(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=5000",
        "mmap_size=0",
        "secure_delete=ON",
        "temp_store=MEMORY",
        "cache_size=-65536",
        f"wal_autocheckpoint={MOST_IN_LOG}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_reader(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("query_only=ON", "busy_timeout=5000", "mmap_size=0"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def writer_engine(path: Path) -> Engine:
    """A synchronous engine with one connection, transactions begun by hand (``BEGIN IMMEDIATE``)."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "cached_statements": 512},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_writer)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """Unless ``transaction`` has begun already."""
    raw: Any = connection.connection.dbapi_connection
    if not raw.in_transaction:
        raw.execute("BEGIN IMMEDIATE")


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """``connection.begin()`` in a tenth of its time, for a drain that may write a single message. SQLAlchemy is told of
    the transaction when it has a statement in it; then it also ends it."""
    if connection.dialect.name != "sqlite":
        with connection.begin():
            yield
        return
    raw: Any = connection.connection.dbapi_connection
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        (connection if connection.in_transaction() else raw).rollback()
        raise
    (connection if connection.in_transaction() else raw).commit()


def _read_only(driver: str, path: Path) -> URL:
    """Opens the file for reading alone, whatever its folder is called (https://www.sqlite.org/uri.html)."""
    return URL.create(driver, database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})


def reader_engine(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        _read_only("sqlite+aiosqlite", path),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=READER_WAIT,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _prepare_reader)
    return engine


def looker_engine(path: Path) -> Engine:
    """For ``ReaderThreads``: read-only, with transactions begun by hand."""
    engine = create_engine(
        _read_only("sqlite", path), poolclass=NullPool, connect_args={"cached_statements": 256}, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_reader)
    event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    return engine


@contextmanager
def snapshot(path: Path) -> Iterator[Connection]:
    """One consistent, read-only view of a database that a server may be writing to."""
    engine = create_engine(_read_only("sqlite", path), poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection
    finally:
        engine.dispose()


def storage_error(error: BaseException) -> Exception | None:
    """The named failure behind a driver's error, or None if it is not the storage's. A writer that may not open or
    write its file is one of the disk: SQLite goes on read-only where opening for writing failed, and stays so.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, sqlite3.Error):
        return None
    name = getattr(cause, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return StorageFull("the disk is full")
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return FatalStorageError(f"the disk failed: {name}")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return DatabaseDamaged(f"the database is damaged: {name}")
    return None


def settle_log(path: Path) -> None:
    """Write the write-ahead log of a database that nobody writes to over itself and fsync it. After a failed fsync the
    system counts pages as clean that never reached the disk (https://wiki.postgresql.org/wiki/Fsync_Errors); what is
    acknowledged next stands behind them in the log, and a power cut would take all of it. Readers may go on.
    """
    log = path.with_name(path.name + "-wal")
    if not log.exists():
        return
    with log.open("r+b", buffering=0) as file:
        place = 0
        while piece := file.read(PIECE):
            file.seek(place)
            write_all(file, piece)
            place += len(piece)
        os.fsync(file.fileno())


def quick_check(connection: Connection) -> str:
    """``ok``, or what SQLite finds wrong with the file first."""
    return str(connection.execute(text("PRAGMA quick_check(1)")).scalar_one())


def _checkpoint(connection: Connection) -> None:
    connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()


def full_check(connection: Connection, most: int) -> list[str]:
    """What is wrong with the whole file, indices, unique columns and references too; at most so many of each."""
    said = connection.execute(text(f"PRAGMA integrity_check({most:d})")).scalars().all()
    loose = connection.execute(text("PRAGMA foreign_key_check")).all()
    return [str(line) for line in said if line != "ok"] + [f"{row[0]} → {row[2]}" for row in loose[:most]]


class Database:
    """The open database of one installation.

    >>> database = Database(Path("/var/lib/sekisho/sekisho.db"))          # doctest: +SKIP
    >>> await database.run(lambda connection: connection.execute(...))    # doctest: +SKIP
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = writer_engine(path)
        self._readers = reader_engine(path)
        self._connection: Connection | None = None
        self._settled = 0
        self._thread = WriterThread("writer")
        self._lookers = ReaderThreads(READERS, looker_engine(path).connect)

    async def run(self, drain: Callable[[Connection], T]) -> T:
        """Run ``drain`` on the writer's thread. It begins and commits its own transactions."""
        return await self._thread.run(lambda: self.run_here(drain))

    def run_here(self, drain: Callable[[Connection], T]) -> T:
        """The same, on the calling thread; for commands that hold the installation's lock.

        The connection stays open between drains; one in which something went wrong is put back and taken anew.
        """
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connection = self._writer.connect()
        try:
            answer = drain(connection)
            if connection.in_transaction():
                connection.rollback()
        except BaseException as error:
            self._connection = None
            with contextlib.suppress(DBAPIError, sqlite3.Error):  # what went wrong first is what is said
                connection.close()
            named = storage_error(error) if isinstance(error, DBAPIError | sqlite3.Error) else None
            if named is not None:
                raise named from error
            raise
        return answer

    def unsettled(self) -> bool:
        """Whether enough is in the log that a quiet moment should be used for ``settle``."""
        return self._changes() - self._settled >= ENOUGH_IN_LOG

    async def settle(self) -> None:
        """Take what is in the log over into the file (a checkpoint), so that no commit has to wait for it. As durable
        as before: the log is kept until the file is on the disk (https://www.sqlite.org/wal.html#ckpt)."""
        self._settled = self._changes()
        await self.run(_checkpoint)

    def _changes(self) -> int:
        """Rows that the writer's connection has changed so far."""
        if self._connection is None:
            return self._settled
        raw: Any = self._connection.connection.dbapi_connection
        return int(raw.total_changes)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read-only connection: one consistent view until it is given back. Raises ``ReadersBusy``."""
        try:
            connection = await self._readers.connect()
        except PoolTimeout as error:
            raise ReadersBusy from error
        try:
            yield connection
        finally:
            await connection.close()

    async def look(self, question: Callable[[Connection], T]) -> T:
        """What ``question`` reads, all of it in one consistent view: for the short ones that many ask (a page of
        events, a session, the rooms of a person). Raises ``ReadersBusy``."""
        try:
            async with asyncio.timeout(READER_WAIT):
                return await self._lookers.ask(question)
        except TimeoutError as error:
            raise ReadersBusy from error

    def check(self) -> None:
        """Raises ``DatabaseDamaged`` unless SQLite finds the file sound (``PRAGMA quick_check``)."""

        try:
            answer = self.run_here(quick_check)
        except DBAPIError as error:
            raise DatabaseDamaged(f"the database cannot be read: {error.orig}") from error
        if answer != "ok":
            raise DatabaseDamaged(f"the database is damaged: {answer}")

    async def check_reading(self) -> None:
        """The same over a read-only connection, beside a running server."""
        async with self.read() as connection:
            answer = await connection.run_sync(quick_check)
        if answer != "ok":
            raise DatabaseDamaged(f"the database is damaged: {answer}")

    async def close(self) -> None:
        """Give everything back. The writer's thread ends last."""
        self._lookers.close()
        await self._readers.dispose()
        self.close_writer()

    def close_writer(self) -> None:
        self._thread.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._writer.dispose()
