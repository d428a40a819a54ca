"""The words of a rebuilt message, for search: fields, texts, and what the files say.

>>> words(Message(subject="会議", items=[Words(plain="本文")]), Limits())
'会議\\n本文\\n'
"""

from __future__ import annotations

from sanitizer.formats import members
from sanitizer.formats.mail import tree
from sanitizer.formats.mail.entity import read
from sanitizer.formats.mail.model import PEOPLE, Attached, Mailbox, Message, Words
from sanitizer.formats.markup import html
from sanitizer.formats.markup.notes import Notes
from sanitizer.limits import Limits


def words(message: Message, limits: Limits) -> str:
    """What the message says, a line each."""
    said = [message.subject, *(" ".join(map(_shown, message.people(name))) for name in PEOPLE), message.date]
    for item in message.items:
        if isinstance(item, Attached) and item.kind == "message/rfc822":
            said.append(f"{item.name}\n{words(tree.message(read(item.data), Notes()), limits)}".rstrip("\n"))
        elif isinstance(item, Attached):
            said.append(members.words_of(item.name, item.data, limits).rstrip("\n"))
        else:
            said.append(_of_text(item, limits))
    return "".join(f"{line}\n" for line in said if line)


def _shown(box: Mailbox) -> str:
    return f"{box.name} <{box.address}>" if box.name and box.address else box.name or box.address


def _of_text(item: Words, limits: Limits) -> str:
    """The plain text; the page's words only where there is none."""
    if item.plain is not None and item.plain.strip():
        return item.plain.replace("\r\n", "\n")
    return html.text(item.page, limits) if item.page else ""
