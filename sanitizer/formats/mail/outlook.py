"""From the compound file of an Outlook message to its message.

Rules kept here:

- What is read is a list of properties; everything else in the file is not looked at.
- The page is taken where there is one, by itself or wrapped in rich text; the plain text beside it; rich text that
  holds no page gives way to the plain text, or gives its words.
- Attached messages are written as mail, unchecked, to be examined like any mail. Objects of programs and references to
  files elsewhere go.

Sources: [MS-OXMSG], [MS-OXCMSG], [MS-OXOMSG], [MS-OXOCAL], [MS-OXPROPS].
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from sanitizer.formats.base import Refused
from sanitizer.formats.mail import compound, compressed_rtf, rich_text, tree
from sanitizer.formats.mail.addresses import MAX_MAILBOXES, canonical_address, named
from sanitizer.formats.mail.charset import by_codec, codec_of_page
from sanitizer.formats.mail.compound import Storage
from sanitizer.formats.mail.entity import Entity, read
from sanitizer.formats.mail.items import contents
from sanitizer.formats.mail.model import Attached, Item, Mailbox, Message, Words
from sanitizer.formats.mail.properties import PROPERTIES, Properties
from sanitizer.formats.markup.notes import Notes

MAX_ATTACHED = 2_000
MAX_INSIDE = 5  # messages inside one another
_HEADS = {"message": 32, "inside": 24}
_ATTACHMENT = re.compile(r"__attach_version1\.0_#[0-9A-Fa-f]{8}")
_RECIPIENT = re.compile(r"__recip_version1\.0_#[0-9A-Fa-f]{8}")
_EMBEDDED = "__substg1.0_3701000D"
_KINDS = {1: "To", 2: "Cc"}
_BY_VALUE, _MESSAGE, _OBJECT = 1, 5, 6
_MIME = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}")

AsMail = Callable[[Message], bytes]


def message(data: bytes, notes: Notes, as_mail: AsMail) -> Message:
    """The message of a compound file. ``as_mail`` writes a message that is attached. Raises ``Refused``."""
    root = compound.opened(data)
    return _Reader(notes, as_mail).message(root, _HEADS["message"], None, 0)


class _Reader:
    def __init__(self, notes: Notes, as_mail: AsMail) -> None:
        self._notes = notes
        self._as_mail = as_mail

    def message(self, storage: Storage, head: int, codec: str | None, depth: int) -> Message:
        """A message, the received one or one attached to it."""
        if depth > MAX_INSIDE:
            raise Refused("too-deep", "messages")
        given = Properties(storage, head, codec)
        kind = given.text(0x001A).lower()
        sent = read(given.text(0x007D).encode("utf-8", "replace")) if given.text(0x007D) else None
        made = Message()
        _people(made, given, storage, sent, self._notes)
        made.subject = given.text(0x0037)
        made.date = _date(given, sent)
        made.message_id = tree.message_id(given.text(0x1035) or (sent.value("message-id") if sent else ""))
        if sent is not None:
            self._notes.removed("mail-header", len(sent.fields))
        files = self._files(storage, given, depth)
        if kind.startswith("ipm.note.smime") and len(files) == 1:
            made.items = tree.signed_items(files[0], self._notes)
            return made
        if kind and not kind.startswith(("ipm.note", "ipm.post")) and kind != "ipm":
            self._notes.changed("message-class")
        words = self._words(given, contents(kind, given, storage))
        made.items = _arranged(words, files)
        return made

    def _words(self, given: Properties, more: str) -> Words:
        """The texts. ``more``: what a card or an entry of a calendar says in fields."""
        words = Words(plain=given.text(0x1000) or None)
        page = given.binary(0x1013)
        codec = codec_of_page(given.integer(0x3FDE) or 0)
        if page:
            words.page = page
            if codec:
                words.page, words.charset = by_codec(page, codec)[0].encode("utf-8", "replace"), "utf-8"
        elif given.text(0x1013):
            words.page, words.charset = given.text(0x1013).encode("utf-8", "replace"), "utf-8"
        else:
            self._rich(given, words)
        if more:
            words.plain = f"{more}\r\n{words.plain or ''}"
            if words.page is not None:
                words.plain, words.page = f"{more}\r\n{given.text(0x1000)}", None
        return words

    def _rich(self, given: Properties, words: Words) -> None:
        packed = given.binary(0x1009)
        if not packed:
            return
        found = rich_text.read(compressed_rtf.decompressed(packed))
        if found.page is not None:
            words.page, words.charset = found.page.encode("utf-8", "replace"), "utf-8"
        elif words.plain is None and found.words:
            words.plain = found.words
            self._notes.changed("rtf-text")

    def _files(self, storage: Storage, given: Properties, depth: int) -> list[Attached]:
        names = sorted(name for name in storage.storages if _ATTACHMENT.fullmatch(name))
        if len(names) > MAX_ATTACHED:
            raise Refused("bomb", "attachments")
        found = (self._file(storage.storages[name], given.codec, depth) for name in names)
        return [file for file in found if file is not None]

    def _file(self, storage: Storage, codec: str | None, depth: int) -> Attached | None:
        given = Properties(storage, 8, codec)
        method = given.integer(0x3705)
        name = given.text(0x3707) or given.text(0x3704) or given.text(0x3001)
        called = tuple(text.strip("<> ") for text in (given.text(0x3712), given.text(0x3713)) if text.strip("<> "))
        inside = storage.storages.get(_EMBEDDED)
        if inside is not None and PROPERTIES in inside.streams and method in (_MESSAGE, None):
            nested = self.message(inside, _HEADS["inside"], codec, depth + 1)
            title = re.sub(r"[/\\]", "_", nested.subject or name) or "message"
            return Attached(f"{title}.eml", self._as_mail(nested), "message/rfc822")
        if inside is not None or method == _OBJECT:
            self._notes.removed("embedded-object")
            return None
        if method not in (_BY_VALUE, None):
            self._notes.removed("external-body")
            return None
        kind = given.text(0x370E).lower()
        return Attached(name, given.binary(0x3701), kind if _MIME.fullmatch(kind) else "", called)


def _arranged(words: Words, files: list[Attached]) -> list[Item]:
    """The text, with it the pictures that its page may show, then the other files."""
    shown = [file for file in files if words.page is not None and file.content_ids]
    words.related = shown
    items: list[Item] = [words] if words.plain or words.page is not None or not files else []
    return items + [file for file in files if not any(file is other for other in shown)]


def _date(given: Properties, sent: Entity | None) -> str:
    """When it was sent, in the sender's own offset where that is known."""
    when = given.time(0x0039) or given.time(0x0E06)
    written = tree.canonical_date(sent.value("date")) if sent is not None else ""
    if written and (when is None or abs((parsedate_to_datetime(written) - when).total_seconds()) < 86_400):
        return written
    return tree.written_date(when) if when is not None else ""


def _people(made: Message, given: Properties, storage: Storage, sent: Entity | None, notes: Notes) -> None:
    author = _sender(given, 0x0042, 0x0065, 0x5D02)
    sender = _sender(given, 0x0C1A, 0x0C1F, 0x5D01)
    written = tree.boxes(sent, "From") if sent is not None else []
    author = author or sender or (written[0] if written else None)
    if author is not None and not author.address and written and written[0].address:
        author = Mailbox(author.name or written[0].name, written[0].address)
    if author is not None:
        made.addresses["From"] = [author]
    if sender is not None and author is not None and sender.address and sender.address != author.address:
        made.addresses["Sender"] = [sender]
    _recipients(made, given, storage, notes)
    for header in ("Reply-To", "To", "Cc"):
        found = tree.boxes(sent, header) if sent is not None and header not in made.addresses else []
        if found:
            made.addresses[header] = found


def _sender(given: Properties, name: int, address: int, smtp: int) -> Mailbox | None:
    found = canonical_address(given.text(smtp)) or canonical_address(given.text(address))
    shown = named(given.text(name))
    return Mailbox("" if shown == found else shown, found) if found or shown else None


def _recipients(made: Message, given: Properties, storage: Storage, notes: Notes) -> None:
    names = sorted(name for name in storage.storages if _RECIPIENT.fullmatch(name))
    if len(names) > MAX_MAILBOXES:
        raise Refused("bomb", "recipients")
    for name in names:
        one = Properties(storage.storages[name], 8, given.codec)
        kind = (one.integer(0x0C15) or 1) & 0xF
        box = _sender(one, 0x3001, 0x3003, 0x39FE) or _sender(one, 0x5FF6, 0x403E, 0x39FE)
        if kind == 3:
            notes.removed("hidden-recipient")
        elif box is not None and kind in _KINDS:
            made.addresses.setdefault(_KINDS[kind], []).append(box)
    for header, number in (("To", 0x0E04), ("Cc", 0x0E03)):
        if header not in made.addresses and not names:
            shown = [named(part) for part in given.text(number).split(";")[:MAX_MAILBOXES]]
            boxes = [
                Mailbox("" if canonical_address(name) else name, canonical_address(name)) for name in shown if name
            ]
            if boxes:
                made.addresses[header] = boxes
