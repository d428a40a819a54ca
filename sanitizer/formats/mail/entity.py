"""Entities of MIME: header lines, parameters, parts. Reads what mail programs write, within bounds.

Rules kept here:

- Lines end in CR LF, LF or CR. A line that is neither a field nor the continuation of one ends the header.
- A part ends at its own boundary or at one of an entity around it. A multipart without parts is a text.
- At most ``MAX_PARTS`` parts, ``MAX_DEPTH`` multiparts inside each other, ``MAX_HEADER`` bytes, ``MAX_FIELDS`` fields
  of one header; more is ``bomb`` or ``too-deep``.

Sources: RFC 5322 section 2, RFC 2045, RFC 2046 section 5.1, RFC 2183, RFC 2231.

>>> read(b"Content-Type: text/plain; charset=iso-2022-jp\\n\\nabc").param("charset")
'iso-2022-jp'
"""

from __future__ import annotations

import binascii
import re
import urllib.parse
from dataclasses import dataclass, field

from sanitizer.formats.base import Refused
from sanitizer.formats.mail.charset import by_codec, codec_of, decoded
from sanitizer.formats.mail.words import decoded_words, from_base64

MAX_PARTS = 2_000
MAX_DEPTH = 20
MAX_HEADER = 1 << 20
MAX_FIELDS = 5_000
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_LEADING = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:[ \t]*(?:\r\n|\r|\n))*(?:>?From [^\r\n]*(?:\r\n|\r|\n))?")
_BLANK_END = re.compile(rb"(?:\r\n|\r|\n)\Z")
_PARAMETER = re.compile(r""";\s*([^\s;=]{1,60})\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)""", re.DOTALL)
_CONTINUED = re.compile(r"([^*]+)\*(?:(\d{1,3})(\*)?)?")
_CHARSET = re.compile(rb"charset\s*=\s*\"?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]{0,200}\)")


@dataclass(slots=True)
class Entity:
    """One entity. ``fields``: name in lower case and value, unfolded, not yet decoded; ``kind``: its media type."""

    fields: list[tuple[str, str]]
    body: memoryview
    kind: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    parts: list[Entity] = field(default_factory=list)

    def value(self, name: str) -> str:
        """The first field of a name, empty if there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def param(self, name: str) -> str:
        """A parameter of the media type."""
        return self.parameters.get(name, "")

    def disposition(self) -> tuple[str, dict[str, str]]:
        """The disposition (lower case, perhaps empty) and its parameters."""
        return _typed(self.value("content-disposition"))

    def file_name(self) -> str:
        """The name that the part is given; empty if it has none."""
        return self.disposition()[1].get("filename", "") or self.param("name")

    def content(self) -> bytes:
        """The body with its transfer encoding taken off."""
        encoding = _COMMENT.sub("", self.value("content-transfer-encoding")).strip().strip("\"';").lower()
        body = bytes(self.body)
        if encoding == "base64":
            return from_base64(body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(body)
        if encoding in ("x-uuencode", "x-uue", "uuencode"):
            return _from_uuencode(body)
        return body


def _from_uuencode(body: bytes) -> bytes:
    out = bytearray()
    lines = iter(body.splitlines())
    for line in lines:
        if line.startswith(b"begin "):
            break
    for line in lines:
        if line.strip() == b"end":
            break
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            continue
    return bytes(out)


def read(data: bytes) -> Entity:
    """The message with all its parts. Raises ``Refused``."""
    view = memoryview(data)
    leading = _LEADING.match(data)
    return _Reader().entity(view[leading.end() if leading else 0 :], 0, "text/plain")


class _Reader:
    def __init__(self) -> None:
        self._parts = 0

    def entity(self, view: memoryview, depth: int, default: str) -> Entity:
        """An entity and what is in it. ``default``: its media type if it names none."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise Refused("bomb", "parts")
        if depth > MAX_DEPTH:
            raise Refused("too-deep")
        fields, start = _header(view)
        made = Entity(fields, view[start:])
        made.kind, made.parameters = _typed(made.value("content-type"))
        if "/" not in made.kind:
            made.kind = default
        if made.kind.startswith("multipart/"):
            inner = "message/rfc822" if made.kind == "multipart/digest" else "text/plain"
            pieces = _pieces(made.body, made.param("boundary"))
            made.parts = [self.entity(piece, depth + 1, inner) for piece in pieces]
            if not made.parts:
                made.kind, made.parameters = "text/plain", {}
        return made


def _header(view: memoryview) -> tuple[list[tuple[str, str]], int]:
    """The fields, and where the body begins."""
    raw: list[tuple[str, list[bytes]]] = []
    at = 0
    while at < len(view):
        if at > MAX_HEADER or len(raw) > MAX_FIELDS:
            raise Refused("bomb", "header")
        match = _LINE.match(view, at, at + MAX_HEADER + 2)
        line = match[0] if match else b""
        text = bytes(line).rstrip(b"\r\n")
        if not text:
            at += len(line)
            break
        named = _FIELD.match(text)
        if text[:1] in (b" ", b"\t") and raw:
            raw[-1][1].append(text)
        elif named:
            raw.append((named[1].decode("ascii").lower(), [text[named.end() :]]))
        else:
            break
        at += len(line)
    values = [(name, b"".join(lines)) for name, lines in raw]
    charset = next(
        (found for name, value in values if name == "content-type" and (found := _CHARSET.search(value))), None
    )
    habit = codec_of(charset[1].decode("ascii")) if charset else None
    return [(name, _characters(value, habit)) for name, value in values], at


def _characters(value: bytes, habit: str | None) -> str:
    """A field's value: ASCII by rule, UTF-8 (RFC 6532), or by habit what the body is written in (``habit``)."""
    for codec in ("ascii" if b"\x1b" not in value else "iso2022_jp_ext", "utf-8"):
        try:
            return value.decode(codec).strip()
        except UnicodeDecodeError:
            continue
    return by_codec(value, habit)[0].strip()


def _pieces(body: memoryview, boundary: str) -> list[memoryview]:
    """The parts of a multipart, without what is before the first and after the last."""
    if not boundary.strip():
        return []
    mark = re.escape(b"--" + boundary.strip().encode("utf-8", "replace"))
    delimiter = re.compile(mark + rb"(--)?[ \t]*(?=\r|\n|\Z)")  # begins with letters: these are found quickly
    found: list[memoryview] = []
    start: int | None = None
    for match in delimiter.finditer(body):
        end = _before_line_end(body, match.start())
        if end is None:
            continue
        if start is not None:
            found.append(body[min(start, end) : end])
        start = None if match[1] else _after_line_end(body, match.end())
        if match[1]:
            break
        if len(found) > MAX_PARTS:
            raise Refused("bomb", "parts")
    if start is not None:
        found.append(body[start:])
    return found


def _before_line_end(body: memoryview, at: int) -> int | None:
    """Where the line end before ``at`` begins; None if there is none."""
    if bytes(body[max(at - 2, 0) : at]) == b"\r\n":
        return at - 2
    return at if not at else at - 1 if body[at - 1] in b"\r\n" else None


def _after_line_end(body: memoryview, at: int) -> int:
    if bytes(body[at : at + 2]) == b"\r\n":
        return at + 2
    return at + (bytes(body[at : at + 1]) in (b"\r", b"\n"))


def _typed(value: str) -> tuple[str, dict[str, str]]:
    """The word before the first semicolon in lower case, and the parameters, decoded."""
    head, semicolon, rest = value.partition(";")
    given: dict[str, str] = {}
    for match in _PARAMETER.finditer(semicolon + rest[:20_000]):
        given.setdefault(match[1].lower(), _unquoted(match[2].strip()))
    return "".join(_COMMENT.sub("", head).split()).strip("\"'").lower(), _parameters(given)


def _unquoted(value: str) -> str:
    if value[:1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1 : -1 if value[-1:] == '"' and len(value) > 1 else None])
    return value


def _parameters(given: dict[str, str]) -> dict[str, str]:
    """Parameters with their continuations joined and their encodings taken off."""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in given.items():
        match = _CONTINUED.fullmatch(name)
        if match is None:
            plain[name] = decoded_words(value)
        else:
            is_encoded = match[2] is None or bool(match[3])
            pieces.setdefault(match[1], {})[int(match[2] or 0)] = (value, is_encoded)
    return plain | {name: _joined(found) for name, found in pieces.items()}


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    charset, out = "", b""
    for number in sorted(pieces):
        value, is_encoded = pieces[number]
        if number == 0 and is_encoded and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        raw = value.encode("utf-8", "replace")
        out += urllib.parse.unquote_to_bytes(raw) if is_encoded else raw
    return decoded(out, charset or "utf-8")[0]
