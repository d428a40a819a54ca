"""A whole OpenDocument file (§1, §4 and §5): its members, what they are, and how they lead to one another.

Rules kept here:

- The manifest is not read: it is written from the members and compared.
- Every picture and every object is used by the document, and read by exactly one reader.

>>> from sanitizer.limits import Limits
>>> verify_package(b"", "application/vnd.oasis.opendocument.text", Budget.of(Limits()))
Traceback (most recent call last):
sanitizer.verify.Violation: ('directory', '')
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sanitizer.verify import image
from sanitizer.verify.markup import svg
from sanitizer.verify.odf.markup import Content, Markup
from sanitizer.verify.odf.table import TABLE
from sanitizer.verify.odf.values import PICTURES
from sanitizer.verify.ooxml import members as layout
from sanitizer.verify.ooxml.checks import Budget, demand
from sanitizer.verify.ooxml.notes import DECLARATION

MIMETYPE, MANIFEST = "mimetype", "META-INF/manifest.xml"
DEFLATED = (".xml", ".svg")
MATH = "math:math"
_NAME = re.compile(
    r"(?P<folder>Part(?P<part>[1-9][0-9]{0,5})/)?"
    rf"(?:(?P<xml>content|styles|settings|meta)\.xml|Pictures/image(?P<picture>[1-9][0-9]{{0,5}})\.(?:{'|'.join(PICTURES)}))"
)
_PART_TYPE = re.compile(rb'manifest:full-path="(Part[0-9]+/)" manifest:media-type="([a-z0-9./\-]{1,80})"')
_OPEN = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="{}">'


@dataclass(slots=True)
class Folder:
    """The members of the file or of one object, by their names without the folder; ``element``: what its content
    consists of."""

    media_type: str
    element: str
    xml: set[str] = field(default_factory=set)
    pictures: set[str] = field(default_factory=set)


def verify_package(data: bytes, mime: str, budget: Budget) -> None:
    """Nothing if ``data`` is an OpenDocument file of the grammar and of the media type ``mime``, else ``Violation``."""
    members = layout.read(data, budget, MIMETYPE, DEFLATED)
    demand(mime in TABLE.mains and members[MIMETYPE].content() == mime.encode(), "mimetype")
    demand(MANIFEST in members, "manifest")
    written = members[MANIFEST].content()
    folders = _folders(members, mime, dict(_PART_TYPE.findall(written)))
    demand(len(folders) - 1 <= budget.limits.max_pages, "too-many-objects")
    version = _check_manifest(written, folders)
    markup, objects = Markup(budget), set[str]()
    for path, folder in folders.items():
        for content in _contents(markup, members, path, folder):
            demand(all(use.value == version for use in content.uses if use.kind == "enum:version"), "version")
            found = {use.value.removeprefix("./") + "/" for use in content.uses if use.kind == "object"}
            demand(not path or not found, "nested-object")
            objects |= found
    demand(objects == folders.keys() - {""}, "objects")


def _folders(members: dict[str, layout.Member], mime: str, types: dict[bytes, bytes]) -> dict[str, Folder]:
    """The members in their folders; the file itself is the folder without a name."""
    folders = {"": Folder(mime, TABLE.mains[mime])}
    for name in members:
        if name in (MIMETYPE, MANIFEST):
            continue
        found = _NAME.fullmatch(name)
        demand(found, "member-name")
        assert found is not None
        path = found["folder"] or ""
        if path not in folders:
            media_type = types.get(path.encode(), b"").decode("ascii")
            demand(media_type in TABLE.objects, "object-type")
            folders[path] = Folder(media_type, TABLE.objects[media_type])
        demand(found["xml"] != "meta" or not path, "member-name")
        (folders[path].xml if found["xml"] else folders[path].pictures).add(name.removeprefix(path))
    _check_numbers([int(path[4:-1]) for path in folders if path])
    for folder in folders.values():
        demand("content.xml" in folder.xml, "content")
        demand(folder.element != MATH or "styles.xml" not in folder.xml, "content")
        _check_numbers([int(re.sub("[^0-9]", "", name)) for name in folder.pictures])
    return folders


def _check_numbers(numbers: list[int]) -> None:
    demand(sorted(numbers) == list(range(1, len(numbers) + 1)), "numbers")


def _check_manifest(written: bytes, folders: dict[str, Folder]) -> str:
    """The version that the manifest says, which is else as the members make it."""
    types: dict[str, str] = {}
    for path, folder in folders.items():
        if path:
            types[path] = folder.media_type
        types |= {path + name: "text/xml" for name in folder.xml}
        types |= {path + name: _picture_type(name) for name in folder.pictures}
    for version in TABLE.enums["version"]:
        entries = [_entry("/", folders[""].media_type, version)]
        entries += [_entry(path, types[path], version if path.endswith("/") else "") for path in sorted(types)]
        text = _OPEN.format(version) + "".join(entries) + "</manifest:manifest>"
        if written == DECLARATION + text.encode():
            return version
    demand(False, "manifest")
    return ""


def _entry(path: str, media_type: str, version: str) -> str:
    versioned = f' manifest:version="{version}"' if version else ""
    return f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{media_type}"{versioned}/>'


def _picture_type(name: str) -> str:
    extension = name.rpartition(".")[2]
    return "image/svg+xml" if extension == "svg" else f"image/{extension}"


def _contents(markup: Markup, members: dict[str, layout.Member], path: str, folder: Folder) -> list[Content]:
    """The parts of one folder, read, with its pictures."""
    contents, shown = [], set[str]()
    for name in sorted(folder.xml):
        root = MATH if name == "content.xml" and folder.element == MATH else TABLE.roots[name]
        content = markup.read(members[path + name].content(), root, (path + name)[:40])
        _check_frame(name, content, folder.element)
        shown |= {use.value for use in content.uses if use.kind == "picture"}
        contents.append(content)
    demand(shown == folder.pictures, "pictures", path)
    for name in folder.pictures:
        _check_picture(members[path + name].content(), _picture_type(name), markup.budget)
    return contents


def _check_frame(name: str, content: Content, element: str) -> None:
    """The elements of which there is exactly one."""
    if name == "meta.xml":
        demand(content.frame == [("office:document-meta", "office:meta"), ("office:meta", "meta:generator")], "meta")
    elif name == "content.xml" and element != MATH:
        bodies = [child for parent, child in content.frame if child == "office:body"]
        inside = [child for parent, child in content.frame if parent == "office:body"]
        demand(len(bodies) == 1 and inside == [element], "body")


def _check_picture(data: bytes, mime: str, budget: Budget) -> None:
    if mime == "image/svg+xml":
        svg.verify(data, budget.limits, mime)
    else:
        image.verify(data, budget.limits, mime)
