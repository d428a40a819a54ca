"""Nonsense on every route: each is answered by a described refusal (or a described answer), never by a fault."""

from __future__ import annotations

import random
from typing import Any

import httpx
import msgspec
import pytest
from support.installation import Client, Installation

from server.routes.table import TABLE, Operation

pytestmark = pytest.mark.asyncio(loop_scope="module")
IDS = ["x", "%00", "%2e%2e", "%F0%9F%99%82", "a" * 300, "%ff", "r_%0d%0a", "'--", "null", "-1", "%2Fetc%2Fpasswd"]
TEXTS = ["", "0", "-1", "1e9", "１", "\x00", "'; DROP TABLE rooms", "%", "_", "\U0001f642" * 40, "x" * 5000, "\\", '"']
VALUES: list[Any] = [
    None, 0, -1, 2**70, 1.5, True, "", "x", "\u0000", "あ" * 300, [], [[]], {}, {"a": 1}, ["x"] * 1000,
]  # fmt: skip
HEADERS = {
    "upload-offset": TEXTS,
    "upload-length": TEXTS,
    "upload-metadata": ["", "room", "room eA==", "filename,room", "room ====", ", ,", "a b c d"],
    "upload-checksum": ["", "sha1", "sha256 x", "sha1 AAAA", " "],
    "content-type": ["", "application/json", "application/offset+octet-stream", "multipart/form-data; boundary=x"],
    "range": ["", "bytes=", "bytes=-", "bytes=9-1", "lines=1-2", "bytes=0-0,2-3", "bytes=a-b", "bytes=-0"],
    "accept-language": ["", "en", "*", "fr;q=2", "ja-JP"],
    "if-range": ["x", '"x"'],
}


def nonsense(row: Operation, chance: random.Random) -> dict[str, Any]:
    """A request that is wrong in several ways at once."""
    path = row.path.removeprefix("/")
    for name in ("{room}", "{attachment}", "{upload}"):
        path = path.replace(name, chance.choice(IDS))
    names = [query.name for query in row.query] + ["lang", "none"]
    params = {name: chance.choice(TEXTS) for name in chance.sample(names, chance.randint(0, len(names)))}
    chosen = chance.sample(sorted(HEADERS), chance.randint(0, 4))
    headers = [(name.encode(), chance.choice(HEADERS[name]).encode("utf-8").replace(b"\0", b"")) for name in chosen]
    if chance.random() < 0.8:
        headers.append((b"tus-resumable", b"1.0.0"))
    return {"path": path, "params": params, "headers": headers, "body": body(row, chance)}


def body(row: Operation, chance: random.Random) -> Any:
    if isinstance(row.takes, type) and issubclass(row.takes, msgspec.Struct) and chance.random() < 0.8:
        fields = [*row.takes.__struct_fields__, "extra"]
        return {name: chance.choice(VALUES) for name in chance.sample(fields, chance.randint(0, len(fields)))}
    return chance.choice([None, b"", b"{", b"\xff" * 100, b"[" * 5000, b"0"])


async def ask(client: Client, row: Operation, sent: dict[str, Any]) -> httpx.Response | None:
    """None where the client itself cannot send it."""
    more = {"json": sent["body"]} if isinstance(sent["body"], dict) else {"content": sent["body"]}
    headers = httpx.Headers([*sent["headers"], *client.headers.raw])
    try:
        return await client.request(row.method, sent["path"], params=sent["params"], headers=headers, **more)
    except httpx.LocalProtocolError:
        return None


@pytest.mark.parametrize("row", [row for row in TABLE if row.name != "logout"], ids=lambda row: row.name)
async def test_nonsense_is_answered(town: Installation, row: Operation) -> None:
    chance = random.Random(row.name)
    client = await town.login("sato")
    answers = [await ask(client, row, nonsense(row, chance)) for _ in range(12)]
    statuses = [answered.status_code for answered in answers if answered is not None]
    assert len(statuses) > 3
    assert max(statuses) < 500
    assert (await client.get("me")).status_code == 200
