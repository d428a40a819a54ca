"""Words, addresses and texts of messages, and the one way in which a line of words is written in a field.

>>> is_line("報告 の件"), is_line(" a"), is_line("a\\u3000b")
(True, False, False)
>>> written("Re: 報告")
'=?UTF-8?B?UmU6IOWgseWRig==?='
>>> read_written("=?UTF-8?B?UmU6IOWgseWRig==?=")
'Re: 報告'
"""

from __future__ import annotations

import binascii
import re

from sanitizer.verify import Violation
from sanitizer.verify.markup.characters import CONTROLS, demand

LOCAL = r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~`\-]"
FOLD = "\r\n "
LONGEST_PLAIN, LONGEST_ENCODED = 70, 45  # characters; octets of UTF-8 in one encoded word
_LINE = re.compile(r"\S+(?: \S+)*")
_LABEL = r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?"
_ADDRESS = re.compile(rf"({LOCAL}{{1,64}})@({_LABEL}(?:\.{_LABEL})*)")
_PLAIN = re.compile(rf"(?!.*=\?)[ -~]{{1,{LONGEST_PLAIN}}}")
_ENCODED = re.compile(r"=\?UTF-8\?B\?([A-Za-z0-9+/]+={0,2})\?=")
MESSAGE_ID = re.compile(rf"<{LOCAL}{{1,160}}@[A-Za-z0-9.\-]{{1,120}}>")


def is_line(text: str) -> bool:
    """Whether this is a line of words."""
    return _LINE.fullmatch(text) is not None and not CONTROLS.search(text)


def is_address(text: str) -> bool:
    """Whether this is local, ``@``, domain."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and len(found[2]) <= 253


def is_dotted(local: str) -> bool:
    """Whether a local part must stand in quotes."""
    return local.startswith(".") or local.endswith(".") or ".." in local


def is_plain_text(text: str) -> bool:
    """Whether this is words whose lines end in CR LF."""
    lines = text.replace("\r\n", "\n")
    return (
        bool(text)
        and "\r" not in lines
        and lines.count("\n") == text.count("\n") == text.count("\r\n")
        and (not CONTROLS.search(lines))
    )


def is_plain(line: str) -> bool:
    """Whether a line of words stands in a field as it is."""
    return _PLAIN.fullmatch(line) is not None


def encoded(line: str) -> str:
    """A line of words as encoded words (RFC 2047), as many whole characters in each as fit."""
    words, room = [b""], LONGEST_ENCODED
    for character in line:
        octets = character.encode("utf-8")
        if len(octets) > room:
            words.append(b"")
            room = LONGEST_ENCODED
        words[-1] += octets
        room -= len(octets)
    return FOLD.join(f"=?UTF-8?B?{binascii.b2a_base64(word, newline=False).decode()}?=" for word in words)


def written(line: str) -> str:
    """A line of words as it stands in a field."""
    return line if is_plain(line) else encoded(line)


def read_written(value: str) -> str:
    """The line of words that is written so; ``Violation`` if it is none, or would be written in another way."""
    line = value if is_plain(value) else read_encoded(value)
    demand(is_line(line) and written(line) == value, "written-line")
    return line


def read_encoded(value: str) -> str:
    """What encoded words say."""
    octets = []
    for word in value.split(FOLD):
        found = _ENCODED.fullmatch(word)
        demand(found, "encoded-word")
        octets.append(_decoded(found[1] if found else ""))
    try:
        return b"".join(octets).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Violation("encoded-word") from error


def _decoded(word: str) -> bytes:
    try:
        return binascii.a2b_base64(word, strict_mode=True)
    except binascii.Error as error:
        raise Violation("encoded-word") from error
