"""The members of a container, each through an examination of its own (trusting side).

Rules kept here:

- A container's jail sees the container, a member's jail sees that member alone: members are copied into sealed memory
  files, one at a time, and what comes back is copied into the parcel that the packing jail gets.
- Members, bytes, CPU seconds and nesting are counted over everything that one received file holds, however it is
  nested; where the allowance ends, the whole file is refused, not the member that happened to be next.
- A refused member is left out, and the report says so; the container goes on without it.
- A member that asks for a password makes the container ask, and all are tried with the same. A member that another
  password opens is left out if this one was of use; if it opened nothing, it counts as wrong.
- The report names members by number, from 1, in the order of the container: ``member 2/3`` is the third in the second.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from sanitizer import intake, kinds, parcel
from sanitizer.formats.base import Change
from sanitizer.limits import Limits
from sanitizer.refusals import REFUSALS
from sanitizer.verdict import Verdict
from sanitizer.wire import MAX_CHANGES, BadAnswer

_SURELY = 16 << 20  # bytes of members that every file may have, however small it is
_INNER = re.compile(r"member ([0-9/]{1,24})")

DECRYPTED = "encryption"
"""The kind of change that a format reports where it took an encryption off."""

Examine = Callable[[intake.Taken, str], Awaitable[tuple[Verdict, int | None]]]
"""The examination of one member: its bytes and name → its verdict, and its sealed output, which the caller closes."""


@dataclass(slots=True)
class Allowance:
    """What may still be spent on one received file and everything in it, and what it took: memory at most, a converter
    or not."""

    members: int
    bytes: int
    cpu_seconds: float
    peak_rss: int = 0
    converted: bool = False

    @classmethod
    def of(cls, limits: Limits, size: int) -> Allowance:
        """All of it, for a received file of ``size`` bytes."""
        inflated = min(limits.max_inflated, max(_SURELY, limits.max_ratio * size))
        return cls(limits.max_members, inflated, limits.total_cpu_seconds)


class Stopped(Exception):
    """The container is not released. ``spent``: the allowance of the whole received file is used up."""

    def __init__(self, code: str, detail: str = "", *, spent: bool = False) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.spent = spent


@dataclass(slots=True)
class Shelf:
    """The treated members as a parcel, and what happened to them. ``descriptor`` is owned by whoever holds this."""

    descriptor: int
    size: int = 0
    removed: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    opened: bool = False  # something was encrypted and could be read
    locked: str = ""  # the place of a member that the password did not open


async def treat_members(
    received: int, size: int, opened: bool, limits: Limits, left: Allowance, examine: Examine
) -> Shelf:
    """Every member of the sealed parcel ``received``, examined. ``opened``: the container itself was encrypted and
    could be read. Raises ``Stopped``, and what ``examine`` raises."""
    entries = _charged(received, size, limits, left)
    shelf = Shelf(intake.new_output(limits.max_output), opened=opened)
    writer = parcel.Writer(shelf.descriptor, limits.max_output)
    try:
        for number, entry in enumerate(entries, 1):
            code = _before(entry, limits)
            if code is None:
                taken = await asyncio.to_thread(intake.take_part, received, entry.offset, entry.size)
                await _treat(taken, entry.name, number, examine, shelf, writer)
            else:
                _leave_out(entry.name, code, number, shelf, writer)
        if shelf.locked and not shelf.opened:
            raise Stopped("wrong-password", shelf.locked)
        shelf.size = writer.finish()
    except parcel.Full:
        os.close(shelf.descriptor)
        raise Stopped("output-too-large", "members") from None
    except BaseException:
        os.close(shelf.descriptor)
        raise
    intake.seal_output(shelf.descriptor, shelf.size)
    return shelf


def _charged(received: int, size: int, limits: Limits, left: Allowance) -> list[parcel.Entry]:
    """The members that the jail wrote down, if the allowance bears them."""
    try:
        entries = parcel.read_index(received, size, limits.max_members)
    except BadAnswer as error:
        raise Stopped("crashed", f"{error}") from None
    left.members -= len(entries)
    left.bytes -= size
    if left.members < 0 or left.bytes < 0:
        raise Stopped("bomb", "members" if left.members < 0 else "bytes of members", spent=True)
    return entries


async def _treat(
    taken: intake.Taken, path: str, number: int, examine: Examine, shelf: Shelf, writer: parcel.Writer
) -> None:
    """One member, examined; ``taken`` is closed here."""
    folder, slash, last = path.rpartition("/")
    try:
        verdict, output = await examine(taken, last)
    finally:
        os.close(taken.descriptor)
    if output is None or verdict.output is None:
        if verdict.code == "needs-password":
            raise Stopped(verdict.code, f"member {number}")
        if verdict.code == "wrong-password":
            shelf.locked = shelf.locked or f"member {number}"
        _leave_out(path, verdict.code, number, shelf, writer)
        return
    facts, mime = verdict.output, verdict.output.type or ""
    name = folder + slash + kinds.output_name(last, mime)
    try:
        await asyncio.to_thread(writer.add_file, name, output, facts.size, code="released", mime=mime)
    finally:
        os.close(output)
    shelf.opened |= any(change.kind == DECRYPTED for change in verdict.changed)
    shelf.removed += _of_member(verdict.removed, number)
    shelf.changed += _of_member(verdict.changed, number)


def _leave_out(path: str, code: str, number: int, shelf: Shelf, writer: parcel.Writer) -> None:
    """A folder, which has no code and stays, or a member that is refused."""
    writer.add(path, code=code)
    if code:
        shelf.removed.append(Change("member-refused", 1, f"member {number}"))


def _before(entry: parcel.Entry, limits: Limits) -> str | None:
    """What is said of a member that is not examined: nothing of a folder, a refusal's code of others; None: examine
    it."""
    if entry.name.endswith("/"):
        return ""
    if entry.code:
        return entry.code if entry.code in REFUSALS else "unreadable"
    if not entry.size:
        return "empty"
    return "too-large" if entry.size > limits.max_input else None


def _of_member(changes: Iterable[Change], number: int) -> list[Change]:
    """One line for each kind and each member within the member; places in it (pages, cells) are summed up."""
    counts: dict[tuple[str, str], int] = {}
    for change in changes:
        inner = _INNER.fullmatch(change.where)
        where = f"member {number}/{inner[1]}" if inner else f"member {number}"
        counts[change.kind, where] = counts.get((change.kind, where), 0) + change.count
    return [Change(kind, count, where) for (kind, where), count in counts.items()]


def condensed(changes: Iterable[Change]) -> tuple[Change, ...]:
    """As many lines as a report may have: all of them, or one for each kind without its places."""
    lines = tuple(changes)
    if len(lines) <= MAX_CHANGES:
        return lines
    counts: dict[str, int] = {}
    for change in lines:
        counts[change.kind] = counts.get(change.kind, 0) + change.count
    return tuple(Change(kind, count) for kind, count in counts.items())[:MAX_CHANGES]
