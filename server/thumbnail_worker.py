"""The thumbnail worker: draws what the release worker left for later because the server was busy.

Rules kept here:
- rows are the queue: a release whose thumbnail is ``LATER``; what a crash interrupts is taken up again after the start;
- one at a time, none under load (``server.load``); what cannot be drawn is noted as none, so that nothing comes twice;
- what cannot be done now (no jail, a full disk, a busy writer) is tried again later.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets

from rooms.attachment import LATER, Attachment, Release
from rooms.commands import SERVER
from rooms.commands.receiving import NoteThumbnail
from rooms.ids import make_id
from rooms.store.receiving import attachment_by_id, waiting_thumbnails
from sanitizer.supervisor import Unavailable
from server.load import Level
from server.row_queue import TRY_AGAIN, RowQueue
from server.workshop import Workshop

log = logging.getLogger("sekisho.thumbnails")

BATCH = 16
LOOK_AGAIN = 600.0  # for what was left in the very moment in which the load went; else somebody wakes


class ThumbnailWorker:
    """``wake`` when the load has changed; ``run`` until cancelled."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._rows = RowQueue(log.name, LOOK_AGAIN)

    def wake(self) -> None:
        self._rows.wake()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._rows.run(self._take_all)

    async def _take_all(self) -> None:
        while not self._shop.load.sheds(Level.PREVIEWS) and await self.step():
            pass

    async def step(self) -> bool:
        """One batch; whether there may be more."""
        async with self._shop.database.read() as connection:
            waiting = await waiting_thumbnails(connection, BATCH)
        for attachment, treatment in waiting:
            if self._shop.load.sheds(Level.PREVIEWS):
                return False
            if not await self._one(attachment, treatment):
                await asyncio.sleep(TRY_AGAIN)
        return bool(waiting)

    async def _one(self, attachment: str, treatment: str) -> bool:
        """Draw and note; False if it could not be done now."""
        async with self._shop.database.read() as connection:
            found = await attachment_by_id(connection, attachment)
        if found is None:
            return True
        key: str | None = None
        try:
            picture = await self._drawn(found, treatment)
            if picture is not None:
                key = make_id("blob", secrets.token_bytes(16))
                await asyncio.to_thread(self._shop.renditions.put, key, [picture])
        except (Unavailable, OSError) as error:
            log.warning("the thumbnail of %s waits: %s", attachment, type(error).__name__)
            return False
        noted = await self._shop.submit(NoteThumbnail(SERVER, attachment, treatment, key))
        if noted.answer is not True and key is not None:
            await asyncio.to_thread(self._shop.renditions.drop, key)
        return not noted.refused

    async def _drawn(self, attachment: Attachment, treatment: str) -> bytes | None:
        """None where there is nothing to draw, or not any more."""
        waits = [r for r in attachment.releases.values() if (r.treatment, r.thumbnail) == (treatment, LATER)]
        if not waits:
            return None
        try:
            source = self._open(attachment, waits[0])
        except FileNotFoundError:
            return None
        try:
            if waits[0].blob is not None:
                return await self._shop.supervisor.draw(source, waits[0].mime or "")
            examined = await self._shop.supervisor.examine(source, name=attachment.name, treatment="pass")
            return examined.thumbnail
        finally:
            os.close(source)

    def _open(self, attachment: Attachment, release: Release) -> int:
        """The rendition, or the received bytes where those are served."""
        if release.blob is None:
            return self._shop.quarantine.open(attachment.blob)
        return self._shop.renditions.open(release.blob)
