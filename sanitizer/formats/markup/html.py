"""HTML: read by libxml2's parser, and a new document written of the elements, attributes and values of a list.

Rules kept here:

- Nothing of the received file is copied: elements, attributes, style and text are written anew in the canonical form of
  ``docs/grammar-markup.md``, with a policy in the head that forbids browsers to load or run anything.
- No script, handler, frame, form, object, drawing, redirect, and no load from elsewhere; pictures inside the file are
  rebuilt. Links lead to http, https, mail and telephones, or to a place in the same page.
- An element that is not known gives way to its contents; what is hidden goes; style keeps what only looks.
- Japanese encodings and UTF-16 are read; what leaves is UTF-8. ``flatten`` is the same as ``rebuild``.

>>> rebuild(b"<p onclick=x()>a<script>x()</script>", Job("text/html", "rebuild", "a.html", None, Limits())).removed
[Change(kind='javascript', count=1, where=''), Change(kind='event-handler', count=1, where='')]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from lxml import etree

from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.formats.markup import css, html_tables
from sanitizer.formats.markup.decoding import decoded
from sanitizer.formats.markup.html_tables import ATTRIBUTES, ELEMENTS, MEANINGS, VOID
from sanitizer.formats.markup.kinds import KINDS
from sanitizer.formats.markup.links import canonical_link
from sanitizer.formats.markup.notes import Notes, escaped, quoted
from sanitizer.formats.markup.parts import pictures, tables
from sanitizer.formats.markup.pictures import Pictures
from sanitizer.limits import Limits

__all__ = ["KINDS", "pictures", "rebuild", "tables", "text", "thumbnail"]

MAX_DEPTH = 200
HEAD = (
    '<!DOCTYPE html>\n<html{lang}><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"><title>{title}</title>{sheet}</head>"
)


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The page written anew. Raises ``Refused``."""
    notes, pictures = Notes(), Pictures(job.limits)
    characters, codec, damaged = decoded(data)
    if codec != "utf-8":
        notes.changed("encoding")
    notes.changed("damaged-characters", damaged)
    made = page(characters, notes, pictures, job.limits)
    notes.take(pictures.removed, pictures.changed)
    removed, changed = notes.lists()
    return Rebuilt(made.encode("utf-8"), "text/html", removed, changed)


def page(characters: str, notes: Notes, pictures: Pictures, limits: Limits, head: str = HEAD) -> str:
    """A page written anew from its characters. ``head``: how it begins, for a page that is not a file of its own.
    Raises ``Refused``."""
    return _Page(notes, pictures, limits, head).written(_parsed(notes.clean(characters), limits))


def _parsed(characters: str, limits: Limits) -> etree._Element:
    """The tree that libxml2 makes of the page; too deep a one is refused, because the parser leaves out the rest."""
    if not characters.strip():
        raise Refused("empty")
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_pis=True)
    root = etree.fromstring(characters.encode("utf-8"), parser)
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" or "depth" in entry.message for entry in parser.error_log):
        raise Refused("too-deep")
    if root is None:
        raise Refused("empty")
    if sum(1 for _ in root.iter()) > limits.max_objects:
        raise Refused("bomb", "elements")
    return root


class _Page:
    """One page while it is written."""

    def __init__(self, notes: Notes, pictures: Pictures, limits: Limits, head: str) -> None:
        self._notes = notes
        self._head = head
        self._pictures = pictures
        self._limits = limits
        self._title = ""
        self._sheet: list[str] = []
        self._size = 0

    def written(self, root: etree._Element) -> str:
        """The whole document."""
        body = next((child for child in root if child.tag in ("body", "frameset")), None)
        attributes = self._attributes("body", body) if body is not None else ""
        out: list[str] = []
        self._children(root, out, 0)
        lang = self._values("html", root).get("lang")
        sheet = f"<style>{''.join(self._sheet)}</style>" if self._sheet else ""
        language = f' lang="{quoted(lang)}"' if lang else ""
        head = self._head.format(lang=language, title=escaped(self._title), sheet=sheet)
        return f"{head}<body{attributes}>{''.join(out).strip()}</body></html>\n"

    def _children(self, element: etree._Element, out: list[str], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Refused("too-deep")
        if element.text:
            self._text(element.text, out)
        for child in element:
            self._element(child, out, depth + 1)
            if child.tail:
                self._text(child.tail, out)

    def _text(self, text: str, out: list[str]) -> None:
        self._put(escaped(self._notes.clean(text)), out)

    def _put(self, piece: str, out: list[str]) -> None:
        self._size += len(piece)
        if self._size > self._limits.max_output:
            raise Refused("output-too-large")
        out.append(piece)

    def _element(self, element: etree._Element, out: list[str], depth: int) -> None:
        if isinstance(element, etree._Comment):
            self._notes.removed("comment")
            return
        name = _lower(element.tag)
        special = self._SPECIAL.get(name)
        if special is not None:
            special(self, element, out, depth)
        elif name in html_tables.DROPPED:
            self._notes.removed(html_tables.DROPPED[name])
        elif self._is_hidden(element):
            self._notes.removed("hidden-content")
        elif name in ELEMENTS:
            self._kept(name, element, out, depth)
        else:
            self._unwrapped(name, element, out, depth)

    def _is_hidden(self, element: etree._Element) -> bool:
        return "hidden" in element.attrib or css.hides(str(element.get("style", "")))

    def _kept(self, name: str, element: etree._Element, out: list[str], depth: int) -> None:
        self._put(f"<{name}{self._attributes(name, element)}>", out)
        if name not in VOID:
            self._children(element, out, depth)
            self._put(f"</{name}>", out)

    def _unwrapped(self, name: str, element: etree._Element, out: list[str], depth: int) -> None:
        """An element that gives way to its contents."""
        if name in html_tables.UNWRAPPED:
            kind = html_tables.UNWRAPPED[name]
        else:
            kind = "" if ":" in name else "unknown-element"  # Word writes o:p and the like without meaning
        if kind:
            self._notes.removed(kind)
        self._count_attributes(element)
        self._children(element, out, depth)

    # attributes

    def _attributes(self, name: str, element: etree._Element) -> str:
        values = self._values(name, element)
        return "".join(f' {key}="{quoted(values[key])}"' for key in sorted(values))

    def _values(self, name: str, element: etree._Element) -> dict[str, str]:
        """The attributes that stay, with canonical values; the others are counted."""
        self._count_attributes(element)
        allowed = ATTRIBUTES.get(name, {}) | ATTRIBUTES["*"]
        values = {}
        for key, received in ((_lower(key), str(value)) for key, value in element.attrib.items()):
            value = self._value(allowed.get(key, ""), received)
            if value:
                values[key] = value
        return values

    def _value(self, kind: str, received: str) -> str | None:
        """The canonical value of an attribute of a kind (a key of ``MEANINGS``; empty for none that is known)."""
        if kind == "style":
            kept, lost = css.declarations(self._notes.clean(received), css.HTML_PROPERTIES)
            self._style_lost(received, lost)
            return kept
        if kind == "link":
            return self._link(received)
        return MEANINGS[kind](self._notes.clean(received).strip()) if kind in MEANINGS else None

    def _count_attributes(self, element: etree._Element) -> None:
        for key in map(_lower, element.attrib):
            if key.startswith("on"):
                self._notes.removed("event-handler")
            elif key in html_tables.LOADING and element.tag != "img":
                self._notes.removed("remote-load")
            elif key in ("action", "formaction"):
                self._notes.removed("link-target")

    def _style_lost(self, style: str, lost: int) -> None:
        if "url(" in style.lower() or "@import" in style.lower():
            self._notes.removed("remote-load")
            lost -= 1
        if lost > 0:
            self._notes.removed("style", lost)

    def _link(self, address: str) -> str | None:
        place = html_tables.place(address)
        link = f"#{place}" if place else canonical_link(address)
        if link is None and address.strip() not in ("", "#"):
            self._notes.removed("javascript" if "script:" in address.lower() else "link-target")
        return link

    # elements with rules of their own

    def _script(self, element: etree._Element, out: list[str], depth: int) -> None:
        self._notes.removed("javascript")

    def _style(self, element: etree._Element, out: list[str], depth: int) -> None:
        sheet = self._notes.clean("".join(str(part) for part in element.itertext()))
        rules, lost = css.rules(sheet, css.HTML_PROPERTIES)
        self._style_lost(sheet, lost)
        for rule in rules:
            selectors = ",".join(" ".join(selector) for selector in rule.selectors)
            self._sheet.append(f"{selectors}{{{css.written(rule.kept)}}}\n")

    def _head_title(self, element: etree._Element, out: list[str], depth: int) -> None:
        if not self._title:
            self._title = " ".join(self._notes.clean("".join(str(part) for part in element.itertext())).split())

    def _meta(self, element: etree._Element, out: list[str], depth: int) -> None:
        kind = str(element.get("http-equiv", "")).strip().lower()
        if kind == "refresh":
            self._notes.removed("redirect")
        elif element.get("name") is not None or element.get("property") is not None:
            self._notes.removed("document-info")

    def _image(self, element: etree._Element, out: list[str], depth: int) -> None:
        """A picture inside the file is rebuilt; of any other its words stay."""
        address = str(element.get("src", "")).strip()
        made = None
        if self._pictures.holds(address):
            if self._is_hidden(element):
                self._notes.removed("hidden-content")
                return
            made = self._pictures.rebuilt(address)
            if made is None:
                self._notes.removed("image")
        elif address or element.get("srcset") is not None:
            self._notes.removed("remote-load")
        if self._is_hidden(element):
            return
        values = self._values("img", element)
        if made is not None:
            values["src"] = made
            self._put("<img" + "".join(f' {key}="{quoted(values[key])}"' for key in sorted(values)) + ">", out)
        elif values.get("alt"):
            self._put(f"<span>{escaped(values['alt'])}</span>", out)

    def _transparent(self, element: etree._Element, out: list[str], depth: int) -> None:
        """``html``, ``head`` and ``body``: their attributes are written elsewhere."""
        self._children(element, out, depth)

    _SPECIAL: ClassVar[dict[str, Callable[[_Page, etree._Element, list[str], int], None]]] = {
        "script": _script,
        "style": _style,
        "title": _head_title,
        "meta": _meta,
        "img": _image,
        "html": _transparent,
        "head": _transparent,
        "body": _transparent,
    }


def _lower(name: object) -> str:
    return str(name).lower()


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A page has no thumbnail: nothing here draws HTML."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """The words of a rebuilt page, one block a line."""
    root = etree.fromstring(data, etree.HTMLParser(encoding="utf-8", no_network=True))
    for block in root.iter(*html_tables.BLOCKS):
        block.tail = "\n" + (block.tail or "")
    for name in ("style", "meta"):
        for element in root.iter(name):
            element.text = None
    return "".join(str(part) for part in root.itertext()).strip()
