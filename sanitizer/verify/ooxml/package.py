"""A whole package: its members, what they are, how they lead to one another, and what each of them holds.

Rules kept here:

- Every member has a name of the grammar, is reached from ``_rels/.rels`` and is read by exactly one reader.
- Every relationship is used by a reference, or is one that its part may have without.

>>> from sanitizer.limits import Limits
>>> verify_package(b"", NESTED, Budget.of(Limits()))
Traceback (most recent call last):
sanitizer.verify.Violation: ('directory', '')
"""

from __future__ import annotations

from sanitizer.verify import image
from sanitizer.verify.ooxml import members as layout
from sanitizer.verify.ooxml import notes, relations
from sanitizer.verify.ooxml.checks import Budget, demand
from sanitizer.verify.ooxml.elements import Use
from sanitizer.verify.ooxml.fields import check_fields
from sanitizer.verify.ooxml.markup import Markup
from sanitizer.verify.ooxml.members import Member
from sanitizer.verify.ooxml.names import Names, Place, check_numbers
from sanitizer.verify.ooxml.relations import Relation, rels_name
from sanitizer.verify.ooxml.table import TABLE

ROOT_RELATIONS = "_rels/.rels"
PROPERTIES = "docProps/app.xml"
PROPERTIES_TYPE = "application/vnd.openxmlformats-officedocument.extended-properties+xml"
PROGRAMS = ("Microsoft Office Word", "Microsoft Excel", "Microsoft Office PowerPoint", "LibreOffice")
NESTED = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PROPERTIES = (
    '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
    "<Application>{}</Application>{}</Properties>"
)
_VERSIONS = ("", "<AppVersion>12.0000</AppVersion>")


def verify_package(data: bytes, mime: str, budget: Budget, *, nested: bool = False) -> None:
    """Nothing if ``data`` is a package of the grammar and of the media type ``mime``, else ``Violation``."""
    package = _Package(layout.read(data, budget), mime, budget, nested)
    package.check_frame()
    package.read_relations()
    package.check_reached()
    for name, place in package.places.items():
        package.check_part(name, place)
    package.check_uses()
    demand(package.read == package.members.keys(), "unread-member")


class _Package:
    """``places``: what each part is. ``relations``: the relationships of each part that has any."""

    def __init__(self, members: dict[str, Member], mime: str, budget: Budget, nested: bool) -> None:
        self.members, self.mime, self.budget, self.nested = members, mime, budget, nested
        self.read: set[str] = set()
        self.markup = Markup(budget)
        self.main = self._main_kind()
        names = Names(self.main)
        self.main_name = TABLE.parts[self.main].path
        self.places: dict[str, Place] = {}
        self.relations: dict[str, dict[str, Relation]] = {}
        self.owner_uses: list[tuple[str, Use]] = []
        for name in members:
            place = names.part(name)
            if place is not None:
                self.places[name] = place
            else:
                demand(name in (layout.FIRST, ROOT_RELATIONS, PROPERTIES) or name.endswith(".rels"), "part-name")
        check_numbers(self.places.values())

    def content(self, name: str) -> bytes:
        """What a member holds; it counts as read."""
        self.read.add(name)
        return self.members[name].content()

    def _main_kind(self) -> str:
        kinds = [kind for kind in TABLE.mains if TABLE.parts[kind].path in self.members]
        demand(len(kinds) == 1, "main-part")
        return kinds[0]

    def check_frame(self) -> None:
        """The members that the others determine."""
        has_properties = PROPERTIES in self.members
        demand({layout.FIRST, ROOT_RELATIONS} <= self.members.keys(), "frame")
        written = self.content(ROOT_RELATIONS)
        demand(written == relations.package_relations(self.main_name, has_properties), "relationships", "rels")
        if has_properties:
            written = self.content(PROPERTIES)
            texts = [_PROPERTIES.format(program, version) for program in PROGRAMS for version in _VERSIONS]
            allowed = [notes.DECLARATION + text.encode() for text in texts]
            demand(written in allowed, "properties")
        self._check_content_types(has_properties)

    def _check_content_types(self, has_properties: bool) -> None:
        types = {
            name: TABLE.parts[place.kind].content_type
            for name, place in self.places.items()
            if place.kind in TABLE.parts
        }
        if has_properties:
            types[PROPERTIES] = PROPERTIES_TYPE
        written = self.content(layout.FIRST)
        mains = [main for main, media in TABLE.mains[self.main].items() if media == self.mime]
        expected = (relations.content_types({**types, self.main_name: main}.items()) for main in mains)
        demand(any(written == candidate for candidate in expected), "content-types")

    def read_relations(self) -> None:
        """The relationships of typed parts; there are no others."""
        targets = {name: (place.kind, place.relation) for name, place in self.places.items()}
        sources = {rels_name(name): name for name, place in self.places.items() if place.kind in TABLE.parts}
        for name in self.members:
            if name.endswith(".rels") and name != ROOT_RELATIONS:
                demand(name in sources, "part-name")
                self.relations[sources[name]] = relations.read(self.content(name), targets, sources[name][:40])

    def check_reached(self) -> None:
        """Every part is reached from the main part."""
        reached, todo = {self.main_name}, [self.main_name]
        while todo:
            for relation in self.relations.get(todo.pop(), {}).values():
                if relation.kind != "hyperlink" and relation.target not in reached:
                    reached.add(relation.target)
                    todo.append(relation.target)
        demand(reached == self.places.keys(), "unreached")

    def check_part(self, name: str, place: Place) -> None:
        """What one part holds."""
        if place.kind == "noteShapes":
            return  # read with the notes of the sheet that leads to it, see ``_check_notes``
        content, where = self.content(name), name[:40]
        if place.kind == "image":
            image.verify(content, self.budget.limits, f"image/{name.rpartition('.')[2]}")
        elif place.kind == "workbookPackage":
            demand(not self.nested, "nested-package", where)
            verify_package(content, NESTED, self.budget, nested=True)
        else:
            uses = self.markup.read(content, place.kind, where)
            check_fields(content, where)
            self._follow(name, uses)
            self._check_notes(name, uses)

    def _follow(self, name: str, uses: list[Use]) -> None:
        known = self.relations.get(name, {})
        for use in uses:
            if use.by_owner:
                self.owner_uses.append((name, use))
            else:
                _lead(known, use, name)

    def _check_notes(self, name: str, uses: list[Use]) -> None:
        """A sheet's notes and their shapes: both or neither, and one follows from the other."""
        known = self.relations.get(name, {})
        comments = [relation.target for relation in known.values() if relation.kind == "sheetComments"]
        drawn = [known[use.id].target for use in uses if use.element == "x:legacyDrawing"]
        demand(len(comments) == len(drawn) <= 1, "note-shapes", name[:40])
        for comment, shapes in zip(comments, drawn, strict=True):
            cells = notes.refs(self.content(comment), comment[:40])
            notes.check_shapes(self.content(shapes), cells, name[:40])

    def check_uses(self) -> None:
        """No relationship without a use, but those that a part may have without."""
        for name, use in self.owner_uses:
            owners = [known for known in self.relations.values() if any(r.target == name for r in known.values())]
            demand(owners, "reference", name[:40])
            for known in owners:
                _lead(known, use, name)
        for name, known in self.relations.items():
            allowed = dict(TABLE.implicit.get(self.places[name].kind, {}))
            for relation in known.values():
                if not relation.used:
                    allowed[relation.kind] = allowed.get(relation.kind, 0) - 1
                    demand(allowed[relation.kind] >= 0, "unused-relationship", name[:40])


def _lead(known: dict[str, Relation], use: Use, name: str) -> None:
    """A reference leads to a part of the right kind."""
    relation = known.get(use.id)
    demand(relation is not None and relation.kind in use.kinds, "reference", name[:40])
    if relation is not None:
        relation.used = True
