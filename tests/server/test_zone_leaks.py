"""What one zone's sockets and answers say of another zone's rooms: nothing, not an id, not a count, not a state."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.installation import Client, Installation, installed
from support.sockets import Socket, on_socket

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "himitsu-no-namae"


async def opened(client: Client, *members: str, zones: Sequence[str] | None = None, kind: str = "group") -> str:
    answered = await client.post("rooms", json={"kind": kind, "name": SECRET, "members": members, "zones": zones})
    assert answered.status_code == 201, answered.text
    room: str = answered.json()["id"]
    return room


async def said(client: Client, room: str, number: int, *attachments: str) -> str:
    body = {"client_msg_id": f"c-{number}", "text": SECRET, "attachments": attachments}
    answered = await client.post(f"rooms/{room}/messages", json=body)
    assert answered.status_code == 201, answered.text
    message: str = answered.json()["message_id"]
    return message


async def sent(client: Client, room: str, name: str = f"{SECRET}.txt") -> str:
    answered = await client.post("attachments", params={"room": room, "name": name}, content=SECRET.encode())
    assert answered.status_code == 202, answered.text
    attachment: str = answered.json()["id"]
    return attachment


async def judged(client: Client, attachment: str) -> dict[str, Any]:
    for _ in range(300):
        shown: dict[str, Any] = (await client.get(f"attachments/{attachment}")).json()
        if all(zone["state"] != "quarantined" for zone in shown["zones"].values()):
            return shown
        await asyncio.sleep(0.1)
    raise AssertionError("no verdict")


def assert_nothing(frames: Sequence[Any], *secrets: str) -> None:
    text = json.dumps(frames, ensure_ascii=False)
    assert [secret for secret in secrets if secret in text] == []


async def test_a_closed_room_is_silent_in_the_other_zone(town: Installation) -> None:
    """Its people sit at terminals of both zones at once; all of its life goes by."""
    people = [await town.login(login, zone) for zone in ("lgwan", "internet") for login in ("sato", "suzuki", "tanaka")]
    sato, suzuki, tanaka, *outside = people
    async with contextlib.AsyncExitStack() as stack:
        closed = [await stack.enter_async_context(on_socket(town, one)) for one in outside]
        inside = await stack.enter_async_context(on_socket(town, sato))
        room = await opened(sato, "suzuki", zones=["lgwan"])
        attachment = await sent(sato, room)
        await said(sato, room, 1)
        await said(sato, room, 2, attachment)
        shown = await judged(sato, attachment)
        assert shown["zones"].keys() == {"lgwan"}
        async with on_socket(town, suzuki) as reads:
            await reads.say("read", room=room, seq=2)
            await reads.frame("read_mark", room=room)
        assert (await sato.post(f"rooms/{room}/members", json={"add": ["tanaka"]})).status_code == 200
        assert (await tanaka.post(f"rooms/{room}/leave")).status_code == 200
        assert (await sato.post(f"rooms/{room}/members", json={"remove": ["suzuki"]})).status_code == 200
        assert {frame["op"] for frame in await inside.quiet()} >= {"room", "event", "attachment"}
        for socket in closed:
            assert await socket.quiet(0.1) == []
    async with on_socket(town, outside[0], {room: 0, "r_none": 0}) as late:
        assert_nothing([late.ready], room, SECRET)
        answers = sorted(await late.quiet(), key=lambda frame: frame["room"] == room)
        assert answers == [{"op": "room_left", "room": "r_none"}, {"op": "room_left", "room": room}]
        for number, named in enumerate((room, "r_none")):
            await late.say("read", room=named, seq=1)
            await late.say("post", ref=number, room=named, client_msg_id="c-1", text="x")
        refused = [await late.frame("refused", ref=number) for number in range(2)]
        assert [{**one, "ref": 0} for one in refused[:1]] == [{**one, "ref": 0} for one in refused[1:]]
    found = (await outside[0].get("search", params={"q": SECRET})).json()
    assert_nothing([found], room, attachment, SECRET)
    assert_nothing([(await outside[0].get("rooms")).json()], room, SECRET)


async def test_what_may_not_cross_is_withheld_whole(tmp_path: Path) -> None:
    """A room of two zones between which everything is forbidden: the same seq, and not a word, name, size or state."""
    async with installed(tmp_path / "data", zones=("internet", "lgwan", "mynumber")) as town:
        inner, middle = await town.login("sato", "mynumber"), await town.login("sato", "lgwan")
        reader = await town.login("suzuki", "lgwan")
        room = await opened(inner, "suzuki", zones=["lgwan", "mynumber"])
        async with on_socket(town, middle) as own, on_socket(town, reader) as other, on_socket(town, inner) as here:
            attachment = await sent(inner, room)
            message = await said(inner, room, 1, attachment)
            assert (await judged(inner, attachment))["zones"]["lgwan"]["state"] == "refused"
            seen = [frame for frame in await here.quiet() if frame["op"] == "event"]
            assert seen[0]["event"]["type"] == "message.posted"
            for socket in (own, other):
                told = await socket.quiet(0.2)
                assert_nothing(told, SECRET, attachment, message, "c-1")
                assert {frame["event"]["type"] for frame in told} == {"message.withheld"}
                assert [frame["seq"] for frame in told] == [frame["seq"] for frame in seen]
        for client in (middle, reader):
            page = (await client.get(f"rooms/{room}/events")).json()
            async with on_socket(town, client, {room: 0}) as replay:
                assert_nothing([page, await replay.quiet()], SECRET, attachment, message, "c-1")
            for path in ("", "/content", "/thumbnail", "/receipt"):
                refused = await client.get(f"attachments/{attachment}{path}")
                assert (refused.status_code, refused.json()["code"]) == (403, "forbidden_crossing"), path
            found = (await client.get("search", params={"q": SECRET})).json()
            assert found["messages"] == found["attachments"] == []


async def test_people_behind_a_forbidden_crossing_are_not_found(tmp_path: Path) -> None:
    async with installed(tmp_path / "data", zones=("internet", "lgwan", "mynumber")) as town:
        await town.add("oku", "奥村 守", zones=frozenset({"mynumber"}))
        for zone, count in (("internet", 0), ("lgwan", 0), ("mynumber", 1)):
            client = await town.login("sato", zone)
            assert len((await client.get("people", params={"q": "奥村"})).json()["people"]) == count
            assert len((await client.get("search", params={"q": "奥村"})).json()["people"]) == count
        outside = await town.login("sato", "internet")
        answers = [
            await outside.post("rooms", json={"kind": "group", "name": "x", "members": [login]})
            for login in ("oku", "nobody")
        ]
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(422, "unknown_person")] * 2


# Membership --------------------------------------------------------------------------------------------------------


async def texts(socket: Socket) -> list[str]:
    return [f["event"].get("message", {}).get("id", "") for f in await socket.quiet() if f["op"] == "event"]


async def test_a_newcomer_reads_from_the_joining_on_and_who_left_nothing_more(town: Installation) -> None:
    sato, tanaka = await town.login("sato", "lgwan"), await town.login("tanaka", "lgwan")
    room = await opened(sato)
    early, attachment = await said(sato, room, 1), await sent(sato, room)
    with_file = await said(sato, room, 2, attachment)
    async with on_socket(town, tanaka) as live:
        await sato.post(f"rooms/{room}/members", json={"add": ["tanaka"]})
        joined = await said(sato, room, 3)
        heard = await live.quiet()
        assert joined in str(heard) and heard[0]["op"] == "room"
        assert (await tanaka.post(f"rooms/{room}/leave")).status_code == 200
        missed = await said(sato, room, 4)
        assert_nothing(await live.quiet(), missed, early, with_file)
        assert live.frames[-1] == {"op": "room_left", "room": room}
        await sato.post(f"rooms/{room}/members", json={"add": ["tanaka"]})
        last = await said(sato, room, 5)
        assert last in await texts(live)
    async with on_socket(town, tanaka, {room: 0}) as again:
        assert await texts(again) == ["", last]
    page = await tanaka.get(f"rooms/{room}/events", params={"after": 0})
    assert_nothing([page.json()["events"]], early, with_file, joined, missed)
    for path in ("", "/content", "/thumbnail", "/receipt"):
        assert (await tanaka.get(f"attachments/{attachment}{path}")).status_code == 404
    found = (await tanaka.get("search", params={"q": SECRET})).json()
    assert_nothing([found], early, with_file, joined, missed, attachment)
