"""RTF and Word 2003 XML: what in them can act, and what the converter gets.

Rules kept here:

- RTF is read by its control words alone, without being taken apart: what is counted stands in it literally. The
  converter reads all of it, and what it makes is rebuilt.
- XML is written anew without document type and instructions, and without the part that holds macros.

Source: Rich Text Format 1.9.1; the WordprocessingML of Office 2003.

>>> report = Report()
>>> read(rb"{\\rtf1{\\object\\objemb{\\*\\objdata 01}}}", None, report)[0], report.changes()[0][0].kind
('rtf', 'embedded-object')
"""

from __future__ import annotations

import re

from lxml import etree

from sanitizer.formats.base import Refused
from sanitizer.formats.ooxml.kinds import Report
from sanitizer.formats.package.xml_source import parse

_KINDS = {
    b"objdata": "embedded-object",
    b"objautlink": "external-reference",
    b"objlink": "external-reference",
    b"objocx": "control",
    b"objhtml": "control",
    b"template": "external-reference",
    b"subdocument": "embedded-document",
    b"datastore": "custom-xml",
    b"fontemb": "embedded-font",
    b"mailmerge": "mail-merge",
}
_CONTROLS = re.compile(rb"\\(" + b"|".join(_KINDS) + rb")")
_FIELD = re.compile(rb"\\fldinst([^}]{0,2000})")
_NOISE = re.compile(rb"\\'([0-9a-fA-F]{2})|\\[a-zA-Z]+-?[0-9]* ?|[{}\r\n\\*]")
_REMOTE = re.compile(rb"^\s*(?:DDE|DDEAUTO|LINK|INCLUDE\w*|IMPORT)\b", re.IGNORECASE)
_WORD = "{http://schemas.microsoft.com/office/word/2003/wordml}"


def read(data: bytes, password: str | None, report: Report) -> tuple[str, bytes]:
    """(recipe, what the converter gets): the received bytes, from the beginning of the text."""
    if not data.startswith(b"{\\rt"):
        raise Refused("unreadable", "RTF header")
    for found in _CONTROLS.finditer(data):
        report.add(_KINDS[found[1]])
    for field in _FIELD.finditer(data):
        if _REMOTE.match(_NOISE.sub(_letter, field[1])):
            report.add("external-reference")
    report.add("document-info", int(b"{\\info" in data))
    return "rtf", data


def _letter(found: re.Match[bytes]) -> bytes:
    return bytes.fromhex(found[1].decode()) if found[1] else b""


def read_wordml(data: bytes, password: str | None, report: Report) -> tuple[str, bytes]:
    """A document in Word 2003 XML."""
    root = parse(data)
    if root is None or root.tag != f"{_WORD}wordDocument":
        raise Refused("unreadable", "document element")
    for name, kind in (("docSuppData", "macro"), ("docOleData", "embedded-object"), ("ocx", "control")):
        for element in list(root.iter(_WORD + name)):
            report.add(kind)
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
    return "wordml", etree.tostring(root, encoding="UTF-8", xml_declaration=True)
