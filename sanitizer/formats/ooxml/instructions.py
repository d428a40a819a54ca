"""Instructions of fields in text documents: read as tokens, written in one form, or not at all.

Rules kept here:

- Only fields of the table stay; what fetches, embeds, starts or asks is none of them.
- HYPERLINK leads where ``links`` allows; switches that target frames or maps go.

Source: docs/grammar-ooxml.md, section 6; ECMA-376 part 1, 17.16.

>>> instruction(' hyperlink  "https://example.jp" \\\\t "_blank"'), instruction('DDEAUTO c:\\\\a')
('HYPERLINK "https://example.jp"', None)
"""

from __future__ import annotations

import re

from sanitizer.formats.ooxml.facts import FIELD_NEVER, FIELDS
from sanitizer.formats.package.links import link

_LENGTH = 4000
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f<>{}|]")
_TOKEN = re.compile(r' *(?:(\\(?:[*@#!&]|[A-Za-z]{1,2}(?=[ "]|$)))|"([^"\\]*)"|([^ "\\]+))')
_EXPRESSION = re.compile(r"=[\w .,:;+\-*/^()%<>=]*")
_NEVER = re.compile(rf"(?:^| )(?:{'|'.join(sorted(FIELD_NEVER))})(?!\w)", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_NO_ADDRESS = frozenset({"\\l", "\\o", "\\s", "\\t"})  # switches of HYPERLINK whose operand is no address
_DROPPED = frozenset({"\\m", "\\n", "\\t", "\\*"})
_DROPPED_OPERAND = frozenset({"\\t", "\\*"})


def instruction(text: str) -> str | None:
    """The instruction in its canonical form, without the spaces around it; None if it may not stay."""
    text = re.sub(r"[\s\u00a0]+", " ", text.replace("\u201c", '"').replace("\u201d", '"')).strip()
    if len(text) > _LENGTH or _FORBIDDEN.search(text):
        return None
    made = _expression(text) if text.startswith("=") else _named(text)
    if made is None or _NEVER.search(_QUOTED.sub("", made)):
        return None
    return made if made.startswith("HYPERLINK") or "://" not in made else None


def _named(text: str) -> str | None:
    name, _, rest = text.partition(" ")
    name = name.upper()
    if name == "EQ":
        return f"EQ {rest.strip()}" if rest.strip() and rest.count('"') % 2 == 0 and _quotes_are_plain(rest) else None
    if name not in FIELDS:
        return None
    tokens = _tokens(rest)
    if tokens is None:
        return None
    if name == "HYPERLINK":
        return _hyperlink(tokens)
    return " ".join([name, *(made for _, made in tokens)])


def _quotes_are_plain(text: str) -> bool:
    return all("\\" not in quoted for quoted in _QUOTED.findall(text))


def _expression(text: str) -> str | None:
    head = re.match(r'[^\\"]*', text)
    expression = head[0].rstrip() if head else ""
    tokens = _tokens(text[len(expression) :])
    if tokens is None or len(expression) < 2 or not _EXPRESSION.fullmatch(expression):
        return None
    return " ".join([expression, *(made for _, made in tokens)])


def _tokens(text: str) -> list[tuple[str, str]] | None:
    """(what it says, as it is written) of each token; None if something else stands there."""
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        switch, quoted, word = found.groups()
        tokens.append((switch or word, switch or word) if quoted is None else (quoted, f'"{quoted}"'))
        at = found.end()
    return tokens


def _hyperlink(tokens: list[tuple[str, str]]) -> str | None:
    made, switch, addressed = ["HYPERLINK"], "", False
    for said, spelled in tokens:
        if spelled.startswith("\\"):
            switch = spelled.lower()
            if len(switch) != 2:
                return None  # readers disagree about where such a switch ends
            if switch not in _DROPPED:
                made.append(spelled)
            continue
        if switch not in _DROPPED_OPERAND:
            operand = _beside(said) if switch in _NO_ADDRESS or addressed else link(said)
            if operand is None or (addressed and switch not in _NO_ADDRESS):
                return None
            addressed = addressed or switch not in _NO_ADDRESS
            made.append(f'"{operand}"')
        switch = ""
    return " ".join(made)


def _beside(said: str) -> str | None:
    return None if "://" in said else said
