"""Samples of the campaigns: the same code, fewer rounds. The whole ones are ``make campaign-…``."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import websockets
from campaigns.cancel import campaign as cancel
from campaigns.cut_client import campaign as cut_client
from campaigns.kill_server import campaign as kill_server
from campaigns.lose_acks import campaign as lose_acks
from campaigns.overload import campaign as overload
from campaigns.peek import campaign as peek
from campaigns.restore_backup import campaign as restore_backup
from campaigns.served import PROTOCOL, Server, people, read_room
from campaigns.set_clock import YEAR
from campaigns.set_clock import one_round as set_clock
from campaigns.whole_store import Claim, Whole, assert_kept
from support.town import open_town

from ops.setup.system import clock_library
from rooms.commands import SERVER
from rooms.commands.people import AddOrganisation


def test_kill_minus_nine(tmp_path: Path) -> None:
    figures = kill_server(tmp_path, 3, seed=7)
    assert figures["acknowledged_messages"] > 0
    assert figures["acknowledged_uploads"] > 0
    assert set(figures["states"]) == {"released"}
    assert figures["back_after_seconds"]["longest"] > 0


def _run(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A campaign that forks, or lives on another event loop, and so runs beside the suite."""
    command = [sys.executable, "-m", f"campaigns.{module}", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONHASHSEED": "0"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def _skip_where_unavailable(ran: subprocess.CompletedProcess[str]) -> None:
    if "unavailable: " in ran.stderr:
        pytest.skip(ran.stderr.strip().splitlines()[-1])


def _on_own_mounts(module: str, *arguments: object) -> dict[str, Any]:
    """The figures of a campaign that mounts a disk of its own."""
    ran = _run(module, *arguments)
    _skip_where_unavailable(ran)
    assert ran.returncode == 0, ran.stderr[-3000:]
    figures: dict[str, Any] = json.loads(ran.stdout)
    return figures


def _in_a_process(module: str, *arguments: object) -> dict[str, Any]:
    """The figures of such a campaign."""
    ran = _run(module, *arguments)
    assert ran.returncode == 0, ran.stderr[-3000:]
    figures: dict[str, Any] = json.loads(ran.stdout)
    return figures


def test_kill_minus_nine_of_the_writer(tmp_path: Path) -> None:
    figures = _in_a_process("kill_writer", "--cycles", 12, "--folder", tmp_path)
    assert figures["cycles"] == 12
    assert figures["messages"] >= figures["acknowledged"] > 50
    again = _in_a_process("kill_writer", "--cycles", 14, "--folder", tmp_path)
    assert again["cycles"] == 14
    assert again["acknowledged"] > figures["acknowledged"]


def test_power_cuts(tmp_path: Path) -> None:
    figures = _on_own_mounts("cut_power", "--cuts", 6, "--controls", 8, "--folder", tmp_path)
    assert figures["cuts"] == 6
    assert figures["messages"] >= figures["acknowledged"] > 10
    assert figures["controls_that_lost"] > 0


def test_power_cuts_that_lose_nothing_in_the_control_show_nothing(tmp_path: Path) -> None:
    ran = _run("cut_power", "--cuts", 1, "--controls", 2, "--control", "FULL", "--folder", tmp_path)
    _skip_where_unavailable(ran)
    assert ran.returncode != 0
    assert "this rig shows nothing" in ran.stderr


def test_failures_of_the_disk(tmp_path: Path) -> None:
    figures = _on_own_mounts("fail_disk", "--step", 97, "--folder", tmp_path)
    kinds = [figures[name] for name in ("EIO", "EIO from then on", "ENOSPC", "short write")]
    assert all(kind["clean"] and kind["failures"] > 1 for kind in kinds)
    assert figures["EIO from then on"]["ended"] > 0
    assert figures["ENOSPC"]["went_on"] > 0


def test_a_failed_fsync_of_the_log(tmp_path: Path) -> None:
    """What the first start after it believes must be on the disk before anything else is acknowledged."""
    figures = _on_own_mounts("fail_disk", "--only", "EIO at fsync of the log", "--step", 2, "--folder", tmp_path)
    assert figures["EIO at fsync of the log"]["ended"] > 5


def test_full_disks(tmp_path: Path) -> None:
    figures = _on_own_mounts("fill_disk", "--points", 6, "--folder", tmp_path)
    assert figures["points"] == 6
    assert figures["read_while_full"] == figures["recovered"] > 3
    assert figures["refused: storage_full"] > 20


def test_a_writer_without_memory(tmp_path: Path) -> None:
    figures = _in_a_process("starve_writer", "--runs", 8, "--folder", tmp_path)
    assert figures["starved"] > 4
    assert figures["messages"] >= figures["acknowledged"] > 50


def test_places_that_rot(tmp_path: Path) -> None:
    figures = _in_a_process("corrupt", "--places", 8, "--folder", tmp_path)
    assert figures["places"] == 8
    assert sum(count for name, count in figures.items() if "found by" in name) > 2


async def test_a_store_that_lost_something_is_found_out(tmp_path: Path) -> None:
    """The judge of the campaigns itself: what is missing, doubled or half there is seen."""
    town = await open_town(tmp_path)
    town.organisation = (await town.do(AddOrganisation(SERVER, "霞ヶ浜市", bytes(16)))).id
    sato = await town.add("sato")
    room = (await town.room("sato")).id
    claims = []
    for n in range(3):
        posted = await town.posted("sato", room, "報", cmid=f"c{n}")
        claims.append(Claim(sato.id, room, f"c{n}", posted.message_id, posted.seq))
    await town.performer.close()
    await town.database.close()
    for statement, complaint in (
        ("DELETE FROM messages WHERE client_msg_id = 'c1'", "no state"),
        ("DELETE FROM events WHERE seq = 2", "gaps"),
        ("DELETE FROM outbox WHERE seq = 2", "outbox"),
        ("UPDATE audit_head SET frontier = x'0000000000000000'", "head"),
    ):
        with closing(sqlite3.connect(tmp_path / "sekisho.db", isolation_level=None)) as database:
            Whole().read_on(database)
            assert_kept(database, claims)
            database.execute("SAVEPOINT before")
            database.execute(statement)
            with pytest.raises(AssertionError, match=complaint):
                _all_of(database)
            database.execute("ROLLBACK TO before")
            database.execute("RELEASE before")
            with pytest.raises(AssertionError, match="was acknowledged"):
                assert_kept(database, [*claims, claims[0]._replace(client_msg_id="never")])


def _all_of(database: sqlite3.Connection) -> None:
    """``Whole`` in the transaction that is open."""
    whole = Whole()
    whole.read_events(database)
    whole.read_leaves(database)


def test_cancelled_tasks(tmp_path: Path) -> None:
    figures = cancel(tmp_path, 60, seed=7)
    assert figures["callers"] >= 36
    assert figures["handlers"] >= 18
    assert figures["sockets"] >= 6
    assert cancel(tmp_path, figures["cancellations"] + 10, seed=7)["cancellations"] > figures["cancellations"]
    assert figures["acknowledged"] > 0


def test_lost_acknowledgements(tmp_path: Path) -> None:
    figures = lose_acks(tmp_path, 400, seed=7)
    assert figures["messages"] == figures["heard"] == 400
    assert 0.2 < figures["lost_share"] < 0.4
    assert figures["sent"] > 500
    assert lose_acks(tmp_path, 450, seed=7)["messages"] == 450


def test_simulated(tmp_path: Path) -> None:
    figures = _in_a_process("simulate", "--seeds", 4, "--folder", tmp_path)
    assert figures["seeds"] == 4
    assert figures["acknowledged"] > 500
    assert min(figures["cuts"], figures["failed_drains"], figures["restarts"]) > 4


def test_slow_readers_are_cut_in_some_seed(tmp_path: Path) -> None:
    """Once one write filled a buffer beyond its bound; the next room's events were dropped and nobody was cut. (Which
    seed has such a reader changes with every change of the order in which things happen.)"""
    runs = (_in_a_process("simulate", "--seed", seed, "--folder", tmp_path) for seed in range(20))
    assert any(run.get("resyncs", 0) for run in runs)


def test_a_seed_is_the_same_run_again(tmp_path: Path) -> None:
    one, two = (_in_a_process("simulate", "--seed", 3, "--folder", tmp_path / name) for name in "ab")
    assert one == two


def test_the_simulation_finds_a_disk_that_forgets(tmp_path: Path) -> None:
    ran = _run("simulate", "--seed", 3, "--forgets", "--folder", tmp_path)
    assert ran.returncode != 0
    assert "seed 3 failed" in ran.stderr
    assert "AssertionError" in ran.stderr


def test_cut_and_resumed(tmp_path: Path) -> None:
    figures = cut_client(tmp_path, 50, seed=7)
    assert figures["messages"] > 25
    assert figures["resets"] > 0
    assert figures["cuts"] == 50


@pytest.mark.skipif(not clock_library(), reason="libfaketime is missing (apt-get install faketime)")
def test_clock_set_while_people_post(tmp_path: Path) -> None:
    counts = set_clock(tmp_path / "store", ("year ahead", "year back"), (YEAR,))
    assert counts["situations"] == 2
    assert counts["posts"] > 120
    assert counts["limited"] > 0


def test_restored_and_gone_on(tmp_path: Path) -> None:
    figures = restore_backup(tmp_path, 1, seed=7)
    assert figures["restored"] > 50
    assert figures["given_up"] > 10
    assert figures["resets"] > 0


def test_commit_order(tmp_path: Path) -> None:
    figures = _in_a_process("commit_order", "--rows", 2_000, "--folder", tmp_path)
    assert figures["rows"] == 2_000
    assert figures["polls"] > 100
    assert figures["refused"] > 5


def test_mutants(tmp_path: Path) -> None:
    """One mutant of a small module, after its tests have passed on the module as it is."""
    figures = _in_a_process("mutants", "--only", "decide/restoring", "--count", 1, "--folder", tmp_path)
    assert figures["tried"] == figures["killed"] == 1
    assert figures["mutants"] > 3


def test_asking_while_the_verdict_is_pending(tmp_path: Path) -> None:
    figures = peek(tmp_path, 200)
    assert figures["bytes_of_the_original"] == 0
    assert figures["statuses"][409] > 60


async def _talk_until_closed(server: Server, who: dict[str, str], acked: list[int]) -> int:
    """Post without a pause; answers the close code."""
    async with websockets.connect(server.ws, subprotocols=[PROTOCOL], compression=None) as socket:
        await socket.send(json.dumps({"op": "hello", "token": who["token"]}))

        async def send() -> None:
            for number in range(100_000):
                frame = {"op": "post", "ref": number, "room": who["room"], "client_msg_id": f"n{number}", "text": "x"}
                await socket.send(json.dumps(frame))
                await asyncio.sleep(0.002)

        sending = asyncio.create_task(send())
        try:
            async for data in socket:
                frame = json.loads(data)
                if frame["op"] == "ack":
                    acked.append(frame["seq"])
        finally:
            sending.cancel()
        assert socket.close_code is not None
        return socket.close_code


def test_sigterm_under_load(tmp_path: Path) -> None:
    """Sockets closed with 1001, what was acknowledged is there, exit 0 within ten seconds."""
    server = Server(tmp_path)
    server.start()
    who = people(server)[0]
    acked: list[int] = []

    async def story() -> int:
        talking = asyncio.create_task(_talk_until_closed(server, who, acked))
        await asyncio.sleep(1.5)
        assert server.process is not None
        server.process.terminate()
        return await talking

    assert asyncio.run(story()) == 1001
    assert server.process is not None
    assert server.process.wait(10) == 0
    server.start()
    try:
        seqs = {event["seq"] for event in read_room(server, who)}
        assert len(acked) > 50
        assert set(acked) <= seqs
    finally:
        server.stop()


def test_more_than_the_server_can_do(tmp_path: Path) -> None:
    figures = overload(tmp_path, 7)
    assert figures["acknowledged"] == figures["posts"] > 5_000
    assert figures["level"] >= 1
    assert figures["calm_again"]
