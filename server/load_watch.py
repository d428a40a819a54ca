"""Measures the load of this process and moves the level (``server.load``).

Rules kept here: ten looks a second and nothing in the path of a message; a look reads counters, full sockets and, once
a second, what memory the kernel says is left; of ten looks the least counts.

==========  ==========================================================================================
lag         a timer of the loop that was due, and when it was called
oldest      the writer's two counters: accepted and finished
buffered    the sockets that are full, and what all may hold together
memory      ``MemAvailable`` of the machine, and the limit of the own control group where there is one
==========  ==========================================================================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from server.load import Ages, Load, Measures

LOOK = 0.1
LOOKS = 10  # to a judgement
MIB = 1 << 20
NEEDED_SHARE, NEEDED_AT_MOST = 0.05, 512 * MIB


class Writer(Protocol):
    """The counters of ``rooms.perform.Performer``."""

    @property
    def accepted(self) -> int: ...

    @property
    def finished(self) -> int: ...


class LoadWatch:
    """``buffered`` answers the share of all write buffers that is full, ``memory`` see ``memory_pressure``; ``changed``
    hears of another level. ``every``: seconds between two looks."""

    def __init__(
        self,
        load: Load,
        writer: Writer,
        buffered: Callable[[], float],
        changed: Callable[[], None],
        memory: Callable[[], float] | None = None,
    ) -> None:
        self._load = load
        self._writer = writer
        self._buffered = buffered
        self._changed = changed
        self.memory = memory or memory_pressure
        self.every = LOOK
        self._ages = Ages()

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            least = await self._look(loop)
            for _ in range(LOOKS - 1):
                one = await self._look(loop)
                least = Measures(*map(min, least, one))
                if one.lag > self.every * LOOKS:
                    break
            if self._load.look(least._replace(memory=self.memory()), loop.time()):
                self._changed()

    async def _look(self, loop: asyncio.AbstractEventLoop) -> Measures:
        due = loop.time() + self.every
        await asyncio.sleep(self.every)
        now = loop.time()
        oldest = self._ages.oldest(self._writer.accepted, self._writer.finished, now)
        return Measures(max(0.0, now - due), oldest, self._buffered())


def memory_pressure(proc: Path = Path("/proc"), group: Path = Path("/sys/fs/cgroup")) -> float:
    """What should be left (5 % of the memory, at most 512 MiB) divided by what is left; 0 where nobody says."""
    machine = _fields(proc / "meminfo")
    pressures = [0.0]
    if "MemTotal:" in machine:
        pressures.append(_pressure(machine["MemTotal:"] * 1024, machine.get("MemAvailable:", 0) * 1024))
    own = group / _own_group(proc)
    limit = _number(own / "memory.max")
    if limit is not None:
        used = (_number(own / "memory.current") or 0) - _fields(own / "memory.stat").get("inactive_file", 0)
        pressures.append(_pressure(limit, limit - used))
    return max(pressures)


def _pressure(total: int, left: int) -> float:
    return min(NEEDED_SHARE * total, NEEDED_AT_MOST) / max(left, 1)


def _own_group(proc: Path) -> str:
    """Where the control group of this process lies below the root (cgroups(7), version 2)."""
    try:
        lines = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return ""
    return next((line[3:].strip("/") for line in lines if line.startswith("0::")), "")


def _number(path: Path) -> int | None:
    """The number in a control file; None for ``max`` and for what is not there."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _fields(path: Path) -> dict[str, int]:
    """``name number …`` a line."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {line[0]: int(line[1]) for line in lines if len(line) > 1 and line[1].isdigit()}
