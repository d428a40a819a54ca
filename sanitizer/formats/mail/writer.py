"""The canonical message (``docs/grammar-mail.md``).

Rules kept here:

- ASCII, CR LF, every field and every part in one order and one form; every body in base64 but those of messages inside.
- Boundaries name the level of the message (one more than the highest of the messages inside) and the kind of multipart,
  so that none is found where it is not meant.

>>> print(written(Message(subject="a"), [Text("x\\r\\n")]).decode().replace("\\r", ""), end="")
Subject: a
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: base64
<BLANKLINE>
eA0K
"""

from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

from sanitizer.formats.mail import addresses
from sanitizer.formats.mail.model import PEOPLE, Message
from sanitizer.formats.mail.words import unstructured

_WIDTH = 76  # characters in one line of base64
_BLOCK = 57 << 12  # octets that are encoded at once: whole lines
_NUMBERS = {"mixed": 1, "alternative": 2, "related": 3}
_LEVEL = re.compile(rb'boundary="=_([1-9])\.[123]"')
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-](?:[A-Za-z0-9 ._-]{0,98}[A-Za-z0-9._-])?")


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the message."""

    characters: str
    flowed: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the message."""

    characters: str


@dataclass(frozen=True, slots=True)
class File:
    """What is attached. ``read`` gives its bytes, as often as it is asked. ``content_id``: without brackets, for a
    picture that the page shows; else empty."""

    name: str
    mime: str
    read: Callable[[], bytes]
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """A multipart: ``mixed``, ``alternative`` or ``related``."""

    kind: str
    parts: list[Node]


Node = Text | Page | File | Parts


def written(message: Message, nodes: list[Node]) -> bytes:
    """The message with its contents, as a file."""
    body = nodes[0] if len(nodes) == 1 and not isinstance(nodes[0], File) else Parts("mixed", nodes)
    out = [(_fields(message) + "MIME-Version: 1.0\r\n").encode("ascii")]
    _entity(body, 1 + _highest(body), out)
    return b"".join(out)


def _fields(message: Message) -> str:
    lines = [f"{name}: {addresses.written(message.people(name))}" for name in PEOPLE if message.people(name)]
    if message.date:
        lines.append(f"Date: {message.date}")
    if message.subject:
        lines.append(f"Subject: {unstructured(message.subject)}")
    if message.message_id:
        lines.append(f"Message-ID: {message.message_id}")
    return "".join(f"{line}\r\n" for line in lines)


def _highest(node: Node) -> int:
    """The highest level of the messages inside; 0 if there is none."""
    if isinstance(node, Parts):
        return max(map(_highest, node.parts), default=0)
    if isinstance(node, File) and node.mime == "message/rfc822":
        return level_of(node.read())
    return 0


def level_of(data: bytes) -> int:
    """The level of a canonical message."""
    found = _LEVEL.search(data, 0, data.find(b"\r\n\r\n") + 1)
    return int(found[1]) if found else 1


def _entity(node: Node, level: int, out: list[bytes]) -> None:
    """The fields of an entity that say what it is, a blank line, its body."""
    if isinstance(node, Parts):
        boundary = f"=_{level}.{_NUMBERS[node.kind]}"
        out.append(f'Content-Type: multipart/{node.kind}; boundary="{boundary}"\r\n\r\n'.encode("ascii"))
        for part in node.parts:
            out.append(f"--{boundary}\r\n".encode("ascii"))
            _entity(part, level, out)
        out.append(f"--{boundary}--\r\n".encode("ascii"))
    elif isinstance(node, Text):
        _leaf(f"text/plain; charset=UTF-8{node.flowed}", "", node.characters.encode("utf-8"), out)
    elif isinstance(node, Page):
        _leaf("text/html; charset=UTF-8", "", node.characters.encode("utf-8"), out)
    elif node.mime == "message/rfc822":
        out += [f"Content-Type: message/rfc822\r\n{_disposition(node)}\r\n".encode("ascii"), node.read()]
    else:
        _leaf(node.mime, _disposition(node), node.read(), out)


def _leaf(kind: str, disposition: str, data: bytes, out: list[bytes]) -> None:
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n{disposition}\r\n"
    out.append(head.encode("ascii"))
    for at in range(0, len(data), _BLOCK):
        block = base64.b64encode(data[at : at + _BLOCK])
        out.append(b"".join(block[line : line + _WIDTH] + b"\r\n" for line in range(0, len(block), _WIDTH)))


def _disposition(file: File) -> str:
    if _PLAIN_NAME.fullmatch(file.name):
        name = f'filename="{file.name}"'
    else:
        name = "filename*=UTF-8''" + urllib.parse.quote(file.name, safe="-._~")
    shown = f"Content-ID: <{file.content_id}>\r\n" if file.content_id else ""
    return f"Content-Disposition: {'inline' if shown else 'attachment'}; {name}\r\n{shown}"
