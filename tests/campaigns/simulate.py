"""Campaign: the server's own sessions, sockets, fan-out, replay, writer and store in virtual time, by seeds.

Shows, for each seed: what was acknowledged is durable; seq without gaps; everyone sees the same order, each event once;
nobody sees what was said while they were not members; what was made in the My Number zone reaches no other zone.

>>> python -m campaigns.simulate --seeds 10000 --folder DIR       # doctest: +SKIP
>>> python -m campaigns.simulate --seed 4711 --folder DIR         # doctest: +SKIP

Faults: lines that are cut at any moment, readers slower than what is said, drains that meet a full disk or an
interrupted statement, crashes of the server between any two steps of its loop. The store is real SQLite in
memory-backed files; a crash in the middle of a commit is ``campaign-writer``'s. Files and the sanitizer are not
simulated. Run it with ``PYTHONHASHSEED=0``: then a seed is the same run everywhere, and its ``trace`` the same.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import logging
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from campaigns.state import counted, keep
from campaigns.virtual_time import Line, VirtualDatabase, VirtualLoop, virtual_time
from campaigns.whole_store import Claim, Whole, assert_kept
from support.town import CHECKPOINT_SEED, RECEIPT_SEED, open_town
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from rooms.audit import NoteSigner
from rooms.commands import SERVER, Origin
from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.commands.people import AddOrganisation, AddPerson
from rooms.commands.sessions import OpenSession
from rooms.perform import Clocks, Drain, Keys, Performer
from rooms.session import token_hash
from rooms.world import Terms
from server.admission import Listener
from server.directory import Directory
from server.fanout import Hub
from server.load import Load
from server.rate_limits import UNLIMITED
from server.read_marks import ReadMarks
from server.rooms_engine import RoomsEngine
from server.sessions import Sessions
from server.strangers import Strangers
from server.telling import Teller
from server.views import Viewer
from server.websocket_endpoint import SocketLimits, WebSocketEndpoint

ZONES = ("internet", "lgwan", "mynumber")
LOGINS = ("sato", "suzuki", "tanaka", "moves")
ALL = frozenset(ZONES)
MARK = "番号区画の言葉"
HOST = "town.test"
NOON = 1_700_000_000_000
LIMITS = SocketLimits(high_water=2_048, write_buffer=16_384, slow_seconds=3.0, frames=UNLIMITED, posts=UNLIMITED)
SECONDS = 6.0  # of virtual time with faults


class Place:
    """What every seed begins with: a store, its rooms, everyone's ids."""

    def __init__(self, folder: Path, rooms: list[str], people: dict[str, str]) -> None:
        self.database = folder / "sekisho.db"
        self.rooms = rooms
        self.people = people


def _sixteen(name: str) -> bytes:
    """Bytes that stand for chance, always the same."""
    return hashlib.sha256(name.encode()).digest()[:16]


async def found(folder: Path) -> Place:
    """Four people, two rooms (one of which a person comes to and goes from), a session for each in each zone."""
    town = await open_town(folder, Terms(zones=ALL))
    town.organisation = (await town.do(AddOrganisation(SERVER, "霞ヶ浜市", bytes(16)))).id
    for login in LOGINS:
        person = await town.do(AddPerson(SERVER, town.organisation, login, login, "x", _sixteen(login), zones=ALL))
        town.people[login] = person
        for zone in ZONES:
            opened = OpenSession(Origin(zone), login, token_hash(f"{login} {zone}"), _sixteen(login + zone))
            await town.do(opened)
    rooms = []
    for name in ("常の室", "出入りの室"):
        gather = OpenRoom(town.origin("sato"), "group", name, ("suzuki", "tanaka"), _sixteen(name), ALL)
        rooms.append((await town.do(gather)).room.id)
    await town.performer.close()
    await town.database.close()
    with closing(sqlite3.connect(folder / "sekisho.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Place(folder, rooms, {login: person.id for login, person in town.people.items()})


class Server:
    """One life of the server: assembled as ``server.app`` does, without files and HTTP."""

    def __init__(self, loop: VirtualLoop, path: Path, chance: Random, faults: float) -> None:
        self.database = VirtualDatabase(path, chance)
        self._faults = faults
        clocks = Clocks(lambda: NOON + int(loop.time() * 1000), lambda: int(loop.time() * 1e9), "boot")
        keys = Keys("sekisho.test/audit", NoteSigner(CHECKPOINT_SEED, "sekisho.test/audit"), RECEIPT_SEED)
        drain = Drain(Terms(zones=ALL), clocks, keys)
        self.directory, self.hub = Directory(), Hub()
        viewer = Viewer(self.directory, drain.terms.table, drain.terms.zones)
        self.performer = Performer(self.database, drain, lambda outcomes: self.teller(outcomes), self._fatal)
        submit = self.performer.submit
        elapsed: Callable[[], int] = lambda: int(loop.time() * 1000)  # noqa: E731
        self.sessions = Sessions(self.database, drain.terms.session_times, submit, clocks.now, elapsed)
        self.teller = Teller(self.hub, self.directory, viewer, self.sessions, _idle, _idle, _idle)
        strangers = Strangers(submit, clocks.now, elapsed)
        engine = RoomsEngine(
            self.database, self.sessions, strangers, viewer, lambda live: self.directory.user(live.person),
            self.performer.perform,
            ReadMarks(submit, lambda: self.performer.queued, Load()),
        )  # fmt: skip
        self.endpoint = WebSocketEndpoint(engine, self.hub, LIMITS)
        self.tasks: list[asyncio.Task[Any]] = []

    def _fatal(self, error: BaseException) -> None:
        raise AssertionError("the storage failed for good") from error

    async def start(self) -> None:
        await self.directory.load(self.database)
        await self.performer.start()
        self.database.faults = self._faults
        self.endpoint.start()

    def crash(self) -> None:
        """The process is gone: no task of it takes another step, no line says another word."""
        self.database.dead = True
        for connection in list(self.endpoint.connections):
            connection.abort()
        for task in [*self.endpoint._tasks, self.performer._task]:
            if task is not None:
                task.cancel()
        self.endpoint.wheel.stop()
        self.database.close_writer()


def _idle() -> None:
    """Nothing follows here."""


class Client:
    """A person's client in one zone: keeps cursors, sends again what has no answer, checks all that it is shown."""

    def __init__(self, world: World, login: str, zone: str) -> None:
        self.world = world
        self.login = login
        self.zone = zone
        self.chance = world.chance
        self.cursors: dict[str, int] = {}
        self.seen: dict[str, list[int]] = {room: [] for room in world.place.rooms}
        self.unanswered: dict[str, str] = {}
        self.line: Line | None = None
        self.count = 0
        self._refs: dict[int, str] = {}
        self._ref = 0
        self.ready = False
        self._protocol: ClientProtocol

    def connect(self, server: Server) -> None:
        uri = parse_uri(f"ws://{HOST}/api/v1/ws")
        self._protocol = ClientProtocol(uri, subprotocols=[Subprotocol("sekisho.v1")], max_size=None)
        connection = server.endpoint.connection(Listener(self.zone, self.zone, frozenset({HOST})))
        slow = self.chance.random() < 0.25 and self.world.faulty
        pace, beat = (self.chance.randrange(60, 400), 0.05) if slow else (1 << 16, self.chance.uniform(0.0005, 0.02))
        self.line = Line(connection, self._receive, self._cut_off, pace, beat)
        connection.connection_made(self.line)
        self.ready = False
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def cut(self) -> None:
        if self.line is not None:
            self.line.abort()
            self.world.counts["cuts"] += 1

    def _cut_off(self) -> None:
        self.line = None

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if self.line is not None and data:
                self.line.send(data)

    def _receive(self, data: bytes) -> None:
        assert self.zone == "mynumber" or MARK.encode() not in data, "a word of the My Number zone in another one"
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                at = f"{self.login} {self.zone} {self.world.loop.time():.6f} "
                self.world.trace.update(at.encode() + bytes(event.data))
                self._frame(json.loads(bytes(event.data)))
            elif not isinstance(event, Frame):
                self._say("hello", token=f"{self.login} {self.zone}", cursors=self.cursors)
        self._flush()

    def _say(self, op: str, **fields: Any) -> None:
        if self.line is not None and self._protocol.state is State.OPEN:
            self._protocol.send_text(json.dumps({"op": op, **fields}).encode())
            self._flush()

    def _frame(self, frame: dict[str, Any]) -> None:
        match frame["op"]:
            case "ready":
                self.ready = True
                for name, room in list(self.unanswered.items()):
                    self._post(name, room)
            case "ack":
                self._acked(self._refs.pop(frame["ref"]), frame["message_id"], frame["seq"])
            case "refused":
                name = self._refs.pop(frame["ref"])
                if frame["code"] in ("not_found", "forbidden_crossing"):
                    self.unanswered.pop(name, None)
                else:
                    self.world.loop.call_later(0.5, self._again, name)
                self.world.counts[f"refused_{frame['code']}"] += 1
            case "event":
                self._shown(frame)
            case "room":
                self.cursors[frame["room"]["id"]] = frame["after"]
            case "room_left":
                self.cursors.pop(frame["room"], None)
            case "reset":
                raise AssertionError(f"{frame}: what was shown is no longer there")

    def _acked(self, name: str, message: str, seq: int) -> None:
        room = self.unanswered.pop(name, None)
        if room is not None:
            person = self.world.place.people[self.login]
            self.world.claims.append(Claim(person, room, name, message, seq))

    def _shown(self, frame: dict[str, Any]) -> None:
        room, seq = frame["room"], frame["seq"]
        before = self.seen[room][-1] if self.seen[room] else 0
        assert seq > before, f"{self.login} in {self.zone}: {seq} of {room} came after {before}"
        self.seen[room].append(seq)
        self.cursors[room] = seq
        said = json.dumps(frame["event"], sort_keys=True)
        kept = self.world.said.setdefault((room, seq, self.zone), said)
        assert kept == said, f"two readers were shown different things at {seq} of {room}"

    def post(self) -> None:
        """Something new, or one of what has no answer again."""
        if not self.ready:
            return
        if self.unanswered and self.chance.random() < 0.3:
            name, room = self.chance.choice(list(self.unanswered.items()))
        else:
            self.count += 1
            name, room = f"{self.login}-{self.zone}-{self.count}", self.chance.choice(self.world.place.rooms)
            self.unanswered[name] = room
        self._post(name, room)

    def _again(self, name: str) -> None:
        """After a refusal that passes (busy, a full disk, a fault)."""
        if self.ready and name in self.unanswered:
            self._post(name, self.unanswered[name])

    def _post(self, name: str, room: str) -> None:
        self._ref += 1
        self._refs[self._ref] = name
        text = (MARK if self.zone == "mynumber" else "") + "あ" * (len(name) * 7 % 90 + 1)
        self._say("post", ref=self._ref, room=room, client_msg_id=name, text=text)


class World:
    """One seed. ``forgets``: the control, a disk that loses what was written since the last start."""

    def __init__(self, loop: VirtualLoop, chance: Random, place: Place, path: Path, *, forgets: bool) -> None:
        self.forgets = forgets
        self.loop = loop
        self.chance = chance
        self.place = place
        self.path = path
        self.faulty = True
        self.claims: list[Claim] = []
        self.said: dict[tuple[str, int, str], str] = {}
        self.counts: Counter[str] = Counter()
        self.trace = hashlib.sha256()
        self.clients = [Client(self, login, zone) for login in LOGINS for zone in chance.sample(ZONES, 2)]
        for client in self.clients:
            client.cursors = dict.fromkeys(place.rooms, 0) if client.login != "moves" else {}
        self.server: Server

    async def run(self) -> None:
        """Faults for a while; then none, until everyone has seen everything."""
        await self._start(0.05)
        crash_at = self.loop.time() + self.chance.uniform(0.3, 4)
        while self.loop.time() < SECONDS:
            self._connect_all(0.3)
            self._something()
            if self.loop.time() > crash_at:
                self._crash()
                await asyncio.sleep(self.chance.uniform(0, 0.5))
                await self._start(0.05)
                crash_at = self.loop.time() + self.chance.uniform(0.3, 4)
            await asyncio.sleep(self.chance.uniform(0, 0.03))
        self.faulty = False
        self._crash()
        await asyncio.sleep(1)
        await self._start(0)
        for _ in range(200):
            self._connect_all(1)
            await asyncio.sleep(0.1)
        self._check()
        self._crash()
        await asyncio.sleep(1)

    async def _start(self, faults: float) -> None:
        shutil.copyfile(self.path, self.path.with_suffix(".before"))
        self.server = Server(self.loop, self.path, self.chance, faults)
        await self.server.start()

    def _crash(self) -> None:
        self.server.crash()
        if self.forgets:
            shutil.copyfile(self.path.with_suffix(".before"), self.path)
        self.counts["failed_drains"] += self.server.database.failed
        self.counts["restarts"] += 1
        self.counts["resyncs"] += self.server.endpoint.resyncs

    def _connect_all(self, share: float) -> None:
        for client in self.clients:
            if client.line is None and self.chance.random() < share:
                client.connect(self.server)

    def _something(self) -> None:
        client = self.chance.choice(self.clients)
        what = self.chance.random()
        if what < 0.06:
            client.cut()
        elif what < 0.12:
            origin = Origin("lgwan", self.place.people["sato"])
            coming = {"add": ("moves",)} if self.chance.random() < 0.5 else {"remove": ("moves",)}
            self.server.performer.submit(ChangeMembers(origin, self.place.rooms[1], **coming))
        else:
            for _ in range(self.chance.choice((1, 1, 2, 8))):
                client.post()

    def _check(self) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as database:
            Whole().read_on(database)
            assert_kept(database, self.claims)
            heads = dict(database.execute("SELECT id, head FROM rooms").fetchall())
            moved = database.execute(
                "SELECT seq, body FROM events WHERE room = ? AND kind = 'members.changed' ORDER BY seq",
                (self.place.rooms[1],),
            ).fetchall()
        within = self._member_at([(seq, json.loads(body)) for seq, body in moved], heads[self.place.rooms[1]])
        for client in self.clients:
            assert not client.unanswered, f"{client.login}: without an answer at the end: {client.unanswered}"
            for room, seen in client.seen.items():
                if client.login != "moves":
                    assert seen == list(range(1, heads[room] + 1)), (
                        f"{client.login} in {client.zone} was shown {_brief(seen)} of {heads[room]} in {room}"
                    )
                else:
                    allowed = within if room == self.place.rooms[1] else set()
                    assert set(seen) <= allowed, f"a stranger was shown {sorted(set(seen) - allowed)[:5]} of {room}"
            self.counts["shown"] += sum(map(len, client.seen.values()))
        self.counts["acknowledged"] += len(self.claims)

    def _member_at(self, moved: list[tuple[int, dict[str, Any]]], head: int) -> set[int]:
        """The places of the second room at which the person who comes and goes was a member."""
        person, inside = self.place.people["moves"], False
        changes = {seq: (person in body["joined"], person in body["left"]) for seq, body in moved}
        places = set()
        for seq in range(1, head + 1):
            joined, left = changes.get(seq, (False, False))
            inside = (inside or joined) and not left
            if inside:
                places.add(seq)
        return places


def _brief(seen: list[int]) -> str:
    missing = sorted(set(range(1, (seen or [0])[-1])) - set(seen))
    return f"{len(seen)} up to {(seen or [0])[-1]} without {missing[:10]}"


def one_seed(seed: int, place: Place, folder: Path, *, forgets: bool = False) -> tuple[Counter[str], str]:
    """Run one seed; answers what happened and the digest of all texts that clients were sent, with the times."""
    path = folder / "seed.db"
    for old in folder.glob("seed.db*"):
        old.unlink()
    shutil.copyfile(place.database, path)
    with virtual_time(f"seed {seed}") as (loop, chance):
        asyncio.set_event_loop(loop)
        try:
            world = World(loop, chance, place, path, forgets=forgets)
            loop.run_until_complete(world.run())
        finally:
            asyncio.set_event_loop(None)
    return world.counts, world.trace.hexdigest()


def campaign(folder: Path, seeds: int, only: int | None = None, *, forgets: bool = False) -> dict[str, Any]:
    """Run the seeds up to ``seeds`` (or one alone) and answer the figures of all runs in this folder."""
    logging.disable(logging.CRITICAL)
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    figures = counted(state) if only is None else Counter()
    memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        place = asyncio.run(found(Path(scratch)))
        for seed in [only] if only is not None else range(figures["seeds"], seeds):
            try:
                counts, trace = one_seed(seed, place, Path(scratch), forgets=forgets)
            except BaseException:
                print(f"seed {seed} failed; again: --seed {seed}", file=sys.stderr)
                raise
            figures += counts
            figures["seeds"] += 1
            if only is None and seed % 50 == 49:
                keep(state, figures)
    if only is None:
        keep(state, figures)
    return {**figures, "broken": 0, **({"trace": trace} if only is not None else {})}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=10_000)
    arguments.add_argument("--seed", type=int)
    arguments.add_argument("--forgets", action="store_true", help="the control: with a disk that forgets it must fail")
    arguments.add_argument("--folder", type=Path, required=True)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.seeds, given.seed, forgets=given.forgets), indent=2))
