"""Every route × everybody who might ask: nobody, a member, a member from another zone, somebody who is no member.

The routes come from the table of the interface, which is held against the routes that are served; a new route is
asked here without a line being added, and fails until somebody says what it takes.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio
from support.installation import PASSWORD, Client, Installation

from server.routes.table import TABLE, Operation

pytestmark = pytest.mark.asyncio(loop_scope="module")
UNKNOWN = {"room": "r_aaaaaaaaaaaaaaaaaaaaaaaaaa", "attachment": "a_aaaaaaaaaaaaaaaaaaaaaaaaaa",
           "upload": "u_aaaaaaaaaaaaaaaaaaaaaaaaaa"}  # fmt: skip
BODIES: dict[str, Any] = {
    "login": {"login": "sato", "password": PASSWORD},
    "setup": {"token": "x", "organisation": "x", "login": "x", "name": "x", "password": PASSWORD},
    "open_room": {"kind": "group", "name": "表", "members": []},
    "change_members": {"add": ["suzuki"]},
    "post_message": {"client_msg_id": "matrix", "text": "表"},
    "attachment_password": {"password": "x"},
}
QUERIES: dict[str, dict[str, str]] = {
    "search": {"q": "表"}, "people": {"q": "佐藤"}, "attachment_comparison": {"page": "1", "side": "rebuilt"},
}  # fmt: skip
ENDS_SOMETHING = {"leave_room", "logout", "end_upload"}  # that the others here need; they have their own tests
BELOW = [row for row in TABLE if row.login and "{" in row.path]
KNOWN = [row for row in TABLE if row.login]
MEMBERS = [row for row in KNOWN if row.name not in ENDS_SOMETHING]


class Things(NamedTuple):
    """What sato has in a room of the closed zone with suzuki."""

    room: str
    attachment: str
    upload: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def things(town: Installation) -> AsyncIterator[Things]:
    sato = await town.login("sato", "lgwan")
    body = {"kind": "group", "name": "表", "members": ["suzuki"], "zones": ["lgwan"]}
    room = (await sato.post("rooms", json=body)).json()["id"]
    sent = await sato.post("attachments", params={"room": room, "name": "表.txt"}, content=b"text")
    attachment = sent.json()["id"]
    posted = {"client_msg_id": "first", "text": "表", "attachments": [attachment]}
    assert (await sato.post(f"rooms/{room}/messages", json=posted)).status_code == 201
    begun = await sato.post("uploads/", headers=creation(room))
    assert begun.status_code == 201, begun.text
    yield Things(room, attachment, begun.headers["location"].rpartition("/")[2])


def creation(room: str) -> dict[str, str]:
    encoded = [base64.b64encode(text.encode()).decode() for text in (room, "表.txt")]
    metadata = f"room {encoded[0]},filename {encoded[1]}"
    return {"tus-resumable": "1.0.0", "upload-length": "10", "upload-metadata": metadata}


async def ask(client: Client, row: Operation, things: Things | None, **more: Any) -> httpx.Response:
    """A request that is right in everything but, perhaps, who asks. ``things`` None: ids that name nothing."""
    ids = things._asdict() if things is not None else UNKNOWN
    path = row.path.removeprefix("/").format(**ids)
    headers = {"tus-resumable": "1.0.0"}
    if row.name == "create_upload":
        headers = creation(ids["room"])
    if row.name in ("write_upload", "override_upload"):
        headers |= {"upload-offset": "0", "content-type": "application/offset+octet-stream"}
        headers |= {"x-http-method-override": "PATCH"} if row.name == "override_upload" else {}
    params = QUERIES.get(row.name, {})
    if row.name == "send_attachment":
        params = {"room": ids["room"], "name": "表.txt"}
    body: dict[str, Any] = {"json": BODIES[row.name]} if row.name in BODIES else {}
    if row.name == "send_attachment":
        body = {"content": b"text"}
    if isinstance(row.takes, type):
        assert row.name in BODIES, f"say what {row.name} takes"
    return await client.request(row.method, path, headers=headers | more.get("headers", {}), params=params, **body)


def told(answered: httpx.Response) -> tuple[int, dict[str, str], Any]:
    """All of an answer but what names the request."""
    left_out = {"x-request-id", "date"}
    headers = {name: value for name, value in answered.headers.items() if name not in left_out}
    if answered.content and "json" in headers.get("content-type", ""):
        body = answered.json()
        body.pop("request_id", None)
    else:
        body = answered.content
    return answered.status_code, headers, body


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.name)
async def test_nobody_is_asked_to_log_in(town: Installation, things: Things, row: Operation) -> None:
    for which in (things, None):
        answered = await ask(town.anonymous("lgwan"), row, which)
        assert answered.status_code == 401
        assert answered.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.name)
async def test_a_token_of_another_zone_is_none(town: Installation, things: Things, row: Operation) -> None:
    inside = await town.login("sato", "lgwan")
    outside = town.anonymous("internet")
    by_bearer = await ask(outside, row, things, headers={"authorization": f"Bearer {inside.token}"})
    own = {"origin": town.url("internet"), "cookie": f"__Host-sekisho-internet={inside.token}"}
    by_cookie = await ask(outside, row, things, headers=own)
    nobody = await ask(outside, row, things)
    assert told(by_bearer) == told(by_cookie) == told(nobody)
    assert by_bearer.status_code == 401


@pytest.mark.parametrize("row", BELOW, ids=lambda row: row.name)
async def test_what_one_may_not_know_is_as_what_is_not_there(
    town: Installation, things: Things, row: Operation
) -> None:
    """Somebody who is no member, an administrator, and a member in a zone where the room does not exist."""
    for login, zone in (("tanaka", "lgwan"), ("admin", "lgwan"), ("sato", "internet"), ("suzuki", "internet")):
        client = await town.login(login, zone)
        foreign, unknown = await ask(client, row, things), await ask(client, row, None)
        assert foreign.status_code == 404
        assert told(foreign) == told(unknown)


@pytest.mark.parametrize("name", ["send_attachment", "create_upload"])
async def test_files_for_rooms_that_one_may_not_know(town: Installation, things: Things, name: str) -> None:
    row = next(row for row in TABLE if row.name == name)
    for login, zone in (("tanaka", "lgwan"), ("sato", "internet")):
        client = await town.login(login, zone)
        foreign, unknown = await ask(client, row, things), await ask(client, row, None)
        assert foreign.status_code == 404
        assert told(foreign) == told(unknown)


@pytest.mark.parametrize("row", MEMBERS, ids=lambda row: row.name)
async def test_a_member_is_answered(town: Installation, things: Things, row: Operation) -> None:
    sato = await town.login("sato", "lgwan")
    answered = await ask(sato, row, things)
    refused = {
        "attachment_comparison", "attachment_thumbnail", "attachment_receipt", "attachment_password", "change_members",
    }  # fmt: skip
    if row.name in refused:
        assert answered.status_code in (200, 404, 409)
    else:
        assert answered.status_code in row.answers, answered.text


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.name)
async def test_every_denial_of_somebody_known_is_on_record(town: Installation, things: Things, row: Operation) -> None:
    tanaka = await town.login("tanaka", "lgwan")
    answered = await ask(tanaka, row, None)
    if answered.status_code < 400:
        assert "{" not in row.path
        return
    leaves = [x for x in town.leaves() if x["request"] == answered.headers["x-request-id"]]
    assert [(x["actor"], x["outcome"]) for x in leaves] == [(town.people["tanaka"].id, "refused")]
