"""The comparison worker: once a verdict is written, how like its original the rebuilt file is, for people to see.

Rules kept here:
- rows are the queue: what a crash interrupts is taken up again after the start; a try is counted before it is made;
- one comparison at a time, none under load (``server.load``) or while a file waits for its verdict, and its jails run
  only where the processor is free;
- the received file is only drawn; a picture of it is made where a zone may see it, and kept under a random name;
- what cannot be done now (no jail, a full disk, a busy writer) costs no try and is tried again later.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Collection, Mapping
from typing import Any

from rooms.attachment import Attachment, Release
from rooms.commands import SERVER
from rooms.commands.comparing import GiveBackComparison, NoteComparison, StartComparison
from rooms.comparison import Comparison, PagePicture
from rooms.ids import make_id
from rooms.store.comparing import waiting_comparisons
from rooms.store.receiving import attachment_by_id, waiting_attachments
from sanitizer.comparison import SIDES, Compared, Side
from sanitizer.formats.base import Change
from sanitizer.supervisor import Unavailable
from sanitizer.verdict import FileFacts, Verdict
from server.load import Level
from server.row_queue import TRY_AGAIN, RowQueue
from server.workshop import Workshop

log = logging.getLogger("sekisho.comparison")

BATCH = 16
LOOK_AGAIN = 30.0
AFTER_OTHERS, LOOKS = 0.2, 50  # seconds between looks whether a file waits for its verdict, and how many there are


class ComparisonWorker:
    """``wake`` after a verdict was written; ``run`` until cancelled."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._rows = RowQueue(log.name, LOOK_AGAIN)

    def wake(self) -> None:
        self._rows.wake()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._rows.run(self._take_all)

    async def _take_all(self) -> None:
        while await self.step():
            pass

    async def step(self) -> bool:
        """One batch; whether there may be more."""
        async with self._shop.database.read() as connection:
            waiting = await waiting_comparisons(connection, BATCH)
        put_off = False
        for attachment, treatment in waiting:
            await self._after_others()
            if not await self._one(attachment, treatment):
                put_off = True
                await asyncio.sleep(TRY_AGAIN)
        return put_off or len(waiting) == BATCH

    async def _after_others(self) -> None:
        """Wait until the load allows it and no file waits for its verdict, but for the latter not for ever: one may
        wait for something else."""
        while self._shop.load.sheds(Level.PREVIEWS):  # noqa: ASYNC110
            await asyncio.sleep(TRY_AGAIN)
        for _ in range(LOOKS):
            async with self._shop.database.read() as connection:
                if not await waiting_attachments(connection, 1):
                    return
            await asyncio.sleep(AFTER_OTHERS)

    async def _one(self, attachment: str, treatment: str) -> bool:
        """Compare and note; False if it could not be done now."""
        started = await self._shop.submit(StartComparison(SERVER, attachment, treatment))
        if not isinstance(started.answer, Comparison):
            return not started.refused
        kept: list[str] = []
        try:
            async with self._shop.database.read() as connection:
                found = await attachment_by_id(connection, attachment)
            compared = await self._compared(found, started.answer) if found is not None else None
            pictures = await asyncio.to_thread(self._keep, compared, kept) if compared is not None else ()
        except (Unavailable, OSError) as error:
            log.warning("comparing %s waits: %s", attachment, type(error).__name__)
            await self._give_back(attachment, treatment, kept)
            return False
        except asyncio.CancelledError:
            self._shop.submit(GiveBackComparison(SERVER, attachment, treatment))
            raise
        similarity = compared.report() if compared is not None else None
        noted = await self._shop.submit(NoteComparison(SERVER, attachment, treatment, similarity, pictures))
        if noted.answer is not True:
            await self._give_back(attachment, treatment, kept)
        return not noted.refused

    async def _give_back(self, attachment: str, treatment: str, kept: list[str]) -> None:
        await asyncio.to_thread(self._drop, kept)
        await self._shop.submit(GiveBackComparison(SERVER, attachment, treatment))

    async def _compared(self, attachment: Attachment, wanted: Comparison) -> Compared | None:
        """None where there is nothing to compare, or not any more, or not without being asked."""
        zones = attachment.releases.values()
        released = [r for r in zones if r.treatment == wanted.treatment and r.state == "released"]
        verdict = verdict_of(attachment, released[0]) if released else None
        if verdict is None or released[0].blob is None:
            return None
        try:
            original, rebuilt = self._shop.quarantine.open(attachment.blob), -1
        except FileNotFoundError:
            return None
        try:
            rebuilt = self._shop.renditions.open(released[0].blob)
            sides = self._sides(attachment.made_in, [release.zone for release in released])
            return await self._shop.supervisor.compare(original, rebuilt, verdict, sides=sides, layout=wanted.asked)
        except FileNotFoundError:
            return None
        finally:
            os.close(original)
            if rebuilt >= 0:
                os.close(rebuilt)

    def _sides(self, made_in: str, zones: Collection[str]) -> Collection[Side]:
        """What may be pictured at all: the original only if one of the zones may see it."""
        shown = any(self._shop.table.original_may_be_pictured(made_in, zone) for zone in zones)
        return SIDES if shown else ("rebuilt",)

    def _keep(self, compared: Compared, kept: list[str]) -> tuple[PagePicture, ...]:
        """The pictures, durable; ``kept`` gets the key of every blob that is written."""
        pictures = []
        for picture in compared.pictures:
            key = make_id("blob", secrets.token_bytes(16))
            self._shop.renditions.put(key, [picture.png])
            kept.append(key)
            pictures.append(PagePicture(picture.page, picture.side, key))
        return tuple(pictures)

    def _drop(self, keys: list[str]) -> None:
        for key in keys:
            self._shop.renditions.drop(key)


def verdict_of(attachment: Attachment, release: Release) -> Verdict | None:
    """The verdict behind a release, as far as a comparison needs it; None where its report does not say enough."""
    report: Mapping[str, Any] = release.report or {}
    source = (report.get("input") or {}).get("type")
    if not source or not release.mime or release.sha256 is None or release.size is None:
        return None
    before = FileFacts(attachment.name, attachment.size, attachment.sha256, source)
    after = FileFacts(attachment.name, release.size, release.sha256, release.mime)
    return Verdict(
        "released", "released", before, "rebuild", after, removed=_changes(report, "removed"),
        changed=_changes(report, "changed"),
    )  # fmt: skip


def _changes(report: Mapping[str, Any], which: str) -> tuple[Change, ...]:
    return tuple(Change(one["kind"], one["count"], one["where"]) for one in report.get(which, ()))
