"""A message, whatever file it came in: who, when, what about; its texts and what is attached, in the reader's order.

>>> Message(subject="会議").people("From")
[]
"""

from __future__ import annotations

from dataclasses import dataclass, field

PEOPLE = ("From", "Sender", "Reply-To", "To", "Cc")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Someone: a name, an address, or both. Without an address it is a name alone (an undisclosed list, a person of
    the sender's own directory)."""

    name: str
    address: str


@dataclass(slots=True)
class Attached:
    """A part of its own: a file, a picture of the text, or another message. ``kind``: its declared media type, lower
    case; ``content_ids``: what the page calls it by."""

    name: str
    data: bytes
    kind: str
    content_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class Words:
    """One run of the message's text: as plain text, as a page, or as both. ``related``: what the page shows."""

    plain: str | None = None
    flowed: str = ""  # parameters of RFC 3676 that the plain text is laid out by, as they are written
    page: bytes | None = None
    charset: str | None = None  # of the page, as declared
    related: list[Attached] = field(default_factory=list)


Item = Words | Attached


@dataclass(slots=True)
class Message:
    """``addresses``: by header of ``PEOPLE``. ``date`` and ``message_id``: as they are written in a header, empty if
    there are none. ``items``: the texts and files, in the reader's order."""

    addresses: dict[str, list[Mailbox]] = field(default_factory=dict)
    subject: str = ""
    date: str = ""
    message_id: str = ""
    items: list[Item] = field(default_factory=list)

    def people(self, header: str) -> list[Mailbox]:
        """The mailboxes of a header of ``PEOPLE``."""
        return self.addresses.get(header, [])

    def attached(self) -> list[Attached]:
        """Everything that is a part of its own, in the order of the message."""
        found: list[Attached] = []
        for item in self.items:
            found.extend([item] if isinstance(item, Attached) else item.related)
        return found
