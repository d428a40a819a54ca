"""An OpenDocument file made anew: its parts, the objects and pictures that they refer to, its manifest.

Rules kept here:

- A member is in the new file because something written refers to it; its name and type are given here. What is read of
  the received file is names to look under and trees to walk.
- Without a content that can be read there is no document. Styles and settings that cannot be read are left out.

Source: docs/grammar-odf.md, sections 1, 4 and 6.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from lxml import etree

from sanitizer.formats.base import Refused
from sanitizer.formats.odf import pictures
from sanitizer.formats.odf.facts import ENUMS, MAIN, NAMESPACES, OBJECTS, ROOTS, source
from sanitizer.formats.odf.generator import generator
from sanitizer.formats.odf.kinds import MEMBERS, Report
from sanitizer.formats.odf.preparation import prepare, report_hidden
from sanitizer.formats.odf.walk import Walk
from sanitizer.formats.package.media import BLANK
from sanitizer.formats.package.members import MAX_MEMBERS, Archive, Budget, write
from sanitizer.formats.package.metafiles import Metafiles, is_metafile
from sanitizer.formats.package.xml_source import elements_in, text_of, tree_of
from sanitizer.formats.package.xml_text import HEAD
from sanitizer.limits import Limits

_DEFLATED = (".xml", ".svg")
_MIMETYPE, _MANIFEST = "mimetype", "META-INF/manifest.xml"
_BODY, _VERSION, _HREF = source("office:body"), source("office:version"), source("xlink:href")
_MATH, _DRAW_OBJECT = source("math:math"), source("draw:object")
_SPACE = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_FOLDER = re.compile(r"Part[0-9]+/")
# namespaces in drafts of ODF 1.0, which programs of 2005 wrote → those of the standard
_DRAFTS = tuple(
    (f'="{old}"'.encode(), f'="{NAMESPACES[prefix]}"'.encode())
    for old, prefix in (("http://www.w3.org/1999/XSL/Format", "fo"), ("http://www.w3.org/2000/svg", "svg"))
)
_OFTEN = frozenset({"mimetype", "meta-inf/manifest.xml", "content.xml", "styles.xml", "settings.xml"})


class Document:
    """One OpenDocument file. ``build`` gives the bytes."""

    def __init__(
        self, archive: Archive, limits: Limits, report: Report, budget: Budget, metafiles: Metafiles | None = None
    ) -> None:
        self.archive = archive
        self._metafiles = metafiles
        self.limits = limits
        self.report = report
        self.version = "1.2"
        self.members: dict[str, bytes] = {}
        self._budget = budget
        self._contents: dict[str, tuple[etree._Element, str] | None] = {}  # received folder → content, media type
        self._objects: dict[str, str] = {}  # received folder → new one
        self._types: dict[str, str] = {}  # new folder → media type
        self._metafile_names: dict[str, bool] = {}
        self._found: dict[str, tuple[bytes, str]] = {}  # received name → picture, ending

    def build(self, mime: str) -> bytes:
        """The new file, of a media type that its content bears out."""
        content = self.tree("content.xml") if "content.xml" in self.archive else _of_styles_alone(self.archive, mime)
        if content is None or _consists_of(content) != MAIN[mime]:
            raise Refused("unreadable", "content")
        stated = content.get(_VERSION)
        self.version = stated if stated in ENUMS["version"] else "1.2"
        report_hidden(content, self.report)
        Folder(self, "", "").write(content)
        made = generator(self.archive.read("meta.xml"))
        if made and content.tag != _MATH:
            self.members["meta.xml"] = self.walked(_meta(made), None)
        self._report_outside()
        self.members[_MIMETYPE] = mime.encode("ascii")
        self.members[_MANIFEST] = self._manifest(mime)
        if len(self.members) > MAX_MEMBERS:
            raise Refused("bomb", "members")
        if sum(map(len, self.members.values())) > self.limits.max_inflated:
            raise Refused("output-too-large")
        return write(self.members, _MIMETYPE, _DEFLATED)

    def tree(self, name: str) -> etree._Element | None:
        """The tree of a received member; None if there is none or it cannot be read."""
        data = self.archive.read(name) or b""
        for old, new in _DRAFTS:
            data = data.replace(old, new)
        text = text_of(data) or b""
        self._budget.take(elements=elements_in(text))
        root = tree_of(text)
        if root is None:
            self.report.add("unreadable-part" if data else "")
        return root

    def walked(self, root: etree._Element, folder: Folder | None) -> bytes:
        """The part written anew."""
        made = Walk(folder or Folder(self, "", ""), self.report, self.version).part(root)
        if made is None:
            raise Refused("unreadable", "root of a part")
        return made

    def picture(self, name: str) -> tuple[bytes, str]:
        """(picture, ending) for what stands under a received name; a blank one for what cannot be read."""
        if name not in self._found:
            data = self.archive.read(name)
            if data is None:
                self.report.add("external-reference" if re.match(r"[A-Za-z]+:|/|\.\.", name) else "image")
            self._found[name] = (
                pictures.rebuilt(data, self.limits, self.report, self._metafiles) if data else (BLANK, "png")
            )
        return self._found[name]

    def is_metafile(self, name: str) -> bool:
        """True for a received picture that has to be drawn by the converter."""
        if name not in self._metafile_names:
            self._metafile_names[name] = is_metafile(self.archive.read(name) or b"")
        return self._metafile_names[name]

    def has_object(self, received: str) -> bool:
        """True for an object that can be rebuilt."""
        if received not in self._contents:
            content = self.tree(f"{received}/content.xml") if received else None
            kind = _consists_of(content) if content is not None else ""
            mime = next((mime for mime, element in OBJECTS.items() if element == kind), None)
            self._contents[received] = None if content is None or mime is None else (content, mime)
        return self._contents[received] is not None

    def object(self, received: str) -> str | None:
        """The new folder of an object, which is written now; None if it is none that may stay."""
        if not self.has_object(received):
            return None
        if received not in self._objects and (found := self._contents[received]) is not None:
            self._objects[received] = self._write_object(received, *found)
        return self._objects[received]

    def _write_object(self, received: str, content: etree._Element, mime: str) -> str:
        if len(self._types) >= self.limits.max_pages:
            raise Refused("too-many-pages", "objects")
        name = f"Part{len(self._types) + 1}/"
        self._types[name] = mime
        Folder(self, f"{received}/", name).write(content)
        return name

    def _manifest(self, mime: str) -> bytes:
        entries = dict(self._types)
        for name in self.members:
            if name not in (_MIMETYPE, _MANIFEST):
                ending = name.rpartition(".")[2]
                entries[name] = {"xml": "text/xml", "svg": "image/svg+xml"}.get(ending, f"image/{ending}")
        lines = [("/", mime), *sorted(entries.items())]
        version = f' manifest:version="{self.version}"'
        said = "".join(
            f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="{kind}"'
            f"{version if name.endswith('/') else ''}/>"
            for name, kind in lines
        )
        made = f'{HEAD}<manifest:manifest xmlns:manifest="{_SPACE}"{version}>{said}</manifest:manifest>'
        return made.encode("utf-8")

    def _report_outside(self) -> None:
        """Counts what is left behind by the names of its members; no name goes into the report."""
        for name, info in self.archive.members.items():
            kind = next((kind for pattern, kind in MEMBERS if pattern.search(name)), None)
            if kind and info.file_size and name not in _OFTEN:
                self.report.add(kind)
        self.report.add("unreadable-part", self.archive.unreadable)


class Folder:
    """The main folder of a file, or that of an object: its parts, and the pictures that they show."""

    def __init__(self, document: Document, received: str, made: str) -> None:
        self._document = document
        self._received = received
        self._made = made
        self._names: dict[bytes, str] = {}

    def write(self, content: etree._Element) -> None:
        """Writes the parts of the folder."""
        for more in content.findall(_BODY)[1:]:
            content.remove(more)  # programs read the first
        parts: list[tuple[str, etree._Element | None]] = [("content.xml", content)]
        if content.tag != _MATH:
            parts.append(("styles.xml", self._part("styles.xml")))
        parts.append(("settings.xml", self._part("settings.xml")))
        for name, tree in parts:
            if tree is not None:
                prepare(tree, self._has_object, self._has_picture, self._document.report)
                self._document.members[self._made + name] = self._document.walked(tree, self)

    def _part(self, name: str) -> etree._Element | None:
        tree = self._document.tree(self._received + name)
        return tree if tree is not None and tree.tag == source(ROOTS[name]) else None

    def picture(self, address: str) -> str | None:
        """Where the picture at a received address stands in the new file; None if there is no address."""
        if not address:
            return None
        data, ending = self._document.picture(self._name(address))
        if data not in self._names:
            self._names[data] = f"Pictures/image{len(self._names) + 1}.{ending}"
            self._document.members[self._made + self._names[data]] = data
        return self._names[data]

    def object(self, address: str) -> str | None:
        """Where the object at a received address stands in the new file; None if it may not stay."""
        made = None if self._made else self._document.object(self._name(address))
        return f"./{made.rstrip('/')}" if made else None

    def _has_object(self, address: str) -> bool:
        return not self._made and self._document.has_object(self._name(address))

    def _has_picture(self, address: str, drawn: bool) -> bool:
        """Whether a picture can be read there; ``drawn``: a metafile that has been drawn counts."""
        name = self._name(address)
        if not address or (not drawn and self._document.is_metafile(name)):
            return False
        return not pictures.is_blank(self._document.picture(name)[0])

    def _name(self, address: str) -> str:
        """The received name that an address of this folder leads to."""
        name = address.removeprefix("./").rstrip("/")
        if f"{self._received}{name}" not in self._document.archive and "%" in name:
            name = unquote(name)
        return name if re.match(r"[A-Za-z]+:|/|\.\.", name) else self._received + name


def _consists_of(content: etree._Element) -> str:
    """The written name of what a content consists of; empty if it is none."""
    if content.tag == _MATH:
        return "math:math"
    body = content.find(_BODY) if content.tag == source(ROOTS["content.xml"]) else None
    space, _, local = str(body[0].tag)[1:].partition("}") if body is not None and len(body) == 1 else ("", "", "")
    return f"office:{local}" if space == NAMESPACES["office"] else ""


def _of_styles_alone(archive: Archive, mime: str) -> etree._Element | None:
    """The empty content of a template that has nothing but styles, as LibreOffice brings some along."""
    if "styles.xml" not in archive or MAIN[mime] == "math:math":
        return None
    root = etree.Element(source("office:document-content"))
    etree.SubElement(etree.SubElement(root, _BODY), source(MAIN[mime]))
    return root


def _meta(made: str) -> etree._Element:
    root = etree.Element(source("office:document-meta"))
    e = etree.SubElement(etree.SubElement(root, source("office:meta")), source("meta:generator"))
    e.text = made
    return root
