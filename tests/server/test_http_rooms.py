"""Rooms and messages over HTTP: shapes, codes, and who may know of what."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.installation import Client, Installation, installed

pytestmark = pytest.mark.asyncio(loop_scope="module")


def assert_problem(answered: httpx.Response, status: int, code: str, reason: str | None = None) -> None:
    assert answered.status_code == status, answered.text
    problem = answered.json()
    assert (problem["code"], problem["reason"]) == (code, reason or problem["reason"])


async def opened(client: Client, *members: str, kind: str = "group", **more: Any) -> dict[str, Any]:
    answered = await client.post("rooms", json={"kind": kind, "name": "防災", "members": list(members)} | more)
    assert answered.status_code == 201, answered.text
    room: dict[str, Any] = answered.json()
    return room


async def say(client: Client, room: str, cmid: str, text: str = "はい", **more: Any) -> httpx.Response:
    return await client.post(f"rooms/{room}/messages", json={"client_msg_id": cmid, "text": text} | more)


async def events(client: Client, room: str, **params: Any) -> list[dict[str, Any]]:
    answered = await client.get(f"rooms/{room}/events", params=params)
    assert answered.status_code == 200, answered.text
    found: list[dict[str, Any]] = answered.json()["events"]
    return found


async def test_a_room_is_in_the_list_of_its_members_in_both_zones(town: Installation) -> None:
    sato = await town.login("sato")
    room = await opened(sato, "suzuki", "suzuki", "SUZUKI", "sato")
    assert (room["kind"], room["name"], room["head"]) == ("group", "防災", 0)
    assert room["audience"] == {"people": 2, "other_organisations": 0, "zones": ["internet", "lgwan"]}
    for login in ("sato", "suzuki"):
        for zone in ("internet", "lgwan"):
            listed = (await (await town.login(login, zone)).get("rooms")).json()["rooms"]
            assert room["id"] in [r["id"] for r in listed]
    tanaka = await town.login("tanaka")
    assert room["id"] not in [r["id"] for r in (await tanaka.get("rooms")).json()["rooms"]]
    shown = (await sato.get(f"rooms/{room['id']}")).json()
    assert [m["login"] for m in sorted(shown["members"], key=lambda m: m["login"])] == ["sato", "suzuki"]


async def test_a_direct_room_is_there_once(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki", "lgwan")
    answers = [
        await sato.post("rooms", json={"kind": "direct", "name": "", "members": ["suzuki"]}),
        await sato.post("rooms", json={"kind": "direct", "name": "x", "members": ["sato", "suzuki"]}),
        await suzuki.post("rooms", json={"kind": "direct", "members": ["sato"]}),
    ]
    assert [a.status_code for a in answers] == [201, 200, 200]
    assert len({a.json()["id"] for a in answers}) == 1
    assert answers[0].json()["name"] == "鈴木 一郎"
    assert answers[2].json()["name"] == "佐藤 美咲"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "club", "name": "x", "members": []}, 422, "invalid"),
        ({"kind": "group", "name": "", "members": []}, 422, "invalid"),
        ({"kind": "group", "name": "あ" * 101, "members": []}, 422, "invalid"),
        ({"kind": "group", "name": "x", "members": ["nobody"]}, 422, "unknown_person"),
        ({"kind": "group", "name": "x", "members": [""]}, 422, "unknown_person"),
        ({"kind": "direct", "members": []}, 422, "invalid"),
        ({"kind": "direct", "members": ["suzuki", "tanaka"]}, 422, "invalid"),
        ({"kind": "group", "name": "x", "members": [], "zones": []}, 422, "invalid"),
        ({"kind": "group", "name": "x", "members": [], "zones": ["moon"]}, 422, "invalid"),
        ({"kind": "group", "name": "x", "members": "suzuki"}, 400, "malformed"),
        ({"kind": "group", "name": "x", "members": [], "admin": True}, 400, "malformed"),
        ({"name": "x", "members": []}, 400, "malformed"),
        ({"kind": 1, "name": "x"}, 400, "malformed"),
    ],
)
async def test_rooms_that_cannot_be_opened(town: Installation, body: dict[str, Any], status: int, code: str) -> None:
    assert_problem(await (await town.login("sato")).post("rooms", json=body), status, code)


async def test_a_my_number_in_a_name_that_the_internet_zone_would_read(town: Installation) -> None:
    inside = await town.login("sato", "lgwan")
    name = "個人番号 123456789018"
    refused = await inside.post("rooms", json={"kind": "group", "name": name, "members": []})
    assert_problem(refused, 403, "forbidden_crossing")
    assert "123456789018" not in str(town.leaves())
    kept = await inside.post("rooms", json={"kind": "group", "name": name, "members": [], "zones": ["lgwan"]})
    assert kept.status_code == 201


async def test_a_post_is_answered_once_and_the_same_again(town: Installation) -> None:
    sato = await town.login("sato")
    room = (await opened(sato, "suzuki"))["id"]
    first = await say(sato, room, "c-1", "おはようございます")
    again = await say(sato, room, "c-1", "ほかの文")
    elsewhere = await say(await town.login("sato", "lgwan"), room, "c-1")
    assert [first.status_code, again.status_code, elsewhere.status_code] == [201, 200, 200]
    assert first.json() == again.json() == elsewhere.json()
    assert (await say(await town.login("suzuki"), room, "c-1")).json()["seq"] == first.json()["seq"] + 1
    (mine,) = [e for e in await events(sato, room) if e["seq"] == first.json()["seq"]]
    message = mine["event"]["message"]
    assert (message["id"], message["text"], message["made_in"], message["client_msg_id"]) == (
        first.json()["message_id"], "おはようございます", "internet", "c-1",
    )  # fmt: skip
    assert mine["actor"]["login"] == message["author"]["login"] == "sato"


async def test_posts_at_once_are_gapless_and_each_once(town: Installation) -> None:
    sato = await town.login("sato")
    room = (await opened(sato))["id"]
    answers = await asyncio.gather(*(say(sato, room, f"c-{n % 20}") for n in range(60)))
    assert sorted(a.status_code for a in answers) == [200] * 40 + [201] * 20
    assert sorted({a.json()["seq"] for a in answers}) == list(range(1, 21))
    assert [e["seq"] for e in await events(sato, room)] == list(range(1, 21))


async def test_a_reply_names_a_message_of_the_room(town: Installation) -> None:
    sato = await town.login("sato")
    room, other = (await opened(sato))["id"], (await opened(sato))["id"]
    first = (await say(sato, room, "c-1")).json()
    replied = await say(sato, room, "c-2", reply_to=first["message_id"])
    assert replied.status_code == 201
    assert (await events(sato, room))[-1]["event"]["message"]["reply_to"] == first["message_id"]
    assert_problem(await say(sato, other, "c-3", reply_to=first["message_id"]), 422, "invalid", "unknown_reply")
    assert_problem(await say(sato, room, "c-4", reply_to="m_none"), 422, "invalid", "unknown_reply")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"client_msg_id": "c", "text": ""}, 422, "invalid"),
        ({"client_msg_id": "c", "text": " \n"}, 422, "invalid"),
        ({"client_msg_id": "c", "text": "あ" * 20_001}, 422, "invalid"),
        ({"client_msg_id": "", "text": "x"}, 422, "invalid"),
        ({"client_msg_id": "c" * 129, "text": "x"}, 422, "invalid"),
        ({"client_msg_id": "c", "text": "x", "attachments": ["a_none"]}, 422, "invalid"),
        ({"client_msg_id": "c", "text": "x", "attachments": [f"a_{n}" for n in range(21)]}, 422, "invalid"),
        ({"client_msg_id": "c", "text": 5}, 400, "malformed"),
        ({"text": "x"}, 400, "malformed"),
        ({"client_msg_id": "c", "text": "x", "made_in": "lgwan"}, 400, "malformed"),
        ({"client_msg_id": "c", "text": "x", "attachments": "a"}, 400, "malformed"),
    ],
)
async def test_posts_that_cannot_be(town: Installation, body: dict[str, Any], status: int, code: str) -> None:
    sato = await town.login("sato")
    room = (await opened(sato))["id"]
    assert_problem(await sato.post(f"rooms/{room}/messages", json=body), status, code)
    assert await events(sato, room) == []
    assert (await say(sato, room, "c")).status_code == 201  # a refusal is not remembered


async def test_a_long_message_of_families_counts_what_people_see(town: Installation) -> None:
    sato = await town.login("sato")
    room = (await opened(sato))["id"]
    assert (await say(sato, room, "c-1", "あ" * 20_000)).status_code == 201
    assert (await say(sato, room, "c-2", "👨‍👩‍👧‍👦" * 2_000 + "\u202e逆\u0007")).status_code == 201
    assert (await events(sato, room))[-1]["event"]["message"]["text"] == "👨‍👩‍👧‍👦" * 2_000 + "逆"


async def test_my_numbers_do_not_cross_outwards(town: Installation) -> None:
    inside, outside = await town.login("sato", "lgwan"), await town.login("sato", "internet")
    open_room = (await opened(inside))["id"]
    closed_room = (await opened(inside, zones=["lgwan"]))["id"]
    text = "マイナンバーは 1234-5678-9018 です"
    refused = await say(inside, open_room, "c-1", text)
    assert_problem(refused, 403, "forbidden_crossing", "my_number")
    assert "1234-5678-9018" not in str(town.leaves()) + refused.text
    assert (await say(inside, closed_room, "c-1", text)).status_code == 201
    assert (await say(outside, open_room, "c-2", text)).status_code == 201
    assert (await say(inside, open_room, "c-1", "番号は消しました")).status_code == 201


async def test_pages_of_events(town: Installation) -> None:
    sato = await town.login("sato")
    room = (await opened(sato))["id"]
    answers = await asyncio.gather(*(say(sato, room, f"c-{number}") for number in range(120)))
    assert {answered.status_code for answered in answers} == {201}

    async def seqs(**params: Any) -> list[int]:
        return [e["seq"] for e in await events(sato, room, **params)]

    assert await seqs() == list(range(1, 101))
    assert await seqs(after=0) == list(range(1, 101))
    assert await seqs(after=100) == list(range(101, 121))
    assert await seqs(after=120) == await seqs(after=10**18) == []
    assert await seqs(before=121, limit=3) == [118, 119, 120]
    assert await seqs(before=10**18, limit=1) == [120]
    assert await seqs(before=1) == []
    assert await seqs(after=5, limit=2) == [6, 7]
    assert await seqs(limit=10_000) == list(range(1, 121))
    assert (await sato.get(f"rooms/{room}/events", params={"after": 5, "limit": 2})).json()["head"] == 120


@pytest.mark.parametrize(
    "params",
    [{"after": "x"}, {"after": "-1"}, {"limit": "0"}, {"limit": "１"}, {"after": "1", "before": "2"}, {"before": "1."}],
)
async def test_pages_that_are_none(town: Installation, params: dict[str, str]) -> None:
    sato = await town.login("sato")
    room = (await opened(sato))["id"]
    assert_problem(await sato.get(f"rooms/{room}/events", params=params), 400, "malformed")


async def test_members_come_and_go(town: Installation) -> None:
    sato, tanaka = await town.login("sato"), await town.login("tanaka")
    room = (await opened(sato))["id"]
    await say(sato, room, "c-1", "前")
    added = await sato.post(f"rooms/{room}/members", json={"add": ["tanaka"]})
    assert (added.status_code, added.json()) == (200, {"members": 2})
    await say(sato, room, "c-2", "後")
    seen = await events(tanaka, room)
    assert [e["event"]["type"] for e in seen] == ["members.changed", "message.posted"]
    assert "前" not in str(seen)
    assert [e["seq"] for e in await events(tanaka, room, before=2)] == []
    left = await tanaka.post(f"rooms/{room}/leave")
    assert (left.status_code, left.json()) == (200, {"members": 1})
    assert_problem(await tanaka.get(f"rooms/{room}/events"), 404, "not_found")
    assert_problem(await say(tanaka, room, "c-3"), 404, "not_found")
    assert_problem(await tanaka.post(f"rooms/{room}/leave"), 404, "not_found")
    assert_problem(await sato.post(f"rooms/{room}/members", json={"add": ["nobody"]}), 422, "unknown_person")
    assert_problem(await sato.post(f"rooms/{room}/members", json={"add": [1]}), 400, "malformed")


async def test_newcomers_of_a_channel_see_all_of_it(town: Installation) -> None:
    sato, tanaka = await town.login("sato"), await town.login("tanaka")
    room = (await opened(sato, kind="channel"))["id"]
    await say(sato, room, "c-1", "前")
    assert (await sato.post(f"rooms/{room}/members", json={"add": ["tanaka"]})).status_code == 200
    assert (await events(tanaka, room))[0]["event"]["message"]["text"] == "前"
    assert_problem(await tanaka.post(f"rooms/{room}/members", json={"add": ["suzuki"]}), 403, "forbidden")


async def test_a_room_of_one_zone_is_not_there_in_the_other(town: Installation) -> None:
    inside, outside = await town.login("sato", "lgwan"), await town.login("sato", "internet")
    room = (await opened(inside, zones=["lgwan"]))["id"]
    await say(inside, room, "c-1")
    assert room not in [r["id"] for r in (await outside.get("rooms")).json()["rooms"]]
    assert_problem(await outside.get(f"rooms/{room}"), 404, "not_found")
    assert_problem(await outside.get(f"rooms/{room}/events"), 404, "not_found")
    assert_problem(await say(outside, room, "c-2"), 404, "not_found")
    assert_problem(await outside.post(f"rooms/{room}/leave"), 404, "not_found")
    refused = await outside.post("rooms", json={"kind": "group", "name": "x", "members": [], "zones": ["lgwan"]})
    assert refused.status_code in (403, 422)


async def test_unread_counts_what_others_said(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki")
    room = (await opened(sato, "suzuki"))["id"]
    for number in range(3):
        await say(sato, room, f"c-{number}")
    counts = {}
    for client in (sato, suzuki):
        listed = (await client.get("rooms")).json()["rooms"]
        counts[client.login_name] = next(r["unread"] for r in listed if r["id"] == room)
    assert counts == {"sato": 0, "suzuki": 3}


async def test_people_of_another_organisation_are_told_to_the_composer(town: Installation) -> None:
    await town.add("yoso", organisation="隣町")
    sato = await town.login("sato")
    assert (await opened(sato, "yoso"))["audience"]["other_organisations"] == 1


async def test_the_composer_is_told_only_zones_that_may_read_what_is_written_here(tmp_path: Path) -> None:
    async with installed(tmp_path / "data", zones=("internet", "lgwan", "mynumber")) as town:
        zones = ["internet", "lgwan", "mynumber"]
        room = await opened(await town.login("sato", "lgwan"), "suzuki", zones=zones)
        assert room["zones"] == zones
        assert room["audience"]["zones"] == ["internet", "lgwan"]
        inside = (await (await town.login("suzuki", "mynumber")).get("rooms")).json()["rooms"]
        assert [told["audience"]["zones"] for told in inside if told["id"] == room["id"]] == [["mynumber"]]


async def test_a_disk_that_is_full_only_reads(town: Installation) -> None:
    sato = await town.login("sato")
    room = (await opened(sato))["id"]
    await say(sato, room, "c-1")
    town.fill_disk(0.951)
    try:
        assert_problem(await say(sato, room, "c-2"), 507, "storage_full", "read_only")
        assert_problem(await sato.post("rooms", json={"kind": "group", "name": "x"}), 507, "storage_full", "read_only")
        assert len(await events(sato, room)) == 1
        await town.login("sato", "lgwan")
    finally:
        town.fill_disk(0.1)
    assert (await say(sato, room, "c-2")).status_code == 201
