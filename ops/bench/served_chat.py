"""A chat server as a process (or several) of its own that a bench can talk to, and what it costs.

Rules: loopback only; nothing outlives the bench: what was started is ended with all that it started, and its folder
goes with it; CPU is the system's count (proc(5)), that of a database beside the server told apart.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from ops.bench.crowd import Script

_TICKS = os.sysconf("SC_CLK_TCK")


class ServedChat(Protocol):
    """A running server. ``marker``: bytes that stand once in every message as its clients hear it; ``ping`` and
    ``pong``: as in ``Crowd``."""

    name: str
    port: int
    marker: bytes
    ping: bytes
    pong: bytes

    def scripts(self, rooms: int, size: int) -> list[Script]:
        """Clients for new rooms of ``size`` new people each, room by room."""

    def cpu_seconds(self) -> dict[str, float]:
        """So far, of the server (``server``) and of a database beside it (``database``), which may be missing."""

    def pss_kib(self) -> float:
        """Proportional memory of the server."""

    def end(self) -> None:
        """Stop it."""


class Group:
    """A process with all that it started."""

    def __init__(self, command: Sequence[str | Path], *, environment: dict[str, str], log: Path, user: int = 0) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=user or None,
                group=user or None,
                cwd="/",
            )
        self._log = log

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def cpu_seconds(self) -> float:
        return sum(_cpu_seconds(pid) for pid in self._pids())

    def pss_kib(self) -> float:
        return sum(_pss_kib(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        """The process and all that descend from it."""
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (stat := _stat(int(entry.name))):
                children.setdefault(int(stat[1]), []).append(int(entry.name))
        found = [self._process.pid]
        for pid in found:
            found += children.get(pid, ())
        return found

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask, then force."""
        everyone = self._pids()
        if self.running:
            os.kill(self._process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        for pid in everyone[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.running:
            self._process.kill()
        self._process.wait(5)


def _stat(pid: int) -> list[str]:
    """What proc(5) calls fields 3 and following of ``stat``; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_seconds(pid: int) -> float:
    """User and system time, of children that are gone too."""
    stat = _stat(pid)
    return sum(map(int, stat[11:15])) / _TICKS if stat else 0.0


def _pss_kib(pid: int) -> float:
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return float(found[1]) if found else 0.0


def wait_for(reached: Callable[[], bool], group: Group, seconds: float = 60.0) -> None:
    """Until ``reached``; raises with the server's last words if it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not reached():
        if not group.running or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start: {group.said()}")
        time.sleep(0.05)
