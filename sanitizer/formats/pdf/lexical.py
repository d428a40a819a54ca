"""The lexical pieces of content streams, as regular expression sources, and strings read from them.

Rules kept here:

- All repetition is possessive: matching takes time linear in the data.
- Strings nested more than three deep are left to ``close_string``.

>>> string_token(b"(a\\\\(b)"), string_token(b"<feff3042>")
('a(b', 'あ')
"""

from __future__ import annotations

import re

from sanitizer.formats.pdf.values import string_text

WS = rb"[\0\t\n\f\r ]"
REGULAR = rb"[^\0\t\n\f\r ()<>\[\]{}/%]"
STRING = rb"\((?:[^()\\]++|\\[\s\S]|\((?:[^()\\]++|\\[\s\S]|\((?:[^()\\]++|\\[\s\S])*+\))*+\))*+\)"
HEX = rb"<[0-9A-Fa-f\0\t\n\f\r ]*+>"
DICTIONARY = rb"<<(?:[^<>()%]++|" + STRING + rb"|" + HEX + rb"|<<(?:[^<>()%]++|" + STRING + rb"|" + HEX + rb")*+>>)*+>>"
OPERATOR = (
    rb"(?<![0-9.+\-])(?:T[*cdDfjJLmrswz]|[bBfW]\*?+|c[ms]?+|r[egi]|RG|gs?+|sh|scn?+|SCN?+|CS|[lmhnqQvwyFMijJ'\"kKGsS]|d[01]?+|Do|BT|ET)"
    rb"(?!" + REGULAR + rb")"
)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\s\S])|$)")
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\r": b"", b"\n": b"", b"\r\n": b""}
_EVENT = re.compile(rb"\\[\s\S]|[()]")


def string_bytes(token: bytes) -> bytes:
    """The bytes of a literal or hex string as it stands in a content stream."""
    if token[:1] == b"<":
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", token)
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    return _ESCAPE.sub(_unescape, token[1:-1])


def _unescape(m: re.Match[bytes]) -> bytes:
    if m[1]:
        return bytes([int(m[1], 8) & 255])
    other = m[2] or b""
    return _NAMED.get(other, other)


def string_token(token: bytes) -> str:
    """The text of such a string."""
    return string_text("b:" + string_bytes(token).hex()) or ""


def close_string(data: bytes, i: int) -> tuple[int, int]:
    """(end, missing): where the literal string at ``i`` ends, and how many parentheses it lacks at the end of data."""
    depth = 0
    for m in _EVENT.finditer(data, i):
        if m[0] == b"(":
            depth += 1
        elif m[0] == b")":
            depth -= 1
            if not depth:
                return m.end(), 0
    return len(data), depth
