"""Changes to a received tree before it is walked: frames, field marks, hidden text; and what is told of it.

Rules kept here:

- A frame keeps a chart or a formula that can be rebuilt; any other object becomes its preview picture, or a blank one,
  so that nothing on the page moves.
- A field mark stays with its partner or goes with it; between its beginning and its result stands nothing.
- Only removal and replacement happen here; what may be written is decided by the walk.

Source: docs/grammar-odf.md, section 4 and its last part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from lxml import etree

from sanitizer.formats.odf.facts import ENUMS, NAMESPACES, source, sources
from sanitizer.formats.odf.formulas import page_link
from sanitizer.formats.odf.kinds import Report
from sanitizer.formats.odf.values import check

_FRAME, _IMAGE, _OBJECT, _TEXT_BOX = (source(f"draw:{name}") for name in ("frame", "image", "object", "text-box"))
_HREF = source("xlink:href")
_OTHER_OBJECTS = sources("draw:object-ole draw:applet draw:plugin draw:floating-frame")
_CONTENT = _OTHER_OBJECTS | {_IMAGE, _OBJECT, _TEXT_BOX, source("table:table"), source("loext:table")}
_START, _SEPARATOR, _END = (source(f"field:fieldmark{end}") for end in ("-start", "-separator", "-end"))
_FIELD_TYPE = source("field:type")
_HIDDEN_TEXT, _IS_HIDDEN = source("text:hidden-text"), source("text:is-hidden")
_SHEET, _PAGE = source("table:table"), source("draw:page")

_FORMULA, _PARAGRAPH, _LINK = source("table:formula"), source("text:p"), source("text:a")
_WITH_LINK = etree.XPath("//*[contains(@t:formula, 'HYPERLINK')]", namespaces={"t": NAMESPACES["table"]})

Readable = Callable[[str], bool]
HasPicture = Callable[[str, bool], bool]  # address, whether a metafile counts


def prepare(root: etree._Element, has_object: Readable, has_picture: HasPicture, report: Report) -> None:
    """``has_object``, ``has_picture``: whether there is something at an address that can be rebuilt."""
    for frame in list(root.iter(_FRAME)):
        _frame(frame, has_object, has_picture, report)
    _field_marks(root, report)
    for cell in cast(list[etree._Element], _WITH_LINK(root)):
        _link_in_text(cell)
    for hidden in list(root.iter(_HIDDEN_TEXT)):
        if hidden.get(_IS_HIDDEN) != "true":
            hidden.tag = source("text:meta")  # the walk steps through it: its text stays
            hidden.text = hidden.get(source("text:string-value")) or hidden.text


def _frame(frame: etree._Element, has_object: Readable, has_picture: HasPicture, report: Report) -> None:
    """Leaves what can be shown: of several forms of one content those that can be read, or a blank in its place."""
    lost = False
    for e in [child for child in frame if child.tag in _OTHER_OBJECTS]:
        report.add("external-reference" if e.tag == source("draw:floating-frame") else "embedded-object")
        frame.remove(e)
        lost = True
    for e in frame.findall(_OBJECT):
        if not has_object(e.get(_HREF) or ""):
            report.add("embedded-object")
            frame.remove(e)
            lost = True
    images = frame.findall(_IMAGE)
    if frame.find(_OBJECT) is not None:
        for image in images:  # its preview: programs draw the object anew
            frame.remove(image)
        return
    unreadable = _without(images, has_picture)
    keeps_other = len(unreadable) < len(images)
    for image in unreadable if keeps_other else unreadable[1:]:
        frame.remove(image)
    if lost and frame.find(_TEXT_BOX) is None:
        report.add("object-picture")
    if not any(child.tag in _CONTENT for child in frame) and lost:
        frame.insert(0, etree.Element(_IMAGE, {_HREF: "Pictures/"}))
    if not keeps_other and unreadable and not unreadable[0].get(_HREF):
        unreadable[0].set(_HREF, "Pictures/")


def _without(images: list[etree._Element], has_picture: HasPicture) -> list[etree._Element]:
    """The images that show nothing; metafiles, which have to be drawn, count only where nothing else can be read."""
    for drawn in (False, True) if len(images) > 1 else (True,):
        unreadable = [image for image in images if not has_picture(image.get(_HREF) or "", drawn)]
        if len(unreadable) < len(images):
            break
    return unreadable


def _field_marks(root: etree._Element, report: Report) -> None:
    open_marks: list[tuple[etree._Element, bool]] = []
    for e in list(root.iter(_START, _SEPARATOR, _END)):
        if e.tag == _START:
            stays = e.get(_FIELD_TYPE) in ENUMS["fieldmark"]
            report.add("" if stays else "field-text")
            open_marks.append((e, stays))
        elif not open_marks:
            _cut(e)
        elif e.tag == _SEPARATOR:
            _empty_between(open_marks[-1][0], e)
            if not open_marks[-1][1]:
                _cut(e)
        else:
            start, stays = open_marks.pop()
            if not stays:
                _cut(start)
                _cut(e)
    for start, _ in open_marks:
        _cut(start)


def _empty_between(start: etree._Element, separator: etree._Element) -> None:
    """Takes what stands between a mark's beginning and its result: the instruction in words."""
    parent = start.getparent()
    if parent is None or separator.getparent() is not parent:
        return
    start.tail = None
    for e in list(start.itersiblings()):
        if e is separator:
            return
        parent.remove(e)


def _link_in_text(cell: etree._Element) -> None:
    """Makes the text of a cell a link where its formula was one."""
    address = page_link(cell.get(_FORMULA) or "")
    paragraph = cell.find(_PARAGRAPH)
    if address is None or paragraph is None or paragraph.find(f".//{_LINK}") is not None:
        return
    link = etree.Element(_LINK, {_HREF: address, source("xlink:type"): "simple"})
    link.text, paragraph.text = paragraph.text, None
    link.extend(list(paragraph))
    paragraph.append(link)


def _cut(e: etree._Element) -> None:
    """Takes an element out and leaves the text behind it."""
    parent = e.getparent()
    if parent is None:
        return
    if e.tail:
        before = e.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + e.tail
        else:
            parent.text = (parent.text or "") + e.tail
        e.tail = None
    parent.remove(e)


def report_hidden(content: etree._Element, report: Report) -> None:
    """Names the sheets and slides that are hidden, by number."""
    for number, _ in _hidden(content, _SHEET, "table:display", "false"):
        report.place = f"sheet {number}"
        report.add("hidden-sheet")
    for number, _ in _hidden(content, _PAGE, "presentation:visibility", "hidden"):
        report.place = f"slide {number}"
        report.add("hidden-slide")
    report.place = ""


def _hidden(content: etree._Element, tag: str, attribute: str, value: str) -> Iterator[tuple[int, etree._Element]]:
    """The pages of the body, with their number, whose own style hides them."""
    styles = {
        style.get(source("style:name"))
        for style in content.iterfind(f"{source('office:automatic-styles')}/{source('style:style')}")
        if any(child.get(source(attribute)) == value for child in style)
    }
    style_name = source("draw:style-name" if tag == _PAGE else "table:style-name")
    kinds = content.iterfind(f"{source('office:body')}/*")
    is_own = check("sheet")  # another file's sheet, kept by Calc for its formulas, is named after that file and goes
    pages = [page for kind in kinds for page in kind.iterfind(tag) if is_own(page.get(source("table:name")) or "")]
    for number, page in enumerate(pages, 1):
        if page.get(style_name) in styles:
            yield number, page
