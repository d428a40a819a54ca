"""What a file is: from its bytes, its structure and its name together (jailed side).

Rules kept here:

- Programs, scripts and shortcuts are refused whatever they are called, and so is whatever is called like one.
- The type comes from the bytes; the structure must bear it out (a ZIP is a Word document because of its parts); the
  name must agree. If they disagree the refusal says what says what.
- Text is what decodes as UTF-8, UTF-16 with a mark, Shift_JIS (CP932), EUC-JP or ISO-2022-JP without control
  characters; only the name tells CSV from plain text.
- libmagic is asked last, for what is not known here; it only ever turns a file away.

>>> identify(b"%PDF-1.7\\n1 0 obj\\n<<>>\\nendobj\\n%%EOF", "a.pdf").mime
'application/pdf'
"""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass

from sanitizer import containers, kinds, signatures
from sanitizer.formats.base import Refused

try:
    import magic as _magic

    _libmagic: _magic.Magic | None = _magic.Magic(mime=True)
except (ImportError, OSError):  # the system has no libmagic: our own signatures remain
    _libmagic = None

_LOOK = 1 << 16  # bytes that libmagic gets to see
_ENCODINGS = ("utf-8", "cp932", "euc_jp", "iso2022_jp")
_TEXT = 1 << 20  # bytes that are tried as text
_JUNK = 1029  # a PDF header counts if it begins within the first 1,024 bytes
_ZIP_END = 66_000  # the end record of a ZIP is within its last 65,557 bytes
_ZIPPED = ("application/zip", "application/vnd.openxml", "application/vnd.oasis", "application/vnd.ms-")
_BITMAP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LHA = re.compile(rb"..-l[hz][0-9sd]-", re.DOTALL)
_MP3 = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]")
_PACKETS = re.compile(
    rb"(?:G.{187}){3}G|(?:.{4}G.{187}){3}.{4}G", re.DOTALL
)  # of 188 bytes, or with a time before each
_FORBIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f]")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_MARKUP = re.compile(
    rb"\s*(?:<!doctype\s+html|<html|<head|<body|<script|<meta|<iframe|<table|<div|<!--[^>]*-->\s*<html)", re.IGNORECASE
)
_SVG = re.compile(rb"<(?:\w+:)?svg[\s>]", re.IGNORECASE)
_MAIL = re.compile(
    rb"^From |^(?:Received|Return-Path|Delivered-To|From|To|Subject|Date|Message-ID|MIME-Version|X-[\w-]+):",
    re.IGNORECASE | re.MULTILINE,
)
# a message without a name that says so: it begins with fields, and three of these are among them
_MAIL_FIELDS = re.compile(rb"(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*){3,200}", re.DOTALL)
_MAIL_NAMES = re.compile(rb"^(From|To|Subject|Date|Message-ID|MIME-Version|Received):", re.IGNORECASE | re.MULTILINE)
OFFICE_XML = frozenset({kinds.WORDML, kinds.SPREADSHEETML, kinds.FLAT_OPC})
_XML_PRELUDE = re.compile(rb"<\?.*?\?>|<!--.*?-->", re.DOTALL)
_ROOT = re.compile(rb"\s*<([\w:.-]+)([^>]*)")
_OFFICE_ROOTS = (
    (b"wordDocument", b"http://schemas.microsoft.com/office/word/2003/wordml", kinds.WORDML),
    (b"Workbook", b"urn:schemas-microsoft-com:office:spreadsheet", kinds.SPREADSHEETML),
    (b"package", b"http://schemas.microsoft.com/office/2006/xmlPackage", kinds.FLAT_OPC),
)
# what Excel or Word would read as something else than text, whatever the name says
_TEXT_IN_DISGUISE = (
    (re.compile(rb"ID;P"), "application/x-sylk"),
    (re.compile(rb"\s*\{\\rt"), "application/rtf"),
    (_MARKUP, "text/html"),
    (re.compile(rb"\s*<\?xml|\s*<\?mso-"), "application/xml"),
    (re.compile(rb"MIME-Version:", re.IGNORECASE), "message/rfc822"),
)


@dataclass(frozen=True, slots=True)
class Identified:
    """A file whose bytes, structure and name agree. ``mime`` may still be a type that cannot be rebuilt."""

    mime: str


def identify(data: bytes, name: str, *, as_is: bool = False) -> Identified:
    """The type of a file on which bytes, structure and name agree; ``name`` is as received. ``as_is``: the received
    bytes will be served, so nothing foreign may stand before the type's own beginning. Raises ``Refused`` with
    ``empty``, ``executable``, ``type-mismatch``, ``unknown-type`` or ``unreadable``."""
    if not data:
        raise Refused("empty")
    _refuse_programs(data, name)
    mime = _by_bytes(data, name) or _by_middle(data, name, as_is) or _by_text(data, name) or _by_name(data, name)
    if mime is None:
        raise _stranger(data)
    agreed = _agreed(mime, name)
    if as_is and agreed == "application/x-zip-with-programs":
        raise Refused("executable", "program in a zip")
    return Identified(agreed)


def _refuse_programs(data: bytes, name: str) -> None:
    known = not data.startswith(signatures.SOUND_LIKE_A_SCRIPT)
    found = next((what for magic, what in signatures.EXECUTABLE if known and data.startswith(magic)), None)
    if found is None and data[:2] == b"MZ" and _is_dos_program(data):
        found = "Windows program"
    if found:
        raise Refused("executable", found)
    if kinds.ending(name) in kinds.EXECUTABLE_ENDINGS:
        raise Refused("executable", f"name .{kinds.ending(name)}")


def _is_dos_program(data: bytes) -> bool:
    """MZ alone may begin a text, or be put before a PDF; a program has its header where the MZ header says."""
    if len(data) < 64:
        return False
    (header,) = struct.unpack_from("<I", data, 60)
    windows = data[header : header + 2] in (b"PE", b"NE", b"LE", b"LX")
    return windows or (b"%PDF-" not in data[:_JUNK] and any(byte < 9 for byte in data[2:64]))


def _by_bytes(data: bytes, name: str) -> str | None:
    mime = "application/pdf" if data.startswith(b"%PDF-") else _signature(data, name)
    own = mime is None or mime == "application/pdf" or mime in kinds.CONTAINERS  # which may begin with a stored PDF
    if not own and b"%PDF-" in data[:_JUNK]:
        raise Refused("type-mismatch", f"begins as {mime}, goes on as application/pdf")
    return mime


def _by_middle(data: bytes, name: str, as_is: bool) -> str | None:
    """A type that readers find behind foreign bytes: a PDF whose header comes late, a ZIP whose directory is at the
    end."""
    zipped = any(mime.startswith(_ZIPPED) for mime in kinds.types_of(name))
    if b"%PDF-" in data[:_JUNK]:
        mime = "application/pdf"
    elif zipped and b"PK\x05\x06" in data[-_ZIP_END:]:
        mime = containers.zip_type(data)
    else:
        return None
    if as_is:
        raise Refused("type-mismatch", f"foreign bytes before {mime}")
    return mime


def _signature(data: bytes, name: str) -> str | None:
    """The type by its first bytes, borne out by the structure behind them."""
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return containers.zip_type(data)
    if data.startswith(_OLE):
        return containers.ole_type(data, kinds.types_of(name))
    if data[:2] == b"BM" and len(data) > 18 and struct.unpack_from("<I", data, 14)[0] in _BITMAP_HEADERS:
        return "image/bmp"
    if _LHA.match(data):
        return "application/x-lzh"
    listed = next((mime for at, magic, mime in signatures.MAGIC if data.startswith(magic, at)), None)
    if listed is None and _PACKETS.match(data):
        return "video/mp2t"
    return listed or containers.box_type(data) or containers.riff_type(data)


def _by_text(data: bytes, name: str) -> str | None:
    """Text, and what kind of text the name makes it; None if it is not text."""
    wanted = kinds.types_of(name)
    if not wanted and _is_mail(data):
        return "message/rfc822"
    if not is_text(data) and not (wanted & signatures.ANY_TEXT and _could_be_text(data)):
        return None
    if data.startswith(signatures.PROGRAM_IN_TEXT):
        raise Refused("executable", "anti-virus test program")
    if "text/csv" in wanted or "text/tab-separated-values" in wanted:
        disguise = next((mime for pattern, mime in _TEXT_IN_DISGUISE if pattern.match(_beginning(data))), None)
        return disguise or next(iter(wanted))
    if "image/svg+xml" in wanted:
        return "image/svg+xml" if _SVG.search(_beginning(data, _LOOK)) else "text/plain"
    if wanted & OFFICE_XML:
        plain = "application/xml" if "application/xml" in wanted else "text/plain"
        return _office_xml(_beginning(data, 4096)) or plain
    if "message/rfc822" in wanted:
        return "message/rfc822" if _MAIL.search(data, 0, _LOOK) else "text/plain"
    named = wanted & signatures.TEXT_BY_NAME
    return next(iter(named), "text/plain")


def _is_mail(data: bytes) -> bool:
    """Whether a file without a telling name is a message all the same."""
    fields = _MAIL_FIELDS.match(data[:_LOOK])
    return fields is not None and len({match.lower() for match in _MAIL_NAMES.findall(fields[0])}) >= 3


def _office_xml(head: bytes) -> str | None:
    """Which Office program wrote an XML document, by its root."""
    found = _ROOT.search(_XML_PRELUDE.sub(b"", head))
    if found is None:
        return None
    name, attributes = found[1].rpartition(b":")[2], found[2]
    return next((mime for root, space, mime in _OFFICE_ROOTS if name == root and space in attributes), None)


def _beginning(data: bytes, count: int = 1024) -> bytes:
    """The first characters as ASCII-compatible bytes, without a byte order mark."""
    head = data[:count]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head[: len(head) & ~1].decode("utf-16", "replace").encode()
    return head.removeprefix(b"\xef\xbb\xbf")


def is_text(data: bytes) -> bool:
    """True if the beginning decodes in one of the encodings of this country without control characters."""
    head = data[:_TEXT]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decodes(head, "utf-16", len(data) > _TEXT)
    return any(_decodes(head, encoding, len(data) > _TEXT) for encoding in _ENCODINGS)


def _could_be_text(data: bytes) -> bool:
    """Called text, and mostly readable: an unknown encoding, or some control characters. The text module decides."""
    head = data[:_TEXT]
    return len(_CONTROLS.findall(head)) * 5 <= len(head)


def _decodes(head: bytes, encoding: str, cut: bool) -> bool:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=not cut)
    except UnicodeDecodeError:
        return False
    return not _FORBIDDEN.search(text.rstrip("\x1a"))


def _by_name(data: bytes, name: str) -> str | None:
    """Formats without a dependable signature, believed by their name."""
    if "audio/mpeg" in kinds.types_of(name) and _MP3.match(data[:_LOOK].lstrip(b"\0")):
        return "audio/mpeg"
    return next(iter(kinds.types_of(name) & signatures.BY_NAME), None)


def _agreed(mime: str, name: str) -> str:
    """The type if the name agrees with it; a name without a known ending agrees with everything."""
    wanted = kinds.types_of(name)
    if mime == "application/x-encrypted-office":
        if any(signatures.unsupported(kind) == "unsupported-legacy-office" for kind in wanted):
            return mime  # whatever the name says, what is inside is a package
        mime = next((kind for kind in wanted if signatures.unsupported(kind) == "unsupported-office"), mime)
    if wanted and mime not in wanted and (twin := signatures.TWINS.get(mime)) is not None and wanted & twin:
        return next(iter(wanted & twin))  # a document and its template differ in one word
    if wanted and mime not in wanted and not _same_container(mime, wanted):
        raise Refused("type-mismatch", f"name .{kinds.ending(name)}, contents {mime}")
    return mime


def _same_container(mime: str, wanted: frozenset[str]) -> bool:
    """A package whose purpose we cannot tell agrees with a name of its container."""
    if mime == "application/x-zip-with-programs":
        return "application/zip" in wanted
    families = {"application/x-ooxml": "unsupported-office", "application/x-ole-storage": "unsupported-legacy-office"}
    return mime in families and families[mime] in {signatures.unsupported(kind) for kind in wanted}


def _stranger(data: bytes) -> Refused:
    """What to say about a file that nothing here knows; libmagic may have a name for it."""
    if _libmagic is None:
        return Refused("unknown-type")
    guess = _libmagic.from_buffer(data[:_LOOK])
    if "exec" in guess or "sharedlib" in guess or "x-object" in guess or "script" in guess:
        return Refused("executable", guess)
    return Refused("unknown-type", guess)
