"""A message was posted."""

from __future__ import annotations

from msgspec import Struct


class MessageAttachment(Struct, frozen=True):
    """An attachment as the message names it. ``size`` in bytes, as received."""

    id: str
    name: str
    size: int


class MessagePosted(Struct, frozen=True, tag_field="type", tag="message.posted"):
    id: str
    text: str
    client_msg_id: str
    attachments: tuple[MessageAttachment, ...] = ()
    reply_to: str | None = None
