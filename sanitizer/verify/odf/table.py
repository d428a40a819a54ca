"""Reads ``sanitizer/grammars/odf.txt`` (§3 of the grammar): what an OpenDocument file may be made of.

Rules kept here:

- The table is read once, when the module is imported: a jailed process opens no file.
- A line of an unknown form or a name said twice is an error of the table, not of a file.

>>> TABLE.elements["office:meta"].children
frozenset({'meta:generator'})
>>> TABLE.settings["ZoomValue"]
'num'
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")
PATH = Path(__file__).parents[2] / "grammars" / "odf.txt"


@dataclass(slots=True)
class Element:
    """The lines below ``element``: children, attributes with the kinds of their values, those that must be there."""

    name: str
    children: frozenset[str] = frozenset()
    attributes: dict[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    text: bool = False


@dataclass(slots=True)
class Table:
    """All lines. ``mains`` and ``objects``: media type → element; ``settings``: name → kind."""

    namespaces: dict[str, str] = field(default_factory=dict)
    value_prefixes: set[str] = field(default_factory=set)
    mains: dict[str, str] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    enums: dict[str, set[str]] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)
    elements: dict[str, Element] = field(default_factory=dict)


def read(text: str) -> Table:
    """The table; ``ValueError`` for a line that it does not understand."""
    table, current = Table(), Element("")
    for line in text.splitlines():
        if line.startswith(" "):
            _describe(current, line.split(" ")[1:])
        elif line.startswith("element "):
            current = Element(line.split(" ")[1])
            _once(table.elements, current.name, current)
        elif line and not line.startswith("#"):
            _head(table, line.split(" "))
    named = {child for element in table.elements.values() for child in element.children}
    if not named | {*table.mains.values(), *table.objects.values(), *table.roots.values()} <= table.elements.keys():
        raise ValueError("an element is not described")
    return table


def _head(table: Table, words: list[str]) -> None:
    match words:
        case ["ns", prefix, name]:
            _once(table.namespaces, prefix, name)
        case ["ns-value", prefix, name]:
            _once(table.namespaces, prefix, name)
            table.value_prefixes.add(prefix)
        case ["main", media_type, element]:
            _once(table.mains, media_type, element)
        case ["object", media_type, element]:
            _once(table.objects, media_type, element)
        case ["root", path, element]:
            _once(table.roots, path, element)
        case ["setting", kind, *names]:
            for name in names:
                _once(table.settings, name, kind)
        case ["enum", name, *values]:
            table.enums.setdefault(name, set()).update(values)
        case ["function" | "function-prefix" | "function-never" | "condition" as name, *values]:
            table.words.setdefault(name, set()).update(values)
        case _:
            raise ValueError(f"not a line of the table: {words[0]}")


def _describe(element: Element, words: list[str]) -> None:
    match words:
        case ["<", *children]:
            element.children |= frozenset(children)
        case ["@", *attributes]:
            for key, kind in _pairs(attributes):
                _once(element.attributes, key, kind)
        case ["!", *attributes]:
            element.required |= frozenset(attributes)
        case ["#", "text"]:
            element.text = True
        case _:
            raise ValueError(f"not a line of an element: {element.name}")


def _pairs(words: Iterable[str]) -> Iterable[tuple[str, str]]:
    return ((name, kind) for name, _, kind in (word.partition("=") for word in words))


def _once(entries: dict[Key, Value], key: Key, value: Value) -> None:
    if key in entries:
        raise ValueError(f"said twice: {key}")
    entries[key] = value


TABLE = read(PATH.read_text("utf-8"))
