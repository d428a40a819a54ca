"""Rows as a queue: work that follows what was written, taken up when somebody wakes it, and now and then anyway.

Rules kept here:

- what waits is in the store, not here: whatever interrupts the work loses nothing, and a wake-up may be missed;
- a wake-up during the work is not lost: the work looks again when it is done;
- what fails is logged and tried again after ``TRY_AGAIN`` seconds.

Example: ``await RowQueue("sekisho.search", look_again=30).run(catch_up)``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

TRY_AGAIN = 2.0


class RowQueue:
    """``name``: of the log; ``look_again``: seconds after which the rows are looked at though nobody woke."""

    def __init__(self, name: str, look_again: float) -> None:
        self._log = logging.getLogger(name)
        self._look_again = look_again
        self._woken = asyncio.Event()
        self._woken.set()

    def wake(self) -> None:
        """There may be a row to take."""
        self._woken.set()

    async def run(self, take_all: Callable[[], Awaitable[None]]) -> NoReturn:
        """Work until cancelled; ``take_all`` takes what waits."""
        while True:
            self._woken.clear()
            try:
                await take_all()
            except Exception:
                self._log.exception("this work does not go on; it is tried again")
                await asyncio.sleep(TRY_AGAIN)
                self._woken.set()
            try:
                await asyncio.wait_for(self._woken.wait(), self._look_again)
            except TimeoutError:
                continue
