"""The comparison worker when everything but the files fails: no jail, a full disk, a busy writer, the server's end.

The sanitizer is a double that does as it is told: what it finds is tested where it is at home.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from support.town import Town, chance, open_town

import server.comparison_worker as module
from rooms.attachment import Attachment, Release
from rooms.commands import SERVER, Command
from rooms.commands.comparing import NoteComparison
from rooms.commands.people import AddOrganisation
from rooms.commands.receiving import JudgeAttachment, ReceiveAttachment
from rooms.comparison import Comparison
from rooms.perform import Outcome
from rooms.refusals import refuse
from rooms.store.blobs import BlobFolder
from rooms.store.comparing import comparison_of
from rooms.zones import BETA
from sanitizer.comparison import Compared, PagePicture, PageScore
from sanitizer.supervisor import Supervisor, Unavailable
from server import row_queue
from server.comparison_worker import ComparisonWorker
from server.load import Load
from server.workshop import Workshop

FOUND = Compared((PageScore(1, 0.9, True, (1, 2, 3, 4)),), 1, (PagePicture(1, "rebuilt", b"picture"),))
REPORT = {"input": {"type": "application/pdf"}, "removed": [], "changed": []}


class Jails:
    """Says what is next in its list, the last for ever."""

    def __init__(self, *says: Compared | BaseException | None) -> None:
        self._says = list(says)
        self.asked = 0

    async def compare(self, *_: Any, **more: Any) -> Compared | None:
        self.asked += 1
        await asyncio.sleep(0)
        say = self._says.pop(0) if len(self._says) > 1 else self._says[0]
        if isinstance(say, BaseException):
            raise say
        return say


class Desk:
    """A town with one released file that was not compared yet."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        self.renditions = BlobFolder(folder / "renditions")
        self.quarantine = BlobFolder(folder / "quarantine")
        self.attachment = ""
        self.load = Load()
        self.refuses: dict[type[Command], int] = {}

    def submit(self, command: Command) -> asyncio.Future[Outcome]:
        """The writer's, but that it refuses a command as often as it is told to."""
        if self.refuses.get(type(command), 0) > 0:
            self.refuses[type(command)] -= 1
            refusing: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            refusing.set_result(Outcome(command, refuse("busy", 1)))
            return refusing
        return self.town.performer.submit(command)

    async def receive(self, room: str, blob: str) -> Attachment:
        sha256, size = self.quarantine.put(blob, [b"original"])
        command = ReceiveAttachment(self.town.origin("sato", "internet"), room, "a.pdf", size, sha256, blob, chance())
        received: Attachment = await self.town.do(command)
        return received

    async def release(self, attachment: str) -> None:
        sha256, size = self.renditions.put(f"b_out{attachment[-4:]}", [b"rebuilt"])
        releases = tuple(
            Release(zone, "rebuild", "released", None, f"b_out{attachment[-4:]}", sha256, size, "application/pdf",
                    report={**REPORT, "output": {"type": "application/pdf"}})
            for zone in ("internet", "lgwan")
        )  # fmt: skip
        await self.town.do(JudgeAttachment(SERVER, attachment, releases))

    async def state(self) -> Comparison:
        async with self.town.database.read() as connection:
            found = await comparison_of(connection, self.attachment, "rebuild")
        assert found is not None
        return found

    @asynccontextmanager
    async def running(self, jails: Jails) -> AsyncIterator[ComparisonWorker]:
        supervisor = cast(Supervisor, jails)
        shop = Workshop(self.town.database, supervisor, self.quarantine, self.renditions, BETA, self.submit, self.load)
        worker = ComparisonWorker(shop)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def done(self) -> Comparison:
        async with asyncio.timeout(10):
            while not (await self.state()).done:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return await self.state()

    def pictures(self) -> set[str]:
        return {path.name for path in self.renditions.folder.iterdir() if path.read_bytes() == b"picture"}


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(module, "TRY_AGAIN", 0.01)
    monkeypatch.setattr(row_queue, "TRY_AGAIN", 0.01)
    monkeypatch.setattr(module, "AFTER_OTHERS", 0.01)
    town = await open_town(tmp_path)
    town.organisation = (await town.do(AddOrganisation(SERVER, "霞ヶ浜市", chance()))).id
    await town.add("sato")
    made = Desk(town, tmp_path)
    made.attachment = (await made.receive((await town.room("sato")).id, "b_in")).id
    await made.release(made.attachment)
    yield made
    await town.performer.close()
    await town.database.close()


async def test_what_waited_before_the_start_is_compared_after_it(desk: Desk) -> None:
    assert await desk.state() == Comparison(desk.attachment, "rebuild")
    async with desk.running(Jails(FOUND)):
        found = await desk.done()
    assert found.similarity == {
        "pages": 1, "of": 1, "mean": 0.9, "least": 0.9, "differing": [1], "places": {"1": [1, 2, 3, 4]},
    }  # fmt: skip
    assert {picture.blob for picture in found.pictures} == desk.pictures()


@pytest.mark.parametrize("fault", [Unavailable("no jail"), OSError(errno.ENOSPC, "No space left on device")])
async def test_what_says_nothing_about_the_files_costs_no_try(desk: Desk, fault: Exception) -> None:
    jails = Jails(*[fault] * 5, FOUND)
    async with desk.running(jails):
        found = await desk.done()
    assert (jails.asked, found.tries, len(desk.pictures())) == (6, 1, 1)


async def test_a_busy_writer_leaves_nothing_behind(desk: Desk) -> None:
    desk.refuses[NoteComparison] = 3
    jails = Jails(FOUND)
    async with desk.running(jails):
        found = await desk.done()
    assert (jails.asked, found.tries, len(found.pictures)) == (4, 1, 1)
    assert {picture.blob for picture in found.pictures} == desk.pictures()


async def test_the_end_of_the_server_costs_no_try(desk: Desk) -> None:
    held = asyncio.Event()

    class Held(Jails):
        async def compare(self, *_: Any, **more: Any) -> Compared | None:
            held.set()
            await asyncio.Event().wait()
            return None

    async with desk.running(Held(None)):
        await held.wait()
        assert (await desk.state()).tries == 1
    async with asyncio.timeout(10):
        while (await desk.state()).tries:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not (await desk.state()).done


async def test_a_comparison_that_fails_every_time_is_given_up(desk: Desk) -> None:
    jails = Jails(RuntimeError("a mistake of ours"))
    async with desk.running(jails):
        found = await desk.done()
    assert (jails.asked, found.similarity) == (3, None)


async def test_a_file_that_waits_for_its_verdict_goes_first(desk: Desk) -> None:
    other = await desk.receive((await desk.town.room("sato")).id, "b_in2")
    jails = Jails(FOUND)
    async with desk.running(jails):
        await asyncio.sleep(0.1)
        assert jails.asked == 0
        await desk.release(other.id)
        await desk.done()


async def test_an_original_that_is_gone_is_not_compared(desk: Desk) -> None:
    desk.quarantine.drop("b_in")
    jails = Jails(FOUND)
    async with desk.running(jails):
        found = await desk.done()
    assert (jails.asked, found.similarity) == (0, None)
    assert (desk.renditions.folder / f"b_out{desk.attachment[-4:]}").exists()
