"""One state of the automaton (§2, §3): what may begin inside an element of one type, and what a tag says.

Rules kept here:

- A tag is in the grammar if it can be written in one way only: the pieces found in it add up to its length, and the
  names of its attributes ascend.
- A state remembers tags without text, and not too many or long ones: those of an attack all differ.
- A tag that differs from a known one only in numbers or names of cells is not taken apart again, if the attributes that
  have them are of kinds in which every such value is allowed (the ``shape`` of a tag: 2 µs instead of 7).

>>> states = {}
>>> step = State(TABLE.types["w:CT_Body"], states)["w:p>"]
>>> step.closing, step.bare, step.inner["w:pPr/>"].inner
('/w:p>', True, None)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from sanitizer.verify import Violation
from sanitizer.verify.ooxml.checks import decoded, demand
from sanitizer.verify.ooxml.rules import HLINKS, PARTICULAR, allowed_kinds, check_element
from sanitizer.verify.ooxml.table import TABLE, Type
from sanitizer.verify.ooxml.values import predicate, text_predicate

MAX_KNOWN, MAX_LENGTH = 4_096, 512
BITS = {prefix: 1 << number for number, prefix in enumerate(TABLE.namespaces)} | {"xml": 0}
_ATTRIBUTE = re.compile(r' ([A-Za-z0-9:]+)="([^"&\t\n]*(?:&(?:amp|lt|gt|quot|#9|#10|#13);[^"&\t\n]*)*)"')
_NUMBER = re.compile(r'="-?(?:[2-9]|[0-9]{2,15})(?:\.[0-9]{1,15})?"')
_CELL = re.compile(r'="[A-Z]{1,3}[0-9]{1,7}"')
_ANY_NUMBER, _ANY_CELL = '="\0"', '="\0A"'  # no tag has U+0000
_NUMBER_KINDS, _CELL_KINDS = {"num", "token", "text"}, {"token", "text"}
_TEXT = re.compile(r"[^&>]*(?:&(?:amp|lt|gt|#13);[^&>]*)*")
_ROOT = re.compile(r'([a-z0-9]+:[A-Za-z0-9]+)((?: xmlns:[a-z0-9]+="[^"]*")*)')
_DECLARED = re.compile(r' xmlns:([a-z0-9]+)="([^"]*)"')


class Use(NamedTuple):
    """An attribute that names a relationship, and the kinds that it may lead to. ``by_owner``: a relationship of the
    parts that refer to this one."""

    element: str
    id: str
    kinds: frozenset[str]
    by_owner: bool


@dataclass(slots=True, eq=False)  # not frozen, which would take longer than all else about it; nobody changes one
class Step:
    """What a tag does: into ``inner`` until ``closing`` (None: the element is empty). ``bare``: no text follows it.
    ``filled``: the same tag with text behind it."""

    inner: State | None
    closing: str
    prefixes: int
    uses: tuple[Use, ...]
    bare: bool = False
    filled: Step | None = None


class State(dict[str, Step]):
    """Tag and text behind it → step, for elements of one type; learns on the way."""

    __slots__ = ("shapes", "states", "type")

    def __init__(self, type_: Type, states: dict[str, State]) -> None:
        super().__init__()
        self.type, self.states = type_, states
        self.shapes: dict[str, Step] = {}

    def __missing__(self, piece: str) -> Step:
        tag, ended, text = piece.partition(">")
        demand(ended, "tag")
        if text:
            step = self[tag + ">"]
            demand(step.filled is not None and step.inner is not None, "text")
            assert step.filled is not None and step.inner is not None
            step.inner.check_text(text)
            return step.filled
        shape = _CELL.sub(_ANY_CELL, _NUMBER.sub(_ANY_NUMBER, tag))
        step = self.shapes.get(shape) or self.learn(tag, shape)
        if len(self) < MAX_KNOWN and len(piece) < MAX_LENGTH:
            self[piece] = step
        return step

    def check_text(self, text: str) -> None:
        """The text of an element of this type, as it is written."""
        demand(self.type.text is not None, "text")
        demand(("&" not in text and ">" not in text) or _TEXT.fullmatch(text), "escape")
        demand(text_predicate(self.type.text or "")(decoded(text)), "text")

    def learn(self, tag: str, shape: str) -> Step:
        """A tag without its brackets, taken apart."""
        body = tag.removesuffix("/")
        name = body.partition(" ")[0]
        demand(name in self.type.children, "element")
        type_ = TABLE.types[self.type.children[name]]
        attributes = _attributes(body, name, type_.name)
        check_element(name, type_, attributes, empty=body != tag)
        prefixes = _bit(name)
        for attribute in attributes:
            prefixes |= _bit(attribute)
        uses = tuple(_uses(name, type_, attributes)) if type_.name in _REFERRING else ()
        if body != tag:
            step = Step(None, "", prefixes, uses)
        else:
            inner = self.states.get(type_.name)
            if inner is None:
                inner = self.states[type_.name] = State(type_, self.states)
            filled = Step(inner, f"/{name}>", prefixes, uses)
            step = Step(inner, f"/{name}>", prefixes, uses, bare=True, filled=filled)
        if (
            len(self.shapes) < MAX_KNOWN
            and len(shape) < MAX_LENGTH
            and name not in PARTICULAR
            and not uses
            and ("\0" not in shape or _is_free(shape, type_))
        ):
            self.shapes[shape] = step
        return step


@cache
def _bit(name: str) -> int:
    """The bit of the prefix of an element or attribute."""
    return BITS[name.partition(":")[0]] if ":" in name else 0


@cache
def _checks(type_: str) -> dict[str, tuple[int, Callable[[str], object]]]:
    """Attribute → (its place in the order, what its values must satisfy; for ids see ``_uses``)."""
    kinds = sorted(TABLE.types[type_].attributes.items(), key=lambda pair: pair[0] + "=")
    return {
        key: (place, str.isascii if kind in ("rid", "owner-rid") else predicate(kind))
        for place, (key, kind) in enumerate(kinds)
    }


_REFERRING = {name for name, type_ in TABLE.types.items() if {"rid", "owner-rid"} & {*type_.attributes.values()}}


def _is_free(shape: str, type_: Type) -> bool:
    """Whether every tag of this shape is in the grammar, given that one is."""
    return all(
        (value != "\0" or type_.attributes[key] in _NUMBER_KINDS)
        and (value != "\0A" or type_.attributes[key] in _CELL_KINDS)
        for key, value in _ATTRIBUTE.findall(shape)
    )


def _attributes(body: str, name: str, type_: str) -> dict[str, str]:
    """The attributes of a tag, their values decoded and of the right kinds (but ``rid``)."""
    checks, attributes, before, length = _checks(type_), dict[str, str](), -1, len(name)
    for key, value in _ATTRIBUTE.findall(body):
        if key not in checks:
            raise Violation("attribute")
        place, is_allowed = checks[key]
        if place <= before:
            raise Violation("attribute-order")
        before = place
        length += len(key) + len(value) + 4
        attributes[key] = value = decoded(value) if "&" in value else value
        if not is_allowed(value):
            raise Violation("value")
    demand(length == len(body), "tag")
    return attributes


def _uses(name: str, type_: Type, attributes: dict[str, str]) -> list[Use]:
    uses = []
    for key, value in attributes.items():
        if type_.attributes[key] == "owner-rid":
            uses.append(Use(name, value, frozenset({"diagramDrawing"}), True))
        elif type_.attributes[key] == "rid":
            kinds = allowed_kinds(name, key, attributes)
            if value or name not in HLINKS:
                uses.append(Use(name, value, kinds, False))
    return uses


def parse_root(piece: str) -> tuple[int, str]:
    """(the declared prefixes, the root's piece without its declarations)."""
    found = _ROOT.match(piece)
    demand(found, "root")
    assert found is not None
    declared, before = 0, ""
    for prefix, name in _DECLARED.findall(found[2]):
        demand(before < prefix and prefix != "xml" and TABLE.namespaces.get(prefix) == name, "namespaces")
        declared |= BITS[prefix]
        before = prefix
    return declared, found[1] + piece[found.end() :]
