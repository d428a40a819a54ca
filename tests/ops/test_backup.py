"""Backup and restore over a real installation: what was acknowledged is back, what is damaged is found, what fails
changes nothing."""

from __future__ import annotations

import asyncio
import fcntl
import json
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import websockets
from support.installation import Client, Installation, installed
from websockets.typing import Subprotocol

from ops import cli
from ops.backup_format import BackupRefused, Manifest, read_archive
from server.installation import LOCK, RESTORING

PASSPHRASE = "霞ヶ浜市のとても長い合言葉 2026"
TEXT = "配布資料の控えです。\n".encode() * 200
LOGINS = ("sato", "suzuki")


class Kept:
    """The installation that the tests of this module back up, and what its people were told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.passphrase = folder / "passphrase"
        self.sealed = folder / "sealed.backup"
        self.bare = folder / "bare.backup"
        self.room = ""
        self.events: dict[str, list[Any]] = {}
        self.files: dict[str, bytes] = {}
        self.attachment = ""


async def told(town: Installation, login: str, room: str) -> list[Any]:
    client = await town.login(login, "lgwan")
    answered = await client.get(f"rooms/{room}/events", params={"after": 0, "limit": 500})
    events: list[Any] = answered.json()["events"]
    return events


async def released(client: Client, attachment: str) -> bytes:
    for _ in range(200):
        answered = await client.get(f"attachments/{attachment}/content")
        if answered.status_code == 200:
            return answered.content
        await asyncio.sleep(0.05)
    raise AssertionError(answered.text)


async def live(town: Installation, kept: Kept) -> None:
    """A room with talk and a file that crossed."""
    sato = await town.login("sato", "internet")
    kept.room = (await sato.post("rooms", json={"kind": "group", "name": "防災", "members": ["suzuki"]})).json()["id"]
    sent = await sato.post("attachments", params={"room": kept.room, "name": "配布資料.txt"}, content=TEXT)
    kept.attachment = sent.json()["id"]
    for number in range(20):
        files = [kept.attachment] if number == 7 else []
        body = {"client_msg_id": f"c-{number}", "text": f"連絡 {number}", "attachments": files}
        assert (await sato.post(f"rooms/{kept.room}/messages", json=body)).status_code == 201
    suzuki = await town.login("suzuki", "lgwan")
    kept.files = {"lgwan": await released(suzuki, kept.attachment), "internet": await released(sato, kept.attachment)}
    kept.events = {login: await told(town, login, kept.room) for login in LOGINS}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Lived in, closed, and backed up twice: with sealed keys, and without keys."""
    kept = Kept(tmp_path_factory.mktemp("backup"))
    kept.passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")

    async def lived() -> None:
        async with installed(kept.data) as town:
            await live(town, kept)

    asyncio.run(lived())
    sealing = ("--key-passphrase-file", kept.passphrase)
    assert sekisho("backup", "--data", kept.data, "-o", kept.sealed, *sealing) == 0
    assert sekisho("backup", "--data", kept.data, "-o", kept.bare) == 0
    return kept


def sekisho(*words: object) -> int:
    return cli.main([str(word) for word in words])


def manifest_of(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    found: dict[str, bytes] = {}

    def keep(name: str, chunks: Iterator[bytes]) -> None:
        found[name] = b"".join(chunks)

    with path.open("rb") as file:
        return read_archive(file, keep)[0], found


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, aside the record, who is logged in and the incarnations (a restore adds to these)."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        added = ("audit_", "search_grams", "sqlite_", "sessions", "incarnations", "restored_heads")
        own = [name for name in names if not name.startswith(added)]
        return {name: sorted(database.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in own}


def files_of(folder: Path) -> dict[str, bytes]:
    return {f"{f.parent.name}/{f.name}": f.read_bytes() for name in ("quarantine", "renditions") for f in
            (folder / name).iterdir()}  # fmt: skip


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def last_leaves(path: Path, count: int) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT leaf FROM audit_leaves ORDER BY idx DESC LIMIT ?", (count,)).fetchall()
    return [json.loads(row[0]) for row in reversed(rows)]


# The file -------------------------------------------------------------------------------------------------------------


def test_the_file_is_for_its_owner_alone_and_nothing_is_left_beside_it(kept: Kept) -> None:
    assert stat.S_IMODE(kept.sealed.stat().st_mode) == 0o600
    assert sorted(path.name for path in kept.folder.iterdir()) == [
        "bare.backup", "data", "passphrase", "sealed.backup"
    ]  # fmt: skip


def test_the_manifest_says_what_it_is_of(kept: Kept) -> None:
    manifest, content = manifest_of(kept.sealed)
    assert manifest.origin == (kept.data / "keys" / "origin").read_text().strip()
    assert manifest.zones[:2] == ["internet", "lgwan"]
    assert manifest.record.checkpoint is not None and manifest.record.checkpoint.startswith(manifest.origin)
    assert manifest.absent == []
    assert {name: data for name, data in content.items() if "/" in name} == files_of(kept.data)


def test_secret_keys_are_inside_only_under_the_passphrase(kept: Kept) -> None:
    for backup, state in ((kept.sealed, "sealed"), (kept.bare, "left-out")):
        assert manifest_of(backup)[0].keys == state
        whole = backup.read_bytes()
        for name in ("checkpoint.key", "receipt.key"):
            assert (kept.data / "keys" / name).read_bytes().strip() not in whole


def test_leaving_the_keys_out_is_said_aloud(kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sekisho("backup", "--data", kept.data, "-o", tmp_path / "b") == 0
    said = capsys.readouterr().err
    assert "署名の鍵(keys/)は入っていません" in said and "the signing keys (keys/) are not in it" in said


def test_a_backup_is_an_act_on_record(kept: Kept, tmp_path: Path) -> None:
    assert sekisho("backup", "--data", kept.data, "-o", tmp_path / "b") == 0
    start, finish = last_leaves(kept.data / "sekisho.db", 2)
    assert (start["action"], start["notes"]) == ("backup.start", {"keys": "left-out"})
    assert finish["action"] == "backup.finish"
    with tarfile.open(tmp_path / "b") as archive:
        line = archive.extractfile("manifest.sha256")
        assert line is not None
        assert finish["object"] == "sha256:" + line.read().decode().split()[0]


# There and back -------------------------------------------------------------------------------------------------------


def test_what_was_acknowledged_is_restored(kept: Kept, tmp_path: Path) -> None:
    data = tmp_path / "again"
    assert sekisho("restore", kept.sealed, "--data", data, "--key-passphrase-file", kept.passphrase) == 0
    assert not {RESTORING, "sekisho.db-wal", "sekisho.db-shm"} & {path.name for path in data.iterdir()}
    assert tables(data / "sekisho.db") == tables(kept.data / "sekisho.db")
    assert files_of(data) == files_of(kept.data)
    for name in ("checkpoint.key", "receipt.key", "origin"):
        assert (data / "keys" / name).read_bytes() == (kept.data / "keys" / name).read_bytes()
    assert {stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [data, *data.rglob("*")] if path.is_dir()} == {0o700}


@pytest.mark.parametrize("how", ["sealed", "bare"])
async def test_a_restored_installation_serves_and_its_record_is_intact(
    kept: Kept, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "again"
    sealing = ["--key-passphrase-file", kept.passphrase] if how == "sealed" else []
    restored = ["restore", getattr(kept, how), "--data", data, *sealing]
    assert await asyncio.to_thread(sekisho, *restored) == 0
    async with installed(data) as town:
        assert {login: await told(town, login, kept.room) for login in LOGINS} == kept.events
        for login, zone in (("suzuki", "lgwan"), ("sato", "internet")):
            assert await released(await town.login(login, zone), kept.attachment) == kept.files[zone]
        sato = await town.login("sato", "internet")
        head = len(kept.events["sato"])
        await assert_reset(town, sato, kept.room, beyond=head + 5, head=head)
        await assert_resumed_or_reset(town, sato, kept.room, head)
        again = {"client_msg_id": "c-3", "text": "連絡 3"}
        answered = await sato.post(f"rooms/{kept.room}/messages", json=again)
        assert answered.status_code == 200 and answered.json()["message_id"]
    bundle = tmp_path / "record.bundle"
    assert await asyncio.to_thread(sekisho, "audit", "export", "--data", data, "-o", bundle) == 0
    assert await asyncio.to_thread(sekisho, "audit", "verify", bundle) == 0, capsys.readouterr()


async def assert_reset(town: Installation, client: Client, room: str, *, beyond: int, head: int) -> None:
    """A client that saw more than there is now is told to load afresh."""
    frames = await frames_of(town, client, {"cursors": {room: beyond}}, 2)
    assert frames[0]["op"] == "ready"
    assert frames[1] == {"op": "reset", "room": room, "head": head}


async def assert_resumed_or_reset(town: Installation, client: Client, room: str, head: int) -> None:
    """The room goes on beyond where a client of the lost history stood: its cursors are good up to the backup alone."""
    for n in range(3):
        posted = await client.post(f"rooms/{room}/messages", json={"client_msg_id": f"after-{n}", "text": "復元後"})
        assert posted.json()["seq"] == head + n + 1
    page = (await client.get(f"rooms/{room}/events", params={"after": head})).json()
    ready, *_ = await frames_of(town, client, {"cursors": {}}, 1)
    assert ready["incarnation"] == page["incarnation"] and ready["incarnation"].startswith("i_")
    reset = [{"op": "reset", "room": room, "head": head + 3}]
    for said, after, answer in (
        ("first", head, None),
        ("first", head + 2, reset),
        ("i_lost", head, reset),
        (ready["incarnation"], head + 2, None),
    ):
        cursors = {"cursors": {room: after}, "incarnation": said}
        frame = (await frames_of(town, client, cursors, 2))[1:]
        if answer is None:
            assert (frame[0]["op"], frame[0]["seq"]) == ("event", after + 1), (said, after)
        else:
            assert frame == answer, (said, after)


async def frames_of(town: Installation, client: Client, hello: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """The first frames after a ``hello``."""
    url = f"ws://127.0.0.1:{town.port('internet')}/api/v1/ws"
    async with websockets.connect(url, subprotocols=[Subprotocol("sekisho.v1")], proxy=None) as socket:
        await socket.send(json.dumps({"op": "hello", "token": client.token, **hello}))
        return [json.loads(await asyncio.wait_for(socket.recv(), 5)) for _ in range(count)]


def test_nobody_stays_logged_in_and_the_restore_is_on_record(kept: Kept, tmp_path: Path) -> None:
    data = tmp_path / "again"
    with closing(sqlite3.connect(kept.data / "sekisho.db")) as database:
        before = database.execute("SELECT count(*) FROM sessions WHERE ended IS NULL").fetchone()[0]
    assert before >= 2
    assert sekisho("restore", kept.bare, "--data", data) == 0
    with closing(sqlite3.connect(data / "sekisho.db")) as database:
        assert database.execute("SELECT count(*) FROM sessions WHERE ended IS NULL").fetchone()[0] == 0
    leaves = last_leaves(data / "sekisho.db", 3)
    assert [leaf["action"] for leaf in leaves] == ["installation.restore", "session.end", "session.end"]
    assert leaves[0]["notes"]["made_at"] == manifest_of(kept.bare)[0].made_at


def test_checking_restores_nothing(kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sekisho("restore", kept.sealed, "--check", "--key-passphrase-file", kept.passphrase) == 0
    assert "The backup is whole" in capsys.readouterr().err
    (tmp_path / "other").write_text("a passphrase of another town\n")
    assert sekisho("restore", kept.sealed, "--check", "--key-passphrase-file", tmp_path / "other") == 1
    assert "wrong_passphrase" in capsys.readouterr().err


# What is wrong --------------------------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], code: str, *words: object) -> None:
    """The command answers 1 with this code and two sentences."""
    capsys.readouterr()
    assert sekisho(*words) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"sekisho: {code}" and len(said) >= 3


def test_a_changed_byte_is_found_and_changes_nothing(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = bytearray(kept.bare.read_bytes())
    chance = random.Random(11)
    changed = tmp_path / "changed"
    for _ in range(60):
        at = chance.randrange(512, len(whole))
        whole[at] ^= 1 << chance.randrange(8)
        changed.write_bytes(whole)
        whole[at] = kept.bare.read_bytes()[at]
        with pytest.raises(BackupRefused), changed.open("rb") as file:
            read_archive(file, lambda name, chunks: None)
    data = tmp_path / "data"
    refused(capsys, "backup_damaged", "restore", changed, "--data", data)
    assert not data.exists()
    changed.write_bytes(whole[:-1500])
    refused(capsys, "backup_damaged", "restore", changed, "--data", data)
    assert not data.exists()
    (tmp_path / "empty").mkdir(mode=0o700)
    refused(capsys, "backup_damaged", "restore", changed, "--data", tmp_path / "empty")
    assert tree(tmp_path / "empty") == []


def test_only_an_empty_folder_is_restored_into(kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "mine.txt").write_text("mine")
    refused(capsys, "folder_not_empty", "restore", kept.bare, "--data", data)
    assert tree(data) == ["mine.txt"]
    before = tree(kept.data)
    refused(capsys, "folder_not_empty", "restore", kept.bare, "--data", kept.data)
    assert tree(kept.data) == before
    refused(capsys, "restore_failed", "restore", kept.bare, "--data", data / "mine.txt")
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(0o755)
    refused(capsys, "file_permissions", "restore", kept.bare, "--data", open_folder)
    assert tree(open_folder) == []


def test_a_folder_that_is_in_use_is_left_alone(kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Someone else holds the lock, as a running server does."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    holder = subprocess.Popen(
        [sys.executable, "-c", "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.flock(f,2); print(1,flush=True); "
         "sys.stdin.read()", data / LOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip
    assert holder.stdin is not None and holder.stdout is not None
    holder.stdout.readline()
    try:
        refused(capsys, "already_running", "restore", kept.bare, "--data", data)
        assert tree(data) == [LOCK]
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


def test_a_restore_that_was_cut_off_is_no_installation(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    (data / RESTORING).mkdir(mode=0o700, parents=True)
    data.chmod(0o700)
    name = ("--name", "管理", "--password-file", kept.passphrase)
    refused(capsys, "restore_unfinished", "user", "add", "admin", "--data", data, *name)
    refused(capsys, "folder_not_empty", "restore", kept.bare, "--data", data)
    assert tree(data) == [RESTORING]


def test_sealed_keys_need_their_passphrase_or_a_word(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    refused(capsys, "passphrase_needed", "restore", kept.sealed, "--data", data)
    other = tmp_path / "other"
    other.write_text("a passphrase of another town\n")
    refused(capsys, "wrong_passphrase", "restore", kept.sealed, "--data", data, "--key-passphrase-file", other)
    assert not data.exists()
    assert sekisho("restore", kept.sealed, "--data", data, "--without-keys") == 0
    assert (data / "keys" / "receipt.key").read_bytes() != (kept.data / "keys" / "receipt.key").read_bytes()


def test_a_newer_release_s_backup_is_refused(kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(kept.data, tmp_path / "newer")
    with closing(sqlite3.connect(tmp_path / "newer" / "sekisho.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    refused(capsys, "newer_database", "backup", "--data", tmp_path / "newer", "-o", tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_files_that_rows_name_and_that_are_gone_or_changed_are_told(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(kept.data, data)
    original = next((data / "quarantine").iterdir())
    rendition = next(path for path in (data / "renditions").iterdir() if path.read_bytes()[:4] != b"\x89PNG")
    original.unlink()
    rendition.write_bytes(b"changed")
    assert sekisho("backup", "--data", data, "-o", tmp_path / "b") == 3
    named = [f"quarantine/{original.name}", f"renditions/{rendition.name}"]
    said = capsys.readouterr().err
    assert all(name in said for name in named)
    assert sorted(manifest_of(tmp_path / "b")[0].absent) == named
    assert sekisho("restore", tmp_path / "b", "--data", tmp_path / "again") == 0
    said = capsys.readouterr().err
    assert all(name in said for name in named)


def test_a_backup_that_cannot_be_written_leaves_nothing(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, "backup_failed", "backup", "--data", kept.data, "-o", tmp_path / "missing" / "b")
    (tmp_path / "folder").mkdir()
    refused(capsys, "backup_failed", "backup", "--data", kept.data, "-o", tmp_path / "folder")
    assert tree(tmp_path) == ["folder"]


def test_a_full_disk_leaves_nothing(kept: Kept, tmp_path: Path) -> None:
    """The system's own limit on the size of a file stands in for the end of the disk."""
    script = (
        "import resource, signal, sys; from ops import cli; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); sys.exit(cli.main(sys.argv[1:]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, "restore", kept.bare, "--data", tmp_path / "data"], capture_output=True
    )
    assert (ran.returncode, b"restore_failed" in ran.stderr) == (1, True), ran.stderr
    assert tree(tmp_path) == []


def test_two_backups_to_one_file_do_not_mix(kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    partial = tmp_path / "b.partial"
    with partial.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refused(capsys, "backup_under_way", "backup", "--data", kept.data, "-o", tmp_path / "b")
    assert sekisho("backup", "--data", kept.data, "-o", tmp_path / "b") == 0
    assert tree(tmp_path) == ["b"]


@pytest.mark.parametrize("words", [("backup", "-o", "b"), ("audit", "export", "-o", "b"), ("migrate",)])
def test_a_mistyped_folder_is_told_and_not_made(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(capsys, "no_installation", *words, "--data", tmp_path / "typo")
    assert tree(tmp_path) == []
