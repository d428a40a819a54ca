"""Read marks are gathered and never stand before what somebody says: held in order and number, not in time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from campaigns.virtual_time import VirtualLoop
from support.town import Town, chance, open_town

from rooms.commands import SERVER, Command
from rooms.commands.people import AddOrganisation
from rooms.commands.posting import MarkRead, PostMessage
from rooms.perform import Outcome
from server.load import Load, Measures, Pace
from server.read_marks import AT_ONCE, GATHER, HELD, LONGEST, ReadMarks


class Writer:
    """Notes what is handed over, and when; answers nothing. ``waiting`` is as long as its queue is."""

    def __init__(self) -> None:
        self.taken: list[tuple[float, Command]] = []
        self.waiting = 0

    def submit(self, command: Command) -> asyncio.Future[Outcome]:
        loop = asyncio.get_running_loop()
        self.taken.append((round(loop.time(), 3), command))
        return loop.create_future()

    def marks(self) -> list[tuple[float, str, str, int]]:
        return [(at, c.origin.person or "", c.room, c.seq) for at, c in self.taken if isinstance(c, MarkRead)]


def busy() -> Load:
    """At its first level."""
    load = Load(Pace(rise=0.0))
    load.look(Measures(lag=0.2), 0.0)
    return load


def in_virtual_time(play: Coroutine[Any, Any, None]) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(play)
    finally:
        loop.close()


def test_of_many_marks_the_furthest_is_written_once() -> None:
    async def play() -> None:
        writer = Writer()
        marks = ReadMarks(writer.submit, lambda: 0, Load())
        for seq in (3, 9, 5):
            marks.gather("p_sato", "lgwan", "r_1", seq)
            await asyncio.sleep(0.01)
        marks.gather("p_sato", "lgwan", "r_2", 1)
        marks.gather("p_suzuki", "internet", "r_1", 2)
        await asyncio.sleep(10)
        assert writer.marks() == [
            (GATHER, "p_sato", "r_1", 9), (GATHER, "p_sato", "r_2", 1), (GATHER, "p_suzuki", "r_1", 2),
        ]  # fmt: skip

    in_virtual_time(play())


def test_marks_wait_until_nothing_else_does_but_not_for_ever() -> None:
    async def play() -> None:
        writer = Writer()
        marks = ReadMarks(writer.submit, lambda: writer.waiting, Load())
        writer.waiting = 1
        marks.gather("p_sato", "lgwan", "r_1", 1)
        await asyncio.sleep(3)
        assert writer.taken == []
        writer.waiting = 0
        await asyncio.sleep(0.1)
        assert [mark[1:] for mark in writer.marks()] == [("p_sato", "r_1", 1)]
        writer.waiting = 1
        begun = asyncio.get_running_loop().time()
        marks.gather("p_sato", "lgwan", "r_1", 2)
        await asyncio.sleep(3 * LONGEST)
        (at, *mark) = writer.marks()[-1]
        assert mark == ["p_sato", "r_1", 2] and LONGEST <= at - begun <= LONGEST + 0.1

    in_virtual_time(play())


def test_under_load_they_rest_for_seconds() -> None:
    async def play() -> None:
        writer = Writer()
        marks = ReadMarks(writer.submit, lambda: 0, busy())
        for seq in range(1, 100):
            marks.gather("p_sato", "lgwan", "r_1", seq)
            await asyncio.sleep(0.04)
        await asyncio.sleep(5)
        assert writer.marks() == [(HELD, "p_sato", "r_1", 99)]

    in_virtual_time(play())


def test_a_herd_of_marks_goes_in_portions_and_the_end_takes_all() -> None:
    async def play() -> None:
        writer = Writer()
        marks = ReadMarks(writer.submit, lambda: 0, Load())
        for person in range(3 * AT_ONCE + 7):
            marks.gather(f"p_{person}", "lgwan", "r_1", 1)
        await asyncio.sleep(GATHER + 0.01)
        assert len(writer.taken) == AT_ONCE
        await asyncio.sleep(1)
        assert len({at for at, _ in writer.taken}) == 4 and len(writer.taken) == 3 * AT_ONCE + 7
        marks.gather("p_sato", "lgwan", "r_1", 1)
        marks.close()
        assert writer.marks()[-1][1] == "p_sato"
        await asyncio.sleep(20)
        assert len(writer.taken) == 3 * AT_ONCE + 8

    in_virtual_time(play())


async def test_of_the_marks_of_a_busy_moment_none_stands_before_a_post(tmp_path: Path) -> None:
    """Over the real writer: people read on while others speak. A mark is handed over when nothing waits, so that no
    post is committed behind one that came before it; and of 1,200 marks a few are written."""
    town = await open_town(tmp_path)
    town.organisation = (await town.do(AddOrganisation(SERVER, "霞ヶ浜市", chance()))).id
    for login in ("sato", "suzuki"):
        await town.add(login)
    room = await town.room("sato", "suzuki")
    before = await _speak_and_read(town, room.id)
    written = [outcome.command for outcome in town.told if isinstance(outcome.command, MarkRead)]
    spoken = [outcome for outcome in town.told if isinstance(outcome.command, PostMessage)]
    await town.database.close()
    assert len(spoken) == 600 and not any(outcome.refused for outcome in spoken)
    assert 2 <= len(written) <= 60
    assert max(before) < len(PEOPLE), "only the other mark of the same moment waits"


PEOPLE = ("sato", "suzuki")


async def _speak_and_read(town: Town, room: str) -> list[int]:
    """How much waited when each mark was handed over."""
    performer, waited = town.performer, []

    def submit(command: Command) -> asyncio.Future[Outcome]:
        waited.append(performer.queued)
        return performer.submit(command)

    marks = ReadMarks(submit, lambda: performer.queued, Load())
    for number in range(1, 601):
        for login in PEOPLE:
            marks.gather(town.people[login].id, "lgwan", room, number)
        last = performer.submit(PostMessage(town.origin("sato"), room, f"c-{number}", "話", chance()))
        if number % 20 == 0:
            await asyncio.sleep(0.02)
    await last
    await asyncio.sleep(2 * GATHER)
    marks.close()
    await performer.close()
    return waited
