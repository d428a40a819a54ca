"""The release worker: takes what lies in quarantine, has it rebuilt and verified in the jail, and has the verdict
written.

Rules kept here:
- rows are the queue: what a crash interrupts is taken up again after the start;
- the try is counted and durable before the sanitizer sees the file; after three tries the file is poison;
- the verdict names the hash of the received row and of what was verified; anything else is refused;
- what may leave is durable under a random name before the verdict is written;
- what says nothing about the file (no jail, a full disk, a busy writer, the end of the server) costs it no try, is
  tried again after a while, and leaves nothing on the disk;
- under load (``server.load``) the thumbnail is left for later (``server.thumbnail_worker``);
- a password lives in memory until the verdict and is never written anywhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
from typing import Any

import msgspec

from rooms.attachment import LATER, Attachment, Release, open_zones
from rooms.commands import SERVER
from rooms.commands.receiving import GiveBackTry, JudgeAttachment, StartTry
from rooms.ids import make_id
from rooms.my_number import find_my_numbers
from rooms.refusals import Refusal
from rooms.store.blobs import read_chunks
from rooms.store.receiving import waiting_attachments
from sanitizer.supervisor import Examined, Unavailable
from server.load import Level
from server.row_queue import TRY_AGAIN, RowQueue
from server.workshop import Workshop

log = logging.getLogger("sekisho.release")

LOOK_AGAIN = 30.0
BATCH = 32


class NotWritten(Exception):
    """The writer took no command: the disk is full, or it is busy."""


class ReleaseWorker:
    """``wake`` after anything came into quarantine; ``run`` until cancelled."""

    def __init__(self, shop: Workshop, at_once: int = 2) -> None:
        self._shop = shop
        self._at_once = at_once
        self._rows = RowQueue(log.name, LOOK_AGAIN)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._passwords: dict[str, str] = {}

    def wake(self) -> None:
        self._rows.wake()

    def give_password(self, attachment: str, password: str) -> None:
        """For the next try of this attachment; call it before the row goes back to quarantine."""
        self._passwords[attachment] = password

    def forget_password(self, attachment: str) -> None:
        self._passwords.pop(attachment, None)

    async def run(self) -> None:
        """Work until cancelled; what is under way is then given up and taken up again after the next start."""
        try:
            await self._rows.run(self._take_all)
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _take_all(self) -> None:
        while True:
            async with self._shop.database.read() as connection:
                found = await waiting_attachments(connection, BATCH)
            fresh = [attachment for attachment in found if attachment not in self._under_way]
            if not fresh:
                return
            for attachment in fresh[: max(0, self._at_once - len(self._under_way))]:
                self._start(attachment)
            await asyncio.wait(self._under_way.values(), return_when=asyncio.FIRST_COMPLETED)

    def _start(self, attachment: str) -> None:
        task = asyncio.create_task(self._release(attachment), name=f"release {attachment}")
        self._under_way[attachment] = task
        task.add_done_callback(lambda _: self._done(attachment))

    def _done(self, attachment: str) -> None:
        self._under_way.pop(attachment, None)
        self._rows.wake()

    async def _release(self, attachment_id: str) -> None:
        try:
            tried = (await self._shop.submit(StartTry(SERVER, attachment_id))).answer
            if isinstance(tried, Refusal):
                await asyncio.sleep(TRY_AGAIN)
            elif isinstance(tried, Attachment):
                await self._judge(tried)
        except asyncio.CancelledError:
            self._shop.submit(GiveBackTry(SERVER, attachment_id))
            raise
        except (Unavailable, NotWritten, OSError) as error:
            log.warning("attachment %s waits: %s", attachment_id, type(error).__name__)
            await self._shop.submit(GiveBackTry(SERVER, attachment_id))
            await asyncio.sleep(TRY_AGAIN)
        except Exception:
            log.exception("attachment %s could not be judged", attachment_id)
            await asyncio.sleep(TRY_AGAIN)

    async def _judge(self, attachment: Attachment) -> None:
        kept: list[str] = []
        try:
            releases = await self._verdicts(attachment, kept)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(self._drop, kept))
            raise
        judged = await self._shop.submit(JudgeAttachment(SERVER, attachment.id, tuple(releases)))
        used = {key for release in releases for key in (release.blob, release.thumbnail)}
        await asyncio.to_thread(self._drop, [key for key in kept if judged.refused or key not in used])
        if judged.refused:
            raise NotWritten
        self.forget_password(attachment.id)

    async def _verdicts(self, attachment: Attachment, kept: list[str]) -> list[Release]:
        """``kept`` gets the key of every blob that is written."""
        password = self._passwords.get(attachment.id)
        releases: list[Release] = []
        for treatment in sorted({attachment.releases[z].treatment for z in open_zones(attachment.releases)}):
            zones = [z for z in open_zones(attachment.releases) if attachment.releases[z].treatment == treatment]
            releases += await self._treated(attachment, treatment, zones, password, kept)
        return releases

    def _drop(self, keys: list[str]) -> None:
        for key in keys:
            self._shop.renditions.drop(key)

    async def _treated(
        self, attachment: Attachment, treatment: str, zones: list[str], password: str | None, kept: list[str]
    ) -> list[Release]:
        """One rebuilding serves every zone that asks for the same treatment of this attachment."""
        try:
            source = self._shop.quarantine.open(attachment.blob)
        except FileNotFoundError:
            return [Release(zone, treatment, "refused", "damaged") for zone in zones]
        later = self._shop.load.sheds(Level.PREVIEWS)
        try:
            examined = await self._shop.supervisor.examine(
                source, thumbnail=not later,
                text=any(self._shop.table.treatment(attachment.made_in, zone).my_number_check for zone in zones),
                name=attachment.name, treatment=treatment, password=password  # type: ignore[arg-type]
            )  # fmt: skip
        finally:
            os.close(source)
        try:
            releases = await self._releases(attachment, treatment, zones, examined, kept)
            return [_left_for_later(release) for release in releases] if later else releases
        finally:
            if examined.output is not None:
                os.close(examined.output)

    async def _releases(
        self, attachment: Attachment, treatment: str, zones: list[str], examined: Examined, kept: list[str]
    ) -> list[Release]:
        verdict = examined.verdict
        report = verdict.report()
        state = verdict.outcome
        if verdict.input.sha256 != attachment.sha256:
            return [Release(zone, treatment, "refused", "damaged", report=report) for zone in zones]
        if state != "released":
            return [Release(zone, treatment, state, verdict.code, report=report) for zone in zones]
        rendition = await asyncio.to_thread(self._keep, examined, kept) if examined.output is not None else {}
        thumbnail = await asyncio.to_thread(self._keep_bytes, examined.thumbnail, kept) if examined.thumbnail else None
        released = Release(
            "", treatment, "released", sha256=attachment.sha256, size=attachment.size,
            mime=verdict.output.type if verdict.output else verdict.input.type, report=report, thumbnail=thumbnail,
        )  # fmt: skip
        released = msgspec.structs.replace(released, **rendition)
        found = await asyncio.to_thread(_finds_my_number, examined.text)
        return [self._checked(attachment, msgspec.structs.replace(released, zone=zone), found) for zone in zones]

    def _checked(self, attachment: Attachment, release: Release, found: bool | None) -> Release:
        """The My Number check on the text of what would leave for a less trusted zone; ``found`` None: not read."""
        treatment = self._shop.table.treatment(attachment.made_in, release.zone)
        if not treatment.my_number_check:
            return release
        if found is None:
            return Release(release.zone, release.treatment, "refused", "unchecked", report=release.report)
        if found:
            return Release(release.zone, release.treatment, "refused", "my_number", report=release.report)
        return release

    def _keep(self, examined: Examined, kept: list[str]) -> dict[str, Any]:
        """The rendition, durable, hashed again as it is written."""
        assert examined.output is not None
        assert examined.verdict.output is not None
        key = make_id("blob", secrets.token_bytes(16))
        size = os.fstat(examined.output).st_size
        sha256, size = self._shop.renditions.put(key, read_chunks(examined.output, 0, size))
        kept.append(key)
        if sha256 != examined.verdict.output.sha256:
            raise RuntimeError("the rendition is not what was verified")
        return {"blob": key, "sha256": sha256, "size": size}

    def _keep_bytes(self, data: bytes, kept: list[str]) -> str:
        key = make_id("blob", secrets.token_bytes(16))
        self._shop.renditions.put(key, [data])
        kept.append(key)
        return key


def _left_for_later(release: Release) -> Release:
    return msgspec.structs.replace(release, thumbnail=LATER) if release.state == "released" else release


def _finds_my_number(text: str | None) -> bool | None:
    """Seconds for megabytes of digits: not for the event loop."""
    return None if text is None else find_my_numbers(text).sure > 0


def sha256_of(descriptor: int) -> str:
    """The SHA-256 (hex) of an open file."""
    digest = hashlib.sha256()
    for chunk in read_chunks(descriptor, 0, os.fstat(descriptor).st_size):
        digest.update(chunk)
    return digest.hexdigest()
