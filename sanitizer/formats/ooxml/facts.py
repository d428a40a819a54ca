"""The table ``sanitizer/grammars/ooxml.txt`` in memory: what a package may be made of.

Rules kept here:

- The table is read once, when the module is imported; nothing outside it says what may leave.
- Names come in two forms: as the source has them (``{namespace}local``) to look things up, and as they are written
  (``prefix:local``).

>>> TYPES["w:CT_Text"].text, written("{http://schemas.openxmlformats.org/wordprocessingml/2006/main}p")
('text', 'w:p')
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parents[2] / "grammars" / "ooxml.txt"


@dataclass(slots=True, eq=False)
class Type:
    """What an element of this type may hold. ``children``: source name → (written name, its type); ``attributes``:
    source name → (written name, kind); ``text``: the kind of its text, empty if it has none."""

    name: str
    children: dict[str, tuple[str, Type]] = field(default_factory=dict)
    attributes: dict[str, tuple[str, str]] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class PartKind:
    """A kind of typed part; ``path`` with ``{a}`` for the folder and ``{n}`` for the number."""

    kind: str
    root: str  # as the source has it
    written_root: str
    type: str
    path: str
    rel: str
    content_type: str


NAMESPACES: dict[str, str] = {}
PARTS: dict[str, PartKind] = {}
MAIN: dict[str, tuple[str, str]] = {}  # media type → kind of the main part, its content type
REFS: dict[tuple[str, str], tuple[str, ...]] = {}  # element, attribute (both written) → kinds
IMPLICIT: dict[str, tuple[str, ...]] = {}
ENUMS: dict[str, frozenset[str]] = {}
FIELDS: set[str] = set()
FIELD_NEVER: set[str] = set()
FUNCTIONS: set[str] = set()
FUNCTION_NEVER: set[str] = set()
TYPES: dict[str, Type] = {}
PREFIXES: dict[str, str] = {}


def source(name: str) -> str:
    """``prefix:local`` or ``local`` as lxml spells it."""
    prefix, colon, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if colon else name


def names(text: str) -> list[str]:
    """The words of a list kept as text."""
    return text.split()


@cache
def written(name: str) -> str | None:
    """``{namespace}local`` as it is written; None for a namespace that is not in the table."""
    if name[0] != "{":
        return name
    namespace, _, local = name[1:].partition("}")
    return f"{PREFIXES[namespace]}:{local}" if namespace in PREFIXES else None


def _read(lines: list[str]) -> None:
    current = Type("")
    words_of = {"field": FIELDS, "field-never": FIELD_NEVER, "function": FUNCTIONS, "function-never": FUNCTION_NEVER}
    for line in lines:
        head, *words = line.split()
        if line[0] == " ":
            _describe(current, head, words)
        elif head == "type":
            current = _type(words[0])
        elif head == "enum":
            ENUMS[words[0]] = frozenset(words[1:])
        elif head in words_of:
            words_of[head].update(words)
        else:
            _head(head, words)


def _head(head: str, words: list[str]) -> None:
    if head == "ns":
        NAMESPACES[words[0]] = words[1]
        PREFIXES[words[1]] = words[0]
    elif head == "part":
        kind, root, *rest = words
        PARTS[kind] = PartKind(kind, source(root), root, *rest)
    elif head == "main":
        MAIN[words[0]] = (words[1], words[2])
    elif head == "ref":
        REFS[words[0], words[1]] = tuple(words[2:])
    elif head == "implicit":
        IMPLICIT[words[0]] = tuple(words[1:])


def _type(name: str) -> Type:
    return TYPES.setdefault(name, Type(name))


def _describe(current: Type, mark: str, words: list[str]) -> None:
    if mark == "#":
        current.text = words[0]
        return
    for word in words:
        if mark == "<":
            current.children.update([_child(word)])
        else:
            current.attributes.update([_attribute(word)])


# What many types have is one object for all of them: a jailed process copies each page of memory whose objects it uses.
@cache
def _child(word: str) -> tuple[str, tuple[str, Type]]:
    name, _, value = word.partition("=")
    return source(name), (_shared(name), _type(value))


@cache
def _attribute(word: str) -> tuple[str, tuple[str, str]]:
    name, _, value = word.partition("=")
    return source(name), (_shared(name), _shared(value))


_shared = sys.intern


_read([line for line in TABLE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"])
