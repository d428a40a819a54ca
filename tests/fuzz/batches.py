"""Inputs in this process's children: a batch at a time, so that a crash of a library in C loses one input, not the run.

Rules kept here:

- A batch runs in a fork with a bounded address space. The number of the input that is being tried stands in shared
  memory; a child that dies has crashed on it, and the batch goes on behind it.
- An input that takes more than ``SLOW`` seconds of CPU is a finding, and one that takes ``LOST`` seconds ends its
  child.

>>> SLOW < LOST
True
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fuzz.findings import Finding

SLOW, LOST = 5.0, 60  # seconds of CPU
_CLOCKS = (signal.SIGPROF, signal.SIGALRM)
_ROOM = 3 << 30  # bytes of address space more than at the start of a batch

Try = Callable[[int], str]
"""Input number → label; raises ``Finding``."""


@dataclass(frozen=True)
class Outcome:
    """Of one input. ``kind`` is empty where there is no finding; then ``label`` counts."""

    number: int
    label: str = ""
    kind: str = ""
    signature: str = ""
    detail: str = ""


def tried(first: int, last: int, try_one: Try) -> Iterator[Outcome]:
    """Inputs ``first`` to ``last`` (not included), each with one outcome, in order."""
    while first < last:
        for outcome in _batch(first, last, try_one):
            yield outcome
            first = outcome.number + 1


def _batch(first: int, last: int, try_one: Try) -> list[Outcome]:
    """The outcomes as far as one child got; the last is its crash, if it crashed."""
    with mmap.mmap(-1, 8) as at:
        at[:] = struct.pack("<q", first)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _work(first, last, try_one, at, writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as lines:
            outcomes = [Outcome(**json.loads(line)) for line in lines.readlines() if line.endswith(b"\n")]
        _, status = os.waitpid(child, 0)
        (current,) = struct.unpack("<q", at[:])
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        outcomes = [one for one in outcomes if one.number < current]
        outcomes.append(Outcome(current, kind="slow" if -code in _CLOCKS else "crash", signature=how))
    return outcomes


def _work(first: int, last: int, try_one: Try, at: mmap.mmap, writer: int) -> None:
    """The child; never returns."""
    status = 1
    try:
        _bound()
        with os.fdopen(writer, "wb", buffering=0) as lines:
            for number in range(first, last):
                at[:] = struct.pack("<q", number)
                signal.setitimer(signal.ITIMER_PROF, LOST)
                signal.setitimer(signal.ITIMER_REAL, LOST * 10)
                lines.write(json.dumps(_one(number, try_one).__dict__).encode() + b"\n")
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(status)


def _bound() -> None:
    warnings.simplefilter("ignore")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)  # libraries in C complain about what they read
    size = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _ROOM, size + _ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _one(number: int, try_one: Try) -> Outcome:
    start = time.process_time()
    try:
        outcome = Outcome(number, try_one(number))
    except Finding as found:
        outcome = Outcome(number, "", found.kind, found.signature, found.detail)
    spent = time.process_time() - start
    if spent > SLOW and not outcome.kind:
        return Outcome(number, "", "slow", "more than is bearable", f"{spent:.1f} s, {outcome.label}")
    return outcome
