"""A tiny writer of canonical OpenDocument files, made from ``docs/grammar-odf.md``, for tests of the verifier.

The writer declares prefixes, writes the manifest and puts members in order; else it does what it is told: a test breaks
a rule by handing it what breaks it, or breaks the members on their way into the file.

>>> write(TEXT)[30:38]
b'mimetype'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.canonical_ooxml import Member, deflated, member, packed, png

TABLE = Path(__file__).parents[2] / "sanitizer" / "grammars" / "odf.txt"
SPACES = {line.split(" ")[1]: line.split(" ")[2] for line in TABLE.read_text("utf-8").splitlines() if line[:2] == "ns"}
IN_VALUES = {"of", "ooo", "oooc", "ooow"}
ODF = "application/vnd.oasis.opendocument."
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MANIFEST, MIMETYPE = "META-INF/manifest.xml", "mimetype"
TYPES = {"xml": "text/xml", "svg": "image/svg+xml"}

Members = dict[str, bytes]


@dataclass(frozen=True)
class Document:
    """``parts``: name → the root element without declarations of namespaces, or bytes as they are. ``objects``: folder
    (with its slash) → media type."""

    media_type: str
    parts: Mapping[str, str | bytes]
    objects: Mapping[str, str] = field(default_factory=dict)
    version: str = "1.3"

    def but(self, name: str, old: str, new: str) -> Document:
        """The same with another word in one of its parts."""
        body = self.parts[name]
        assert isinstance(body, str) and old in body, old
        return replace(self, parts={**self.parts, name: body.replace(old, new, 1)})

    def with_part(self, name: str, body: str | bytes) -> Document:
        """The same with one part more, or another one of that name."""
        return replace(self, parts={**self.parts, name: body})

    def without(self, name: str) -> Document:
        """The same with one part less."""
        return replace(self, parts={key: body for key, body in self.parts.items() if key != name})


def declared(body: str) -> str:
    """The part whose root element is ``body``: with the declaration and the prefixes that it needs."""
    tags = re.findall(r"<[^<>]*>", body)
    used = {word for tag in tags for word in re.findall(r"(?:</?|\" | )([a-z0-9]+):[A-Za-z0-9\-]+(?=[ />=])", tag)}
    prefixes = sorted((used & SPACES.keys()) | IN_VALUES)
    spaces = "".join(f' xmlns:{prefix}="{SPACES[prefix]}"' for prefix in prefixes)
    return DECLARATION + re.sub(r"^<[^ />]+", lambda root: root[0] + spaces, body)


def manifest(document: Document) -> str:
    """``META-INF/manifest.xml``."""
    types = {name: TYPES.get(name.rpartition(".")[2], f"image/{name.rpartition('.')[2]}") for name in document.parts}
    rows = [("/", document.media_type, True)]
    rows += sorted(
        [(path, kind, True) for path, kind in document.objects.items()] + [(*i, False) for i in types.items()]
    )
    written = "".join(
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{kind}"'
        + (f' manifest:version="{document.version}"/>' if versioned else "/>")
        for path, kind, versioned in rows
    )
    return (
        f'{DECLARATION}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
        f' manifest:version="{document.version}">{written}</manifest:manifest>'
    )


def members(document: Document) -> Members:
    """Everything that goes into the file."""
    found = {MIMETYPE: document.media_type.encode(), MANIFEST: manifest(document).encode()}
    for name, body in document.parts.items():
        found[name] = declared(body).encode() if isinstance(body, str) else body
    return found


def ordered(found: Members) -> list[Member]:
    """In the order of the grammar."""
    return [_member(name, found[name]) for name in sorted(found, key=lambda name: (name != MIMETYPE, name))]


def _member(name: str, content: bytes) -> Member:
    made = member(name, content)
    return replace(made, method=8, data=deflated(content)) if name.endswith(".svg") else made


def write(document: Document, change: Callable[[Members], None] = lambda found: None) -> bytes:
    """The file, after ``change`` has had its way with the members."""
    found = members(document)
    change(found)
    return packed(ordered(found))


SVG = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<svg height="1" width="1" xmlns="http://www.w3.org/2000/svg"'
    b' xmlns:xlink="http://www.w3.org/1999/xlink"/>\n'
)
_PARAGRAPH = (
    '<text:p text:style-name="P1">一行目 &amp; 二<text:span text:style-name="T1">太字</text:span>の後<text:s/>'
    '<text:a xlink:href="https://www.example.lg.jp/?a=1&amp;b=2" xlink:type="simple">リンク</text:a></text:p>'
)
_PICTURES = "".join(
    f'<draw:frame draw:name="絵{n}" svg:height="1cm" svg:width="1cm"><draw:image xlink:actuate="onLoad"'
    f' xlink:href="Pictures/image{n}.{kind}" xlink:show="embed" xlink:type="simple"/></draw:frame>'
    for n, kind in ((1, "png"), (2, "svg"))
)
_OBJECT = '<draw:frame><draw:object xlink:href="./Part1" xlink:type="simple"/></draw:frame>'
TEXT = Document(
    f"{ODF}text",
    {
        "content.xml": (
            '<office:document-content office:version="1.3"><office:automatic-styles>'
            '<style:style style:family="paragraph" style:name="P1"/></office:automatic-styles>'
            "<office:body><office:text>"
            f"{_PARAGRAPH}<text:p>{_PICTURES}{_OBJECT}</text:p></office:text></office:body></office:document-content>"
        ),
        "styles.xml": '<office:document-styles office:version="1.3"><office:styles/></office:document-styles>',
        "settings.xml": (
            '<office:document-settings office:version="1.3"><office:settings><config:config-item-set'
            ' config:name="ooo:view-settings"><config:config-item config:name="ShowGrid" config:type="boolean">true'
            '</config:config-item><config:config-item config:name="ZoomValue" config:type="int">100'
            '</config:config-item><config:config-item config:name="ActiveTable" config:type="string"/>'
            "</config:config-item-set></office:settings></office:document-settings>"
        ),
        "meta.xml": (
            '<office:document-meta office:version="1.3"><office:meta><meta:generator>LibreOffice/7.4.7.2'
            "</meta:generator></office:meta></office:document-meta>"
        ),
        "Pictures/image1.png": png(),
        "Pictures/image2.svg": SVG,
        "Part1/content.xml": '<math:math><math:mi mathvariant="normal">x</math:mi></math:math>',
    },
    {"Part1/": f"{ODF}formula"},
)
SHEET = Document(
    f"{ODF}spreadsheet",
    {
        "content.xml": (
            '<office:document-content office:version="1.2"><office:body><office:spreadsheet><table:table'
            ' table:name="一覧"><table:table-row><table:table-cell office:value-type="float" office:value="3"'
            ' table:formula="of:=SUM([.A1:.B2])*2"><text:p>3</text:p></table:table-cell></table:table-row>'
            "</table:table></office:spreadsheet></office:body></office:document-content>"
        )
    },
    version="1.2",
)
_WHOLE = '<office:document-content office:version="1.3"><office:body>{}</office:body></office:document-content>'
SHOW = Document(
    f"{ODF}presentation",
    {"content.xml": _WHOLE.format('<office:presentation><draw:page draw:name="一"/></office:presentation>')},
)
DRAWING = Document(
    f"{ODF}graphics",
    {"content.xml": _WHOLE.format('<office:drawing><draw:page draw:name="一"/></office:drawing>')},
)
FORMULA = Document(f"{ODF}formula", {"content.xml": "<math:math><math:mi>x</math:mi></math:math>"})
ALL = {"odt": TEXT, "ods": SHEET, "odf": FORMULA}
