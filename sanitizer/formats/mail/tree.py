"""From the entities of a mail to its message: which parts are its text, which pictures of the text, which files.

Rules kept here:

- The fields of a list stay: people, date, subject, identity. Ways, signatures of servers, and whatever else programs
  note in a header go; so do recipients that were hidden.
- Of alternatives the plain text and the page stay; a signature around a message goes and leaves it; fragments and
  references to bodies elsewhere go. What is encrypted is refused with ``encrypted-mail``.
- A part with a file name, or of a kind that is not text, is a file.

Sources: RFC 5322 section 3.6, RFC 2046, RFC 2387, RFC 1847, RFC 8551, RFC 3676.

>>> message(read(b"From: a@b.jp\\nSubject: =?utf-8?q?x?=\\n\\nhello"), Notes()).subject
'x'
"""

from __future__ import annotations

import email.utils
import re
from datetime import datetime, timedelta

from sanitizer.formats.base import Refused
from sanitizer.formats.mail import smime, tnef
from sanitizer.formats.mail.addresses import mailboxes
from sanitizer.formats.mail.charset import decoded
from sanitizer.formats.mail.entity import Entity, read
from sanitizer.formats.mail.model import PEOPLE, Attached, Item, Mailbox, Message, Words
from sanitizer.formats.mail.words import decoded_words
from sanitizer.formats.markup.notes import Notes

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,160}@[A-Za-z0-9.-]{1,120}>")
_READ_NAMES = """
from sender reply-to to cc date subject message-id mime-version content-type content-transfer-encoding content-length
content-disposition content-id content-description content-language content-location thread-topic
"""
_READ = frozenset(_READ_NAMES.split())
_TEXTS = frozenset(("text/plain", "message/delivery-status", "message/disposition-notification"))
_PAGES = frozenset(("text/html", "application/xhtml+xml"))
_SIGNATURES = frozenset(
    f"application/{name}" for name in ("pgp-signature", "pkcs7-signature", "x-pkcs7-signature", "pgp-keys")
)
_ENVELOPES = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
_GONE = {
    "message/external-body": "external-body",
    "message/partial": "partial-message",
    "text/rfc822-headers": "mail-header",
    "application/pgp-encrypted": "signature",
    "text/x-amp-html": "alternative",
    "text/watch-html": "alternative",
    "text/enriched": "alternative",
    "application/applefile": "private-data",
}
_WORDY = re.compile(r"\s*(?:<[^<>]*>|[^\s<>]+)")


def message(root: Entity, notes: Notes) -> Message:
    """The message of an entity. Raises ``Refused``."""
    made = Message()
    _headers(root, made, notes)
    made.items = _Parts(notes).all_items(root)
    return made


def _headers(root: Entity, made: Message, notes: Notes) -> None:
    for header in PEOPLE:
        found = boxes(root, header)
        if found:
            made.addresses[header] = found
    made.subject = " ".join(notes.clean(decoded_words(root.value("subject"))).split())
    made.date = canonical_date(root.value("date"))
    made.message_id = message_id(root.value("message-id"))
    for name, _ in root.fields:
        if name == "bcc":
            notes.removed("hidden-recipient")
        elif name not in _READ:
            notes.removed("mail-header")


def boxes(root: Entity, header: str) -> list[Mailbox]:
    """The mailboxes of all fields of a name."""
    return mailboxes(",".join(value for name, value in root.fields if name == header.lower()))


def message_id(value: str) -> str:
    """The identity of a message as it is written; empty for what is none."""
    found = _MESSAGE_ID.search(value[:2_000])
    return found[0] if found else ""


def canonical_date(value: str) -> str:
    """A date as it is written in a header; empty for what is none."""
    try:
        return written_date(email.utils.parsedate_to_datetime(value))
    except (TypeError, ValueError, IndexError, OverflowError):
        return ""


def written_date(moment: datetime) -> str:
    """A moment as it is written in a header, in its own offset (UTC if it has none)."""
    offset = moment.utcoffset() or timedelta(0)
    if not 1900 <= moment.year <= 2999 or abs(offset) >= timedelta(hours=24):
        return ""
    minutes = round(offset.total_seconds() / 60)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    return f"{day}, {moment.day:02} {months[moment.month - 1]} {moment.year} {moment:%H:%M:%S} {zone}"


def signed_items(file: Attached, notes: Notes) -> list[Item]:
    """What a signed message of Outlook, kept as one attachment, gives. Raises ``Refused("encrypted-mail")``."""
    inner = read(file.data)
    if inner.kind.startswith("multipart/"):
        return _Parts(notes).items(inner)
    return _Parts(notes).items(Entity([], memoryview(file.data), "application/pkcs7-mime"))


class _Parts:
    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._opened = 0  # envelopes opened inside each other
        self._rich: Words | None = None  # the text of an envelope of Outlook

    def items(self, entity: Entity) -> list[Item]:
        """What an entity gives to the message, in its order."""
        kind = entity.kind
        if kind.startswith("multipart/"):
            return self._multipart(entity)
        if kind in _GONE:
            self._notes.removed(_GONE[kind])
            return []
        if kind in _SIGNATURES:
            self._notes.removed("signature")
            return []
        if kind in _ENVELOPES:
            return self._envelope(entity)
        if tnef.is_tnef(kind, entity.file_name()):
            return self._tnef(entity)
        attached = entity.disposition()[0] == "attachment" or bool(entity.file_name())
        if not attached and (kind in _TEXTS or kind in _PAGES):
            return [_words(entity, self._notes)]
        return [_attached(entity)]

    def _multipart(self, entity: Entity) -> list[Item]:
        kind = entity.kind.removeprefix("multipart/")
        if kind == "encrypted":
            raise Refused("encrypted-mail")
        if kind == "signed":
            self._notes.removed("signature", max(len(entity.parts) - 1, 0))
            return self.items(entity.parts[0])
        if kind == "alternative":
            return self._alternatives(entity)
        if kind == "related":
            return self._related(entity)
        return [item for part in entity.parts for item in self.items(part)]

    def _alternatives(self, entity: Entity) -> list[Item]:
        """The page and the plain text as one; files that came beside or inside them follow."""
        given = [self.items(part) for part in entity.parts]
        words = [[item for item in items if isinstance(item, Words)] for items in given]
        files = [item for items in given for item in items if isinstance(item, Attached)]
        last = next((items for items in reversed(given) if any(_has_page(item) for item in items)), None)
        plain = next((found[0] for found in words if found and found[0].plain is not None), None)
        if last is None:
            chosen = next((found for found in reversed(words) if found), [])
            self._notes.removed("alternative", sum(map(len, words)) - len(chosen))
            return [*chosen, *files]
        pages = [item for item in last if isinstance(item, Words)]
        if len(pages) > 1:  # a page in pieces, with files between them
            return [*last, *(item for item in files if not any(item is own for own in last))]
        if plain is not None and pages[0].plain is None:
            pages[0].plain, pages[0].flowed = plain.plain, plain.flowed
        return [*pages, *files]

    def _related(self, entity: Entity) -> list[Item]:
        """The root with what it shows."""
        start = entity.param("start")
        root = next((part for part in entity.parts if start and part.value("content-id") == start), entity.parts[0])
        items = self.items(root)
        shown = [item for part in entity.parts if part is not root for item in self.items(part)]
        page = next((item for item in items if isinstance(item, Words) and item.page is not None), None)
        if page is None:
            return items + shown
        styles = [item for item in shown if isinstance(item, Attached) and item.kind == "text/css"]
        self._notes.removed("style", len(styles))
        page.related += [item for item in shown if isinstance(item, Attached) and item.kind != "text/css"]
        return items + [item for item in shown if isinstance(item, Words)]

    def _envelope(self, entity: Entity) -> list[Item]:
        """A message signed by S/MIME with its text inside the signature; an encrypted one is refused."""
        self._opened += 1
        if self._opened > 3:
            raise Refused("too-deep")
        inside = smime.signed_content(entity.content())
        if inside is None:
            raise Refused("encrypted-mail")
        self._notes.removed("signature")
        return self.items(read(inside))

    def _tnef(self, entity: Entity) -> list[Item]:
        """The files that Outlook put into its own envelope; the text in it waits for the other parts."""
        found = tnef.opened(entity.content())
        if found is None:
            self._notes.removed("outlook-envelope")
            return []
        self._notes.changed("outlook-envelope-opened")
        self._notes.removed("embedded-object", found.lost)
        if self._rich is not None:
            return list(found.files)
        self._rich = found.words
        if found.words.page is None:
            return list(found.files)
        found.words.related = [file for file in found.files if file.content_ids]
        return [file for file in found.files if not file.content_ids]

    def all_items(self, root: Entity) -> list[Item]:
        """What the whole message holds. The text of an envelope is the richer form of the one that stands beside it;
        what the page in it shows comes with the page."""
        items = self.items(root)
        rich = self._rich
        if rich is None or (rich.plain is None and rich.page is None):
            return items
        texts = [item for item in items if isinstance(item, Words)]
        if not texts:
            return [rich, *items]
        if rich.page is not None and texts[0].page is None:
            texts[0].page, texts[0].charset, texts[0].related = rich.page, rich.charset, rich.related
            return items
        return [*items, *rich.related]


def _has_page(item: Item) -> bool:
    return isinstance(item, Words) and item.page is not None


def _words(entity: Entity, notes: Notes) -> Words:
    if entity.kind in _PAGES:
        return Words(page=entity.content(), charset=entity.param("charset") or None)
    text, damaged = decoded(entity.content(), entity.param("charset"))
    notes.changed("damaged-characters", damaged)
    flowed = ""
    if entity.param("format").lower() == "flowed":
        flowed = "; format=flowed" + ("; delsp=yes" if entity.param("delsp").lower() == "yes" else "")
    return Words(plain=text, flowed=flowed)


def _attached(entity: Entity) -> Attached:
    names = (entity.value("content-id").strip().strip("<>"), entity.value("content-location").strip())
    called = tuple(name for name in names if name)
    name = entity.file_name()
    if entity.kind in ("message/rfc822", "message/global"):
        return Attached(name or "message.eml", bytes(_inner(entity)), "message/rfc822", called)
    return Attached(name, entity.content(), entity.kind, called)


def _inner(entity: Entity) -> memoryview | bytes:
    """A message inside: encoded it may not be, but is."""
    encoding = entity.value("content-transfer-encoding").lower()
    return entity.content() if encoding in ("base64", "quoted-printable") else entity.body
