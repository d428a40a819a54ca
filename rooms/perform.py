"""Performing commands: one drain of the writer for everything that is queued.

Rules kept here:
- commit first, tell afterwards: a caller hears an answer only when it, and its leaf, are durable;
- a drain is one call on the writer's thread: load what the queued commands need, decide each (later ones see
  earlier ones' effects), write events, state, outbox and audit leaves by ``executemany``, COMMIT;
- a drain that fails is replayed item by item in savepoints, so that one bad item harms no other;
- the lasting world and the tree's head are swapped in only after COMMIT;
- the queue is bounded (``busy``); a full disk is ``storage_full`` for every waiter; a failed fsync ends the process;
- a caller that goes away does not disturb the drain: callers wait on futures or are called back, the drain runs in a
  task of its own.

>>> outcome = await performer.submit(PostMessage(origin, room, "c-1", "おはようございます", chance))  # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from rooms.audit import Frontier, Leaf, NoteSigner, checkpoint, encode_leaf, leaf_hash
from rooms.audit import next_checkpoint_time as next_time
from rooms.commands import Command
from rooms.commands.noting import MakeCheckpoint
from rooms.decide import Change, Decision
from rooms.receipt import Receipt, sign_receipt
from rooms.refusals import Refusal, refuse
from rooms.slices import SLICES, WRITES
from rooms.store.audit import found_record, write_checkpoint, write_leaves
from rooms.store.database import Database, FatalStorageError, StorageFull, storage_error, transaction
from rooms.store.kept_head import KeptHead
from rooms.store.receipts import write_receipts
from rooms.store.writer_thread import settle
from rooms.world import Terms, World

log = logging.getLogger("sekisho.perform")

MAX_DRAIN = 512
MAX_QUEUE = 10_000


class Outcome(NamedTuple):
    """What became of a command. ``answer`` is a ``Refusal`` or the command's own answer; ``changes`` are durable."""

    command: Command
    answer: Any
    changes: tuple[Change, ...] = ()

    @property
    def refused(self) -> bool:
        return isinstance(self.answer, Refusal)


class Clocks(NamedTuple):
    """Time as an argument: ``now`` in ms UTC, ``mono`` in ns of the boot named ``boot``."""

    now: Callable[[], int]
    mono: Callable[[], int]
    boot: str


class Keys(NamedTuple):
    """The secrets of an installation and the name its audit log goes by."""

    origin: str
    checkpoint: NoteSigner
    receipt_seed: bytes
    head: KeptHead = KeptHead()


class _Batch:
    """What one drain (or one replayed item) wants written."""

    def __init__(self, below: World) -> None:
        self.world = World(below)
        self.outcomes: list[Outcome] = []
        self.leaves: list[tuple[bytes, bytes]] = []
        self.changes: dict[type[Any], list[Any]] = defaultdict(list)
        self.receipts: list[tuple[str, str, bytes]] = []


class Drain:
    """The synchronous half: runs on the writer's thread, over one connection; owns the lasting state."""

    def __init__(self, terms: Terms, clocks: Clocks, keys: Keys) -> None:
        self.terms = terms
        self.clocks = clocks
        self.keys = keys
        self.world = World()
        self.frontier = Frontier()
        self.skew = 0
        self.signed: tuple[int, int] | None = None
        self.sound = True

    def open(self, connection: Connection) -> None:
        """Take up the tree where the last drain left it. A record that contradicts itself, or the head that was kept
        beside the keys, was tampered with: it goes on growing behind what is there (``skew``), but nothing is signed
        over it any more (``sound`` is False), so that ``audit verify`` shows where.
        """
        with connection.begin():
            found = found_record(connection, self.keys.head.read())
        self.frontier, self.signed = found.frontier, found.signed
        self.skew = found.next - found.frontier.size
        self.sound = found.sound
        if not self.sound:
            log.critical("the audit record contradicts itself: export it and run sekisho audit verify")

    def __call__(self, connection: Connection, commands: Sequence[Command]) -> list[Outcome]:
        """Perform ``commands`` in order. Raises StorageFull, FatalStorageError or DatabaseDamaged with nothing
        written.
        """
        try:
            return self._together(connection, commands)
        except Exception as error:
            if _of_the_storage(error):
                raise
            log.exception("a drain of %d failed and is replayed item by item", len(commands))
        return self._one_by_one(connection, commands)

    def _together(self, connection: Connection, commands: Sequence[Command]) -> list[Outcome]:
        batch = _Batch(self.world)
        with transaction(connection):
            self._prepare(connection, commands, batch, self.frontier.size + self.skew)
            frontier = self._write(connection, batch, self.frontier)
            signed = self._sign(connection, commands, frontier)
        self._swap_in(batch.world, frontier, signed)
        return batch.outcomes

    def _one_by_one(self, connection: Connection, commands: Sequence[Command]) -> list[Outcome]:
        drained = World(self.world)
        frontier = self.frontier
        outcomes: list[Outcome] = []
        with connection.begin():
            for command in commands:
                batch = _Batch(drained)
                try:
                    with connection.begin_nested():
                        self._prepare(connection, [command], batch, frontier.size + self.skew)
                        after = self._write(connection, batch, frontier)
                except Exception as error:
                    if _of_the_storage(error):
                        raise
                    log.exception("a command failed: %s", type(command).__name__)
                    outcomes.append(Outcome(command, refuse("internal")))
                    continue
                frontier = after
                drained.absorb(batch.world)
                outcomes += batch.outcomes
            signed = self._sign(connection, commands, frontier)
        self._swap_in(drained, frontier, signed)
        return outcomes

    def _prepare(self, connection: Connection, commands: Sequence[Command], batch: _Batch, first: int) -> None:
        """Load, then decide each; nothing is written yet."""
        by_kind: dict[type[Command], list[Command]] = defaultdict(list)
        for command in commands:
            by_kind[type(command)].append(command)
        for kind, those in by_kind.items():
            SLICES[kind].load(connection, those, batch.world)
        for command in commands:
            now = self.clocks.now()
            decision = SLICES[type(command)].decide(batch.world, command, now, self.terms)
            for change in decision.changes:
                change.apply(batch.world)
                batch.changes[type(change)].append(change)
            if decision.act is not None:
                self._record(batch, command, decision, now, first)
            batch.outcomes.append(Outcome(command, decision.answer, decision.changes))

    def _record(self, batch: _Batch, command: Command, decision: Decision, now: int, first: int) -> None:
        """The leaf of an act; receipts name its index."""
        act, origin = decision.act, command.origin
        assert act is not None
        notes = dict(act.notes)
        if origin.forwarded:
            notes["forwarded"] = True
        leaf = Leaf(
            at=now,
            mono=self.clocks.mono(),
            boot=self.clocks.boot,
            actor=origin.person,
            action=act.action,
            outcome="refused" if act.outcome == "refused" else "done",
            policy=self.terms.table.version,
            zone=origin.zone,
            device=origin.device,
            address=origin.address,
            request=origin.request,
            object=act.object,
            reason=act.reason,
            notes=notes,
        )
        data = encode_leaf(leaf)
        index = first + len(batch.leaves)
        batch.leaves.append((data, leaf_hash(data)))
        batch.receipts += [self._signed_receipt(receipt, index) for receipt in decision.receipts]

    def _signed_receipt(self, receipt: Receipt, index: int) -> tuple[str, str, bytes]:
        """(attachment, zone, signed document)."""
        complete = msgspec.structs.replace(receipt, leaf=index)
        return receipt.attachment, receipt.read_in, sign_receipt(complete, self.keys.receipt_seed)

    def _write(self, connection: Connection, batch: _Batch, frontier: Frontier) -> Frontier:
        for kind, write in WRITES.items():
            changes = batch.changes.get(kind)
            if changes:
                write(connection, changes)
        if batch.receipts:
            write_receipts(connection, batch.receipts)
        if not batch.leaves:
            return frontier
        after = frontier.extend([digest for _, digest in batch.leaves])
        write_leaves(connection, frontier.size + self.skew, batch.leaves, after)
        return after

    def _sign(self, connection: Connection, commands: Sequence[Command], frontier: Frontier) -> tuple[int, int] | None:
        """A checkpoint if one was asked for and the tree grew; answers the newest one."""
        asked = any(type(command) is MakeCheckpoint for command in commands)
        grew = self.signed is None or frontier.size > self.signed[0]
        if not asked or not grew or not self.sound or frontier.size == 0:
            return self.signed
        at = next_time(self.signed[1] if self.signed else None, self.clocks.now())
        note = checkpoint(self.keys.origin, frontier.size, frontier.root(), at, self.keys.checkpoint)
        write_checkpoint(connection, frontier.size, at, note)
        return frontier.size, at

    def _swap_in(self, world: World, frontier: Frontier, signed: tuple[int, int] | None) -> None:
        self.world.settle(world)
        self.frontier = frontier
        if signed != self.signed:
            self.signed = signed
            self.keys.head.write(frontier)


def _of_the_storage(error: Exception) -> bool:
    return storage_error(error) is not None


class Performer:
    """The asynchronous half: a bounded queue, one drain at a time, futures for the callers.

    ``told`` hears every outcome of a drain, in order, on the event loop, before its callers do.
    """

    def __init__(
        self,
        database: Database,
        drain: Drain,
        told: Callable[[list[Outcome]], None],
        fatal: Callable[[BaseException], None],
        max_queue: int = MAX_QUEUE,
    ) -> None:
        self._database = database
        self._drain = drain
        self._told = told
        self._fatal = fatal
        self._max_queue = max_queue
        self._queue: deque[tuple[Command, Callable[[Outcome], None]]] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._in_hand = 0
        self.finished = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._database.run(self._drain.open)
        self._task = asyncio.create_task(self._work(), name="writer")

    def submit(self, command: Command) -> asyncio.Future[Outcome]:
        """Queue a command. The future never raises: what went wrong is a refusal. Cancelling it changes nothing."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.perform(command, functools.partial(settle, future))
        return future

    def perform(self, command: Command, answered: Callable[[Outcome], None]) -> None:
        """Queue a command; ``answered`` hears once what became of it, in the turn of the loop in which it was told (at
        once if the writer is busy). The hot path's way: a message needs no future."""
        if self._closing or len(self._queue) >= self._max_queue:
            answered(Outcome(command, refuse("busy", 1)))
            return
        self._queue.append((command, answered))
        if len(self._queue) == 1:
            self._wake.set()

    async def close(self) -> None:
        """Everything that was accepted is performed; then the writer stops."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def accepted(self) -> int:
        """How many commands were taken so far; ``finished`` of them have their answers."""
        return self.finished + self._in_hand + len(self._queue)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_DRAIN))]
                self._in_hand = len(batch)
                await self._perform(batch)
                self.finished += len(batch)
                self._in_hand = 0
                if self._queue:
                    await asyncio.sleep(0)  # what came in while that was told shares the next commit
            if self._closing:
                return
            if self._database.unsettled():
                await self._settle()

    async def _settle(self) -> None:
        """Nobody waits: a checkpoint now spares a later commit."""
        try:
            await self._database.settle()
        except FatalStorageError as error:
            self._fatal(error)
            raise
        except Exception:
            log.exception("what is in the log could not be taken over; it stays there")

    async def _perform(self, batch: list[tuple[Command, Callable[[Outcome], None]]]) -> None:
        commands = [command for command, _ in batch]
        try:
            outcomes = await self._database.run(lambda connection: self._drain(connection, commands))
        except StorageFull:
            outcomes = [Outcome(command, refuse("storage_full")) for command in commands]
        except FatalStorageError as error:
            self._fatal(error)
            raise
        except Exception as error:
            log.exception("a drain failed as a whole")
            outcomes = [Outcome(command, refuse("internal")) for command in commands]
            self._fatal(error)
        try:
            self._told(outcomes)
        except Exception:
            log.exception("what was written could not be told; readers find it in the store")
        for (_, answered), outcome in zip(batch, outcomes, strict=True):
            try:
                answered(outcome)
            except Exception:
                log.exception("an answer could not be given")
