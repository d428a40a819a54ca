"""The words of a rebuilt message, for search: fields, texts, and what the files say; its tables and its pictures.

Rules kept here:

- A file that cannot be read says nothing, and keeps nothing else from being said.

>>> words(Message(subject="会議", items=[Words(plain="本文")]), Limits())
'会議\\n本文\\n'
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from sanitizer.formats import FORMATS, members
from sanitizer.formats.base import Picture, Table
from sanitizer.formats.mail import tree
from sanitizer.formats.mail.entity import read
from sanitizer.formats.mail.model import PEOPLE, Attached, Mailbox, Message, Words
from sanitizer.formats.markup import html, parts
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


def tables(message: Message, limits: Limits) -> list[Table]:
    """The tables of the pages and of the files."""
    return [table for hook, data in _hooks(message, "tables", limits) for table in hook(data, limits)]


def pictures(message: Message, limits: Limits) -> list[Picture]:
    """The pictures of the pages and of the files, each once."""
    found = [picture for hook, data in _hooks(message, "pictures", limits) for picture in hook(data, limits)]
    return list(dict.fromkeys(found))


def _hooks(message: Message, name: str, limits: Limits) -> Iterator[tuple[Callable[[bytes, Limits], list[Any]], bytes]]:
    """What gives the parts of that name, and the bytes that it gives them of."""
    for item in message.items:
        if isinstance(item, Words) and item.page is not None:
            yield getattr(parts, name), item.page
        for file in [item] if isinstance(item, Attached) else item.related:
            if file.kind == "message/rfc822":
                yield from _hooks(tree.message(read(file.data), Notes()), name, limits)
                continue
            module = FORMATS.get(members.type_of(file.name))
            hook = getattr(importlib.import_module(module), name, None) if module else None
            if hook is not None:
                yield _forgiving(hook), file.data


def _forgiving(hook: Callable[[bytes, Limits], list[Any]]) -> Callable[[bytes, Limits], list[Any]]:
    def tried(data: bytes, limits: Limits) -> list[Any]:
        try:
            return hook(data, limits)
        except Exception:
            return []

    return tried
