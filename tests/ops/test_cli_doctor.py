"""``sekisho doctor`` looks and changes nothing, whatever it finds; every finding says what to do."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from support.clamav import clamd, needs_clamd

from ops import cli
from ops.former_keys import former_keys, public_keys, used_keys, write_former_keys
from rooms.audit import NoteSigner, verifier_key
from server.event_loop import loop_of
from server.installation import StartRefused, load_keys, lock_folder, open_database


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A sound installation that never ran."""
    with lock_folder(tmp_path / "data") as folder:
        load_keys(folder)
        asyncio.run(open_database(folder).close())
    return tmp_path / "data"


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file: mode and bytes. SQLite's own shared memory of a reader is no change."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
        if not path.name.endswith(("-shm", "-wal"))
    }


def findings(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, str]:
    """Levels by check; the exit status fits them, and each finding has two sentences."""
    status = cli.main(["doctor", "--json", *map(str, words)])
    found = json.loads(capsys.readouterr().out)
    assert all(one["ja"] and one["en"] for one in found)
    levels = {one["check"]: one["level"] for one in found}
    assert status == (1 if "wrong" in levels.values() else 0)
    return levels


def test_a_sound_installation_is_sound(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(data)
    found = findings(capsys, "--data", data)
    assert {found[name] for name in ("folder", "keys", "database", "audit")} == {"ok"}
    assert state(data) == before


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys, "--data", tmp_path / "nothing")
    assert {found[name] for name in ("folder", "storage", "keys", "database", "audit")} == {"wrong"}
    assert list(tmp_path.iterdir()) == []


def test_everything_wrong_is_found_at_once_and_left_as_it_is(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "keys" / "receipt.key").unlink()
    (data / "keys" / "origin").chmod(0o644)
    with (data / "sekisho.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    before = state(data)
    found = findings(capsys, "--data", data)
    assert {found[name] for name in ("folder", "keys", "database")} == {"wrong"}
    assert state(data) == before


def test_leaves_that_nobody_signs_are_a_warning(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data.parent / "password").write_text("kasumi-gahama\n")
    words = ("--name", "職員", "--password-file", data.parent / "password", "--data", data)
    assert cli.main(["user", "add", "sato", *map(str, words)]) == 0
    assert findings(capsys, "--data", data)["audit"] == "warning"
    assert cli.main(["audit", "export", "--data", str(data), "-o", str(data.parent / "record")]) == 0
    assert findings(capsys, "--data", data)["audit"] == "ok"


def test_a_record_that_lost_its_tail_is_found(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--name", "職員", "--password-file", data.parent / "password", "--data", data)
    (data.parent / "password").write_text("kasumi-gahama\n")
    assert cli.main(["user", "add", "sato", *map(str, words)]) == 0
    with closing(sqlite3.connect(data / "sekisho.db")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("DELETE FROM audit_leaves WHERE idx = (SELECT max(idx) FROM audit_leaves)")
        database.commit()
    capsys.readouterr()
    assert findings(capsys, "--data", data)["audit"] == "wrong"


def test_a_bad_configuration_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sekisho.toml").write_text("data = 5\n")
    assert findings(capsys, "--config", tmp_path / "sekisho.toml")["settings"] == "wrong"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_user_s_folder_is_left_alone(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.chown(data, 65534, 65534)
    before = state(data)
    assert cli.main(["user", "enable", "sato", "--data", str(data)]) == 1
    assert capsys.readouterr().err.startswith("sekisho: wrong_owner\n")
    assert state(data) == before


def test_a_loop_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_of("auto").name == "asyncio"
    with pytest.raises(StartRefused) as refused:
        loop_of("uvloop")
    assert refused.value.code == "no_uvloop"


def test_former_keys_are_named_only_where_they_signed(data: Path) -> None:
    keys = load_keys(data)
    old, unused = NoteSigner(b"o" * 32, keys.origin), NoteSigner(b"u" * 32, keys.origin)
    named = [verifier_key(keys.origin, one.public_key) for one in (keys.checkpoint, old, unused)]
    assert public_keys(data, keys) == named[:1]
    write_former_keys(data, [])
    assert former_keys(data) == []
    write_former_keys(data, named)
    assert public_keys(data, keys) == named
    assert used_keys(named, [old.sign("text\n"), keys.checkpoint.sign("text\n"), "no note"]) == named[:2]
    assert used_keys(named, [f"text\n\n— {keys.origin} not!base64\n"]) == named[:1]


def configured(data: Path, more: str) -> Path:
    """A configuration of that installation, with further tables."""
    path = data.parent / "sekisho.toml"
    listener = '[[listeners]]\nname = "a"\nzone = "lgwan"\nhost = "127.0.0.1"\n'
    path.write_text(f"data = {json.dumps(str(data))}\nproduction = false\n{listener}{more}", encoding="utf-8")
    return path


def test_who_is_away_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = f'[clamd]\nsocket = "{data}/nobody"\n[icap]\nhost = "127.0.0.1"\nport = 1\n'
    found = findings(capsys, "--config", configured(data, more))
    assert (found["clamd"], found["icap"]) == ("wrong", "warning")
    found = findings(capsys, "--config", configured(data, ""))
    assert "clamd" not in found and "icap" not in found


@needs_clamd
def test_who_answers_is_well(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with clamd(data.parent) as sock, socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=_answer, args=(listening,), daemon=True)
        answering.start()
        port = listening.getsockname()[1]
        more = f'[clamd]\nsocket = "{sock}"\n[icap]\nhost = "127.0.0.1"\nport = {port}\n'
        found = findings(capsys, "--config", configured(data, more))
        answering.join(10)
    assert (found["clamd"], found["icap"]) == ("ok", "ok")


def _answer(listening: socket.socket) -> None:
    caller, _ = listening.accept()
    with caller:
        caller.recv(1000)
        caller.sendall(b"ICAP/1.0 200 OK\r\n\r\n")
