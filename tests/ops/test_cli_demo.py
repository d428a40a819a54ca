"""``sekisho demo --load``: the ready file, the people, and what is said aloud; and a second start of the folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.serving import SEKISHO

from ops import cli

PASSWORD = "a-password-for-the-demo"
SECONDS = 60


@contextmanager
def demo(folder: Path, *more: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[bytes]]]:
    """What the ready file says, and the process; what it prints is in ``said``."""
    ready, said = folder / "ready.json", folder / "said"
    ready.unlink(missing_ok=True)
    ports = ("--port-internet", "0", "--port-lgwan", "0")
    command = [str(SEKISHO), "demo", "--data", str(folder / "data"), "--ready-file", str(ready), *ports, *more]
    environment = {**os.environ, "SEKISHO_DEMO_PASSWORD": PASSWORD}
    with said.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
    try:
        until = time.monotonic() + SECONDS
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < until, said.read_text()
            time.sleep(0.05)
        yield json.loads(ready.read_text()), process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def log_in(url: str, login: str) -> int:
    body = {"login": login, "password": PASSWORD}
    return httpx.post(f"{url}/api/v1/login", json=body, timeout=20, trust_env=False).status_code


def test_the_demo_is_ready_when_it_says_so_and_knows_its_people(tmp_path: Path) -> None:
    with demo(tmp_path, "--load", "3") as (ready, process):
        assert ready["pid"] == process.pid
        assert set(ready["zones"]) == {"internet", "lgwan"}
        (town,) = ready["towns"]
        assert town == {"name": "霞ヶ浜市", "zones": ready["zones"], "data": str(tmp_path / "data")}
        for login in ("sato", "suzuki", "tanaka", "admin", "auditor", "load00001", "load00003"):
            assert {log_in(url, login) for url in ready["zones"].values()} == {200}, login
        assert log_in(ready["zones"]["lgwan"], "load00004") == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    said = (tmp_path / "said").read_text()
    assert all(url in said for url in ready["zones"].values()) and PASSWORD in said
    assert "本番では使えません" in said and "not for real use" in said


@pytest.mark.parametrize("words", [("--towns", "0"), ("--load", "-1"), ("--port-lgwan", "70000")])
def test_numbers_that_make_no_demo_are_wrong_use(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert cli.main(["demo", "--data", str(tmp_path / "data"), *words]) == 2
    assert not (tmp_path / "data").exists()
