"""The story of a file over HTTP: quarantine, verdict, what each zone may read, receipt; and every way to ask for the
original, none of which gives a byte of it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import itertools
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pikepdf
import pypdf
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.installation import Client, Installation, installed

from ops.demo_data import sample_files
from rooms.receipt import ReceiptError, verify_receipt
from server.receiving import PIECE

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILES = sample_files()
SETTLED = {"released", "refused", "needs_password"}
_numbers = itertools.count()


def assert_problem(answered: httpx.Response, status: int, code: str, reason: str | None = None) -> None:
    assert answered.status_code == status, answered.text
    problem = answered.json()
    assert (problem["code"], problem["reason"]) == (code, reason or problem["reason"])


def sample(suffix: str) -> tuple[str, bytes]:
    return next((name, data) for name, data in FILES.items() if name.endswith(suffix))


async def opened(client: Client, *members: str, **more: Any) -> str:
    answered = await client.post("rooms", json={"kind": "group", "name": "資料", "members": list(members)} | more)
    assert answered.status_code == 201, answered.text
    room: str = answered.json()["id"]
    return room


async def send(client: Client, room: str, name: str, data: bytes) -> str:
    answered = await client.post("attachments", params={"room": room, "name": name}, content=data)
    assert answered.status_code == 202, answered.text
    assert answered.json()["state"] == "quarantined"
    attachment: str = answered.json()["id"]
    return attachment


async def settled(client: Client, attachment: str) -> dict[str, Any]:
    """The attachment once every zone has its verdict."""
    for _ in range(600):
        view: dict[str, Any] = (await client.get(f"attachments/{attachment}")).json()
        if all(zone["state"] in SETTLED for zone in view["zones"].values()):
            return view
        await asyncio.sleep(0.05)
    raise AssertionError(f"no verdict: {view}")


async def post(client: Client, room: str, *attachments: str) -> None:
    sent = {"client_msg_id": f"a-{next(_numbers)}", "text": "", "attachments": list(attachments)}
    answered = await client.post(f"rooms/{room}/messages", json=sent)
    assert answered.status_code == 201, answered.text


def receipt_key(town: Installation) -> bytes:
    seed = base64.b64decode((town.folder / "keys/receipt.key").read_bytes())
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


async def test_a_pdf_from_the_internet_is_read_in_the_closed_zone(town: Installation) -> None:
    name, data = sample(".pdf")
    assert b"JavaScript" in data
    sato, suzuki = await town.login("sato", "internet"), await town.login("suzuki", "lgwan")
    room = await opened(sato, "suzuki")
    async with town.jail_busy():  # so that the verdict comes after the post, and the room is told of it
        attachment = await send(sato, room, name, data)
        assert_problem(await suzuki.get(f"attachments/{attachment}"), 404, "not_found")
        await post(sato, room, attachment)
    view = await settled(suzuki, attachment)
    assert view["zones"] == {zone: {"treatment": "rebuild", "state": "released"} for zone in ("internet", "lgwan")}
    assert view["report"]["verdict"] == "released" and view["report"]["verified"]["ok"]
    assert {"javascript", "embedded-file"} & {one["kind"] for one in view["report"]["removed"]}
    content = await suzuki.get(f"attachments/{attachment}/content")
    assert content.status_code == 200 and content.headers["content-type"] == "application/pdf"
    assert content.content.startswith(b"%PDF-") and b"JavaScript" not in content.content
    assert "/Names" not in str(pypdf.PdfReader(io.BytesIO(content.content)).root_object)
    receipt = verify_receipt((await suzuki.get(f"attachments/{attachment}/receipt")).content, receipt_key(town))
    assert (receipt.made_in, receipt.read_in, receipt.treatment) == ("internet", "lgwan", "rebuild")
    assert receipt.input.sha256 == hashlib.sha256(data).hexdigest()
    assert receipt.output.sha256 == hashlib.sha256(content.content).hexdigest()
    leaf = town.leaves()[receipt.leaf]
    assert (leaf["action"], leaf["object"]) == ("attachment.judge", attachment)
    judged = (await suzuki.get(f"rooms/{room}/events")).json()["events"][-1]["event"]
    assert (judged["type"], judged["attachment"]) == ("attachment.judged", attachment)
    picture = await suzuki.get(f"attachments/{attachment}/thumbnail")
    assert view["thumbnail"] == (picture.status_code == 200)
    assert picture.content.startswith(b"\x89PNG")


async def test_a_receipt_of_another_key_or_another_file_is_seen(town: Installation) -> None:
    sato = await town.login("sato")
    attachment = await send(sato, await opened(sato), "a.txt", b"a file")
    await settled(sato, attachment)
    document = (await sato.get(f"attachments/{attachment}/receipt")).content
    verify_receipt(document, receipt_key(town))
    with pytest.raises(ReceiptError):
        verify_receipt(document, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    with pytest.raises(ReceiptError):
        verify_receipt(document.replace(hashlib.sha256(b"a file").hexdigest().encode(), b"0" * 64), receipt_key(town))


async def test_pass_serves_what_was_received_and_has_no_receipt(town: Installation) -> None:
    name, data = sample(".pdf")
    sato, suzuki = await town.login("sato", "lgwan"), await town.login("suzuki", "lgwan")
    room = await opened(sato, "suzuki")
    attachment = await send(sato, room, name, data)
    await post(sato, room, attachment)
    view = await settled(suzuki, attachment)
    assert view["zones"]["lgwan"]["treatment"] == "pass"
    assert view["zones"]["internet"]["treatment"] == "rebuild"
    content = await suzuki.get(f"attachments/{attachment}/content")
    assert content.content == data
    assert_problem(await suzuki.get(f"attachments/{attachment}/receipt"), 404, "no_crossing")
    outside = await (await town.login("suzuki", "internet")).get(f"attachments/{attachment}/content")
    assert outside.status_code == 200 and b"JavaScript" not in outside.content


@pytest.mark.parametrize(
    ("name", "data", "zone"),
    [
        ("run.exe", b"MZ" + bytes(512), "internet"),
        ("run.pdf", b"MZ" + bytes(512), "internet"),
        ("run.pdf", b"MZ" + bytes(512), "lgwan"),
        ("a.pdf", b"%PDF-1.7\nbroken", "internet"),
        ("a.docx", b"PK\x03\x04" + bytes(64), "internet"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(64), "internet"),
        ("a.bin", secrets.token_bytes(4096), "internet"),
    ],
)
async def test_what_is_refused_is_read_nowhere(town: Installation, name: str, data: bytes, zone: str) -> None:
    sato = await town.login("sato", zone)
    room = await opened(sato, "suzuki")
    attachment = await send(sato, room, name, data)
    await post(sato, room, attachment)
    view = await settled(sato, attachment)
    assert {one["state"] for one in view["zones"].values()} == {"refused"}
    assert all(one["code"] for one in view["zones"].values())
    assert view["report"]["message"] and view["report"]["message_en"]
    for reader in (sato, await town.login("suzuki", "lgwan"), await town.login("suzuki", "internet")):
        for part in ("content", "thumbnail", "receipt"):
            assert_problem(await reader.get(f"attachments/{attachment}/{part}"), 409, "not_released")


def locked_pdf(password: str) -> bytes:
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(200, 200))
        out = io.BytesIO()
        pdf.save(out, encryption=pikepdf.Encryption(owner="owner-" + password, user=password))
    return out.getvalue()


async def test_a_file_that_needs_its_password(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki")
    room = await opened(sato, "suzuki")
    attachment = await send(sato, room, "秘密.pdf", locked_pdf("ひらけごま"))
    await post(sato, room, attachment)
    view = await settled(sato, attachment)
    assert {one["state"] for one in view["zones"].values()} == {"needs_password"}
    path = f"attachments/{attachment}/password"
    assert_problem(await suzuki.post(path, json={"password": "ひらけごま"}), 404, "not_found")
    assert_problem(await sato.post(path, json={"password": ""}), 422, "invalid")
    assert_problem(await sato.post(path, json={"password": "x" * 1025}), 422, "invalid")
    assert_problem(await sato.post(path, json={"password": 1}), 400, "malformed")
    assert (await sato.post(path, json={"password": "ちがう"})).status_code == 202
    view = await settled(sato, attachment)
    assert {(one["state"], one.get("code")) for one in view["zones"].values()} == {("needs_password", "wrong-password")}
    assert (await sato.post(path, json={"password": "ひらけごま"})).status_code == 202
    view = await settled(sato, attachment)
    assert {one["state"] for one in view["zones"].values()} == {"released"}
    content = await suzuki.get(f"attachments/{attachment}/content")
    assert not pypdf.PdfReader(io.BytesIO(content.content)).is_encrypted
    assert_problem(await sato.post(path, json={"password": "x"}), 409, "conflict")
    everything = [path for path in town.folder.rglob("*") if path.is_file()]
    assert not [p for p in everything if "ひらけごま".encode() in p.read_bytes()]


async def test_nobody_reads_a_byte_while_the_verdict_is_pending(town: Installation) -> None:
    marker = secrets.token_hex(16).encode()
    data = b"%PDF-1.7\n" + marker * 50 + sample(".pdf")[1]
    sato, suzuki = await town.login("sato", "internet"), await town.login("suzuki", "lgwan")
    room = await opened(sato, "suzuki")
    async with town.jail_busy():
        attachment = await send(sato, room, "様式.pdf", data)
        await post(sato, room, attachment)
        wanted = [
            (f"attachments/{attachment}/content", {}),
            (f"attachments/{attachment}/content?inline", {}),
            (f"attachments/{attachment}/content", {"range": "bytes=0-99"}),
            (f"attachments/{attachment}/content", {"if-none-match": "*"}),
            (f"attachments/{attachment}/content", {"if-range": '"x"', "range": "bytes=5-"}),
            (f"attachments/{attachment}/thumbnail", {}),
            (f"attachments/{attachment}/receipt", {}),
            (f"attachments/{attachment}", {}),
            (f"rooms/{room}/events", {}),
            ("search?q=様式", {}),
        ]
        at_once = asyncio.Semaphore(20)

        async def ask(client: Client, path: str, headers: dict[str, str]) -> httpx.Response:
            async with at_once:
                return await client.get(path, headers=headers)

        asked = [ask(c, path, h) for _ in range(50) for c in (sato, suzuki) for path, h in wanted]
        answers = await asyncio.gather(*asked)
        assert len(answers) == 1000
        for answered in answers:
            assert marker not in answered.content and b"%PDF" not in answered.content
            served = answered.url.path.rpartition("/")[2] in ("content", "thumbnail", "receipt")
            assert answered.status_code == (409 if served else 200)
        for method in ("HEAD", "GET"):
            answered = await suzuki.request(method, f"attachments/{attachment}/content")
            assert answered.status_code == 409 and "etag" not in answered.headers
    assert {one["state"] for one in (await settled(sato, attachment))["zones"].values()} <= {"released", "refused"}


async def test_a_my_number_in_a_text_file_does_not_leave_the_closed_zone(town: Installation) -> None:
    sato = await town.login("sato", "lgwan")
    room = await opened(sato, "suzuki")
    text = "氏名,個人番号\r\n山田,1234-5678-9018\r\n".encode()
    attachment = await send(sato, room, "一覧.csv", text)
    await post(sato, room, attachment)
    view = await settled(sato, attachment)
    assert view["zones"]["lgwan"]["state"] == "released"
    assert view["zones"]["internet"] == {"treatment": "rebuild", "state": "refused", "code": "my_number"}
    outside = await town.login("suzuki", "internet")
    assert_problem(await outside.get(f"attachments/{attachment}/content"), 409, "not_released")
    assert b"9018" not in (await outside.get(f"attachments/{attachment}")).content


async def test_a_my_number_in_a_file_name(town: Installation) -> None:
    inside, outside = await town.login("sato", "lgwan"), await town.login("sato", "internet")
    room = await opened(inside)
    name = {"room": room, "name": "個人番号 123456789018.txt"}
    refused = await inside.post("attachments", params=name, content=b"x")
    assert_problem(refused, 403, "forbidden_crossing", "my_number_in_name")
    assert (await outside.post("attachments", params=name, content=b"x")).status_code == 202
    kept = town.rows("SELECT blob FROM attachments")
    stored = {path.name for path in (town.folder / "quarantine").iterdir()}
    assert stored <= {row[0] for row in kept}


async def test_names_are_made_safe_and_the_original_is_on_record(town: Installation) -> None:
    sato = await town.login("sato")
    room = await opened(sato)
    received = "../..\\秘\u202egpj.exe\r\n.txt"
    attachment = await send(sato, room, received, b"text")
    view = await settled(sato, attachment)
    assert not set(view["name"]) & set("/\\\u202e\r\n")
    assert town.rows("SELECT original_name FROM attachments WHERE id = ?", attachment) == [(received,)]
    content = await sato.get(f"attachments/{attachment}/content")
    disposition = content.headers["content-disposition"]
    assert disposition.startswith("attachment;") and "\r" not in disposition and ".." not in disposition


async def test_what_is_served_cannot_act(town: Installation) -> None:
    sato = await town.login("sato")
    attachment = await send(sato, await opened(sato), "注意.txt", b"<script>alert(1)</script>")
    await settled(sato, attachment)
    plain = await sato.get(f"attachments/{attachment}/content")
    shown = await sato.get(f"attachments/{attachment}/content", params={"inline": ""})
    for answered in (plain, shown):
        assert answered.headers["x-content-type-options"] == "nosniff"
        policy = answered.headers["content-security-policy"]
        assert "sandbox" in policy and "default-src 'none'" in policy and "allow-scripts" not in policy
        assert "no-store" in answered.headers["cache-control"]
        assert answered.headers["content-type"].startswith("text/plain")
    assert plain.headers["content-disposition"].startswith("attachment;")
    assert shown.headers["content-disposition"].startswith("inline;")


async def test_ranges_and_head_of_what_is_released(town: Installation) -> None:
    data = bytes(range(32, 127)) * 20
    sato = await town.login("sato", "lgwan")
    attachment = await send(sato, await opened(sato, zones=["lgwan"]), "a.txt", data)
    await settled(sato, attachment)
    path = f"attachments/{attachment}/content"
    head = await sato.head(path)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")
    some = await sato.get(path, headers={"range": "bytes=10-19"})
    assert (some.status_code, some.content) == (206, data[10:20])
    assert some.headers["content-range"] == f"bytes 10-19/{len(data)}"
    assert (await sato.get(path, headers={"range": "bytes=-5"})).content == data[-5:]
    assert (await sato.get(path, headers={"range": f"bytes={len(data)}-"})).status_code == 416
    for nonsense in ("bytes=", "bytes=a-b", "bytes=9-1", "lines=1-2", "bytes=-", "x"):
        whole = await sato.get(path, headers={"range": nonsense})
        assert (whole.status_code, whole.content) == (200, data), nonsense
    several = await sato.get(path, headers={"range": "bytes=0-1,5-6"})
    assert (several.status_code, several.content) == (200, data)


async def test_every_download_is_on_record_once(town: Installation) -> None:
    data = b"0123456789" * 100
    sato, suzuki = await town.login("sato", "lgwan"), await town.login("suzuki", "lgwan")
    room = await opened(sato, "suzuki", zones=["lgwan"])
    attachment = await send(sato, room, "a.txt", data)
    await settled(sato, attachment)
    await post(sato, room, attachment)
    path = f"attachments/{attachment}/content"

    def read_by(login: str) -> int:
        reads = [x for x in town.leaves("attachment.read") if x["object"] == attachment]
        return sum(1 for x in reads if x["actor"] == town.people[login].id and x["outcome"] == "done")

    await sato.head(path)
    assert read_by("sato") == 0
    await sato.get(path)
    for start in range(100, 1000, 100):
        await sato.get(path, headers={"range": f"bytes={start}-{start + 99}"})
    assert read_by("sato") == 1
    await sato.get(path, headers={"range": "bytes=0-99"})
    assert read_by("sato") == 2
    assert (await suzuki.get(path, headers={"range": "bytes=1-"})).content == data[1:]
    assert read_by("suzuki") == 1
    tanaka = await town.login("tanaka", "lgwan")
    refused = await tanaka.get(path)
    leaf = next(x for x in town.leaves() if x["request"] == refused.headers["x-request-id"])
    assert (leaf["action"], leaf["outcome"], leaf["reason"]) == ("attachment.read", "refused", "not_found")


async def test_attachments_are_usable_by_their_uploader_in_their_room_once(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki")
    room, other = await opened(sato, "suzuki"), await opened(sato, "suzuki")
    attachment = await send(sato, room, "a.txt", b"text")
    for client, where in ((suzuki, room), (sato, other)):
        sent = {"client_msg_id": f"x-{next(_numbers)}", "text": "x", "attachments": [attachment]}
        answered = await client.post(f"rooms/{where}/messages", json=sent)
        assert_problem(answered, 422, "invalid", "unknown_attachment")
    doubled = {"client_msg_id": "twice", "text": "", "attachments": [attachment, attachment]}
    assert_problem(await sato.post(f"rooms/{room}/messages", json=doubled), 422, "invalid")
    await post(sato, room, attachment)
    again = {"client_msg_id": f"x-{next(_numbers)}", "text": "x", "attachments": [attachment]}
    assert_problem(await sato.post(f"rooms/{room}/messages", json=again), 422, "invalid", "unknown_attachment")


async def test_after_leaving_a_rooms_files_are_gone(town: Installation) -> None:
    sato, suzuki = await town.login("sato"), await town.login("suzuki")
    room = await opened(sato, "suzuki")
    attachment = await send(sato, room, "a.txt", b"text")
    await settled(sato, attachment)
    await post(sato, room, attachment)
    assert (await suzuki.get(f"attachments/{attachment}/content")).status_code == 200
    await suzuki.post(f"rooms/{room}/leave")
    await sato.post(f"rooms/{room}/leave")
    for client in (sato, suzuki):
        for part in ("", "/content", "/thumbnail", "/receipt"):
            assert_problem(await client.get(f"attachments/{attachment}{part}"), 404, "not_found")


@pytest.mark.parametrize(
    ("params", "data", "status", "code"),
    [
        ({"name": "a.txt"}, b"x", 404, "not_found"),
        ({"room": "r_none", "name": "a.txt"}, b"x", 404, "not_found"),
        ({"room": "ROOM"}, b"x", 422, "invalid"),
        ({"room": "ROOM", "name": ""}, b"x", 422, "invalid"),
        ({"room": "ROOM", "name": "a" * 1025}, b"x", 422, "invalid"),
        ({"room": "ROOM", "name": "a.txt"}, b"", 422, "invalid"),
    ],
)
async def test_uploads_that_cannot_be(
    town: Installation, params: dict[str, str], data: bytes, status: int, code: str
) -> None:
    sato = await town.login("sato")
    room = await opened(sato)
    named = {name: room if value == "ROOM" else value for name, value in params.items()}
    assert_problem(await sato.post("attachments", params=named, content=data), status, code)


def left_over(town: Installation) -> set[str]:
    """Files in quarantine that no row names."""
    known = {row[0] for row in town.rows("SELECT blob FROM attachments")}
    return {path.name for path in (town.folder / "quarantine").iterdir()} - known


def upload_head(town: Installation, client: Client, room: str, announced: str) -> bytes:
    """The head of an upload whose body the test writes itself."""
    return (
        f"POST /api/v1/attachments?room={room}&name=a.txt HTTP/1.1\r\nhost: 127.0.0.1:{town.port(client.zone)}\r\n"
        f"authorization: Bearer {client.token}\r\n{announced}\r\n\r\n"
    ).encode()


async def test_a_client_that_vanishes_leaves_nothing(town: Installation) -> None:
    sato = await town.login("sato")
    room = await opened(sato)
    before = town.rows("SELECT count(*) FROM attachments")
    for announced in ("content-length: 1000000", "transfer-encoding: chunked"):
        _, writer = await asyncio.open_connection("127.0.0.1", town.port("internet"))
        head = upload_head(town, sato, room, announced)
        body = b"x" * 5000 if "length" in announced else b"1388\r\n" + b"x" * 5000 + b"\r\n"
        writer.write(head + body)
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await writer.wait_closed()
    for _ in range(50):
        if not left_over(town):
            break
        await asyncio.sleep(0.05)
    assert left_over(town) == set()
    assert town.rows("SELECT count(*) FROM attachments") == before


async def test_a_client_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    async with installed(tmp_path / "data") as town:
        town.application.receiving.stalls_after = 0.1
        sato = await town.login("sato")
        room = await opened(sato)

        reader, writer = await asyncio.open_connection("127.0.0.1", town.port("internet"))
        writer.write(upload_head(town, sato, room, "content-length: 1000000") + b"x" * 5000)
        answered = await asyncio.wait_for(reader.read(), 5)
        assert answered.startswith(b"HTTP/1.1 422 ") and b'"upload_cut"' in answered
        writer.close()
        await writer.wait_closed()
        assert left_over(town) == set()


async def test_a_large_file_is_streamed_and_one_that_is_too_large_is_cut_off(tmp_path: Path) -> None:
    async with installed(tmp_path / "data", extra="[limits]\nupload_mib = 2\n") as town:
        sato = await town.login("sato")
        room = await opened(sato)
        name = {"room": room, "name": "a.txt"}
        limit = 2 << 20

        async def pieces(size: int) -> Any:
            for start in range(0, size, 1 << 16):
                yield b"a" * min(1 << 16, size - start)

        assert (await sato.post("attachments", params=name, content=pieces(limit))).status_code == 202
        announced = await sato.post("attachments", params=name, content=b"a" * (limit + 1))
        assert_problem(announced, 413, "too_large")
        assert_problem(await sato.post("attachments", params=name, content=pieces(limit + 1)), 413, "too_large")
        assert left_over(town) == set()


async def test_quotas_of_person_and_organisation(tmp_path: Path) -> None:
    async with installed(tmp_path / "data") as town:
        town.application.drain.terms = town.application.drain.terms._replace(quota_person=1000, quota_organisation=1500)
        sato, suzuki = await town.login("sato"), await town.login("suzuki")
        room = await opened(sato, "suzuki")
        await send(sato, room, "a.txt", b"a" * 900)
        over = await sato.post("attachments", params={"room": room, "name": "b.txt"}, content=b"b" * 101)
        assert_problem(over, 413, "too_large", "quota_exceeded")
        await send(sato, room, "b.txt", b"b" * 100)
        over = await suzuki.post("attachments", params={"room": room, "name": "c.txt"}, content=b"c" * 501)
        assert_problem(over, 413, "too_large", "quota_exceeded")
        await send(suzuki, room, "c.txt", b"c" * 500)
        assert left_over(town) == set()


async def test_a_nearly_full_disk_takes_no_files_but_talk_goes_on(town: Installation) -> None:
    sato = await town.login("sato")
    room = await opened(sato)
    attachment = await send(sato, room, "a.txt", b"text")
    await settled(sato, attachment)
    town.fill_disk(0.905)
    try:
        refused = await sato.post("attachments", params={"room": room, "name": "b.txt"}, content=b"x")
        assert_problem(refused, 507, "storage_full", "storage_full")
        await post(sato, room, attachment)
        assert (await sato.get(f"attachments/{attachment}/content")).status_code == 200
    finally:
        town.fill_disk(0.1)


async def test_a_disk_that_fills_while_a_file_arrives_takes_no_more_of_it(town: Installation) -> None:
    sato = await town.login("sato")
    room = await opened(sato)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a" * PIECE
        town.fill_disk(0.905)
        yield b"b" * 3 * PIECE

    try:
        refused = await sato.post("attachments", params={"room": room, "name": "b.txt"}, content=pieces())
        assert_problem(refused, 507, "storage_full", "storage_full")
        assert left_over(town) == set()
    finally:
        town.fill_disk(0.1)


async def test_a_forbidden_crossing_tells_neither_name_nor_size(tmp_path: Path) -> None:
    async with installed(tmp_path / "data", zones=("internet", "lgwan", "mynumber")) as town:
        inside, outside = await town.login("sato", "mynumber"), await town.login("suzuki", "lgwan")
        room = await opened(inside, "suzuki", zones=["lgwan", "mynumber"])
        attachment = await send(inside, room, "税務調査.txt", b"secret")
        await post(inside, room, attachment)
        view = await settled(inside, attachment)
        assert view["zones"]["lgwan"] == {"treatment": "forbid", "state": "refused", "code": "forbidden_crossing"}
        assert (await inside.get(f"attachments/{attachment}/content")).content == b"secret"
        for part in ("", "/content", "/thumbnail", "/receipt"):
            refused = await outside.get(f"attachments/{attachment}{part}")
            assert_problem(refused, 403, "forbidden_crossing")
            assert "税務" not in refused.text
        told = (await outside.get(f"rooms/{room}/events")).json()["events"]
        assert {e["event"]["type"] for e in told} == {"message.withheld"}
        assert all(e["event"] == {"type": "message.withheld"} for e in told)


async def test_a_stored_file_that_was_changed_is_not_served(town: Installation) -> None:
    sato = await town.login("sato")
    attachment = await send(sato, await opened(sato), "a.txt", b"as it was")
    await settled(sato, attachment)
    ((blob,),) = town.rows("SELECT blob FROM releases WHERE attachment = ? AND zone = 'internet'", attachment)
    (town.folder / "renditions" / blob).write_bytes(b"as it is!")
    assert_problem(await sato.get(f"attachments/{attachment}/content"), 500, "internal", "damaged")
    (town.folder / "renditions" / blob).unlink()
    assert_problem(await sato.get(f"attachments/{attachment}/content"), 404, "not_found")


async def test_a_restart_judges_what_was_in_quarantine(tmp_path: Path) -> None:
    async with installed(tmp_path / "data") as town, town.jail_busy():
        sato = await town.login("sato")
        attachment = await send(sato, await opened(sato), "a.txt", b"text")
        quarantined = msgspec.json.decode((await sato.get(f"attachments/{attachment}")).content)
        assert {z["state"] for z in quarantined["zones"].values()} == {"quarantined"}
    async with installed(tmp_path / "data") as town:
        sato = await town.login("sato")
        view = await settled(sato, attachment)
        assert {z["state"] for z in view["zones"].values()} == {"released"}
