"""Over capacity: what is given up, in which order, what goes on, who is told, and that it comes back by itself.

The load is made the way the disk is filled: how short memory is, is an argument of the watch.
"""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.installation import Client, Installation, installed
from support.ooxml_samples import png
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from ops import cli
from server.load import LIMITS, Level, Pace

pytestmark = pytest.mark.asyncio(loop_scope="module")
_numbers = itertools.count()
SHED = ["marks", "previews", "search", "uploads"]
OPERATIONS = """
[[listeners]]
name = "operations"
zone = "internet"
host = "127.0.0.1"
operations = true
"""


class Memory:
    """How short it is, for the watch."""

    pressure = 0.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    async with installed(tmp_path_factory.mktemp("busy") / "data", extra=OPERATIONS) as running:
        running.application.load.pace = Pace(rise=0.0, hold=0.0)
        running.application.load_watch.every = 0.01
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def memory(town: Installation) -> AsyncIterator[Memory]:
    memory = Memory()
    town.application.load_watch.memory = lambda: memory.pressure
    yield memory
    memory.pressure = 0.0
    await reached(town, Level.NONE)


async def reached(town: Installation, level: Level) -> None:
    """One level after the other, by itself."""
    async with asyncio.timeout(20):
        while town.application.load.level != level:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def press(town: Installation, memory: Memory, level: Level) -> None:
    memory.pressure = LIMITS["memory"][level - 1] if level else 0.0
    await reached(town, level)


@asynccontextmanager
async def listening(town: Installation, who: Client, *, notices: bool) -> AsyncIterator[ClientConnection]:
    """A WebSocket that has its ``ready``."""
    url = town.url(who.zone).replace("http", "ws", 1) + "/api/v1/ws"
    protocols = [Subprotocol("sekisho.v1")]
    async with connect(url, subprotocols=protocols, compression=None, proxy=None) as socket:
        hello: dict[str, Any] = {"op": "hello", "token": who.token, "cursors": {}}
        await socket.send(json.dumps({**hello, "notices": True} if notices else hello))
        assert json.loads(await socket.recv())["op"] == "ready"
        yield socket


async def heard(socket: ClientConnection, seconds: float = 0.3) -> list[dict[str, Any]]:
    """All frames until it is quiet."""
    frames = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                frames.append(json.loads(await socket.recv()))
    except TimeoutError:
        return frames


async def room_of(client: Client, *members: str) -> str:
    answered = await client.post("rooms", json={"kind": "group", "name": "災害対策", "members": list(members)})
    assert answered.status_code == 201, answered.text
    room: str = answered.json()["id"]
    return room


async def say(client: Client, room: str, text: str = "避難所を開けました") -> int:
    sent = {"client_msg_id": f"u-{next(_numbers)}", "text": text}
    answered = await client.post(f"rooms/{room}/messages", json=sent)
    assert answered.status_code == 201, answered.text
    seq: int = answered.json()["seq"]
    return seq


def creation(room: str, length: int) -> dict[str, str]:
    words = [
        f"{name} {base64.b64encode(value.encode()).decode()}"
        for name, value in (("room", room), ("filename", "写真.txt"))
    ]
    return {"tus-resumable": "1.0.0", "upload-length": str(length), "upload-metadata": ",".join(words)}


def part(offset: int) -> dict[str, str]:
    return {"tus-resumable": "1.0.0", "upload-offset": str(offset), "content-type": "application/offset+octet-stream"}


@pytest.mark.parametrize("level", list(Level))
async def test_each_level_refuses_what_it_says_and_no_message(town: Installation, memory: Memory, level: Level) -> None:
    sato = await town.login("sato")
    room = await room_of(sato, "suzuki")
    await press(town, memory, level)
    before = len(town.leaves())
    searched = await sato.get("search", params={"q": "避難所"})
    sent = await sato.post("attachments", params={"room": room, "name": "a.txt"}, content=b"text")
    begun = await sato.post("uploads/", headers=creation(room, 10))
    for answered, sheds, reason, good in (
        (searched, Level.SEARCH, "search_paused", 200),
        (sent, Level.UPLOADS, "uploads_paused", 202),
        (begun, Level.UPLOADS, "uploads_paused", 201),
    ):
        if level < sheds:
            assert answered.status_code == good, answered.text
            continue
        assert answered.status_code == 503
        assert (answered.json()["code"], answered.json()["reason"]) == ("busy", reason)
        assert 10 <= int(answered.headers["retry-after"]) < 20
    assert [await say(sato, room) for _ in range(3)] == [1, 2, 3]
    assert (await sato.get(f"rooms/{room}/events")).json()["head"] == 3
    refusals = [leaf for leaf in town.leaves()[before:] if leaf["outcome"] == "refused"]
    assert refusals == [], "what is put off denies nobody anything"


async def test_an_upload_that_was_begun_goes_on_and_one_that_was_refused_comes_later(
    town: Installation, memory: Memory
) -> None:
    sato = await town.login("sato")
    room, text = await room_of(sato, "suzuki"), "被害状況の一覧\n".encode() * 20
    begun = await sato.post("uploads/", headers=creation(room, len(text)))
    place = begun.headers["location"]
    assert (await sato.patch(place, headers=part(0), content=text[:50])).status_code == 204
    await press(town, memory, Level.UPLOADS)
    assert (await sato.post("uploads/", headers=creation(room, 10))).status_code == 503
    assert (await sato.head(place, headers={"tus-resumable": "1.0.0"})).headers["upload-offset"] == "50"
    done = await sato.patch(place, headers=part(50), content=text[50:])
    assert done.status_code == 204 and done.headers["upload-offset"] == str(len(text))
    attachment = done.headers["sekisho-attachment"]
    assert (await sato.get(f"attachments/{attachment}")).json()["size"] == len(text)
    await press(town, memory, Level.NONE)
    assert (await sato.post("uploads/", headers=creation(room, 10))).status_code == 201


async def test_people_who_ask_are_told_each_level_and_the_end_and_others_hear_nothing(
    town: Installation, memory: Memory
) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki", "lgwan")
    async with listening(town, sato, notices=True) as asks, listening(town, suzuki, notices=False) as does_not:
        await press(town, memory, Level.UPLOADS)
        async with listening(town, suzuki, notices=True) as late:
            assert await heard(late) == [{"op": "notice", "why": ["busy"], "paused": SHED}]
        await press(town, memory, Level.NONE)
        told = [(frame["op"], frame["why"], frame["paused"]) for frame in await heard(asks)]
        assert told == [
            *(("notice", ["busy"], SHED[:level]) for level in (1, 2, 3, 4, 3, 2, 1)),
            ("notice", [], []),
        ]
        assert await heard(does_not) == []
    async with listening(town, sato, notices=True) as quiet:
        assert await heard(quiet) == []


async def test_a_disk_that_fills_up_is_told_too(town: Installation, memory: Memory) -> None:
    sato = await town.login("sato")
    async with listening(town, sato, notices=True) as socket:
        for share, paused in ((0.92, ["uploads"]), (0.96, ["uploads", "posts"]), (0.1, [])):
            town.fill_disk(share)
            town.application.notices.look()
            (frame,) = await heard(socket)
            assert frame == {"op": "notice", "why": ["storage"] if paused else [], "paused": paused}


async def test_thumbnails_that_were_left_for_later_are_drawn_when_it_is_over(
    town: Installation, memory: Memory
) -> None:
    """Of a picture that is rebuilt for one zone and passes in the other, and of an archive, which has none."""
    sato = await town.login("sato", "lgwan")
    room = await room_of(sato, "suzuki")
    await press(town, memory, Level.PREVIEWS)
    sent = {}
    for name, data in (("被害.png", png()), ("一覧.zip", archive())):
        answered = await sato.post("attachments", params={"room": room, "name": name}, content=data)
        sent[name] = answered.json()["id"]
        await posted_and_released(sato, sent[name])
    internet = await town.login("sato")
    assert [await thumbnail(c, sent["被害.png"]) for c in (sato, internet)] == [False, False]
    assert (await sato.get(f"attachments/{sent['被害.png']}/thumbnail")).status_code == 404
    async with listening(town, sato, notices=False) as socket:
        await press(town, memory, Level.NONE)
        async with asyncio.timeout(15):
            while not all([await thumbnail(c, sent["被害.png"]) for c in (sato, internet)]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        changed = [frame for frame in await heard(socket) if frame["op"] == "attachment"]
        assert {frame["attachment"] for frame in changed} >= {sent["被害.png"]}
    for client in (sato, internet):
        picture = await client.get(f"attachments/{sent['被害.png']}/thumbnail")
        assert picture.status_code == 200 and picture.content.startswith(b"\x89PNG")
    async with asyncio.timeout(15):
        while town.rows("SELECT count(*) FROM releases WHERE thumbnail = ''") != [(0,)]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert not await thumbnail(sato, sent["一覧.zip"])


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("一覧.txt", "北小学校")
    return made.getvalue()


async def posted_and_released(client: Client, attachment: str) -> None:
    async with asyncio.timeout(30):
        while True:
            zones = (await client.get(f"attachments/{attachment}")).json()["zones"]
            if all(zone["state"] == "released" for zone in zones.values()):
                return
            await asyncio.sleep(0.05)


async def thumbnail(client: Client, attachment: str) -> bool:
    shown: bool = (await client.get(f"attachments/{attachment}")).json()["thumbnail"]
    return shown


async def test_doctor_and_metrics_say_it(
    town: Installation, memory: Memory, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def doctor() -> dict[str, str]:
        await asyncio.to_thread(cli.main, ["doctor", "--data", str(town.folder), "--json"])
        found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
        return next(one for one in found if one["check"] == "load")

    assert (await doctor())["level"] == "ok"
    before = town.application.load.refused
    await press(town, memory, Level.SEARCH)
    sato = await town.login("sato")
    assert (await sato.get("search", params={"q": "x"})).status_code == 503
    finding = await doctor()
    assert finding["level"] == "warning"
    assert "marks, previews, search" in finding["en"] and "little memory is left" in finding["en"]
    url = next(one.url for one in town.bound if one.listener.operations)
    async with Client(trust_env=False) as operations:
        lines = (await operations.get(f"{url}/metrics")).text.splitlines()
    assert "sekisho_load_level 3" in lines
    assert "sekisho_memory_pressure_ratio 1.6" in lines
    assert f"sekisho_load_refused_total {before + 1}" in lines


async def test_what_waited_follows_when_it_is_over(town: Installation, memory: Memory) -> None:
    """What is said while searching rests is found afterwards; a read mark comes late, but comes."""
    sato, suzuki = await town.login("sato"), await town.login("suzuki")
    room = await room_of(sato, "suzuki")
    await press(town, memory, Level.SEARCH)
    await say(sato, room, "給水車は北小学校です")
    async with listening(town, suzuki, notices=False) as socket:
        await socket.send(json.dumps({"op": "read", "room": room, "seq": 1}))
        await asyncio.sleep(1.2)
        assert town.rows("SELECT count(*) FROM outbox WHERE topic = 'event'")[0][0] >= 1
        assert await heard(socket) == []
        await press(town, memory, Level.NONE)
        assert await heard(socket, 6.0) == [{"op": "read_mark", "room": room, "seq": 1}]
    async with asyncio.timeout(10):
        while not (await sato.get("search", params={"q": "給水車"})).json()["messages"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
