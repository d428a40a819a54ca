"""The references of one part: received relations in, new relationships out.

Rules kept here:

- An id leads where the table lets that element's attribute lead, and only if the part there can be read.
- Nothing outside is referred to but by links that people follow.
- The place of a macro or dialog sheet is kept by an empty sheet, because others count sheets.

Source: docs/grammar-ooxml.md, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lxml import etree

from sanitizer.formats.ooxml.facts import IMPLICIT, PARTS, REFS, source
from sanitizer.formats.ooxml.plain_cells import PlainCells
from sanitizer.formats.ooxml.relations import Relation
from sanitizer.formats.package.links import link
from sanitizer.formats.package.xml_text import HEAD, quoted

if TYPE_CHECKING:
    from sanitizer.formats.ooxml.build import Package

PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_DIAGRAM_REL = "http://schemas.microsoft.com/office/2007/relationships/diagramDrawing"
_OTHER_RELS = {"image": "image", "workbookPackage": "package", "noteShapes": "vmlDrawing"}


@dataclass(slots=True)
class Pending:
    """A part that is referred to and not yet written."""

    kind: str
    path: str
    name: str
    tree: etree._Element | None
    plain: PlainCells | None = None
    received: dict[str, Relation] | None = None
    owner_id: str | None = None


@dataclass(slots=True)
class Relationships:
    """The relationships of a new part."""

    made: dict[tuple[str, str, bool], str] = field(default_factory=dict)

    def add(self, rel: str, target: str, external: bool = False) -> str:
        """The id of a relationship, the same for the same target."""
        return self.made.setdefault((rel, target, external), f"rId{len(self.made) + 1}")

    def text(self) -> bytes:
        """The ``.rels`` member."""
        lines = []
        for (rel, target, external), name in self.made.items():
            kind = _DIAGRAM_REL if rel == "diagramDrawing" else _REL + rel
            where = f'{quoted(target)}" TargetMode="External' if external else f"/{target}"
            lines.append(f'<Relationship Id="{name}" Target="{where}" Type="{kind}"/>')
        made = f'<Relationships xmlns="{PACKAGE}relationships">{"".join(lines)}</Relationships>'
        return (HEAD + made).encode("utf-8")


class PartLinks:
    """The references of one part: received relations in, new relationships out."""

    def __init__(self, package: Package, pending: Pending, received: dict[str, Relation]) -> None:
        self.package = package
        self.kind = pending.kind
        self.path = pending.path
        self.received = received
        self.relationships = Relationships()
        self._owner_id = pending.owner_id

    def mark(self) -> int:
        """See ``walk.Links``."""
        return len(self.relationships.made)

    def take_back(self, mark: int) -> None:
        """See ``walk.Links``."""
        for key in list(self.relationships.made)[mark:]:
            del self.relationships.made[key]

    def leads_to_part(self, element: str, attribute: str, value: str) -> bool:
        """See ``walk.Links``."""
        found, kinds = self.received.get(value), REFS.get((element, attribute), ())
        if found is None or found.external or len(kinds) != 1 or found.rel != PARTS[kinds[0]].rel:
            return False
        tree = self.package.tree(found.target)
        return tree is not None and tree.tag == PARTS[kinds[0]].root

    def owner_id(self) -> str | None:
        """See ``walk.Links``."""
        return self._owner_id

    def leads_to_slide(self, value: str) -> bool:
        """See ``walk.Links``."""
        found = self.received.get(value)
        return (
            found is not None and found.rel == "slide" and not found.external and found.target in self.package.archive
        )

    def resolve(self, element: str, attribute: str, value: str) -> str | None:
        """See ``walk.Links``."""
        found, allowed = self.received.get(value), REFS.get((element, attribute), ())
        if found is None or not allowed:
            return None
        if found.external:
            return self._outward(found, "hyperlink" in allowed)
        for kind in allowed:
            if kind != "hyperlink" and found.rel == (_OTHER_RELS.get(kind) or PARTS[kind].rel):
                return self._inward(kind, found)
        return None

    def _outward(self, found: Relation, is_link: bool) -> str | None:
        address = link(found.target) if found.rel == "hyperlink" and is_link else None
        if address is None:
            self.package.report.add("link-target" if found.rel == "hyperlink" else "external-reference")
            return None
        return self.relationships.add("hyperlink", address, True)

    def _inward(self, kind: str, found: Relation) -> str | None:
        if kind == "image":
            return self.relationships.add("image", self.package.picture(found.target))
        if kind == "workbookPackage":
            name = self.package.workbook(found.target)
        elif kind == "noteShapes":
            name = found.target
        elif kind == "pivotCache" and not self.package.pivot_stays(found.target):
            self.package.report.add("pivot")
            return None
        elif kind == "diagramData":
            name = self._diagram(found.target)
        else:
            name = self.package.part(kind, found.target)
        return self.relationships.add(found.rel, name) if name else None

    def _diagram(self, path: str) -> str | None:
        """A diagram's data, which names the drawing of the diagram by an id of this part."""
        tree = self.package.tree(path)
        if tree is None:
            return None
        named = next((e.get("relId") for e in tree.iter(source("dsp:dataModelExt"))), None)
        found = self.received.get(named or "")
        drawn, mark = None, self.mark()
        if found is not None and found.rel == "diagramDrawing" and not found.external:
            name = self.package.part("diagramDrawing", found.target)
            drawn = self.relationships.add("diagramDrawing", name) if name else None
        data = self.package.part("diagramData", path, tree, owner_id=drawn)
        if data is not None and not self.package.says_owner_id(data):
            self.take_back(mark)
        return data

    def sheet_id(self, value: str) -> str:
        """See ``walk.Links``."""
        made = self.resolve("x:sheet", "r:id", value)
        if made is not None:
            return made
        self.package.report.add("macro-sheet")
        empty = etree.Element(PARTS["worksheet"].root)
        etree.SubElement(empty, source("x:sheetData"))
        name = self.package.part("worksheet", f"empty sheet {value}", empty, received={})
        return self.relationships.add("worksheet", name or "")

    def add_implicit(self) -> None:
        """Relationships that no id refers to."""
        for word_of in IMPLICIT.get(self.kind, ()):
            kind, many = word_of.rstrip("*"), word_of.endswith("*")
            rel = PARTS[kind].rel
            for found in [one for one in self.received.values() if one.rel == rel and not one.external]:
                if self._add_implicit(kind, found) and not many:
                    break

    def _add_implicit(self, kind: str, found: Relation) -> bool:
        if kind in ("pivotTable", "pivotCache") and not self._pivot_stays(kind, found.target):
            return False
        if kind == "notesSlide" and not self._has_master(found.target):
            return False
        name = self.package.part(kind, found.target)
        if name:
            self.relationships.add(found.rel, name)
        return name is not None

    def _pivot_stays(self, kind: str, path: str) -> bool:
        if kind == "pivotCache":
            return self.package.pivot_stays(path)
        caches = [one.target for one in self.package.relations(path).values() if one.rel == "pivotCacheDefinition"]
        stays = len(caches) == 1 and self.package.pivot_stays(caches[0])
        self.package.report.add("" if stays else "pivot")
        return stays

    def _has_master(self, path: str) -> bool:
        return any(one.rel == "notesMaster" for one in self.package.relations(path).values())
