"""Parts of a text document before they are walked: tracked changes accepted, fields settled, objects made pictures.

Rules kept here:

- What was deleted or moved away is removed; what was inserted stays. A paragraph whose mark was deleted joins the next.
- A field is one instruction and its result. Where the instruction may not stay, the result stays as text; what stands
  inside an instruction is never shown.
- Fields are settled story by story: a text box, a note or a comment neither begins nor ends a field of another story.
- A reference to a comment stays only in a document that has comments.

Source: docs/grammar-ooxml.md, section 6; ECMA-376 part 1, 17.13.5 and 17.16.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from sanitizer.formats.ooxml.facts import names, source
from sanitizer.formats.ooxml.instructions import instruction
from sanitizer.formats.ooxml.kinds import Report
from sanitizer.formats.ooxml.walk import UNLINKED, said_by

_W = {
    name: source(f"w:{name}")
    for name in names(
        """
        p pPr rPr r t tr trPr tc tcPr tbl del moveFrom ins moveTo cellDel fldChar fldCharType
        instrText instr fldSimple txbxContent footnote endnote comment drawing pict object
        commentRangeStart commentRangeEnd commentReference
        """
    )
}
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_STORIES = frozenset(_W[name] for name in ("txbxContent", "footnote", "endnote", "comment"))
_SHOWN = frozenset(_W[name] for name in ("t", "drawing", "pict"))
_READ = (*_STORIES, *_SHOWN, _W["fldChar"], _W["instrText"], _W["fldSimple"])
KINDS = frozenset({"document", "styles", "numbering", "footnotes", "endnotes", "comments", "header", "footer"})
_COMMENT_MARKS = tuple(_W[name] for name in ("commentRangeStart", "commentRangeEnd", "commentReference"))


_IN_INSTRUCTION = frozenset(source(f"w:{name}") for name in ("rPr", "lastRenderedPageBreak", "fldChar", "instrText"))
_FIELD_PARTS = frozenset({_W["fldChar"], _W["instrText"]})
_RUNS = frozenset({_W["r"], source("m:r")})
_MATHEMATICS = frozenset({source("m:oMath"), source("m:oMathPara")})


def prepare(root: etree._Element, has_comments: bool, report: Report) -> None:
    """All of it, in the order in which it must be done."""
    _objects(root, report)
    _accept(root, report)
    _Fields(report).settle(root)
    if not has_comments:
        for mark in list(root.iter(*_COMMENT_MARKS)):
            _remove(mark)


def _remove(e: etree._Element) -> None:
    parent = e.getparent()
    if parent is not None:
        parent.remove(e)


def _objects(root: etree._Element, report: Report) -> None:
    """An embedded object is shown by its picture."""
    for e in list(root.iter(_W["object"])):
        drawing = e.find(_W["drawing"])
        parent = e.getparent()
        report.add("object-picture")
        if drawing is not None and parent is not None:
            parent.replace(e, drawing)
        else:
            e.tag = _W["pict"]


def _accept(root: etree._Element, report: Report) -> None:
    report.add("tracked-change", sum(1 for _ in root.iter(_W["ins"], _W["moveTo"])))
    for e in list(root.iter(_W["del"], _W["moveFrom"], _W["cellDel"])):
        parent = e.getparent()
        if parent is None:
            continue
        report.add("tracked-change")
        if parent.tag == _W["rPr"]:
            _join(parent.getparent())
        elif parent.tag == _W["trPr"]:
            _remove_row(parent.getparent())
        elif parent.tag == _W["tcPr"]:
            cell = parent.getparent()
            if cell is not None:
                _remove(cell)
        else:
            parent.remove(e)


def _join(properties: etree._Element | None) -> None:
    """A paragraph whose mark was deleted goes before the content of the next one."""
    paragraph = properties.getparent() if properties is not None else None
    following = paragraph.getnext() if paragraph is not None else None
    if paragraph is None or following is None or {paragraph.tag, following.tag} != {_W["p"]}:
        return
    at = 1 if len(following) and following[0].tag == _W["pPr"] else 0
    for child in [one for one in paragraph if one.tag != _W["pPr"]]:
        following.insert(at, child)
        at += 1
    _remove(paragraph)


def _remove_row(row: etree._Element | None) -> None:
    table = row.getparent() if row is not None else None
    if row is None or table is None:
        return
    table.remove(row)
    if table.tag == _W["tbl"] and table.find(_W["tr"]) is None:
        _remove(table)


@dataclass(slots=True)
class _Field:
    """An open field: its characters, the pieces of its instruction, and whether those are still being read."""

    marks: list[etree._Element] = field(default_factory=list)
    pieces: list[etree._Element] = field(default_factory=list)
    nested: bool = False
    reading: bool = True


def _between(first: etree._Element, last: etree._Element) -> list[etree._Element] | None:
    """What stands in an instruction beside its text, which readers would join into it; None if ``last`` is not behind
    ``first``, or a piece of the field is inside of what goes."""
    found: list[etree._Element] = []
    e = _following(first, inside=False)
    while e is not None and e is not last:
        parent = e.getparent()
        in_run = parent is not None and parent.tag == _W["r"]
        goes = e.tag in _MATHEMATICS or (in_run and e.tag not in _IN_INSTRUCTION)
        if goes:
            if next(e.iter(_W["fldChar"], _W["instrText"]), None) is not None:
                return None
            found.append(e)
        e = _following(e, inside=not goes and not in_run)
    return None if e is None else found


def _following(e: etree._Element, *, inside: bool) -> etree._Element | None:
    """The next element in the order of the document; not one ``inside`` of this if that is not wanted."""
    if inside and len(e):
        return e[0]
    up: etree._Element | None = e
    while up is not None:
        beside = up.getnext()
        if beside is not None:
            return beside
        up = up.getparent()
    return None


class _Fields:
    """The fields of a part, story by story."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._stories: list[list[_Field]] = [[]]
        self._gone: list[etree._Element] = []

    def settle(self, root: etree._Element) -> None:
        """Leaves canonical instructions and plain results."""
        for event, e in etree.iterwalk(root, events=("start", "end"), tag=_READ):
            if e.tag in _STORIES:
                self._stories.append([]) if event == "start" else self._end_story()
            elif event == "start":
                self._read(e)
        while self._stories:
            self._end_story()
        for e in self._gone:
            _remove(e)

    def _end_story(self) -> None:
        for one in self._stories.pop():
            self._gone += one.marks + one.pieces

    def _read(self, e: etree._Element) -> None:
        fields = self._stories[-1]
        inside = any(one.reading for one in fields)
        parent = e.getparent()
        if e.tag in _FIELD_PARTS and (parent is None or parent.tag not in _RUNS):
            self._gone.append(e)  # nothing reads it there
        elif e.tag == _W["fldChar"]:
            self._mark(e, fields)
        elif e.tag == _W["instrText"]:
            if fields and fields[-1].reading:
                fields[-1].pieces.append(e)
            else:
                self._gone.append(e)
        elif e.tag == _W["fldSimple"]:
            self._simple(e, inside)
        elif inside:
            self._gone.append(e)

    def _mark(self, e: etree._Element, fields: list[_Field]) -> None:
        kind = e.get(_W["fldCharType"])
        if kind == "begin":
            for one in fields:
                one.nested = one.nested or one.reading
            fields.append(_Field([e]))
        elif kind == "separate" and fields and fields[-1].reading:
            fields[-1].marks.append(e)
            fields[-1].reading = False
        elif kind == "end" and fields:
            closed = fields.pop()
            closed.marks.append(e)
            self._close(closed, any(one.reading for one in fields))
        else:
            self._gone.append(e)

    def _close(self, closed: _Field, inside: bool) -> None:
        said = None
        if closed.pieces and not closed.nested and not inside:
            said = instruction("".join(said_by(piece) for piece in closed.pieces))
        beside = _between(closed.marks[0], closed.marks[1]) if said is not None else None
        if said is None or beside is None:
            self._gone += closed.marks + closed.pieces
            self._report.add("" if inside else "field-text")
            return
        del closed.pieces[0][:]
        closed.pieces[0].text = f" {said} "
        closed.pieces[0].set(_SPACE, "preserve")
        self._gone += [*closed.pieces[1:], *beside]

    def _simple(self, e: etree._Element, inside: bool) -> None:
        said = None if inside else instruction(e.get(_W["instr"]) or "")
        if said is None:
            e.tag = UNLINKED
            self._report.add("" if inside else "field-text")
        else:
            e.set(_W["instr"], f" {said} ")
