"""The table ``sanitizer/grammars/odf.txt`` in memory: what an OpenDocument file may be made of.

Rules kept here:

- The table is read once, when the module is imported; nothing outside it says what may leave.
- Names come in two forms: as the source has them (``{namespace}local``) to look things up, and as they are written
  (``prefix:local``).

>>> ELEMENTS[source("text:s")].attributes[source("text:c")]
('text:c', 'count')
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parents[2] / "grammars" / "odf.txt"
_XML = "http://www.w3.org/XML/1998/namespace"


@dataclass(slots=True, eq=False)
class Element:
    """What an element may hold. ``children``: source name → element; ``attributes``: source name → (written name,
    kind); ``required``: written names of attributes without which it is not written; ``text``: it holds text."""

    name: str
    children: dict[str, Element] = field(default_factory=dict)
    attributes: dict[str, tuple[str, str]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    text: bool = False


NAMESPACES: dict[str, str] = {"xml": _XML}
VALUE_PREFIXES: list[str] = []
PREFIXES: dict[str, str] = {_XML: "xml"}
MAIN: dict[str, str] = {}  # media type → written name of what its content consists of
OBJECTS: dict[str, str] = {}  # the same of objects
ROOTS: dict[str, str] = {}  # name of a member → written name of its root
SETTINGS: dict[str, str] = {}  # name of a setting → its kind
ENUMS: dict[str, frozenset[str]] = {}
FUNCTIONS: set[str] = set()
FUNCTION_PREFIXES: set[str] = set()
FUNCTION_NEVER: set[str] = set()
CONDITIONS: set[str] = set()
ELEMENTS: dict[str, Element] = {}  # by source name


def source(name: str) -> str:
    """``prefix:local`` or ``local`` as lxml spells it."""
    prefix, colon, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if colon else name


def sources(text: str) -> frozenset[str]:
    """The words of a list kept as text, as lxml spells them."""
    return frozenset(source(name) for name in text.split())


@cache
def written(name: str) -> str:
    """``{namespace}local`` as it is written; empty for a namespace that is not in the table."""
    namespace, _, local = name[1:].partition("}")
    return f"{PREFIXES[namespace]}:{local}" if namespace in PREFIXES else ""


_WORDS = {
    "function": FUNCTIONS,
    "function-prefix": FUNCTION_PREFIXES,
    "function-never": FUNCTION_NEVER,
    "condition": CONDITIONS,
}


def _read(lines: list[str]) -> None:
    current = Element("")
    for line in lines:
        head, *words = line.split()
        if line[0] == " ":
            _describe(current, head, words)
        elif head == "element":
            current = _element(words[0])
        elif head in _WORDS:
            _WORDS[head].update(words)
        else:
            _head(head, words)


def _head(head: str, words: list[str]) -> None:
    first, *rest = words
    if head in ("ns", "ns-value"):
        NAMESPACES[first] = rest[0]
        PREFIXES[rest[0]] = first
        VALUE_PREFIXES.extend([first] if head == "ns-value" else [])
    elif head == "setting":
        SETTINGS.update(dict.fromkeys(rest, first))
    elif head == "enum":
        ENUMS[first] = frozenset(rest)
    else:
        {"main": MAIN, "object": OBJECTS, "root": ROOTS}[head][first] = rest[0]


def _element(name: str) -> Element:
    return ELEMENTS.setdefault(source(name), Element(name))


def _describe(current: Element, mark: str, words: list[str]) -> None:
    if mark == "#":
        current.text = True
    elif mark == "!":
        current.required = frozenset(words)
    elif mark == "<":
        current.children.update({source(word): _element(word) for word in words})
    else:
        for word in words:
            name, _, kind = word.partition("=")
            current.attributes[source(name)] = (name, kind)


_read([line for line in TABLE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"])
