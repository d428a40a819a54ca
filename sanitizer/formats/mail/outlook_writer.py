"""The canonical Outlook message without attachments (``docs/grammar-mail.md``).

Source: [MS-OXMSG] 2; numbers of properties: [MS-OXPROPS].
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sanitizer.formats.mail import bodies, compound_writer
from sanitizer.formats.mail.compound_writer import Entry, Storage, Stream
from sanitizer.formats.mail.model import Mailbox, Message, Words
from sanitizer.formats.mail.packing import cleaned, page_or_text
from sanitizer.formats.markup.notes import Notes
from sanitizer.limits import Limits

CLASS_ID = bytes.fromhex("0b0d020000000000c000000000000046")
MAX_RECIPIENTS = 2_000
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)

Value = str | bytes | int | datetime


def written(message: Message, notes: Notes, limits: Limits) -> bytes | None:
    """The compound file; None if the message does not fit. Raises ``Refused``."""
    words = next((item for item in message.items if isinstance(item, Words)), Words(plain=""))
    page, _ = page_or_text(words, {}, 0, notes, limits)
    plain = bodies.plain_text(words.plain or "", notes) if words.plain or page is None else None
    tidy = cleaned(message, notes)
    people = [(1, box) for box in tidy.people("To")] + [(2, box) for box in tidy.people("Cc")]
    if len(people) > MAX_RECIPIENTS:
        return None
    entries = _stored(_head(tidy, people, page, plain), struct.pack("<8x4I8x", len(people), 0, len(people), 0))
    names = [Stream(f"__substg1.0_{tag}0102", b"") for tag in ("0002", "0003", "0004")]
    entries.append(Storage("__nameid_version1.0", list(names)))
    for number, (kind, box) in enumerate(people):
        entries.append(Storage(f"__recip_version1.0_#{number:08X}", _stored(_recipient(number, kind, box), bytes(8))))
    made = compound_writer.written(entries, CLASS_ID)
    return made if made is None or len(made) <= limits.max_output else None


def _head(
    message: Message, people: list[tuple[int, Mailbox]], page: str | None, plain: str | None
) -> dict[int, Value | None]:
    author = next(iter(message.people("From")), Mailbox("", ""))
    address = author.address or None
    smtp = "SMTP" if address else None
    when = parsedate_to_datetime(message.date).astimezone(UTC) if message.date else None
    name = shown_name(author) or " "
    return {
        0x001A001F: "IPM.Note",
        0x0037001F: message.subject or None,
        0x00390040: when,
        0x0042001F: name,
        0x0064001F: smtp,
        0x0065001F: address,
        0x0C1A001F: name,
        0x0C1E001F: smtp,
        0x0C1F001F: address,
        0x0E03001F: _names(people, 2),
        0x0E04001F: _names(people, 1),
        0x0E060040: when,
        0x0E070003: 1,
        0x0E1D001F: message.subject or None,
        0x1000001F: plain,
        0x10130102: page.encode("utf-8") if page is not None else None,
        0x10160003: 3 if page is not None else 1,
        0x1035001F: message.message_id or None,
        0x340D0003: 0x40000,
        0x3FDE0003: 65001,
    }


def _recipient(number: int, kind: int, box: Mailbox) -> dict[int, Value | None]:
    address = box.address or None
    return {
        0x0C150003: kind,
        0x0FFE0003: 6,
        0x30000003: number,
        0x3001001F: shown_name(box),
        0x3002001F: "SMTP" if address else None,
        0x3003001F: address,
        0x39000003: 0,
        0x39FE001F: address,
    }


def shown_name(box: Mailbox) -> str:
    """What a mailbox is called: its name, else its address; without what separates names."""
    return " ".join((box.name or box.address).replace(";", ",").split())


def _names(people: list[tuple[int, Mailbox]], kind: int) -> str:
    return "; ".join(shown_name(box) for own, box in people if own == kind) or " "


def _stored(values: dict[int, Value | None], head: bytes) -> list[Entry]:
    """The stream of properties, and a stream for each that has one."""
    rows, streams = [head], list[Entry]()
    for tag in sorted(values):
        value = values[tag]
        if value is None:
            continue
        if isinstance(value, int):
            rows.append(struct.pack("<IIi4x", tag, 6, value))
        elif isinstance(value, datetime):
            rows.append(struct.pack("<IIQ", tag, 6, int((value - _EPOCH).total_seconds()) * 10_000_000))
        else:
            raw = value.encode("utf-16-le", "replace") if isinstance(value, str) else value
            rows.append(struct.pack("<IIII", tag, 6, len(raw) + (2 if isinstance(value, str) else 0), 0))
            streams.append(Stream(f"__substg1.0_{tag:08X}", raw))
    return [Stream("__properties_version1.0", b"".join(rows)), *streams]
