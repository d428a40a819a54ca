"""Search over HTTP: what is seen, by whom, from where, and what stays on record."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.installation import Client, Installation, installed

pytestmark = pytest.mark.asyncio(loop_scope="module")
_numbers = itertools.count()


async def room_of(client: Client, *members: str, **more: Any) -> str:
    answered = await client.post("rooms", json={"kind": "group", "name": "防災", "members": list(members), **more})
    assert answered.status_code == 201, answered.text
    room: str = answered.json()["id"]
    return room


async def say(client: Client, room: str, text: str, attachments: list[str] | None = None) -> int:
    sent = {"client_msg_id": f"s-{next(_numbers)}", "text": text, "attachments": attachments or []}
    answered = await client.post(f"rooms/{room}/messages", json=sent)
    assert answered.status_code == 201, answered.text
    seq: int = answered.json()["seq"]
    return seq


async def search(client: Client, query: str, **more: Any) -> dict[str, Any]:
    answered = await client.get("search", params={"q": query, **more})
    assert answered.status_code == 200, answered.text
    found: dict[str, Any] = answered.json()
    assert set(found) == {"messages", "attachments", "people"}
    return found


async def indexed(town: Installation) -> None:
    """Wait until everything said so far can be found."""
    for _ in range(200):
        if town.rows("SELECT count(*) FROM outbox WHERE topic = 'event'") == [(0,)]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the index does not catch up")


async def test_a_message_is_found_with_its_place_and_its_words_marked(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki", "lgwan")
    room = await room_of(sato, "suzuki")
    seq = await say(sato, room, "来月の避難所開設訓練についてＰＤＦを送ります")
    await indexed(town)
    (hit,) = (await search(suzuki, "避難所 pdf"))["messages"]
    assert (hit["room"], hit["seq"], hit["author"]["login"]) == (room, seq, "sato")
    assert [hit["snippet"][a:b] for a, b in hit["marks"]] == ["避難所", "ＰＤＦ"]
    event = (await suzuki.get(f"rooms/{room}/events")).json()["events"][-1]
    assert (hit["id"], hit["at"]) == (event["event"]["message"]["id"], event["at"])


async def test_the_newest_come_first_and_the_answer_is_bounded(town: Installation) -> None:
    sato = await town.login("sato")
    room = await room_of(sato)
    seqs = [await say(sato, room, f"議事録 その{n}") for n in range(25)]
    await indexed(town)
    assert [m["seq"] for m in (await search(sato, "議事録"))["messages"]] == seqs[:4:-1]
    assert [m["seq"] for m in (await search(sato, "議事録", limit=3))["messages"]] == seqs[:-4:-1]
    assert len((await search(sato, "議", limit=50))["messages"]) == 25


async def test_who_is_no_member_or_in_a_zone_without_the_room_finds_nothing(town: Installation) -> None:
    sato = await town.login("sato", "lgwan")
    room = await room_of(sato, "suzuki", zones=["lgwan"])
    await say(sato, room, "窓口混雑対策の素案")
    await indexed(town)
    assert len((await search(await town.login("suzuki", "lgwan"), "素案"))["messages"]) == 1
    assert (await search(await town.login("suzuki", "internet"), "素案"))["messages"] == []
    for login in ("tanaka", "admin", "auditor"):
        assert (await search(await town.login(login, "lgwan"), "素案"))["messages"] == []


async def test_who_left_finds_nothing_any_more(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki")
    room = await room_of(sato, "suzuki")
    await say(sato, room, "退出後検索確認")
    await indexed(town)
    assert len((await search(suzuki, "退出後検索"))["messages"]) == 1
    assert (await suzuki.post(f"rooms/{room}/leave")).status_code == 200
    assert (await search(suzuki, "退出後検索"))["messages"] == []


async def test_text_that_is_withheld_is_not_found(tmp_path: Path) -> None:
    async with installed(tmp_path / "data", zones=("internet", "lgwan", "mynumber")) as town:
        inside, outside = await town.login("sato", "mynumber"), await town.login("suzuki", "lgwan")
        room = await room_of(inside, "suzuki", zones=["lgwan", "mynumber"])
        await say(inside, room, "税務の秘密")
        await say(outside, room, "税務の予定")
        await indexed(town)
        assert [m["snippet"] for m in (await search(inside, "税務"))["messages"]] == ["税務の秘密"]
        assert [m["snippet"] for m in (await search(outside, "税務"))["messages"]] == ["税務の予定"]


async def test_names_of_attachments_are_found_once_posted(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki", "lgwan")
    room = await room_of(sato, "suzuki")
    sent = await sato.post("attachments", params={"room": room, "name": "避難所一覧.csv"}, content=b"a,b\n")
    attachment = sent.json()["id"]
    assert (await search(sato, "避難所一覧"))["attachments"] == []
    seq = await say(sato, room, "", [attachment])
    await indexed(town)
    found = await search(suzuki, "避難所一覧")
    (hit,) = found["attachments"]
    assert (hit["id"], hit["room"], hit["seq"], hit["name"], hit["size"]) == (
        attachment, room, seq, "避難所一覧.csv", 4,
    )  # fmt: skip
    assert found["messages"] == []
    assert (await search(await town.login("tanaka"), "避難所一覧"))["attachments"] == []


async def test_people_are_found_by_name_and_login(town: Installation) -> None:
    sato = await town.login("sato")
    assert [p["login"] for p in (await search(sato, "鈴木"))["people"]] == ["suzuki"]
    assert [p["login"] for p in (await search(sato, "tana"))["people"]] == ["tanaka"]
    assert (await search(sato, "%"))["people"] == []


async def test_a_search_is_on_record_without_its_words(town: Installation) -> None:
    sato = await town.login("sato")
    room = await room_of(sato)
    await say(sato, room, "記録に残らない言葉")
    await indexed(town)
    answered = await sato.get("search", params={"q": "残らない言葉"})
    (leaf,) = [x for x in town.leaves("search") if x["request"] == answered.headers["x-request-id"]]
    assert leaf["notes"] == {"messages": 1, "attachments": 0, "people": 0}
    assert leaf["actor"] == town.people["sato"].id
    assert "残らない" not in str(town.leaves())


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({}, 400, "malformed"),
        ({"q": ""}, 422, "invalid"),
        ({"q": "　 "}, 422, "invalid"),
        ({"q": "あ" * 101}, 422, "invalid"),
        ({"q": "1 2 3 4 5 6 7 8 9"}, 422, "invalid"),
        ({"q": "a", "limit": "0"}, 400, "malformed"),
        ({"q": "a", "limit": "-1"}, 400, "malformed"),
        ({"q": "a", "limit": "x"}, 400, "malformed"),
    ],
)
async def test_bad_searches(town: Installation, params: dict[str, str], status: int, code: str) -> None:
    sato = await town.login("sato")
    answered: httpx.Response = await sato.get("search", params=params)
    assert (answered.status_code, answered.json()["code"]) == (status, code)


@pytest.mark.parametrize("query", ['"', "*", "AND", "a OR b", "NEAR(a b)", "^a", "grams:a", "'; DROP TABLE rooms"])
async def test_the_words_of_the_index_language_mean_nothing(town: Installation, query: str) -> None:
    sato = await town.login("sato")
    room = await room_of(sato)
    seq = await say(sato, room, f"式 {query} 式")
    await say(sato, room, "関係のない話")
    await indexed(town)
    found = (await search(sato, query))["messages"]
    assert (room, seq) in [(m["room"], m["seq"]) for m in found]
    assert "関係のない話" not in [m["snippet"] for m in found]
