"""A slow second opinion on typed parts, for mutations that the verifier let pass: expat reads a part, and what it read
must be in the table and, written again, give the same bytes.

It knows no kinds of values but enumerations, numbers and truth values; the tests of values have the others.

>>> objections(b"<w:document/>", "document")
['declaration']
"""

from __future__ import annotations

import re
from xml.parsers import expat

from support.canonical_ooxml import DECLARATION, LINES, SPACES

ROOTS = {line[1]: (line[2], line[3]) for line in LINES if line[0] == "part"}
ENUMS = {f"enum:{line[1]}": set(line[2:]) for line in LINES if line[0] == "enum"}
NUMBER = re.compile(r"[+-]?[0-9.]*[0-9.](?:[eE][+-]?[0-9]+)?|NaN|[+-]?INF", re.ASCII)
TRUTH = {"", "true", "false", "on", "off", "0", "1", "t", "f", "True", "False"}
TYPES: dict[str, dict[str, dict[str, str]]] = {}
_name = ""
for _line in LINES:
    if _line[0] == "type":
        _name = _line[1]
        TYPES[_name] = {"<": {}, "@": {}, "#": {}}
    elif _line[0] == "":
        TYPES[_name][_line[1]] = {pair.partition("=")[0]: pair.partition("=")[2] for pair in _line[2:]}


class _Reader:
    """Writes again what expat tells, and objects to what the table has not."""

    def __init__(self, kind: str) -> None:
        self.objections: list[str] = []
        self.written: list[str] = []
        self.stack: list[tuple[str, str]] = [ROOTS[kind]]
        self.open = self.has_text = False
        self.used: set[str] = set()
        self.declared: list[str] = []

    def start(self, name: str, attributes: list[str]) -> None:
        pairs = list(zip(attributes[::2], attributes[1::2], strict=True))
        if len(self.stack) == 1:
            self.declared = [key[6:] for key, _ in pairs if key.startswith("xmlns:")]
            self.objections += ["ns" for key, value in pairs if key[:6] == "xmlns:" and SPACES.get(key[6:]) != value]
            type_ = self.stack[0][1] if name == self.stack[0][0] else ""
        else:
            type_ = TYPES[self.stack[-1][1]]["<"].get(name, "")
        entry = TYPES.get(type_, {"@": {}})
        if not type_:
            self.objections.append(f"element {name}")
        plain = [(key, value) for key, value in pairs if not key.startswith("xmlns:") or len(self.stack) > 1]
        for key, value in plain:
            self.attribute(key, value, entry["@"].get(key))
        if [f'{key}="{value}"' for key, value in plain] != sorted(f'{key}="{value}"' for key, value in plain):
            self.objections.append("order")
        self.used |= {word.partition(":")[0] for word in (name, *(key for key, _ in plain)) if ":" in word}
        self.flush()
        shown = "".join(f' {key}="{escaped(value)}"' for key, value in pairs)
        self.written.append(f"<{name}{shown}")
        self.stack.append((name, type_ or "w:CT_Empty"))
        self.open = True

    def attribute(self, key: str, value: str, kind: str | None) -> None:
        known = ENUMS.get(kind or "")
        if kind is None or (known is not None and value not in known):
            self.objections.append(f"attribute {key}")
        elif (kind == "num" and not NUMBER.fullmatch(value)) or (kind == "bool" and value not in TRUTH):
            self.objections.append(f"value {key}")

    def flush(self) -> None:
        if self.open:
            self.written.append(">")
        self.open = False

    def end(self, name: str) -> None:
        self.written.append("/>" if self.open else f"</{name}>")
        self.open = False
        self.stack.pop()

    def text(self, data: str) -> None:
        if not TYPES[self.stack[-1][1]]["#"]:
            self.objections.append("text")
        self.flush()
        text = data.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
        self.written.append(text)


def escaped(value: str) -> str:
    """A value as it must be written."""
    for character, reference in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot"), ("\t", "#9"), ("\n", "#10")):
        value = value.replace(character, f"&{reference};")
    return value.replace("\r", "&#13;")


def objections(content: bytes, kind: str) -> list[str]:
    """Why this is no part of that kind; empty if there is no reason."""
    if not content.startswith(DECLARATION.encode()):
        return ["declaration"]
    reader, parser = _Reader(kind), expat.ParserCreate("UTF-8")
    parser.ordered_attributes = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        return ["not well-formed"]
    if (DECLARATION + "".join(reader.written)).encode() != content:
        reader.objections.append("not as it would be written")
    if sorted(reader.used - {"xml"}) != reader.declared:
        reader.objections.append("prefixes")
    return reader.objections
