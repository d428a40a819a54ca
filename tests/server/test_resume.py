"""Coming back with cursors: nothing missed, nothing twice, order equal, whatever happens in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import force_setattr
from support.memory_engine import MemoryEngine, logged_in
from support.served import Served, assert_closes, receive, receive_until, served
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from server import wire
from server.resume import PAGE
from server.websocket_endpoint import SocketLimits


class Reader:
    """A client that keeps what it saw and comes back with its cursors."""

    def __init__(self) -> None:
        self.cursors: dict[str, int] = {}
        self.seen: dict[str, list[int]] = {}

    def take(self, frame: dict[str, Any]) -> None:
        if frame["op"] == "event":
            self.seen.setdefault(frame["room"], []).append(frame["seq"])
            self.cursors[frame["room"]] = frame["seq"]

    def assert_whole(self, engine: MemoryEngine, start: dict[str, int]) -> None:
        for room, events in engine.events_of.items():
            first = start.get(room, 0)
            assert self.seen.get(room, []) == list(range(first + 1, len(events) + 1)), room


async def read_for(socket: ClientConnection, reader: Reader, frames: int) -> None:
    """Read ``frames`` frames, or until nothing comes any more."""
    for _ in range(frames):
        try:
            reader.take(await receive(socket, 0.01))
        except (TimeoutError, ConnectionClosed):
            return


async def read_up(socket: ClientConnection, reader: Reader, engine: MemoryEngine) -> None:
    """Read until every room's last event was seen."""
    while any(reader.cursors.get(room, 0) < len(events) for room, events in engine.events_of.items()):
        reader.take(await receive(socket))


async def test_a_cursor_gets_exactly_the_gap_then_live_events() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        town.engine.say("r_1", *(str(n) for n in range(3 * PAGE + 7)))
        async with town.login("sato", {"r_1": 5}) as sato:
            ready = await receive(sato)
            assert ready["rooms"][0]["head"] == 3 * PAGE + 7
            seqs = [(await receive(sato))["seq"] for _ in range(3 * PAGE + 2)]
            town.engine.say("r_1", "live")
            seqs.append((await receive(sato))["seq"])
            assert seqs == list(range(6, 3 * PAGE + 9))


async def test_rooms_without_a_cursor_start_at_their_head_and_zero_means_all() -> None:
    async with served() as town:
        for room in ("r_old", "r_all"):
            town.engine.add_room(room, "sato")
            town.engine.say(room, "one", "two")
        async with town.login("sato", {"r_all": 0}) as sato:
            await receive(sato)
            town.engine.say("r_old", "three")
            frames = [await receive(sato) for _ in range(3)]
            assert {(f["room"], f["seq"]) for f in frames} == {("r_all", 1), ("r_all", 2), ("r_old", 3)}


async def test_a_cursor_beyond_the_head_or_before_what_is_kept_is_reset() -> None:
    async with served() as town:
        for room in ("r_beyond", "r_pruned"):
            town.engine.add_room(room, "sato")
            town.engine.say(room, *"abcde")
        town.engine.pruned_below["r_pruned"] = 3
        async with town.login("sato", {"r_beyond": 9, "r_pruned": 1}) as sato:
            await receive(sato)
            resets = [await receive(sato), await receive(sato)]
            assert resets == [{"op": "reset", "room": room, "head": 5} for room in ("r_beyond", "r_pruned")]
            town.engine.say("r_beyond", "f")
            town.engine.say("r_pruned", "f")
            assert [(await receive(sato))["seq"] for _ in range(2)] == [6, 6]


async def test_a_cursor_for_a_room_that_is_not_ones_own_is_answered_room_left() -> None:
    async with served() as town:
        town.engine.add_room("r_secret", "suzuki")
        town.engine.say("r_secret", "hidden")
        async with town.login("sato", {"r_secret": 0, "r_nonsense": 0}) as sato:
            await receive(sato)
            left = [await receive(sato), await receive(sato)]
            assert left == [{"op": "room_left", "room": room} for room in ("r_secret", "r_nonsense")]


async def test_joining_and_leaving_while_connected() -> None:
    async with served() as town:
        town.engine.add_room("r_new", "suzuki")
        town.engine.say("r_new", "before", "also before")
        async with town.login("sato") as sato:
            await receive(sato)
            town.engine.members["r_new"].add("p_sato")
            town.hub.joined("p_sato", {"internet": town.engine.room_view("r_new")}, 1)
            room = await receive(sato)
            assert (room["op"], room["room"]["id"], room["after"]) == ("room", "r_new", 1)
            assert (await receive(sato))["seq"] == 2
            town.engine.say("r_new", "live")
            assert (await receive(sato))["seq"] == 3
            town.engine.members["r_new"].discard("p_sato")
            town.hub.left("p_sato", "r_new")
            town.engine.say("r_new", "not for sato")
            assert await receive(sato) == {"op": "room_left", "room": "r_new"}
            with pytest.raises(TimeoutError):
                await receive(sato, 0.1)


async def test_a_room_that_a_zone_may_not_see_is_not_told_there() -> None:
    async with served() as town:
        town.engine.add_room("r_closed", "suzuki")
        async with town.login("sato", zone="internet") as outside, town.login("sato", zone="lgwan") as inside:
            await receive(outside)
            await receive(inside)
            town.hub.joined("p_sato", {"lgwan": town.engine.room_view("r_closed")}, 0)
            assert (await receive(inside))["op"] == "room"
            town.engine.say("r_closed", "inside only")
            assert (await receive(inside))["op"] == "event"
            with pytest.raises(TimeoutError):
                await receive(outside, 0.1)


async def test_leaving_and_joining_again_during_a_replay_gives_nothing_twice() -> None:
    """The page that was under way when the person left is thrown away, also when they are back before it arrives."""
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        town.engine.say("r_1", *(str(n) for n in range(PAGE * 4)))
        async with town.login("sato", {"r_1": 0}) as sato:
            await receive_until(sato, "event")
            town.hub.left("p_sato", "r_1")
            town.hub.joined("p_sato", {"internet": town.engine.room_view("r_1")}, PAGE * 4 - 2)
            await receive_until(sato, "room")
            rest = [(await receive(sato))["seq"] for _ in range(2)]
            town.engine.say("r_1", "live")
            rest.append((await receive(sato))["seq"])
            assert rest == [PAGE * 4 - 1, PAGE * 4, PAGE * 4 + 1]


async def test_what_happens_to_a_person_during_the_login_is_told_after_ready() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        town.engine.add_room("r_2", "suzuki")
        gate = asyncio.Event()
        rooms_of = town.engine.rooms_of

        async def slow_rooms_of(who: Any) -> Any:
            views = await rooms_of(who)
            await gate.wait()
            return views

        town.engine.rooms_of = slow_rooms_of  # type: ignore[method-assign]
        async with town.login("sato") as sato:
            await asyncio.sleep(0.1)
            assert town.hub.connections_of("p_sato")
            town.engine.say("r_1", "between the list and ready")
            town.engine.members["r_2"].add("p_sato")
            town.hub.joined("p_sato", {"internet": town.engine.room_view("r_2")}, 0)
            town.hub.left("p_sato", "r_1")
            town.hub.to_person("p_sato", wire.ReadMark("r_2", 0))
            gate.set()
            frames = [(await receive(sato))["op"] for _ in range(4)]
            assert frames == ["ready", "room", "room_left", "read_mark"]


async def test_a_session_that_ends_closes_its_sockets_with_4003() -> None:
    async with served() as town, town.login("sato") as sato, town.login("sato", zone="lgwan") as inside:
        await receive(sato)
        await receive(inside)
        ended = town.hub.end("p_sato", session=logged_in("sato", "internet").session, reason="logout")
        assert ended == 1
        assert await assert_closes(sato, 4003) == "logout"
        town.hub.end("p_sato", zone="lgwan", reason="zone withdrawn")
        await assert_closes(inside, 4003)
        assert town.hub.connections_of("p_sato") == []


async def test_a_lost_or_repeated_publication_is_made_good_from_the_store() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        async with town.login("sato") as sato:
            await receive(sato)
            town.engine.say("r_1", "1")
            town.engine.commit("r_1", "2: its publication is lost")
            town.engine._unpublished.clear()
            town.engine.say("r_1", "3")
            town.hub.publish(town.engine.events_of["r_1"][:2])
            town.engine.say("r_1", "4")
            assert [(await receive(sato))["seq"] for _ in range(4)] == [1, 2, 3, 4]


async def test_an_event_that_cannot_be_rendered_harms_only_its_room() -> None:
    async with served() as town:
        for room in ("r_bad", "r_good"):
            town.engine.add_room(room, "suzuki" if room == "r_bad" else "sato")
        async with town.login("sato") as sato, town.login("suzuki") as suzuki:
            await receive(sato)
            await receive(suzuki)
            bad = town.engine.commit("r_bad", "x")
            force_setattr(bad, "view", lambda zone: 1 / 0)
            town.engine.say("r_good", "y")
            assert (await receive(sato))["room"] == "r_good"
            await assert_closes(suzuki, 1011)


async def test_each_zone_gets_its_own_view_under_the_same_seq() -> None:
    async with served() as town:
        town.engine.add_room("r_1", "sato")
        async with town.login("sato", zone="internet") as outside, town.login("sato", zone="lgwan") as inside:
            await receive(outside)
            await receive(inside)
            town.engine.say("r_1", "秘密", made_in="mynumber")
            town.engine.say("r_1", "公開", made_in="lgwan")
            for socket in (outside, inside):
                withheld = await receive(socket)
                assert (withheld["seq"], withheld["event"]) == (1, {"type": "message.withheld"})
                assert (await receive(socket))["event"]["message"]["text"] == "公開"


@asynccontextmanager
async def posting(town: Served, rooms: list[str], chance: random.Random) -> AsyncIterator[None]:
    """Posts go on while the block runs; commits, publications and reads interleave at random."""

    async def post() -> None:
        while True:
            for _ in range(chance.randrange(1, 4)):
                town.engine.commit(chance.choice(rooms), "x" * chance.choice((1, 50, 3000)))
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            town.engine.publish_all()
            await asyncio.sleep(chance.choice((0, 0, 0.001)))

    task = asyncio.create_task(post())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        town.engine.publish_all()


async def test_a_thousand_cuts() -> None:
    """R9: a client cut at 1,000 random points and resumed with its cursors, under load."""
    chance = random.Random(9)
    async with served(SocketLimits(high_water=4096), chance=chance) as town:
        rooms = ["r_1", "r_2", "r_3"]
        for room in rooms:
            town.engine.add_room(room, "sato")
        reader = Reader()
        cut_while_reading = 0
        for cut in range(1000):
            before = sum(map(len, reader.seen.values()))
            if cut % 50 == 0:
                async with posting(town, rooms, chance):
                    await asyncio.sleep(0.02)
            async with town.login("sato", {room: reader.cursors.get(room, 0) for room in rooms}) as sato:
                async with posting(town, rooms, chance) if cut % 2 else asyncio.timeout(None):
                    await read_for(sato, reader, chance.choice((0, 1, 2, 5, 40)))
                sato.transport.abort()
            cut_while_reading += sum(map(len, reader.seen.values())) > before
        async with town.login("sato", {room: reader.cursors.get(room, 0) for room in rooms}) as sato:
            await read_up(sato, reader, town.engine)
        reader.assert_whole(town.engine, {})
        assert cut_while_reading > 300
        assert sum(map(len, town.engine.events_of.values())) > 1000
