"""A real ``sekisho serve`` on loopback for campaigns: started, killed, stopped, started again over the same folder.

>>> server = Server(Path("campaigns/kill")); seconds = server.start()      # doctest: +SKIP
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from websockets.typing import Subprotocol

SEKISHO = str(Path(sys.executable).with_name("sekisho"))
PROTOCOL = Subprotocol("sekisho.v1")
START_SECONDS = 40
NO_LIMITS = {"posts_per_second": 0, "frames_per_second": 0, "requests_per_second": 0}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``sekisho serve`` over ``folder/data``. ``limits``: the settings of that table; ``environment``: besides ours."""

    def __init__(
        self, folder: Path, limits: Mapping[str, int] = NO_LIMITS, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder = folder.resolve()
        self.data = folder / "data"
        self.port = free_port()
        self.other = free_port()
        self.config = folder / "sekisho.toml"
        self.environment = {**os.environ, **(environment or {})}
        lines = [f"data = {json.dumps(str(self.data))}", "production = false"]
        for zone, port in (("lgwan", self.port), ("internet", self.other)):
            lines += ["[[listeners]]", f'name = "{zone}"', f'zone = "{zone}"', 'host = "127.0.0.1"', f"port = {port}"]
        lines += ["[limits]", *(f"{name} = {value}" for name, value in limits.items())]
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/ws"

    def start(self) -> float:
        """Start and wait until a request is answered; answers the seconds that took."""
        begun = time.monotonic()
        log = (self.folder / "server.log").open("ab")
        command = [SEKISHO, "serve", "--config", str(self.config)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)
        log.close()
        while time.monotonic() - begun < START_SECONDS:
            if self._answers():
                return time.monotonic() - begun
            if self.process.poll() is not None:
                raise AssertionError(f"the server did not start: {(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.02)
        raise AssertionError("the server did not start in time")

    def _answers(self) -> bool:
        """Its sockets take connections before it has read its store; only an answer says that it is there."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as asking:
            asking.settimeout(START_SECONDS)
            asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return asking.recv(12).startswith(b"HTTP/1.1 ")
        return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def end(self) -> None:
        """At the end of a run, however it came: nothing of it is left."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        """Another ``sekisho`` command with the same environment, which must end well."""
        words = [SEKISHO, *map(str, command)]
        ran = subprocess.run(words, env=self.environment, capture_output=True, text=True)
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
        return ran


def people(server: Server, count: int = 5, rooms: int = 1, size: int = 5) -> list[dict[str, str]]:
    """Posters with tokens; ``rooms`` rooms of ``size`` people. Made once for a folder."""
    path = server.folder / "people.jsonl"
    if not path.exists():
        many = ["--count", count, "--rooms", rooms, "--size", size]
        server.run("bench", "people", "--data", server.data, *many, "-o", path)
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_room(server: Server, who: dict[str, str], after: int = 0) -> list[dict[str, Any]]:
    """Every event of the room after a seq, page by page; gapless by assertion."""
    events: list[dict[str, Any]] = []
    with httpx.Client(headers={"Authorization": f"Bearer {who['token']}"}, timeout=30, trust_env=False) as client:
        while True:
            query = {"after": after + len(events), "limit": 500}
            answer = client.get(f"{server.http}/rooms/{who['room']}/events", params=query).raise_for_status().json()
            events += answer["events"]
            last = after + len(events)
            assert [e["seq"] for e in events] == list(range(after + 1, last + 1)), "the room's seq has gaps"
            if len(answer["events"]) < 500:
                assert answer["head"] == last, f"the head is {answer['head']}, the last event {last}"
                return events


def verify_record(server: Server) -> None:
    """The record of a server that runs or not, by the command that an auditor would use."""
    bundle = server.folder / "record.sekisho"
    server.run("audit", "export", "-o", bundle, "--data", server.data)
    server.run("audit", "verify", bundle)
