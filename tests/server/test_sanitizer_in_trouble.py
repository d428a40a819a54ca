"""The sanitizer crashes, hangs or is busy for ever: messages go on, files wait in quarantine and get a verdict later.

Held by order and state: posts are acknowledged while the file has no verdict.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import pytest
from support.installation import Client, Installation, installed

pytestmark = pytest.mark.asyncio(loop_scope="module")
TEXT = "避難者名簿の書式\n".encode() * 20


async def room_of(client: Client) -> str:
    answered = await client.post("rooms", json={"kind": "group", "name": "避難所", "members": ["suzuki"]})
    room: str = answered.json()["id"]
    return room


async def sent(client: Client, room: str, name: str) -> str:
    answered = await client.post("attachments", params={"room": room, "name": name}, content=TEXT)
    assert answered.status_code == 202, answered.text
    attachment: str = answered.json()["id"]
    return attachment


async def states(client: Client, attachment: str) -> set[str]:
    zones = (await client.get(f"attachments/{attachment}")).json()["zones"]
    return {zone["state"] for zone in zones.values()}


async def settled(client: Client, attachment: str) -> set[str]:
    async with asyncio.timeout(60):
        while "quarantined" in (found := await states(client, attachment)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


async def talk(sato: Client, suzuki: Client, room: str, count: int) -> None:
    """Say ``count`` things, one after the other, and see them arrive."""
    head = (await suzuki.get(f"rooms/{room}/events")).json()["head"]
    for number in range(count):
        post = {"client_msg_id": f"t-{head}-{number}", "text": "通れる道は国道だけです"}
        answered = await sato.post(f"rooms/{room}/messages", json=post)
        assert answered.status_code == 201 and answered.json()["seq"] == head + number + 1
    assert (await suzuki.get(f"rooms/{room}/events")).json()["head"] == head + count


def cells(town: Installation) -> list[int]:
    """The processes of both cells, the outer ones first."""
    outer = [link.pid for link in (town.supervisor.transformers, town.supervisor.readers)]
    return [pid for first in outer if first for pid in (first, *below(first))]


def below(pid: int) -> list[int]:
    """All descendants of a process."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(one for child in children for one in below(child))]


async def test_messages_go_on_while_the_cells_hang(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki", "lgwan")
    room = await room_of(sato)
    stopped = cells(town)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        attachments = [await sent(sato, room, f"名簿{number}.txt") for number in range(5)]
        await talk(sato, suzuki, room, 50)
        assert await states(sato, attachments[-1]) == {"quarantined"}, "jails that were ready do the first ones"
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    for attachment in attachments:
        assert await settled(sato, attachment) == {"released"}


async def test_messages_go_on_while_the_cells_die_again_and_again(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki", "lgwan")
    room = await room_of(sato)
    attachments = []
    for number in range(3):
        for pid in cells(town)[::-1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        attachments.append(await sent(sato, room, f"名簿{number}.txt"))
        await talk(sato, suzuki, room, 10)
    for attachment in attachments:
        assert await settled(sato, attachment) == {"released"}


async def test_a_file_that_ends_its_jail_every_time_is_refused_and_harms_no_other(tmp_path: Path) -> None:
    """Nothing but a verdict comes of it: here every jail is ended by the clock as soon as it works."""
    async with installed(tmp_path / "data") as town:
        sato, suzuki = await town.login("sato"), await town.login("suzuki", "lgwan")
        room = await room_of(sato)
        limits = town.supervisor.limits
        object.__setattr__(limits, "wall_seconds", 0.0)
        attachment = await sent(sato, room, "名簿.txt")
        await talk(sato, suzuki, room, 20)
        assert await settled(sato, attachment) == {"refused"}
        object.__setattr__(limits, "wall_seconds", 60.0)
        assert await settled(sato, await sent(sato, room, "次の名簿.txt")) == {"released"}
