"""Children forked from a warm parent, and the lines of JSON that are their only word to it.

Rules: a line is written whole (PIPE_BUF) before the next thing is done; a line that a kill cut off does not count; a
child ends with its work, and what it raises is its last word.

>>> child = fork(lambda talk: talk.say("hello"))      # doctest: +SKIP
>>> child.rest()                                      # doctest: +SKIP
[['hello']]
"""

from __future__ import annotations

import json
import os
import select
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PATIENCE = 60.0  # seconds for a child that must say something


class Talk:
    """The child's end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, *words: Any) -> None:
        os.write(self._descriptor, json.dumps(words).encode() + b"\n")


@dataclass
class Child:
    """The parent's end: a forked process and the lines it says."""

    process: int
    pipe: int
    left: bytes = b""

    def lines(self, seconds: float) -> list[list[Any]] | None:
        """What it says within so many seconds at most; None when it has ended."""
        if not select.select([self.pipe], [], [], max(0.0, seconds))[0]:
            return []
        data = os.read(self.pipe, 1 << 16)
        if not data:
            return None
        *whole, self.left = (self.left + data).split(b"\n")
        return [json.loads(line) for line in whole if line]

    def rest(self) -> list[list[Any]]:
        """All that is left in the pipe; the child is gone."""
        said: list[list[Any]] = []
        while (lines := self.lines(PATIENCE)) is not None:
            said += lines
        os.close(self.pipe)
        os.waitpid(self.process, 0)
        return said


def fork(work: Callable[[Talk], None]) -> Child:
    """``work`` in a child of its own."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return Child(process, reading)
    status = 1
    try:
        os.close(reading)
        work(Talk(writing))
        status = 0
    except BaseException:
        os.write(writing, b"\n" + json.dumps(["failed", traceback.format_exc()[-3000:]]).encode() + b"\n")
    finally:
        os._exit(status)
