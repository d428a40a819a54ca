"""Commands beside a running ``sekisho serve``: the whole first set-up, people, figures, backup while people post, and
the end. One server for all of them.

The tests go on from each other's people, so each makes its own.
"""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.serving import Serving, served

from ops import cli

PASSWORD = "kasumi-gahama-1"
CSV = "login,name,section,password\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with served(tmp_path_factory.mktemp("serve") / "town") as running:
        (running.folder / "password").write_text(PASSWORD + "\n")
        yield running


def sekisho(*words: object) -> int:
    return cli.main([str(word) for word in words])


def say(server: Serving, *words: object) -> int:
    return sekisho(*words, "--config", server.config)


def add(server: Serving, login: str, *more: object) -> int:
    named = ("--name", "職員", "--password-file", server.folder / "password")
    return say(server, "user", "add", login, *named, *more)


def post(server: Serving, zone: str, path: str, body: dict[str, Any], token: str = "") -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    url = f"{server.url(zone)}/api/v1/{path}"
    return httpx.post(url, json=body, headers=headers, timeout=20, trust_env=False)


def get(server: Serving, zone: str, path: str, token: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.get(f"{server.url(zone)}/api/v1/{path}", headers=headers, timeout=20, trust_env=False)


def login(server: Serving, name: str, zone: str = "lgwan", password: str = PASSWORD) -> httpx.Response:
    return post(server, zone, "login", {"login": name, "password": password})


def token(server: Serving, name: str, zone: str = "lgwan") -> str:
    answered = login(server, name, zone)
    assert answered.status_code == 200, answered.text
    return str(answered.json()["token"])


def last_code(capsys: pytest.CaptureFixture[str]) -> str:
    """The stable code of the last refusal on standard error."""
    found: list[str] = re.findall(r"^sekisho: (\w+)$", capsys.readouterr().err, re.M)
    return found[-1]


# First set-up ---------------------------------------------------------------------------------------------------------


def link(server: Serving, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[str, str]:
    """The address that ``init`` prints, and the secret behind its ``#``."""
    assert say(server, "init", *words) == 0
    url = capsys.readouterr().out.split()[-1]
    address, _, secret = url.partition("#")
    return address, secret


def first(secret: str, login: str) -> dict[str, Any]:
    return {"token": secret, "organisation": "霞ヶ浜市", "login": login, "name": "管理 太郎", "password": PASSWORD}


def test_the_link_of_init_makes_the_first_administrator_once(
    server: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    address, secret = link(server, capsys)
    assert address == f"{server.url('internet')}/setup"
    assert post(server, "internet", "setup", first("x" * len(secret), "kanri")).status_code == 404
    assert post(server, "internet", "setup", {**first(secret, "kanri"), "password": "short"}).status_code == 422
    made = post(server, "internet", "setup", first(secret, "kanri"))
    assert (made.status_code, made.json()) == (201, {"login": "kanri"})
    assert post(server, "internet", "setup", first(secret, "kanri2")).status_code == 404
    me = get(server, "lgwan", "me", token(server, "kanri")).json()
    assert me["user"]["login"] == "kanri"


def test_a_link_for_a_zone_works_in_that_zone_alone(server: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    address, secret = link(server, capsys, "--zone", "lgwan")
    assert address == f"{server.url('lgwan')}/setup"
    assert post(server, "internet", "setup", first(secret, "kanri3")).status_code == 404
    assert post(server, "lgwan", "setup", first(secret, "kanri3")).status_code == 201
    assert say(server, "init", "--zone", "mynumber") == 2


# People ---------------------------------------------------------------------------------------------------------------


def test_a_person_is_added_and_works_at_once(server: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(server, "hana", "--section", "総務部/総務課", "--role", "auditor") == 0
    assert get(server, "lgwan", "me", token(server, "hana")).json()["user"]["login"] == "hana"
    assert add(server, "hana") == 1
    assert last_code(capsys) == "name_taken"
    assert add(server, "Not A Login") == 1


def test_a_password_file_that_cannot_be_used_is_wrong_use(server: Serving, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_text("short\n")
    for path in (short, tmp_path / "nothing"):
        assert say(server, "user", "add", "nobody", "--name", "x", "--password-file", path) == 2
    assert login(server, "nobody").status_code == 401


def test_people_are_imported_and_each_bad_line_is_told(
    server: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"{CSV}ichi,一 郎,,{PASSWORD}\nkanri!,二 郎,,{PASSWORD}\nsan,三 郎,税務課,{PASSWORD}\n")
    assert say(server, "user", "import", file) == 1
    assert f"{file}:3: kanri!: " in capsys.readouterr().err
    assert [login(server, name).status_code for name in ("ichi", "san")] == [200, 200]


def test_an_import_from_excel_in_shift_jis_is_read(server: Serving, tmp_path: Path) -> None:
    file = tmp_path / "excel.csv"
    file.write_bytes(f"{CSV}yon,四 郎,総務課,{PASSWORD}\r\n".encode("cp932"))
    assert say(server, "user", "import", file) == 0
    assert login(server, "yon").json()["user"]["name"] == "四 郎"


@pytest.mark.parametrize(
    "rows",
    ["a,b\n", CSV + "go,五 郎\n", CSV + f"go,五 郎,,{PASSWORD},more\n", CSV + "go,五 郎,,short\n", CSV + ",,,\n"],
)
def test_a_csv_that_is_not_whole_adds_nobody(server: Serving, tmp_path: Path, rows: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(rows + (f"roku,六 郎,,{PASSWORD}\n" if rows.startswith(CSV) else ""))
    assert say(server, "user", "import", file) == 2
    assert login(server, "roku").status_code == 401


def test_what_an_administrator_does_to_a_person_holds_at_once(server: Serving, tmp_path: Path) -> None:
    assert add(server, "nana") == 0
    old = token(server, "nana")
    assert say(server, "user", "logout", "nana") == 0
    assert get(server, "lgwan", "me", old).status_code == 401
    (tmp_path / "new").write_text("another-password\n")
    assert say(server, "user", "password", "nana", "--password-file", tmp_path / "new") == 0
    assert login(server, "nana").status_code == 401
    assert login(server, "nana", password="another-password").status_code == 200
    assert say(server, "user", "zones", "nana", "--zone", "lgwan") == 0
    assert login(server, "nana", "internet", "another-password").status_code == 401
    assert say(server, "user", "disable", "nana") == 0
    assert login(server, "nana", password="another-password").status_code == 401
    assert say(server, "user", "enable", "nana") == 0
    assert login(server, "nana", password="another-password").status_code == 200
    assert say(server, "user", "roles", "nana", "--role", "administrator") == 0


@pytest.mark.parametrize("act", [["disable"], ["enable"], ["logout"], ["roles"], ["zones", "--zone", "lgwan"]])
def test_someone_unknown_is_refused(server: Serving, act: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert say(server, "user", act[0], "unknown", *act[1:]) == 1
    assert last_code(capsys) == "unknown_person"


def test_the_zones_are_shown(server: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    assert say(server, "zone", "show") == 0
    shown = capsys.readouterr().out
    assert "internet  -> lgwan     rebuild" in shown and "my-number-check" in shown


# Beside it ------------------------------------------------------------------------------------------------------------


def test_doctor_finds_the_installation_sound(server: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    status = say(server, "doctor", "--json")
    found = {one["check"]: one["level"] for one in json.loads(capsys.readouterr().out)}
    assert [found[name] for name in ("settings", "folder", "keys", "database", "audit", "isolation")] == ["ok"] * 6
    assert status == (1 if "wrong" in found.values() else 0)


@pytest.mark.parametrize("act", [("serve",), ("migrate",)])
def test_nobody_else_works_on_the_folder(
    server: Serving, act: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(server, *act) == 1
    assert last_code(capsys) == "already_running"


def test_a_restore_into_a_running_installation_is_refused(
    server: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(server, "backup", "-o", tmp_path / "b") == 0
    assert say(server, "restore", tmp_path / "b") == 1
    assert last_code(capsys) == "already_running"


def test_a_busy_port_is_refused(server: Serving, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = Serving(tmp_path / "other")
    text = other.config.read_text().replace(f"port = {other.ports['lgwan']}", f"port = {server.ports['lgwan']}")
    other.config.write_text(text)
    assert sekisho("serve", "--config", other.config) == 1
    assert last_code(capsys) == "address_in_use"


def test_the_people_of_bench_come_in_over_http(server: Serving, tmp_path: Path) -> None:
    lines = tmp_path / "people.jsonl"
    size = ("--count", 4, "--rooms", 2, "--size", 3)
    assert sekisho("bench", "people", "--data", server.data, *size, "-o", lines) == 0
    people = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(people) == 6
    assert lines.stat().st_mode & 0o777 == 0o600
    for one in people:
        assert set(one) == {"login", "token", "zone", "room"}
        rooms = get(server, one["zone"], "rooms", one["token"]).json()["rooms"]
        assert one["room"] in {room["id"] for room in rooms}
        body = {"client_msg_id": one["login"], "text": "負荷"}
        assert post(server, one["zone"], f"rooms/{one['room']}/messages", body, one["token"]).status_code == 201
    assert sekisho("bench", "people", "--data", server.data, "--count", 1, "--rooms", 1, "--size", 2, "-o", lines) == 2


# The record -----------------------------------------------------------------------------------------------------------


def test_the_record_is_exported_and_checked(server: Serving, tmp_path: Path) -> None:
    bundle = tmp_path / "record"
    assert say(server, "audit", "export", "-o", bundle) == 0
    assert bundle.stat().st_mode & 0o777 == 0o600
    assert sekisho("audit", "verify", bundle) == 0
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    assert sekisho("audit", "verify", bundle) == 1
    assert sekisho("audit", "verify", tmp_path / "nothing") == 2
    assert sekisho("audit", "receipt", bundle) == 2
    assert say(server, "audit", "export", "-o", tmp_path / "no" / "where") == 2


# Backup while people post ---------------------------------------------------------------------------------------------


class Poster(threading.Thread):
    """Posts as fast as it is answered until told to stop; ``acked`` is what was answered, with its seq."""

    def __init__(self, server: Serving, room: str, token: str) -> None:
        super().__init__()
        self.url = f"{server.url('lgwan')}/api/v1/rooms/{room}/messages"
        self.headers = {"authorization": f"Bearer {token}"}
        self.acked: dict[str, int] = {}
        self.enough = threading.Event()

    def run(self) -> None:
        with httpx.Client(headers=self.headers, timeout=20, trust_env=False) as client:
            while not self.enough.is_set():
                body = {"client_msg_id": f"b-{len(self.acked)}", "text": "控えの間も話す"}
                answered = client.post(self.url, json=body)
                if answered.status_code == 201:
                    self.acked[answered.json()["message_id"]] = answered.json()["seq"]
                self.enough.wait(0.05)  # the long-run rate of one session


def messages_in(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT id, seq FROM messages").fetchall())


def test_a_backup_while_people_post_has_all_that_was_answered_before(server: Serving, tmp_path: Path) -> None:
    assert add(server, "hachi") == 0
    mine = token(server, "hachi")
    room = post(server, "lgwan", "rooms", {"kind": "group", "name": "控え", "members": []}, mine).json()["id"]
    poster = Poster(server, room, mine)
    poster.start()
    try:
        for number in range(3):
            seen = len(poster.acked)
            while len(poster.acked) < seen + 5:
                assert poster.is_alive()
            before = dict(poster.acked)
            assert say(server, "backup", "-o", tmp_path / f"b{number}") == 0
            assert sekisho("restore", tmp_path / f"b{number}", "--data", tmp_path / f"d{number}") == 0
            restored = messages_in(tmp_path / f"d{number}" / "sekisho.db")
            assert before.items() <= restored.items()
            seqs = sorted(seq for message, seq in restored.items() if message in poster.acked)
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    finally:
        poster.enough.set()
        poster.join()
    assert poster.acked.items() <= messages_in(server.data / "sekisho.db").items()


# The end --------------------------------------------------------------------------------------------------------------


def test_it_says_what_it_runs_on_and_ends_in_good_order(tmp_path: Path) -> None:
    """Its own server, on asyncio's loop, with a service manager's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        with served(tmp_path / "town", 'event_loop = "asyncio"', NOTIFY_SOCKET=str(tmp_path / "notify")) as server:
            assert manager.recv(100) == b"READY=1"
            assert "event loop: asyncio" in [line["message"] for line in server.logged()]
            assert server.stop() == 0
    assert not (server.data / "control.sock").exists()


def test_uvloop_is_taken_where_it_is_installed(server: Serving) -> None:
    assert "event loop: uvloop" in [line["message"] for line in server.logged()]
    script = (
        "import sys; sys.modules['uvloop'] = None; from server.event_loop import loop_of; print(loop_of('auto').name)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "asyncio\n"
