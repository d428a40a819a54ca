"""One WebSocket session as a state machine without socket, clock or task: a client's texts in, effects out.

Rules:
- The first text is ``hello``; anything else, or a hello that cannot be read, is answered ``refused`` and closes with
  4001.
- Texts that come while the login is being looked up wait and are handled in their order after ``ready``.
- What cannot be read (no JSON, unknown op or field, wrong type) is answered ``refused`` with code ``malformed`` and the
  ``ref`` it carried, or 0 where none can be read; the connection stays open.
- Posts are limited by the login session's bucket and answered ``rate_limited``; all texts, pings and fragments by the
  connection's own, whose overflow is no person's doing and closes with 1008.
- Effects are carried out by the caller in their order.

>>> session = Session("en", None, Bucket(Rate(50.0, 500.0), 0.0))
>>> session.received(b'{"op":"hello","token":"t"}', 0.0)
[Authenticate(token='t')]
"""

from __future__ import annotations

import enum

import msgspec
from msgspec import Struct

from rooms.refusals import Refusal, refuse
from server import wire
from server.engine import LoggedIn, Posted
from server.incarnations import Good, Incarnations
from server.rate_limits import Bucket, Rate

__all__ = [
    "Authenticate",
    "Bucket",
    "Close",
    "Effect",
    "Follow",
    "MarkRead",
    "Phase",
    "Rate",
    "Send",
    "Session",
    "SubmitPost",
]

CLOSE_POLICY = 1008
POSTS_IN_FLIGHT = 64
LONGEST_ID = 64
LARGEST = 2**53 - 1
"""The largest integer that every JSON reader keeps exact (RFC 8259 section 6)."""

_decode = msgspec.json.Decoder(wire.ClientFrame).decode


class _Ref(Struct):
    ref: int = 0


_decode_ref = msgspec.json.Decoder(_Ref).decode


class Phase(enum.Enum):
    """Where a session stands: it only ever moves down this list."""

    HELLO = "waiting for hello"
    LOGIN = "the login is being looked up"
    READY = "ready"
    CLOSED = "closed"


# Effects -------------------------------------------------------------------------------------------------------------


class Send(Struct, frozen=True):
    frame: wire.ServerFrame


class Close(Struct, frozen=True):
    code: int
    reason: str


class Authenticate(Struct, frozen=True):
    token: str


class Follow(Struct, frozen=True):
    """Send each room's events after ``after``, then live ones. ``rooms``: (room, head in ``ready``, after)."""

    rooms: list[tuple[str, int, int]]


class SubmitPost(Struct, frozen=True):
    frame: wire.Post


class MarkRead(Struct, frozen=True):
    room: str
    seq: int


Effect = Send | Close | Authenticate | Follow | SubmitPost | MarkRead


class Session:
    """See the module's rules. ``handshake_token``: from the ``Authorization`` header or the zone's cookie, if any."""

    __slots__ = (
        "_flood",
        "_greeting",
        "_handshake_token",
        "_posts",
        "_waiting",
        "in_flight",
        "lang",
        "notices",
        "phase",
    )

    def __init__(self, lang: str, handshake_token: str | None, flood: Bucket) -> None:
        self.phase = Phase.HELLO
        self.lang = lang
        self.in_flight = 0
        self.notices = False
        self._handshake_token = handshake_token
        self._flood = flood
        self._posts: Bucket | None = None
        self._greeting: wire.Hello | None = None
        self._waiting: list[bytes] | None = None

    def received(self, text: bytes, now: float) -> list[Effect]:
        """One whole text message (valid UTF-8). ``now``: seconds of a monotonic clock."""
        if self.phase is Phase.CLOSED:
            return []
        if self._flood.take(now):
            return self.end(CLOSE_POLICY, "too many frames")
        if self.phase is Phase.LOGIN:
            self._wait(text)
            return []
        frame = _read(text)
        if frame is None:
            return self._malformed(text)
        return self._hello(frame) if self.phase is Phase.HELLO else self._handle(frame, now)

    def control(self, now: float, cost: float) -> list[Effect]:
        """A ping or a fragment came: it counts as ``cost`` texts."""
        if self.phase is Phase.CLOSED or not self._flood.take(now, cost):
            return []
        return self.end(CLOSE_POLICY, "too many frames")

    def logged_in(
        self, who: LoggedIn, rooms: list[wire.RoomView], posts: Bucket, now: float, incarnations: Incarnations
    ) -> list[Effect]:
        """The login is good and ``rooms`` are the person's: ``ready``, what each cursor asks for, then what waited."""
        if self.phase is not Phase.LOGIN:
            return []
        self.phase = Phase.READY
        self._posts = posts
        hello, self._greeting = self._greeting or wire.Hello(), None
        effects: list[Effect] = [Send(wire.Ready(who.user, who.zone, rooms, incarnations.current))]
        effects += _follow(hello.cursors, rooms, incarnations.judge(hello.incarnation, who.session))
        waiting, self._waiting = self._waiting or [], None
        for text in waiting:
            frame = _read(text)
            effects += self._malformed(text) if frame is None else self._handle(frame, now)
        return effects

    def login_refused(self, refusal: Refusal) -> list[Effect]:
        """The token is not good (here); the close reason carries the refusal's stable reason."""
        return self.end(wire.CLOSE_UNAUTHENTICATED, refusal.reason)

    def hello_missing(self) -> list[Effect]:
        """The time for ``hello`` is over."""
        return self.end(wire.CLOSE_UNAUTHENTICATED, "no hello") if self.phase is Phase.HELLO else []

    def answered(self, ref: int, answer: Posted | Refusal) -> list[Effect]:
        """The post ``ref`` is durable, or refused."""
        self.in_flight -= 1
        if self.phase is Phase.CLOSED:
            return []
        if isinstance(answer, Posted):
            return [Send(wire.Ack(ref, answer.message_id, answer.seq))]
        return [self._refused(ref, answer)]

    def end(self, code: int, reason: str) -> list[Effect]:
        """Close, once."""
        if self.phase is Phase.CLOSED:
            return []
        self.phase = Phase.CLOSED
        self._waiting = self._greeting = None
        return [Close(code, reason)]

    # One frame ---------------------------------------------------------------------------------------------------

    def _hello(self, frame: wire.ClientFrame) -> list[Effect]:
        if not isinstance(frame, wire.Hello):
            ref = frame.ref if isinstance(frame, wire.Post) else 0
            return [self._refused(ref, refuse("unauthenticated")), *self.end(wire.CLOSE_UNAUTHENTICATED, "no hello")]
        token = frame.token or self._handshake_token
        self._handshake_token = None
        if not token:
            return self.end(wire.CLOSE_UNAUTHENTICATED, "no token")
        self.phase = Phase.LOGIN
        self._greeting = frame
        self.notices = frame.notices
        return [Authenticate(token)]

    def _handle(self, frame: wire.ClientFrame, now: float) -> list[Effect]:
        if isinstance(frame, wire.Post):
            return self._post(frame, now)
        if isinstance(frame, wire.Read):
            return [MarkRead(frame.room, frame.seq)]
        return [self._refused(0, refuse("malformed"))]

    def _post(self, frame: wire.Post, now: float) -> list[Effect]:
        assert self._posts is not None, "a post before ready"
        if self.in_flight >= POSTS_IN_FLIGHT:
            return [self._refused(frame.ref, refuse("busy"))]
        wait = self._posts.take(now)
        if wait:
            return [self._refused(frame.ref, refuse("rate_limited", retry_after=int(wait) + 1))]
        self.in_flight += 1
        return [SubmitPost(frame)]

    def _malformed(self, text: bytes) -> list[Effect]:
        refused = self._refused(_ref_of(text), refuse("malformed"))
        if self.phase is Phase.HELLO:
            return [refused, *self.end(wire.CLOSE_UNAUTHENTICATED, "no hello")]
        return [refused]

    def _refused(self, ref: int, refusal: Refusal) -> Effect:
        return Send(wire.Refused(ref, refusal.code, refusal.sentence(self.lang)))

    def _wait(self, text: bytes) -> None:
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(text)


def _read(text: bytes) -> wire.ClientFrame | None:
    """The frame, or None if it is malformed. Deep nesting ends in RecursionError, lone surrogates in UnicodeError."""
    try:
        frame: wire.ClientFrame = _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return frame if _in_range(frame) else None


def _in_range(frame: wire.ClientFrame) -> bool:
    if isinstance(frame, wire.Hello):
        return all(0 <= seq <= LARGEST for seq in frame.cursors.values())
    number = frame.ref if isinstance(frame, wire.Post) else frame.seq
    return 0 <= number <= LARGEST and len(frame.room) <= LONGEST_ID


def _ref_of(text: bytes) -> int:
    try:
        ref: int = _decode_ref(text).ref
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return 0
    return ref if 0 <= ref <= LARGEST else 0


def _follow(cursors: dict[str, int], rooms: list[wire.RoomView], good: Good) -> list[Effect]:
    """What ``cursors`` ask for: a reset where one is beyond the head or of another history, ``room_left`` where the
    room is not (or no longer) the person's, and where each room's events begin."""
    effects: list[Effect] = []
    begin: list[tuple[str, int, int]] = []
    for room in rooms:
        after = cursors.pop(room.id, None)
        if after is not None and (after > room.head or not good(room.id, after)):
            effects.append(Send(wire.Reset(room.id, room.head)))
            after = None
        begin.append((room.id, room.head, room.head if after is None else after))
    effects += [Send(wire.RoomLeft(room)) for room in cursors if len(room) <= LONGEST_ID]
    return [*effects, Follow(begin)]
