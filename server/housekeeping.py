"""What the server does by itself, at its own pace.

======================  ==========  ==================================================================
sessions                2 s         end what rested too long or is too old
storage                 5 s         how full the disk is
strangers               10 s        the counts of the minutes that are over go on record
checkpoint              10 s        sign the head of the audit tree if it grew
uploads                 10 min      remove resumable uploads that nobody went on with
retention               1 h         forget originals that are past their time
======================  ==========  ==================================================================

Rules: each job is idempotent and bounded; one that fails is logged and tried again at its next turn. What deletes waits
for its first turn: a clock that was wrong when the machine came up is likely to be right by then; and it measures time
by the cautious clock (``server/steady_clock.py``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from rooms.commands import SERVER, Command
from rooms.commands.noting import MakeCheckpoint
from rooms.commands.receiving import ForgetOriginal
from rooms.decide.receiving import OriginalForgotten
from rooms.perform import Outcome
from rooms.store.blobs import BlobFolder
from rooms.store.comparing import comparison_blobs
from rooms.store.database import Database
from rooms.store.receiving import expired_originals, known_blobs

log = logging.getLogger("sekisho.housekeeping")

BATCH = 500
Job = Callable[[], Awaitable[None]]


async def every(seconds: float, job: Job, *, first: float = 0) -> None:
    """Run ``job`` again and again until cancelled, the first time after ``first`` seconds."""
    await asyncio.sleep(first)
    while True:
        try:
            await job()
        except Exception:
            log.exception("housekeeping failed: %s", getattr(job, "__qualname__", job))
        await asyncio.sleep(seconds)


def plain(job: Callable[[], None]) -> Job:
    """A job that does not wait for anything."""

    async def run() -> None:
        job()

    return run


class Retention:
    """Originals go ``posted`` ms after they came (all zones judged), uploads that were never posted ``unposted`` ms.
    ``now``: ms UTC of a clock that does not jump ahead.
    """

    def __init__(
        self,
        database: Database,
        quarantine: BlobFolder,
        renditions: BlobFolder,
        submit: Callable[[Command], Awaitable[Outcome]],
        now: Callable[[], int],
        posted: int,
        unposted: int,
    ) -> None:
        self._database = database
        self._quarantine = quarantine
        self._renditions = renditions
        self._submit = submit
        self._now = now
        self._posted = posted
        self._unposted = unposted

    async def run(self) -> None:
        now = self._now()
        while True:
            async with self._database.read() as connection:
                expired = await expired_originals(
                    connection, posted_before=now - self._posted, unposted_before=now - self._unposted, limit=BATCH
                )
            forgotten = 0
            for attachment in expired:
                async with self._database.read() as connection:
                    pictures = await comparison_blobs(connection, attachment.id)
                outcome = await self._submit(ForgetOriginal(SERVER, attachment.id, attachment.message is not None))
                for change in outcome.changes:
                    if isinstance(change, OriginalForgotten):
                        forgotten += 1
                        await asyncio.to_thread(self._remove, change, pictures)
            if len(expired) < BATCH or not forgotten:  # a writer that takes nothing now is asked again in an hour
                return

    def _remove(self, forgotten: OriginalForgotten, pictures: Iterable[str]) -> None:
        """The bytes follow the row; an upload that nobody posted takes its renditions along."""
        self._quarantine.drop(forgotten.attachment.blob)
        if forgotten.gone:
            for release in forgotten.attachment.releases.values():
                for key in (release.blob, release.thumbnail):
                    if key:
                        self._renditions.drop(key)
            for key in pictures:
                self._renditions.drop(key)


async def sweep_folders(database: Database, *folders: BlobFolder) -> None:
    """At the start, before anything is received: remove what a crash left and no row names."""
    async with database.read() as connection:
        known = await known_blobs(connection)
    for folder in folders:
        gone = await asyncio.to_thread(folder.sweep, known)
        if gone:
            log.info("removed %d left-over files from %s", gone, folder.folder.name)


def checkpoint_job(submit: Callable[[Command], Awaitable[Outcome]]) -> Job:
    async def run() -> None:
        await submit(MakeCheckpoint(SERVER))

    return run
