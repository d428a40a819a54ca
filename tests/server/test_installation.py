"""The gates of the start: permissions, one server per folder, secrets, a damaged or newer database."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from rooms.audit import NoteSigner
from rooms.store.migrate import _config, _revisions, head_revision, migrate
from server.installation import StartRefused, load_keys, lock_folder, open_database


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_start_makes_secrets_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with lock_folder(folder):
        keys = load_keys(folder)
        again = load_keys(folder)
    assert _mode(folder) == _mode(folder / "keys") == 0o700
    assert {_mode(path) for path in (folder / "keys").iterdir()} == {0o600}
    assert keys.receipt_seed == again.receipt_seed
    assert keys.origin == again.origin
    assert isinstance(keys.checkpoint, NoteSigner)
    assert keys.checkpoint.public_key == again.checkpoint.public_key


def test_one_server_per_folder(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "data"), pytest.raises(StartRefused) as refused, lock_folder(tmp_path / "data"):
        pass
    assert refused.value.code == "already_running"
    with lock_folder(tmp_path / "data"):
        pass


def test_a_folder_that_cannot_be_had_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "data", tmp_path / ("長" * 100)):
        with pytest.raises(StartRefused) as refused, lock_folder(folder):
            pass
        assert refused.value.code == "folder_unusable" and str(folder) in refused.value.ja


@pytest.mark.parametrize("name", ["a?mode=memory", "50%25", "#1 部", "a b"])
async def test_the_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    with lock_folder(tmp_path / name) as folder:
        database = open_database(folder)
        try:
            async with database.read() as connection:
                assert (await connection.execute(text("select count(*) from rooms"))).scalar_one() == 0
        finally:
            await database.close()
    assert (tmp_path / name / "sekisho.db").stat().st_size > 0


@pytest.mark.parametrize("name", ["", "keys", "keys/checkpoint.key", "sekisho.db"])
def test_what_others_may_read_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "data"
    with lock_folder(folder):
        load_keys(folder)
        asyncio.run(open_database(folder).close())
    (folder / name).chmod(0o750 if (folder / name).is_dir() else 0o640)
    with pytest.raises(StartRefused) as refused, lock_folder(folder):
        pass
    assert refused.value.code == "file_permissions"
    assert "chmod go=" in refused.value.ja


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with lock_folder(folder):
        load_keys(folder)
        key = folder / "keys" / "receipt.key"
        key.write_text("c2hvcnQ=\n")
        with pytest.raises(StartRefused) as refused:
            load_keys(folder)
        assert refused.value.code == "damaged_key"
        assert key.read_text() == "c2hvcnQ=\n"


def _execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def _filled(folder: Path) -> Path:
    """A database with a few pages of something, closed in good order."""
    with lock_folder(folder):
        asyncio.run(open_database(folder).close())
    _execute(folder / "sekisho.db", "CREATE TABLE filler AS SELECT randomblob(200000) AS b")
    return folder / "sekisho.db"


@pytest.mark.parametrize("offset", [0, 20, 100, 4096, 8192, 40_000])
def test_a_corrupt_database_is_told_and_left_alone(tmp_path: Path, offset: int) -> None:
    path = _filled(tmp_path / "data")
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(os.urandom(3000))
    before = path.read_bytes()
    with lock_folder(tmp_path / "data"), pytest.raises(StartRefused) as refused:
        open_database(tmp_path / "data")
    assert refused.value.code in ("database_damaged", "newer_database")
    assert path.read_bytes() == before


def test_a_database_that_the_disk_does_not_open_is_told(tmp_path: Path) -> None:
    (tmp_path / "data" / "sekisho.db").mkdir(parents=True)
    for path in (tmp_path / "data", tmp_path / "data" / "sekisho.db"):
        path.chmod(0o700)
    with lock_folder(tmp_path / "data"), pytest.raises(StartRefused) as refused:
        open_database(tmp_path / "data")
    assert refused.value.code == "disk_failed"
    assert "dmesg" in refused.value.en


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = _filled(tmp_path / "data")
    _execute(path, "UPDATE alembic_version SET version_num = '9999'")
    with lock_folder(tmp_path / "data"), pytest.raises(StartRefused) as refused:
        open_database(tmp_path / "data")
    assert refused.value.code == "newer_database"


def test_a_migration_leaves_a_copy_before(tmp_path: Path) -> None:
    path = tmp_path / "sekisho.db"
    before, after = migrate(path, tmp_path)
    assert before is None
    assert migrate(path, tmp_path) == (after, after)


def test_the_revisions_are_told_without_alembic_and_as_alembic_does(tmp_path: Path) -> None:
    scripts = ScriptDirectory.from_config(_config())
    assert head_revision() == scripts.get_current_head()
    assert _revisions() == sorted(script.revision for script in scripts.walk_revisions())
    migrate(tmp_path / "a.db", tmp_path)
    program = "import sys; from pathlib import Path; from rooms.store.migrate import migrate\n"
    program += "print(*migrate(Path(sys.argv[1]), Path('.')), 'alembic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program, tmp_path / "a.db"], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [head_revision(), head_revision(), "False"]
