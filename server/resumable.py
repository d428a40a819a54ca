"""Uploads that can be gone on with after a cut: what tus 1.0 (https://tus.io/protocols/resumable-upload) asks of a
server, without its headers.

Rules kept here:
- an upload belongs to one person in one zone; for everybody else it does not exist;
- an offset is acknowledged when its bytes are durable; a client that vanishes keeps what arrived;
- bytes that come with a checksum count all together or not at all;
- one writer an upload: who asks again takes over from a request that hangs;
- the last bytes are acknowledged when the attachment is durable: file, folder and row, as for every other upload;
- what nobody went on with for ``keep`` milliseconds is removed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import BinaryIO, NamedTuple, TypeVar

from rooms.commands import Origin
from rooms.ids import make_id
from rooms.refusals import Refusal, refuse
from rooms.store.blobs import BlobFolder, write_all
from rooms.store.database import Database
from rooms.store.receiving import attachment_by_id
from server.on_record import on_record
from server.partials import Begun, Mark, Partials
from server.receiving import PIECE, Received, Receiving, UploadCut, is_full

log = logging.getLogger("sekisho.uploads")
T = TypeVar("T")

CHECKSUMS = ("sha1", "sha256", "sha512")
MOST_OPEN = 32  # of one person
MARK_EVERY = 8 << 20
_TRANSIENT = frozenset({"busy", "storage_full", "internal"})


class Checksum(NamedTuple):
    """``algorithm`` is one of ``CHECKSUMS``."""

    algorithm: str
    digest: bytes


class Upload:
    """One upload under way. ``offset`` bytes are durable; ``done``: they are the attachment ``attachment``."""

    def __init__(self, begun: Begun, mark: Mark) -> None:
        self.begun = begun
        self.offset = mark.offset
        self.touched = mark.at
        self.done = mark.done
        self.attachment = make_id("attachment", begun.chance)
        self.lock = asyncio.Lock()
        self._wanted = 0
        self._receiving: asyncio.Timeout | None = None

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Alone with the upload. A request that holds it is told to stop; what it received so far counts."""
        self._wanted += 1
        if self._receiving is not None and not self._receiving.expired():
            self._receiving.reschedule(asyncio.get_running_loop().time())
        try:
            await self.lock.acquire()
        finally:
            self._wanted -= 1
        try:
            yield
        finally:
            self.lock.release()

    async def receive(self, chunks: AsyncIterator[bytes], within: float) -> bytes | None:
        """The next chunk, None after the last. Raises ``UploadCut`` for a client that is gone, silent or that came
        back by another request."""
        if self._wanted:
            raise UploadCut
        try:
            async with asyncio.timeout(within) as self._receiving:
                return await anext(chunks, None)
        except TimeoutError:
            raise UploadCut from None
        finally:
            self._receiving = None


class _Sink:
    """Bytes on their way into the file, in pieces of about 1 MiB."""

    def __init__(self, file: BinaryIO, size: int, checksum: Checksum | None) -> None:
        self._file = file
        self._digest = hashlib.new(checksum.algorithm) if checksum else None
        self.size = size
        self.waiting: list[bytes] = []
        self.length = 0

    def add(self, chunk: bytes) -> bool:
        """Whether it is time to write."""
        self.waiting.append(chunk)
        self.length += len(chunk)
        return self.length >= PIECE

    def write(self) -> None:
        """Blocks."""
        data = b"".join(self.waiting)
        self.waiting, self.length = [], 0
        write_all(self._file, data)
        if self._digest is not None:
            self._digest.update(data)
        self.size += len(data)

    def fits(self, checksum: Checksum | None) -> bool:
        return checksum is None or self._digest is None or self._digest.digest() == checksum.digest


class Resumables:
    """All uploads under way. ``keep`` and ``now`` in ms, the latter of a clock that nobody sets."""

    def __init__(
        self,
        database: Database,
        partials: Partials,
        quarantine: BlobFolder,
        receiving: Receiving,
        now: Callable[[], int],
        keep: int,
    ) -> None:
        self._database = database
        self._partials = partials
        self._quarantine = quarantine
        self._receiving = receiving
        self._now = now
        self._keep = keep
        self._uploads: dict[str, Upload] = {}

    @property
    def max_size(self) -> int:
        return self._receiving.max_size

    async def load(self) -> None:
        """At the start: take up what the last run left. A row that a crash left unanswered counts as done."""
        for begun, mark in await self._on_disk(lambda: list(self._partials.load())):
            upload = Upload(begun, mark)
            upload.touched = min(mark.at, self._now())  # the clock may have been ahead then
            async with self._database.read() as connection:
                recorded = await attachment_by_id(connection, upload.attachment) is not None
            if recorded and not upload.done:
                await self._finished(upload)
            if upload.done and not recorded:
                await self._drop(upload)
            else:
                self._uploads[begun.id] = upload

    async def begin(self, origin: Origin, room: str, name: str, metadata: str, length: int) -> Upload | Refusal:
        """A new, empty upload, durable."""
        person = origin.person or ""
        refusal = await self._receiving.may_begin(origin, room, length)
        if refusal is not None:
            return refusal
        if length <= 0:
            return refuse("empty_file")
        if sum(1 for u in self._uploads.values() if u.begun.person == person and not u.done) >= MOST_OPEN:
            return refuse("rate_limited", 60)
        now = self._now()
        identity, chance = make_id("upload", secrets.token_bytes(16)), secrets.token_bytes(16)
        begun = Begun(identity, person, origin.zone or "", room, name, metadata, length, chance, now)
        upload = self._uploads[identity] = Upload(begun, Mark(0, now))
        try:
            await self._on_disk(lambda: self._partials.begin(begun))
        except OSError as error:
            await self._drop(upload)
            if is_full(error):
                return refuse("storage_full")
            raise
        return upload

    def find(self, identity: str, person: str, zone: str) -> Upload | None:
        """The upload, if it is this person's in this zone and not past its time."""
        upload = self._uploads.get(identity)
        if upload is None or (upload.begun.person, upload.begun.zone) != (person, zone):
            return None
        return upload if self._now() < self.expires(upload) else None

    def expires(self, upload: Upload) -> int:
        """When it is given up unless somebody goes on (ms UTC)."""
        return upload.touched + self._keep

    async def write(
        self, upload: Upload, offset: int, chunks: AsyncIterator[bytes], checksum: Checksum | None, origin: Origin
    ) -> Refusal | None:
        """Append what ``chunks`` bring at ``offset``; None when the new ``upload.offset`` may be acknowledged."""
        async with upload.held():
            if upload.begun.id not in self._uploads:
                return refuse("not_found")
            if offset != upload.offset:
                return refuse("wrong_offset")
            if upload.done:
                return None
            if not self._receiving.is_open:
                return refuse("storage_full")
            try:
                return await self._append(upload, chunks, checksum, origin)
            except OSError as error:
                if is_full(error):
                    return refuse("storage_full")
                raise

    async def _append(
        self, upload: Upload, chunks: AsyncIterator[bytes], checksum: Checksum | None, origin: Origin
    ) -> Refusal | None:
        identity, length = upload.begun.id, upload.begun.length
        file = await self._on_disk(lambda: self._partials.open(identity, upload.offset))
        try:
            sink = _Sink(file, upload.offset, checksum)
            whole = await self._take(upload, chunks, sink, file, checksum)
            if isinstance(whole, Refusal):
                return whole
            if checksum is not None and not whole:
                return refuse("upload_cut")
            if not sink.fits(checksum):
                return refuse("checksum_mismatch")
            if sink.size < length:
                await self._mark(upload, file, sink.size)
                return None if whole else refuse("upload_cut")
        finally:
            await asyncio.shield(self._on_disk(file.close))
        return await self._finish(upload, origin)

    async def _take(
        self, upload: Upload, chunks: AsyncIterator[bytes], sink: _Sink, file: BinaryIO, checksum: Checksum | None
    ) -> bool | Refusal:
        """Whether the body came whole. What came of a body that broke off is written all the same."""
        whole, length = False, upload.begun.length
        try:
            while (chunk := await upload.receive(chunks, self._receiving.stalls_after)) is not None:
                if sink.size + sink.length + len(chunk) > length:
                    return refuse("too_large")
                if sink.add(chunk):
                    await self._on_disk(sink.write)
                    if not await self._on_disk(lambda: self._receiving.is_open):
                        return refuse("storage_full")
                    if checksum is None and upload.offset + MARK_EVERY <= sink.size < length:
                        await self._mark(upload, file, sink.size)
            whole = True
        except UploadCut:
            log.info("upload %s was cut at %d", upload.begun.id, sink.size + sink.length)
        await self._on_disk(sink.write)
        return whole

    async def _mark(self, upload: Upload, file: BinaryIO, offset: int) -> None:
        mark = Mark(offset, self._now())
        await self._on_disk(lambda: self._partials.mark(upload.begun.id, file, mark))
        upload.offset, upload.touched = mark.offset, mark.at

    async def _finish(self, upload: Upload, origin: Origin) -> Refusal | None:
        """All bytes are there: they become the attachment. A "no" that will pass keeps the upload as it was."""
        begun, blob = upload.begun, make_id("blob", secrets.token_bytes(16))
        sha256 = await self._on_disk(lambda: self._partials.digest(begun.id))
        await self._on_disk(lambda: self._partials.hand_over(begun.id, self._quarantine, blob))
        received = Received(blob, sha256, begun.length)
        recorded = await self._receiving.record(origin, begun.room, begun.name, received, begun.chance)
        if isinstance(recorded, Refusal):
            if recorded.code not in _TRANSIENT:
                await self._drop(upload)
            return on_record(recorded)
        await self._finished(upload)
        return None

    async def _finished(self, upload: Upload) -> None:
        mark = Mark(upload.begun.length, self._now(), True)
        upload.offset, upload.touched, upload.done = mark.offset, mark.at, True
        try:
            await self._on_disk(lambda: self._partials.done(upload.begun.id, mark))
        except OSError:
            log.exception("upload %s is an attachment, but that could not be noted", upload.begun.id)

    async def end(self, upload: Upload) -> None:
        """The client gives it up. An attachment that it has become stays."""
        async with upload.held():
            await self._drop(upload)

    async def _drop(self, upload: Upload) -> None:
        self._uploads.pop(upload.begun.id, None)
        await self._on_disk(lambda: self._partials.drop(upload.begun.id))

    async def sweep(self) -> None:
        """Remove what is past its time and not being written."""
        now = self._now()
        for upload in [u for u in self._uploads.values() if self.expires(u) <= now]:
            if not upload.lock.locked():
                await self._drop(upload)

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._receiving.disk, work)
