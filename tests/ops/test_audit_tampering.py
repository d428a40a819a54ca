"""Whoever may write the database file: what each tampering leaves behind in ``audit export`` and ``audit verify``.

Every attack goes by SQL over a copy of a real data folder, with the triggers dropped, while no server runs; then the
record is exported and checked with the commands an auditor would use. Without a key, without a pinned checkpoint.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ops.cli import main
from ops.control import reach
from rooms.audit import Frontier, leaf_hash
from rooms.commands import SERVER
from rooms.commands.noting import MakeCheckpoint, NoteAct
from server.installation import CONTROL_SOCKET, DATABASE, HEAD, KEYS

TRIALS = 7
"""Random places for each attack."""


def note(folder: Path, count: int) -> None:
    with reach(folder) as installation:
        installation.perform_all([NoteAct(SERVER, "test.act", f"r_{i}", notes={"n": i}) for i in range(count)])


def sign(folder: Path) -> None:
    with reach(folder) as installation:
        installation.perform(MakeCheckpoint(SERVER))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 leaves, a checkpoint, 30 leaves, a checkpoint, 12 leaves under none."""
    folder = tmp_path_factory.mktemp("record")
    for covered in (True, True, False):
        note(folder, 30 if covered else 12)
        if covered:
            sign(folder)
    return folder


SIZE, SIGNED = 72, (30, 60)


class Attacked:
    """A copy of the record, open to everybody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder.parent / f"{folder.name}.bundle"

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.folder / DATABASE)) as database, database:
            for act in ("update", "delete"):
                database.execute(f"DROP TRIGGER IF EXISTS audit_leaves_no_{act}")
            for statement in statements:
                assert database.execute(statement).rowcount, statement

    def export(self) -> None:
        assert main(["audit", "export", "--data", str(self.folder), "-o", str(self.out)]) == 0

    def verify(self, *more: str) -> int:
        return main(["audit", "verify", str(self.out), *more])


@pytest.fixture
def copy(record: Path, tmp_path: Path) -> Callable[[], Attacked]:
    names = iter(range(1000))

    def copied() -> Attacked:
        folder = tmp_path / str(next(names))
        shutil.copytree(record, folder, ignore=shutil.ignore_patterns(CONTROL_SOCKET))
        return Attacked(folder)

    return copied


@pytest.fixture
def places() -> Iterator[int]:
    """Leaf indexes, the borders of checkpoints first."""
    chance = random.Random(20260401)
    borders = [0, SIGNED[0] - 1, SIGNED[0], SIGNED[1] - 1, SIGNED[1], SIZE - 1]
    return iter([*borders, *(chance.randrange(SIZE) for _ in range(TRIALS - len(borders)))])


def assert_told(attacked: Attacked, capsys: pytest.CaptureFixture[str], *places: str) -> None:
    """Exit 1, and every place is named; nothing of what was tampered with is signed as sound on the way."""
    attacked.export()
    capsys.readouterr()
    status = attacked.verify()
    said = capsys.readouterr().out
    assert status == 1, said
    for place in places:
        assert place in said, said


def test_an_untouched_record_is_intact(copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str]) -> None:
    whole = copy()
    whole.export()
    assert whole.verify() == 0
    assert "Intact: 73 leaves" in capsys.readouterr().out


def test_one_changed_byte_is_found(
    copy: Callable[[], Attacked], places: Iterator[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """T1: within the act's object, so that the row still reads as a record."""
    for index in places:
        attacked = copy()
        attacked.sql(f"UPDATE audit_leaves SET leaf = replace(leaf, 'test.act', 'test.acu') WHERE idx = {index}")
        assert_told(attacked, capsys, f"leaf {index}: its content does not match")


def test_one_changed_bit_of_a_stored_hash_is_found(
    copy: Callable[[], Attacked], places: Iterator[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """T2."""
    for index in places:
        attacked = copy()
        with closing(sqlite3.connect(attacked.folder / DATABASE)) as database:
            found = database.execute("SELECT hash FROM audit_leaves WHERE idx = ?", [index]).fetchone()[0]
        wrong = bytes([found[0] ^ 1]) + found[1:]
        attacked.sql(f"UPDATE audit_leaves SET hash = x'{wrong.hex()}' WHERE idx = {index}")
        assert_told(attacked, capsys, f"leaf {index}: its content does not match")


def test_a_changed_leaf_with_a_fitting_hash_is_found(
    copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str]
) -> None:
    """T10: the row is made consistent in itself; the signed heads are not of it."""
    for index, (low, high) in ((5, (0, 29)), (45, (30, 59)), (70, (60, 71))):
        attacked = copy()
        with closing(sqlite3.connect(attacked.folder / DATABASE)) as database:
            leaf = database.execute("SELECT leaf FROM audit_leaves WHERE idx = ?", [index]).fetchone()[0]
        changed = leaf.replace(b"test.act", b"test.acu")
        digest = hashlib.sha256(b"\0" + changed).hexdigest()
        attacked.sql(f"UPDATE audit_leaves SET leaf = x'{changed.hex()}', hash = x'{digest}' WHERE idx = {index}")
        assert_told(attacked, capsys, f"leaves {low} to {high if high < 60 else ''}")


def test_a_deleted_row_is_found(
    copy: Callable[[], Attacked], places: Iterator[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """T3."""
    for index in places:
        attacked = copy()
        attacked.sql(f"DELETE FROM audit_leaves WHERE idx = {index}")
        assert_told(attacked, capsys, f"leaves {index} to {index} are missing")


def test_a_deleted_row_whose_gap_is_closed_is_found(
    copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str]
) -> None:
    attacked = copy()
    attacked.sql(
        "DELETE FROM audit_leaves WHERE idx = 40",
        "UPDATE audit_leaves SET idx = -idx WHERE idx > 40",
        "UPDATE audit_leaves SET idx = -idx - 1 WHERE idx < 0",
    )
    assert_told(attacked, capsys, "leaves 30 to 59 ")


@pytest.mark.parametrize("kept", [71, 65, 61, 60])
def test_a_deleted_tail_after_the_last_checkpoint_is_found(
    copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str], kept: int
) -> None:
    """T4: the stored head still knows how many there were."""
    attacked = copy()
    attacked.sql(f"DELETE FROM audit_leaves WHERE idx >= {kept}")
    assert_told(attacked, capsys, f"leaves {kept} to 71 are missing")


@pytest.mark.parametrize("kept", [59, 31, 30, 3])
def test_a_deleted_tail_before_the_last_checkpoint_is_found(
    copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str], kept: int
) -> None:
    """T5, also without the stored head: the last checkpoint is of more leaves."""
    attacked, headless = copy(), copy()
    attacked.sql(f"DELETE FROM audit_leaves WHERE idx >= {kept}")
    assert_told(attacked, capsys, f"leaves {kept} to 71 are missing")
    headless.sql(f"DELETE FROM audit_leaves WHERE idx >= {kept}", "DELETE FROM audit_head")
    assert_told(headless, capsys, f"leaves {kept} to 59 are missing")


@pytest.mark.parametrize(("one", "other"), [(3, 4), (3, 50), (29, 30), (61, 62), (10, 71)])
def test_two_swapped_rows_are_found(
    copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str], one: int, other: int
) -> None:
    """T6: the contents change places, hashes and all."""
    attacked = copy()
    attacked.sql(
        f"UPDATE audit_leaves SET idx = -1 WHERE idx = {one}",
        f"UPDATE audit_leaves SET idx = {one} WHERE idx = {other}",
        f"UPDATE audit_leaves SET idx = {other} WHERE idx = -1",
    )
    first = max([0, *(size for size in SIGNED if size <= one)])
    assert_told(attacked, capsys, f"leaves {first} to ")


def test_an_inserted_row_is_found(copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str]) -> None:
    """T7 and T8: a copy of a row in another's place, the rest moved on."""
    attacked = copy()
    attacked.sql(
        "UPDATE audit_leaves SET idx = -idx WHERE idx >= 20",
        "UPDATE audit_leaves SET idx = -idx + 1 WHERE idx < 0",
        "INSERT INTO audit_leaves (idx, leaf, hash) SELECT 20, leaf, hash FROM audit_leaves WHERE idx = 19",
    )
    assert_told(attacked, capsys, "leaves 0 to 29 ")


def test_a_row_added_behind_the_head_is_found(copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str]) -> None:
    attacked = copy()
    attacked.sql("INSERT INTO audit_leaves (idx, leaf, hash) SELECT 72, leaf, hash FROM audit_leaves WHERE idx = 71")
    assert_told(attacked, capsys, "leaves 60 to 73 are under no checkpoint", "the stored tree head does not match")


def test_everything_dropped_is_found(copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str]) -> None:
    """T9, as far as something of the record is left; a record that begins anew is told by a pinned checkpoint."""
    for statements in (
        ["DELETE FROM audit_leaves"],
        ["DELETE FROM audit_leaves", "DELETE FROM audit_head"],
        ["DELETE FROM audit_checkpoints"],
        ["DELETE FROM audit_head"],
        ["UPDATE audit_head SET frontier = x'00'"],
        ["DELETE FROM audit_leaves", "DELETE FROM audit_head", "DELETE FROM audit_checkpoints"],
    ):
        attacked = copy()
        attacked.sql(*statements)
        assert_told(attacked, capsys)


def rewritten(attacked: Attacked, size: int) -> None:
    """T10: leaves, hashes and head made anew as our own code would make them, the checkpoints removed; all but the
    keys."""
    with closing(sqlite3.connect(attacked.folder / DATABASE)) as database:
        found = database.execute("SELECT leaf FROM audit_leaves WHERE idx < ? ORDER BY idx", [size]).fetchall()
    leaves = [row[0].replace(b"r_7", b"r_8") for row in found]
    frontier = Frontier().extend(map(leaf_hash, leaves))
    rows = [f"({i}, x'{leaf.hex()}', x'{leaf_hash(leaf).hex()}')" for i, leaf in enumerate(leaves)]
    attacked.sql(
        "DELETE FROM audit_leaves",
        f"INSERT INTO audit_leaves (idx, leaf, hash) VALUES {', '.join(rows)}",
        f"UPDATE audit_head SET frontier = x'{frontier.to_bytes().hex()}'",
        "DELETE FROM audit_checkpoints",
    )


@pytest.mark.parametrize("size", [SIZE, SIGNED[1], 20])
def test_a_record_rewritten_without_the_keys_is_not_signed_again(
    copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str], size: int
) -> None:
    """What the server signed last is remembered beside its keys, so it signs nothing that does not go on from there."""
    attacked = copy()
    rewritten(attacked, size)
    assert_told(attacked, capsys, "under no checkpoint")


def test_yesterdays_database_is_not_signed_on(copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str]) -> None:
    """T14: the whole database put back, keys as they are."""
    yesterday, today = copy(), copy()
    note(today.folder, 5)
    sign(today.folder)
    shutil.copy(yesterday.folder / DATABASE, today.folder / DATABASE)
    assert_told(today, capsys, "under no checkpoint")


def test_a_checkpoint_whose_head_was_not_kept_in_time_is_no_tampering(copy: Callable[[], Attacked]) -> None:
    """A crash between the commit and the file leaves the head behind the database, never ahead of it."""
    crashed = copy()
    before = (crashed.folder / KEYS / HEAD).read_bytes()
    note(crashed.folder, 7)
    sign(crashed.folder)
    (crashed.folder / KEYS / HEAD).write_bytes(before)
    crashed.export()
    assert crashed.verify() == 0


def test_a_damaged_kept_head_is_told(copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str]) -> None:
    damaged = copy()
    (damaged.folder / KEYS / HEAD).write_bytes(b"\0" * 9)
    assert_told(damaged, capsys, "under no checkpoint")


def test_a_copy_of_yesterday_is_behind_the_pinned_checkpoint(
    copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """T9 and T14 with the keys and all put back: only who kept a checkpoint sees it."""
    pinned = tmp_path / "pinned"
    honest, yesterday = copy(), copy()
    note(honest.folder, 9)
    honest.export()
    assert honest.verify("--save-checkpoint", str(pinned)) == 0
    yesterday.export()
    assert yesterday.verify() == 0
    capsys.readouterr()
    assert yesterday.verify("--pinned", str(pinned)) == 1
    assert "the tail after leaf 72 is missing: the pinned checkpoint says 82" in capsys.readouterr().out


def test_a_removed_or_altered_checkpoint_is_found(
    copy: Callable[[], Attacked], capsys: pytest.CaptureFixture[str]
) -> None:
    for statement, place in (
        ("UPDATE audit_checkpoints SET note = replace(note, 'time ', 'time 1') WHERE size = 30", "30"),
        ("UPDATE audit_checkpoints SET size = 31 WHERE size = 30", "31"),
    ):
        attacked = copy()
        attacked.sql(statement)
        assert_told(attacked, capsys, place)


def test_the_triggers_are_in_the_way(record: Path) -> None:
    """T16: without dropping them no row can be changed."""
    for statement in ("UPDATE audit_leaves SET leaf = leaf", "DELETE FROM audit_leaves"):
        with (
            closing(sqlite3.connect(record / DATABASE)) as database,
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
        ):
            database.execute(statement)
