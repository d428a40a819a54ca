"""The record as the store keeps it, exported and checked; then the database is changed behind the store's back."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection
from support.town import Town, chance, open_town

from ops.audit_bundle import BundleCheck, Report
from rooms.audit import verifier_key, write_bundle
from rooms.commands import SERVER
from rooms.commands.noting import MakeCheckpoint
from rooms.commands.people import AddOrganisation
from rooms.store.audit import all_checkpoints, all_leaves, stored_frontier

Tamper = Callable[[sqlite3.Connection], object]


async def fill(town: Town) -> None:
    """A little talk with a checkpoint in between and one at the end."""
    room = (await town.room("sato", "suzuki")).id
    for count in (5, 7, 6):
        for number in range(count):
            await town.posted("sato", room, f"お知らせ {number}")
        await town.do(MakeCheckpoint(SERVER))


def check(connection: Connection, town: Town) -> Report:
    out = io.BytesIO()
    signer, frontier = town.drain.keys.checkpoint, stored_frontier(connection)
    write_bundle(
        out,
        town.drain.keys.origin,
        [verifier_key(signer.name, signer.public_key)],
        all_leaves(connection),
        all_checkpoints(connection),
        (frontier.size, frontier.root()),
    )
    out.seek(0)
    return BundleCheck([signer.public_key]).run(out)


async def shut(town: Town) -> None:
    await town.performer.close()
    await town.database.close()


async def export_and_check(folder: Path, tamper: Tamper = lambda database: None) -> Report:
    """Change the closed database as its keeper could, open it again, sign, export and check."""
    with closing(sqlite3.connect(folder / "sekisho.db")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        tamper(database)
        database.commit()
    town = await open_town(folder)
    try:
        await town.do(MakeCheckpoint(SERVER))
        return await town.database.run(lambda connection: check(connection, town))
    finally:
        await shut(town)


def found(report: Report) -> list[tuple[str, int]]:
    return [(one.code, one.at) for one in report.findings]


@pytest.fixture
async def talk(tmp_path: Path) -> Path:
    """The folder of a town that has talked and closed."""
    town = await open_town(tmp_path)
    town.organisation = (await town.do(AddOrganisation(SERVER, "霞ヶ浜市", chance()))).id
    await town.add("sato")
    await town.add("suzuki")
    await fill(town)
    await shut(town)
    return tmp_path


async def test_what_the_store_wrote_is_intact(talk: Path) -> None:
    report = await export_and_check(talk)
    assert found(report) == []
    assert report.leaves > 18
    assert report.checkpoints == 3


async def test_a_store_opened_again_goes_on_with_the_same_tree(talk: Path) -> None:
    town = await open_town(talk)
    await town.do(AddOrganisation(SERVER, "隣の市", chance()))
    await shut(town)
    report = await export_and_check(talk)
    assert (found(report), report.checkpoints) == ([], 4)


async def test_leaves_cannot_be_changed_or_deleted_by_plain_sql(talk: Path) -> None:
    with closing(sqlite3.connect(talk / "sekisho.db")) as database:
        for statement in ("DELETE FROM audit_leaves", "UPDATE audit_leaves SET idx = idx + 1000"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)


@pytest.mark.parametrize(
    ("statement", "code", "at"),
    [
        (
            "UPDATE audit_leaves SET leaf = replace(leaf, 'message.post', 'message.past') WHERE idx = 9",
            "leaf-altered",
            9,
        ),
        ("UPDATE audit_leaves SET leaf = CAST(leaf || ' ' AS BLOB) WHERE idx = 9", "leaf-altered", 9),
        ("UPDATE audit_leaves SET leaf = 42 WHERE idx = 9", "leaf-altered", 9),
        ("UPDATE audit_leaves SET hash = zeroblob(32) WHERE idx = 9", "leaf-altered", 9),
        ("UPDATE audit_leaves SET hash = 'x' WHERE idx = 9", "line", 9),
        ("DELETE FROM audit_leaves WHERE idx = 9", "missing", 9),
        ("DELETE FROM audit_leaves WHERE idx BETWEEN 9 AND 12", "missing", 9),
        ("DELETE FROM audit_leaves WHERE idx >= 9", "tail", 9),
        ("UPDATE audit_checkpoints SET note = replace(note, 'sekisho', 'sekisha')", "signature", 9),
        ("UPDATE audit_checkpoints SET note = x'ff'", "checkpoint", 9),
        ("UPDATE audit_checkpoints SET note = CAST(x'ff41' AS TEXT)", "checkpoint", 9),
    ],
)
async def test_a_changed_database_is_found(talk: Path, statement: str, code: str, at: int) -> None:
    def tamper(database: sqlite3.Connection) -> None:
        assert database.execute(statement).rowcount > 0

    report = await export_and_check(talk, tamper)
    if code in ("signature", "checkpoint"):
        assert code in {one.code for one in report.findings}
    else:
        assert (code, at) in found(report)


async def test_two_swapped_rows_are_found_between_two_checkpoints(talk: Path) -> None:
    def swap(database: sqlite3.Connection) -> None:
        for old, new in ((9, -1), (10, 9), (-1, 10)):
            database.execute("UPDATE audit_leaves SET idx = ? WHERE idx = ?", (new, old))

    report = await export_and_check(talk, swap)
    (one,) = report.findings
    assert one.code == "range"
    assert one.at <= 9
