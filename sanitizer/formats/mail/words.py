"""Encoded words: read as mail programs write them, written in one way.

Rules kept here:

- Words next to each other in one character set and encoding are joined before they are decoded: programs cut
  characters in two.
- Words are written in UTF-8 and B, each with as many whole characters as fit into 45 octets, each on a line of its own.

Sources: RFC 2047, RFC 2231 section 5.

>>> decoded_words("=?iso-2022-jp?B?GyRCN29MPhsoQg==?= =?utf-8?q?_a?=")
'件名 a'
>>> encoded("件名")
'=?UTF-8?B?5Lu25ZCN?='
"""

from __future__ import annotations

import base64
import binascii
import re

from sanitizer.formats.mail.charset import decoded

OCTETS = 45  # of one encoded word: 60 characters of base64, 72 with what is around them
PLAIN = 70  # the longest text that may stand as it is
_WORD = re.compile(r"=\?([A-Za-z0-9_.:+()-]{2,40})(?:\*[A-Za-z0-9-]{0,20})?\?([BbQq])\?([^?]*)\?=")
_PLAIN = re.compile(rf"[!-~](?:[ -~]{{0,{PLAIN - 2}}}[!-~])?")


def decoded_words(text: str) -> str:
    """``text`` with its encoded words decoded, blanks between two of them left out."""
    out: list[str] = []
    run: list[bytes] = []
    kind, at = ("", ""), 0
    for word in _WORD.finditer(text):
        between = text[at : word.start()]
        now = (word[1].lower(), word[2].upper())
        if between.strip() or now != kind:
            out.append(_joined(run, kind[0]))
            run = []
            out.append(between if between.strip() or not at else "")
        run.append(_octets(word[3], now[1]))
        kind, at = now, word.end()
    out.append(_joined(run, kind[0]))
    return "".join(out) + text[at:]


def _octets(payload: str, encoding: str) -> bytes:
    raw = payload.encode("utf-8", "replace")
    if encoding == "Q":
        return binascii.a2b_qp(raw.replace(b" ", b"_"), header=True)
    return from_base64(raw)


def _joined(run: list[bytes], charset: str) -> str:
    return decoded(b"".join(run), charset)[0] if run else ""


_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _ALPHABET)


def from_base64(data: bytes) -> bytes:
    """Base64 as received, read up to its first padding, with what is not of its alphabet passed over."""
    end = data.find(b"=")
    plain = data[: end if end >= 0 else len(data)].translate(None, _NOT_BASE64)
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    return base64.b64decode(plain + b"=" * (-len(plain) % 4))


def is_plain(text: str) -> bool:
    """Whether a text stands in a header as it is: printable ASCII, not long, without blanks at its ends."""
    return bool(_PLAIN.fullmatch(text)) and "=?" not in text


def encoded(text: str) -> str:
    """``text`` as encoded words, one a line (joined by CR LF and a blank)."""
    words, octets = [], b""
    for character in text:
        more = character.encode("utf-8")
        if len(octets) + len(more) > OCTETS:
            words.append(octets)
            octets = b""
        octets += more
    words.append(octets)
    return "\r\n ".join(f"=?UTF-8?B?{base64.b64encode(word).decode('ascii')}?=" for word in words)


def unstructured(text: str) -> str:
    """A header's text as it is written."""
    return text if is_plain(text) else encoded(text)
