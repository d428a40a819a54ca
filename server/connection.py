"""One WebSocket: uvicorn's protocol class of this product. It moves bytes; ``server.session`` decides.

Rules:
- WebSockets never enter ASGI; what a client's bytes say is read by ``server.frames``.
- ``write`` is the transport's own while all is well. It is exchanged when the socket is full or the connection
  closes, so that the fan-out pays nothing for the check. Nothing that the fan-out iterates over changes inside
  ``write``.
- A reader that leaves more than ``write_buffer`` bytes unread, or does not get below the low-water mark in
  ``slow_seconds``, is told ``resync`` and closed with 4008. While a replay runs only the first counts, and only for
  what is not the replay's own.
- What is told to a person before ``ready`` waits until it was sent.

Example: ``uvicorn.Config(app, ws=functools.partial(endpoint.connection, listener), …)`` (server/listeners.py).
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from websockets.http11 import Request, Response
from websockets.protocol import State

from rooms.refusals import Refusal, refuse
from server import wire
from server.admission import Listener, origin_of
from server.engine import LoggedIn, Posted, RequestOrigin
from server.fanout import Channel, Sink
from server.frames import Broken, Frames, Sign
from server.framing import PING, frame
from server.handshake import (
    broken_handshake,
    device_of,
    handshake_language,
    handshake_token,
    peer_of,
    raw_headers,
    refuse_upgrade,
    refused_upgrade,
)
from server.rate_limits import UNLIMITED, Bucket
from server.resume import Replay
from server.session import Authenticate, Close, Effect, Follow, MarkRead, Phase, Send, Session, SubmitPost

if TYPE_CHECKING:
    from server.websocket_endpoint import WebSocketEndpoint

SEEN_SECONDS = 30.0
PING_COST, FRAGMENT_COST = 1.0, 1 / 32
CLOSE_POLICY, CLOSE_FAULT = 1008, 1011
_PONG = b"\x8a"
_RESYNC = frame(wire.Resync())
_log = logging.getLogger("sekisho.sockets")


class WebSocketConnection(asyncio.Protocol):
    """One socket from the upgrade to its end; ``fanout.Receiver``, ``resume.Reader`` and ``timer_wheel.Timed``.

    uvicorn hands it the transport and the bytes of the handshake request; then only the transport speaks to it.
    """

    __slots__ = (
        "_allowance",
        "_awaiting_pong",
        "_endpoint",
        "_frames",
        "_heard",
        "_last_seen",
        "_listener",
        "_pending",
        "_resumed",
        "_stranger",
        "_task",
        "_to_be_cut",
        "_transport",
        "channels",
        "full_since",
        "origin",
        "replay",
        "session",
        "slot",
        "who",
    )

    origin: RequestOrigin
    _transport: asyncio.Transport

    def __init__(self, endpoint: WebSocketEndpoint, listener: Listener) -> None:
        limits = endpoint.limits
        self._endpoint = endpoint
        self._listener = listener
        self._frames = Frames(limits.max_frame)
        self.session = Session("ja", None, Bucket(UNLIMITED, 0.0))
        self.who: LoggedIn | None = None
        self.channels: list[Channel] = []
        self.replay: Replay | None = None
        self.full_since = 0.0
        self.slot = -1
        self._allowance = limits.write_buffer
        self._stranger = True
        self._heard = True
        self._awaiting_pong = False
        self._last_seen = 0.0
        self._to_be_cut = False
        self._pending: list[Callable[[], None]] | None = []
        self._resumed: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    # The transport speaks ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        endpoint = self._endpoint
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=endpoint.limits.high_water)
        endpoint.connections.add(self)
        endpoint.strangers += 1
        endpoint.wheel.set(self, endpoint.limits.hello_seconds)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        try:
            for read in self._frames.read(data):
                if isinstance(read, bytes):
                    self._text_message(read)
                elif isinstance(read, Request):
                    self._handshake(read)
                elif self.session.phase is not Phase.CLOSED:
                    self._signed(read)
            self._flush()
        except Exception:
            _log.exception("a frame could not be handled")
            self.close(CLOSE_FAULT, "internal")

    def eof_received(self) -> None:
        self._frames.end_of_input()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._retire()
        self._endpoint.wheel.drop(self)
        self._endpoint.connections.discard(self)

    def pause_writing(self) -> None:
        """The socket is full."""
        if self.session.phase is Phase.CLOSED:
            return
        self.full_since = time.monotonic()
        self._endpoint.full.add(self)
        self._endpoint.hub.changed_sink(self)
        if self.replay is not None:
            asyncio.get_running_loop().call_soon(self._hold_live_rooms)

    def resume_writing(self) -> None:
        self._endpoint.full.discard(self)
        self._wake()
        self._endpoint.hub.changed_sink(self)

    def on_timer(self) -> None:
        """The wheel: no hello in time, a closing handshake that takes too long, or time to ask whether anyone is
        there.
        """
        if self.session.phase is Phase.CLOSED:
            self._transport.abort()
        elif self.session.phase is Phase.HELLO:
            self._apply(self.session.hello_missing())
        else:
            self._keep_alive()

    def _keep_alive(self) -> None:
        """A full socket is not asked: its ping would wait behind what it does not read."""
        limits = self._endpoint.limits
        if self._heard or self.full_since:
            self._heard = self._awaiting_pong = False
            self._endpoint.wheel.set(self, limits.idle_ping_seconds)
        elif not self._awaiting_pong:
            self._awaiting_pong = True
            self.write(PING)
            self._endpoint.wheel.set(self, limits.pong_seconds)
        else:
            self.abort()

    # Frames in ---------------------------------------------------------------------------------------------------

    def _signed(self, read: Sign | Broken) -> None:
        if isinstance(read, Broken):
            self._fail(read.code, read.reason)
        elif read is Sign.CLOSE:
            self._retire()
        else:
            self._apply(self.session.control(time.monotonic(), PING_COST if read is Sign.PING else FRAGMENT_COST))

    def _text_message(self, text: bytes) -> None:
        now = time.monotonic()
        self._apply(self.session.received(text, now))
        if self.who is not None and self._pending is None and now - self._last_seen >= SEEN_SECONDS:
            self._last_seen = now
            self._endpoint.engine.seen(self.who)

    # Handshake and login -----------------------------------------------------------------------------------------

    def _handshake(self, request: Request) -> None:
        headers = raw_headers(request)
        endpoint, listener = self._endpoint, self._listener
        lang = handshake_language(request.path, headers)
        self.origin = origin_of(listener, headers, peer_of(self._transport), device_of(self._transport))
        refusal = refuse_upgrade(listener, request.path, headers, busy=endpoint.busy())
        if refusal is not None:
            endpoint.engine.refused(self.origin, refusal.reason)
            self._answer(refused_upgrade(refusal, lang, self.origin.request_id))
            return
        response = self._frames.accept(request)
        if response.status_code != 101:
            self._answer(broken_handshake(response, lang, self.origin.request_id))
            return
        flood = Bucket(endpoint.limits.frames, time.monotonic())
        self.session = Session(lang, handshake_token(listener, headers), flood)
        self._frames.respond(response)
        self._flush()

    def _answer(self, response: Response) -> None:
        """No upgrade: an HTTP answer, and the end."""
        self._frames.respond(response)
        self._retire()

    async def _log_in(self, token: str) -> None:
        try:
            await self._look_up(token)
        except Exception:
            _log.exception("a login failed")
            self.close(CLOSE_FAULT, "internal")

    async def _look_up(self, token: str) -> None:
        endpoint, engine = self._endpoint, self._endpoint.engine
        async with endpoint.gate:
            who = await engine.authenticate(token, self.origin)
            if isinstance(who, Refusal):
                self._apply(self.session.login_refused(who))
                return
            if len(endpoint.hub.connections_of(who.person)) >= endpoint.limits.connections_per_person:
                self.close(CLOSE_POLICY, "too many connections")
                return
            self.who = who
            endpoint.hub.enter(self)
            rooms = await engine.rooms_of(who)
        if isinstance(rooms, Refusal):
            self._apply(self.session.login_refused(rooms))
        elif self.session.phase is Phase.LOGIN:
            self._become_ready(who, rooms)

    def _become_ready(self, who: LoggedIn, rooms: list[wire.RoomView]) -> None:
        endpoint, now = self._endpoint, time.monotonic()
        self._task = None
        self._last_seen = now
        endpoint.wheel.set(self, endpoint.limits.idle_ping_seconds + endpoint.stagger())
        self._read_on()
        posts = endpoint.posts.of(who.session, now)
        self._apply(self.session.logged_in(who, rooms, posts, now, endpoint.incarnations))
        pending, self._pending = self._pending or [], None
        for act in pending:
            act()
        if endpoint.notice is not None and self.session.notices:
            self.tell(endpoint.notice)

    # Effects -----------------------------------------------------------------------------------------------------

    def _apply(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(wire.Ready() as message):
                    self.write_paced(frame(message))
                case Send(message):
                    self.write(frame(message))
                case SubmitPost(post):
                    self._submit(post)
                case MarkRead(room, seq):
                    assert self.who is not None, "a read mark before ready"
                    self._endpoint.engine.mark_read(self.who, room, seq)
                case Authenticate(token):
                    self._no_stranger()
                    self._transport.pause_reading()
                    self._endpoint.wheel.drop(self)
                    self._task = self._endpoint.spawn(self._log_in(token))
                case Follow(rooms):
                    self._follow_all(rooms)
                case Close(code, reason):
                    self._send_close(code, reason)

    def _submit(self, post: wire.Post) -> None:
        assert self.who is not None, "a post before ready"
        try:
            self._endpoint.engine.post(self.who, post, self.origin, functools.partial(self._answered, post.ref))
        except Exception:
            _log.exception("a post could not be queued")
            self._answered(post.ref, refuse("internal"))

    def _answered(self, ref: int, answer: Posted | Refusal) -> None:
        self._apply(self.session.answered(ref, answer))

    # Rooms (fanout.Receiver) -------------------------------------------------------------------------------------

    def _follow_all(self, rooms: list[tuple[str, int, int]]) -> None:
        """Live at once where nothing is missing and the socket has room; behind, with a task, elsewhere."""
        hub, missing = self._endpoint.hub, []
        for room, head, after in rooms:
            channel = hub.subscribe(self, room, head)
            if after >= channel.head and not self.full_since:
                hub.go_live(self, channel, after)
            else:
                missing.append((channel, after))
        for channel, after in missing:
            self.fall_behind(channel, after)

    def fall_behind(self, channel: Channel, after: int) -> None:
        if self.who is None or self.session.phase is Phase.CLOSED:
            return
        if self.replay is None:
            endpoint = self._endpoint
            self._allowance = self.buffered() + endpoint.limits.write_buffer
            self.replay = Replay(self, self.who, endpoint.engine, endpoint.hub, endpoint.gate)
            self._task = endpoint.spawn(self._run(self.replay))
            asyncio.get_running_loop().call_soon(self._hold_live_rooms)
        self.replay.behind.append((channel, after))

    def follow(self, view: wire.RoomView, after: int) -> None:
        if self._pending is not None:
            self._pending.append(functools.partial(self.follow, view, after))
        elif all(channel.room != view.id for channel in self.channels):
            self.write(frame(wire.Room(view, after)))
            self._follow_all([(view.id, view.head, after)])

    def unfollow(self, room: str) -> None:
        if self._pending is not None:
            self._pending.append(functools.partial(self.unfollow, room))
            return
        channel = self._endpoint.hub.unsubscribe(self, room)
        if channel is not None:
            if self.replay is not None:
                self.replay.forget(channel)
            self.write(frame(wire.RoomLeft(room)))

    def tell(self, data: bytes) -> None:
        if self._pending is not None:
            self._pending.append(functools.partial(self.tell, data))
        else:
            self.write(data)

    def end(self, reason: str) -> None:
        self.close(wire.CLOSE_ENDED, reason)

    # Replay (resume.Reader) --------------------------------------------------------------------------------------

    async def _run(self, replay: Replay) -> None:
        try:
            await replay.run()
        except Exception:
            _log.exception("a replay failed")
            self.close(CLOSE_FAULT, "internal")
        if self.replay is replay:
            self.replay = self._task = None
            self._allowance = self._endpoint.limits.write_buffer

    def write_paced(self, data: bytes) -> bool:
        if self.session.phase is not Phase.CLOSED and not self._to_be_cut:
            self._transport.write(data)
            self._allowance = self.buffered() + self._endpoint.limits.write_buffer
        return not self.full_since

    async def drained(self) -> bool:
        while self.full_since and self.session.phase is not Phase.CLOSED:
            self._resumed = asyncio.get_running_loop().create_future()
            await self._resumed
        return self.session.phase is not Phase.CLOSED

    def _hold_live_rooms(self) -> None:
        """A replay runs and the socket is full: what is live is read later instead of being buffered."""
        if self.replay is None or not self.full_since:
            return
        for channel in self.channels:
            has = self._endpoint.hub.hold(self, channel)
            if has is not None:
                self.replay.behind.append((channel, has))

    def _wake(self) -> None:
        self.full_since = 0.0
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)
        self._resumed = None

    # Bytes out, and the end --------------------------------------------------------------------------------------

    def buffered(self) -> int:
        """Bytes that the socket has not taken."""
        return self._transport.get_write_buffer_size()

    @property
    def sink(self) -> Sink:
        return self if self.full_since or self._to_be_cut else self._transport

    def write(self, data: bytes) -> None:
        """Write, unless the connection is closing or its buffer has no room left: then it is cut, a turn later.

        What one commit had for a room may have filled the buffer at one go, before anything asked for its room. From
        then until the cut nothing is written, even if the socket becomes free: the client must not see an event after
        one that it missed.
        """
        if self.session.phase is Phase.CLOSED or self._to_be_cut:
            return
        if not self.full_since or self.buffered() <= self._allowance:
            self._transport.write(data)
        if self.full_since and self.buffered() > self._allowance:
            self._to_be_cut = True
            asyncio.get_running_loop().call_soon(self.cut)

    def stop_reading(self) -> None:
        """The server drains: what was read is answered, nothing more is taken."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def _read_on(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def cut(self) -> None:
        """Too slow: come back with your cursors. What the socket does not take within the linger time is given up."""
        if self.session.phase is not Phase.CLOSED:
            self._endpoint.resyncs += 1
            self._transport.write(_RESYNC)
            self.close(wire.CLOSE_RESYNC, "resync")

    def close(self, code: int, reason: str) -> None:
        """Close from our side, once; the socket ends when the client answers, or after the linger time."""
        self._apply(self.session.end(code, reason))

    def _send_close(self, code: int, reason: str) -> None:
        if self._frames.state is State.OPEN:
            self._frames.close(code, reason)
            self._read_on()
        self._retire()

    def _fail(self, code: int, reason: str) -> None:
        """Fail the connection (RFC 6455 section 7.1.7): a close frame, and nothing more is read as frames."""
        self._frames.fail(code, reason)
        self._retire()

    def abort(self) -> None:
        """Now, without farewell."""
        self._retire()
        self._transport.abort()

    def _no_stranger(self) -> None:
        if self._stranger:
            self._stranger = False
            self._endpoint.strangers -= 1

    def _retire(self) -> None:
        """Nothing more is told to this connection; its socket may still have to say farewell. May be called again."""
        endpoint = self._endpoint
        self.session.end(0, "")
        self._no_stranger()
        self._pending = []
        endpoint.full.discard(self)
        endpoint.hub.leave(self)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task = self.replay = None
        self._wake()
        endpoint.wheel.set(self, endpoint.limits.linger_seconds)
        self._flush()

    def _flush(self) -> None:
        """Write what RFC 6455 wants said: handshake, pongs (bounded like all else, none beside a close), close.

        ``b""`` ends our side: half-close and read on, for closing over unread bytes resets the connection, and the
        close frame is lost. Where the client has said its own farewell (or TLS cannot half-close) the socket is closed.
        """
        if self._frames.silent:
            return
        for data in self._frames.to_send():
            if self._frames.state is State.OPEN:
                self.write(data)
            elif data.startswith(_PONG):
                continue
            elif data:
                self._transport.write(data)
            elif self._frames.farewell_heard or not self._transport.can_write_eof():
                self._transport.close()
            else:
                try:
                    self._transport.write_eof()
                except OSError:  # the client is gone already
                    self._transport.abort()
        if self._frames.state not in (State.OPEN, State.CONNECTING) and self.session.phase is not Phase.CLOSED:
            self._retire()
