"""Reads ``sanitizer/grammars/ooxml.txt`` (§3 of the grammar): what a package may be made of.

Rules kept here:

- The table is read once, when the module is imported: a jailed process opens no file.
- A line of an unknown form, a name said twice or a type that is not described is an error of the table, not of a file.

>>> TABLE.parts["header"].path
'word/header{n}.xml'
>>> TABLE.types["w:CT_Em"].attributes
{'w:val': 'enum:w:ST_Em'}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")
PATH = Path(__file__).parents[2] / "grammars" / "ooxml.txt"
FOLDERS = {"document": "word", "workbook": "xl", "presentation": "ppt"}


@dataclass(frozen=True, slots=True)
class Part:
    """A line ``part``."""

    kind: str
    root: str
    type: str
    path: str
    relation: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Type:
    """Children and their types, attributes and their kinds, the kind of the text (None: holds none)."""

    name: str
    children: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    text: str | None = None


@dataclass(slots=True)
class Table:
    """All lines. ``mains``: kind → content type → media type; ``implicit``: kind → kind → at most so many."""

    namespaces: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    mains: dict[str, dict[str, str]] = field(default_factory=dict)
    refs: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    implicit: dict[str, dict[str, float]] = field(default_factory=dict)
    enums: dict[str, frozenset[str]] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)


def read(text: str) -> Table:
    """The table; ``ValueError`` for a line that it does not understand."""
    table, current = Table(), Type("")
    for line in text.splitlines():
        if line.startswith(" "):
            current = _describe(current, line.split(" ")[1:])
            table.types[current.name] = current
        elif line.startswith("type "):
            current = Type(line.split(" ")[1])
            _once(table.types, current.name, current)
        elif line and not line.startswith("#"):
            _head(table, line.split(" "))
    named = {name for entry in table.types.values() for name in entry.children.values()}
    if not named | {part.type for part in table.parts.values()} <= table.types.keys():
        raise ValueError("a type is not described")
    return table


def _head(table: Table, words: list[str]) -> None:
    match words:
        case ["ns", prefix, name]:
            _once(table.namespaces, prefix, name)
        case ["part", kind, root, type_, path, relation, content_type]:
            _once(table.parts, kind, Part(kind, root, type_, path, relation, content_type))
        case ["main", media_type, kind, content_type]:
            _once(table.mains.setdefault(kind, {}), content_type, media_type)
        case ["ref", element, attribute, *kinds]:
            _once(table.refs, (element, attribute), frozenset(kinds))
        case ["implicit", kind, *kinds]:
            _once(table.implicit, kind, {k.removesuffix("*"): float("inf") if k[-1] == "*" else 1 for k in kinds})
        case ["enum", name, *values]:
            _once(table.enums, name, frozenset(values))
        case ["field" | "field-never" | "function" | "function-never" as name, *values]:
            table.words.setdefault(name, set()).update(values)
        case _:
            raise ValueError(f"not a line of the table: {words[0]}")


def _once(entries: dict[Key, Value], key: Key, value: Value) -> None:
    if key in entries:
        raise ValueError(f"said twice: {key}")
    entries[key] = value


def _describe(entry: Type, words: list[str]) -> Type:
    match words:
        case ["<", *children]:
            return Type(entry.name, _pairs(children), entry.attributes, entry.text)
        case ["@", *attributes]:
            return Type(entry.name, entry.children, _pairs(attributes), entry.text)
        case ["#", kind]:
            return Type(entry.name, entry.children, entry.attributes, kind)
    raise ValueError(f"not a line of a type: {entry.name}")


def _pairs(words: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        _once(pairs, name, value)
    return pairs


TABLE = read(PATH.read_text("utf-8"))
