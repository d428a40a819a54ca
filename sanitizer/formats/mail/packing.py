"""From a message and its treated members to the canonical message.

Rules kept here:

- A picture that the page shows stays with it; whatever else came beside the page is attached.
- A member that was refused leaves a note in its place that says why.
- A page that cannot be rebuilt is left out if the same is there as plain text; else the message is refused.

>>> members(Message(items=[Attached("a.txt", b"x", "text/plain")]))
[Member(name='a.txt', data=b'x', refused='')]
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sanitizer.formats import members as notes_of
from sanitizer.formats.base import Member, Rebuilt, Refused, Treated
from sanitizer.formats.mail import bodies, writer
from sanitizer.formats.mail.addresses import named
from sanitizer.formats.mail.charset import decoded
from sanitizer.formats.mail.model import Attached, Mailbox, Message, Words
from sanitizer.formats.mail.names import member_name, safe_name
from sanitizer.formats.markup.notes import Notes
from sanitizer.formats.member_names import safe_part
from sanitizer.limits import Limits

SHOWN = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"))
LONGEST_SUBJECT = 1_000


def members(message: Message) -> list[Member]:
    """What is attached to a message, in the order in which it will be asked for."""
    shown = {id(part) for item in message.items if isinstance(item, Words) for part in item.related}
    return [Member(member_name(part.name, part.kind, id(part) in shown), part.data) for part in message.attached()]


def packed(message: Message, treated: Sequence[Treated], notes: Notes, limits: Limits) -> Rebuilt:
    """The canonical message. Raises ``Refused``."""
    made = _Packing(message, treated, notes, limits)
    data = writer.written(cleaned(message, notes), made.nodes())
    if len(data) > limits.max_output:
        raise Refused("output-too-large")
    removed, changed = notes.lists()
    return Rebuilt(data, "message/rfc822", removed, changed)


def cleaned(message: Message, notes: Notes) -> Message:
    """The message with its words as they may stand in fields."""
    people = {
        header: [box for box in (_clean_box(box, notes) for box in boxes) if box.name or box.address]
        for header, boxes in message.addresses.items()
    }
    subject = " ".join(notes.clean(message.subject).split())[:LONGEST_SUBJECT].strip()
    return Message(people, subject, message.date, message.message_id)


def _clean_box(box: Mailbox, notes: Notes) -> Mailbox:
    return Mailbox(named(notes.clean(box.name)), box.address)


class _Packing:
    def __init__(self, message: Message, treated: Sequence[Treated], notes: Notes, limits: Limits) -> None:
        parts = message.attached()
        if len(parts) != len(treated):
            raise Refused("unreadable", "members")
        self._message = message
        self._notes = notes
        self._limits = limits
        self._treated = {id(part): result for part, result in zip(parts, treated, strict=True)}
        for part in parts:
            part.data = b""  # what leaves is not what came; nor is there room for both
        self._pictures = 0

    def nodes(self) -> list[writer.Node]:
        """The contents of the message; one empty text if there are none."""
        found: list[writer.Node] = []
        for item in self._message.items:
            found += [self._file(item)] if isinstance(item, Attached) else self._words(item)
        return found or [writer.Text("\r\n")]

    def _file(self, part: Attached, content_id: str = "") -> writer.File:
        result = self._treated[id(part)]
        if result.code == "released":
            return writer.File(safe_part(result.name), result.mime, result.read, content_id)
        note = notes_of.note(result.code)
        return writer.File(safe_part(notes_of.note_name(result.name)), "text/plain", lambda: note)

    def _words(self, words: Words) -> list[writer.Node]:
        """A run of text; then what came beside its page and is not shown by it."""
        can_be_shown = {at for at, part in enumerate(words.related) if self._is_picture(part)}
        shown = {name: at for at in can_be_shown for name in words.related[at].content_ids}
        page, order = page_or_text(words, shown, self._pictures, self._notes, self._limits)
        inline: list[writer.Node] = []
        for at in order:
            self._pictures += 1
            inline.append(self._file(words.related[at], bodies.content_id(self._pictures)))
        rest: list[writer.Node] = [self._file(part) for at, part in enumerate(words.related) if at not in order]
        node: writer.Node | None = None
        if page is not None:
            node = writer.Parts("related", [writer.Page(page), *inline]) if inline else writer.Page(page)
        if words.plain or node is None:
            text = writer.Text(bodies.plain_text(words.plain or "", self._notes), words.flowed)
            node = text if node is None else writer.Parts("alternative", [text, node])
        return [node, *rest]

    def _is_picture(self, part: Attached) -> bool:
        result = self._treated[id(part)]
        return result.code == "released" and result.mime in SHOWN


def page_or_text(
    words: Words, shown: Mapping[str, int], before: int, notes: Notes, limits: Limits
) -> tuple[str | None, list[int]]:
    """The page and the pictures that it shows (see ``bodies.page``); None if there is none, or none that can be rebuilt
    beside a plain text. Raises ``Refused``."""
    if words.page is None or not words.page.strip():
        return None, []
    try:
        return bodies.page(words, shown, before, notes, limits)
    except Refused as no:
        if not words.plain and no.code != "empty":
            raise
        notes.removed("unreadable-part")
        return None, []


def as_mail(message: Message) -> bytes:
    """A message as mail with its parts as they were received, to be examined like any mail."""
    nodes: list[writer.Node] = []
    for item in message.items:
        if isinstance(item, Attached):
            nodes.append(_as_received(item))
            continue
        found: list[writer.Node] = []
        if item.plain:
            found.append(writer.Text(item.plain.encode("utf-8", "replace").decode("utf-8")))
        if item.page is not None:
            page = writer.Page(decoded(item.page, item.charset)[0].encode("utf-8", "replace").decode("utf-8"))
            shown = [_as_received(part) for part in item.related]
            found.append(writer.Parts("related", [page, *shown]) if shown else page)
        nodes += [writer.Parts("alternative", found)] if len(found) > 1 else found
    return writer.written(cleaned(message, Notes()), nodes or [writer.Text("\r\n")])


def _as_received(part: Attached) -> writer.File:
    name = safe_name(part.name)
    content_id = re.sub(r"[^!-;=?-~]", "", next(iter(part.content_ids), ""))[:200]
    return writer.File(name, part.kind or "application/octet-stream", lambda: part.data, content_id)
