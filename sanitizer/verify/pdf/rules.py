"""The notation of section 4 of the grammar, compiled to functions: rule text → ``Rule``.

A ``Rule`` takes the walker and a value and says whether the value may stand there. It decides direct values by
itself and hands dictionaries and references with the names of the types they may have to the walker.

>>> compile_rule("[num{2}]|/None")(None, [1, 2.5])
True
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from sanitizer.verify.pdf.kinds import STRINGS, is_ident
from sanitizer.verify.pdf.tables import ALIASES, MACROS, TABLES
from sanitizer.verify.pdf.values import Dictionary, Name, Reference, String

Types = tuple[str, ...]


class Walker(Protocol):
    """What a rule needs of the walk."""

    def reach(self, number: Reference, types: Types) -> bool:
        """Whether the object exists and has (or now gets) one of ``types`` as its one role."""

    def enter(self, dictionary: Dictionary, types: Types) -> bool:
        """Whether a direct dictionary fits one of ``types``; it is checked against that type's table at once."""

    def colour_space(self, value: object) -> bool:
        """Whether the value is a colour space (``cs``)."""


Rule = Callable[[Walker, object], bool]


@dataclass(frozen=True, slots=True)
class Table:
    """One type, or one variant of it."""

    stream: bool
    rules: dict[bytes, Rule]
    required: frozenset[bytes]


_TOKEN = re.compile(r"=?/[A-Za-z0-9]+|[&.]?[A-Z]\w*|[a-z]\w*(?:\([0-9.|]*\))?|\{\d+(?:,\d+)?\}|[\[\](){}|*+ ]")
_ENTRY = re.compile(r"((?:(?:[A-Z]\w*!?|op|ca) )+)(.+)")
_HEAD = re.compile(r"(stream )?(\S+)")
_NUMBERS = frozenset({int, float})


class _Compiler:
    """Recursive descent over one rule text.

    rule = atom *( "|" atom );  atom = name | type | word | "[" items "]" | "{" rule "}" | "(" rule *( SP rule ) ")"
    """

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        if "".join(self.tokens) != text:
            raise ValueError(text)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if expected and token != expected:
            raise ValueError((self.tokens, self.at))
        self.at += 1
        return token

    def rule(self) -> Rule:
        names: set[bytes] = set()
        types: list[str] = []
        others: list[Rule] = []
        while True:
            token = self.peek()
            if token.lstrip("=").startswith("/"):
                names.add(self.take().lstrip("=/").encode())
            elif token.startswith(("&", ".")) or token[:1].isupper():
                types.append(self.take())
            else:
                others.append(self.atom())
            if self.peek() != "|":
                break
            self.take("|")
        rules = ([_one_of(frozenset(names))] if names else []) + ([_typed(types)] if types else []) + others
        return rules[0] if len(rules) == 1 else _any_of(tuple(rules))

    def atom(self) -> Rule:
        token = self.take()
        if token == "[":
            return self.array()
        if token == "{":
            rule = self.rule()
            self.take("}")
            return _mapping(rule)
        if token == "(":
            rule = self.rule()
            self.take(")")
            return rule
        return _word(token)

    def array(self) -> Rule:
        """Behind ``[``: repeated items, or exactly these."""
        items = [self.item()]
        while self.peek() == " ":
            self.take()
            items.append(self.item())
        self.take("]")
        return items[0][0] if items[0][1] else _exactly([rule for rule, _ in items])

    def item(self) -> tuple[Rule, bool]:
        """A rule for one element, or (with a quantifier) for the whole array and True."""
        group = self.group()
        token = self.peek()
        if token in ("*", "+") or re.fullmatch(r"\{\d+(,\d+)?\}", token):
            least, most = _bounds(self.take())
            return (_repeated(group[0], least, most) if len(group) == 1 else _rows(group, least)), True
        return group[0], False

    def group(self) -> list[Rule]:
        """One element, or ``(r s)``: several that repeat together."""
        if self.peek() != "(":
            return [self.rule()]
        self.take("(")
        rules = [self.rule()]
        while self.peek() == " ":
            self.take()
            rules.append(self.rule())
        self.take(")")
        return rules


def _bounds(quantifier: str) -> tuple[int, int]:
    if quantifier in "*+":
        return int(quantifier == "+"), 1 << 31
    least, _, most = quantifier[1:-1].partition(",")
    return int(least), int(most or least)


def _one_of(names: frozenset[bytes]) -> Rule:
    return lambda walker, value: type(value) is Name and value in names


def _any_of(rules: tuple[Rule, ...]) -> Rule:
    first, *others = rules
    rest = others[0] if len(others) == 1 else _any_of(tuple(others))
    return lambda walker, value: first(walker, value) or rest(walker, value)


def _typed(tokens: list[str]) -> Rule:
    """``T``, ``&T`` and ``.T``: the walker tells them apart by what the value is."""
    references = tuple(token.lstrip("&") for token in tokens if token[0] != ".")
    directs = tuple(token.lstrip(".") for token in tokens if token[0] != "&")

    def rule(walker: Walker, value: object) -> bool:
        if isinstance(value, Reference):
            return walker.reach(value, references)
        return isinstance(value, dict) and walker.enter(value, directs)

    return rule


def _mapping(rule: Rule) -> Rule:
    return lambda walker, value: isinstance(value, dict) and all(rule(walker, item) for item in value.values())


def _repeated(rule: Rule, least: int, most: int) -> Rule:
    if rule is _number:
        return lambda walker, value: (
            type(value) is list and least <= len(value) <= most and _NUMBERS.issuperset(map(type, value))
        )
    return lambda walker, value: (
        type(value) is list and least <= len(value) <= most and all(rule(walker, item) for item in value)
    )


def _rows(rules: list[Rule], least: int) -> Rule:
    """An array that repeats all ``rules`` in turn."""
    width = len(rules)

    def rule(walker: Walker, value: object) -> bool:
        return (
            type(value) is list
            and len(value) % width == 0
            and len(value) >= least * width
            and all(rules[index % width](walker, item) for index, item in enumerate(value))
        )

    return rule


def _exactly(rules: list[Rule]) -> Rule:
    def rule(walker: Walker, value: object) -> bool:
        return (
            type(value) is list
            and len(value) == len(rules)
            and all(check(walker, item) for check, item in zip(rules, value, strict=True))
        )

    return rule


def _integer(ranges: str) -> Rule:
    """``int(a..b|c)``; an open end is the largest integer."""
    spans = []
    for part in ranges.split("|"):
        low, dots, high = part.partition("..")
        spans.append((int(low), int(high or 1 << 31) if dots else int(low)))

    def rule(walker: Walker, value: object) -> bool:
        return type(value) is int and any(low <= value <= high for low, high in spans)

    return rule


def _number(walker: Walker, value: object) -> bool:
    return type(value) in _NUMBERS


def _fraction(walker: Walker, value: object) -> bool:
    return (type(value) is int or type(value) is float) and 0 <= value <= 1


_WORDS: dict[str, Rule] = {
    "int": lambda walker, value: type(value) is int,
    "num": _number,
    "num(0..1)": _fraction,
    "bool": lambda walker, value: type(value) is bool,
    "name": lambda walker, value: type(value) is Name,
    "ident": lambda walker, value: isinstance(value, Name) and is_ident(value),
    "true": lambda walker, value: value is True,
    "null": lambda walker, value: value is None,
    "parms": lambda walker, value: type(value) is dict,  # its table depends on Filter: see images
    "cs": lambda walker, value: walker.colour_space(value),
}


def _word(token: str) -> Rule:
    if token in _WORDS:
        return _WORDS[token]
    if token in STRINGS:
        kind = STRINGS[token]
        return lambda walker, value: isinstance(value, String) and kind(value)
    if token.startswith("int("):
        return _integer(token[4:-1])
    return compile_rule(ALIASES[token])


@cache
def compile_rule(text: str) -> Rule:
    """The function for one rule text; ``ValueError`` or ``KeyError`` if it is not in the notation."""
    compiler = _Compiler(text)
    rule = compiler.rule()
    if compiler.peek():
        raise ValueError(text)
    return rule


def _entries(words: list[str]) -> dict[str, str]:
    """``Key! Key rule`` entries and macros → key as written → rule text; a later entry replaces an earlier one."""
    result: dict[str, str] = {}
    for entry in words:
        if entry in MACROS:
            result |= _entries(MACROS[entry].split("  "))
            continue
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise ValueError(entry)
        result |= dict.fromkeys(match[1].split(), match[2])
    return result


def compile_tables() -> dict[str, Table]:
    """Type or variant → its table, from the texts in ``tables``."""
    tables = {}
    for block in re.split(r"\n(?=\S)", TABLES.strip()):
        match = _HEAD.match(block)
        if match is None:
            raise ValueError(block)
        stream, name = match.groups()
        words = re.split(r"\s{2,}", block[match.end() :].strip())
        entries = _entries((["stream"] if stream else []) + [word for word in words if word])
        tables[name] = Table(
            stream=stream is not None,
            rules={key.rstrip("!").encode(): compile_rule(text) for key, text in entries.items()},
            required=frozenset(key[:-1].encode() for key in entries if key.endswith("!")),
        )
    return tables
