"""Locking a process in: what a jailed process does to itself between its birth and the first byte of a file.

Rules kept here:

- The order is fixed: namespaces, descriptors, limits, Landlock, capabilities, seccomp. Each step needs rights that a
  later one takes away.
- ``full`` is every step. ``landlock`` leaves out the namespaces, and is used only where the system forbids them.
- A step that fails ends the process; no file is ever read in less than the tier that was promised.
"""

from __future__ import annotations

import fcntl
import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sanitizer import landlock, namespaces, seccomp

Tier = Literal["full", "landlock"]

FIRST = 3  # number of the first descriptor a jail keeps; 0, 1 and 2 are closed
_PARKED = 64
_THREADS = 1024  # counted over all jails of the user; memory bounds the threads of one


@dataclass(frozen=True, slots=True)
class Locks:
    """What the cell prepared for all its jails."""

    tier: Tier
    ruleset: int  # Landlock, a descriptor
    program: seccomp.Program
    threaded: seccomp.Program  # for a jail that may start threads
    base_memory: int  # address space of the cell in bytes


def prepare(tier: Tier) -> Locks:
    """The locks of a tier; raises ``OSError`` or ``RuntimeError`` where the system lacks Landlock or seccomp. Call it
    after everything is imported and before the root is emptied."""
    programs = seccomp.compile_filter(), seccomp.compile_filter(threads=True)
    return Locks(tier, landlock.deny_all(), *programs, _address_space())


def enter(
    locks: Locks, keep: list[int], *, cpu_seconds: int, memory: int, max_file: int, threads: bool = False
) -> None:
    """Lock the calling process in. ``keep`` arrive as descriptors 3, 4, …; all others are closed. ``threads``: it may
    start threads, never processes."""
    namespaces.die_with_parent()
    if locks.tier == "full":
        namespaces.unshare(namespaces.OF_A_JAIL)
    namespaces.not_dumpable()
    namespaces.no_new_privileges()
    landlock.restrict_self(locks.ruleset)
    _keep_only(keep)
    _limit(locks.base_memory + memory, cpu_seconds, max_file, _THREADS if threads else 0)
    namespaces.drop_capabilities()
    seccomp.load_filter(locks.threaded if threads else locks.program)


def _keep_only(keep: list[int]) -> None:
    parked = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, _PARKED) for descriptor in keep]
    for number, descriptor in enumerate(parked, FIRST):
        os.dup2(descriptor, number)
    namespaces.close_range(FIRST + len(keep), 0xFFFFFFFF)
    namespaces.close_range(0, FIRST - 1)


def _limit(memory: int, cpu_seconds: int, max_file: int, threads: int) -> None:
    """Hard limits. The first process of a namespace ignores SIGXCPU, so the CPU limit has no soft part: SIGKILL."""
    for kind, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, max_file),
        (resource.RLIMIT_NOFILE, FIRST + 4),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, threads),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
