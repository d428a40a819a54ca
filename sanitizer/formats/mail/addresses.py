"""Mailboxes of a header: read as programs write them, written in one way.

Rules kept here:

- An address is ASCII with one ``@``; a domain in other letters is written as IDNA says. What is not an address stands
  as a name alone.
- Groups give way to their members. At most ``MAX_MAILBOXES`` in a header; more is ``bomb``.
- A name is always written: as a quoted string where it is printable ASCII, as encoded words otherwise.

Source: RFC 5322 section 3.4; dots where they may not stand are met in addresses of Japanese telephones.

>>> mailboxes('"佐藤, 花子" <sato@Example.jp> (x), 総務課: a..b.@docomo.ne.jp;')
[Mailbox(name='佐藤, 花子', address='sato@example.jp'), Mailbox(name='', address='a..b.@docomo.ne.jp')]
"""

from __future__ import annotations

import re

from sanitizer.formats.base import Refused
from sanitizer.formats.mail.model import Mailbox
from sanitizer.formats.mail.words import PLAIN, decoded_words, encoded

MAX_MAILBOXES = 2_000
LONGEST_NAME = 200
LONGEST_FIELD = 400_000  # characters that are looked at: each of two thousand mailboxes may have two hundred
_TOKEN = re.compile(
    r"""\s+|"(?:[^"\\]|\\.){0,500}"|\((?:[^()\\]|\\.){0,500}\)|<[^<>]{0,500}>|[,;:]|[^\s"(<,;:]+|.""", re.DOTALL
)
_COMMENT = re.compile(r"\([^()]{0,200}\)")
_ROUTE = re.compile(r"^\s*@[^:]{0,250}:")  # of hosts on the way (RFC 822)
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_DOT_ATOM = re.compile(r"[^.]+(?:\.[^.]+)*")
_PLAIN_NAME = re.compile(rf"[!-~](?:[ -~]{{0,{PLAIN - 2}}}[!-~])?")


def mailboxes(value: str) -> list[Mailbox]:
    """The mailboxes of a field's value (unfolded, encoded words not yet decoded). Raises ``Refused``."""
    found: list[Mailbox] = []
    for entry in _entries(value):
        box = _mailbox(entry)
        if box is not None:
            found.append(box)
        if len(found) > MAX_MAILBOXES:
            raise Refused("bomb", "mailboxes")
    return found


def _entries(value: str) -> list[list[str]]:
    """The tokens of each mailbox. The name of a group counts only if the group has no members."""
    entries: list[list[str]] = []
    current: list[str] = []
    group: tuple[list[str], int] | None = None
    for token in [match[0] for match in _TOKEN.finditer(value[:LONGEST_FIELD])] + [";"]:
        if token == ":" and not _has_at(current):
            group, current = (current, len(entries)), []
        elif token in (",", ";"):
            entries += [current] if _says(current) else []
            if token == ";" and group is not None:
                entries += [group[0]] if len(entries) == group[1] and _says(group[0]) else []
                group = None
            current = []
        else:
            current.append(token)
    return entries


def _says(entry: list[str]) -> bool:
    return any(token.strip() for token in entry)


def _has_at(tokens: list[str]) -> bool:
    return any("@" in token for token in tokens if not _is_quoted(token))


def _mailbox(entry: list[str]) -> Mailbox | None:
    angle = next((token for token in reversed(entry) if token[:1] == "<" and token[-1:] == ">"), None)
    comments = " ".join(token[1:-1] for token in entry if token[:1] == "(" and len(token) > 1)
    said = [token for token in entry if token[:1] not in ("<", "(")]
    if angle is not None:
        address = angle[1:-1]
        name = _phrase(said) or decoded_words(comments)
    elif _has_at(said):
        address, name = "".join(said), decoded_words(comments)
    else:
        address, name = "", _phrase(said) or decoded_words(comments)
    good = canonical_address(address)
    name = named(name if good or not address.strip() else f"{name} {address}")
    if not good and not name:
        return None
    return Mailbox("" if name == good else name, good)


def _phrase(tokens: list[str]) -> str:
    plain = "".join(re.sub(r"\\(.)", r"\1", token[1:-1]) if _is_quoted(token) else token for token in tokens)
    return decoded_words(plain)


def _is_quoted(token: str) -> bool:
    return len(token) > 1 and token[0] == token[-1] == '"'


def canonical_address(address: str) -> str:
    """The address as it is written, empty for what is none."""
    local, at, domain = _ROUTE.sub("", _COMMENT.sub("", address)).strip().rpartition("@")
    local = re.sub(r"\\(.)", r"\1", local.strip()[1:-1]) if local[:1] == '"' else "".join(local.split())
    domain = "".join(domain.split())
    try:
        domain = domain.lower() if domain.isascii() else domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    good = at and _LOCAL.fullmatch(local) and len(domain) <= 253 and _DOMAIN.fullmatch(domain)
    return f"{local}@{domain}" if good else ""


def named(name: str) -> str:
    """A name on one line, at most ``LONGEST_NAME`` characters."""
    return " ".join(name.split())[:LONGEST_NAME].strip()


def written(boxes: list[Mailbox]) -> str:
    """The value of a header, one mailbox a line."""
    return ",\r\n ".join(_written(box) for box in boxes)


def _written(box: Mailbox) -> str:
    name = _written_name(box.name) if box.name else ""
    if not box.address:
        return f"{name}:;"
    local, _, domain = box.address.rpartition("@")
    if not _DOT_ATOM.fullmatch(local):
        local = f'"{local}"'
    return f"{name} <{local}@{domain}>".lstrip(" ")


def _written_name(name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name) or "=?" in name:
        return encoded(name)
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
