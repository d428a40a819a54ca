"""Locking a process in: what a jailed process does to itself between its birth and the first byte of a file.

Rules kept here:

- The order is fixed: namespaces, descriptors, limits, Landlock, capabilities, seccomp. Each step needs rights that a
  later one takes away.
- ``full`` is every step. ``landlock`` leaves out the namespaces, and is used only where the system forbids them.
- A step that fails ends the process; no file is ever read in less than the tier that was promised.
- The cell prepares the steps as bare system calls, arguments and all; the jail only makes them. Whatever Python runs
  after the fork copies the memory pages of its objects: made by functions, the steps copied 140 pages more and took
  0.4 ms longer.

Source: Linux man pages syscall(2), prctl(2), unshare(2), getrlimit(2), dup(2), close_range(2), capget(2), seccomp(2).
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sanitizer import landlock, namespaces, seccomp

Tier = Literal["full", "landlock"]
Call = tuple[int, ...]  # number of a system call, and six arguments

FIRST = 3  # number of the first descriptor a jail keeps; 0, 1 and 2 are closed
_THREADS = 1024  # counted over all jails of the user; memory bounds the threads of one
_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SIGKILL, _SECCOMP_MODE_FILTER = 9, 2

_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.argtypes = (ctypes.c_long,) * 7
_syscall.restype = ctypes.c_long


@dataclass(frozen=True, slots=True)
class Locks:
    """What the cell prepared for all its jails."""

    tier: Tier
    ruleset: int  # Landlock, a descriptor
    program: seccomp.Program
    threaded: seccomp.Program  # for a jail that may start threads
    base_memory: int  # address space of the cell in bytes
    numbers: dict[str, int]  # of the system calls


@dataclass(frozen=True, slots=True)
class Steps:
    """All that a process does to lock itself in, in this order. ``memory``: what the arguments point to."""

    calls: list[Call]
    memory: list[ctypes.Array[ctypes.c_char]]


def prepare(tier: Tier) -> Locks:
    """The locks of a tier; raises ``OSError`` or ``RuntimeError`` where the system lacks Landlock or seccomp. Call it
    after everything is imported and before the root is emptied."""
    programs = seccomp.compile_filter(), seccomp.compile_filter(threads=True)
    names = "prctl", "unshare", "dup3", "close_range", "prlimit64", "capset", "landlock_restrict_self"
    numbers = {name: seccomp.number(name) for name in names}
    return Locks(tier, landlock.deny_all(), *programs, _address_space(), numbers)


def steps(
    locks: Locks, keep: list[int], *, cpu_seconds: int, memory: int, max_file: int, threads: bool = False
) -> Steps:
    """The way into a jail, for a process that is still to be forked. ``keep`` arrive as descriptors 3, 4, …; all others
    are closed. ``threads``: it may start threads, never processes."""
    found = Steps([], [])
    add = _adder(locks, found)
    add("prctl", _PR_SET_PDEATHSIG, _SIGKILL)
    if locks.tier == "full":
        add("unshare", namespaces.OF_A_JAIL)
    add("prctl", _PR_SET_DUMPABLE, 0)
    add("prctl", _PR_SET_NO_NEW_PRIVS, 1)
    add("landlock_restrict_self", locks.ruleset)
    parked = max([*keep, FIRST + len(keep)]) + 1  # two moves: a kept one may lie where another one goes
    for number, descriptor in enumerate(keep):
        add("dup3", descriptor, parked + number)
    for number in range(len(keep)):
        add("dup3", parked + number, FIRST + number)
    add("close_range", FIRST + len(keep), 0xFFFFFFFF)
    add("close_range", 0, FIRST - 1)
    for kind, value in _limits(locks.base_memory + memory, cpu_seconds, max_file, _THREADS if threads else 0):
        add("prlimit64", 0, kind, struct.pack("=QQ", value, value))
    add("capset", struct.pack("<II", _CAPABILITY_VERSION_3, 0), bytes(24))
    program = ctypes.addressof(locks.threaded if threads else locks.program)
    add("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program)
    return found


def enter(way: Steps) -> None:
    """Lock the calling process in."""
    for call in way.calls:
        if _syscall(*call) < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


def _adder(locks: Locks, found: Steps) -> Callable[..., None]:
    def add(name: str, *arguments: int | bytes) -> None:
        plain = [_pointer(found, one) if isinstance(one, bytes) else one for one in arguments]
        found.calls.append((locks.numbers[name], *plain, *[0] * (6 - len(plain))))

    return add


def _pointer(found: Steps, content: bytes) -> int:
    found.memory.append(ctypes.create_string_buffer(content, len(content)))
    return ctypes.addressof(found.memory[-1])


def _limits(memory: int, cpu_seconds: int, max_file: int, threads: int) -> tuple[tuple[int, int], ...]:
    """Hard limits. The first process of a namespace ignores SIGXCPU, so the CPU limit has no soft part: SIGKILL."""
    return (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, max_file),
        (resource.RLIMIT_NOFILE, FIRST + 4),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, threads),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    )


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
