"""Clients that vanish in the middle of everything: the others hear all, and the writer goes on."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from support.served import receive, receive_until, send, served


class Gone:
    """A transport whose peer has gone in a way that the operating system noticed only at ``shutdown``."""

    def __init__(self, real: Any, on_eof: bool, on_write: bool) -> None:
        self._real, self._on_eof, self._on_write = real, on_eof, on_write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def write_eof(self) -> None:
        if self._on_eof:
            raise OSError(107, "Transport endpoint is not connected")
        self._real.write_eof()

    def write(self, data: bytes) -> None:
        if self._on_write:
            raise RuntimeError("Cannot call write() after write_eof()")
        self._real.write(data)


@pytest.mark.parametrize(("on_eof", "on_write"), [(True, True), (False, True)])
async def test_a_client_that_vanished_does_not_keep_the_others_from_hearing(on_eof: bool, on_write: bool) -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato", "suzuki", "tanaka")
        async with town.login("tanaka") as tanaka:
            await receive(tanaka)
            (vanishing,) = town.endpoint.connections
            vanishing._transport = Gone(vanishing._transport, on_eof, on_write)  # type: ignore[assignment]
            town.hub.changed_sink(vanishing)
            async with town.login("sato") as sato, town.login("suzuki") as suzuki:
                await receive(sato)
                await receive(suzuki)
                if on_eof:
                    raw = tanaka.transport.get_extra_info("socket")
                    raw.shutdown(socket.SHUT_WR)
                    await asyncio.sleep(0.1)
                for number in (1, 2):
                    await send(sato, op="post", ref=number, room="r_1", client_msg_id=f"c{number}", text="聞こえますか")
                    assert (await receive_until(sato, "ack"))["seq"] == number
                    assert (await receive_until(suzuki, "event"))["seq"] == number
                assert vanishing not in town.endpoint.connections
