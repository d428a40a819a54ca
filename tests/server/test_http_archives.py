"""Archives through a room: rebuilt for both zones, searched for My Numbers inside, opened with their password."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.archive_samples import contents, seven_zip_of, zip_of
from support.installation import Client, Installation

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBER = "氏名,個人番号\r\n山田,1234-5678-9018\r\n".encode("cp932")
SETTLED = {"released", "refused", "needs_password"}


async def sent(client: Client, name: str, data: bytes) -> str:
    room = await client.post("rooms", json={"kind": "group", "name": "資料", "members": ["suzuki"]})
    params = {"room": room.json()["id"], "name": name}
    answered = await client.post("attachments", params=params, content=data)
    attachment: str = answered.json()["id"]
    message = {"client_msg_id": attachment, "text": "", "attachments": [attachment]}
    posted = await client.post(f"rooms/{params['room']}/messages", json=message)
    assert posted.status_code == 201, posted.text
    return attachment


async def settled(client: Client, attachment: str) -> dict[str, Any]:
    """The attachment once every zone has its verdict."""
    for _ in range(600):
        view: dict[str, Any] = (await client.get(f"attachments/{attachment}")).json()
        if all(zone["state"] in SETTLED for zone in view["zones"].values()):
            return view
        await asyncio.sleep(0.05)
    raise AssertionError(f"no verdict: {view}")


async def test_a_my_number_in_an_archive_in_an_archive_does_not_leave_the_closed_zone(town: Installation) -> None:
    inside, outside = await town.login("sato", "lgwan"), await town.login("suzuki", "internet")
    attachment = await sent(inside, "一式.zip", zip_of(("a.txt", b"x"), ("内.zip", zip_of(("一覧.csv", NUMBER)))))
    view = await settled(inside, attachment)
    assert view["zones"]["lgwan"]["state"] == "released"
    assert view["zones"]["internet"] == {"treatment": "rebuild", "state": "refused", "code": "my_number"}
    answered = await outside.get(f"attachments/{attachment}/content")
    assert (answered.status_code, answered.json()["code"]) == (409, "not_released")


async def test_an_encrypted_archive_leaves_as_zip_once_its_password_is_given(town: Installation) -> None:
    outside, inside = await town.login("sato", "internet"), await town.login("suzuki", "lgwan")
    data = seven_zip_of(("総務/表.txt", b"hello"), ("x.exe", b"MZ"), password="ひらけごま", hidden=True)
    attachment = await sent(outside, "届出.7z", data)
    view = await settled(outside, attachment)
    assert {zone["state"] for zone in view["zones"].values()} == {"needs_password"}
    answered = await outside.post(f"attachments/{attachment}/password", json={"password": "ひらけごま"})
    assert answered.status_code == 202
    view = await settled(outside, attachment)
    assert {zone["state"] for zone in view["zones"].values()} == {"released"}
    content = await inside.get(f"attachments/{attachment}/content")
    assert "%E5%B1%8A%E5%87%BA.zip" in content.headers["content-disposition"]
    assert contents(content.content) == {
        "総務/表.txt": b"hello",
        "x_exe(取り除きました).txt": contents(content.content)["x_exe(取り除きました).txt"],
    }
