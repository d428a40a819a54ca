"""Commands beside a server: one that is just starting is waited for, one that never opens its socket is said."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import msgspec
import pytest

from ops import control
from rooms.commands import SERVER
from rooms.commands.noting import NoteAct
from server.installation import CONTROL_SOCKET, StartRefused, lock_folder


def test_a_server_that_is_just_starting_is_waited_for(tmp_path: Path) -> None:
    """It holds the lock; its control socket comes a moment later."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def open_and_answer() -> None:
        listening.bind(str(tmp_path / CONTROL_SOCKET))
        listening.listen()
        caller, _ = listening.accept()
        with caller, caller.makefile("rwb") as lines:
            asked = msgspec.json.decode(lines.readline())
            lines.write(msgspec.json.encode([{"answer": "heard", "refusal": None}] * len(asked)) + b"\n")

    starting = threading.Timer(0.3, open_and_answer)
    with lock_folder(tmp_path), listening:
        starting.start()
        with control.reach(tmp_path) as installation:
            assert installation.running
            assert installation.perform(NoteAct(SERVER, "test")) == "heard"
        starting.join()


def test_a_lock_without_a_server_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "STARTING", 0.2)
    with lock_folder(tmp_path), pytest.raises(StartRefused) as refused, control.reach(tmp_path):
        pass
    assert refused.value.code == "already_running"


def test_without_a_server_the_folder_itself_is_used_and_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        with control.reach(tmp_path) as installation:
            assert not installation.running
            installation.perform(NoteAct(SERVER, "test"))
