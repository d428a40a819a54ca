"""Conversations with a gateway that does as it likes: previews, pipelines, cuts, slowness, nonsense. What is not
understood ends the connection with its status; what was not inspected is never sent back; the next one is served."""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from PIL import Image
from support.icap import Answer, Gateway, chunked, icap, reqmod, respmod
from support.installation import Installation, installed

from server.icap import body, messages
from server.icap.server import IcapServer

pytestmark = pytest.mark.asyncio(loop_scope="module")
T = TypeVar("T")
HTML = b"Content-Type: text/html"
PDF = b"Content-Type: application/pdf"
EXE = b"\x7fELF" + b"secret" * 2000


def picture() -> bytes:
    image = Image.new("RGB", (64, 48), (200, 120, 40))
    exif = image.getexif()
    exif[0x010E] = "secret place"
    written = io.BytesIO()
    image.save(written, "PNG", exif=exif)
    return written.getvalue()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    extra = '[icap]\nzone = "lgwan"\nhost = "127.0.0.1"\nport = 0\nconnections = 12\n[limits]\nupload_mib = 1\n'
    async with installed(tmp_path_factory.mktemp("icap") / "data", extra=extra, people=False) as running:
        yield running


def port_of(town: Installation) -> int:
    assert town.application.icap_socket is not None
    return int(town.application.icap_socket.getsockname()[1])


async def talk(town: Installation, conversation: Callable[[Gateway], T]) -> T:
    """What a gateway's side of a conversation answers; afterwards nothing is left, and an honest one is served."""

    def run() -> T:
        with Gateway(port_of(town)) as gateway:
            return conversation(gateway)

    answered = await asyncio.to_thread(run)
    await settled(town)
    return answered


async def settled(town: Installation) -> None:
    async with asyncio.timeout(15):
        while town.application.icap.connections or town.application.sanitizing.held:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def answer_to(town: Installation, *messages: bytes) -> Answer:
    def one(gateway: Gateway) -> Answer:
        for message in messages:
            gateway.send(message)
        return gateway.answer()

    return await talk(town, one)


async def assert_served(town: Installation) -> None:
    answer = await answer_to(town, respmod(picture(), b"Content-Type: image/png", request=asked_for("a.png")))
    assert answer.http_status == 200 and answer.body is not None and answer.body.startswith(b"\x89PNG")


def asked_for(name: str) -> bytes:
    return f"GET http://www.example.jp/{name} HTTP/1.1\r\nHost: www.example.jp\r\n\r\n".encode()


async def test_a_file_is_rebuilt_and_what_told_of_the_old_one_is_gone(town: Installation) -> None:
    old = (b"Content-Type: image/png", b"Content-Length: 99", b'ETag: "x"', b"Content-MD5: x", b"X-Kept: yes",
           b"Accept-Ranges: bytes", b"Digest: x")  # fmt: skip
    answer = await answer_to(town, respmod(picture(), *old, request=asked_for("a.png")))
    assert answer.status == 200 and answer.http_status == 200 and answer.body is not None
    assert b"secret place" not in answer.body
    assert answer.http("Content-Length") == str(len(answer.body)) and answer.http("X-Kept") == "yes"
    for gone in ("ETag", "Content-MD5", "Accept-Ranges", "Digest"):
        assert answer.http(gone) == ""
    assert answer.http("Content-Disposition") == ""
    leaf = town.leaves("file.sanitize")[-1]
    assert (leaf["zone"], leaf["outcome"], leaf["notes"]["host"]) == ("lgwan", "done", "www.example.jp")


async def test_pages_go_through_as_they_came(town: Installation) -> None:
    page = b"<p>" + b"x" * 5000
    before = len(town.leaves("file.sanitize"))
    assert (await answer_to(town, respmod(page, HTML))).status == 204
    echoed = await answer_to(town, respmod(page, HTML, fields=()))
    assert (echoed.status, echoed.http_status, echoed.body) == (200, 200, page)
    assert (await answer_to(town, respmod(None, HTML))).status == 204
    bare = await answer_to(town, respmod(None, HTML, fields=()))
    assert (bare.status, bare.http_status, bare.body) == (200, 200, None)
    assert (await answer_to(town, respmod(b"\x1f\x8b\x08packed", HTML, b"Content-Encoding: gzip"))).status == 204
    assert (await answer_to(town, respmod(b"", HTML))).status == 204
    assert len(town.leaves("file.sanitize")) == before


@pytest.mark.parametrize("length", [0, 1, 1023, 1024, 1025, 5000])
@pytest.mark.parametrize("kind", [HTML, b"Content-Type: text/plain"])
async def test_previews_of_every_length(town: Installation, length: int, kind: bytes) -> None:
    """RFC 3507 section 4.5: the whole in the preview is marked ``ieof``; else the rest comes when it is asked for."""
    data = b"abcdefgh" * 1000
    data = data[:length]
    whole = length <= 1024
    first = chunked(data[:1024], 100, b"0; ieof\r\n\r\n" if whole else b"0\r\n\r\n")

    def conversation(gateway: Gateway) -> Answer:
        message = respmod(data, kind, fields=("Preview: 1024",), body=first, request=asked_for("a.txt"))
        gateway.send(message)
        answer = gateway.answer()
        if answer.status == 100:
            assert not whole
            gateway.send(chunked(data[1024:], 999))
            answer = gateway.answer()
        return answer

    answer = await talk(town, conversation)
    if kind == HTML:
        assert answer.status == 204
    else:
        assert (answer.status, answer.http_status, answer.body) == (200, 200, data)


async def test_a_preview_of_nothing_is_asked_for_more_before_it_is_trusted(town: Installation) -> None:
    """A page by its type that begins as a program."""

    def conversation(gateway: Gateway) -> Answer:
        gateway.send(respmod(EXE, HTML, fields=("Preview: 0", "Allow: 204"), body=b"0\r\n\r\n"))
        assert gateway.answer().status == 100
        gateway.send(chunked(EXE))
        return gateway.answer()

    assert (await talk(town, conversation)).http_status == 403
    for fields in (("Allow: 204",), ()):
        answer = await answer_to(town, respmod(EXE, HTML, fields=fields))
        assert answer.http_status == 403 and answer.body is not None and b"secret" not in answer.body


async def test_many_messages_at_once_are_answered_in_their_order(town: Installation) -> None:
    pages = [b"<p>%d" % number for number in range(20)]
    sent = b"".join(respmod(page, HTML, fields=()) for page in pages)
    sent += b"OPTIONS icap://127.0.0.1/respmod ICAP/1.0\r\nHost: h\r\n\r\n"
    sent += respmod(EXE, PDF) + respmod(b"last", HTML, fields=("Connection: close",))

    def conversation(gateway: Gateway) -> tuple[list[Answer], bool]:
        gateway.send(sent)
        return [gateway.answer() for _ in range(23)], gateway.ended()

    answers, ended = await talk(town, conversation)
    assert [answer.body for answer in answers[:20]] == pages
    assert answers[20].fields["methods"] == "RESPMOD"
    assert answers[21].http_status == 403 and answers[22].body == b"last" and ended


async def test_a_message_in_single_bytes_is_the_same(town: Installation) -> None:
    message = respmod(b"<p>slow", HTML, fields=())

    def conversation(gateway: Gateway) -> Answer:
        for at in range(len(message)):
            gateway.send(message[at : at + 1])
        return gateway.answer()

    assert (await talk(town, conversation)).body == b"<p>slow"


def options(service: str) -> bytes:
    return f"OPTIONS icap://127.0.0.1/{service} ICAP/1.0\r\nHost: h\r\n\r\n".encode()


async def test_options_tell_what_is_spoken(town: Installation) -> None:
    tags = set()
    for service in ("respmod", "reqmod"):
        answer = await answer_to(town, options(service))
        assert answer.status == 200 and answer.fields["methods"] == service.upper()
        assert answer.fields["allow"] == "204" and int(answer.fields["preview"]) == 1024
        assert answer.fields["encapsulated"] == "null-body=0"
        tags.add(answer.fields["istag"])
    assert len(tags) == 1
    assert (await answer_to(town, options("other"))).status == 404


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
SECTIONS = [("res-hdr", HEAD), ("res-body", b"")]
BAD: dict[str, tuple[bytes, int]] = {
    "nonsense": (b"\x00\xff\x00\r\n\r\n", 400),
    "http": (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
    "method": (options("respmod").replace(b"OPTIONS", b"DELETE"), 501),
    "version": (options("respmod").replace(b"ICAP/1.0", b"ICAP/2.0"), 505),
    "service": (icap("RESPMOD", "none", SECTIONS, chunked(b"x")), 404),
    "wrong method": (icap("RESPMOD", "reqmod", SECTIONS, chunked(b"x")), 405),
    "no encapsulated": (b"RESPMOD icap://h/respmod ICAP/1.0\r\nHost: h\r\n\r\n", 400),
    "giant head": (b"OPTIONS icap://h/respmod ICAP/1.0\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", 400),
    "giant http head": (icap("RESPMOD", "respmod", [("res-hdr", HEAD), ("res-body", b"")], b"").replace(
        b"res-body=19", b"res-body=999999"), 400),
    "wrong offset": (icap("RESPMOD", "respmod", SECTIONS, chunked(b"x")).replace(b"res-body=19", b"res-body=17"), 400),
    "no http": (icap("RESPMOD", "respmod", [("res-hdr", b"nonsense\r\n\r\n"), ("res-body", b"")], chunked(b"x")), 400),
    "no response": (icap("RESPMOD", "respmod", [("req-hdr", asked_for("a")), ("res-body", b"")], chunked(b"x")), 400),
    "no request": (icap("REQMOD", "reqmod", [("req-body", b"")], chunked(b"x")), 400),
    "chunk size": (icap("RESPMOD", "respmod", SECTIONS, b"zz\r\nabc\r\n0\r\n\r\n"), 400),
    "negative chunk": (icap("RESPMOD", "respmod", SECTIONS, b"-1\r\nabc\r\n0\r\n\r\n"), 400),
    "giant chunk size": (icap("RESPMOD", "respmod", SECTIONS, b"fffffffff\r\nabc"), 400),
    "chunk without end": (icap("RESPMOD", "respmod", SECTIONS, b"3\r\nabcd\r\n0\r\n\r\n"), 400),
    "long chunk line": (icap("RESPMOD", "respmod", SECTIONS, b"3;" + b"x" * 5000 + b"\r\nabc\r\n0\r\n\r\n"), 400),
    "endless chunk line": (icap("RESPMOD", "respmod", SECTIONS, b"3;" + b"x" * 200_000), 400),
    "endless trailers": (icap("RESPMOD", "respmod", SECTIONS, b"3\r\nabc\r\n0\r\n" + b"A: b\r\n" * 1000), 400),
    "ieof without preview": (icap("RESPMOD", "respmod", SECTIONS, b"3\r\nabc\r\n0; ieof\r\n\r\n"), 400),
    "ieof with a size": (icap("RESPMOD", "respmod", SECTIONS, b"3; ieof\r\nabc\r\n", "Preview: 9"), 400),
    "more than the preview": (icap("RESPMOD", "respmod", SECTIONS, chunked(b"x" * 100), "Preview: 9"), 400),
    "a preview that is none": (icap("RESPMOD", "respmod", SECTIONS, chunked(b"x"), "Preview: many"), 400),
    "two previews": (icap("RESPMOD", "respmod", SECTIONS, chunked(b"x"), "Preview: 1", "Preview: 2"), 400),
    "two lengths": (icap("RESPMOD", "respmod", SECTIONS, chunked(b"x"), "Encapsulated: res-body=0"), 400),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_icap_is_answered_and_ends_the_connection(town: Installation, name: str) -> None:
    message, status = BAD[name]

    def conversation(gateway: Gateway) -> tuple[Answer, bool]:
        gateway.send(message)
        answer = gateway.answer()
        return answer, gateway.ended()

    answer, ended = await talk(town, conversation)
    assert (answer.status, answer.fields["connection"], answer.body) == (status, "close", None)
    assert ended


async def test_a_conversation_that_is_cut_anywhere_leaves_nothing(town: Installation) -> None:
    message = respmod(picture(), b"Content-Type: image/png", request=asked_for("a.png"))
    before = len(town.leaves("file.sanitize"))
    points = sorted(random.Random(3507).sample(range(1, len(message) - 7), 25))

    def cut() -> None:
        for point in points:
            with socket.create_connection(("127.0.0.1", port_of(town))) as sock:
                sock.sendall(message[:point])

    await asyncio.to_thread(cut)
    await settled(town)
    assert len(town.leaves("file.sanitize")) == before
    assert list((town.folder / "passing").iterdir()) == []
    await assert_served(town)


async def test_a_gateway_that_goes_away_before_the_answer_leaves_nothing(town: Installation) -> None:
    message = respmod(picture(), b"Content-Type: image/png", request=asked_for("a.png"))

    def leave() -> None:
        with socket.create_connection(("127.0.0.1", port_of(town))) as sock:
            sock.sendall(message * 3)

    await asyncio.to_thread(leave)
    await settled(town)
    await assert_served(town)


async def test_a_file_that_is_too_large_is_refused_as_early_as_can_be(town: Installation) -> None:
    large = b"a" * ((1 << 20) + 1)
    told = f"Content-Length: {len(large)}".encode()
    preview = respmod(large, PDF, told, fields=("Preview: 4",), body=chunked(large[:4]))
    answer = await answer_to(town, preview)  # nobody asks for the rest
    assert answer.http_status == 413
    for fields in ((told,), ()):

        def conversation(gateway: Gateway, fields: tuple[bytes, ...] = fields) -> tuple[Answer, Answer]:
            gateway.send(respmod(large, PDF, *fields))
            first = gateway.answer()
            gateway.send(respmod(b"<p>", HTML))
            return first, gateway.answer()

        refused, after = await talk(town, conversation)
        assert (refused.http_status, after.status) == (413, 204)
    endless = await answer_to(town, respmod(large * 3, PDF))
    assert endless.http_status == 413 and endless.fields["connection"] == "close"


async def test_parts_and_packed_files_are_refused_before_the_rest_is_sent(town: Installation) -> None:
    for more, line in ((b"Content-Encoding: br", b"HTTP/1.1 200 OK"), (b"X: y", b"HTTP/1.1 206 Partial Content")):
        first = respmod(EXE, PDF, more, fields=("Preview: 4",), body=chunked(EXE[:4]), line=line)
        answer = await answer_to(town, first)
        assert answer.http_status == 403 and answer.body is not None
        assert (b"<code>encoded</code>" in answer.body) or (b"<code>partial</code>" in answer.body)


async def test_what_is_asked_for_is_asked_for_whole_and_other_requests_stay(town: Installation) -> None:
    head = b"GET http://h/a HTTP/1.1\r\nHost: h\r\nRange: bytes=0-9\r\nIf-Range: x\r\nAccept-Encoding: br\r\n\r\n"
    answer = await answer_to(town, reqmod(None, head))
    assert answer.head == b"GET http://h/a HTTP/1.1\r\nHost: h\r\nAccept-Encoding: identity\r\n\r\n"
    assert answer.body is None
    connect = b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"
    assert (await answer_to(town, reqmod(None, connect))).status == 204
    fields = b"POST http://h/a HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
    assert (await answer_to(town, reqmod(b"a=b", fields))).status == 204


def form(*parts: bytes, boundary: bytes = b"x") -> tuple[bytes, bytes]:
    head = b"POST http://h/a HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=%b\r\n\r\n" % boundary
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n", head


def part(name: str, data: bytes, file: str = "") -> bytes:
    named = f'; filename="{file}"' if file else ""
    return f'Content-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data


async def test_files_of_a_form_are_rebuilt_and_one_that_is_refused_stops_it(town: Installation) -> None:
    data, head = form(part("title", "題名".encode()), part("f", picture(), "届.png"), part("none", b"", "x"))
    answer = await answer_to(town, reqmod(data, head))
    assert answer.head.startswith(b"POST ") and answer.body is not None
    assert b"secret place" not in answer.body and "題名".encode() in answer.body and "届.png".encode() in answer.body
    boundary = answer.http("Content-Type").partition("boundary=")[2].encode()
    assert answer.body.count(b"--" + boundary) == 4 and answer.body.endswith(b"--" + boundary + b"--\r\n")
    data, head = form(part("f", picture(), "a.png"), part("g", EXE, "b.png"))
    refused = await answer_to(town, reqmod(data, head))
    assert refused.http_status == 403 and refused.body is not None and b"b.png" in refused.body


async def test_a_form_that_cannot_be_read_is_refused(town: Installation) -> None:
    good, head = form(part("f", picture(), "a.png"))
    other, none = head.replace(b"=x", b"=y"), form(boundary=b"")[1]
    for data, told in ((good[:-3], head), (b"", head), (good, other), (good, none)):
        answer = await answer_to(town, reqmod(data, told))
        assert answer.http_status == 403 and answer.body is not None and b"no-form" in answer.body
    fields_only, head = form(part("title", b"text"))
    assert (await answer_to(town, reqmod(fields_only, head))).body == fields_only


def strangers_of(town: Installation) -> list[dict[str, Any]]:
    return [leaf for leaf in town.leaves("stranger.refused") if leaf["reason"] == "icap.stranger"]


async def test_one_too_many_is_told_and_strangers_are_not_answered(town: Installation) -> None:
    def crowd() -> tuple[int, bytes]:
        inside = [Gateway(port_of(town)) for _ in range(12)]
        for gateway in inside:
            gateway.send(options("respmod"))
            gateway.answer()
        with Gateway(port_of(town)) as late:
            status = late.answer().status
        for gateway in inside:
            gateway.close()
        with socket.socket() as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.settimeout(10)
            stranger.connect(("127.0.0.1", port_of(town)))
            said = stranger.recv(100)
        return status, said

    status, said = await asyncio.to_thread(crowd)
    assert (status, said) == (503, b"")
    town.application.strangers.flush(everything=True)
    async with asyncio.timeout(10):
        while not (leaves := strangers_of(town)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (leaves[-1]["address"], leaves[-1]["zone"]) == ("127.0.0.2", "lgwan")
    await settled(town)


def another_server(town: Installation, **seconds: float) -> IcapServer:
    """One more server before the same sanitizer."""
    application = town.application
    return IcapServer(town.settings.icap, application.sanitizing, application.strangers.refused, **seconds)


@pytest.mark.parametrize(
    ("begun", "answered"),
    [(b"", b""), (b"RESPMOD icap", b"ICAP/1.0 408 "), (respmod(b"x" * 99, PDF)[:-40], b""),
     (respmod(b"x" * 9, PDF)[:-9], b"")],
)  # fmt: skip
async def test_who_is_slow_is_let_go(town: Installation, begun: bytes, answered: bytes) -> None:
    server = another_server(town, pace=0.3, idle=0.3)
    sock = socket.create_server(("127.0.0.1", 0))
    await server.start(sock)
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    writer.write(begun)
    async with asyncio.timeout(10):
        said = await reader.read()
    assert said[:13] == answered
    writer.close()
    await server.close()
    assert server.connections == 0


async def test_drops_of_a_body_do_not_hold_a_place(town: Installation) -> None:
    server = another_server(town, pace=0.5)
    sock = socket.create_server(("127.0.0.1", 0))
    await server.start(sock)
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    writer.write(respmod(b"", PDF, body=b""))

    async def drip() -> None:
        while True:
            writer.write(b"1\r\nx\r\n")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    dripping.cancel()
    writer.close()
    await server.close()
    await settled(town)


async def test_the_end_comes_between_messages_and_soon(town: Installation) -> None:
    server = another_server(town)
    sock = socket.create_server(("127.0.0.1", 0))
    await server.start(sock)
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    writer.write(options("respmod"))
    await reader.readuntil(b"\r\n\r\n")
    busy_reader, busy_writer = await asyncio.open_connection(*sock.getsockname())
    busy_writer.write(respmod(picture(), b"Content-Type: image/png", request=asked_for("a.png")))
    async with asyncio.timeout(5):
        while server.connections < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await server.close()
        assert await reader.read() == b""
        await busy_reader.read()
    for each in (writer, busy_writer):
        each.close()
    assert server.connections == 0


async def test_while_the_sanitizer_is_full_nobody_gets_the_file(town: Installation) -> None:
    message = respmod(picture(), b"Content-Type: image/png", request=asked_for("a.png"))
    spools = []
    for _ in range(16):
        spool = town.application.sanitizing.begin()
        assert not isinstance(spool, tuple)
        spools.append(spool)
    with Gateway(port_of(town)) as gateway:
        gateway.send(message)
        answer = await asyncio.to_thread(gateway.answer)
    for spool in spools:
        spool.close()
    assert answer.http_status == 503 and answer.http("Retry-After")
    await settled(town)
    await assert_served(town)


async def test_messages_with_any_fault_end_in_an_answer_or_the_connection(town: Installation) -> None:
    """Bytes of a message are lost, doubled and changed; a program is never sent back, and the next one is served."""
    chance = random.Random(204)
    message = respmod(EXE, PDF, request=asked_for("a.pdf"), fields=("Allow: 204", "Preview: 1024"))

    def mutate() -> bytes:
        data = bytearray(message)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(400 if chance.random() < 0.8 else len(data))
            fault = chance.randrange(4)
            if fault == 0:
                del data[at : at + chance.randint(1, 30)]
            elif fault == 1:
                data[at:at] = data[at : at + chance.randint(1, 30)]
            elif fault == 2:
                data[at] = chance.randrange(256)
            else:
                data[at:at] = chance.choice([b"\r\n", b"0\r\n\r\n", b"\0", b"; ieof", b"ffffffff\r\n", b","])
        return bytes(data)

    def run() -> None:
        for _ in range(150):
            with socket.create_connection(("127.0.0.1", port_of(town)), 20) as sock:
                sock.sendall(mutate())
                sock.shutdown(socket.SHUT_WR)
                said = b""
                with contextlib.suppress(ConnectionError):
                    while more := sock.recv(65536):
                        said += more
            assert said == b"" or said.startswith(b"ICAP/1.0 "), said[:100]
            assert b"secret" not in said and b"\x7fELF" not in said
            assert b"ICAP/1.0 500" not in said

    await asyncio.to_thread(run)
    await settled(town)
    await assert_served(town)


async def test_the_bounds_are_what_the_documents_say() -> None:
    assert (messages.MAX_HEAD, body.HEAD_SECONDS, body.PACE_SECONDS) == (65536, 20.0, 60.0)


async def test_a_busy_port_is_a_reason_not_to_start(tmp_path: Path) -> None:
    from server.binding import StartRefused, bind_icap
    from server.settings import IcapSettings

    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = bind_icap(IcapSettings(host="127.0.0.1", port=taken.getsockname()[1]))
    assert isinstance(refused, StartRefused) and refused.code == "address_in_use"
    assert bind_icap(IcapSettings()) is None
