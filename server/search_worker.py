"""The search worker: makes events findable after they were acknowledged.

Rules kept here:
- outbox rows are the queue: what a crash interrupts is taken up again after the start;
- nobody's post waits long behind a batch: while people talk it is small and follows a message at once, for then the
  writer, its caches and the disk are awake and the next message is likely to be a while away; the grams are made off
  the event loop;
- under load (``server.load``) the rows wait, and are looked at again every ``REST`` seconds;
- what cannot be done now (a full disk, a busy writer) is tried again later; nothing is skipped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from rooms.commands import SERVER, Command
from rooms.commands.indexing import Entry, IndexEvents
from rooms.events import MessagePosted, RoomEvent
from rooms.grams import grams
from rooms.perform import Outcome
from rooms.store.database import Database
from rooms.store.search import waiting_events
from server.load import Level, Load
from server.row_queue import TRY_AGAIN, RowQueue

log = logging.getLogger("sekisho.search")

BATCH = 128  # a commit costs the index as much as thirty messages; this many hold up a post for about 10 ms
AT_EASE = 24  # this many hold it up for 2 ms and the commit
GATHER = 0.5
BETWEEN = 0.1  # more than a thousand messages a second are indexed in the end; until then those who post go first
LULL = 0.1  # after so long without a message nobody talks
MANY = 16  # commits between two batches: whoever posts waits for those of others anyway
REST = 2.0  # when nothing waits any more: the next batch is worth its commit then
LOOK_AGAIN = 30.0


class SearchWorker:
    """``wake`` after an event was written; ``run`` until cancelled."""

    def __init__(self, database: Database, submit: Callable[[Command], Awaitable[Outcome]], load: Load) -> None:
        self._load = load
        self._database = database
        self._submit = submit
        self._rows = RowQueue(log.name, LOOK_AGAIN)
        self._said = 0
        self._message = asyncio.Event()

    def wake(self) -> None:
        self._said += 1
        self._message.set()
        self._rows.wake()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._rows.run(self._catch_up)

    async def _catch_up(self) -> None:
        """Batch by batch, until nothing waits, or until they must rest."""
        more, between = True, GATHER
        while more and not self._rests():
            more = await self.step(await self._moment(between))
            between = BETWEEN
        await asyncio.sleep(REST - GATHER)

    async def _moment(self, between: float) -> int:
        """The next good moment for a batch, ``between`` seconds from now at the earliest; how large it may be."""
        before = self._said
        await asyncio.sleep(between)
        if self._said - before > MANY:
            return BATCH
        self._message.clear()
        try:
            await asyncio.wait_for(self._message.wait(), LULL)
        except TimeoutError:
            return BATCH
        return AT_EASE

    def _rests(self) -> bool:
        """Under load the rows wait: indexing a message costs ten times as much as writing it."""
        if self._load.sheds(Level.SEARCH):
            self.wake()
            return True
        return False

    async def step(self, most: int = BATCH) -> bool:
        """One batch of at most so many; whether there may be more."""
        async with self._database.read() as connection:
            waiting = await waiting_events(connection, most)
        if not waiting:
            return False
        entries = await asyncio.to_thread(entries_of, waiting)
        outcome = await self._submit(IndexEvents(SERVER, tuple(row for row, _ in waiting), entries))
        if outcome.refused:
            log.warning("the search index waits: %s", outcome.answer.reason)
            await asyncio.sleep(TRY_AGAIN)
        return len(waiting) == most or outcome.refused


def entries_of(waiting: Sequence[tuple[int, RoomEvent]]) -> tuple[Entry, ...]:
    """What can be found of each event: a message's text, and the names of its attachments."""
    entries = []
    for row, event in waiting:
        what = event.event
        if not isinstance(what, MessagePosted):
            continue
        texts = [("message", what.id, what.text)] if what.text.strip() else []
        texts += [("attachment", attachment.id, attachment.name) for attachment in what.attachments]
        entries += [Entry(row, event.room, event.seq, kind, ref, grams(words)) for kind, ref, words in texts]
    return tuple(entries)
