"""The drawing as it will leave, and its references: each leads to an element of the drawing, none back to itself.

Rules kept here:

- A reference to a name that no element has goes without a word: it has no effect.
- A way through contents and references is at most 400 elements long, and following all of them passes at most as many
  elements as allowed: else the drawing is refused.

>>> circle = Node("g", {"id": "a"}, contents=[Node("use", {"xlink:href": "#a"})])
>>> resolve(circle, 100), circle.contents[0].name
(1, 'g')
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sanitizer.formats.base import Refused

LONGEST = 400
_WITHOUT_REFERENCE = {"use": "g", "textPath": "tspan"}
_URL = re.compile(r"url\(#([^)]*)\)")


@dataclass(slots=True)
class Node:
    """An element: attributes with canonical values, declarations of its own, text and elements inside it."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    style: dict[str, str] = field(default_factory=dict)
    contents: list[str | Node] = field(default_factory=list)
    cost: int = 0  # elements passed from here; 0: not counted yet


def resolve(root: Node, most: int) -> int:
    """Takes out references that lead nowhere or back; how many led back. What is nothing without its reference
    becomes an empty group."""
    named = {node.attributes["id"]: node for node in _all(root) if "id" in node.attributes}
    around = {id(part): node for node in _all(root) for part in node.contents if isinstance(part, Node)}
    return _Walk(named, around, most).visit(root, 1, [root])


def _all(node: Node) -> Iterator[Node]:
    yield node
    for part in node.contents:
        if isinstance(part, Node):
            yield from _all(part)


class _Walk:
    def __init__(self, named: dict[str, Node], around: dict[int, Node], most: int) -> None:
        self._named = named
        self._around = around  # what each node stands in
        self._most = most
        self._height: dict[int, int] = {}
        self._open: Counter[int] = Counter()  # what is being drawn: nodes on the way, and what they stand in

    def visit(self, node: Node, depth: int, entered: list[Node]) -> int:
        """Counts what is passed from ``node``; returns how many references led back. ``entered``: what begins to be
        drawn with it."""
        if depth > LONGEST:
            raise Refused("too-deep", "references")
        cost, height, loops = 1, 0, 0
        self._open.update(map(id, entered))
        for place, name, target in list(self._references(node)):
            known = self._named.get(target)
            if known is None or self._open[id(known)]:
                loops += known is not None
                del place[name]
                node.name = _WITHOUT_REFERENCE.get(node.name, node.name) if name == "xlink:href" else node.name
                continue
            loops += self.visit(known, depth + 1, self._outwards(known)) if known.cost == 0 else 0
            cost, height = cost + known.cost, max(height, self._height[id(known)])
        for part in node.contents:
            if isinstance(part, Node):
                loops += self.visit(part, depth + 1, [part]) if part.cost == 0 else 0
                cost, height = cost + part.cost, max(height, self._height[id(part)])
        self._open.subtract(map(id, entered))
        if cost > self._most:
            raise Refused("bomb", "references")
        node.cost, self._height[id(node)] = cost, height + 1
        if depth + height > LONGEST:
            raise Refused("too-deep", "references")
        return loops

    def _outwards(self, node: Node) -> list[Node]:
        """The node, what it stands in, and so on to the root."""
        found = [node]
        while (around := self._around.get(id(found[-1]))) is not None:
            found.append(around)
        return found

    def _references(self, node: Node) -> Iterator[tuple[dict[str, str], str, str]]:
        """Where each reference stands, under which name, and what it refers to."""
        address = node.attributes.get("xlink:href", "")
        if address.startswith("#") and node.name != "a":
            yield node.attributes, "xlink:href", address[1:]
        for place in (node.attributes, node.style):
            for name, value in place.items():
                if name != "xlink:href":
                    for match in _URL.finditer(value):
                        yield place, name, match[1]
