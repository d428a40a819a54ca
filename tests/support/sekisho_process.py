"""A real ``sekisho demo`` or ``sekisho serve`` as a process of its own: started, frozen, stopped, started again on the
same folder and ports.

>>> with Demo(tmp_path) as demo:                                       # doctest: +SKIP
...     httpx.get(demo.zones["lgwan"] + "/api/v1/zone")
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

SEKISHO = Path(sys.executable).with_name("sekisho")
PASSWORD = "kasumigahama-2026"
START_SECONDS = 60


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sekisho(*arguments: str | Path, timeout: float = 60) -> str:
    """What the command prints; fails the test where it does not end with 0."""
    done = subprocess.run([SEKISHO, *arguments], capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Running:
    """A server process. ``zones`` maps each zone to the address its people open; ``data`` is its folder."""

    def __init__(self, folder: Path, zones: dict[str, int]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.ports = zones
        self.zones = {zone: f"http://127.0.0.1:{port}" for zone, port in zones.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def _command(self) -> list[str | Path]:
        raise NotImplementedError

    def start(self) -> None:
        """Start, and wait until every zone accepts."""
        with (self.folder / "server.log").open("ab") as log:
            environment = {**os.environ, "SEKISHO_DEMO_PASSWORD": PASSWORD}
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + START_SECONDS
        while not all(_accepts(port) for port in self.ports.values()):
            assert self._process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> int:
        """The exit status after an orderly end."""
        assert self._process is not None
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        return self._process.wait(20)

    def log(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Demo(Running):
    """``sekisho demo`` with the sample city."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {"internet": free_port(), "lgwan": free_port()})
        self._ready = folder / "ready.json"
        self._tokens: dict[tuple[str, str], str] = {}

    @contextmanager
    def person(self, login: str = "sato", zone: str = "lgwan") -> Iterator[httpx.Client]:
        """That person's HTTP client, with a session apart from all browsers."""
        with httpx.Client(base_url=f"{self.zones[zone]}/api/v1/", timeout=20, trust_env=False) as client:
            if (login, zone) not in self._tokens:
                answered = client.post("login", json={"login": login, "password": PASSWORD})
                assert answered.status_code == 200, answered.text
                self._tokens[login, zone] = answered.json()["token"]
            client.headers["Authorization"] = f"Bearer {self._tokens[login, zone]}"
            yield client

    def make_room(self, name: str, kind: str = "group", **more: Any) -> str:
        """The id of a new room of sato, suzuki and tanaka, open to both zones."""
        with self.person("sato") as sato:
            answered = sato.post("rooms", json={"kind": kind, "name": name, "members": ["suzuki", "tanaka"], **more})
            assert answered.status_code == 201, answered.text
            identity: str = answered.json()["id"]
            return identity

    def _command(self) -> list[str | Path]:
        ports = ("--port-internet", str(self.ports["internet"]), "--port-lgwan", str(self.ports["lgwan"]))
        return [SEKISHO, "demo", "--data", self.data, *ports, "--ready-file", self._ready]

    def start(self) -> None:
        self._ready.unlink(missing_ok=True)
        super().start()
        deadline = time.monotonic() + START_SECONDS
        while not self._ready.exists():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)


class Installation(Running):
    """``sekisho serve`` from a configuration file with these zones; ``link`` is the one-time address of ``init``."""

    def __init__(self, folder: Path, *zones: str) -> None:
        super().__init__(folder, {zone: free_port() for zone in zones})
        self.config = folder / "sekisho.toml"
        listeners = (
            f'[[listeners]]\nname = "{zone}"\nzone = "{zone}"\nhost = "127.0.0.1"\nport = {port}\n'
            for zone, port in self.ports.items()
        )
        text = f"data = {json.dumps(str(self.data))}\nproduction = false\n" + "".join(listeners)
        self.config.write_text(text, encoding="utf-8")

    def _command(self) -> list[str | Path]:
        return [SEKISHO, "serve", "--config", self.config]

    def link(self) -> str:
        """A fresh one-time link for the first administrator."""
        return sekisho("init", "--config", self.config).split()[-1]
