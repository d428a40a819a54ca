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

from sanitizer import containers, kinds
from sanitizer.formats.base import Refused

try:
    import magic as _magic

    _libmagic: _magic.Magic | None = _magic.Magic(mime=True)
except (ImportError, OSError):  # the system has no libmagic: our own signatures remain
    _libmagic = None

_LOOK = 1 << 16  # bytes that libmagic gets to see
_ENCODINGS = ("utf-8", "cp932", "euc_jp", "iso2022_jp")
_TEXT = 1 << 20  # bytes that are tried as text
_BITMAP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LHA = re.compile(rb"..-l[hz][0-9sd]-", re.DOTALL)
_MP3 = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f]")
_MARKUP = re.compile(
    rb"\s*(?:<!doctype\s+html|<html|<head|<body|<script|<meta|<iframe|<table|<div|<!--[^>]*-->\s*<html)", re.IGNORECASE
)
_SVG = re.compile(rb"<(?:\w+:)?svg[\s>]", re.IGNORECASE)
_MAIL = re.compile(
    rb"From |(?:Received|Return-Path|Delivered-To|From|To|Subject|Date|Message-ID|MIME-Version|Content-Type|X-[\w-]+):",
    re.IGNORECASE,
)
# what Excel or Word would read as something else than text, whatever the name says
_TEXT_IN_DISGUISE = (
    (re.compile(rb"ID;P"), "application/x-sylk"),
    (re.compile(rb"\s*\{\\rt"), "application/rtf"),
    (_MARKUP, "text/html"),
    (re.compile(rb"\s*<\?xml|\s*<\?mso-"), "application/xml"),
    (re.compile(rb"MIME-Version:", re.IGNORECASE), "message/rfc822"),
)
# types of which we know little more than the name; all of them are refused unless they pass untouched
_BY_NAME = frozenset(
    {
        "application/vnd.fujifilm.docuworks",
        "application/x-ichitaro",
        "application/x-jww",
        "application/x-sxf",
        "audio/aac",
        "image/vnd.dwg",
        "image/vnd.dxf",
    }
)
_TEXT_BY_NAME = frozenset(
    {
        "application/x-sxf",
        "application/x-sylk",
        "application/xml",
        "image/vnd.dxf",
        "text/calendar",
        "text/html",
        "text/vcard",
    }
)
_UNSUPPORTED = (
    ("application/vnd.openxmlformats-", "unsupported-office"),
    ("application/x-encrypted-office", "unsupported-office"),
    ("application/x-ooxml", "unsupported-office"),
    ("application/vnd.ms-outlook", "unsupported-mail"),
    ("application/msword", "unsupported-legacy-office"),
    ("application/x-ole-storage", "unsupported-legacy-office"),
    ("application/vnd.oasis.opendocument.", "unsupported-opendocument"),
    ("application/rtf", "unsupported-rtf"),
    ("text/html", "unsupported-html"),
    ("message/rfc822", "unsupported-mail"),
    ("image/svg+xml", "unsupported-svg"),
    ("image/heif", "unsupported-heif"),
    ("image/avif", "unsupported-heif"),
    ("image/vnd.dxf", "unsupported-cad"),
    ("image/vnd.dwg", "unsupported-cad"),
    ("application/x-jww", "unsupported-cad"),
    ("application/x-sxf", "unsupported-cad"),
    ("application/x-ichitaro", "unsupported-ichitaro"),
    ("application/vnd.fujifilm.docuworks", "unsupported-docuworks"),
    ("application/zip", "unsupported-archive"),
    ("application/x-zip", "unsupported-archive"),
    ("application/x-lzh", "unsupported-archive"),
    ("application/x-7z", "unsupported-archive"),
    ("application/vnd.rar", "unsupported-archive"),
    ("application/gzip", "unsupported-archive"),
    ("application/x-bzip2", "unsupported-archive"),
    ("application/x-xz", "unsupported-archive"),
    ("application/x-tar", "unsupported-archive"),
    ("audio/", "unsupported-media"),
    ("video/", "unsupported-media"),
    ("image/", "unsupported-image"),
)


@dataclass(frozen=True, slots=True)
class Identified:
    """A file whose bytes, structure and name agree. ``mime`` may still be a type that cannot be rebuilt."""

    mime: str


_EXECUTABLE: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "ELF"),
    (b"\xfe\xed\xfa\xce", "Mach-O"),
    (b"\xfe\xed\xfa\xcf", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\xca\xfe\xba\xbe", "Java class or Mach-O"),
    (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", "Windows shortcut"),
    (b"#!", "script"),
    (b"\xef\xbb\xbf#!", "script"),
    (b"dex\n03", "Android program"),
    (b"\0asm", "WebAssembly"),
    (b"ITSF\x03\0\0\0", "compiled HTML help"),
    (b"MSCF\0\0\0\0", "Windows cabinet"),
    (b"!<arch>\n", "program library or package"),
    (b"\xed\xab\xee\xdb", "RPM package"),
    (b"[InternetShortcut]", "internet shortcut"),
    (b"[Desktop Entry]", "desktop shortcut"),
    (b"Windows Registry Editor", "registry file"),
    (b"REGEDIT4", "registry file"),
)

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"II+\0", "image/tiff"),
    (0, b"MM\0+", "image/tiff"),
    (0, b"{\\rt", "application/rtf"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (257, b"ustar", "application/x-tar"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (0, b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel", "video/x-ms-asf"),
    (0, b"JwwData.", "application/x-jww"),
    (0, b"AC10", "image/vnd.dwg"),
    (0, b"%!PS", "application/postscript"),
    (0, b"\xc5\xd0\xd3\xc6", "application/postscript"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\xd7\xcd\xc6\x9a", "image/wmf"),
    (40, b" EMF", "image/emf"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x4f\xff\x51", "image/jp2"),
    (0, b"\x60\x0e\x82\x82", "application/vnd.fujifilm.docuworks"),
)


def identify(data: bytes, name: str) -> Identified:
    """The type of a file on which bytes, structure and name agree; ``name`` is as received, without folders. Raises
    ``Refused`` with ``empty``, ``executable``, ``type-mismatch``, ``unknown-type`` or ``unreadable``."""
    if not data:
        raise Refused("empty")
    _refuse_programs(data, name)
    mime = _by_bytes(data) or _by_text(data, name) or _by_name(data, name)
    if mime is None:
        raise _stranger(data)
    return Identified(_agreed(mime, name))


def unsupported(mime: str) -> str:
    """The refusal code for a type that cannot be rebuilt: each says what to send instead."""
    if mime.endswith(".12"):
        return "unsupported-office"
    if mime.startswith(("application/vnd.ms-excel", "application/vnd.ms-powerpoint")):
        return "unsupported-legacy-office"
    return next((code for prefix, code in _UNSUPPORTED if mime.startswith(prefix)), "unsupported")


def _refuse_programs(data: bytes, name: str) -> None:
    found = next((what for magic, what in _EXECUTABLE if data.startswith(magic)), None)
    if found is None and data[:2] == b"MZ" and _is_dos_program(data):
        found = "Windows program"
    if found:
        raise Refused("executable", found)
    if kinds.ending(name) in kinds.EXECUTABLE_ENDINGS:
        raise Refused("executable", f"name .{kinds.ending(name)}")


def _is_dos_program(data: bytes) -> bool:
    """MZ alone may begin a text; a program has binary counts behind it."""
    return any(byte < 9 for byte in data[2:64])


def _by_bytes(data: bytes) -> str | None:
    mime = _signature(data)
    at = data.find(b"%PDF-", 0, 1029)
    if at < 0:
        return mime
    if mime is not None:
        raise Refused("type-mismatch", f"begins as {mime}, goes on as application/pdf")
    return "application/pdf"


def _signature(data: bytes) -> str | None:
    """The type by its first bytes, borne out by the structure behind them."""
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return containers.zip_type(data)
    if data.startswith(_OLE):
        return containers.ole_type(data)
    if data[:2] == b"BM" and len(data) > 18 and struct.unpack_from("<I", data, 14)[0] in _BITMAP_HEADERS:
        return "image/bmp"
    if _LHA.match(data):
        return "application/x-lzh"
    listed = next((mime for at, magic, mime in _MAGIC if data.startswith(magic, at)), None)
    return listed or containers.box_type(data) or containers.riff_type(data)


def _by_text(data: bytes, name: str) -> str | None:
    """Text, and what kind of text the name makes it; None if it is not text."""
    if not is_text(data):
        return None
    wanted = kinds.types_of(name)
    if "text/csv" in wanted or "text/tab-separated-values" in wanted:
        disguise = next((mime for pattern, mime in _TEXT_IN_DISGUISE if pattern.match(data)), None)
        return disguise or next(iter(wanted))
    if "image/svg+xml" in wanted:
        return "image/svg+xml" if _SVG.search(data, 0, _LOOK) else "text/plain"
    if "message/rfc822" in wanted:
        return "message/rfc822" if _MAIL.match(data.lstrip()) else "text/plain"
    named = wanted & _TEXT_BY_NAME
    return next(iter(named), "text/plain")


def is_text(data: bytes) -> bool:
    """True if the beginning decodes in one of the encodings of this country without control characters."""
    head = data[:_TEXT]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decodes(head, "utf-16", len(data) > _TEXT)
    return any(_decodes(head, encoding, len(data) > _TEXT) for encoding in _ENCODINGS)


def _decodes(head: bytes, encoding: str, cut: bool) -> bool:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=not cut)
    except UnicodeDecodeError:
        return False
    return not _FORBIDDEN.search(text.rstrip("\x1a"))


def _by_name(data: bytes, name: str) -> str | None:
    """Formats without a dependable signature, believed by their name."""
    if _MP3.match(data) and "audio/mpeg" in kinds.types_of(name):
        return "audio/mpeg"
    return next(iter(kinds.types_of(name) & _BY_NAME), None)


def _agreed(mime: str, name: str) -> str:
    """The type if the name agrees with it; a name without a known ending agrees with everything."""
    wanted = kinds.types_of(name)
    if mime == "application/x-encrypted-office":
        mime = next((kind for kind in wanted if unsupported(kind) == "unsupported-office"), mime)
    if wanted and mime not in wanted and not _same_container(mime, wanted):
        raise Refused("type-mismatch", f"name .{kinds.ending(name)}, contents {mime}")
    return mime


def _same_container(mime: str, wanted: frozenset[str]) -> bool:
    """A package whose purpose we cannot tell agrees with a name of its container."""
    if mime == "application/x-zip-with-programs":
        return "application/zip" in wanted
    families = {"application/x-ooxml": "unsupported-office", "application/x-ole-storage": "unsupported-legacy-office"}
    return mime in families and families[mime] in {unsupported(kind) for kind in wanted}


def _stranger(data: bytes) -> Refused:
    """What to say about a file that nothing here knows; libmagic may have a name for it."""
    if _libmagic is None:
        return Refused("unknown-type")
    guess = _libmagic.from_buffer(data[:_LOOK])
    if "exec" in guess or "sharedlib" in guess or "x-object" in guess or "script" in guess:
        return Refused("executable", guess)
    return Refused("unknown-type", guess)
