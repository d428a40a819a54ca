"""``POST /sanitize``: a file in, the rebuilt file out; who may, what is answered, what is on record."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pikepdf
import pytest
from PIL import Image
from support.clamav import EICAR, clamd, needs_clamd
from support.installation import Client, Installation, installed

from ops import cli
from rooms.api_key import ApiKey, why_not
from rooms.commands import SERVER
from rooms.commands.api_keys import AddApiKey, RevokeApiKey
from rooms.refusals import Refusal
from rooms.session import token_hash
from server.routes.sanitize import MOST_HEADER, summed
from server.terms import LoadTest

pytestmark = pytest.mark.asyncio(loop_scope="module")


def picture() -> bytes:
    """A small photo with a place in it."""
    image = Image.new("RGB", (40, 30), (200, 120, 40))
    exif = image.getexif()
    exif[0x010E] = "secret place"
    written = io.BytesIO()
    image.save(written, "PNG", exif=exif)
    return written.getvalue()


def protected(password: str) -> bytes:
    written = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(written, encryption=pikepdf.Encryption(user=password, owner=password))
    return written.getvalue()


async def key_of(town: Installation, zone: str = "lgwan", **more: Any) -> tuple[str, str]:
    """A new key and its id."""
    token = secrets.token_urlsafe(32)
    listener, days = more.get("listener"), more.get("days")
    command = AddApiKey(
        SERVER, "試験", zone, listener, frozenset({"sanitize"}), days, token_hash(token), secrets.token_bytes(16)
    )  # fmt: skip
    key = await town.do(command)
    assert isinstance(key, ApiKey), key
    return token, key.id


async def system(town: Installation, zone: str = "lgwan", **more: Any) -> Client:
    """Another system, with a key of its own."""
    client = town.anonymous(zone)
    client.token, client.login_name = await key_of(town, more.pop("key_zone", zone), **more)
    client.headers["authorization"] = f"Bearer {client.token}"
    return client


async def sanitize(client: Client, data: Any, name: str = "写真.png", **more: Any) -> httpx.Response:
    params = {"name": name, **more.pop("params", {})}
    return await client.post("sanitize", params=params, content=data, **more)


def report_of(answered: httpx.Response) -> dict[str, Any]:
    header = answered.headers["sekisho-report"]
    report: dict[str, Any] = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    return report


def leaf_of(town: Installation, answered: httpx.Response) -> dict[str, Any]:
    (leaf,) = [leaf for leaf in town.leaves() if leaf["request"] == answered.headers["x-request-id"]]
    return leaf


async def test_the_rebuilt_file_comes_back_with_its_report_and_is_on_record(town: Installation) -> None:
    client = await system(town)
    answered = await sanitize(client, picture())
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"] == "image/png"
    assert answered.headers["content-disposition"] == "attachment; filename*=UTF-8''%E5%86%99%E7%9C%9F.png"
    digest = hashlib.sha256(answered.content)
    assert answered.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert b"secret place" not in answered.content
    report = report_of(answered)
    assert report["verdict"] == "released" and report["verified"]["ok"]
    assert report["input"]["sha256"] == hashlib.sha256(picture()).hexdigest()
    assert report["output"]["sha256"] == digest.hexdigest()
    leaf = leaf_of(town, answered)
    assert (leaf["action"], leaf["object"], leaf["outcome"]) == ("file.sanitize", client.login_name, "done")
    assert leaf["notes"]["output_sha256"] == digest.hexdigest() and leaf["notes"]["by"] == "http"
    assert "写真" not in json.dumps(leaf, ensure_ascii=False)
    assert town.application.sanitizing.held == 0


async def test_a_body_in_chunks_is_the_same_file(town: Installation) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for offset in range(0, len(picture()), 7):
            yield picture()[offset : offset + 7]

    answered = await sanitize(await system(town), pieces())
    assert answered.status_code == 200
    assert report_of(answered)["input"]["sha256"] == hashlib.sha256(picture()).hexdigest()


async def test_what_is_refused_says_why_in_both_languages(town: Installation) -> None:
    client = await system(town)
    ja = await sanitize(client, b"\x7fELF" + bytes(100), "a.pdf")
    en = await sanitize(client, b"\x7fELF" + bytes(100), "a.pdf", headers={"accept-language": "en"})
    for answered, words in ((ja, "実行できるファイル"), (en, "Programs, scripts")):
        problem = answered.json()
        assert (answered.status_code, problem["code"], problem["reason"]) == (422, "refused", "executable")
        assert words in problem["detail"]
        assert problem["report"]["code"] == "executable" and problem["report"]["output"] is None
    leaf = leaf_of(town, ja)
    assert (leaf["outcome"], leaf["reason"], leaf["notes"]["code"]) == ("refused", "executable", "executable")


async def test_a_protected_file_asks_for_its_password(town: Installation) -> None:
    client = await system(town)
    data = protected("合言葉")
    asked = await sanitize(client, data, "a.pdf")
    assert (asked.status_code, asked.json()["code"]) == (422, "needs_password")
    encoded = {right: base64.b64encode(right.encode()).decode() for right in ("合言葉", "違う")}
    wrong = await sanitize(client, data, "a.pdf", headers={"sekisho-password": encoded["違う"]})
    assert (wrong.json()["code"], wrong.json()["reason"]) == ("needs_password", "wrong-password")
    right = await sanitize(client, data, "a.pdf", headers={"sekisho-password": encoded["合言葉"]})
    assert right.status_code == 200 and right.content.startswith(b"%PDF-")


async def test_flatten_is_a_choice_and_other_words_are_none(town: Installation) -> None:
    client = await system(town)
    written = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(written)
    flat = await sanitize(client, written.getvalue(), "a.pdf", params={"treatment": "flatten"})
    assert flat.status_code == 200 and report_of(flat)["treatment"] == "flatten"
    for word in ("pass", "forbid", "", "REBUILD"):
        answered = await sanitize(client, picture(), params={"treatment": word})
        assert (answered.status_code, answered.json()["code"]) == (400, "malformed")


async def test_what_is_wrong_with_the_request_is_told_before_the_file(town: Installation) -> None:
    client = await system(town)
    for name in ("", "x" * 256):
        assert (await sanitize(client, picture(), name)).status_code == 422
    for password in ("###", "YQ", base64.b64encode(b"\xff\xfe").decode(), base64.b64encode(b"a" * 1025).decode()):
        answered = await sanitize(client, picture(), headers={"sekisho-password": password})
        assert answered.status_code == 400
    empty = await sanitize(client, b"")
    assert (empty.status_code, empty.json()["reason"]) == (422, "empty")


@pytest.mark.parametrize("token", [None, "x", "sekisho_" + "A" * 43, "\u00e9" * 20])
async def test_nobody_gets_in_without_a_key(town: Installation, token: str | None) -> None:
    headers = {} if token is None else {"authorization": b"Bearer " + token.encode("latin-1")}
    answered = await sanitize(town.anonymous("lgwan"), picture(), headers=headers)
    assert answered.status_code == 401


async def test_a_person_s_token_is_no_key_and_a_key_is_no_person(town: Installation) -> None:
    person = await town.login("sato", "lgwan")
    assert (await sanitize(person, picture())).status_code == 401
    client = await system(town)
    assert (await client.get("me")).status_code == 401
    assert (await client.get("rooms")).status_code == 401


async def test_a_key_works_in_its_zone_and_at_its_listener_alone(town: Installation) -> None:
    same = (await sanitize(town.anonymous("internet"), picture(), headers={"authorization": "Bearer x"})).json()
    for more in ({"key_zone": "lgwan"}, {"listener": "another"}):
        client = await system(town, "internet", **more)
        answered = await sanitize(client, picture())
        assert answered.status_code == 401
        assert {**answered.json(), "request_id": ""} == {**same, "request_id": ""}
        leaf = leaf_of(town, answered)
        assert (leaf["action"], leaf["object"], leaf["outcome"]) == ("apikey.use", client.login_name, "refused")
        assert leaf["reason"] in ("foreign_zone", "foreign_listener")
    assert (await sanitize(await system(town, "internet", listener="internet"), picture())).status_code == 200


async def test_a_key_ends_when_it_is_revoked_and_with_its_days(town: Installation) -> None:
    revoked, short = await system(town), await system(town, days=1)
    assert (await sanitize(revoked, picture())).status_code == 200
    assert (await sanitize(short, picture())).status_code == 200
    again = [await town.do(RevokeApiKey(SERVER, revoked.login_name)) for _ in range(2)]
    assert again[0] == again[1]
    gone = await sanitize(revoked, picture())
    assert gone.status_code == 401 and leaf_of(town, gone)["reason"] == "revoked"
    town.set_clock(hours=25)
    try:
        over = await sanitize(short, picture())
    finally:
        town.set_clock(hours=-25)
    assert over.status_code == 401 and leaf_of(town, over)["reason"] == "expired"


async def test_the_key_itself_is_nowhere_on_the_disk(town: Installation) -> None:
    client = await system(town)
    assert (await sanitize(client, picture())).status_code == 200
    for path in town.folder.rglob("*"):
        if path.is_file():
            assert client.token.encode() not in path.read_bytes(), path


async def test_keys_that_make_no_sense_are_not_given(town: Installation) -> None:
    for zone, scopes, days, name in (
        ("moon", {"sanitize"}, None, "x"), ("lgwan", set(), None, "x"), ("lgwan", {"rooms"}, None, "x"),
        ("lgwan", {"sanitize"}, 0, "x"), ("lgwan", {"sanitize"}, 10**9, "x"), ("lgwan", {"sanitize"}, 1, "\n"),
    ):  # fmt: skip
        command = AddApiKey(SERVER, name, zone, None, frozenset(scopes), days, "0" * 64, secrets.token_bytes(16))
        assert isinstance(await town.do(command), Refusal)
    assert isinstance(await town.do(RevokeApiKey(SERVER, "k_none")), Refusal)


async def test_other_scopes_open_nothing_here() -> None:
    key = ApiKey("k", "n", "lgwan", None, frozenset({"else"}), 0)
    assert why_not(key, "sanitize", "lgwan", "any", 1) == "other_scope"


async def test_the_header_stays_small_however_much_was_removed() -> None:
    lines = [{"kind": kind, "count": 2, "where": f"page {n}"} for n in range(500) for kind in ("link", "script")]
    short = summed({"removed": lines, "changed": [], "code": "released"})
    assert short["removed"] == [{"kind": k, "count": 1000, "where": ""} for k in ("link", "script")]
    assert short["summed"] and short["code"] == "released"
    assert MOST_HEADER <= 4096


async def test_a_client_that_vanishes_leaves_nothing(town: Installation) -> None:
    client = await system(town)
    with socket.create_connection(("127.0.0.1", town.port("lgwan"))) as raw:
        host = f"127.0.0.1:{town.port('lgwan')}"
        head = (
            f"POST /api/v1/sanitize?name=a.pdf HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {client.token}\r\n"
            "Content-Length: 1000000\r\n\r\n"
        )
        raw.sendall(head.encode() + b"%PDF-1.7\n" * 100)
        async with asyncio.timeout(10):
            while town.application.sanitizing.held == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    async with asyncio.timeout(10):
        while town.application.sanitizing.held:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert list((town.folder / "passing").iterdir()) == []
    assert (await sanitize(client, picture())).status_code == 200


async def test_more_than_can_be_held_is_told_to_come_again(town: Installation) -> None:
    client = await system(town)
    async with town.jail_busy():
        waiting = [asyncio.create_task(sanitize(client, picture())) for _ in range(16)]
        async with asyncio.timeout(10):
            while town.application.sanitizing.held < 16:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        over = await sanitize(client, picture())
        assert (over.status_code, over.json()["code"]) == (503, "busy")
        assert int(over.headers["retry-after"]) > 0
    assert {answered.status_code for answered in await asyncio.gather(*waiting)} == {200}


async def test_size_rate_and_a_full_disk_are_bounds(tmp_path: Path) -> None:
    extra = "[limits]\nupload_mib = 1\nsanitize_per_second = 0.5\nsanitize_at_once = 4\n"
    async with installed(tmp_path / "data", extra=extra, load=LoadTest(False)) as town:
        client = await system(town)

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"a" * 65536

        told = await sanitize(client, b"a" * ((1 << 20) + 1))
        grown = await sanitize(client, endless())
        assert (told.status_code, grown.status_code) == (413, 413)
        town.fill_disk(0.93)
        assert (await sanitize(client, picture())).status_code == 507
        town.fill_disk(0.1)
        assert (await sanitize(client, picture())).status_code == 200
        limited = await sanitize(client, picture())
        assert limited.status_code == 429 and int(limited.headers["retry-after"]) >= 1
        assert (await sanitize(await system(town), picture())).status_code == 200  # each key has its own


@needs_clamd
async def test_the_virus_scanner_has_the_first_word_here_and_in_rooms(tmp_path: Path) -> None:
    with clamd(tmp_path) as sock:
        extra = f'[clamd]\nsocket = "{sock}"\n'
        async with installed(tmp_path / "data", extra=extra) as town:
            client = await system(town)
            found = await sanitize(client, EICAR, "a.txt")
            assert (found.status_code, found.json()["reason"]) == (422, "malware")
            assert found.json()["report"]["scanned"]["state"] == "found"
            clean = await sanitize(client, picture())
            assert report_of(clean)["scanned"]["state"] == "clean"
            assert await _code_in_a_room(town, EICAR) == {"internet": "malware", "lgwan": "malware"}


async def _code_in_a_room(town: Installation, data: bytes) -> dict[str, str]:
    sato = await town.login("sato", "internet")
    room = (await sato.post("rooms", json={"kind": "group", "name": "検査", "members": ["suzuki"]})).json()["id"]
    sent = await sato.post("attachments", params={"room": room, "name": "a.txt"}, content=data)
    async with asyncio.timeout(20):
        while True:
            zones = (await sato.get(f"attachments/{sent.json()['id']}")).json()["zones"]
            if all(zone["state"] == "refused" for zone in zones.values()):
                return {zone: released["code"] for zone, released in zones.items()}
            await asyncio.sleep(0.05)


async def test_without_the_scanner_nothing_is_said_of_the_file(tmp_path: Path) -> None:
    extra = f'[clamd]\nsocket = "{tmp_path}/nobody.ctl"\n'
    async with installed(tmp_path / "data", extra=extra) as town:
        answered = await sanitize(await system(town), picture())
        assert (answered.status_code, answered.json()["code"]) == (503, "busy")


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    password = tmp_path / "password"
    password.write_text("kasumi-gahama\n", encoding="utf-8")
    data = tmp_path / "data"
    added = ["user", "add", "admin", "--name", "x", "--password-file", str(password), "--data", str(data)]
    assert cli.main(added) == 0

    def run(*words: str) -> tuple[int, str]:
        status = cli.main(["apikey", *words, "--data", str(data)])
        return status, capsys.readouterr().out

    yield run


async def test_keys_are_given_listed_and_taken_from_the_command_line(command: Any) -> None:
    given = await asyncio.to_thread(command, "add", "--name", "メール", "--zone", "lgwan", "--days", "30")
    status, token = given[0], given[1].strip()
    assert status == 0 and token.startswith("sekisho_") and len(token) > 50
    (line,) = (await asyncio.to_thread(command, "list"))[1].splitlines()
    identity, state, zone, listener, _, name = line.split("\t")
    assert (zone, listener, name) == ("lgwan", "*", "メール") and state.startswith("good until 20")
    assert token not in line
    assert (await asyncio.to_thread(command, "revoke", identity))[0] == 0
    assert "\trevoked 20" in (await asyncio.to_thread(command, "list"))[1]
    assert (await asyncio.to_thread(command, "revoke", "k_none"))[0] == 1
    assert (await asyncio.to_thread(command, "add", "--name", "x", "--zone", "lgwan", "--days", "0"))[0] == 1
