"""Campaign: the Autobahn Testsuite (https://github.com/crossbario/autobahn-testsuite), all its cases, against our
protocol class on a real socket.

Shows: frames, pings, reserved bits, opcodes, fragments, UTF-8, close handling and limits of RFC 6455 as the suite sees
them. The suite wants its own words back, and our endpoint does not echo: here what the session would read as a text
goes back as a frame of its kind (``Echo``), and nothing else is changed. Cases 12 and 13 need compression, which is
off: the suite counts them as not implemented.

>>> python -m campaigns.autobahn --wstest /opt/autobahn/bin/wstest --folder DIR   # doctest: +SKIP

``wstest`` is a program of Python 2.7: ``virtualenv -p python2.7 V && V/bin/pip install autobahntestsuite==0.8.2``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.memory_engine import MemoryEngine
from support.served import two_zones
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from server.admission import Listener
from server.binding import bind
from server.connection import WebSocketConnection
from server.fanout import Hub
from server.frames import Frames, Read
from server.listeners import serve
from server.rate_limits import UNLIMITED
from server.websocket_endpoint import SocketLimits, WebSocketEndpoint

LARGEST = 64 * 1024 * 1024
FINE = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED")


class EchoFrames(Frames):
    """Binary messages go back in place of their refusal; ``echo`` sends a text back."""

    __slots__ = ("_binary",)

    def __init__(self, longest: int) -> None:
        super().__init__(longest)
        self._binary = False

    def _frame(self, received: Frame) -> Iterator[Read]:
        if received.opcode is not Opcode.BINARY and not (self._binary and received.opcode is Opcode.CONT):
            yield from super()._frame(received)
            return
        self._text = (self._text or bytearray()) + received.data
        self._binary = not received.fin
        if received.fin:
            self._there().send_binary(bytes(self._text))
            self._text = None

    def echo(self, text: bytes) -> None:
        if self.state is State.OPEN:
            self._there().send_text(text)


class Echo(WebSocketConnection):
    """What came goes back."""

    __slots__ = ()

    def __init__(self, endpoint: WebSocketEndpoint, listener: Listener) -> None:
        super().__init__(endpoint, listener)
        self._frames: EchoFrames = EchoFrames(endpoint.limits.max_frame)

    def _text_message(self, text: bytes) -> None:
        self._frames.echo(text)


class EchoEndpoint(WebSocketEndpoint):
    """The endpoint, but that its connections echo."""

    def connection(self, listener: Listener, **_uvicorn: object) -> WebSocketConnection:
        return Echo(self, listener)


async def _serve(wstest: Path, folder: Path, cases: list[str]) -> int:
    limits = SocketLimits(
        max_frame=LARGEST, frames=UNLIMITED, posts=UNLIMITED, hello_seconds=3600.0,
        write_buffer=4 * LARGEST, write_buffers_total=16 * LARGEST, slow_seconds=600.0,
    )  # fmt: skip
    hub = Hub()
    endpoint = EchoEndpoint(MemoryEngine(hub), hub, limits)
    bound = bind(two_zones())
    assert isinstance(bound, list), bound
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(
        serve(bound, _no_http, endpoint, on_drain=[], ready=lambda _: ready.set(), stop=stop, signals=False)
    )
    await ready.wait()
    url = f"{bound[0].url.replace('http', 'ws', 1)}/api/v1/ws"
    spec = {
        "outdir": str(folder / "report"),
        "servers": [{"agent": "sekisho", "url": url, "protocols": ["sekisho.v1"]}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    log = (folder / "wstest.log").open("wb")
    try:
        process = await asyncio.create_subprocess_exec(
            wstest, "-m", "fuzzingclient", "-s", folder / "spec.json", cwd=folder, stdout=log, stderr=log
        )
        return await process.wait()
    finally:
        log.close()
        stop.set()
        await running


async def _no_http(scope: Any, receive: Any, send: Any) -> None:
    """Nothing is here but the WebSocket."""


def campaign(wstest: Path, folder: Path, cases: list[str]) -> dict[str, Any]:
    """Figures by chapter and verdict; raises for a case that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    status = asyncio.run(_serve(wstest, folder, cases))
    assert status == 0, (folder / "wstest.log").read_text()[-2000:]
    found: dict[str, dict[str, str]] = json.loads((folder / "report" / "index.json").read_text())["sekisho"]
    verdicts = Counter((case.split(".")[0], one["behavior"]) for case, one in found.items())
    wrong = {
        case: (one["behavior"], one["behaviorClose"])
        for case, one in found.items()
        if one["behavior"] not in FINE or one["behaviorClose"] not in FINE
    }
    assert not wrong, wrong
    chapters: dict[str, dict[str, int]] = {}
    for (chapter, verdict), count in sorted(verdicts.items(), key=lambda item: int(item[0][0])):
        chapters.setdefault(chapter, {})[verdict] = count
    return {"cases": len(found), "failed": 0, "chapters": chapters}


def main() -> None:
    parser = argparse.ArgumentParser(description="the Autobahn Testsuite against our protocol class")
    parser.add_argument("--wstest", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", default=["*"])
    given = parser.parse_args()
    print(json.dumps(campaign(given.wstest, given.folder.resolve(), given.cases), indent=2))


if __name__ == "__main__":
    main()
