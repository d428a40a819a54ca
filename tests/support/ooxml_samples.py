"""Office packages for tests, built from a few lines of markup, and what may be hidden in them.

Every threat of ``HOSTILE`` carries the word that ``marker`` gives; after the rebuild it is nowhere in the package.
"""

# ruff: noqa: E501  (markup stands on one line)

from __future__ import annotations

import base64
import hashlib
import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from PIL import Image

from sanitizer.formats.base import Job, Rebuilt
from sanitizer.formats.ooxml import MIME, rebuild
from sanitizer.formats.ooxml.facts import MAIN, NAMESPACES, PARTS
from sanitizer.limits import Limits

REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
MS_REL = "http://schemas.microsoft.com/office/2006/relationships/"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
_MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
SPACES = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMESPACES.items() if prefix != "xml")
DECLARED = f'{SPACES} xmlns:mc="{_MC}" xmlns:xvml="urn:schemas-microsoft-com:office:excel"'


def png(colour: str = "red") -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(buffer, "PNG")
    return buffer.getvalue()


def xml(root: str, content: str, attributes: str = "") -> str:
    """A part: its root element with every namespace declared."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {DECLARED} {attributes}>{content}</{root}>'


@dataclass
class Draft:
    """A package to be written: parts, relationships of parts, content types."""

    parts: dict[str, str | bytes] = field(default_factory=dict)
    relations: dict[str, list[str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, content: str | bytes, content_type: str = "") -> Draft:
        """Adds a part."""
        self.parts[name] = content
        if content_type:
            self.types[name] = content_type
        return self

    def relate(self, part: str, rel: str, target: str, *, external: bool = False, name: str = "") -> Draft:
        """Adds a relationship of a part (``""``: the package); ``rel`` is a full type or its last step."""
        entries = self.relations.setdefault(part, [])
        kind = rel if ":" in rel else REL + rel
        mode = ' TargetMode="External"' if external else ""
        name = name or f"rId{len(entries) + 1}"
        entries.append(f'<Relationship Id="{name}" Type="{kind}" Target="{target}"{mode}/>')
        return self

    def data(self) -> bytes:
        """The package as ordinary programs write it."""
        members = dict(self.parts)
        for part, entries in self.relations.items():
            folder, _, name = part.rpartition("/")
            path = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
            members[path] = f'<Relationships xmlns="{PACKAGE}relationships">{"".join(entries)}</Relationships>'
        overrides = "".join(f'<Override PartName="/{n}" ContentType="{t}"/>' for n, t in self.types.items())
        members["[Content_Types].xml"] = (
            f'<Types xmlns="{PACKAGE}content-types"><Default Extension="xml" ContentType="application/xml"/>'
            f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="png" ContentType="image/png"/>{overrides}</Types>'
        )
        return zipped(members)


def zipped(members: dict[str, str | bytes]) -> bytes:
    """A ZIP of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _typed(draft: Draft, kind: str, content: str, attributes: str = "") -> Draft:
    part = PARTS[kind]
    path = part.path.replace("{n}", "1").replace("{a}", "ppt")
    return draft.add(path, xml(part.written_root, content, attributes), part.content_type)


def word(body: str) -> Draft:
    """A text document with this body."""
    draft = Draft().add("word/document.xml", xml("w:document", f"<w:body>{body}</w:body>"), MAIN[MIME["docx"]][1])
    return draft.relate("", "officeDocument", "word/document.xml")


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f'<w:p><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def in_paragraph(runs: str) -> str:
    """A paragraph of these runs."""
    return f"<w:p>{runs}</w:p>"


def complex_field(instruction: str, result: str = "result") -> str:
    """A field in runs."""
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    return (
        f"{mark.format('begin')}<w:r><w:instrText>{instruction}</w:instrText></w:r>{mark.format('separate')}"
        f"<w:r><w:t>{result}</w:t></w:r>{mark.format('end')}"
    )


def excel(cells: str, *, after: str = "", names: str = "", state: str = "") -> Draft:
    """A workbook with one sheet: its cells, what follows them, defined names."""
    shown = f' state="{state}"' if state else ""
    named = f"<x:definedNames>{names}</x:definedNames>" if names else ""
    sheets = f'<x:sheets><x:sheet name="表" sheetId="1"{shown} r:id="rId1"/></x:sheets>{named}'
    sheet = xml("x:worksheet", f'<x:sheetData><x:row r="1">{cells}</x:row></x:sheetData>{after}')
    draft = Draft().add("xl/workbook.xml", xml("x:workbook", sheets), MAIN[MIME["xlsx"]][1])
    draft.add("xl/worksheets/sheet1.xml", sheet, PARTS["worksheet"].content_type)
    draft.relate("", "officeDocument", "xl/workbook.xml")
    return draft.relate("xl/workbook.xml", "worksheet", "worksheets/sheet1.xml")


def cell(formula: str = "", value: str = "1") -> str:
    """The cell A1."""
    return f'<x:c r="A1">{f"<x:f>{formula}</x:f>" if formula else ""}<x:v>{value}</x:v></x:c>'


_GROUP = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
_MAP = (
    '<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" '
    'accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>'
)
_COLOURS = "dk1 lt1 dk2 lt2 accent1 accent2 accent3 accent4 accent5 accent6 hlink folHlink"
_THEME = (
    '<a:themeElements><a:clrScheme name="a">'
    + "".join(f'<a:{name}><a:srgbClr val="112233"/></a:{name}>' for name in _COLOURS.split())
    + '</a:clrScheme><a:fontScheme name="a"><a:majorFont><a:latin typeface="A"/><a:ea typeface=""/><a:cs typeface=""/>'
    '</a:majorFont><a:minorFont><a:latin typeface="A"/><a:ea typeface=""/><a:cs typeface=""/></a:minorFont>'
    '</a:fontScheme><a:fmtScheme name="a"/></a:themeElements>'
)


def shape(text: str, extra: str = "") -> str:
    """A shape with text on a slide."""
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="2" name="s">{extra}</p:cNvPr><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )


def powerpoint(shapes: str, *, after: str = "", attributes: str = "") -> Draft:
    """A presentation with one slide."""
    draft = Draft().relate("", "officeDocument", "ppt/presentation.xml")
    content = (
        '<p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst><p:sldIdLst>'
        '<p:sldId id="256" r:id="rId2"/></p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="1" cy="1"/>'
    )
    draft.add("ppt/presentation.xml", xml("p:presentation", content), MAIN[MIME["pptx"]][1])
    tree = "<p:cSld><p:spTree>{}{}</p:spTree></p:cSld>"
    layouts = '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst>'
    _typed(draft, "slide", tree.format(_GROUP, shapes) + after, attributes)
    _typed(draft, "slideLayout", tree.format(_GROUP, ""))
    _typed(draft, "slideMaster", tree.format(_GROUP, "") + _MAP + layouts)
    _typed(draft, "theme", _THEME, 'name="a"')
    draft.relate("ppt/presentation.xml", "slideMaster", "slideMasters/slideMaster1.xml")
    draft.relate("ppt/presentation.xml", "slide", "slides/slide1.xml")
    draft.relate("ppt/slides/slide1.xml", "slideLayout", "../slideLayouts/slideLayout1.xml")
    draft.relate("ppt/slideLayouts/slideLayout1.xml", "slideMaster", "../slideMasters/slideMaster1.xml")
    draft.relate("ppt/slideMasters/slideMaster1.xml", "slideLayout", "../slideLayouts/slideLayout1.xml")
    return draft.relate("ppt/slideMasters/slideMaster1.xml", "theme", "../theme/theme1.xml")


def marker(name: str) -> str:
    """The word that a threat carries."""
    return f"SECRET{name.replace('-', '').upper()}"


def _attached(draft: Draft, part: str, rel: str, path: str, name: str) -> Draft:
    return draft.add(path, marker(name)).relate(part, rel, path.rpartition("/")[2], name="rIdX")


def _outside(draft: Draft, part: str, rel: str, name: str) -> Draft:
    return draft.relate(part, rel, f"file://server/{marker(name)}", external=True, name="rIdX")


_DOC, _BOOK, _SHEET, _SLIDE = (
    "word/document.xml",
    "xl/workbook.xml",
    "xl/worksheets/sheet1.xml",
    "ppt/slides/slide1.xml",
)
_PLAIN = paragraph("本文")
_BOX = "<v:shape style='width:1pt' onclick='{0}' href='file://{0}'><v:imagedata r:id='rIdX' o:title='a'/></v:shape>"


def _picture(name: str) -> str:
    return (
        '<w:p><w:r><w:drawing><wp:inline><wp:extent cx="9" cy="9"/><wp:docPr id="1" name="p"/><a:graphic><a:graphicData '
        'uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:nvPicPr><pic:cNvPr id="1" name="p"/>'
        f'<pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:{name}="rIdX"/></pic:blipFill><pic:spPr/></pic:pic>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )


def picture_document() -> Draft:
    """A document that shows a picture."""
    draft = word(_picture("embed")).add("word/media/photo.png", png())
    return draft.relate(_DOC, "image", "media/photo.png", name="rIdX")


def _jump(action: str) -> str:
    return f'<a:hlinkClick r:id="rIdX" action="{action}"/>'


HOSTILE: dict[str, tuple[str, Callable[[str], Draft]]] = {  # name → (kind reported, how to build it)
    "docm-macro": ("macro", lambda n: _attached(word(_PLAIN), _DOC, f"{MS_REL}vbaProject", "word/vbaProject.bin", n)),
    "template": (
        "external-reference",
        lambda n: _outside(
            _typed_word_settings('<w:attachedTemplate r:id="rIdX"/>'), "word/settings.xml", "attachedTemplate", n
        ),
    ),
    "alt-chunk": (
        "embedded-document",
        lambda n: _attached(word(f'{_PLAIN}<w:altChunk r:id="rIdX"/>'), _DOC, "aFChunk", "word/afchunk.html", n),
    ),
    "dde-field": ("field-text", lambda n: word(in_paragraph(complex_field("DDEAUTO c:/" + marker(n))))),
    "include-picture": (
        "field-text",
        lambda n: word(in_paragraph(f'<w:fldSimple w:instr=" INCLUDEPICTURE {marker(n)} "><w:r/></w:fldSimple>')),
    ),
    "nested-field": (
        "field-text",
        lambda n: word(
            in_paragraph(
                complex_field("QUOTE <!-- -->").replace(
                    "QUOTE <!-- --></w:instrText></w:r>",
                    f"QUOTE</w:instrText></w:r>{complex_field(marker(n), marker(n))}",
                )
            )
        ),
    ),
    "remote-image": ("external-reference", lambda n: _outside(word(_picture("embed")), _DOC, "image", n)),
    "file-link": (
        "link-target",
        lambda n: _outside(
            word('<w:p><w:hyperlink r:id="rIdX"><w:r><w:t>x</w:t></w:r></w:hyperlink></w:p>'), _DOC, "hyperlink", n
        ),
    ),
    "ole-object": (
        "embedded-object",
        lambda n: _attached(
            word(
                f'<w:p><w:r><w:object>{_BOX.format("x")}<o:OLEObject Type="Embed" r:id="rIdX"/></w:object></w:r></w:p>'
            ),
            _DOC,
            "oleObject",
            "word/embeddings/oleObject1.bin",
            n,
        ),
    ),
    "shape-script": ("link-target", lambda n: word(f"<w:p><w:r><w:pict>{_BOX.format(marker(n))}</w:pict></w:r></w:p>")),
    "form-macro": (
        "macro-assignment",
        lambda n: word(
            '<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:name w:val="a"/><w:enabled/>'
            f'<w:entryMacro w:val="{marker(n)}"/></w:ffData></w:fldChar></w:r><w:r><w:instrText>FORMTEXT</w:instrText></w:r>'
            '<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
        ),
    ),
    "deleted-text": (
        "tracked-change",
        lambda n: word(
            f'<w:p><w:del w:author="{marker(n)}"><w:r><w:delText>{marker(n)}</w:delText></w:r></w:del></w:p>'
        ),
    ),
    "custom-xml": ("custom-xml", lambda n: _attached(word(_PLAIN), _DOC, "customXml", "customXml/item1.xml", n)),
    "properties": (
        "document-info",
        lambda n: (
            word(_PLAIN)
            .add("docProps/core.xml", f"<a>{marker(n)}</a>")
            .relate("", f"{PACKAGE}relationships/metadata/core-properties", "docProps/core.xml")
        ),
    ),
    "orphan": ("older-revision", lambda n: word(_PLAIN).add("word/revisions/old.xml", f"<a>{marker(n)}</a>")),
    "dde-formula": ("formula-value", lambda n: excel(cell(f"cmd|'/c {marker(n)}'!A0"))),
    "web-formula": ("formula-value", lambda n: excel(cell(f'WEBSERVICE("http://{marker(n)}")'))),
    "link-formula": ("formula-value", lambda n: excel(cell(f'HYPERLINK("file:///{marker(n)}","x")'))),
    "automatic-name": (
        "automatic-name",
        lambda n: excel(cell(), names=f'<x:definedName name="Auto_Open">{marker(n)}</x:definedName>'),
    ),
    "macro-sheet": (
        "macro-sheet",
        lambda n: (
            excel(cell())
            .add(
                "xl/workbook.xml",
                xml(
                    "x:workbook",
                    '<x:sheets><x:sheet name="表" sheetId="1" r:id="rId1"/><x:sheet name="M" sheetId="2" r:id="rIdX"/></x:sheets>',
                ),
            )
            .add("xl/macrosheets/sheet1.xml", xml("x:macrosheet", f"<x:sheetData>{marker(n)}</x:sheetData>"))
            .relate("xl/workbook.xml", f"{MS_REL}xlMacrosheet", "macrosheets/sheet1.xml", name="rIdX")
        ),
    ),
    "connection": (
        "data-connection",
        lambda n: _attached(excel(cell()), _BOOK, "connections", "xl/connections.xml", n),
    ),
    "external-book": (
        "external-reference",
        lambda n: _attached(excel(cell()), _BOOK, "externalLink", "xl/externalLinks/externalLink1.xml", n),
    ),
    "sheet-control": (
        "control",
        lambda n: _attached(
            excel(cell(), after='<x:controls><x:control r:id="rIdX"/></x:controls>'),
            _SHEET,
            "ctrlProp",
            "xl/ctrlProps/ctrlProp1.xml",
            n,
        ),
    ),
    "very-hidden": ("very-hidden-sheet", lambda n: excel(cell(), state="veryHidden")),
    "printer": (
        "printer-settings",
        lambda n: _attached(excel(cell()), _SHEET, "printerSettings", "xl/printerSettings/printerSettings1.bin", n),
    ),
    "run-program": ("other-action", lambda n: powerpoint(shape("a", _jump(f"ppaction://program?{marker(n)}")))),
    "slide-object": (
        "embedded-object",
        lambda n: _attached(
            powerpoint(
                f'<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="3" name="o"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr><p:xfrm/><a:graphic><a:graphicData uri="x"><p:oleObj progId="{marker(n)}" r:id="rIdX"><p:embed/></p:oleObj></a:graphicData></a:graphic></p:graphicFrame>'
            ),
            _SLIDE,
            "oleObject",
            "ppt/slides/oleObject1.bin",
            n,
        ),
    ),
    "slide-command": (
        "other-action",
        lambda n: powerpoint(
            shape("a"),
            after='<p:timing><p:tnLst><p:par><p:cTn id="1"><p:childTnLst>'
            f'<p:cmd type="call" cmd="{marker(n)}"><p:cBhvr><p:cTn id="2"/></p:cBhvr></p:cmd></p:childTnLst></p:cTn></p:par></p:tnLst></p:timing>',
        ),
    ),
    "sound": (
        "multimedia",
        lambda n: powerpoint(
            shape(
                "a",
                f'<a:hlinkClick r:id="" action="ppaction://noaction"><a:snd r:embed="rIdX" name="{marker(n)}"/></a:hlinkClick>',
            )
        ),
    ),
}


def _typed_word_settings(content: str) -> Draft:
    draft = _typed(word(_PLAIN), "settings", content)
    return draft.relate(_DOC, "settings", "settings.xml")


def hostile(name: str) -> bytes:
    """The package that carries one threat."""
    return HOSTILE[name][1](name).data()


def rebuilt(data: bytes, ending: str = "docx", password: str | None = None, limits: Limits = Limits()) -> Rebuilt:  # noqa: B008
    """The package through the format, where nothing draws metafiles."""
    made = rebuild(data, Job(MIME.get(ending, ending), "rebuild", f"a.{ending}", password, limits, drawn=b"-"))
    assert isinstance(made, Rebuilt)
    return made


def members(data: bytes) -> dict[str, bytes]:
    """The members of a package by name, in its order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def everything(data: bytes) -> str:
    """All members as one text."""
    return "\n".join(f"{name}\n{content.decode('utf-8', 'replace')}" for name, content in members(data).items())


def kinds(made: Rebuilt) -> dict[str, int]:
    """How often each kind is reported."""
    counts: dict[str, int] = {}
    for change in (*made.removed, *made.changed):
        counts[change.kind] = counts.get(change.kind, 0) + change.count
    return counts


def compound_file(streams: dict[str, bytes]) -> bytes:
    """A compound file ([MS-CFB]) with these streams in its root, filled with spaces up to the mini cutoff."""
    sectors: list[bytes] = []
    fat: list[int] = []

    def chain(data: bytes) -> int:
        first, count = len(sectors), -(-len(data) // 512)
        for i in range(count):
            sectors.append(data[i * 512 : (i + 1) * 512].ljust(512, b"\0"))
            fat.append(first + i + 1 if i + 1 < count else 0xFFFFFFFE)
        return first

    placed = [(name, chain(data.ljust(4096)), max(len(data), 4096)) for name, data in streams.items()]
    entries = [_entry("Root Entry", 5, 0xFFFFFFFE, 0, 1)]
    entries += [
        _entry(name, 2, start, size, -1 if i == len(placed) else i + 1)
        for i, (name, start, size) in enumerate(placed, 1)
    ]
    directory = chain(b"".join(entries))
    fat_sector = len(sectors)
    fat += [0xFFFFFFFD]
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    assert len(table) == 512, "one sector of the table is enough for tests"
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, 1, directory, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<I", fat_sector).ljust(109 * 4, b"\xff")
    return head + b"".join(sectors) + table


def _entry(name: str, kind: int, start: int, size: int, following: int) -> bytes:
    spelled = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack(
        "<III", 0xFFFFFFFF, following & 0xFFFFFFFF if kind == 2 else 0xFFFFFFFF, 1 if kind == 5 else 0xFFFFFFFF
    )
    head = spelled.ljust(64, b"\0") + struct.pack("<HBB", len(spelled), kind, 1) + links
    return (head.ljust(116, b"\0") + struct.pack("<IQ", start, size)).ljust(128, b"\0")


def encrypted(package: bytes, password: str) -> bytes:
    """An agile encrypted package ([MS-OFFCRYPTO] 2.3.4.10) with few rounds."""
    salt, key = b"s" * 16, b"k" * 32
    hashed = hashlib.sha512(salt + password.encode("utf-16-le")).digest()
    for number in range(3):
        hashed = hashlib.sha512(struct.pack("<I", number) + hashed).digest()

    def sealed(data: bytes, with_key: bytes, iv: bytes) -> bytes:
        encryptor = Cipher(algorithms.AES(with_key), modes.CBC(iv)).encryptor()
        return encryptor.update(data.ljust(-(-len(data) // 16) * 16, b"\0")) + encryptor.finalize()

    def value(purpose: str, data: bytes) -> str:
        with_key = hashlib.sha512(hashed + bytes.fromhex(purpose)).digest()[:32]
        return base64.b64encode(sealed(data, with_key, salt)).decode()

    common = f'cipherAlgorithm="AES" hashAlgorithm="SHA512" keyBits="256" saltValue="{base64.b64encode(salt).decode()}"'
    verifier = b"v" * 16
    info = (
        '<encryption xmlns="http://schemas.microsoft.com/office/2006/encryption" '
        'xmlns:p="http://schemas.microsoft.com/office/2006/keyEncryptor/password">'
        f'<keyData {common}/><keyEncryptors><keyEncryptor><p:encryptedKey {common} spinCount="3" '
        f'encryptedVerifierHashInput="{value("fea7d2763b4b9e79", verifier)}" '
        f'encryptedVerifierHashValue="{value("d7aa0f6d3061344e", hashlib.sha512(verifier).digest())}" '
        f'encryptedKeyValue="{value("146e0be7abacd0d6", key)}"/></keyEncryptor></keyEncryptors></encryption>'
    )
    body = struct.pack("<Q", len(package))
    for number, at in enumerate(range(0, len(package), 4096)):
        iv = hashlib.sha512(salt + struct.pack("<I", number)).digest()[:16]
        body += sealed(package[at : at + 4096], key, iv)
    head = struct.pack("<HHI", 4, 4, 0x40) + info.encode()
    return compound_file({"EncryptionInfo": head, "EncryptedPackage": body})
