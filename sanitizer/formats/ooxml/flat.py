"""Flat OPC: a whole package as one XML document, put into a ZIP and then made anew like any package.

Rules kept here:

- Nothing is believed but names and contents of parts; what is no package inside is refused there.

Source: ECMA-376 part 2; http://schemas.microsoft.com/office/2006/xmlPackage as Word and PowerPoint write it.

>>> from sanitizer.limits import Limits
>>> rebuild(b"<a/>", Job("application/x-flat-opc", "rebuild", "a.xml", None, Limits()))
Traceback (most recent call last):
sanitizer.formats.base.Refused: ('unreadable', 'flat package')
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

from lxml import etree

from sanitizer.formats import ooxml
from sanitizer.formats.base import Job, Rebuilt, Refused, ToConvert
from sanitizer.formats.ooxml import text, thumbnail
from sanitizer.formats.package.members import MAX_MEMBERS, write
from sanitizer.formats.package.xml_source import parse

_PKG = "{http://schemas.microsoft.com/office/2006/xmlPackage}"
__all__ = ["rebuild", "text", "thumbnail"]


def rebuild(data: bytes, job: Job) -> Rebuilt | ToConvert:
    """The package made anew; its main part tells its type. Raises ``Refused``."""
    root = parse(data)
    if root is None or root.tag != f"{_PKG}package":
        raise Refused("unreadable", "flat package")
    parts = root.findall(f"{_PKG}part")
    if len(parts) > MAX_MEMBERS:
        raise Refused("bomb", "members")
    members = {name: content for part in parts if (name := _name(part)) and (content := _content(part)) is not None}
    return ooxml.rebuild(write(members, "[Content_Types].xml", (".xml",)), replace(job, mime="application/x-ooxml"))


def _name(part: etree._Element) -> str:
    name = (part.get(f"{_PKG}name") or "").lstrip("/")
    return name if name.isascii() else ""


def _content(part: etree._Element) -> bytes | None:
    tree = part.find(f"{_PKG}xmlData")
    if tree is not None:
        return etree.tostring(tree[0]) if len(tree) else None
    binary = part.find(f"{_PKG}binaryData")
    if binary is None or not binary.text:
        return None
    try:
        return base64.b64decode("".join(binary.text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
