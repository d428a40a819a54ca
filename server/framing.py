"""Server frames of RFC 6455, made once and written to many.

Rules: a server's frame is not masked (section 5.1) and no extension is on, so one text makes one sequence of bytes
that fits every connection.

>>> text_frame(b"hi")
b'\\x81\\x02hi'
"""

from __future__ import annotations

import struct

import msgspec

try:
    from websockets.speedups import apply_mask
except ImportError:  # the same in Python
    from websockets.utils import apply_mask

from server import wire

_ENCODER = msgspec.json.Encoder()
_SHORT, _LONG = struct.Struct("!BBH").pack, struct.Struct("!BBQ").pack
_FIN_TEXT, _FIN_PONG = 0x81, 0x8A
_MASKED = 0x80
PING = b"\x89\x00"


def text_frame(payload: bytes) -> bytes:
    """``payload`` (UTF-8) as one final text frame (section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((_FIN_TEXT, size)) + payload
    if size < 65536:
        return _SHORT(_FIN_TEXT, 126, size) + payload
    return _LONG(_FIN_TEXT, 127, size) + payload


def whole_text(data: bytes, at: int, longest: int) -> tuple[bytes, int] | None:
    """The text of the frame that begins at ``at`` and where the frame ends, if it is whole, final, masked and its
    payload below 64 KiB and no longer than ``longest``: what clients send. Anything else is ``ServerProtocol``'s to
    judge (27 µs a frame; this takes 1.5).

    >>> whole_text(b"\\x81\\x82abcd" + bytes((ord("h") ^ ord("a"), ord("i") ^ ord("b"))), 0, 100)
    (b'hi', 8)
    """
    if len(data) - at < 6 or data[at] != _FIN_TEXT:
        return None
    size, start = data[at + 1] - _MASKED, at + 2
    if size == 126:
        size, start = data[start] << 8 | data[start + 1], at + 4
    elif not 0 <= size < 126:
        return None
    end = start + 4 + size
    if end > len(data) or size > longest:
        return None
    return apply_mask(data[start + 4 : end], data[start : start + 4]), end


def after_pong(data: bytes, at: int) -> int:
    """Where the whole, masked pong (section 5.5.3) ends that begins at ``at``; ``at`` if there is none.

    >>> after_pong(b"\\x8a\\x80abcd", 0), after_pong(b"\\x8a\\x80abc", 0)
    (6, 0)
    """
    if len(data) - at < 6 or data[at] != _FIN_PONG:
        return at
    size = data[at + 1] - _MASKED
    end = at + 6 + size
    return end if 0 <= size < 126 and end <= len(data) else at


def missing_of(data: bytes, missing: int) -> int:
    """How many bytes the frame in which ``data`` breaks off still has to come, 0 between frames; ``missing``: the same
    before ``data``. -1 where it breaks off in the head of a frame.

    >>> missing_of(b"\\x81\\x82abcdhi", 0), missing_of(b"\\x81\\x82abc", 0), missing_of(b"dhi\\x81", 3)
    (0, 3, -1)
    """
    at = missing
    while at < len(data):
        size, head = data[at + 1] & 127 if at + 1 < len(data) else 0, at + 2
        if size == 126:
            size, head = int.from_bytes(data[head : head + 2], "big"), head + 2
        elif size == 127:
            size, head = int.from_bytes(data[head : head + 8], "big"), head + 8
        if head > len(data):
            return -1
        at = head + size + (4 if data[at + 1] & _MASKED else 0)
    return at - len(data)


def frame(message: wire.ServerFrame) -> bytes:
    """A frame of ``sekisho.v1`` as bytes for the socket."""
    return text_frame(_ENCODER.encode(message))
