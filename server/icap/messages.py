"""The heads of ICAP and of the HTTP messages inside, as bytes and as values; no socket, no clock.

Rules kept here:
- a head is lines that end in CRLF; a field has a name of token characters; folded lines, NUL and bare CR or LF are not
  accepted, for two readers must not see two messages;
- what decides where a message ends (``Encapsulated``, ``Preview``) may stand once;
- nothing that came from outside gets into a head that leaves but by ``HttpHead.encode``, which refuses line ends.

>>> read_head(b"OPTIONS icap://gate/respmod ICAP/1.0\\r\\nHost: gate\\r\\n\\r\\n").service
'respmod'
>>> encapsulated("req-hdr=0, res-hdr=10, res-body=30").heads
(('req-hdr', 0, 10), ('res-hdr', 10, 30))
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MAX_HEAD = 64 * 1024
"""Bytes of the head of an ICAP message."""
MAX_HEADS = 128 * 1024
"""Bytes of the HTTP heads inside."""
MAX_PREVIEW = 64 * 1024

Fields = tuple[tuple[str, str], ...]
"""Names and values in their order, as ISO-8859-1."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ICAP_LINE = re.compile(r"([A-Z]{3,10}) icap://[^/\s]{1,300}/([^\s?]{0,300})(?:\?\S{0,2000})? ICAP/([0-9])\.([0-9])")
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}) (\S{1,60000}) HTTP/[0-9]\.[0-9]")
_STATUS_LINE = re.compile(r"HTTP/[0-9]\.[0-9] ([1-9][0-9]{2})(?: [^\r\n]*)?")
_BODIES = frozenset({"req-body", "res-body", "opt-body", "null-body"})
_ORDERS = {
    "REQMOD": (("req-hdr", "req-body"), ("req-hdr", "null-body"), ("req-body",)),
    "RESPMOD": (
        ("req-hdr", "res-hdr", "res-body"), ("req-hdr", "res-hdr", "null-body"), ("res-hdr", "res-body"),
        ("res-hdr", "null-body"), ("req-hdr", "res-body"), ("res-body",),
    ),
}  # fmt: skip


class BadMessage(Exception):
    """What came is no ICAP, or not for here: the status of the answer (RFC 3507 section 4.3.3), and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why


class Head(NamedTuple):
    """The head of an ICAP request. ``service``: the path of its address, without the first slash."""

    method: str
    service: str
    fields: Fields


class Sections(NamedTuple):
    """Where the HTTP heads are (name, from, to), and which body follows them; None for no body."""

    heads: tuple[tuple[str, int, int], ...]
    body: str | None


class HttpHead(NamedTuple):
    """The head of an HTTP message: its first line and its fields."""

    line: str
    fields: Fields

    @property
    def method(self) -> str:
        """Of a request."""
        return self.line.split(" ", 1)[0]

    @property
    def target(self) -> str:
        """Of a request: an absolute address, or a path."""
        return self.line.split(" ")[1]

    @property
    def status(self) -> int:
        """Of a response."""
        return int(self.line.split(" ")[1])

    def get(self, name: str) -> str:
        """The values of a field, joined as RFC 9110 section 5.3 says; empty if there is none."""
        return ", ".join(value for key, value in self.fields if key.lower() == name)

    def without(self, *names: str) -> HttpHead:
        return self._replace(fields=tuple(field for field in self.fields if field[0].lower() not in names))

    def having(self, *fields: tuple[str, str]) -> HttpHead:
        """With these instead of those of the same names."""
        return self.without(*(name.lower() for name, _ in fields))._replace(
            fields=(*self.without(*(name.lower() for name, _ in fields)).fields, *fields)
        )

    def encode(self) -> bytes:
        """Raises ValueError for what would be more than one line."""
        lines = [self.line, *(f"{name}: {value}" for name, value in self.fields)]
        if any(c in line for line in lines for c in "\r\n\0"):
            raise ValueError("a line end inside a head")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read_head(block: bytes) -> Head:
    """The head of an ICAP request, with its empty line. Raises ``BadMessage``."""
    line, fields = _read(block)
    found = _ICAP_LINE.fullmatch(line)
    if found is None:
        raise BadMessage(400, "request line")
    if (found[3], found[4]) != ("1", "0"):
        raise BadMessage(505, "version")
    if found[1] not in ("OPTIONS", *_ORDERS):
        raise BadMessage(501, "method")
    return Head(found[1], found[2], fields)


def read_request(block: bytes) -> HttpHead:
    line, fields = _read(block)
    if _REQUEST_LINE.fullmatch(line) is None:
        raise BadMessage(400, "HTTP request line")
    return HttpHead(line, fields)


def read_response(block: bytes) -> HttpHead:
    line, fields = _read(block)
    if _STATUS_LINE.fullmatch(line) is None:
        raise BadMessage(400, "HTTP status line")
    return HttpHead(line, fields)


def _read(block: bytes) -> tuple[str, Fields]:
    text = block.decode("latin-1")
    if not text.endswith("\r\n\r\n") or "\0" in text:
        raise BadMessage(400, "head")
    lines = text[:-4].split("\r\n")
    if any("\r" in line or "\n" in line for line in lines):
        raise BadMessage(400, "line ends")
    return lines[0], tuple(_field(line) for line in lines[1:])


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or _NAME.fullmatch(name) is None:
        raise BadMessage(400, "field")
    return name, value.strip(" \t")


def values(fields: Fields, name: str) -> list[str]:
    return [value for key, value in fields if key.lower() == name]


def only(fields: Fields, name: str) -> str | None:
    """The value of a field that may stand once. Raises ``BadMessage``."""
    found = values(fields, name)
    if len(found) > 1:
        raise BadMessage(400, f"{name} twice")
    return found[0] if found else None


def listed(fields: Fields, name: str) -> frozenset[str]:
    """The members of a comma-separated field, in lower case."""
    return frozenset(part.strip().lower() for value in values(fields, name) for part in value.split(","))


def preview_of(fields: Fields) -> int | None:
    """The bytes that are sent first (section 4.5), None for no preview. Raises ``BadMessage``."""
    value = only(fields, "preview")
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) > MAX_PREVIEW:
        raise BadMessage(400, "preview")
    return int(value)


def encapsulated(value: str) -> Sections:
    """The list of section 4.4.1: offsets from 0 upwards, a body last. Raises ``BadMessage``."""
    named = [part.strip().partition("=") for part in value.split(",")]
    offsets = []
    for _, equals, number in named:
        if not equals or not number.isascii() or not number.isdigit() or len(number) > 9:
            raise BadMessage(400, "encapsulated")
        offsets.append(int(number))
    names = [name.strip().lower() for name, _, _ in named]
    sound = offsets[0] == 0 and all(a < b for a, b in itertools.pairwise(offsets))
    if not sound or names[-1] not in _BODIES or offsets[-1] > MAX_HEADS:
        raise BadMessage(400, "encapsulated")
    heads = tuple(zip(names[:-1], offsets, offsets[1:], strict=False))
    return Sections(heads, None if names[-1] == "null-body" else names[-1])


def sections_of(head: Head) -> Sections:
    """What a REQMOD or RESPMOD carries. Raises ``BadMessage``."""
    value = only(head.fields, "encapsulated")
    if value is None:
        raise BadMessage(400, "no encapsulated")
    sections = encapsulated(value)
    order = (*(name for name, _, _ in sections.heads), sections.body or "null-body")
    if order not in _ORDERS[head.method]:
        raise BadMessage(400, "encapsulated")
    return sections


_PHRASES = {
    200: "OK", 204: "No Content", 400: "Bad Request", 404: "ICAP Service Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 500: "Server Error", 501: "Method Not Implemented", 503: "Service Overloaded",
    505: "ICAP Version Not Supported",
}  # fmt: skip
CONTINUE = b"ICAP/1.0 100 Continue\r\n\r\n"


def answer_head(status: int, istag: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """The head of an ICAP answer; every one carries the ISTag (section 4.7)."""
    line = f"ICAP/1.0 {status} {_PHRASES[status]}"
    return HttpHead(line, (("ISTag", f'"{istag}"'), *fields)).encode()


def adapted_head(
    istag: str, head: HttpHead, *, request: bool, body: bool, close: bool, also: Sequence[str] = ()
) -> bytes:
    """A 200 with an HTTP head inside, up to where its chunks begin. ``also``: further fields, ``Name: value``."""
    inside = head.encode()
    kind = "req" if request else "res"
    where = f"{kind}-hdr=0, {f'{kind}-body' if body else 'null-body'}={len(inside)}"
    further = [(name, value) for name, _, value in (field.partition(": ") for field in also)]
    fields = [("Encapsulated", where), *further, *([("Connection", "close")] if close else [])]
    return answer_head(200, istag, fields) + inside
