"""SVG: parsed as XML, and a new drawing written of the elements, attributes and values of a list.

Rules kept here:

- Nothing of the received file is copied: the new drawing is in the canonical form of ``docs/grammar-markup.md``.
- No script, handler, animation, foreign content, document type or entity; no reference out of the file: links to http,
  https, mail and telephones, ``#`` names of elements that exist, pictures rebuilt.
- References that lead back to themselves go; a drawing that would grow beyond ``limits.max_objects`` shapes when its
  references are followed is refused, and so is one that is not well-formed XML.
- What is not shown (``display``, ``visibility``) goes. ``flatten`` is the same as ``rebuild``.

>>> job = Job("image/svg+xml", "rebuild", "a.svg", None, Limits())
>>> rebuild(b'<svg xmlns="http://www.w3.org/2000/svg"><script/><g onclick="x()"/></svg>', job).removed
[Change(kind='javascript', count=1, where=''), Change(kind='event-handler', count=1, where='')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.formats.markup import css, svg_tables
from sanitizer.formats.markup.decoding import decoded
from sanitizer.formats.markup.kinds import KINDS
from sanitizer.formats.markup.links import canonical_link
from sanitizer.formats.markup.notes import Notes, escaped, quoted
from sanitizer.formats.markup.pictures import Pictures
from sanitizer.formats.markup.svg_cascade import Cascade, Key
from sanitizer.formats.markup.svg_node import Node, resolve
from sanitizer.limits import Limits

__all__ = ["KINDS", "rebuild", "text", "thumbnail"]

MAX_DEPTH = 200
SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
XML = "http://www.w3.org/XML/1998/namespace"
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>")


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The drawing written anew. Raises ``Refused``."""
    notes, pictures = Notes(), Pictures(job.limits)
    characters, codec, damaged = decoded(data)
    if codec != "utf-8":
        notes.changed("encoding")
    notes.changed("damaged-characters", damaged)
    root = _parsed(_DECLARATION.sub("", notes.clean(characters), count=1), notes, job.limits)
    drawing = _Drawing(root, notes, pictures)
    node = drawing.node(root, [], 0)
    if node is None or node.name != "svg":
        raise Refused("unreadable", "no drawing")
    for _ in range(resolve(node, job.limits.max_objects)):
        notes.removed("reference-loop")
    notes.take(pictures.removed, pictures.changed)
    node.attributes["xmlns"], node.attributes["xmlns:xlink"] = SVG, XLINK
    made = (PROLOG + "".join(_written(node)) + "\n").encode("utf-8")
    removed, changed = notes.lists()
    return Rebuilt(made, "image/svg+xml", removed, changed)


def _parsed(characters: str, notes: Notes, limits: Limits) -> etree._Element:
    """The tree; entities stay unexpanded, and nothing is loaded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False)
    try:
        root = etree.fromstring(characters.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        told = str(error)
        deep = "depth" in told
        grows = "amplification" in told or "entity reference loop" in told
        raise Refused("too-deep" if deep else "bomb" if grows else "unreadable", "not well-formed") from error
    document_type = root.getroottree().docinfo.internalDTD
    if document_type is not None:
        notes.removed("entity", characters.count("<!ENTITY"))
    if sum(1 for _ in root.iter()) > limits.max_objects:
        raise Refused("bomb", "elements")
    return root


class _Drawing:
    """One drawing while it is read."""

    def __init__(self, root: etree._Element, notes: Notes, pictures: Pictures) -> None:
        self._notes = notes
        self._pictures = pictures
        self._names: set[str] = set()
        self._namespace = etree.QName(root).namespace  # some write none, or a wrong one
        self._cascade = Cascade(self._sheets(root))

    def _sheets(self, root: etree._Element) -> Iterator[list[css.Rule]]:
        for element in root.iter("{*}style"):
            sheet = "".join(str(part) for part in element.itertext())
            rules, lost = css.rules(sheet, css.SVG_READ, lower=False)
            loads = "@import" in sheet or re.search(r"url\(\s*[\"']?(?!#)", sheet)
            if loads:
                self._notes.removed("remote-load")
            if lost > bool(loads):
                self._notes.removed("style", lost - bool(loads))
            yield rules

    def node(self, element: etree._Element, above: list[Key], depth: int) -> Node | None:
        """The element as it may leave, with its contents; None if it goes, which is counted."""
        if depth > MAX_DEPTH:
            raise Refused("too-deep")
        name = self._name(element)
        if name is None:
            return None
        key = Key(name, str(element.get("id", "")), tuple(str(element.get("class", "")).split()))
        path = [*above, key]
        node = Node(svg_tables.RENAMED.get(name, name))
        self._style(node, element, path)
        if _is_hidden(node, element):
            self._notes.removed("hidden-content")
            return None
        self._attributes(node, element)
        if not self._reference(node, element):
            return None
        self._contents(node, element, path, depth)
        return node

    def _name(self, element: etree._Element) -> str | None:
        """The name of an element that may stay; the others are counted."""
        if isinstance(element, (etree._Comment, etree._ProcessingInstruction, etree._Entity)):
            self._notes.removed("comment" if isinstance(element, etree._Comment) else "external-reference")
            return None
        qualified = etree.QName(element)
        name = qualified.localname
        if qualified.namespace not in (SVG, self._namespace):
            script = name == "script"
            self._notes.removed("javascript" if script else "document-info")
        elif name in svg_tables.DROPPED:
            self._notes.removed(svg_tables.DROPPED[name])
        elif name in svg_tables.ELEMENTS or name in svg_tables.RENAMED:
            return name
        elif name != "style":
            self._notes.removed("unknown-element")
        return None

    def _style(self, node: Node, element: etree._Element, path: list[Key]) -> None:
        """What the sheets and the element itself say, and its presentation attributes."""
        node.style.update(self._cascade.style(path))
        own, lost = css.pairs(self._notes.clean(str(element.get("style", ""))), css.SVG_READ)
        node.style.update(own)
        if lost:
            loads = "url(" in str(element.get("style", "")).lower()
            self._notes.removed("external-reference" if loads else "style", lost)

    def _attributes(self, node: Node, element: etree._Element) -> None:
        for qualified, received in element.attrib.items():
            name, value = str(qualified), " ".join(self._notes.clean(str(received)).split())
            if name.lower().startswith("on"):
                self._notes.removed("event-handler")
            elif name == "id":
                self._identity(node, value)
            elif name == f"{{{XML}}}space" and value == "preserve":
                node.attributes["xml:space"] = value
            elif name in svg_tables.PRESENTATION:
                self._presentation(node, name, value)
            elif name in svg_tables.KINDS_OF:
                if svg_tables.is_value(svg_tables.KINDS_OF[name], value):
                    node.attributes[name] = value
                else:
                    self._notes.removed("style")

    def _identity(self, node: Node, value: str) -> None:
        if svg_tables.NAME.fullmatch(value) and value not in self._names:
            self._names.add(value)
            node.attributes["id"] = value

    def _presentation(self, node: Node, name: str, value: str) -> None:
        made = css.canonical_value(name, value, css.SVG_PROPERTIES)
        if made is not None:
            node.attributes[name] = made.removesuffix(" !important")
        elif value != "inherit":
            self._notes.removed("external-reference" if "url(" in value.lower() else "style")

    def _reference(self, node: Node, element: etree._Element) -> bool:
        """The address of the element, if it may have one; False if the element cannot stay without."""
        address = str(element.get(f"{{{XLINK}}}href", element.get("href", ""))).strip()
        if node.name == "image":
            return self._picture(node, address)
        place = address[1:] if address.startswith("#") and svg_tables.NAME.fullmatch(address[1:]) else None
        if node.name == "a":
            link = f"#{place}" if place else canonical_link(address)
            if link:
                node.attributes["xlink:href"] = link
            elif address:
                self._notes.removed("javascript" if "script:" in re.sub(r"\s", "", address.lower()) else "link-target")
            return True
        if node.name in svg_tables.REFERRING and address:
            if place:
                node.attributes["xlink:href"] = f"#{place}"
            else:
                self._notes.removed("external-reference")
        return "xlink:href" in node.attributes or node.name not in ("use", "textPath")

    def _picture(self, node: Node, address: str) -> bool:
        made = self._pictures.rebuilt(address) if address.lower().startswith("data:") else None
        if made is None:
            self._notes.removed("image" if address.lower().startswith("data:") else "remote-load")
            return False
        node.attributes["xlink:href"] = made
        return True

    def _contents(self, node: Node, element: etree._Element, path: list[Key], depth: int) -> None:
        with_text = node.name in svg_tables.WITH_TEXT
        if with_text and element.text:
            node.contents.append(self._notes.clean(element.text))
        for child in element:
            inner = self.node(child, path, depth + 1)
            if inner is not None:
                node.contents.append(inner)
            if with_text and child.tail:
                node.contents.append(self._notes.clean(child.tail))


def _is_hidden(node: Node, element: etree._Element) -> bool:
    """Whether style or attributes say that the element is not shown."""
    shown = {name: node.style.get(name, str(element.get(name, "")).strip()) for name in ("display", "visibility")}
    return shown["display"] == "none" or shown["visibility"] in ("hidden", "collapse")


def _written(node: Node) -> Iterator[str]:
    if node.style:
        node.attributes["style"] = css.written(node.style)
    attributes = "".join(f' {name}="{quoted(node.attributes[name])}"' for name in sorted(node.attributes))
    if not any(node.contents):
        yield f"<{node.name}{attributes}/>"
        return
    yield f"<{node.name}{attributes}>"
    for part in node.contents:
        if isinstance(part, str):
            yield escaped(part)
        else:
            yield from _written(part)
    yield f"</{node.name}>"


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A drawing has no thumbnail: nothing here draws SVG."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """The words of a rebuilt drawing, one text a line."""
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    blocks = root.iter(*(f"{{{SVG}}}{name}" for name in ("title", "desc", "text")))
    return "\n".join("".join(str(part) for part in block.itertext()).strip() for block in blocks)
