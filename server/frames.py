"""What a client's bytes say, by RFC 6455: the handshake, whole texts, and what else there is. One for each connection.

Rules:
- ``websockets``' sans-I/O ``ServerProtocol`` does the handshake and judges frames (no extensions: compression is off).
  Whole texts, which is what clients send, and pongs are read without it (``server.framing``): then it has seen no byte
  of them, so this happens only between two frames of what it sees.
- It is there only while it is needed: for the handshake, while a frame or a message has come in part, and from the
  first close frame on. A connection that waits does without it (5 of 8 KiB), and it is made anew in 50 µs.
- What it has to say (handshake, pongs, close) is taken with ``to_send`` after each reading.

>>> [read.path for read in Frames(65_536).read(b"GET /api/v1/ws HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")]
['/api/v1/ws']
"""

from __future__ import annotations

import codecs
import enum
import logging
from collections.abc import Iterator
from typing import NamedTuple, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from server import wire
from server.framing import after_pong, missing_of, whole_text

CLOSE_INVALID_TEXT = 1007
_END_OF_REQUEST = b"\r\n\r\n"
_SUBPROTOCOLS = [cast(Subprotocol, wire.SUBPROTOCOL)]
_log = logging.getLogger("sekisho.sockets.frames")


class Sign(enum.Enum):
    """What is no text, and whose content nobody needs."""

    PING = enum.auto()
    FRAGMENT = enum.auto()
    CLOSE = enum.auto()


class Broken(NamedTuple):
    """The connection is to be failed (section 7.1.7)."""

    code: int
    reason: str


Read = bytes | Request | Sign | Broken


class _Protocol(ServerProtocol):
    """A close may come between the fragments of a message, as any control frame may (RFC 6455 section 5.4): it ends the
    connection, and breaks no rule.
    """

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class Frames:
    """``longest``: bytes of a message. Begins with the handshake."""

    __slots__ = ("_decoder", "_longest", "_missing", "_protocol", "_text")

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._missing = -1
        self._text: bytearray | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._protocol: ServerProtocol | None = self._judge(State.CONNECTING)

    @property
    def state(self) -> State:
        """Between two frames with no ``ServerProtocol``: open."""
        return State.OPEN if self._protocol is None else self._protocol.state

    @property
    def silent(self) -> bool:
        """Whether ``to_send`` has nothing, and nothing is to be let go."""
        return self._protocol is None

    @property
    def farewell_heard(self) -> bool:
        """Whether the client has sent its close frame."""
        return self._protocol is not None and self._protocol.close_rcvd is not None

    def read(self, data: bytes) -> Iterator[Read]:
        """What ``data`` brings, one after the other; texts (bytes) are whole and valid UTF-8."""
        at = 0
        while self._missing == 0 and self._text is None and self.state is State.OPEN:
            found = whole_text(data, at, self._longest)
            if found is not None:
                text, at = found
                yield _valid(text)
                continue
            end = after_pong(data, at)
            if end == at:
                break
            at = end
        if at < len(data):
            yield from self._judged(data[at:] if at else data)

    def _judged(self, data: bytes) -> Iterator[Read]:
        """By way of ``ServerProtocol``; ``_missing`` follows where it stands."""
        if self.state is State.CONNECTING:
            end = data.find(_END_OF_REQUEST)
            self._missing = 0 if 0 <= end == len(data) - len(_END_OF_REQUEST) else -1
        elif self._missing >= 0:
            self._missing = missing_of(data, self._missing)
        protocol = self._there()
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                yield event
            elif isinstance(event, Frame):
                yield from self._frame(event)

    def _frame(self, received: Frame) -> Iterator[Read]:
        opcode = received.opcode
        if opcode is Opcode.TEXT and received.fin:
            yield _valid(bytes(received.data))
        elif opcode is Opcode.TEXT or opcode is Opcode.CONT:
            yield from self._fragment(received)
        elif opcode is Opcode.BINARY:
            yield Broken(wire.CLOSE_UNSUPPORTED, "text only")
        elif opcode is Opcode.PING:
            yield Sign.PING
        elif opcode is Opcode.CLOSE:
            yield Sign.CLOSE

    def _fragment(self, received: Frame) -> Iterator[Read]:
        """ServerProtocol bounds the sum of the fragments and their order; UTF-8 is judged as it comes."""
        if received.opcode is Opcode.TEXT or self._text is None or self._decoder is None:
            self._text, self._decoder = bytearray(), codecs.getincrementaldecoder("utf-8")()
        self._text += received.data
        try:
            self._decoder.decode(bytes(received.data), received.fin)
        except UnicodeDecodeError:
            yield Broken(CLOSE_INVALID_TEXT, "invalid UTF-8")
            return
        yield Sign.FRAGMENT
        if received.fin:
            text, self._text, self._decoder = bytes(self._text), None, None
            yield text

    def accept(self, request: Request) -> Response:
        """The answer to an upgrade (section 4.2); 101 if it is one."""
        return self._there().accept(request)

    def respond(self, response: Response) -> None:
        self._there().send_response(response)

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake (section 7.1.2)."""
        self._there().send_close(code, reason)

    def fail(self, code: int, reason: str) -> None:
        """A close frame, and nothing more is read as frames (section 7.1.7)."""
        self._there().fail(code, reason)

    def end_of_input(self) -> None:
        """The client will send nothing more."""
        self._there().receive_eof()

    def to_send(self) -> list[bytes]:
        """What is to be written; ``b""`` ends our side."""
        protocol = self._protocol
        if protocol is None:
            return []
        data = protocol.data_to_send()
        if self._missing == 0 and self._text is None and protocol.state is State.OPEN:
            self._protocol = None
        return data

    def _there(self) -> ServerProtocol:
        if self._protocol is None:
            self._protocol = self._judge(State.OPEN)
        return self._protocol

    def _judge(self, state: State) -> ServerProtocol:
        return _Protocol(subprotocols=_SUBPROTOCOLS, state=state, max_size=self._longest, logger=_log)


def _valid(text: bytes) -> Read:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return Broken(CLOSE_INVALID_TEXT, "invalid UTF-8")
    return text
