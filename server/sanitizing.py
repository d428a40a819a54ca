"""Files of other systems on their way through the sanitizer: what ``POST /api/v1/sanitize`` and ICAP share.

Rules kept here:
- a file lies on the disk without a name while it is worked on (``O_TMPFILE``): a crash leaves nothing behind;
- size is bounded while bytes arrive, what is held at once is bounded (``busy``), a disk that is nearly full takes none;
- no more of these files are with the sanitizer than there are places in it: one of a room waits for one of them at
  most;
- the verdict names the hash of the bytes that came in, as they came;
- every file is on record, with both hashes and the verdict, before anybody hears of it. Its name is not.

Example::

    spool = sanitizing.begin()                       # or a Refusal
    await spool.write(b"...")
    judged = await sanitizing.judge(spool, Asked(origin, "http", "届出.pdf", "rebuild"))   # closes the spool
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from rooms.commands import Command, Origin
from rooms.commands.noting import NoteAct
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.store.blobs import write_all
from sanitizer.supervisor import Examined, Supervisor, Unavailable
from sanitizer.verdict import Office, Treatment
from server.receiving import is_full

ACTION = "file.sanitize"
HELD_FOR_EACH = 8
"""Files that may be held (arriving or waiting) for each place in the sanitizer."""
TRY_AGAIN_SECONDS = 5


class Asked(NamedTuple):
    """What somebody wants of a file. ``by``: http, icap-respmod or icap-reqmod; ``subject``: the key's id; ``notes``
    go on record with it."""

    origin: Origin
    by: str
    name: str
    treatment: Treatment
    password: str | None = None
    office: Office = "ooxml"
    subject: str | None = None
    notes: Mapping[str, str | int | bool | None] = {}


class Spool:
    """One file as it arrives. ``async with``, or ``close``; writing more than ``most`` bytes answers ``too_large``."""

    def __init__(self, folder: Path, most: int, is_open: Callable[[], bool], closed: Callable[[], None]) -> None:
        self.descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(self.descriptor, "r+b", buffering=0)
        self._digest = hashlib.sha256()
        self._most = most
        self._is_open = is_open
        self._closed = closed
        self._writing = threading.Lock()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Lower-case hex of what has arrived."""
        return self._digest.hexdigest()

    async def write(self, data: bytes) -> Refusal | None:
        """Take bytes in; a refusal means that the file is given up."""
        if self.size + len(data) > self._most:
            return refuse("too_large")
        if not self._is_open():
            return refuse("storage_full")
        self.size += len(data)
        try:
            await asyncio.to_thread(self._take, data)
        except OSError as error:
            if is_full(error):
                return refuse("storage_full")
            raise
        return None

    def _take(self, data: bytes) -> None:
        with self._writing:
            if not self._file.closed:
                self._digest.update(data)
                write_all(self._file, data)

    def close(self) -> None:
        """A cancelled caller may leave a thread that still writes: it ends first, for its descriptor's number may be
        another file's afterwards."""
        with self._writing:
            if self._file.closed:
                return
            self._file.close()
        self._closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Sanitizing:
    """``folder`` holds the nameless files; ``is_open`` says whether the disk takes any; ``max_size`` in bytes."""

    def __init__(
        self,
        supervisor: Supervisor,
        folder: Path,
        submit: Callable[[Command], Awaitable[Outcome]],
        is_open: Callable[[], bool],
        max_size: int,
        workers: int,
    ) -> None:
        self._supervisor = supervisor
        self._folder = folder
        self._submit = submit
        self._is_open = is_open
        self.max_size = max_size
        self._most_held = HELD_FOR_EACH * workers
        self._held = 0
        self._places = asyncio.Semaphore(workers)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def held(self) -> int:
        """Files that are here now."""
        return self._held

    def begin(self, size: int | None = None, *, counted: bool = True) -> Spool | Refusal:
        """A place for a file of ``size`` bytes, if that is known: asked before the first byte. Not ``counted``: it
        belongs to one that is held already."""
        if size is not None and size > self.max_size:
            return refuse("too_large")
        if not self._is_open():
            return refuse("storage_full")
        if not counted:
            return Spool(self._folder, 2 * self.max_size, self._is_open, lambda: None)
        if self._held >= self._most_held:
            return refuse("busy", TRY_AGAIN_SECONDS)
        spool = Spool(self._folder, self.max_size, self._is_open, self._gave_back)
        self._held += 1
        return spool

    def _gave_back(self) -> None:
        self._held -= 1

    async def judge(self, spool: Spool, asked: Asked) -> Examined | Refusal:
        """The verdict on what has arrived, once it is on record. The caller closes ``output``, and the spool."""
        try:
            async with self._places:
                examined = await self._supervisor.examine(
                    spool.descriptor, name=asked.name, treatment=asked.treatment, password=asked.password,
                    office=asked.office, thumbnail=False,
                )  # fmt: skip
        except Unavailable:
            return refuse("busy", TRY_AGAIN_SECONDS)
        try:
            refusal = await self._recorded(spool, asked, examined)
        except BaseException:
            _drop(examined)
            raise
        if refusal is not None:
            _drop(examined)
        return refusal or examined

    async def _recorded(self, spool: Spool, asked: Asked, examined: Examined) -> Refusal | None:
        verdict = examined.verdict
        if verdict.input.sha256 not in (None, spool.sha256):
            return refuse("damaged")
        output = verdict.output
        notes: dict[str, str | int | bool | None] = {
            "by": asked.by, "treatment": asked.treatment, "size": spool.size,
            "sha256": spool.sha256, "type": verdict.input.type, "code": verdict.code,
            "output_sha256": output.sha256 if output else None, "output_size": output.size if output else None,
            **asked.notes,
        }  # fmt: skip
        outcome, reason = ("done", None) if output is not None else ("refused", verdict.code)
        noted = await self._submit(NoteAct(asked.origin, ACTION, asked.subject, outcome, reason, notes))
        return noted.answer if isinstance(noted.answer, Refusal) else None


def _drop(examined: Examined) -> None:
    if examined.output is not None:
        os.close(examined.output)
