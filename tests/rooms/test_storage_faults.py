"""What happens when the disk is full or fails: no false yes, nothing half written, reading goes on, and it recovers."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from support.town import Town, open_town

from rooms.refusals import Refusal
from rooms.store.blobs import BlobFolder
from rooms.store.database import DatabaseDamaged, FatalStorageError, StorageFull, settle_log, storage_error
from rooms.store.posting import events_after
from rooms.world import Posted


def _limit_pages(connection: Connection, pages: int) -> None:
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").close()


async def test_a_full_disk_refuses_and_recovers(town: Town) -> None:
    room = await town.room("sato", "suzuki")
    await town.posted("sato", room.id, "前")
    used = town.database.run_here(lambda c: int(c.exec_driver_sql("PRAGMA page_count").scalar_one()))
    town.database.run_here(lambda c: _limit_pages(c, used + 4))
    answers = await asyncio.gather(*(town.do(town.post("sato", room.id, "長い文" * 3000)) for _ in range(20)))
    assert {a.code for a in answers if isinstance(a, Refusal)} == {"storage_full"}
    acked = [a for a in answers if isinstance(a, Posted)]
    async with town.database.read() as connection:
        assert len(await connection.run_sync(events_after, room.id, 0, 500)) == 1 + len(acked)
    town.database.run_here(lambda c: _limit_pages(c, 1 << 30))
    again = await town.posted("sato", room.id, "後")
    assert again.seq == 2 + len(acked)


async def test_after_a_full_disk_a_restart_finds_a_sound_record(tmp_path: Path, town: Town) -> None:
    room = await town.room("sato", "suzuki")
    used = town.database.run_here(lambda c: int(c.exec_driver_sql("PRAGMA page_count").scalar_one()))
    town.database.run_here(lambda c: _limit_pages(c, used + 2))
    await asyncio.gather(*(town.do(town.post("sato", room.id, "長い文" * 3000)) for _ in range(10)))
    size = town.drain.frontier.size
    await town.performer.close()
    again = await open_town(tmp_path)
    assert again.drain.sound
    assert again.drain.frontier.size == size
    await again.performer.close()
    await again.database.close()


async def test_settling_the_log_changes_nothing_that_is_read(tmp_path: Path, town: Town) -> None:
    room = await town.room("sato", "suzuki")
    posted = await town.posted("sato", room.id, "前")
    log = tmp_path / "sekisho.db-wal"
    before = log.read_bytes()
    async with town.database.read() as connection:
        settle_log(town.database.path)
        assert [event.seq for event in await connection.run_sync(events_after, room.id, 0, 500)] == [posted.seq]
    assert before == log.read_bytes() != b""
    log_less = tmp_path / "other.db"
    settle_log(log_less)
    assert not log_less.exists()


def _error(name: str) -> OperationalError:
    cause = sqlite3.OperationalError(name)
    cause.sqlite_errorname = name
    return OperationalError("COMMIT", {}, cause)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_FULL", StorageFull),
        ("SQLITE_IOERR_FSYNC", FatalStorageError),
        ("SQLITE_IOERR_WRITE", FatalStorageError),
        ("SQLITE_READONLY", FatalStorageError),
        ("SQLITE_CANTOPEN_FULLPATH", FatalStorageError),
        ("SQLITE_CORRUPT", DatabaseDamaged),
        ("SQLITE_NOTADB", DatabaseDamaged),
    ],
)
def test_a_driver_error_is_named_for_what_it_means(name: str, kind: type[Exception]) -> None:
    assert type(storage_error(_error(name))) is kind


def test_an_ordinary_error_is_not_the_storages() -> None:
    assert storage_error(_error("SQLITE_CONSTRAINT")) is None
    assert storage_error(ValueError("x")) is None


def test_blobs_are_whole_or_not_there(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path / "blobs")
    sha256, size = folder.put("b_one", [b"abc", b"def"])
    assert (size, len(sha256)) == (6, 64)
    folder.begin("b_two").close()
    assert sorted(folder.keys()) == ["b_one"]
    assert folder.sweep({"b_one"}) == 1
    assert folder.path("b_one").read_bytes() == b"abcdef"
    for bad in ("../x", "a/b", "", ".", "b_\u3042"):
        with pytest.raises(ValueError, match="not a blob key"):
            folder.path(bad)
