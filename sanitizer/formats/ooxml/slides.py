"""Parts of a presentation before they are walked: embedded objects become pictures, hidden slides are told.

Rules kept here:

- An object's picture takes the place and size of the object's frame.
- A slide that is hidden stays hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from sanitizer.formats.ooxml.facts import NAMESPACES, source
from sanitizer.formats.ooxml.relations import Relation, read_relations, rels_name
from sanitizer.formats.package.xml_source import parse

if TYPE_CHECKING:
    from sanitizer.formats.ooxml.part_links import PartLinks

_FRAME, _PICTURE, _OBJECT = source("p:graphicFrame"), source("p:pic"), source("p:oleObj")
_TRANSFORM, _PLACED = source("a:xfrm"), source("p:xfrm")
_PLACE = frozenset({source("a:off"), source("a:ext")})
_RELID = source("o:relid")
_SPACES = " ".join(f'xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in ("p", "a", "r"))


def prepare(links: PartLinks, root: etree._Element) -> None:
    """Makes a part of a presentation ready to be walked."""
    if links.kind == "slide" and root.get("show") in ("0", "false"):
        links.package.report.add("hidden-slide")
    for number, e in enumerate(list(root.iter(_OBJECT))):
        frame = next(e.iterancestors(_FRAME), None)
        parent = frame.getparent() if frame is not None else None
        if frame is None or parent is None:
            continue
        links.package.report.add("embedded-object")
        picture = e.find(f".//{_PICTURE}")
        if picture is None:
            picture = _from_old_drawing(links, e.get("spid") or "", number)
        if picture is None:
            parent.remove(frame)
            continue
        _place(picture, frame)
        links.package.report.add("object-picture")
        parent.replace(frame, picture)


def _place(picture: etree._Element, frame: etree._Element) -> None:
    placed, transform = frame.find(_PLACED), picture.find(f".//{_TRANSFORM}")
    if placed is not None and transform is not None:
        transform[:] = [child for child in placed if child.tag in _PLACE]


def _from_old_drawing(links: PartLinks, shape_id: str, number: int) -> etree._Element | None:
    """The picture that an old drawing of the slide shows for an object."""
    for found in [one for one in links.received.values() if one.rel == "vmlDrawing" and not one.external]:
        data = links.package.archive.read(found.target)
        root = parse(data) if data else None
        relations = read_relations(found.target, links.package.archive.read(rels_name(found.target)))
        for shape in root.iter(source("v:shape")) if root is not None else ():
            image = shape.find(source("v:imagedata"))
            target = relations.get(image.get(_RELID) or "") if image is not None else None
            if shape_id in (shape.get("id"), shape.get(source("o:spid"))) and target and target.rel == "image":
                identifier = f"sekisho-{number}"
                links.received[identifier] = Relation("image", target.target, target.external)
                return etree.fromstring(_picture(identifier, number))
    return None


def _picture(identifier: str, number: int) -> str:
    return (
        f'<p:pic {_SPACES}><p:nvPicPr><p:cNvPr id="{9000 + number}" name="Object {number + 1}"/><p:cNvPicPr/><p:nvPr/>'
        f'</p:nvPicPr><p:blipFill><a:blip r:embed="{identifier}"/><a:stretch><a:fillRect/></a:stretch></p:blipFill>'
        '<p:spPr><a:xfrm/><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr></p:pic>'
    )
