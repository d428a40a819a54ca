"""A tiny writer of canonical Office Open XML packages, made from ``docs/grammar-ooxml.md``, for tests of the verifier.

A package is its main part, the bodies of its parts by name and the relationships of each part. The writer puts members
in order, declares prefixes and lists content types; else it does what it is told: a test breaks a rule by handing it
what breaks it, or breaks the members on their way into the file.

>>> write(Package("word/document.xml", {"word/document.xml": "<w:document><w:body/></w:document>"}))[:4]
b'PK\\x03\\x04'
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

GRAMMAR = Path(__file__).parents[2] / "sanitizer" / "grammars" / "ooxml.txt"
LINES = [line.split(" ") for line in GRAMMAR.read_text("utf-8").splitlines() if line]
SPACES = {line[1]: line[2] for line in LINES if line[0] == "ns"}
MAINS = {line[1]: line[3] for line in LINES if line[0] == "main"}
WORD, SHEET, SLIDES = (
    f"application/vnd.openxmlformats-officedocument.{name}"
    for name in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
DIAGRAM = "http://schemas.microsoft.com/office/2007/relationships/diagramDrawing"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
DEFAULTS = (
    '<Default ContentType="image/bmp" Extension="bmp"/><Default ContentType="image/gif" Extension="gif"/>'
    '<Default ContentType="image/jpeg" Extension="jpeg"/><Default ContentType="image/png" Extension="png"/>'
    '<Default ContentType="application/vnd.openxmlformats-package.relationships+xml" Extension="rels"/>'
    '<Default ContentType="image/tiff" Extension="tiff"/>'
    '<Default ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing" Extension="vml"/>'
    '<Default ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" Extension="xlsx"/>'
)
PROPERTIES = (
    f'{DECLARATION}<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
    "<Application>LibreOffice</Application></Properties>"
)

Members = dict[str, bytes]
Relations = list[tuple[str, str]]  # (kind of the relationship, name of a part or URI)


@dataclass(frozen=True)
class Package:
    """``parts``: name → the root element without declarations (or bytes as they are). ``relations``: name → (last step
    of the type, target), the first is ``rId1``."""

    main: str
    parts: Mapping[str, str | bytes]
    relations: Mapping[str, Relations] = field(default_factory=dict)
    media_type: str = WORD
    properties: bool = True

    def but(self, name: str, old: str, new: str) -> Package:
        """The same with another word in one of its parts."""
        body = self.parts[name]
        assert isinstance(body, str) and old in body, old
        return replace(self, parts={**self.parts, name: body.replace(old, new, 1)})

    def with_part(self, name: str, body: str | bytes) -> Package:
        """The same with one part more, or another one of that name."""
        return replace(self, parts={**self.parts, name: body})

    def relating(self, name: str, relations: Relations) -> Package:
        """The same with other relationships of one part; without any if the list is empty."""
        merged = {**self.relations, name: relations}
        return replace(self, relations={key: value for key, value in merged.items() if value})


def declared(body: str) -> str:
    """The part whose root element is ``body``: with the declaration and the prefixes that it uses."""
    tags = re.findall(r"<[^<>]*>", body)
    used = {word for tag in tags for word in re.findall(r"(?:</?|\" | )([a-z0-9]+):[A-Za-z0-9]+(?=[ />=])", tag)}
    spaces = "".join(f' xmlns:{prefix}="{SPACES[prefix]}"' for prefix in sorted(used & SPACES.keys() - {"xml"}))
    return DECLARATION + re.sub(r"^<[^ />]+", lambda root: root[0] + spaces, body)


def type_of(relation: str) -> str:
    """The type of a relationship by its last step."""
    return DIAGRAM if relation == "diagramDrawing" else OFFICE + relation


def relationships(relations: Relations) -> str:
    """A ``.rels`` part."""
    rows = []
    for number, (relation, target) in enumerate(relations, 1):
        mode = ' TargetMode="External"' if relation == "hyperlink" else ""
        target = target.replace("&", "&amp;") if mode else f"/{target}"
        rows.append(f'<Relationship Id="rId{number}" Target="{target}"{mode} Type="{type_of(relation)}"/>')
    return f'{DECLARATION}<Relationships xmlns="{PACKAGE}relationships">{"".join(rows)}</Relationships>'


def content_type(name: str, media_type: str, main: str) -> str | None:
    """What ``[Content_Types].xml`` says of a part; None for pictures and packages."""
    if name == main:
        return MAINS[media_type]
    folder = re.escape(main.partition("/")[0])
    for line in LINES:
        if line[0] == "part" and re.fullmatch(line[4].replace("{a}", folder).replace("{n}", "[0-9]+"), name):
            return line[6]
    return None


def content_types(package: Package) -> str:
    """``[Content_Types].xml``."""
    types = {name: content_type(name, package.media_type, package.main) for name in package.parts}
    if package.properties:
        types["docProps/app.xml"] = "application/vnd.openxmlformats-officedocument.extended-properties+xml"
    rows = (f'<Override ContentType="{type_}" PartName="/{name}"/>' for name, type_ in sorted(types.items()) if type_)
    return f'{DECLARATION}<Types xmlns="{PACKAGE}content-types">{DEFAULTS}{"".join(rows)}</Types>'


def members(package: Package) -> Members:
    """Everything that goes into the file."""
    texts = {"[Content_Types].xml": content_types(package)}
    roots = [("officeDocument", package.main)] + [("extended-properties", "docProps/app.xml")] * package.properties
    texts["_rels/.rels"] = relationships(roots)
    if package.properties:
        texts["docProps/app.xml"] = PROPERTIES
    for name, relations in package.relations.items():
        folder, _, last = name.rpartition("/")
        texts[f"{folder}/_rels/{last}.rels"] = relationships(relations)
    found = {name: text.encode() for name, text in texts.items()}
    for name, body in package.parts.items():
        found[name] = declared(body).encode() if isinstance(body, str) else body
    return found


def deflated(data: bytes) -> bytes:
    """Raw Deflate."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return engine.compress(data) + engine.flush()


@dataclass(frozen=True)
class Member:
    """One member on its way into the file, each number as it will stand there."""

    name: bytes
    method: int
    crc: int
    size: int
    data: bytes
    version: int = 20
    flags: int = 0
    time: int = 0
    date: int = 33
    extra: bytes = b""

    def common(self) -> bytes:
        lengths = (len(self.data), self.size, len(self.name), len(self.extra))
        head = (self.version, self.flags, self.method, self.time, self.date, self.crc)
        return struct.pack("<HHHHHIIIHH", *head, *lengths)


def member(name: str, content: bytes) -> Member:
    """As the grammar wants it."""
    method = 8 if name.endswith((".xml", ".rels", ".vml")) else 0
    return Member(name.encode(), method, zlib.crc32(content), len(content), deflated(content) if method else content)


def packed(found: list[Member], comment: bytes = b"") -> bytes:
    """The file made of these members, in this order."""
    local, central = b"", b""
    for one in found:
        central += b"PK\1\2\x14\0" + one.common() + struct.pack("<HHHII", 0, 0, 0, 0, len(local)) + one.name + one.extra
        local += b"PK\3\4" + one.common() + one.name + one.extra + one.data
    count = len(found)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(local), len(comment))
    return local + central + b"PK\5\6" + end + comment


def ordered(found: Members) -> list[Member]:
    """In the order of the grammar."""
    return [member(name, found[name]) for name in sorted(found, key=lambda name: (name != "[Content_Types].xml", name))]


def write(package: Package, change: Callable[[Members], None] = lambda found: None) -> bytes:
    """The file, after ``change`` has had its way with the members."""
    found = members(package)
    change(found)
    return packed(ordered(found))


def png() -> bytes:
    """A canonical picture of one pixel."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\xff\xff\xff")),
        (b"IEND", b""),
    )
    body = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)
