"""The members of a container, each through an examination of its own (trusting side).

Rules kept here:

- A container's jail sees the container, a member's jail sees that member alone: members are copied into sealed memory
  files, and what comes back is copied, in their order, into the parcel that the packing jail gets.
- A few members are under way at once, whatever the nesting; whoever stops or is cancelled leaves no jail behind.
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
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from sanitizer import intake, kinds, parcel
from sanitizer.formats.base import Change
from sanitizer.limits import Limits
from sanitizer.refusals import REFUSALS
from sanitizer.verdict import FileFacts, Verdict
from sanitizer.wire import MAX_CHANGES, BadAnswer

T = TypeVar("T")

_AT_ONCE = 2  # members under way; the jails of one received file are not more (``Allowance.places``)
_INLINE = 1 << 20  # bytes that are copied without a thread
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
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

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


@dataclass(frozen=True, slots=True)
class _Pending:
    """A member between its turn and its place on the shelf. Without a task: what is said of it is known."""

    number: int
    path: str
    code: str
    task: asyncio.Task[tuple[Verdict, int | None]] | None = None

    @property
    def place(self) -> str:
        """How the report calls it."""
        return f"member {self.number}"


async def treat_members(
    received: int, size: int, opened: bool, limits: Limits, left: Allowance, examine: Examine
) -> Shelf:
    """Every member of the sealed parcel ``received``, examined. ``opened``: the container itself was encrypted and
    could be read. Raises ``Stopped``, and what ``examine`` raises."""
    entries = _charged(received, size, limits, left)
    shelf = Shelf(intake.new_output(limits.max_output), opened=opened)
    writer = parcel.Writer(shelf.descriptor, limits.max_output)
    ahead: deque[_Pending] = deque()
    try:
        for number, entry in enumerate(entries, 1):
            ahead.append(_begun(received, entry, number, limits, examine))
            if len(ahead) == _AT_ONCE:
                await _shelve(ahead.popleft(), shelf, writer)
        while ahead:
            await _shelve(ahead.popleft(), shelf, writer)
        if shelf.locked and not shelf.opened:
            raise Stopped("wrong-password", shelf.locked)
        shelf.size = writer.finish()
    except BaseException as error:
        os.close(shelf.descriptor)
        if isinstance(error, parcel.Full):
            raise Stopped("output-too-large", "members") from None
        raise
    finally:
        await _abandon(ahead)
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


def _begun(received: int, entry: parcel.Entry, number: int, limits: Limits, examine: Examine) -> _Pending:
    """A member under way, or already known to be none."""
    code = _before(entry, limits)
    if code is not None:
        return _Pending(number, entry.name, code)
    return _Pending(number, entry.name, "", asyncio.create_task(_examined(received, entry, examine)))


async def _examined(received: int, entry: parcel.Entry, examine: Examine) -> tuple[Verdict, int | None]:
    def part() -> intake.Taken:
        return intake.take_part(received, entry.offset, entry.size)

    taken = part() if entry.size <= _INLINE else await _undisturbed(part, lambda late: os.close(late.descriptor))
    try:
        return await examine(taken, entry.name.rpartition("/")[2])
    finally:
        os.close(taken.descriptor)


async def _shelve(pending: _Pending, shelf: Shelf, writer: parcel.Writer) -> None:
    """Put what came of a member to the others."""
    if pending.task is None:
        _leave_out(pending, pending.code, shelf, writer)
        return
    try:
        verdict, output = await pending.task
    except BaseException:
        await _abandon([pending])
        raise
    if output is None or verdict.output is None:
        if verdict.code == "needs-password":
            raise Stopped(verdict.code, pending.place)
        if verdict.code == "wrong-password":
            shelf.locked = shelf.locked or pending.place
        _leave_out(pending, verdict.code, shelf, writer)
        return
    try:
        await _add(pending.path, output, verdict.output, writer)
    finally:
        os.close(output)
    shelf.opened |= any(change.kind == DECRYPTED for change in verdict.changed)
    shelf.removed += _of_member(verdict.removed, pending.place)
    shelf.changed += _of_member(verdict.changed, pending.place)


async def _add(path: str, output: int, facts: FileFacts, writer: parcel.Writer) -> None:
    folder, slash, last = path.rpartition("/")
    mime = facts.type or ""
    name = folder + slash + kinds.output_name(last, mime)

    def copy() -> None:
        writer.add_file(name, output, facts.size, code="released", mime=mime)

    if facts.size <= _INLINE:
        copy()
    else:
        await _undisturbed(copy, lambda _: None)


async def _undisturbed(work: Callable[[], T], dispose: Callable[[T], None]) -> T:
    """``work`` in a thread. A cancelled caller leaves only when the thread is done: descriptors that it still uses must
    not be closed under it; what it made is disposed of."""
    future = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        if future.exception() is None:
            dispose(future.result())
        raise


async def _abandon(pending: Iterable[_Pending]) -> None:
    """End what is still under way, and close what had already come of it."""
    tasks = [one.task for one in pending if one.task is not None]
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(ended, BaseException) and ended[1] is not None:
            os.close(ended[1])


def _leave_out(pending: _Pending, code: str, shelf: Shelf, writer: parcel.Writer) -> None:
    """A folder, which has no code and stays, or a member that is refused."""
    writer.add(pending.path, code=code)
    if code:
        shelf.removed.append(Change("member-refused", 1, pending.place))


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


def _of_member(changes: Iterable[Change], place: str) -> list[Change]:
    """One line for each kind and each member within the member; places in it (pages, cells) are summed up."""
    counts: dict[tuple[str, str], int] = {}
    for change in changes:
        inner = _INNER.fullmatch(change.where)
        where = f"{place}/{inner[1]}" if inner else place
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
