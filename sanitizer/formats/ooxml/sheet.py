"""Parts of a workbook before they are walked: hidden sheets, names that run by themselves, notes, objects on sheets.

Rules kept here:

- A very hidden sheet becomes a hidden one; hidden sheets are told by number.
- Notes keep their text; their shapes are drawn anew in one form (a reader of the file needs them to show the notes).
- An embedded object on a sheet becomes an ordinary picture of itself.
- A pivot table stays where its data is a sheet of the same workbook; it is read afresh on opening.

Source: docs/grammar-ooxml.md, sections 5 and 9.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from lxml import etree

from sanitizer.formats.ooxml.facts import NAMESPACES, names, source
from sanitizer.formats.ooxml.note_shapes import Cell, Corners, note_shapes, shown_notes
from sanitizer.formats.ooxml.relations import Relation, read_relations, rels_name
from sanitizer.formats.ooxml.walk import R_ID
from sanitizer.formats.package.xml_source import parse

if TYPE_CHECKING:
    from sanitizer.formats.ooxml.part_links import PartLinks

_AUTOMATIC = re.compile(r"(?:_xlnm\.)?auto_?(?:open|close|activate|deactivate)", re.IGNORECASE)
_CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_AFTER_LEGACY = frozenset(
    source(f"x:{name}")
    for name in names(
        """
        legacyDrawingHF drawingHF picture oleObjects controls webPublishItems tableParts extLst
        """
    )
)
_AFTER_DRAWING = _AFTER_LEGACY | {source("x:legacyDrawing")}
_EXCEL_VML = "{urn:schemas-microsoft-com:office:excel}"
_OFFICE_VML = "{urn:schemas-microsoft-com:office:office}"
_PIXEL = 9525  # EMU
_NOTES_ID = "sekisho-notes"
_DRAWING_ID = "sekisho-drawing"


def _workbook(links: PartLinks, root: etree._Element) -> None:
    report = links.package.report
    for number, e in enumerate(root.iter(source("x:sheet")), 1):
        state = e.get("state")
        if state in ("hidden", "veryHidden"):
            report.place = f"sheet {number}"
            report.add("very-hidden-sheet" if state == "veryHidden" else "hidden-sheet")
            e.set("state", "hidden")
    report.place = ""
    for e in list(root.iter(source("x:definedName"))):
        runs = any(e.get(name) in ("1", "true") for name in ("xlm", "function", "vbProcedure"))
        parent = e.getparent()
        if parent is not None and (runs or _AUTOMATIC.match(e.get("name") or "")):
            parent.remove(e)
            report.add("automatic-name")


def _worksheet(links: PartLinks, root: etree._Element) -> None:
    _object_pictures(links, root)
    shown = shown_notes(drawn) if (drawn := _old_drawing(links, root)) is not None else {}
    for e in root.findall(source("x:legacyDrawing")):
        root.remove(e)
    _note_shapes(links, root, shown)


def is_own_pivot(root: etree._Element) -> bool:
    """True for the cache of a pivot table whose data is a sheet of the workbook."""
    cache = root.find(source("x:cacheSource"))
    data = cache.find(source("x:worksheetSource")) if cache is not None else None
    return cache is not None and data is not None and cache.get("type") == "worksheet" and data.get(R_ID) is None


def _pivot_cache(links: PartLinks, root: etree._Element) -> None:
    root.set("saveData", "0")
    root.set("refreshOnLoad", "1")


def _comments(links: PartLinks, root: etree._Element) -> None:
    noted_comments(root)


def noted_comments(root: etree._Element) -> list[tuple[int, int]]:
    """(row, column) from 0 of the notes that stay, in their order; others are taken out of the tree."""
    cells: list[tuple[int, int]] = []
    for e in root.findall(f"{source('x:commentList')}/{source('x:comment')}"):
        found = _CELL.fullmatch(e.get("ref") or "")
        parent = e.getparent()
        if found is not None:
            column = 0
            for letter in found[1]:
                column = column * 26 + ord(letter) - 64
            cells.append((int(found[2]) - 1, column - 1))
        elif parent is not None:
            parent.remove(e)
    return cells


def _old_drawing(links: PartLinks, root: etree._Element) -> etree._Element | None:
    """The received drawing with the shapes of notes and controls."""
    legacy = root.find(source("x:legacyDrawing"))
    found = links.received.get(legacy.get(R_ID) or "") if legacy is not None else None
    if found is None or found.rel != "vmlDrawing" or found.external:
        return None
    data = links.package.archive.read(found.target)
    return parse(data) if data else None


def _note_shapes(links: PartLinks, root: etree._Element, shown: dict[Cell, Corners]) -> None:
    """Draws the notes of a sheet that has any; takes the relation of notes that cannot be read."""
    package = links.package
    for name, found in list(links.received.items()):
        if found.rel != "comments" or found.external:
            continue
        path = None
        tree = package.tree(found.target)
        if tree is not None and package.part("sheetComments", found.target):
            cells = noted_comments(tree)
            path = package.member("noteShapes", "xl/drawings/vmlDrawing{n}.vml", note_shapes(cells, shown))
        if path is None:
            del links.received[name]
            continue
        links.received[_NOTES_ID] = Relation("vmlDrawing", path, False)
        _insert(root, "x:legacyDrawing", _NOTES_ID, _AFTER_LEGACY)
        return


def _insert(root: etree._Element, name: str, identifier: str, before: frozenset[str]) -> None:
    e = etree.Element(source(name))
    e.set(R_ID, identifier)
    at = next((i for i, child in enumerate(root) if child.tag in before), len(root))
    root.insert(at, e)


def _object_pictures(links: PartLinks, root: etree._Element) -> None:
    """Pictures of embedded objects, from the old drawing to the new one, which is made if there is none."""
    legacy = root.find(source("x:legacyDrawing"))
    found = links.received.get(legacy.get(R_ID) or "") if legacy is not None else None
    if found is None or found.rel != "vmlDrawing" or found.external:
        return
    pictures = _pictures_in(links, found.target)
    if not pictures:
        return
    links.package.report.add("object-picture", len(pictures))
    drawing = root.find(source("x:drawing"))
    relation = links.received.get(drawing.get(R_ID) or "") if drawing is not None else None
    tree = links.package.tree(relation.target) if relation is not None and not relation.external else None
    received = links.package.relations(relation.target) if relation is not None and tree is not None else {}
    tree = tree if tree is not None else etree.Element(source("xdr:wsDr"))
    for number, (anchor, target) in enumerate(pictures):
        received[f"sekisho-{number}"] = Relation("image", target, False)
        tree.append(etree.fromstring(_picture(anchor, number)))
    path = f"drawing with objects of {links.path}"
    links.package.part("drawing", path, tree, received=received)
    links.received[_DRAWING_ID] = Relation("drawing", path, False)
    if drawing is not None:
        drawing.set(R_ID, _DRAWING_ID)
    else:
        _insert(root, "x:drawing", _DRAWING_ID, _AFTER_DRAWING)


def _pictures_in(links: PartLinks, path: str) -> list[tuple[list[int], str]]:
    """(anchor, path of the picture) of each shape with a picture in an old drawing."""
    data = links.package.archive.read(path)
    root = parse(data) if data else None
    relations = read_relations(path, links.package.archive.read(rels_name(path)))
    pictures = []
    for shape in root.iter(source("v:shape")) if root is not None else ():
        image = shape.find(source("v:imagedata"))
        anchor = shape.find(f"{_EXCEL_VML}ClientData/{_EXCEL_VML}Anchor")
        found = relations.get(image.get(f"{_OFFICE_VML}relid") or "") if image is not None else None
        numbers = re.findall(r"-?[0-9]{1,7}", anchor.text or "") if anchor is not None else []
        if found is not None and found.rel == "image" and not found.external and len(numbers) == 8:
            pictures.append(([max(int(number), 0) for number in numbers], found.target))
    return pictures


def _picture(anchor: list[int], number: int) -> str:
    spaces = " ".join(f'xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in ("xdr", "a", "r"))
    corners = "".join(
        f"<xdr:{name}><xdr:col>{at[0]}</xdr:col><xdr:colOff>{at[1] * _PIXEL}</xdr:colOff>"
        f"<xdr:row>{at[2]}</xdr:row><xdr:rowOff>{at[3] * _PIXEL}</xdr:rowOff></xdr:{name}>"
        for name, at in (("from", anchor[:4]), ("to", anchor[4:]))
    )
    return (
        f'<xdr:twoCellAnchor {spaces}>{corners}<xdr:pic><xdr:nvPicPr><xdr:cNvPr id="{9000 + number}" '
        f'name="Object {number + 1}"/><xdr:cNvPicPr/></xdr:nvPicPr><xdr:blipFill><a:blip r:embed="sekisho-{number}"/>'
        '<a:stretch><a:fillRect/></a:stretch></xdr:blipFill><xdr:spPr><a:xfrm><a:off x="0" y="0"/>'
        '<a:ext cx="0" cy="0"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></xdr:spPr></xdr:pic>'
        "<xdr:clientData/></xdr:twoCellAnchor>"
    )


PREPARE: dict[str, Callable[[PartLinks, etree._Element], None]] = {
    "workbook": _workbook,
    "worksheet": _worksheet,
    "sheetComments": _comments,
    "pivotCache": _pivot_cache,
}
