"""The release worker: takes what lies in quarantine, has it rebuilt and verified in the jail, and has the verdict
written.

Rules kept here:
- rows are the queue: what a crash interrupts is taken up again after the start;
- the try is counted and durable before the sanitizer sees the file; after three tries the file is poison;
- the verdict names the hash of the received row and of what was verified; anything else is refused;
- what may leave is durable under a random name before the verdict is written;
- a password lives in memory until the verdict and is never written anywhere.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from rooms.attachment import Attachment, Release, open_zones
from rooms.commands import SERVER, Command
from rooms.commands.receiving import GiveBackTry, JudgeAttachment, StartTry
from rooms.ids import make_id
from rooms.my_number import find_my_numbers
from rooms.perform import Outcome
from rooms.store.blobs import BlobFolder, read_chunks
from rooms.store.database import Database
from rooms.store.receiving import waiting_attachments
from rooms.zones import CrossingTable
from sanitizer.supervisor import Examined, Supervisor, Unavailable

log = logging.getLogger("sekisho.release")

LOOK_AGAIN = 30.0
BATCH = 32


class ReleaseWorker:
    """``wake`` after anything came into quarantine; ``run`` until cancelled."""

    def __init__(
        self,
        database: Database,
        supervisor: Supervisor,
        quarantine: BlobFolder,
        renditions: BlobFolder,
        table: CrossingTable,
        submit: Callable[[Command], Awaitable[Outcome]],
        at_once: int = 2,
    ) -> None:
        self._database = database
        self._supervisor = supervisor
        self._quarantine = quarantine
        self._renditions = renditions
        self._table = table
        self._submit = submit
        self._at_once = at_once
        self._waiting = asyncio.Event()
        self._waiting.set()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._passwords: dict[str, str] = {}

    def wake(self) -> None:
        self._waiting.set()

    def give_password(self, attachment: str, password: str) -> None:
        """For the next try of this attachment; call it before the row goes back to quarantine."""
        self._passwords[attachment] = password

    def take_password(self, attachment: str) -> str | None:
        return self._passwords.pop(attachment, None)

    async def run(self) -> None:
        """Work until cancelled; what is under way is then given up and taken up again after the next start."""
        try:
            while True:
                await self._take_all()
                self._waiting.clear()
                try:
                    await asyncio.wait_for(self._waiting.wait(), LOOK_AGAIN)
                except TimeoutError:
                    continue
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _take_all(self) -> None:
        while True:
            async with self._database.read() as connection:
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
        self._waiting.set()

    async def _release(self, attachment_id: str) -> None:
        try:
            tried = (await self._submit(StartTry(SERVER, attachment_id))).answer
            if isinstance(tried, Attachment):
                await self._judge(tried)
        except (Unavailable, asyncio.CancelledError) as none_said:
            self._submit(GiveBackTry(SERVER, attachment_id))
            if isinstance(none_said, asyncio.CancelledError):
                raise
            await asyncio.sleep(1)
        except Exception:
            log.exception("attachment %s could not be judged", attachment_id)
            await asyncio.sleep(1)

    async def _judge(self, attachment: Attachment) -> None:
        password = self.take_password(attachment.id)
        releases: list[Release] = []
        for treatment in sorted({attachment.releases[z].treatment for z in open_zones(attachment.releases)}):
            zones = [z for z in open_zones(attachment.releases) if attachment.releases[z].treatment == treatment]
            releases += await self._treated(attachment, treatment, zones, password)
        await self._submit(JudgeAttachment(SERVER, attachment.id, tuple(releases)))

    async def _treated(
        self, attachment: Attachment, treatment: str, zones: list[str], password: str | None
    ) -> list[Release]:
        """One rebuilding serves every zone that asks for the same treatment of this attachment."""
        try:
            source = self._quarantine.open(attachment.blob)
        except FileNotFoundError:
            return [Release(zone, treatment, "refused", "damaged") for zone in zones]
        try:
            examined = await self._supervisor.examine(
                source,
                text=any(self._table.treatment(attachment.made_in, zone).my_number_check for zone in zones),
                name=attachment.name, treatment=treatment, password=password  # type: ignore[arg-type]
            )  # fmt: skip
        finally:
            os.close(source)
        try:
            return await self._releases(attachment, treatment, zones, examined)
        finally:
            if examined.output is not None:
                os.close(examined.output)

    async def _releases(
        self, attachment: Attachment, treatment: str, zones: list[str], examined: Examined
    ) -> list[Release]:
        verdict = examined.verdict
        report = verdict.report()
        state = verdict.outcome
        if verdict.input.sha256 != attachment.sha256:
            return [Release(zone, treatment, "refused", "damaged", report=report) for zone in zones]
        if state != "released":
            return [Release(zone, treatment, state, verdict.code, report=report) for zone in zones]
        kept = await asyncio.to_thread(self._keep, examined) if examined.output is not None else {}
        thumbnail = await asyncio.to_thread(self._keep_bytes, examined.thumbnail) if examined.thumbnail else None
        released = Release(
            "", treatment, "released", sha256=attachment.sha256, size=attachment.size,
            mime=verdict.output.type if verdict.output else verdict.input.type, report=report, thumbnail=thumbnail,
        )  # fmt: skip
        released = msgspec.structs.replace(released, **kept)
        return [self._checked(attachment, msgspec.structs.replace(released, zone=zone), examined) for zone in zones]

    def _checked(self, attachment: Attachment, release: Release, examined: Examined) -> Release:
        """The My Number check on the text of what would leave for a less trusted zone."""
        treatment = self._table.treatment(attachment.made_in, release.zone)
        if not treatment.my_number_check:
            return release
        if examined.text is None:
            return Release(release.zone, release.treatment, "refused", "unchecked", report=release.report)
        if find_my_numbers(examined.text).sure:
            return Release(release.zone, release.treatment, "refused", "my_number", report=release.report)
        return release

    def _keep(self, examined: Examined) -> dict[str, Any]:
        """The rendition, durable, hashed again as it is written."""
        assert examined.output is not None
        assert examined.verdict.output is not None
        key = make_id("blob", secrets.token_bytes(16))
        size = os.fstat(examined.output).st_size
        sha256, size = self._renditions.put(key, read_chunks(examined.output, 0, size))
        if sha256 != examined.verdict.output.sha256:
            self._renditions.drop(key)
            raise RuntimeError("the rendition is not what was verified")
        return {"blob": key, "sha256": sha256, "size": size}

    def _keep_bytes(self, data: bytes) -> str:
        key = make_id("blob", secrets.token_bytes(16))
        self._renditions.put(key, [data])
        return key


def sha256_of(descriptor: int) -> str:
    """The SHA-256 (hex) of an open file."""
    digest = hashlib.sha256()
    for chunk in read_chunks(descriptor, 0, os.fstat(descriptor).st_size):
        digest.update(chunk)
    return digest.hexdigest()
