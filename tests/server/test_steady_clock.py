"""Somebody sets the machine's clock: what is kept for a while is kept for so long, neither shorter nor for ever."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path

from support.installation import Client, Installation, installed

from server.partials import Begun, Mark, Partials
from server.steady_clock import SteadyClock

YEAR = 24 * 365
TUS = {"tus-resumable": "1.0.0"}


def test_it_goes_on_evenly_whatever_the_wall_clock_does() -> None:
    wall, elapsed = 1_000_000, 500
    clock = SteadyClock(lambda: wall, lambda: elapsed)
    wall, elapsed = 9_000_000, 700
    assert (clock(), clock.cautious()) == (1_000_200, 1_000_200)
    wall, elapsed = 3, 900
    assert (clock(), clock.cautious()) == (1_000_400, 3)


async def _begun(client: Client, room: str) -> str:
    name, place = (base64.b64encode(text.encode()).decode() for text in ("計画.txt", room))
    headers = TUS | {"upload-length": "100", "upload-metadata": f"room {place},filename {name}"}
    answered = await client.post("uploads/", headers=headers)
    assert answered.status_code == 201, answered.text
    return answered.headers["location"]


async def _received(client: Client, room: str) -> str:
    answered = await client.post("attachments", params={"room": room, "name": "計画.txt"}, content="計画".encode())
    assert answered.status_code == 202, answered.text
    attachment: str = answered.json()["id"]
    return attachment


async def _kept(town: Installation, attachment: str) -> bool:
    """Whether the retention, run now, leaves the original."""
    await town.application.retention.run()
    rows = town.rows("SELECT blob FROM attachments WHERE id = ? AND NOT original_gone", attachment)
    kept = [row for row in rows if (town.folder / "quarantine" / row[0]).is_file()]
    assert len(kept) == len(rows)
    return bool(kept)


async def test_a_clock_that_jumps_deletes_nothing_early_and_time_that_goes_by_does(tmp_path: Path) -> None:
    async with installed(tmp_path) as town:
        sato = await town.login("sato")
        room = (await sato.post("rooms", json={"kind": "group", "name": "防災", "members": []})).json()["id"]
        location, attachment = await _begun(sato, room), await _received(sato, room)
        for hours in (YEAR, -YEAR - 1, -YEAR, YEAR + 2):
            town.set_clock(hours=hours)
            await town.application.resumables.sweep()
            assert (await sato.head(location, headers=TUS)).status_code == 200, hours
            assert await _kept(town, attachment), hours
        town.later(hours=25)
        sato = await town.login("sato")
        assert (await sato.head(location, headers=TUS)).status_code == 404
        assert not await _kept(town, attachment)


async def test_a_clock_that_was_set_back_for_good_keeps_no_upload_for_ever(tmp_path: Path) -> None:
    """An upload that came while the clock was a year ahead lasts a day from the next start."""
    partials = Partials(tmp_path / "uploads")
    async with installed(tmp_path) as town:
        sato = await town.login("sato")
        room = (await sato.post("rooms", json={"kind": "group", "name": "防災", "members": []})).json()["id"]
        ahead = town.now() + YEAR * 3_600_000
        begun = Begun("u_ahead", town.people["sato"].id, "internet", room, "計画.txt", "", 100, bytes(16), ahead)
        partials.begin(begun)
        with partials.open("u_ahead", 0) as file:
            partials.mark("u_ahead", file, Mark(0, ahead))
    async with installed(tmp_path) as town:
        assert "u_ahead" in town.application.resumables._uploads
        town.later(hours=25)
        await town.application.resumables.sweep()
        assert "u_ahead" not in town.application.resumables._uploads


async def test_nothing_is_deleted_in_the_first_hour_after_a_start(tmp_path: Path) -> None:
    """A machine that comes up with its clock a month ahead has an hour to set it right."""
    async with installed(tmp_path) as town:
        sato = await town.login("sato")
        room = (await sato.post("rooms", json={"kind": "group", "name": "防災", "members": []})).json()["id"]
        attachment = await _received(sato, room)
        aged = town.now() - 40 * 24 * 3_600_000
    with_old_file = tmp_path / "sekisho.db"
    _age(with_old_file, attachment, aged)
    async with installed(tmp_path) as town:
        await town.login("sato")
        rows = town.rows("SELECT blob FROM attachments WHERE id = ? AND NOT original_gone", attachment)
        assert rows and (town.folder / "quarantine" / rows[0][0]).is_file()
        assert not await _kept(town, attachment)


def _age(path: Path, attachment: str, at: int) -> None:

    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE attachments SET at = ? WHERE id = ?", (at, attachment))
