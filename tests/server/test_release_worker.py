"""The release worker when everything but the file fails: no jail, a full disk, a busy writer, the end of the server.

The sanitizer is a double that does as it is told: what it says of files is tested where it is at home.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from support.town import Town, chance, open_town

import server.release_worker as module
from rooms.attachment import Attachment, Release
from rooms.commands import SERVER, Command
from rooms.commands.people import AddOrganisation
from rooms.commands.receiving import GivePassword, JudgeAttachment, ReceiveAttachment, StartTry
from rooms.perform import Outcome
from rooms.refusals import refuse
from rooms.store.blobs import BlobFolder
from rooms.store.receiving import attachment_by_id, waiting_attachments
from rooms.zones import BETA
from sanitizer.supervisor import Examined, Supervisor, Unavailable
from sanitizer.verdict import FileFacts, Verdict, Verified, refused
from server import row_queue
from server.load import Load
from server.release_worker import ReleaseWorker
from server.workshop import Workshop

DATA = b"original"
REBUILT = b"rebuilt"


def facts(data: bytes) -> FileFacts:
    return FileFacts("a.txt", len(data), hashlib.sha256(data).hexdigest(), "text/plain")


def released(text: str | None = "") -> Examined:
    output = os.memfd_create("output")
    os.write(output, REBUILT)
    verified = Verified("test", True, "text-1")
    verdict = Verdict("released", "released", facts(DATA), "rebuild", facts(REBUILT), verified=verified)
    return Examined(verdict, output, b"picture", text)


class Jail:
    """Says what is next in its list, the last for ever; keeps the passwords it was given."""

    def __init__(self, *says: Callable[[], Examined] | BaseException) -> None:
        self._says = list(says)
        self.passwords: list[str | None] = []

    async def examine(self, source: int, *, password: str | None, **more: Any) -> Examined:
        self.passwords.append(password)
        say = self._says.pop(0) if len(self._says) > 1 else self._says[0]
        await asyncio.sleep(0)
        if isinstance(say, BaseException):
            raise say
        return say()


class Desk:
    """A town with one file in quarantine and a worker over a jail."""

    def __init__(self, town: Town, folder: Path, attachment: str) -> None:
        self.town = town
        self.renditions = BlobFolder(folder / "renditions")
        self.quarantine = BlobFolder(folder / "quarantine")
        self.attachment = attachment
        self.refuses: dict[type[Command], int] = {}

    def submit(self, command: Command) -> asyncio.Future[Outcome]:
        """The writer's, but that it refuses a command as often as it is told to."""
        if self.refuses.get(type(command), 0) > 0:
            self.refuses[type(command)] -= 1
            refusing: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            refusing.set_result(Outcome(command, refuse("busy", 1)))
            return refusing
        return self.town.performer.submit(command)

    def worker(self, jail: Jail) -> ReleaseWorker:
        supervisor = cast(Supervisor, jail)
        shop = Workshop(self.town.database, supervisor, self.quarantine, self.renditions, BETA, self.submit, Load())
        return ReleaseWorker(shop)

    async def stored(self) -> Attachment:
        async with self.town.database.read() as connection:
            found = await attachment_by_id(connection, self.attachment)
        assert found is not None
        return found

    async def states(self) -> set[str]:
        return {release.state for release in (await self.stored()).releases.values()}

    @asynccontextmanager
    async def running(self, worker: ReleaseWorker) -> AsyncIterator[None]:
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, state: str) -> Attachment:
        async with asyncio.timeout(10):
            while await self.states() != {state}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return await self.stored()

    def kept(self) -> set[str]:
        return {path.name for path in self.renditions.folder.iterdir()}


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(module, "TRY_AGAIN", 0.01)
    monkeypatch.setattr(row_queue, "TRY_AGAIN", 0.01)
    town = await open_town(tmp_path)
    town.organisation = (await town.do(AddOrganisation(SERVER, "霞ヶ浜市", chance()))).id
    await town.add("sato")
    room = await town.room("sato")
    made = Desk(town, tmp_path, "")
    sha256, size = made.quarantine.put("b_in", [DATA])
    command = ReceiveAttachment(town.origin("sato", "internet"), room.id, "a.txt", size, sha256, "b_in", chance())
    made.attachment = (await town.do(command)).id
    yield made
    await town.performer.close()
    await town.database.close()


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("fault", [Unavailable("no jail"), FULL, OSError(errno.EMFILE, "Too many open files")])
async def test_what_says_nothing_about_the_file_costs_it_no_try(desk: Desk, fault: Exception) -> None:
    async with desk.running(desk.worker(Jail(*[fault] * 7, released))):
        judged = await desk.until("released")
    assert judged.tries == 1


@pytest.mark.parametrize("command", [StartTry, JudgeAttachment])
async def test_a_busy_writer_costs_no_try_and_leaves_no_blob(desk: Desk, command: type[Command]) -> None:
    desk.refuses[command] = 7
    async with desk.running(desk.worker(Jail(released))):
        judged = await desk.until("released")
    assert judged.tries == 1
    release = judged.releases["lgwan"]
    assert desk.kept() == {release.blob, release.thumbnail}


async def test_a_file_that_breaks_the_trusting_side_is_poison_after_three(desk: Desk) -> None:
    async with desk.running(desk.worker(Jail(ValueError("what the jail said cannot be")))):
        judged = await desk.until("refused")
    assert {release.code for release in judged.releases.values()} == {"crashed"}
    assert desk.kept() == set()


async def test_the_end_of_the_server_costs_no_try(desk: Desk) -> None:
    for _ in range(5):
        started = asyncio.Event()

        class Waits(Jail):
            async def examine(self, source: int, *, password: str | None, **more: Any) -> Examined:
                started.set()  # noqa: B023
                return await asyncio.Future()

        async with desk.running(desk.worker(Waits(FULL))):
            await asyncio.wait_for(started.wait(), 5)
    await desk.town.performer.submit(GivePassword(SERVER, "a_none"))
    assert (await desk.stored()).tries == 0
    assert await desk.states() == {"quarantined"}


async def test_the_worker_goes_on_after_a_reader_failed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [TimeoutError("no reader is free")]

    async def unsteady(*arguments: Any) -> list[str]:
        if failures:
            raise failures.pop()
        return await waiting_attachments(*arguments)

    monkeypatch.setattr(module, "waiting_attachments", unsteady)
    async with desk.running(desk.worker(Jail(released))):
        await desk.until("released")
    assert not failures


async def test_a_password_outlives_a_jail_that_could_not_be_had(desk: Desk) -> None:
    def locked() -> Examined:
        return Examined(refused("needs-password", facts(DATA), "rebuild"), None, None)

    jail = Jail(locked, Unavailable("no jail"), released)
    worker = desk.worker(jail)
    async with desk.running(worker):
        await desk.until("needs_password")
        worker.give_password(desk.attachment, "secret")
        await desk.town.do(GivePassword(desk.town.origin("sato", "internet"), desk.attachment))
        worker.wake()
        await desk.until("released")
    assert jail.passwords == [None, "secret", "secret"]
    assert "secret" not in str(vars(worker))


async def test_a_rendition_that_no_zone_reads_is_not_kept(desk: Desk) -> None:
    room = await desk.town.room("sato")
    command = ReceiveAttachment(
        desk.town.origin("sato", "lgwan"), room.id, "b.txt", len(DATA), facts(DATA).sha256 or "", "b_in", chance()
    )
    inside = (await desk.town.do(command)).id
    await desk.town.do(JudgeAttachment(SERVER, inside, (Release("lgwan", "pass", "refused", "unreadable"),)))
    desk.attachment, first = inside, desk.attachment
    await desk.town.do(JudgeAttachment(SERVER, first, tuple(
        Release(zone, "rebuild", "refused", "unreadable") for zone in ("internet", "lgwan")
    )))  # fmt: skip
    async with desk.running(desk.worker(Jail(lambda: released("個人番号 123456789018")))):
        judged = await desk.until("refused")
    assert judged.releases["internet"].code == "my_number"
    assert desk.kept() == set()


def test_a_blob_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path / "blobs")

    def chunks() -> Any:
        yield b"x" * 1000
        raise FULL

    with pytest.raises(OSError, match="No space"):
        folder.put("b_1", chunks())
    assert list(folder.folder.iterdir()) == []


def test_a_sweep_leaves_folders_alone(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path / "blobs")
    (folder.folder / "lost+found").mkdir()
    folder.put("b_1", [b"x"])
    assert folder.sweep(set()) == 1
    assert [path.name for path in folder.folder.iterdir()] == ["lost+found"]
