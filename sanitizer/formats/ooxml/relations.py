"""Relationships of a received part: what it refers to, by id.

Rules kept here:

- The last step of a relationship's type names it; types outside the standard's own namespaces do not count, but for the
  drawing of a diagram.
- A target is a path in the package, resolved as Office does, or it is outside.

Source: ECMA-376 part 2, 9.3.

>>> target_path("ppt/slides/slide1.xml", "../media/image1.png")
'ppt/media/image1.png'
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from sanitizer.formats.package.xml_source import parse

_STANDARD = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/",
    "http://purl.oclc.org/ooxml/officeDocument/relationships/",
)
_DIAGRAM = "http://schemas.microsoft.com/office/2007/relationships/diagramDrawing"


@dataclass(frozen=True, slots=True)
class Relation:
    """``target`` is a path in the package, or whatever stands outside if ``external``."""

    rel: str
    target: str
    external: bool


def rels_name(part: str) -> str:
    """The member that holds the relationships of a part; ``""`` is the package."""
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"


def target_path(part: str, target: str) -> str:
    """The path of an internal target."""
    folder = part.rpartition("/")[0]
    joined = posixpath.normpath(posixpath.join(f"/{folder}", target.replace("\\", "/").partition("#")[0]))
    return joined.lstrip("/")


def read_relations(part: str, data: bytes | None) -> dict[str, Relation]:
    """Relations by id, from the bytes of a ``.rels`` member; none if it cannot be read."""
    root = parse(data) if data else None
    found: dict[str, Relation] = {}
    for e in root if root is not None else ():
        kind, target, name = e.get("Type") or "", e.get("Target") or "", e.get("Id")
        if not str(e.tag).endswith("}Relationship") or not name:
            continue
        if not kind.startswith(_STANDARD) and kind != _DIAGRAM:
            continue
        external = e.get("TargetMode") == "External"
        path = target if external else target_path(part, target) if target else ""
        found[name] = Relation(kind.rpartition("/")[2], path, external)
    return found
