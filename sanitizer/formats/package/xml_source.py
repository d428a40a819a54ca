"""XML of a received package, read into trees: without declarations, entities, comments, or anything from outside.

Rules kept here:

- A document type declaration is cut out before the parser sees the text, and so is every reference to an entity that
  XML does not define itself. The parser loads nothing, expands nothing and mends nothing.
- Encodings other than those of real documents are unreadable.
- Strict documents (ISO/IEC 29500) become transitional ones by their namespaces.

>>> parse(b"<a><!-- x --><b/></a>").tag, parse(b"<a>") is None
('a', True)
"""

from __future__ import annotations

import re

from lxml import etree

_OOXML = b"http://schemas.openxmlformats.org/"
_STRICT = re.compile(
    rb"http://purl\.oclc\.org/ooxml/((?:drawingml/\w+|wordprocessingml/main|spreadsheetml/main|presentationml/main"
    rb"|officeDocument/(?:relationships|math|sharedTypes|extendedProperties)))"
)
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ENCODINGS = {
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
}
_DOCTYPE = re.compile(r"<!DOCTYPE(?:[^\[\]<>\"']|\"[^\"]*\"|'[^']*')*(?:\[.*?\]\s*)?>", re.DOTALL)
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);|#[0-9]{1,7};|#x[0-9A-Fa-f]{1,6};)[^;<&\"']{0,200};?")
_PARSER = etree.XMLParser(  # made once: it costs more than a small part does
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    strip_cdata=True,
    collect_ids=False,
)


def parse(data: bytes) -> etree._Element | None:
    """The root element, or None if this is no XML that can be read. Memory is about ten times the text."""
    text = text_of(data)
    return None if text is None else tree_of(text)


def text_of(data: bytes) -> bytes | None:
    """The text as the parser is to see it; None for an encoding that cannot be read."""
    text = _plain(data)
    if text is not None and b"purl.oclc.org/ooxml" in text:
        text = _STRICT.sub(_transitional, text)
    return text


def tree_of(text: bytes) -> etree._Element | None:
    """The root element of such a text, or None."""
    try:
        return etree.fromstring(text, _PARSER)
    except etree.XMLSyntaxError:
        return None


def elements_in(text: bytes) -> int:
    """How many elements such a text has at most: tags that begin one, and whatever else begins with ``<``."""
    return text.count(b"<") - text.count(b"</")


def _transitional(found: re.Match[bytes]) -> bytes:
    first, _, rest = found[1].partition(b"/")
    return _OOXML + first + b"/2006/" + rest


def _plain(data: bytes) -> bytes | None:
    """The text in UTF-8, without declaration and entities where there are any."""
    head = data[:4]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head in (b"<\0?\0", b"\0<\0?"):
        encoding: str | None = (
            "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le" if head[:1] == b"<" else "utf-16-be"
        )
    else:
        stated = _ENCODING.match(data.removeprefix(b"\xef\xbb\xbf").lstrip()[:300])
        encoding = "utf-8" if stated is None else _ENCODINGS.get(stated[1].decode("ascii").lower())
    if encoding is None:
        return None
    if encoding == "utf-8" and b"<!DOCTYPE" not in data:
        return data.lstrip() if data[:1].isspace() else data
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    text = _DECLARATION.sub("", text.removeprefix("\ufeff"), count=1)
    if "<!DOCTYPE" in text:
        text = _ENTITY.sub("", _DOCTYPE.sub("", text, count=1))
    return text.strip().encode("utf-8")
