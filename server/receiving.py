"""Receiving a file: streamed to quarantine, hashed on the way, never whole in memory.

Rules kept here:
- the answer comes when file, folder and row are durable;
- a size limit holds while bytes arrive, not after; a client that vanishes leaves nothing behind;
- under load (``server.load``) no new file is begun (``uploads_paused``); what was begun is gone on with;
- a disk that is nearly full takes no uploads (``storage_full``): said before the first byte, and looked at again with
  every piece, so that one large file does not fill what the limit keeps free.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from rooms.attachment import Attachment
from rooms.commands import Command, Origin
from rooms.commands.receiving import ReceiveAttachment
from rooms.ids import make_id
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.store.blobs import BlobFolder, write_all
from rooms.store.database import Database
from rooms.store.gathering import room_for
from server.load import Level, Load

PIECE = 1 << 20
STALLS_AFTER = 60.0  # seconds without a byte


class Received(NamedTuple):
    """Bytes that are durable in quarantine."""

    blob: str
    sha256: str
    size: int


class UploadCut(Exception):
    """The client went away, or fell silent, in the middle of its bytes."""


class Inflow:
    """One file on its way into a folder; used from one thread at a time."""

    def __init__(self, folder: BlobFolder) -> None:
        self._folder = folder
        self.blob = make_id("blob", secrets.token_bytes(16))
        self._file = folder.begin(self.blob)
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        write_all(self._file, data)

    def keep(self) -> Received:
        """Durable: file and folder are fsynced."""
        self._file.close()
        self._folder.keep(self.blob)
        return Received(self.blob, self._digest.hexdigest(), self.size)

    def drop(self) -> None:
        self._file.close()
        self._folder.drop(self.blob)


class Receiving:
    """``uploads_open`` answers whether the disk still takes files, ``load`` whether new ones are put off."""

    def __init__(
        self,
        database: Database,
        quarantine: BlobFolder,
        submit: Callable[[Command], Awaitable[Outcome]],
        uploads_open: Callable[[], bool],
        max_size: int,
        load: Load,
        stalls_after: float = STALLS_AFTER,
    ) -> None:
        self._load = load
        self._database = database
        self._quarantine = quarantine
        self._submit = submit
        self._uploads_open = uploads_open
        self.max_size = max_size
        self.stalls_after = stalls_after
        self.disk = ThreadPoolExecutor(4, thread_name_prefix="upload")

    @property
    def is_open(self) -> bool:
        """Whether the disk takes files at all."""
        return self._uploads_open()

    async def may_begin(self, origin: Origin, room: str, size: int | None) -> Refusal | None:
        """Asked before the first byte, so that nobody sends 200 MiB for a no. The writer decides again at the end."""
        if not self.is_open:
            return refuse("storage_full")
        if self._load.sheds(Level.UPLOADS):
            return refuse("uploads_paused", self._load.come_back())
        if size is not None and size > self.max_size:
            return refuse("too_large")
        found = await self._database.look(lambda c: room_for(c, room, origin.person or "", origin.zone or ""))
        return None if found is not None else refuse("not_found")

    async def stream(self, chunks: AsyncIterator[bytes]) -> Received | Refusal:
        """Take the bytes in; what was begun is gone again if the stream breaks or grows too large. Raises ``UploadCut``
        for a client that falls silent."""
        loop = asyncio.get_running_loop()
        inflow: Inflow | None = None
        kept = False
        try:
            inflow = await loop.run_in_executor(self.disk, Inflow, self._quarantine)
            async for piece in pieces(patient(chunks, self.stalls_after)):
                if inflow.size + len(piece) > self.max_size:
                    return refuse("too_large")
                if not await loop.run_in_executor(self.disk, self._take_in, inflow, piece):
                    return refuse("storage_full")
            if inflow.size == 0:
                return refuse("empty_file")
            received = await loop.run_in_executor(self.disk, inflow.keep)
            kept = True
            return received
        except OSError as error:
            if is_full(error):
                return refuse("storage_full")
            raise
        finally:
            if inflow is not None and not kept:
                await asyncio.shield(loop.run_in_executor(self.disk, inflow.drop))

    def _take_in(self, inflow: Inflow, piece: bytes) -> bool:
        """Write a piece; False if the disk takes no files any more."""
        inflow.write(piece)
        return self.is_open

    async def record(
        self, origin: Origin, room: str, name: str, received: Received, chance: bytes | None = None
    ) -> Attachment | Refusal:
        """Write the row; a refusal removes the bytes again. ``chance`` makes the id, where it was told before."""
        chance = chance if chance is not None else secrets.token_bytes(16)
        command = ReceiveAttachment(origin, room, name, received.size, received.sha256, received.blob, chance)
        answer = (await self._submit(command)).answer
        if isinstance(answer, Refusal):
            await asyncio.to_thread(self._quarantine.drop, received.blob)
            return answer
        assert isinstance(answer, Attachment)
        return answer

    def close(self) -> None:
        self.disk.shutdown(wait=False, cancel_futures=True)


def is_full(error: OSError) -> bool:
    """Whether there is no room on the disk, or none for this user."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


async def patient(chunks: AsyncIterator[bytes], seconds: float) -> AsyncIterator[bytes]:
    """The same chunks, each within ``seconds``: a silent client holds no half file and no connection."""
    while True:
        try:
            async with asyncio.timeout(seconds):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise UploadCut from None
        if chunk is None:
            return
        yield chunk


async def pieces(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of about 1 MiB: fewer hand-overs to the disk's threads, memory still flat."""
    waiting: list[bytes] = []
    length = 0
    async for chunk in chunks:
        waiting.append(chunk)
        length += len(chunk)
        if length >= PIECE:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)
