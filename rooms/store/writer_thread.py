"""The writer's own thread: one piece of work after another, and one wake-up of the event loop for each.

Rules:
- work is done in the order in which it was given, whoever still waits for it;
- an executor of the standard library does the same with two futures, a semaphore and two locks for each piece; here the
  hand-over is one queue there and one call back;
- who gave the work up hears nothing; a loop that has ended is no fault.

>>> async def asked() -> int:
...     return await WriterThread("writer").run(lambda: 6 * 7)
>>> asyncio.run(asked())
42
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Work = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class WriterThread:
    """Started with its first work. ``close`` after the last."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Do ``work`` there; the future ends on the running loop with what it answers or raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._queue.put((loop, future, work))
        return future

    def close(self) -> None:
        """What was given is done; then the thread ends."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (given := self._queue.get()) is not None:
            loop, future, work = given
            answer, error = None, None
            try:
                answer = work()
            except BaseException as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                loop.call_soon_threadsafe(settle, future, answer, error)
            del given, loop, future, work, answer, error


def settle(future: asyncio.Future[Any], answer: Any, error: BaseException | None = None) -> None:
    """End a future on its own loop, if anybody still waits for it."""
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)
