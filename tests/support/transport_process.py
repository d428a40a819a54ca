"""A transport in a process of its own, for signals: says on standard output where it is, and at its end what it
holds.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence

from support.memory_engine import MemoryEngine
from support.served import GENEROUS, http_app, two_zones

from server.binding import Bound, bind
from server.fanout import Hub
from server.listeners import serve
from server.log_format import configure
from server.websocket_endpoint import WebSocketEndpoint


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


async def run() -> None:
    bound = bind(two_zones())
    assert isinstance(bound, list), bound
    hub = Hub()
    engine = MemoryEngine(hub)
    engine.pause = 0.02
    engine.add_room("r_1", "sato", "suzuki")
    for login in ("sato", "suzuki"):
        engine.add_session(login)
    endpoint = WebSocketEndpoint(engine, hub, GENEROUS)

    def ready(open_sockets: Sequence[Bound]) -> None:
        say(ready={one.listener.zone: one.url for one in open_sockets})

    async def writer_closes() -> None:
        say(durable=sorted(answer.seq for answer in engine.answers.values()))

    async def breaks() -> None:
        raise ValueError("a part that does not end well")

    await serve(bound, http_app(engine), endpoint, on_drain=[breaks, writer_closes], ready=ready)
    say(ended=True)


if __name__ == "__main__":
    configure("warning", sys.stderr)
    asyncio.run(run())
