"""Relationships and content types (§4 of the grammar): both can be written in one way only.

>>> rels_name("word/document.xml")
'word/_rels/document.xml.rels'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sanitizer.verify.ooxml.checks import decoded, demand
from sanitizer.verify.ooxml.links import is_link
from sanitizer.verify.ooxml.notes import DECLARATION

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
DIAGRAM = "http://schemas.microsoft.com/office/2007/relationships/diagramDrawing"
CONTENT_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_BEFORE = DECLARATION + b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
_AFTER = b"</Relationships>"
_VALUE = r'[^"&<>\x00-\x1f]*(?:&amp;[^"&<>\x00-\x1f]*)*'
_RELATION = re.compile(rf' Id="([^"]*)" Target="({_VALUE})"( TargetMode="External")? Type="([^"]*)"/>')
_DEFAULTS = {
    "bmp": "image/bmp",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "rels": "application/vnd.openxmlformats-package.relationships+xml",
    "tiff": "image/tiff",
    "vml": "application/vnd.openxmlformats-officedocument.vmlDrawing",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(slots=True)
class Relation:
    """One relationship. ``target`` is the name of a part, or (kind ``hyperlink``) a link; ``kind`` follows from it."""

    id: str
    target: str
    kind: str
    used: bool = False


def type_of(relation: str) -> str:
    """The type whose last step is ``relation``."""
    return DIAGRAM if relation == "diagramDrawing" else OFFICE + relation


def rels_name(part: str) -> str:
    """Where the relationships of a part stand."""
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels"


def read(content: bytes, parts: dict[str, tuple[str, str]], where: str) -> dict[str, Relation]:
    """The relationships of a part by id. ``parts``: name → (kind, last step of the type that leads to it)."""
    demand(content.startswith(_BEFORE) and content.endswith(_AFTER), "relationships", where)
    try:
        written = content[len(_BEFORE) : -len(_AFTER)].decode("utf-8").split("<Relationship")
    except UnicodeDecodeError:
        written = []
    demand(len(written) > 1 and not written[0], "relationships", where)
    found: dict[str, Relation] = {}
    seen: set[tuple[str, str]] = set()
    for number, text in enumerate(written[1:], 1):
        match = _RELATION.fullmatch(text)
        demand(match is not None and match[1] == f"rId{number}", "relationships", where)
        assert match is not None
        demand((match[4], match[2]) not in seen, "relationship-twice", where)
        seen.add((match[4], match[2]))
        found[match[1]] = _relation(match, parts, where)
    return found


def _relation(match: re.Match[str], parts: dict[str, tuple[str, str]], where: str) -> Relation:
    id_, target, external, type_ = match[1], decoded(match[2]), match[3], match[4]
    if external:
        demand(type_ == type_of("hyperlink"), "external", where)
        demand(is_link(target), "link", where)
        return Relation(id_, target, "hyperlink")
    demand(target.startswith("/") and target[1:] in parts, "target", where)
    kind, relation = parts[target[1:]]
    demand(type_ == type_of(relation), "relationship-type", where)
    return Relation(id_, target[1:], kind)


def package_relations(main: str, properties: bool) -> bytes:
    """``_rels/.rels`` for this main part, with or without ``docProps/app.xml``."""
    targets = [(main, "officeDocument")] + [("docProps/app.xml", "extended-properties")] * properties
    return b"".join(
        (
            _BEFORE,
            *(
                f'<Relationship Id="rId{number}" Target="/{target}" Type="{OFFICE}{relation}"/>'.encode()
                for number, (target, relation) in enumerate(targets, 1)
            ),
            _AFTER,
        )
    )


def content_types(overrides: Iterable[tuple[str, str]]) -> bytes:
    """``[Content_Types].xml`` for parts and their content types."""
    defaults = (f'<Default ContentType="{type_}" Extension="{name}"/>' for name, type_ in _DEFAULTS.items())
    named = (f'<Override ContentType="{type_}" PartName="/{name}"/>' for name, type_ in sorted(overrides))
    return DECLARATION + f'<Types xmlns="{CONTENT_TYPES}">{"".join(defaults)}{"".join(named)}</Types>'.encode()
