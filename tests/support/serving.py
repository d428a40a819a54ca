"""``sekisho serve`` in a process of its own, as an operator starts it, for tests of commands beside it.

Rules: loopback, free ports, one configuration file; the log is kept in a file; ended by SIGTERM, killed only if that
fails.

>>> with served(folder, ["internet", "lgwan"]) as server:                                # doctest: +SKIP
...     httpx.get(server.url("lgwan") + "/healthz")
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SEKISHO = Path(sys.executable).with_name("sekisho")
SECONDS = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Serving:
    """One configured installation below ``folder``; ``process`` while it runs."""

    def __init__(self, folder: Path, zones: Sequence[str] = ("internet", "lgwan"), top: str = "") -> None:
        self.folder = folder
        self.data = folder / "data"
        self.config = folder / "sekisho.toml"
        self.log = folder / "server.log"
        self.ports = {zone: free_port() for zone in zones}
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(exist_ok=True)
        listeners = "".join(
            f'[[listeners]]\nname = "{zone}"\nzone = "{zone}"\nhost = "127.0.0.1"\nport = {port}\n'
            for zone, port in self.ports.items()
        )
        text = f"data = {json.dumps(str(self.data))}\nproduction = false\n{top}\n{listeners}"
        self.config.write_text(text, encoding="utf-8")

    def url(self, zone: str) -> str:
        return f"http://127.0.0.1:{self.ports[zone]}"

    def logged(self) -> list[dict[str, Any]]:
        """What the server has said, one object a line."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def start(self, **environment: str) -> None:
        """Start it and wait until it listens in every zone."""
        with self.log.open("ab") as log:
            command: list[str | Path] = [SEKISHO, "serve", "--config", self.config]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
        until = time.monotonic() + SECONDS
        while sum(line["message"].startswith("listening") for line in self.logged()) < len(self.ports):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> int:
        """End it in good order; answers its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@contextmanager
def served(folder: Path, top: str = "", **environment: str) -> Iterator[Serving]:
    server = Serving(folder, top=top)
    server.start(**environment)
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
