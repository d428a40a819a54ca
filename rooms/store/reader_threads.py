"""Readers for short questions that many ask: one hand-over to a thread for all of a question's statements.

Over an async driver each statement costs several (connection, cursor, rows, end), which is most of what a login costs.

Rules: read-only; a question sees one consistent state of the store; a connection in which something went wrong is
closed and opened anew; who gave a question up is not served.

>>> readers = ReaderThreads(2, connect)                     # doctest: +SKIP
>>> await readers.ask(lambda connection: connection.execute(...))   # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rooms.store.writer_thread import settle

T = TypeVar("T")
Question = Callable[[Connection], T]
_Asked = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Question[Any]]


class ReaderThreads:
    """``count`` threads, started with the first question. ``connect`` opens a read-only connection that begins no
    transaction by itself."""

    def __init__(self, count: int, connect: Callable[[], Connection]) -> None:
        self._count = count
        self._connect = connect
        self._queue: SimpleQueue[_Asked | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def ask(self, question: Question[T]) -> asyncio.Future[T]:
        """What ``question`` answers or raises, on the running loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._threads:
            self._threads = [
                threading.Thread(target=self._serve, name=f"reader-{n}", daemon=True) for n in range(self._count)
            ]
            for thread in self._threads:
                thread.start()
        self._queue.put((loop, future, question))
        return future

    def close(self) -> None:
        """What was asked is answered; then the threads end."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _serve(self) -> None:
        connection: Connection | None = None
        while (asked := self._queue.get()) is not None:
            loop, future, question = asked
            answer, error = None, None
            if not future.cancelled():
                try:
                    connection = connection or self._connect()
                    answer = _consistently(connection, question)
                except BaseException as raised:
                    error = raised
                    _close(connection)
                    connection = None
                with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                    loop.call_soon_threadsafe(settle, future, answer, error)
            del asked, loop, future, question, answer, error
        _close(connection)


def _consistently(connection: Connection, question: Question[T]) -> T:
    raw = connection.connection
    raw.cursor().execute("BEGIN")
    try:
        return question(connection)
    finally:
        raw.rollback()
        if connection.in_transaction():
            connection.rollback()


def _close(connection: Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(DBAPIError, sqlite3.Error):  # what went wrong first is what is said
            connection.close()
