"""A child's life on a forgetful disk: the warm parent forks it, serves its file system, and may cut its power.

Rules: the parent is one thread that serves and listens; what the child said before the cut counts, for it says yes
only after its fsyncs were answered; after the cut no request is answered, and the child is killed.

>>> enter_own_mounts()                                             # doctest: +SKIP
>>> said = live(disk, point, work, Cutter(after=100))              # doctest: +SKIP
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campaigns.forked import PATIENCE, Talk, fork
from support.forgetful_disk import Disk
from support.fuse import Mounted, Request

CHANGES = frozenset({"write", "fsync", "truncate", "create", "mkdir", "link", "rename", "unlink"})


class PowerCut(Exception):
    """Raised ahead of a request that is neither done nor answered."""


class Cutter:
    """Counts requests by name, and cuts ahead of the change number ``after``, if that is set."""

    def __init__(self, after: int | None = None) -> None:
        self.left = after
        self.seen: Counter[str] = Counter()

    @property
    def changes(self) -> int:
        return sum(count for name, count in self.seen.items() if name in CHANGES)

    def __call__(self, request: Request) -> int:
        self.seen[request.operation] += 1
        if self.left is not None and request.operation in CHANGES:
            self.left -= 1
            if self.left <= 0:
                raise PowerCut
        return 0


def live(
    disk: Disk,
    point: Path,
    work: Callable[[Talk], None],
    before: Callable[[Request], int],
    heard: Callable[[list[list[Any]]], None] = lambda _: None,
) -> list[list[Any]]:
    """Everything a child said that did ``work`` on the mounted disk until it ended or ``before`` cut the power.
    ``heard`` gets its lines as they come. Raises AssertionError for a child that does neither in time.
    """
    mounted = Mounted(disk, point, before)

    def alone(talk: Talk) -> None:
        os.close(mounted.descriptor)
        work(talk)

    child = fork(alone)
    ended = os.pidfd_open(child.process)
    poll = select.poll()
    for descriptor in (mounted.descriptor, child.pipe, ended):
        poll.register(descriptor, select.POLLIN)
    said: list[list[Any]] = []
    until = time.monotonic() + PATIENCE
    try:
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(1000)}
            if mounted.descriptor in ready:
                mounted.serve_one()
            if child.pipe in ready:
                lines = child.lines(0)
                if lines is None:
                    poll.unregister(child.pipe)
                elif lines:
                    said += lines
                    heard(lines)
            if ended in ready:
                break
            assert time.monotonic() < until, f"the child hangs; it said {said[-3:]}"
    except PowerCut:
        pass
    finally:
        os.kill(child.process, signal.SIGKILL)
        mounted.close()
        os.close(ended)
        said += child.rest()
    return said
