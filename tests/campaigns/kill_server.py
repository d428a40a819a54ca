"""Campaign: ``kill -9`` of the whole server at random moments under posts and uploads.

Shows: nothing that was acknowledged is lost or there twice, whatever is sent again has its first answer, every
quarantined file gets its verdict after a restart, and the record is intact.

>>> python -m campaigns.kill_server --cycles 100 --folder DIR   # doctest: +SKIP

Loopback alone; ends by itself; a folder that is there already is gone on with.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

SEKISHO = Path(sys.executable).with_name("sekisho")
POSTERS = 5
POSTS_PER_SECOND = 50
UPLOADS_PER_SECOND = 3
PROTOCOL = Subprotocol("sekisho.v1")
TEXT_FILE = "配布資料のメモです。\n" * 50
START_SECONDS = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Ledger:
    """What was sent and what was acknowledged. ``acked`` maps (room, client_msg_id) to (message id, seq)."""

    acked: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    unsure: dict[tuple[str, str], str] = field(default_factory=dict)
    uploads: list[str] = field(default_factory=list)
    cycles: int = 0

    @classmethod
    def load(cls, path: Path) -> Ledger:
        """Go on with an earlier run of the campaign, or begin."""
        if not path.exists():
            return cls()
        kept = json.loads(path.read_text())
        acked = {(room, cmid): (message, seq) for room, cmid, message, seq in kept["acked"]}
        unsure = {(room, cmid): cmid for room, cmid in kept["unsure"]}
        return cls(acked, unsure, kept["uploads"], kept["cycles"])

    def save(self, path: Path) -> None:
        acked = [(*key, *place) for key, place in self.acked.items()]
        kept = {"acked": acked, "unsure": list(self.unsure), "uploads": self.uploads, "cycles": self.cycles}
        path.with_suffix(".partial").write_text(json.dumps(kept))
        path.with_suffix(".partial").rename(path)


class Server:
    """``sekisho serve`` over one folder, started and killed again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.other = free_port()
        self.config = folder / "sekisho.toml"
        self.config.write_text(
            f"""
data = {json.dumps(str(self.data))}
production = false
[[listeners]]
name = "lgwan"
zone = "lgwan"
host = "127.0.0.1"
port = {self.port}
[[listeners]]
name = "internet"
zone = "internet"
host = "127.0.0.1"
port = {self.other}
[limits]
posts_per_second = 0
frames_per_second = 0
requests_per_second = 0
""",
            encoding="utf-8",
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/ws"

    def start(self) -> float:
        """Start and wait until it accepts; answers the seconds that took."""
        begun = time.monotonic()
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen([SEKISHO, "serve", "--config", self.config], stdout=log, stderr=log)
        log.close()
        while time.monotonic() - begun < START_SECONDS:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return time.monotonic() - begun
            if self.process.poll() is not None:
                raise AssertionError(f"the server did not start: {(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)
        raise AssertionError("the server did not start in time")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)


def people(server: Server) -> list[dict[str, str]]:
    """Posters with tokens, all in one room."""
    path = server.folder / "people.jsonl"
    if not path.exists():
        size = ["--count", str(POSTERS), "--rooms", "1", "--size", str(POSTERS)]
        subprocess.run([SEKISHO, "bench", "people", "--data", server.data, *size, "-o", path], check=True)
    return [json.loads(line) for line in path.read_text().splitlines()]


async def post_until_killed(server: Server, who: dict[str, str], ledger: Ledger, run: str) -> None:
    """Posts at an even pace; first everything that was left unanswered before."""
    pace = POSTERS / POSTS_PER_SECOND
    with contextlib.suppress(OSError, websockets.WebSocketException):
        async with websockets.connect(server.ws, subprotocols=[PROTOCOL], compression=None) as socket_:
            await socket_.send(json.dumps({"op": "hello", "token": who["token"]}))
            reader = asyncio.create_task(read_acks(socket_, ledger, who))
            try:
                await _send_all(socket_, who, ledger, run, pace)
            finally:
                reader.cancel()


async def _send_all(socket_: ClientConnection, who: dict[str, str], ledger: Ledger, run: str, pace: float) -> None:
    mine = [key for key in ledger.unsure if key[1].startswith(who["login"])]
    for number in range(1_000_000):
        again = number < len(mine)
        key = mine[number] if again else (who["room"], f"{who['login']}/{run}/{number}")
        ledger.unsure[key] = key[1]
        frame = {"op": "post", "ref": number, "room": key[0], "client_msg_id": key[1], "text": key[1]}
        _REFS[who["login"], number] = key
        await socket_.send(json.dumps(frame))
        if not again:
            await asyncio.sleep(pace)


_REFS: dict[tuple[str, int], tuple[str, str]] = {}


async def read_acks(socket_: ClientConnection, ledger: Ledger, who: dict[str, str]) -> None:
    with contextlib.suppress(websockets.WebSocketException):
        async for data in socket_:
            frame = json.loads(data)
            if frame["op"] == "ack":
                note_ack(ledger, _REFS[who["login"], frame["ref"]], frame["message_id"], frame["seq"])
            assert frame["op"] != "refused", frame


def note_ack(ledger: Ledger, key: tuple[str, str], message_id: str, seq: int) -> None:
    before = ledger.acked.setdefault(key, (message_id, seq))
    assert before == (message_id, seq), f"{key} was answered {before} and then {(message_id, seq)}"
    ledger.unsure.pop(key, None)


async def upload_until_killed(server: Server, who: dict[str, str], ledger: Ledger) -> None:
    headers = {"Authorization": f"Bearer {who['token']}"}
    with contextlib.suppress(httpx.HTTPError):
        async with httpx.AsyncClient(headers=headers, timeout=20) as client:
            while True:
                query = {"room": who["room"], "name": "メモ.txt"}
                answer = await client.post(f"{server.http}/attachments", params=query, content=TEXT_FILE.encode())
                assert answer.status_code == 202, answer.text
                ledger.uploads.append(answer.json()["id"])
                await asyncio.sleep(1 / UPLOADS_PER_SECOND)


async def load_and_kill(server: Server, everyone: list[dict[str, str]], ledger: Ledger, run: str, after: float) -> None:
    tasks = [asyncio.create_task(post_until_killed(server, who, ledger, run)) for who in everyone]
    tasks.append(asyncio.create_task(upload_until_killed(server, everyone[0], ledger)))
    await asyncio.sleep(after)
    server.kill()
    done, pending = await asyncio.wait(tasks, timeout=10)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()


def read_room(server: Server, who: dict[str, str]) -> list[dict[str, Any]]:
    """Every event of the room, page by page; gapless by assertion."""
    events: list[dict[str, Any]] = []
    with httpx.Client(headers={"Authorization": f"Bearer {who['token']}"}, timeout=30) as client:
        while True:
            query = {"after": len(events), "limit": 500}
            answer = client.get(f"{server.http}/rooms/{who['room']}/events", params=query).raise_for_status().json()
            events += answer["events"]
            assert [e["seq"] for e in events] == list(range(1, len(events) + 1)), "the room's seq has gaps"
            if len(answer["events"]) < 500:
                assert answer["head"] == len(events)
                return events


def check(server: Server, everyone: list[dict[str, str]], ledger: Ledger) -> None:
    """What was acknowledged is there, once, where it was said to be."""
    events = read_room(server, everyone[0])
    messages = [(e["seq"], e["event"]["message"]) for e in events if e["event"]["type"] == "message.posted"]
    shown = Counter((everyone[0]["room"], m["client_msg_id"]) for _, m in messages)
    assert not (twice := [key for key, count in shown.items() if count > 1]), f"shown twice: {twice[:3]}"
    places = {(everyone[0]["room"], m["client_msg_id"]): (m["id"], seq) for seq, m in messages}
    lost = [key for key, place in ledger.acked.items() if places.get(key) != place]
    assert not lost, f"{len(lost)} acknowledged messages are lost or moved: {lost[:3]}"


def check_uploads(server: Server, who: dict[str, str], ledger: Ledger, seconds: float = 120) -> Counter[str]:
    """Every file that was acknowledged has its verdict in every zone; answers how many of each."""
    waiting, states = set(ledger.uploads), Counter[str]()
    until = time.monotonic() + seconds
    with httpx.Client(headers={"Authorization": f"Bearer {who['token']}"}, timeout=30) as client:
        while waiting and time.monotonic() < until:
            for attachment in list(waiting):
                view = client.get(f"{server.http}/attachments/{attachment}").raise_for_status().json()
                found = {zone["state"] for zone in view["zones"].values()}
                if "quarantined" not in found:
                    waiting.discard(attachment)
                    states.update(found)
            time.sleep(0.2)
    assert not waiting, f"{len(waiting)} files wait for their verdict after {seconds} s"
    return states


def verify_record(server: Server) -> None:
    bundle = server.folder / "record.sekisho"
    subprocess.run([SEKISHO, "audit", "export", "-o", bundle, "--data", server.data], check=True, capture_output=True)
    verified = subprocess.run([SEKISHO, "audit", "verify", bundle], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout


def campaign(folder: Path, cycles: int, seed: int) -> dict[str, Any]:
    """Run ``cycles`` and answer the figures."""
    chooser = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "ledger.json"
    server, ledger, starts = Server(folder), Ledger.load(kept), [0.0]
    server.start()
    everyone = people(server)
    try:
        while ledger.cycles < cycles:
            run = f"{time.time_ns():x}"
            asyncio.run(load_and_kill(server, everyone, ledger, run, chooser.uniform(0.3, 2.5)))
            starts.append(server.start())
            check(server, everyone, ledger)
            ledger.cycles += 1
            ledger.save(kept)
            print(f"cycle {ledger.cycles}: {len(ledger.acked)} acknowledged", file=sys.stderr)
        states = check_uploads(server, everyone[0], ledger)
        status = server.stop()
        verify_record(server)
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()
    return {
        "cycles": ledger.cycles,
        "acknowledged_messages": len(ledger.acked),
        "acknowledged_uploads": len(ledger.uploads),
        "states": dict(states),
        "lost": 0,
        "twice": 0,
        "longest_start_seconds": round(max(starts), 2),
        "exit_status": status,
    }


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cycles", type=int, default=100)
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.cycles, given.seed), indent=2))
