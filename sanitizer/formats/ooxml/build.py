"""A package made anew: from its main part along the relationships that may stay, part by part.

Rules kept here:

- A part is in the new package because something written refers to it; its name, number and content type come from the
  table. What is read of the received package is names to look under and trees to walk.
- A part that cannot be read, or has another root than its kind, is not referred to. Without a main part, a sheet or a
  slide that can be read there is no document.
- Big trees are read when their turn comes, small ones when they are first referred to.

Source: docs/grammar-ooxml.md, section 4.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from lxml import etree

from sanitizer.formats.base import Refused
from sanitizer.formats.ooxml import sheet, slides, word
from sanitizer.formats.ooxml.alternatives import choose
from sanitizer.formats.ooxml.facts import MAIN, PARTS, TYPES
from sanitizer.formats.ooxml.kinds import Report
from sanitizer.formats.ooxml.outside import report_outside
from sanitizer.formats.ooxml.part_links import PACKAGE, PartLinks, Pending, Relationships
from sanitizer.formats.ooxml.plain_cells import PlainCells, taken_out
from sanitizer.formats.ooxml.relations import Relation, read_relations, rels_name
from sanitizer.formats.ooxml.walk import Walk
from sanitizer.formats.package import media
from sanitizer.formats.package.members import MAX_MEMBERS, Archive, Budget, write
from sanitizer.formats.package.metafiles import Metafiles
from sanitizer.formats.package.xml_source import elements_in, text_of, tree_of
from sanitizer.formats.package.xml_text import HEAD
from sanitizer.limits import Limits

_FIRST, _DEFLATED = "[Content_Types].xml", (".xml", ".rels", ".vml")
_APP = "docProps/app.xml"
_APP_RELS = ("extended-properties", "extendedProperties")
_APP_TYPE = "application/vnd.openxmlformats-officedocument.extended-properties+xml"
_DEFAULTS = (
    ("bmp", "image/bmp"),
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("rels", "application/vnd.openxmlformats-package.relationships+xml"),
    ("tiff", "image/tiff"),
    ("vml", "application/vnd.openxmlformats-officedocument.vmlDrawing"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
)
_FOLDERS = {"document": "word", "workbook": "xl", "presentation": "ppt"}
_USUAL = ("word/document.xml", "xl/workbook.xml", "ppt/presentation.xml")
_PLACES = {"worksheet": "sheet", "slide": "slide"}
_MUST_READ = frozenset({"worksheet", "slide"})
_NAMES_DRAWING = b"<dsp:dataModelExt"
_KEPT_TREE = 1 << 19  # bytes of a part whose tree is kept until its turn


class BinaryWorkbook(Refused):
    """A workbook whose parts are records, not XML: the converter reads those."""

    def __init__(self) -> None:
        super().__init__("unsupported-office", "binary workbook")


class Package:
    """One package. ``build`` gives the bytes and the kind of the main part."""

    def __init__(
        self,
        data: bytes,
        limits: Limits,
        report: Report,
        budget: Budget,
        *,
        embedded: bool = False,
        metafiles: Metafiles | None = None,
    ) -> None:
        self.limits = limits
        self._metafiles = metafiles
        self.report = report
        self.archive = Archive(data, budget)
        self.folder = ""
        self._budget = budget
        self._is_embedded = embedded
        self._members: dict[str, bytes] = {}
        self._types: dict[str, str] = {}
        self._names: dict[tuple[str, str], str | None] = {}
        self._pictures: dict[bytes, str] = {}
        self._numbers: Counter[str] = Counter()
        self._queue: deque[Pending] = deque()
        self._pivots: dict[str, bool] = {}
        self._leads: dict[str, set[str]] = {}  # part → parts that it refers to

    def build(self, content_type: Callable[[str], str]) -> tuple[bytes, str]:
        """The new package and the kind of its main part; ``content_type`` gives the main part's type by its kind."""
        top = self.relations("")
        path, tree = self._main(top)
        kind = next((one for one in _FOLDERS if PARTS[one].root == tree.tag), None)
        if kind is None:
            raise Refused("unreadable", "root of the main part")
        self.folder = _FOLDERS[kind]
        name = PARTS[kind].path
        self._types[name] = content_type(kind)
        self._names[kind, path.lower()] = name
        self._queue.append(Pending(kind, path, name, tree))
        while self._queue:
            self._write(self._queue.popleft())
        self._finish(top, name)
        report_outside(self)
        if len(self._members) > MAX_MEMBERS:
            raise Refused("bomb", "members")
        if sum(map(len, self._members.values())) > self.limits.max_inflated:
            raise Refused("output-too-large")
        return write(self._members, _FIRST, _DEFLATED), kind

    def _main(self, top: dict[str, Relation]) -> tuple[str, etree._Element]:
        paths = [one.target for one in top.values() if one.rel == "officeDocument" and not one.external]
        if any(path.lower().endswith(".bin") for path in paths):
            raise BinaryWorkbook
        for path in (*paths, *_USUAL):
            tree = self.tree(path)
            if tree is not None:
                return path, tree
        raise Refused("unreadable", "main part")

    def tree(self, path: str) -> etree._Element | None:
        """The tree of a received part with its alternatives chosen; None if there is none or it cannot be read."""
        data = self.archive.read(path)
        text = text_of(data) if data else None
        return self._tree(text) if text else None

    def _sheet(self, path: str) -> tuple[etree._Element | None, PlainCells | None, int]:
        """The same of a sheet without its plain cells; those; and the bytes that have become a tree."""
        data = self.archive.read(path)
        text = text_of(data) if data else None
        if not text:
            return None, None, 0
        text, plain = taken_out(text)
        self._budget.take(elements=plain.elements)
        return self._tree(text), plain, len(text)

    def _tree(self, text: bytes) -> etree._Element | None:
        self._budget.take(elements=elements_in(text))
        root = tree_of(text)
        if root is not None and b"AlternateContent" in text:
            choose(root)
        return root

    def relations(self, path: str) -> dict[str, Relation]:
        """The relations of a received part."""
        return read_relations(path, self.archive.read(rels_name(path)))

    def _finish(self, top: dict[str, Relation], main: str) -> None:
        self._forget_unreached(main)
        relationships = Relationships()
        relationships.add("officeDocument", main)
        application = next((one for one in top.values() if one.rel in _APP_RELS and not one.external), None)
        made = _application(self.archive.read(application.target) if application else None)
        if made:
            relationships.add("extended-properties", _APP)
            self._members[_APP], self._types[_APP] = made, _APP_TYPE
        self._members["_rels/.rels"] = relationships.text()
        defaults = "".join(f'<Default ContentType="{mime}" Extension="{end}"/>' for end, mime in _DEFAULTS)
        overrides = "".join(
            f'<Override ContentType="{mime}" PartName="/{name}"/>' for name, mime in sorted(self._types.items())
        )
        made_types = f'<Types xmlns="{PACKAGE}content-types">{defaults}{overrides}</Types>'
        self._members["[Content_Types].xml"] = (HEAD + made_types).encode("utf-8")

    def _forget_unreached(self, main: str) -> None:
        """Drops the parts that nothing refers to any more: of an element that went after they had been found."""
        reached, waiting = {main}, [main]
        while waiting:
            for name in self._leads.get(waiting.pop(), set()) - reached:
                reached.add(name)
                waiting.append(name)
        for name in self._members.keys() - reached - {rels_name(one) for one in reached}:
            del self._members[name]
            self._types.pop(name, None)

    def part(self, kind: str, path: str, tree: etree._Element | None = None, **given: object) -> str | None:
        """The new name of a typed part; it will be written. None if it cannot be."""
        if (kind, path.lower()) in self._names and kind != "diagramData":
            return self._names[kind, path.lower()]
        size, plain = 0, None
        if tree is None and kind == "worksheet":
            tree, plain, size = self._sheet(path)
        elif tree is None:
            info = self.archive.members.get(path.lower())
            size = info.file_size if info else 0
            tree = self.tree(path)
        name = self._new_name(kind) if tree is not None and tree.tag == PARTS[kind].root else None
        self._names[kind, path.lower()] = name
        if name is None or tree is None:
            self.report.add("unreadable-part")
            if kind in _MUST_READ:
                raise Refused("unreadable", f"part of kind {kind}")
            return None
        self._types[name] = PARTS[kind].content_type
        pending = Pending(kind, path, name, *((tree, plain) if size <= _KEPT_TREE else (None, None)))
        for attribute, value in given.items():
            setattr(pending, attribute, value)
        self._queue.append(pending)
        return name

    def says_owner_id(self, name: str) -> bool:
        """Whether the data of a diagram, which is waiting to be written, names the diagram's drawing; written now."""
        pending = next(one for one in self._queue if one.name == name)
        self._queue.remove(pending)
        place = self.report.place
        self._write(pending)
        self.report.place = place
        return _NAMES_DRAWING in self._members[name]

    def _new_name(self, kind: str) -> str | None:
        path = PARTS[kind].path.replace("{a}", self.folder)
        if "{n}" not in path:
            return None if path in self._types else path
        self._numbers[kind] += 1
        if self._numbers[kind] > self.limits.max_pages:
            raise Refused("too-many-pages", f"parts of kind {kind}")
        return path.replace("{n}", str(self._numbers[kind]))

    def member(self, kind: str, path: str, data: bytes) -> str:
        """The new name of a part that is not in the table, written at once; ``path`` with ``{a}`` and ``{n}``."""
        self._numbers[kind] += 1
        name = path.replace("{a}", self.folder).replace("{n}", str(self._numbers[kind]))
        self._members[name] = data
        return name

    def picture(self, path: str) -> str:
        """The new name of a picture; a blank one for what cannot be read."""
        if ("image", path.lower()) not in self._names:
            data = self.archive.read(path) or b""
            made, ending = media.rebuilt(data, self.limits, self.report, metafiles=self._metafiles)
            if made not in self._pictures:
                self._pictures[made] = self.member("image", f"{{a}}/media/image{{n}}.{ending}", made)
            self._names["image", path.lower()] = self._pictures[made]
        return self._names["image", path.lower()] or ""

    def workbook(self, path: str) -> str | None:
        """The new name of an embedded workbook, rebuilt; None if it is none."""
        if self._is_embedded:
            return None
        if ("workbookPackage", path.lower()) not in self._names:
            self._names["workbookPackage", path.lower()] = self._embed(self.archive.read(path))
        return self._names["workbookPackage", path.lower()]

    def _embed(self, data: bytes | None) -> str | None:
        mime = dict(_DEFAULTS)["xlsx"]
        try:
            inner = Package(data or b"", self.limits, Report(), self._budget, embedded=True)
            made, kind = inner.build(lambda _: MAIN[mime][1])
        except Refused as refused:
            if refused.code == "bomb":
                raise
            return None
        return self.member("workbookPackage", "{a}/embeddings/workbook{n}.xlsx", made) if kind == "workbook" else None

    def pivot_stays(self, path: str) -> bool:
        """True for a pivot cache that is made from a sheet of this very workbook."""
        if path not in self._pivots:
            tree = self.tree(path)
            self._pivots[path] = tree is not None and sheet.is_own_pivot(tree)
        return self._pivots[path]

    def _write(self, pending: Pending) -> None:
        kind = pending.kind
        number = "".join(character for character in pending.name.rpartition("/")[2] if character.isdigit())
        self.report.place = f"{_PLACES[kind]} {number}" if kind in _PLACES else ""
        tree = pending.tree
        if tree is None and kind == "worksheet":
            tree, pending.plain, _ = self._sheet(pending.path)
        elif tree is None:
            tree = self.tree(pending.path)
        if tree is None:
            raise Refused("unreadable", f"part of kind {kind}")
        received = self.relations(pending.path) if pending.received is None else pending.received
        links = PartLinks(self, pending, received)
        self._prepare(links, tree)
        made = Walk(links, self.report, pending.plain).part(tree, PARTS[kind].written_root, TYPES[PARTS[kind].type])
        if made is None:
            raise Refused("unreadable", f"part of kind {kind}")
        self._members[pending.name] = made
        links.add_implicit()
        self._leads[pending.name] = {target for _, target, external in links.relationships.made if not external}
        if links.relationships.made:
            self._members[rels_name(pending.name)] = links.relationships.text()
        self.report.place = ""

    def _prepare(self, links: PartLinks, tree: etree._Element) -> None:
        kind = links.kind
        if self.folder == "word" and kind in word.KINDS:
            has_comments = any(one.rel == "comments" for one in links.received.values())
            word.prepare(tree, has_comments or kind != "document", self.report)
        elif kind in sheet.PREPARE:
            sheet.PREPARE[kind](links, tree)
        elif self.folder == "ppt":
            slides.prepare(links, tree)


def _application(data: bytes | None) -> bytes | None:
    """The properties part, which tells programs whose rules of layout to follow; None for an unknown one."""
    text = (data or b"")[:4096].replace(b"Macintosh ", b"")
    names = ("Microsoft Office Word", "Microsoft Excel", "Microsoft Office PowerPoint", "LibreOffice")
    found = next((name for name in names if f"Application>{name}".encode() in text), None)
    if found is None:
        return None
    space = "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"
    version = "<AppVersion>12.0000</AppVersion>" if b"<AppVersion>12." in (data or b"") else ""  # charts depend on it
    return f'{HEAD}<Properties xmlns="{space}"><Application>{found}</Application>{version}</Properties>'.encode()
