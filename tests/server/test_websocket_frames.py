"""Every frame of ``sekisho.v1``, and every frame that is not one, over a real socket."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from support.served import assert_closes, receive, receive_until, send, served
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from server.rate_limits import Rate
from server.websocket_endpoint import SocketLimits


async def test_hello_ready_post_ack_event_and_read_mark() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato", "suzuki")
        async with town.login("sato") as sato, town.login("suzuki") as suzuki:
            ready = await receive(sato)
            assert ready["op"] == "ready" and ready["zone"] == "internet" and ready["user"]["login"] == "sato"
            assert [room["id"] for room in ready["rooms"]] == ["r_1"]
            await receive(suzuki)
            await send(sato, op="post", ref=7, room="r_1", client_msg_id="c1", text="おはようございます")
            assert await receive_until(sato, "ack") == {"op": "ack", "ref": 7, "message_id": "m_1", "seq": 1}
            event = await receive_until(suzuki, "event")
            assert event["seq"] == 1 and event["at"] == "2023-11-14T22:13:20.001Z"
            assert event["event"]["type"] == "message.posted"
            assert event["event"]["message"]["text"] == "おはようございます"
            await send(suzuki, op="read", room="r_1", seq=1)
            assert await receive(suzuki) == {"op": "read_mark", "room": "r_1", "seq": 1}


async def test_the_sender_hears_its_own_event_and_the_same_id_gets_the_same_answer() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        async with town.login("sato") as sato:
            await receive(sato)
            for ref in (1, 2):
                await send(sato, op="post", ref=ref, room="r_1", client_msg_id="same", text="x")
            frames = [await receive(sato) for _ in range(3)]
            assert sorted(frame["op"] for frame in frames) == ["ack", "ack", "event"]
            assert {frame["seq"] for frame in frames} == {1}


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("", 0),
        ("{", 0),
        ("[]", 0),
        ('"post"', 0),
        ('{"op":"dance","ref":3}', 3),
        ('{"op":"post","ref":4,"room":"r_1"}', 4),
        ('{"op":"post","ref":5,"room":"r_1","client_msg_id":"c","text":1}', 5),
        ('{"op":"post","ref":6,"room":"r_1","client_msg_id":"c","text":"x","surprise":true}', 6),
        ('{"op":"post","ref":"7","room":"r_1","client_msg_id":"c"}', 0),
        ('{"op":"post","ref":-8,"room":"r_1","client_msg_id":"c"}', 0),
        ('{"op":"post","ref":99999999999999999999999,"room":"r_1","client_msg_id":"c"}', 0),
        ('{"op":"post","ref":9,"room":"' + "r" * 65 + '","client_msg_id":"c"}', 9),
        ('{"op":"read","room":"r_1","seq":-1}', 0),
        ('{"op":"read","room":"r_1","seq":1.5}', 0),
        ('{"op":"read","room":"\\ud800","seq":1}', 0),
        ('{"op":"hello","token":"again"}', 0),
        ("[" * 30_000, 0),
        ('{"op":"post","ref":10,"x":' + '{"a":' * 5_000, 0),
        ('{"op":"post","ref":NaN}', 0),
    ],
)
async def test_what_cannot_be_read_is_refused_and_the_connection_lives(text: str, ref: int) -> None:
    async with served() as town, town.login("sato") as sato:
        await receive(sato)
        await sato.send(text)
        refused = await receive(sato)
        assert (refused["op"], refused["ref"], refused["code"]) == ("refused", ref, "malformed")
        assert refused["message"].endswith("お試しください。")
        await send(sato, op="post", ref=11, room="r_none", client_msg_id="c", text="x")
        assert (await receive(sato))["code"] == "not_found"


async def test_refusals_speak_the_language_of_the_handshake() -> None:
    async with served() as town, town.login("sato", additional_headers={"Accept-Language": "en-GB,ja;q=0.5"}) as sato:
        await receive(sato)
        await sato.send("{")
        assert (await receive(sato))["message"].startswith("The request could not be read")


async def test_binary_is_1003_and_too_big_is_1009() -> None:
    async with served() as town:
        async with town.login("sato") as sato:
            await receive(sato)
            await sato.send(b"{}")
            await assert_closes(sato, 1003)
        async with town.login("sato") as sato:
            await receive(sato)
            await sato.send("x" * (64 * 1024 + 1))
            await assert_closes(sato, 1009)
        async with town.login("sato") as sato:
            await receive(sato)
            await sato.send(["x" * 40_000, "x" * 40_000])
            await assert_closes(sato, 1009)


async def test_a_frame_of_exactly_64_kib_is_read() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        async with town.login("sato") as sato:
            await receive(sato)
            post = {"op": "post", "ref": 1, "room": "r_1", "client_msg_id": "c", "text": ""}
            post["text"] = "x" * (64 * 1024 - len(msgspec.json.encode(post)))
            await send(sato, **post)
            assert (await receive_until(sato, "ack"))["seq"] == 1


async def test_a_message_in_many_fragments_is_one_message() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        async with town.login("sato") as sato:
            await receive(sato)
            text = '{"op":"post","ref":1,"room":"r_1","client_msg_id":"c","text":"関所"}'
            await sato.send(list(text))
            assert (await receive_until(sato, "event"))["event"]["message"]["text"] == "関所"


async def test_frames_before_ready_keep_their_order() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        async with town.login("sato") as sato:
            for number in range(20):
                await send(sato, op="post", ref=number, room="r_1", client_msg_id=f"c{number}", text=str(number))
            await receive_until(sato, "ready")
            frames = [await receive(sato) for _ in range(40)]
            events = [frame["event"]["message"]["text"] for frame in frames if frame["op"] == "event"]
            assert events == [str(number) for number in range(20)]
            assert [frame["ref"] for frame in frames if frame["op"] == "ack"] == list(range(20))


async def test_no_hello_within_its_time_is_4001() -> None:
    async with served(SocketLimits(hello_seconds=1.0)) as town, town.open() as socket:
        assert await assert_closes(socket, 4001, 4.0) == "no hello"
        assert town.endpoint.strangers == 0


@pytest.mark.parametrize("first", ["{", '{"op":"post","ref":1,"room":"r","client_msg_id":"c"}', '{"op":"hello"}'])
async def test_anything_but_a_hello_with_a_token_is_4001(first: str) -> None:
    async with served() as town, town.open() as socket:
        await socket.send(first)
        await assert_closes(socket, 4001)


async def test_a_wrong_token_and_a_token_of_another_zone_are_4001() -> None:
    async with served() as town:
        foreign = town.engine.add_session("sato", "lgwan")
        for token in ("nonsense", foreign):
            async with town.open("internet") as socket:
                await send(socket, op="hello", token=token, cursors={})
                assert await assert_closes(socket, 4001) == "unauthenticated"


async def test_a_bearer_header_authenticates_and_a_cookie_only_with_an_origin() -> None:
    async with served() as town:
        token = town.engine.add_session("sato")
        cookie = {"Cookie": f"__Host-sekisho-lgwan=other; __Host-sekisho-internet={token}"}
        async with town.open(additional_headers={"Authorization": f"Bearer {token}"}) as socket:
            await send(socket, op="hello")
            assert (await receive(socket))["op"] == "ready"
        async with town.open(additional_headers=cookie, origin=Origin(town.url())) as socket:
            await send(socket, op="hello")
            assert (await receive(socket))["op"] == "ready"
        async with town.open(additional_headers=cookie) as socket:
            await send(socket, op="hello")
            assert await assert_closes(socket, 4001) == "no token"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1", "{url}.evil.example", "{url}/", "{URL}", "http://127.0.0.1:1"],
)
async def test_a_wrong_origin_is_403_before_the_upgrade(origin: str) -> None:
    async with served() as town:
        origin = origin.replace("{url}", town.url()).replace("{URL}", town.url().upper())
        with pytest.raises(InvalidStatus) as refused:
            async with town.open(origin=Origin(origin)):
                pass
        assert refused.value.response.status_code == 403
        body = msgspec.json.decode(refused.value.response.body or b"")
        assert (body["code"], body["reason"]) == ("forbidden", "foreign_origin")
        assert [reason for _, reason in town.engine.refusals] == ["foreign_origin"]


@pytest.mark.parametrize("subprotocols", [None, [Subprotocol("chat")]])
async def test_without_our_subprotocol_there_is_no_socket(subprotocols: list[Subprotocol] | None) -> None:
    async with served() as town:
        with pytest.raises(InvalidStatus) as refused:
            async with town.open(subprotocols=subprotocols):
                pass
        assert refused.value.response.status_code == 400
        assert refused.value.response.headers["content-type"] == "application/problem+json"


async def test_a_flood_of_frames_is_1008_and_of_posts_is_refused() -> None:
    limits = SocketLimits(frames=Rate(1.0, 20.0), posts=Rate(0.1, 2.0))
    async with served(limits) as town:
        town.engine.add_room("r_1", "sato")
        async with town.login("sato") as sato:
            await receive(sato)
            for ref in range(3):
                await send(sato, op="post", ref=ref, room="r_1", client_msg_id=f"c{ref}", text="x")
            refused = await receive_until(sato, "refused")
            assert (refused["ref"], refused["code"]) == (2, "rate_limited")
            with pytest.raises(ConnectionClosed):
                for _ in range(40):
                    await sato.send("{}")
                while True:
                    await receive(sato)
            assert sato.close_code == 1008


async def test_posts_of_two_sockets_of_one_session_share_one_bucket() -> None:
    async with served(SocketLimits(posts=Rate(0.01, 3.0))) as town:
        town.engine.add_room("r_1", "sato")
        async with town.login("sato") as one, town.login("sato") as two:
            await receive(one)
            await receive(two)
            for ref, socket in enumerate((one, two, one, two)):
                await send(socket, op="post", ref=ref, room="r_1", client_msg_id=f"c{ref}", text="x")
                answer = await receive(socket)
                while answer["op"] == "event":
                    answer = await receive(socket)
            assert (answer["op"], answer["code"]) == ("refused", "rate_limited")


async def test_a_fault_of_the_engine_is_answered_internal() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        town.engine.posting = False
        async with town.login("sato") as sato:
            await receive(sato)
            await send(sato, op="post", ref=1, room="r_1", client_msg_id="c", text="x")
            assert (await receive(sato))["code"] == "internal"


async def test_too_many_sockets_of_one_person_are_refused() -> None:
    limits = SocketLimits(connections_per_person=2)
    async with served(limits) as town, town.login("sato") as one, town.login("sato") as two:
        await receive(one)
        await receive(two)
        async with town.login("sato") as three:
            assert await assert_closes(three, 1008) == "too many connections"


async def test_a_silent_peer_is_asked_and_then_dropped() -> None:
    async with served(SocketLimits(idle_ping_seconds=1.0, pong_seconds=1.0)) as town, town.login("sato") as sato:
        await receive(sato)
        await asyncio.sleep(2.2)
        await send(sato, op="read", room="r", seq=1)
        assert (await receive(sato))["op"] == "read_mark"
        sato.transport.pause_reading()
        for _ in range(50):
            await asyncio.sleep(0.1)
            if not town.endpoint.connections:
                break
        assert not town.endpoint.connections
        sato.transport.abort()
