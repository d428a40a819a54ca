"""Many clients of one chat server, whatever it speaks: they log in by a script of what to say and what to wait for,
talk, and count what they hear.

Rules: nothing is parsed but a marker that stands once in every message, so that a thousand clients cost the machine
little beside the server that is measured; every wait is bounded.

>>> Script(((b"ping", b"pong"),), lambda number: b"%d" % number, b"me").say(7)
b'7'
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from server.installation import StartRefused

PATIENCE = 120.0  # seconds without progress
AT_ONCE = 50  # logins under way
SPARE_FILES = 200  # of a process besides its connections


class Script(NamedTuple):
    """One client: ``steps`` are (bytes to send, bytes to wait for), ``say`` makes the n-th message, in which ``own``
    stands once and in nobody else's."""

    steps: Sequence[tuple[bytes, bytes]]
    say: Callable[[int], bytes]
    own: bytes


class Member(asyncio.Protocol):
    """One connection. ``heard``: messages so far, its own among them; ``own``: its own, counted in a conversation;
    ``said``: how many it sent."""

    __slots__ = ("_crowd", "_script", "_step", "_tail", "heard", "own", "said", "transport")

    def __init__(self, crowd: Crowd, script: Script) -> None:
        self._crowd = crowd
        self._script = script
        self._step = 0
        self._tail = b""
        self.heard = self.own = self.said = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._script.steps[0][0])

    def data_received(self, data: bytes) -> None:
        tail, data = self._tail, self._tail + data
        if self._step < len(self._script.steps):
            self._log_in(data)
            return
        crowd, own = self._crowd, self._script.own
        found = data.count(crowd.marker) - tail.count(crowd.marker)
        if crowd.counts_own:
            self.own += data.count(own) - tail.count(own)
        self._tail = data[1 - max(len(crowd.marker), len(own)) :]
        if crowd.ping and crowd.ping in data:
            self.transport.write(crowd.pong)
        if found:
            self.heard += found
            crowd.hear(self, found)

    def _log_in(self, data: bytes) -> None:
        _, awaited = self._script.steps[self._step]
        if awaited not in data:
            self._tail = data
            return
        self._tail = b""
        self._step += 1
        if self._step < len(self._script.steps):
            self.transport.write(self._script.steps[self._step][0])
        else:
            self._crowd.arrive()

    def connection_lost(self, error: Exception | None) -> None:
        self._crowd.lose(self._tail)

    def say(self) -> None:
        self.transport.write(self._script.say(self.said))
        self.said += 1


class Crowd:
    """All clients of one run. ``on_heard(member, found)`` is told of every wake-up in which a member heard something;
    ``ping`` is what a server asks of a silent client, ``pong`` the answer."""

    def __init__(self, port: int, marker: bytes, ping: bytes = b"", pong: bytes = b"") -> None:
        self.port = port
        self.marker = marker
        self.ping, self.pong = ping, pong
        self.members: list[Member] = []
        self.deliveries = 0
        self.counts_own = False
        self.on_heard: Callable[[Member, int], None] = lambda member, found: None
        self._arrived = 0
        self._lost: bytes | None = None
        self._leaving = False
        self._woken = asyncio.Event()

    def hear(self, member: Member, found: int) -> None:
        self.deliveries += found
        self.on_heard(member, found)
        self._woken.set()

    def arrive(self) -> None:
        self._arrived += 1
        self._woken.set()

    def lose(self, last_words: bytes) -> None:
        if not self._leaving:
            self._lost = last_words
            self._woken.set()

    async def join(self, scripts: Sequence[Script]) -> None:
        """Connect and log in everyone, a few at a time."""
        loop = asyncio.get_running_loop()
        for script in scripts:
            await self._until(lambda: len(self.members) - self._arrived < AT_ONCE)
            _, member = await loop.create_connection(
                lambda script=script: Member(self, script),  # type: ignore[misc]
                "127.0.0.1",
                self.port,
            )
            self.members.append(member)
        await self._until(lambda: self._arrived == len(self.members))

    async def until(self, deliveries: int) -> None:
        """Until that many messages have been heard in all."""
        await self._until(lambda: self.deliveries >= deliveries)

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            if self._lost is not None:
                raise ConnectionError(f"the server closed a connection: {self._lost[-300:]!r}")
            self._woken.clear()
            if not reached():
                async with asyncio.timeout(PATIENCE):
                    await self._woken.wait()

    def leave(self) -> None:
        self._leaving = True
        for member in self.members:
            member.transport.abort()


class Room:
    """Members who hear each other. ``window``: how many messages may be under way to everybody."""

    def __init__(self, members: Sequence[Member], window: int) -> None:
        self.members = members
        self._window = window
        self._speakers = members[: max(1, window // 2)]
        self.heard = self._said = 0

    def go_on(self, messages: int) -> None:
        """Say what may be said now, speakers in turn."""
        while self._said < messages and self.heard >= (self._said - self._window + 1) * len(self.members):
            self._said += 1
            self._speakers[self._said % len(self._speakers)].say()


async def talk(crowd: Crowd, size: int, messages: int, window: int) -> None:
    """``messages`` are said in each room of ``size``, which sit side by side in ``members``; in a room the next one
    when at most ``window`` - 1 are on their way to somebody."""
    members, before = crowd.members, crowd.deliveries
    rooms = [Room(members[first : first + size], window) for first in range(0, len(members), size)]
    where = {member: room for room in rooms for member in room.members}

    def go_on(member: Member, found: int) -> None:
        room = where[member]
        room.heard += found
        room.go_on(messages)

    crowd.on_heard = go_on
    for room in rooms:
        room.go_on(messages)
    await crowd.until(before + messages * len(members))


async def converse(crowd: Crowd, messages: int, room_size: int) -> None:
    """Everyone says ``messages``, each as soon as one's own last came back; rooms of ``room_size``."""

    def go_on(member: Member, _found: int) -> None:
        if member.said == member.own < messages:
            member.say()

    crowd.counts_own, crowd.on_heard = True, go_on
    for member in crowd.members:
        member.say()
    await crowd.until(room_size * messages * len(crowd.members))


async def delays(crowd: Crowd, messages: int, per_second: float) -> list[float]:
    """Seconds from saying to hearing, of every member and message, at a steady pace."""
    told: list[float] = []
    found: list[float] = []

    def note(member: Member, count: int) -> None:
        now = time.perf_counter()
        found.extend(now - at for at in told[member.heard - count : member.heard])

    crowd.on_heard = note
    start = time.perf_counter()
    for number in range(messages):
        await asyncio.sleep(max(0.0, start + number / per_second - time.perf_counter()))
        told.append(time.perf_counter())
        crowd.members[0].say()
    await crowd.until(crowd.deliveries - len(found) + messages * len(crowd.members))
    return found


def allow_connections(count: int) -> None:
    """Let this process have that many sockets. Raises ``StartRefused`` where the system does not: then the server
    would not have them either, and there would be no figures worth having."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + SPARE_FILES
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
        except (ValueError, OSError):
            hard = soft
    if hard < wanted:
        raise StartRefused(
            "too_few_files",
            f"接続 {count} 本には、プロセスあたり {wanted} 個のファイルが要りますが、上限は {hard} 個です。"
            f"「ulimit -Hn {wanted}」で上げるか、接続の数を減らしてください。",
            f"{count} connections need {wanted} open files in a process; {hard} are allowed here. "
            f"Raise the limit (ulimit -Hn {wanted}), or ask for fewer connections.",
        )
