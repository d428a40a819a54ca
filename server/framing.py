"""Server frames of RFC 6455, made once and written to many.

Rules: a server's frame is not masked (section 5.1) and no extension is on, so one text makes one sequence of bytes
that fits every connection.

>>> text_frame(b"hi")
b'\\x81\\x02hi'
"""

from __future__ import annotations

import struct

import msgspec

from server import wire

_ENCODER = msgspec.json.Encoder()
_SHORT, _LONG = struct.Struct("!BBH").pack, struct.Struct("!BBQ").pack
_FIN_TEXT = 0x81
PING = b"\x89\x00"


def text_frame(payload: bytes) -> bytes:
    """``payload`` (UTF-8) as one final text frame (section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((_FIN_TEXT, size)) + payload
    if size < 65536:
        return _SHORT(_FIN_TEXT, 126, size) + payload
    return _LONG(_FIN_TEXT, 127, size) + payload


def frame(message: wire.ServerFrame) -> bytes:
    """A frame of ``sekisho.v1`` as bytes for the socket."""
    return text_frame(_ENCODER.encode(message))
