"""How ``sanitizer/grammars/ooxml.txt`` was made: the transitional schemas of ECMA-376, reviewed.

Rules kept here:

- The schemas give names and types only. What may stay is their tables minus ``AWAY`` and ``AWAY_ATTRIBUTES``, plus
  ``ADDED``, with the kinds of ``KINDS_BY_NAME``: ``ooxml_review`` has them. What no part can reach is not written.
- Nothing is fetched: the schemas (``wml``, ``sml``, ``pml``, ``dml-*``, ``vml-*``, ``shared-*`` of ECMA-376 part 4, as
  they lie in python-openxml/python-docx under ``ref/xsd``) are given as a folder.
- The parts, references, functions and fields at the head of the table are written by hand and kept as they are.

Run it in ``tests`` as ``python -m support.ooxml_facts FOLDER-WITH-SCHEMAS ../sanitizer/grammars/ooxml.txt``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree
from support.ooxml_review import ADDED, AWAY, AWAY_ATTRIBUTES, AWAY_ATTRIBUTES_OF, GRAFTS, KINDS_BY_NAME

XSD = "{http://www.w3.org/2001/XMLSchema}"
TYPES_HEAD = "\n## types\n"


@dataclass(slots=True)
class Type:
    """Children by name, attributes by name, and the kind of its text ("-": none)."""

    children: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = "-"


def read_head(table: str) -> tuple[dict[str, str], list[str]]:
    """(namespace → prefix, names of the types of all parts) from the handwritten head of the table."""
    prefixes, roots = {}, []
    for line in table.splitlines():
        words = line.split()
        if words[:1] == ["ns"]:
            prefixes[words[2]] = words[1]
        elif words[:1] == ["part"]:
            roots.append(words[3])
    return prefixes, roots


class Schemas:
    """The schemas of a folder, compiled to types and enumerations."""

    def __init__(self, folder: Path, prefixes: dict[str, str]) -> None:
        self.prefixes = prefixes
        self.types: dict[str, Type] = {}
        self.enums: dict[str, list[str]] = {}
        self.globals: dict[tuple[str, str, str], etree._Element] = {}
        self.todo: list[tuple[str, etree._Element]] = []
        self.trees = [etree.parse(str(path)).getroot() for path in sorted(folder.glob("*.xsd"))]
        for root in self.trees:
            for node in root:
                if isinstance(node.tag, str) and node.get("name"):
                    key = (node.tag[len(XSD) :], root.get("targetNamespace") or "", node.get("name") or "")
                    self.globals[key] = node
        for (tag, space, name), node in self.globals.items():
            if tag == "complexType" and space in prefixes:
                self.type_of(f"{prefixes[space]}:{name}", node)
        while self.todo:
            name, node = self.todo.pop()
            self.body(name, node)

    def type_of(self, name: str, node: etree._Element) -> str:
        if name not in self.types:
            self.types[name] = Type()
            self.todo.append((name, node))
        return name

    def qname(self, node: etree._Element, text: str) -> tuple[str, str]:
        prefix, _, name = text.rpartition(":")
        if prefix == "xml":
            return "http://www.w3.org/XML/1998/namespace", name
        return node.nsmap.get(prefix or None, "") or "", name

    def written(self, space: str, name: str) -> str | None:
        """prefix:name, or None for a namespace that no part uses."""
        return f"{self.prefixes[space]}:{name}" if space in self.prefixes else None

    def body(self, name: str, node: etree._Element) -> None:
        if node.get("mixed") == "true":
            self.types[name].text = "text"
        for part in node:
            if isinstance(part.tag, str):
                self.particle(name, part, part.tag[len(XSD) :])

    def particle(self, name: str, node: etree._Element, tag: str) -> None:
        if tag == "element":
            self.element(name, node)
        elif tag in ("sequence", "choice", "all", "complexContent"):
            self.body(name, node)
        elif tag == "simpleContent":
            base = node[0].get("base") or ""
            self.types[name].text = self.simple(*self.qname(node, base))
            self.body(name, node)
        elif tag in ("extension", "restriction"):
            base_node = self.globals.get(("complexType", *self.qname(node, node.get("base") or "")))
            if base_node is not None:
                self.body(name, base_node)
            self.body(name, node)
        elif tag in ("group", "attributeGroup") and node.get("ref"):
            self.body(name, self.globals[(tag, *self.qname(node, node.get("ref") or ""))])
        elif tag == "attribute":
            self.attribute(name, node)

    def element(self, owner: str, node: etree._Element) -> None:
        space, form = node.getroottree().getroot().get("targetNamespace") or "", "qualified"
        if node.get("ref"):
            space, name = self.qname(node, node.get("ref") or "")
            found = self.globals.get(("element", space, name))
            written = self.written(space, name)
            if found is None or written is None:
                return
            node = found
        else:
            form = node.get("form") or node.getroottree().getroot().get("elementFormDefault") or "unqualified"
            name = node.get("name") or ""
            written = self.written(space, name) if form == "qualified" else name
        if written is not None:
            self.types[owner].children[written] = self.element_type(owner, node, written)

    def element_type(self, owner: str, node: etree._Element, written: str) -> str:
        inner = node.find(XSD + "complexType")
        if inner is not None:
            return self.type_of(f"{owner}/{written.rpartition(':')[2]}", inner)
        space, name = self.qname(node, node.get("type") or "")
        found = self.globals.get(("complexType", space, name))
        if found is not None:
            return self.type_of(f"{self.prefixes.get(space, '?')}:{name}", found)
        kind = self.simple(space, name)
        local = f"{owner}/{written.rpartition(':')[2]}"
        simple = local if space == XSD[1:-1] else f"{self.prefixes.get(space, 's')}:{name}"
        self.types.setdefault(simple, Type(text=kind))
        return simple

    def attribute(self, owner: str, node: etree._Element) -> None:
        if node.get("use") == "prohibited":
            return
        root = node.getroottree().getroot()
        space, name = root.get("targetNamespace") or "", node.get("name") or ""
        qualified = (node.get("form") or root.get("attributeFormDefault")) == "qualified"
        if node.get("ref"):
            space, name = self.qname(node, node.get("ref") or "")
            qualified = True
            node = self.globals.get(("attribute", space, name), node)
        written = self.written(space, name) if qualified else name
        if written is None:
            return
        fixed = "enum:space" if written == "xml:space" else "rid" if written.startswith("r:") else None
        self.types[owner].attributes[written] = fixed or self.attribute_kind(node)

    def attribute_kind(self, node: etree._Element) -> str:
        inner = node.find(XSD + "simpleType")
        if inner is not None:
            return self.simple_body(inner, "")
        return self.simple(*self.qname(node, node.get("type") or "")) if node.get("type") else "text"

    def simple(self, space: str, name: str) -> str:
        """The kind of a simple type."""
        if space == XSD[1:-1]:
            return BUILT_IN.get(name, "num")
        if name in ("ST_OnOff", "ST_TrueFalse", "ST_TrueFalseBlank", "ST_OnOff1"):
            return "bool"
        if name in ("ST_CellRef", "ST_Ref", "ST_RefA"):
            return "token"
        node = self.globals.get(("simpleType", space, name))
        return "text" if node is None else self.simple_body(node, f"{self.prefixes.get(space, 's')}:{name}")

    def simple_body(self, node: etree._Element, name: str) -> str:
        rule = node.find(XSD + "restriction")
        if rule is None:
            return self.union(node)
        values = [one.get("value") or "" for one in rule.findall(XSD + "enumeration")]
        if values and name and not any(set(value) & set(" =") or not value for value in values):
            self.enums[name] = sorted(set(values))
            return f"enum:{name}"
        if values or rule.find(XSD + "pattern") is not None:
            return "guid" if name == "s:ST_Guid" else "token"
        return self.simple(*self.qname(rule, rule.get("base") or ""))

    def union(self, node: etree._Element) -> str:
        union = node.find(XSD + "union")
        if union is None:
            return "token"  # a list
        kinds = {self.simple(*self.qname(union, member)) for member in (union.get("memberTypes") or "").split()}
        return kinds.pop() if len(kinds) == 1 else "text" if "text" in kinds else "token"


BUILT_IN = {
    "string": "text",
    "token": "text",
    "normalizedString": "text",
    "anyURI": "text",
    "anySimpleType": "text",
    "NMTOKEN": "token",
    "NCName": "token",
    "ID": "token",
    "QName": "token",
    "base64Binary": "token",
    "hexBinary": "hex",
    "boolean": "bool",
    "dateTime": "token",
}


def taken_away(types: dict[str, Type]) -> None:
    """Subtracts, and gives the reviewed kinds."""
    for name, one in types.items():
        one.children = {child: to for child, to in one.children.items() if child not in AWAY}
        away = set(AWAY_ATTRIBUTES_OF.get(name, "").split())
        for attribute in list(one.attributes):
            kind = KINDS_BY_NAME.get((name, attribute)) or KINDS_BY_NAME.get(("*", attribute))
            if not kind and (attribute.rpartition(":")[2] in AWAY_ATTRIBUTES or attribute in away or "*" in away):
                del one.attributes[attribute]
                continue
            one.attributes[attribute] = kind or drawn_kind(name, attribute, one.attributes[attribute])
        one.text = KINDS_BY_NAME.get((name, "#text"), one.text)


def drawn_kind(owner: str, attribute: str, kind: str) -> str:
    """Strings of VML are numbers, colours, paths: tokens, but for the few that people read."""
    if not owner.startswith(("v:", "o:", "w10:")) or kind != "text":
        return kind
    if attribute == "style":
        return "css"
    return "text" if attribute in ("alt", "title", "string", "o:title") else "token"


def grafted(types: dict[str, Type]) -> None:
    """Adds the handwritten types, then the handwritten children and attributes of others."""
    current = Type()
    for line in ADDED.strip().splitlines():
        mark, _, rest = line.strip().partition(" ")
        pairs = dict(pair.split("=", 1) for pair in rest.split() if "=" in pair)
        if not line.startswith(" "):
            current = types[line.strip()] = Type()
        elif mark == "<":
            current.children.update(pairs)
        elif mark == "@":
            current.attributes.update(pairs)
        else:
            current.text = rest
    for line in GRAFTS.strip().splitlines():
        name, mark, *pairs_of = line.split()
        target = types[name].children if mark == "<" else types[name].attributes
        target.update(dict(pair.split("=", 1) for pair in pairs_of))


def reached(types: dict[str, Type], roots: list[str]) -> Iterator[str]:
    """The names of the types that the roots lead to."""
    seen, todo = set(roots), list(dict.fromkeys(roots))
    while todo:
        name = todo.pop()
        yield name
        new = set(types[name].children.values()) - seen
        seen |= new
        todo.extend(new)


def written(types: dict[str, Type], enums: dict[str, list[str]], roots: list[str]) -> str:
    """The part of the table below its head."""
    names = sorted(reached(types, roots))
    kinds = {kind for name in names for kind in (*types[name].attributes.values(), types[name].text)}
    lines: list[str] = []
    lines += [f"enum {name} {' '.join(values)}" for name, values in sorted(enums.items()) if f"enum:{name}" in kinds]
    for name in names:
        one = types[name]
        lines.append(f"type {name}")
        if one.children:
            lines.append(" < " + " ".join(f"{key}={to}" for key, to in sorted(one.children.items())))
        if one.attributes:
            lines.append(" @ " + " ".join(f"{key}={kind}" for key, kind in sorted(one.attributes.items())))
        if one.text != "-":
            lines.append(f" # {one.text}")
    return TYPES_HEAD + "\n".join(lines) + "\n"


def main(folder: Path, table: Path) -> None:
    """Writes the types below the handwritten head of ``table``."""
    head = table.read_text(encoding="utf-8").partition(TYPES_HEAD)[0]
    prefixes, roots = read_head(head)
    schemas = Schemas(folder, prefixes)
    taken_away(schemas.types)
    grafted(schemas.types)
    table.write_text(head + written(schemas.types, schemas.enums, roots), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
