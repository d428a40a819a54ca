"""What happens in a room, as it is stored: one struct per kind, tagged ``type``.

Rules: an event never changes once written; everything a zone may not read is taken out when it is viewed, not here;
``made_in`` is the zone of the content. A new capability adds a file here and one line to ``Event``.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from rooms.events.files import AttachmentJudged
from rooms.events.membership import MembersChanged
from rooms.events.posting import MessageAttachment, MessagePosted

Event = MessagePosted | AttachmentJudged | MembersChanged

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class RoomEvent(Struct, frozen=True):
    """An event at its place in a room. ``at`` in ms, ``actor`` a person id."""

    room: str
    seq: int
    at: int
    actor: str
    made_in: str
    event: Event


def kind_of(event: Event) -> str:
    """The tag ``type`` of an event."""
    return str(event.__struct_config__.tag)


def encode(event: Event) -> bytes:
    return _encoder.encode(event)


def decode(data: bytes | str) -> Event:
    return _decoder.decode(data)


__all__ = [
    "AttachmentJudged",
    "Event",
    "MembersChanged",
    "MessageAttachment",
    "MessagePosted",
    "RoomEvent",
    "decode",
    "encode",
    "kind_of",
]
