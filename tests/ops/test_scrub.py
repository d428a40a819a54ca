"""The scrub finds what rotted, names it, and readers see that it did."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.schema_before import go_back
from support.town import Town, open_town

from ops import cli
from ops.scrub import scrub
from rooms.commands import SERVER
from rooms.commands.people import AddOrganisation
from rooms.commands.receiving import ReceiveAttachment
from rooms.events import MessagePosted
from rooms.store.blobs import BlobFolder
from rooms.store.event_rows import DAMAGED
from rooms.store.posting import events_after, events_before


async def _lived_in(folder: Path) -> tuple[Town, str]:
    """Three messages and a file, closed again; the room's id."""
    town = await open_town(folder)
    town.organisation = (await town.do(AddOrganisation(SERVER, "霞ヶ浜市", bytes(16)))).id
    await town.add("sato")
    room = (await town.room("sato")).id
    for text in ("一報", "二報", "三報"):
        await town.posted("sato", room, text)
    digest, size = BlobFolder(folder / "quarantine").put("b_file", [b"photo"])
    await town.do(ReceiveAttachment(town.origin("sato"), room, "写真.txt", size, digest, "b_file", bytes(16)))
    return town, room


async def _close(town: Town) -> None:
    await town.performer.close()
    await town.database.close()


def _change(folder: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(folder / "sekisho.db", isolation_level=None)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        assert database.execute(statement, values).rowcount == 1


def _wrong(folder: Path) -> dict[str, str]:
    return {finding.check: finding.en for finding in scrub(folder) if finding.level == "wrong"}


@pytest.mark.parametrize(
    ("statement", "check", "named"),
    [
        ("UPDATE events SET body = replace(CAST(body AS TEXT), '二', '五') WHERE seq = 2", "events", " 2."),
        ("UPDATE events SET actor = 'p_other' WHERE seq = 3", "events", " 3."),
        ("UPDATE events SET crc = NULL WHERE seq = 1", "events", " 1."),
        ("UPDATE audit_leaves SET leaf = CAST(leaf || ' ' AS BLOB) WHERE idx = 2", "leaves", ": 2."),
        ("DELETE FROM audit_leaves WHERE idx = 1", "leaves", ": 2."),
        ("UPDATE audit_head SET frontier = x'0000000000000000'", "leaves", "audit_head"),
        ("DELETE FROM people", "pages", "people"),
    ],
)
async def test_what_was_changed_is_named(tmp_path: Path, statement: str, check: str, named: str) -> None:
    town, _ = await _lived_in(tmp_path)
    await _close(town)
    assert _wrong(tmp_path) == {}
    _change(tmp_path, statement)
    assert named in _wrong(tmp_path)[check]


async def test_messages_of_an_earlier_release_get_their_checks(tmp_path: Path) -> None:
    town, room = await _lived_in(tmp_path)
    await _close(town)
    go_back(tmp_path / "sekisho.db", "0008")
    again = await open_town(tmp_path)
    events = await again.database.look(lambda connection: events_after(connection, room, 0, 9))
    await _close(again)
    assert [event.event.text for event in events if isinstance(event.event, MessagePosted)] == ["一報", "二報", "三報"]
    assert _wrong(tmp_path) == {}


async def test_files_are_hashed(tmp_path: Path) -> None:
    town, _ = await _lived_in(tmp_path)
    await _close(town)
    path = tmp_path / "quarantine" / "b_file"
    path.write_bytes(b"Photo")
    assert "b_file" in _wrong(tmp_path)["files"]
    path.unlink()
    assert "b_file" in _wrong(tmp_path)["files"]


async def test_a_rotten_message_is_shown_as_damaged_and_the_others_as_they_are(tmp_path: Path) -> None:
    town, room = await _lived_in(tmp_path)
    _change(tmp_path, "UPDATE events SET body = ?, made_in = 'nowhere' WHERE seq = 2", b"\xff no JSON")
    async with town.database.read() as connection:
        ways = await connection.run_sync(events_after, room, 0, 9), await connection.run_sync(events_before, room, 9, 9)
    for events in ways:
        texts = [event.event.text for event in events if isinstance(event.event, MessagePosted)]
        assert texts == ["一報", DAMAGED, "三報"]
    await _close(town)


def test_doctor_scrubs_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def lived() -> None:
        town, _ = await _lived_in(tmp_path)
        await _close(town)

    asyncio.run(lived())

    def checks(*more: str) -> dict[str, str]:
        cli.main(["doctor", "--data", str(tmp_path), "--json", *more])
        return {finding["check"]: finding["level"] for finding in json.loads(capsys.readouterr().out)}

    assert "events" not in checks()
    found = checks("--scrub")
    assert {found[name] for name in ("pages", "leaves", "events", "files")} == {"ok"}
    (tmp_path / "sekisho.db").write_bytes(b"no database at all" * 1000)
    assert checks("--scrub")["scrub"] == "wrong"
