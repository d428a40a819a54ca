"""Resumable uploads over HTTP, as a tus 1.0 client sees them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import stat
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.installation import Client, Installation, installed

from server.partials import Begun, Mark, Partials
from server.resumable import MOST_OPEN

pytestmark = pytest.mark.asyncio(loop_scope="module")
TEXT = "霞ヶ浜市の防災計画\n".encode() * 40


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def creation(room: str, name: str = "計画.txt", length: int = len(TEXT), **more: str) -> dict[str, str]:
    metadata = f"room {encoded(room)},filename {encoded(name)}"
    return {"tus-resumable": "1.0.0", "upload-length": str(length), "upload-metadata": metadata, **more}


def part(offset: int, **more: str) -> dict[str, str]:
    kind = "application/offset+octet-stream"
    return {"tus-resumable": "1.0.0", "upload-offset": str(offset), "content-type": kind} | {
        name.replace("_", "-"): value for name, value in more.items()
    }


async def opened_room(client: Client, *members: str) -> str:
    answered = await client.post("rooms", json={"kind": "group", "name": "防災", "members": list(members)})
    assert answered.status_code == 201, answered.text
    room: str = answered.json()["id"]
    return room


async def begun(client: Client, room: str, data: bytes = TEXT, name: str = "計画.txt") -> httpx.Response:
    answered = await client.post("uploads/", headers=creation(room, name, len(data)))
    assert answered.status_code == 201, answered.text
    return answered


async def head(client: Client, location: str) -> httpx.Response:
    return await client.head(location, headers={"tus-resumable": "1.0.0"})


def assert_problem(answered: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answered.status_code == status, answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answered.json()
    assert problem["code"] == code
    return problem


async def test_options_tell_what_is_spoken(town: Installation) -> None:
    answered = await town.anonymous().options("uploads/")
    assert answered.status_code == 204
    assert answered.headers["tus-version"] == answered.headers["tus-resumable"] == "1.0.0"
    spoken = set(answered.headers["tus-extension"].split(","))
    assert spoken >= {"creation", "creation-with-upload", "termination", "expiration", "checksum"}
    assert {"sha1", "sha256"} <= set(answered.headers["tus-checksum-algorithm"].split(","))
    assert answered.headers["tus-max-size"] == str(200 << 20)


async def test_a_file_in_two_parts_becomes_the_attachment_named_at_the_creation(town: Installation) -> None:
    sato = await town.login("sato")
    room = await opened_room(sato, "suzuki")
    created = await begun(sato, room)
    location, attachment = created.headers["location"], created.headers["sekisho-attachment"]
    assert location.startswith("/api/v1/uploads/")
    assert parsedate_to_datetime(created.headers["upload-expires"]).timestamp() * 1000 > town.now() + 23 * 3_600_000
    first = await sato.patch(location, headers=part(0), content=TEXT[:100])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "100")
    assert (await sato.get(f"attachments/{attachment}")).status_code == 404
    shown = await head(sato, location)
    assert (shown.headers["upload-offset"], shown.headers["upload-length"]) == ("100", str(len(TEXT)))
    assert shown.headers["cache-control"] == "no-store"
    last = await sato.patch(location, headers=part(100), content=TEXT[100:])
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(TEXT)))
    assert last.headers["sekisho-attachment"] == attachment
    view = (await sato.get(f"attachments/{attachment}")).json()
    assert (view["name"], view["size"], view["room"]) == ("計画.txt", len(TEXT), room)
    leaf = next(x for x in town.leaves("attachment.receive") if x["object"] == attachment)
    assert leaf["notes"]["sha256"] == hashlib.sha256(TEXT).hexdigest()
    assert (await head(sato, location)).headers["upload-offset"] == str(len(TEXT))
    again = await sato.patch(location, headers=part(len(TEXT)))
    assert (again.status_code, again.headers["sekisho-attachment"]) == (204, attachment)
    posted = await sato.post(f"rooms/{room}/messages", json={"client_msg_id": "u", "attachments": [attachment]})
    assert posted.status_code == 201


async def test_creation_with_the_whole_file(town: Installation) -> None:
    sato = await town.login("sato")
    room = await opened_room(sato)
    headers = creation(room) | {"content-type": "application/offset+octet-stream"}
    created = await sato.post("uploads", headers=headers, content=TEXT)
    assert (created.status_code, created.headers["upload-offset"]) == (201, str(len(TEXT)))
    assert (await sato.get(f"attachments/{created.headers['sekisho-attachment']}")).json()["size"] == len(TEXT)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
async def test_a_part_with_its_checksum_counts_all_or_not_at_all(town: Installation, algorithm: str) -> None:
    sato = await town.login("sato")
    location = (await begun(sato, await opened_room(sato))).headers["location"]
    right = base64.b64encode(hashlib.new(algorithm, TEXT[:50]).digest()).decode()
    wrong = await sato.patch(location, headers=part(0, upload_checksum=f"{algorithm} {right}"), content=TEXT[1:51])
    assert_problem(wrong, 460, "checksum_mismatch")
    assert (await head(sato, location)).headers["upload-offset"] == "0"
    good = await sato.patch(location, headers=part(0, upload_checksum=f"{algorithm} {right}"), content=TEXT[:50])
    assert (good.status_code, good.headers["upload-offset"]) == (204, "50")


@pytest.mark.parametrize("checksum", ["crc32 AAAA", "sha1", "sha1 !!", "", "md5 1B2M2Y8AsgTpgAmY7PhCfg=="])
async def test_a_checksum_that_is_not_spoken_is_malformed(town: Installation, checksum: str) -> None:
    sato = await town.login("sato")
    location = (await begun(sato, await opened_room(sato))).headers["location"]
    answered = await sato.patch(location, headers=part(0, upload_checksum=checksum), content=b"x")
    if checksum == "sha1":
        assert_problem(answered, 460, "checksum_mismatch")
    else:
        assert_problem(answered, 400, "malformed")
    assert (await head(sato, location)).headers["upload-offset"] == "0"


async def test_a_wrong_offset_is_a_conflict_and_changes_nothing(town: Installation) -> None:
    sato = await town.login("sato")
    location = (await begun(sato, await opened_room(sato))).headers["location"]
    for offset in (1, 100, len(TEXT) + 1):
        answered = await sato.patch(location, headers=part(offset), content=TEXT[:10])
        assert assert_problem(answered, 409, "conflict")["reason"] == "wrong_offset"
    assert (await head(sato, location)).headers["upload-offset"] == "0"


async def test_more_than_was_announced_is_too_large(town: Installation) -> None:
    sato = await town.login("sato")
    location = (await begun(sato, await opened_room(sato), TEXT[:20])).headers["location"]
    assert_problem(await sato.patch(location, headers=part(0), content=TEXT[:21]), 413, "too_large")
    assert (await head(sato, location)).headers["upload-offset"] == "0"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"upload-length": None}, 400, "malformed"),
        ({"upload-length": "-1"}, 400, "malformed"),
        ({"upload-length": "１２"}, 400, "malformed"),
        ({"upload-length": "0"}, 422, "invalid"),
        ({"upload-length": str((200 << 20) + 1)}, 413, "too_large"),
        ({"upload-metadata": None}, 422, "invalid"),
        ({"upload-metadata": "filename !!!"}, 400, "malformed"),
        ({"upload-metadata": "filename /w=="}, 400, "malformed"),
        ({"upload-metadata": f"filename {encoded('a.txt')},filename {encoded('b.txt')}"}, 400, "malformed"),
        ({"upload-metadata": f"filename {encoded('a.txt')}"}, 404, "not_found"),
        ({"upload-metadata": f"room {encoded('r_none')},filename {encoded('a.txt')}"}, 404, "not_found"),
        ({"upload-metadata": f"filename {encoded('a' * 1025)}"}, 422, "invalid"),
        ({"tus-resumable": "0.2.2"}, 412, "malformed"),
        ({"tus-resumable": None}, 412, "malformed"),
    ],
)
async def test_bad_creations(town: Installation, change: dict[str, str | None], status: int, code: str) -> None:
    sato = await town.login("sato")
    wanted = creation(await opened_room(sato)) | change
    headers = httpx.Headers([(name.encode(), value.encode()) for name, value in wanted.items() if value is not None])
    answered = await sato.post("uploads/", headers=headers)
    assert_problem(answered, status, code)
    assert answered.headers["tus-resumable"] == "1.0.0"


async def test_a_part_needs_its_type_and_its_offset(town: Installation) -> None:
    sato = await town.login("sato")
    location = (await begun(sato, await opened_room(sato))).headers["location"]
    typeless = part(0) | {"content-type": "application/octet-stream"}
    assert_problem(await sato.patch(location, headers=typeless, content=b"x"), 415, "malformed")
    without = {k: v for k, v in part(0).items() if k != "upload-offset"}
    assert_problem(await sato.patch(location, headers=without, content=b"x"), 400, "malformed")


async def test_nobody_else_and_no_other_zone_sees_an_upload(town: Installation) -> None:
    sato = await town.login("sato")
    room = await opened_room(sato, "suzuki")
    location = (await begun(sato, room)).headers["location"]
    unknown = "/api/v1/uploads/u_aaaaaaaaaaaaaaaaaaaaaaaaaa"
    for client in (await town.login("suzuki"), await town.login("sato", "lgwan")):
        for path in (location, unknown):
            assert (await head(client, path)).status_code == 404
            patched = assert_problem(await client.patch(path, headers=part(0), content=b"x"), 404, "not_found")
            assert patched["reason"] == "not_found"
            ended = await client.delete(path, headers={"tus-resumable": "1.0.0"})
            assert_problem(ended, 404, "not_found")
    nobody = await town.anonymous().head(location, headers={"tus-resumable": "1.0.0"})
    assert nobody.status_code == 401
    assert (await head(sato, location)).headers["upload-offset"] == "0"


async def test_an_upload_that_is_given_up_is_gone(town: Installation) -> None:
    sato = await town.login("sato")
    created = await begun(sato, await opened_room(sato))
    location = created.headers["location"]
    assert (await sato.delete(location, headers={"tus-resumable": "1.0.0"})).status_code == 204
    assert (await head(sato, location)).status_code == 404
    name = location.rpartition("/")[2]
    assert not [path for path in (town.folder / "uploads").iterdir() if path.stem == name]


async def test_the_method_may_be_overridden(town: Installation) -> None:
    sato = await town.login("sato")
    location = (await begun(sato, await opened_room(sato))).headers["location"]
    patched = await sato.post(location, headers=part(0, x_http_method_override="PATCH"), content=TEXT[:7])
    assert (patched.status_code, patched.headers["upload-offset"]) == (204, "7")
    assert_problem(await sato.post(location, headers=part(7), content=b""), 400, "malformed")
    ended = await sato.post(location, headers={"tus-resumable": "1.0.0", "x-http-method-override": "DELETE"})
    assert ended.status_code == 204


async def cut_patch(town: Installation, client: Client, location: str, offset: int, data: bytes, **more: str) -> None:
    """A client that announces all the rest, sends some, and vanishes."""
    _, writer = await asyncio.open_connection("127.0.0.1", town.port(client.zone))
    headers = part(offset, **more) | {
        "host": f"127.0.0.1:{town.port(client.zone)}",
        "authorization": f"Bearer {client.token}",
        "content-length": str(len(TEXT) - offset),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"PATCH {location} HTTP/1.1\r\n{lines}\r\n".encode() + data)
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await writer.wait_closed()


async def offset_of(client: Client, location: str, expected: int) -> int:
    """The offset once the server has noticed."""
    for _ in range(50):
        offset = int((await head(client, location)).headers["upload-offset"])
        if offset == expected:
            break
        await asyncio.sleep(0.02)
    return offset


async def test_what_a_vanished_client_sent_is_kept(town: Installation) -> None:
    sato = await town.login("sato")
    created = await begun(sato, await opened_room(sato))
    location = created.headers["location"]
    await cut_patch(town, sato, location, 0, TEXT[:77])
    assert await offset_of(sato, location, 77) == 77
    digest = base64.b64encode(hashlib.sha256(TEXT[77:]).digest()).decode()
    await cut_patch(town, sato, location, 77, TEXT[77:150], upload_checksum=f"sha256 {digest}")
    assert await offset_of(sato, location, 77) == 77
    done = await sato.patch(location, headers=part(77), content=TEXT[77:])
    assert done.status_code == 204
    leaf = next(x for x in town.leaves("attachment.receive") if x["object"] == created.headers["sekisho-attachment"])
    assert leaf["notes"]["sha256"] == hashlib.sha256(TEXT).hexdigest()


async def test_who_comes_back_takes_over_from_a_request_that_hangs(town: Installation) -> None:
    sato = await town.login("sato")
    location = (await begun(sato, await opened_room(sato))).headers["location"]

    async def slow() -> Any:
        yield TEXT[:30]
        await asyncio.sleep(30)
        yield TEXT[30:]

    hanging = asyncio.create_task(sato.patch(location, headers=part(0), content=slow()))
    await asyncio.sleep(0.1)
    assert await asyncio.wait_for(offset_of(sato, location, 30), 5) == 30
    answered = await sato.patch(location, headers=part(30), content=TEXT[30:])
    assert answered.status_code == 204
    hanging.cancel()
    await asyncio.wait([hanging])


async def test_two_at_once_never_mix_their_bytes(town: Installation) -> None:
    sato = await town.login("sato")
    created = await begun(sato, await opened_room(sato))
    location = created.headers["location"]
    answers = await asyncio.gather(
        *(sato.patch(location, headers=part(0), content=TEXT) for _ in range(6)), return_exceptions=True
    )
    statuses = [a.status_code for a in answers if isinstance(a, httpx.Response)]
    assert set(statuses) <= {204, 409, 422}
    reached = int((await head(sato, location)).headers["upload-offset"])
    if reached < len(TEXT):
        assert (await sato.patch(location, headers=part(reached), content=TEXT[reached:])).status_code == 204
    received = [x for x in town.leaves("attachment.receive") if x["object"] == created.headers["sekisho-attachment"]]
    assert [x["notes"]["sha256"] for x in received] == [hashlib.sha256(TEXT).hexdigest()]


async def test_a_full_disk_refuses_and_keeps_what_was_there(town: Installation) -> None:
    sato = await town.login("sato")
    room = await opened_room(sato)
    location = (await begun(sato, room)).headers["location"]
    assert (await sato.patch(location, headers=part(0), content=TEXT[:10])).status_code == 204
    town.fill_disk(0.91)
    try:
        assert_problem(await sato.post("uploads/", headers=creation(room)), 507, "storage_full")
        assert_problem(await sato.patch(location, headers=part(10), content=TEXT[10:]), 507, "storage_full")
    finally:
        town.fill_disk(0.1)
    assert (await sato.patch(location, headers=part(10), content=TEXT[10:])).status_code == 204


async def test_a_name_with_a_my_number_is_refused_at_the_end_and_leaves_nothing(town: Installation) -> None:
    sato = await town.login("sato", "lgwan")
    created = await begun(sato, await opened_room(sato), name="個人番号 123456789018.txt")
    location = created.headers["location"]
    refused = await sato.patch(location, headers=part(0), content=TEXT)
    assert assert_problem(refused, 403, "forbidden_crossing")["reason"] == "my_number_in_name"
    assert (await head(sato, location)).status_code == 404
    on_record = [x for x in town.leaves() if x["request"] == refused.headers["x-request-id"]]
    assert [(x["action"], x["reason"]) for x in on_record] == [("attachment.receive", "my_number_in_name")]


async def test_a_person_has_a_bounded_number_of_uploads(town: Installation) -> None:
    await town.add("hayashi")
    hayashi = await town.login("hayashi")
    room = await opened_room(hayashi)
    made = [(await begun(hayashi, room)).headers["location"] for _ in range(MOST_OPEN)]
    assert len(set(made)) == MOST_OPEN
    refused = await hayashi.post("uploads/", headers=creation(room))
    assert_problem(refused, 429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0
    assert (await hayashi.delete(made[0], headers={"tus-resumable": "1.0.0"})).status_code == 204
    await begun(hayashi, room)


async def test_files_of_an_upload_are_the_owners_alone(town: Installation) -> None:
    sato = await town.login("sato")
    await begun(sato, await opened_room(sato))
    folder = town.folder / "uploads"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


async def test_what_nobody_goes_on_with_is_swept_after_a_day(town: Installation) -> None:
    sato = await town.login("sato")
    location = (await begun(sato, await opened_room(sato))).headers["location"]
    town.later(hours=20)
    sato = await town.login("sato")
    assert (await sato.patch(location, headers=part(0), content=TEXT[:10])).status_code == 204
    town.later(hours=20)
    sato = await town.login("sato")
    assert (await head(sato, location)).headers["upload-offset"] == "10"
    town.later(hours=25)
    sato = await town.login("sato")
    assert (await head(sato, location)).status_code == 404
    await town.application.resumables.sweep()
    name = location.rpartition("/")[2]
    assert not [path for path in (town.folder / "uploads").iterdir() if path.stem == name]


async def test_an_upload_survives_a_restart(tmp_path: Path) -> None:
    async with installed(tmp_path / "data") as town:
        sato = await town.login("sato")
        created = await begun(sato, await opened_room(sato))
        location, attachment = created.headers["location"], created.headers["sekisho-attachment"]
        assert (await sato.patch(location, headers=part(0), content=TEXT[:333])).status_code == 204
    upload = location.rpartition("/")[2]
    with (tmp_path / "data/uploads" / f"{upload}.part").open("ab") as file:
        file.write(b"bytes that were never acknowledged")
    async with installed(tmp_path / "data") as town:
        sato = await town.login("sato")
        shown = await head(sato, location)
        assert (shown.headers["upload-offset"], shown.headers["sekisho-attachment"]) == ("333", attachment)
        last = await sato.patch(location, headers=part(333), content=TEXT[333:])
        assert (last.status_code, last.headers["sekisho-attachment"]) == (204, attachment)
        assert town.rows("SELECT sha256 FROM attachments WHERE id = ?", attachment) == [
            (hashlib.sha256(TEXT).hexdigest(),)
        ]
    # the row is durable, but the crash came before the upload's own note of it
    log = tmp_path / "data/uploads" / f"{upload}.log"
    lines = [line for line in log.read_bytes().split(b"\n") if line]
    log.write_bytes(b"\n".join(line for line in lines if b'"done":true' not in line) + b"\n")
    (tmp_path / "data/uploads" / f"{upload}.part").write_bytes(TEXT)
    async with installed(tmp_path / "data") as town:
        sato = await town.login("sato")
        assert (await head(sato, location)).headers["upload-offset"] == str(len(TEXT))
        assert (await sato.patch(location, headers=part(len(TEXT)))).status_code == 204
        assert town.rows("SELECT count(*) FROM attachments") == [(1,)]


async def test_a_log_that_a_crash_tore_says_what_was_durable(tmp_path: Path) -> None:
    partials = Partials(tmp_path / "uploads")
    one = Begun("u_a", "p_a", "internet", "r_a", "a.txt", "", 100, bytes(16), 5)
    partials.begin(one)
    with partials.open("u_a", 0) as file:
        file.write(b"x" * 40)
        partials.mark("u_a", file, Mark(40, 6))
        file.write(b"y" * 20)
    log = tmp_path / "uploads/u_a.log"
    with log.open("ab") as torn:
        torn.write(b'\n{"offset":60,"at"')
    assert list(partials.load()) == [(one, Mark(40, 6))]
    with partials.open("u_a", 40) as file:
        file.write(b"z" * 5)
        partials.mark("u_a", file, Mark(45, 7))
    assert list(partials.load()) == [(one, Mark(45, 7))]
    assert partials.digest("u_a") == hashlib.sha256(b"x" * 40 + b"z" * 5).hexdigest()


async def test_what_cannot_be_gone_on_with_is_removed_at_the_start(tmp_path: Path) -> None:
    partials = Partials(tmp_path / "uploads")
    one = Begun("u_a", "p_a", "internet", "r_a", "a.txt", "", 100, bytes(16), 5)
    partials.begin(one)
    with partials.open("u_a", 0) as file:
        file.write(b"x" * 40)
        partials.mark("u_a", file, Mark(40, 6))
    (tmp_path / "uploads/u_a.part").write_bytes(b"x" * 39)
    (tmp_path / "uploads/u_b.part").write_bytes(b"without a log")
    (tmp_path / "uploads/u_c.log").write_bytes(b"not a log\n")
    assert list(partials.load()) == []
    assert list((tmp_path / "uploads").iterdir()) == []
