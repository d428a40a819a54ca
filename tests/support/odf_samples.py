"""OpenDocument files for tests, built from a few lines of markup, and what may be hidden in them.

Every threat of ``HOSTILE`` carries the word that ``marker`` gives; after the rebuild it is nowhere in the file.
"""

# ruff: noqa: E501  (markup stands on one line)

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.algorithms import Blowfish
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from support.ooxml_samples import png

from sanitizer.formats.base import Job, Rebuilt
from sanitizer.formats.odf import MIME, rebuild
from sanitizer.formats.odf.facts import MAIN, NAMESPACES
from sanitizer.formats.odf.kinds import NAMESPACES as REPORTED
from sanitizer.limits import Limits

MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_ALL = {**NAMESPACES, **{prefix: name for name, prefix in REPORTED.items()}}
DECLARED = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _ALL.items() if prefix != "xml")


def marker(name: str) -> str:
    """The word by which a threat is found again."""
    return "evil" + hashlib.sha256(name.encode()).hexdigest()[:12]


def xml(root: str, content: str, attributes: str = 'office:version="1.3"') -> str:
    """A part: its root element with every namespace declared."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} {DECLARED} {attributes}>{content}</{root}>'


@dataclass
class Draft:
    """A file to be written: its media type and its members."""

    mime: str
    members: dict[str, str | bytes] = field(default_factory=dict)

    def add(self, name: str, content: str | bytes) -> Draft:
        """The same with one member more, or another one of that name."""
        self.members[name] = content
        return self

    def data(self) -> bytes:
        """The file."""
        return zipped({"mimetype": self.mime, **self.members})


def zipped(members: dict[str, str | bytes]) -> bytes:
    """A ZIP as any program might write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def document(ending: str, body: str, styles: str = "", declarations: str = "") -> Draft:
    """A file of that ending whose body holds ``body``; ``styles``: automatic ones, ``declarations`` stand before."""
    mime = MIME[ending]
    kind = MAIN[mime]
    before = f"{declarations}<office:automatic-styles>{styles}</office:automatic-styles>"
    content = xml("office:document-content", f"{before}<office:body><{kind}>{body}</{kind}></office:body>")
    return Draft(mime, {"content.xml": content, "styles.xml": xml("office:document-styles", "<office:styles/>")})


def text(*paragraphs: str) -> Draft:
    """A text document of these paragraphs."""
    return document("odt", "".join(f"<text:p>{one}</text:p>" for one in paragraphs))


def sheet(*cells: str, name: str = "Sheet1") -> Draft:
    """A spreadsheet of one row of these cells (markup)."""
    row = "".join(cells)
    return document("ods", f'<table:table table:name="{name}"><table:table-row>{row}</table:table-row></table:table>')


def cell(said: str, formula: str = "") -> str:
    """A cell that shows a number."""
    stated = f' table:formula="{formula}"' if formula else ""
    return f'<table:table-cell office:value-type="float" office:value="{said}"{stated}><text:p>{said}</text:p></table:table-cell>'


def slide(content: str) -> Draft:
    """A presentation of one slide."""
    return document("odp", f'<draw:page draw:name="p" draw:master-page-name="m">{content}</draw:page>')


def frame(content: str) -> str:
    """A frame of a drawing."""
    return f'<draw:frame svg:width="2cm" svg:height="1cm">{content}</draw:frame>'


def image(href: str) -> str:
    """A picture in a frame."""
    return f'<draw:image xlink:href="{href}" xlink:type="simple"/>'


def formula(content: str = "<math:mi>x</math:mi>") -> Draft:
    """A formula of its own."""
    return Draft(MIME["odf"], {"content.xml": xml("math:math", f"<math:mrow>{content}</math:mrow>", "")})


def chart(title: str) -> dict[str, str | bytes]:
    """The members of a chart, named as in its folder."""
    body = (
        '<office:body><office:chart><chart:chart chart:class="chart:bar" xlink:href=".." xlink:type="simple">'
        f'<chart:title><text:p>{title}</text:p></chart:title><chart:plot-area table:cell-range-address="Sheet1.A1:.B2"/>'
        "</chart:chart></office:chart></office:body>"
    )
    return {"content.xml": xml("office:document-content", body), "styles.xml": xml("office:document-styles", "")}


def with_chart(title: str = "人口") -> Draft:
    """A spreadsheet with a chart and its preview."""
    shape = frame('<draw:object xlink:href="./Object 1"/>' + image("./ObjectReplacements/Object 1"))
    draft = sheet(cell("1"), f"<table:table-cell>{shape}</table:table-cell>")
    draft.add("ObjectReplacements/Object 1", png("blue"))
    for name, content in chart(title).items():
        draft.add(f"Object 1/{name}", content)
    return draft


def rebuilt(data: bytes, ending: str = "odt", limits: Limits | None = None, password: str | None = None) -> Rebuilt:
    """The file made anew."""
    made = rebuild(data, Job(MIME[ending], "rebuild", f"a.{ending}", password, limits or Limits()))
    assert isinstance(made, Rebuilt)
    return made


def members(data: bytes) -> dict[str, bytes]:
    """The members of a file, by name, in its order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def everything(data: bytes) -> str:
    """All that stands in a file: names and contents of its members."""
    return "".join(f"{name}\n{content.decode('latin-1')}\n" for name, content in members(data).items())


def kinds(made: Rebuilt) -> dict[str, int]:
    """What the report says, by kind."""
    return {one.kind: one.count for one in (*made.removed, *made.changed)}


# --- what may be hidden -----------------------------------------------------------------------------------------------

_EVENT = '<script:event-listener script:language="ooo:script" script:event-name="dom:load" xlink:href="vnd.sun.star.script:{0}?language=Basic"/>'
_SIMPLE: dict[str, tuple[str, Callable[[str], Draft]]] = {
    "event on opening": (
        "macro",
        lambda m: document(
            "odt",
            "",
            declarations=f"<office:scripts><office:event-listeners>{_EVENT.format(m)}</office:event-listeners></office:scripts>",
        ),
    ),
    "script": ("macro", lambda m: text(f'<text:script script:language="JavaScript">{m}</text:script>')),
    "macro on a shape": (
        "macro",
        lambda m: slide(f"<draw:rect><office:event-listeners>{_EVENT.format(m)}</office:event-listeners></draw:rect>"),
    ),
    "action of a slide": (
        "macro",
        lambda m: slide(
            f'<draw:rect><office:event-listeners><presentation:event-listener presentation:action="execute" xlink:href="{m}.exe"/></office:event-listeners></draw:rect>'
        ),
    ),
    "Basic": ("macro", lambda m: text("a").add("Basic/Standard/Module1.xba", m)),
    "Python": ("macro", lambda m: text("a").add("Scripts/python/a.py", m)),
    "menu": ("custom-interface", lambda m: text("a").add("Configurations2/menubar/menubar.xml", m)),
    "DDE source": (
        "data-connection",
        lambda m: document(
            "odt",
            f'<text:section text:name="s"><office:dde-source office:dde-application="{m}" office:dde-topic="t" office:dde-item="i"/><text:p>a</text:p></text:section>',
        ),
    ),
    "DDE links": (
        "data-connection",
        lambda m: document(
            "ods",
            f'<table:dde-links><table:dde-link><office:dde-source office:dde-application="{m}"/></table:dde-link></table:dde-links>',
        ),
    ),
    "DDE formula": (
        "formula-value",
        lambda m: sheet(cell("1", f"of:=DDE(&quot;{m}&quot;;&quot;a&quot;;&quot;b&quot;)")),
    ),
    "WEBSERVICE": ("formula-value", lambda m: sheet(cell("1", f"of:=WEBSERVICE(&quot;http://{m}/&quot;)"))),
    "foreign sheet": ("formula-value", lambda m: sheet(cell("1", f"of:=['file:///{m}.ods'#$A.A1]"))),
    "table source": (
        "external-reference",
        lambda m: document(
            "ods",
            f'<table:table table:name="s"><table:table-source xlink:href="http://x/{m}.ods" table:table-name="a"/></table:table>',
        ),
    ),
    "linked section": (
        "embedded-document",
        lambda m: document(
            "odt",
            f'<text:section text:name="s"><text:section-source xlink:href="../{m}.odt"/><text:p>a</text:p></text:section>',
        ),
    ),
    "floating frame": ("external-reference", lambda m: text(frame(f'<draw:floating-frame xlink:href="http://{m}/"/>'))),
    "plug-in": (
        "embedded-object",
        lambda m: text(frame(f'<draw:plugin xlink:href="http://{m}/" draw:mime-type="x"/>')),
    ),
    "applet": ("embedded-object", lambda m: text(frame(f'<draw:applet draw:code="{m}"/>'))),
    "OLE object": (
        "embedded-object",
        lambda m: text(frame('<draw:object-ole xlink:href="./Object 1"/>')).add(
            "Object 1", b"\xd0\xcf\x11\xe0" + m.encode()
        ),
    ),
    "embedded text": (
        "embedded-object",
        lambda m: text(frame('<draw:object xlink:href="./Object 1"/>')).add(
            "Object 1/content.xml", text(m).members["content.xml"]
        ),
    ),
    "picture outside": ("external-reference", lambda m: text(frame(image(f"http://{m}/a.png")))),
    "picture above": ("external-reference", lambda m: text(frame(image(f"../../{m}.png")))),
    "link to a script": ("link-target", lambda m: text(f'<text:a xlink:href="javascript:{m}">a</text:a>')),
    "link to a file": ("link-target", lambda m: text(f'<text:a xlink:href="file:///{m}">a</text:a>')),
    "macro link": (
        "link-target",
        lambda m: slide(f'<draw:a xlink:href="vnd.sun.star.script:{m}"><draw:rect/></draw:a>'),
    ),
    "database field": (
        "field-text",
        lambda m: text(
            f'<text:database-display text:database-name="{m}" text:table-name="t" text:column-name="c">a</text:database-display>'
        ),
    ),
    "form to submit": (
        "data-connection",
        lambda m: document(
            "odt",
            f'<office:forms><form:form form:name="f" form:datasource="{m}" xlink:href="http://{m}/"><form:text form:name="t" form:data-field="{m}"/></form:form></office:forms>',
        ),
    ),
    "file control": (
        "control",
        lambda m: document(
            "odt", f'<office:forms><form:form form:name="f"><form:file form:name="{m}"/></form:form></office:forms>'
        ),
    ),
    "sound": ("multimedia", lambda m: slide(f'<anim:par><anim:audio xlink:href="{m}.wav"/></anim:par>')),
    "verb of an object": ("multimedia", lambda m: slide(f'<anim:par><anim:command anim:command="{m}"/></anim:par>')),
    "deleted text": (
        "tracked-change",
        lambda m: document(
            "odt",
            f'<text:tracked-changes><text:changed-region text:id="c"><text:deletion><office:change-info><dc:creator>x</dc:creator></office:change-info><text:p>{m}</text:p></text:deletion></text:changed-region></text:tracked-changes><text:p>a<text:change text:change-id="c"/>b</text:p>',
        ),
    ),
    "hidden text": (
        "hidden-content",
        lambda m: text(
            f'a<text:hidden-text text:condition="ooow:1" text:string-value="{m}" text:is-hidden="true">{m}</text:hidden-text>'
        ),
    ),
    "author of a comment": (
        "comment-author",
        lambda m: text(
            f"a<office:annotation><dc:creator>{m}</dc:creator><dc:date>2026-01-01T00:00:00</dc:date><text:p>b</text:p></office:annotation>"
        ),
    ),
    "author field": (
        "field-text",
        lambda m: text(f'<text:author-name text:fixed="false" xml:id="{m}">a</text:author-name>'),
    ),
    "properties": (
        "document-info",
        lambda m: text("a").add(
            "meta.xml", xml("office:document-meta", f"<office:meta><dc:creator>{m}</dc:creator></office:meta>")
        ),
    ),
    "thumbnail": ("page-thumbnail", lambda m: text("a").add("Thumbnails/thumbnail.png", m)),
    "older version": ("older-revision", lambda m: text("a").add("Versions/Version1", m)),
    "signature": ("signature", lambda m: text("a").add("META-INF/documentsignatures.xml", m)),
    "metadata graph": ("private-data", lambda m: text("a").add("manifest.rdf", m)),
    "program": ("embedded-object", lambda m: text("a").add("a.exe", m)),
    "embedded font": (
        "embedded-font",
        lambda m: document(
            "odt",
            "",
            declarations=f'<office:font-face-decls><style:font-face style:name="a" svg:font-family="a"><svg:font-face-src><svg:font-face-uri xlink:href="{m}.ttf"/></svg:font-face-src></style:font-face></office:font-face-decls>',
        ),
    ),
    "foreign element": ("private-data", lambda m: text(f'a<x:y xmlns:x="urn:x">{m}</x:y>')),
    "password of a sheet": (
        "edit-password",
        lambda m: document("ods", f'<table:table table:name="s" table:protected="true" table:protection-key="{m}"/>'),
    ),
    "field of Word": (
        "field-text",
        lambda m: text(
            f'<field:fieldmark-start text:name="f" field:type="vnd.oasis.opendocument.field.UNHANDLED"><field:param field:name="code" field:value="{m}"/></field:fieldmark-start>DDEAUTO {m}<field:fieldmark-separator/>a<field:fieldmark-end/>'
        ),
    ),
}
HOSTILE = _SIMPLE
"""Name of a threat → (kind that the report names, how to build a file with it)."""


def hostile(name: str) -> Draft:
    """The file with that threat."""
    return HOSTILE[name][1](marker(name))


# --- encryption -------------------------------------------------------------------------------------------------------

_SALT, _ROUNDS = b"0123456789abcdef", 1000


def _entry(name: str, size: int, algorithm: str, iv: bytes, derivation: str, checksum: str) -> str:
    m = "manifest:"
    return (
        f'<{m}file-entry {m}full-path="{name}" {m}media-type="text/xml" {m}size="{size}"><{m}encryption-data {checksum}>'
        f'<{m}algorithm {m}algorithm-name="{algorithm}" {m}initialisation-vector="{base64.b64encode(iv).decode()}"/>'
        f'<{m}key-derivation {m}salt="{base64.b64encode(_SALT).decode()}" {derivation}/>'
        f'<{m}start-key-generation {m}start-key-generation-name="{{start}}" {m}key-size="32"/></{m}encryption-data></{m}file-entry>'
    )


def _sealed(scheme: str, password: str, content: bytes) -> tuple[bytes, str, bytes, str, str, str]:
    """(sealed, algorithm, iv, derivation, start key, checksum) of one member."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    pbkdf2 = f'manifest:key-derivation-name="PBKDF2" manifest:iteration-count="{_ROUNDS}" manifest:key-size="{{size}}"'
    sha256, sha1 = hashlib.sha256(password.encode()).digest(), hashlib.sha1(password.encode()).digest()
    if scheme == "aes":
        key, iv = hashlib.pbkdf2_hmac("sha1", sha256, _SALT, _ROUNDS, 32), b"i" * 16
        padding = 16 - len(packed) % 16
        cipher = Cipher(AES(key), CBC(iv)).encryptor()
        sealed = cipher.update(packed + b"\0" * (padding - 1) + bytes([padding])) + cipher.finalize()
        digest = base64.b64encode(hashlib.sha256(packed[:1024]).digest()).decode()
        checksum = f'manifest:checksum-type="{MANIFEST}#sha256-1k" manifest:checksum="{digest}"'
        return (
            sealed,
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            iv,
            pbkdf2.format(size=32),
            "http://www.w3.org/2000/09/xmldsig#sha256",
            checksum,
        )
    if scheme == "blowfish":
        key, iv = hashlib.pbkdf2_hmac("sha1", sha1, _SALT, _ROUNDS, 16), b"i" * 8
        cipher = Cipher(Blowfish(key), CFB(iv)).encryptor()
        digest = base64.b64encode(hashlib.sha1(packed[:1024]).digest()).decode()
        checksum = f'manifest:checksum-type="SHA1/1K" manifest:checksum="{digest}"'
        return cipher.update(packed) + cipher.finalize(), "Blowfish CFB", iv, pbkdf2.format(size=16), "SHA1", checksum
    key, iv = Argon2id(salt=_SALT, length=32, iterations=2, lanes=1, memory_cost=64).derive(sha256), b"n" * 12
    derivation = (
        'manifest:key-derivation-name="urn:org:documentfoundation:names:experimental:office:manifest:argon2id" manifest:key-size="32" '
        'loext:argon2-iterations="2" loext:argon2-memory="64" loext:argon2-lanes="1"'
    )
    sealed = iv + AESGCM(key).encrypt(iv, packed, None)
    return (
        sealed,
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        iv,
        derivation,
        "http://www.w3.org/2000/09/xmldsig#sha256",
        "",
    )


def encrypted(draft: Draft, password: str, scheme: str = "aes") -> bytes:
    """The file sealed as ODF 1.2 (``aes``), ODF 1.1 (``blowfish``) or LibreOffice since 2024 (``package``) do."""
    inner: dict[str, str | bytes] = {"encrypted-package": draft.data()} if scheme == "package" else draft.members
    sealed: dict[str, str | bytes] = {"mimetype": draft.mime}
    entries = ""
    for name, content in inner.items():
        plain = content.encode() if isinstance(content, str) else content
        body, algorithm, iv, derivation, start, checksum = _sealed(scheme, password, plain)
        sealed[name] = body
        entries += _entry(name, len(plain), algorithm, iv, derivation, checksum).replace("{start}", start)
    spaces = f'xmlns:manifest="{MANIFEST}" xmlns:loext="{NAMESPACES["loext"]}"'
    sealed["META-INF/manifest.xml"] = (
        f'<manifest:manifest {spaces} manifest:version="1.3">{entries}</manifest:manifest>'
    )
    return zipped(sealed)
