"""Kinds of values (§3 of the grammar): one predicate on the decoded value for each.

Rules kept here:

- ``rid`` and ``owner-rid`` depend on the relationships of a part; they are no business of this module, and no value is
  of these kinds here.

>>> bool(predicate("num")("-1.5E3")), bool(predicate("num")("1 "))
(True, False)
>>> predicate("=Author")("Author"), predicate("enum:action")("ppaction://program")
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from sanitizer.verify.ooxml.fields import is_instruction
from sanitizer.verify.ooxml.formulas import is_formula
from sanitizer.verify.ooxml.links import is_location
from sanitizer.verify.ooxml.table import TABLE

Predicate = Callable[[str], object]
"""Its answer counts as true or false: methods of patterns and sets as they are, called some thousand times a file."""


def _matching(pattern: str, never: str = "") -> Predicate:
    whole, nowhere = re.compile(pattern, re.DOTALL), re.compile(never, re.IGNORECASE)
    if not never:
        return whole.fullmatch
    return lambda value: whole.fullmatch(value) and not nowhere.search(value)


def _never(value: str) -> bool:
    return False


_KINDS: dict[str, Predicate] = {
    "bool": {"", *("true", "false", "on", "off", "0", "1", "t", "f", "True", "False")}.__contains__,
    "num": _matching(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,3})?|NaN|[+-]?INF"),
    "hex": _matching(r"[0-9A-Fa-f]{0,512}"),
    "guid": _matching(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}"),
    "token": _matching(r"[\w .,:;%+\-#()*@=$/{}\[\]!?~&'^]{0,32767}", "://"),
    "text": _matching(r".{0,32767}"),
    "css": _matching(r"[^\x00-\x1f\\@<>{}\"]{0,8192}", "url|expression|script|:/"),
    "location": is_location,
    "formula": is_formula,
    "field": is_instruction,
}
_TEXTS: dict[str, Predicate] = {"text": lambda _text: True, "field-piece": is_instruction, "field": _never}


@cache
def predicate(kind: str) -> Predicate:
    """What tells values of an attribute of ``kind`` from others; ``KeyError`` for a kind that the grammar has not."""
    if kind in ("rid", "owner-rid"):
        return _never
    if kind.startswith("="):
        return kind[1:].__eq__
    if kind.startswith("enum:"):
        return TABLE.enums[kind[5:]].__contains__
    return _KINDS[kind]


@cache
def text_predicate(kind: str) -> Predicate:
    """The same for the text of an element."""
    return _TEXTS[kind] if kind in _TEXTS else predicate(kind)
