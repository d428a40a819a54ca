"""Section 2 of the grammar: one dictionary on one line, written in the only allowed way.

Rules kept here:

- One SP between tokens inside an array or dictionary, none elsewhere; no comments, no line ends.
- Keys ascend by their written bytes; names and strings have exactly one spelling.
- What a value means is decided elsewhere; here it only gets one of the types below.

>>> parse_dictionary(b"<</Kids [3 0 R] /Rate -1.5 /Type /Pages>>")
{b'Kids': [3], b'Rate': -1.5, b'Type': b'Pages'}
"""

from __future__ import annotations

import re
from functools import lru_cache

from sanitizer.patterns import compile_pattern
from sanitizer.verify import Violation

MAX_NESTING = 40
MAX_INTEGER = 2147483647
MAX_NAME = 127
MAX_STRING = 1 << 20
CACHE = 4096  # names and numbers repeat; both are short, so the caches stay small

Dictionary = dict[bytes, object]


class Reference(int):
    """The number of the indirect object meant by ``n 0 R``."""


class Name(bytes):
    """A name without its slash, unescaped."""


class String(bytes):
    """A string, unescaped. Its kind (section 3) is decided by the rule that meets it."""


DIGITS = rb"(?:0|[1-9][0-9]*+)"
NUMBER = rb"-?(?:0|[1-9][0-9]{0,9}+)(?:\.[0-9]{1,10}+)?+"
_REGULAR = rb"!-\"$&'*-.0-;=?-Z\\^-z|~"  # 0x21…0x7E without # % ( ) / < > [ ] { }
_ESCAPE = rb"#(?:0[1-9A-F]|1[0-9A-F]|2[03589F]|3[CE]|5[BD]|7[BDF]|[89A-F][0-9A-F])"  # every other byte but NUL
NAME = rb"/(?:[" + _REGULAR + rb"]|" + _ESCAPE + rb")++"
LITERAL = rb"\((?:[ -'*-\[\]-~]|\\[\\()])*+\)"
HEX = rb"<(?:[0-9a-f]{2})*+>"

_VALUE = (
    rb"(?:(?P<reference>[1-9][0-9]{0,9} 0 R)|(?P<number>" + NUMBER + rb")|(?P<name>" + NAME + rb")"
    rb"|(?P<literal>" + LITERAL + rb")|(?P<hex>" + HEX + rb")|(?P<dictionary><<)"
    rb"|(?P<numbers>\[" + NUMBER + rb"(?: " + NUMBER + rb")*+\])|(?P<array>\[)|(?P<word>true|false|null))"
)
_ITEM = compile_pattern(_VALUE)
_PAIR = compile_pattern(rb"(" + NAME + rb") " + _VALUE)
_WORDS: dict[bytes, bool | None] = {b"true": True, b"false": False, b"null": None}
_NEEDS_HEX = compile_pattern(rb"[^ -~]")
_NAME_ESCAPE = compile_pattern(rb"#(..)")
_STRING_ESCAPE = compile_pattern(rb"\\(.)")


def parse_dictionary(text: bytes) -> Dictionary:
    """The dictionary that ``text`` is, from the first byte to the last; anything else is a ``Violation``."""
    if not text.startswith(b"<<"):
        raise Violation("syntax")
    value, end = _dictionary(text, 2, 1)
    if end != len(text):
        raise Violation("syntax")
    return value


@lru_cache(CACHE)
def unescape_name(written: bytes) -> Name:
    """The name behind ``/…``, which must match ``NAME``."""
    name = written[1:]
    if b"#" in name:
        name = _NAME_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), name)
    if len(name) > MAX_NAME:
        raise Violation("name-too-long")
    return Name(name)


def string_value(written: bytes) -> String:
    """The bytes of a string that matches ``LITERAL`` or ``HEX`` and has its one spelling."""
    if written.startswith(b"("):
        value = String(_STRING_ESCAPE.sub(rb"\1", written[1:-1]))
    else:
        value = String(bytes.fromhex(written[1:-1].decode("ascii")))
        if _NEEDS_HEX.search(value) is None:
            raise Violation("string-spelling")
    if len(value) > MAX_STRING:
        raise Violation("string-too-long")
    return value


@lru_cache(CACHE)
def number_value(written: bytes) -> int | float:
    """An int if there is no point, else a float."""
    if b"." in written:
        return float(written)
    value = int(written)
    if abs(value) > MAX_INTEGER:
        raise Violation("integer-too-large")
    return value


def _dictionary(text: bytes, at: int, depth: int) -> tuple[Dictionary, int]:
    """The dictionary whose ``<<`` ends at ``at``, and where it ends."""
    if depth > MAX_NESTING:
        raise Violation("nested-too-deep")
    result: Dictionary = {}
    if text.startswith(b">>", at):
        return result, at + 2
    last = b""
    while True:
        match = _PAIR.match(text, at)
        if match is None:
            raise Violation("syntax")
        key = match[1]
        if key <= last:
            raise Violation("key-order")
        last = key
        result[unescape_name(key)], at = _value(text, match, depth)
        if text.startswith(b">>", at):
            return result, at + 2
        if not text.startswith(b" ", at):
            raise Violation("syntax")
        at += 1


def _array(text: bytes, at: int, depth: int) -> tuple[list[object], int]:
    """The array whose ``[`` ends at ``at``, and where it ends."""
    if depth > MAX_NESTING:
        raise Violation("nested-too-deep")
    result: list[object] = []
    if text.startswith(b"]", at):
        return result, at + 1
    while True:
        match = _ITEM.match(text, at)
        if match is None:
            raise Violation("syntax")
        value, at = _value(text, match, depth)
        result.append(value)
        if text.startswith(b"]", at):
            return result, at + 1
        if not text.startswith(b" ", at):
            raise Violation("syntax")
        at += 1


def _value(text: bytes, match: re.Match[bytes], depth: int) -> tuple[object, int]:
    """The value whose beginning ``match`` found, and where it ends."""
    kind = match.lastgroup or ""
    if kind == "dictionary":
        return _dictionary(text, match.end(), depth + 1)
    if kind == "array":
        return _array(text, match.end(), depth + 1)
    written = match[kind]
    if kind == "numbers":
        if depth >= MAX_NESTING:
            raise Violation("nested-too-deep")
        return list(map(number_value, written[1:-1].split(b" "))), match.end()
    return _scalar(kind, written), match.end()


def _scalar(kind: str, written: bytes) -> object:
    if kind == "name":
        return unescape_name(written)
    if kind == "reference":
        return Reference(written[:-4])
    if kind == "number":
        return number_value(written)
    if kind == "word":
        return _WORDS[written]
    return string_value(written)
