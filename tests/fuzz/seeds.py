"""What mutations begin with: files that this repository makes itself, for every media type of both tables.

Rules kept here:

- No file of elsewhere: what tests, demo and warm-up make, and small files of formats that only come in, made here.
- A type without a seed of its own begins with those of the other types of its module, and in the last resort with
  texts; so that a line in ``FORMATS`` or ``VERIFIERS`` is enough for a target.

>>> set(received()) == set(FORMATS) and set(accepted()) == set(VERIFIERS)
True
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from fuzz import zips
from support import archive_samples, mail_samples, odf_samples, ooxml_samples
from support.canonical_ooxml import SHEET, SLIDES, WORD
from support.heic_samples import CUT_OUT, PHOTO
from support.metafile_samples import emf
from support.received_pdf import benign, everything
from support.verified_samples import RECEIVED, samples

from ops.demo_data import files
from sanitizer import kinds
from sanitizer.formats import FORMATS
from sanitizer.verify import VERIFIERS

Seed = tuple[str, bytes]
"""A file name and bytes."""

WARM = Path(__file__).parents[2] / "sanitizer" / "warm"
TEXT = "霞ヶ浜市のお知らせ\n".encode()
PAGE = "<!DOCTYPE html><title>お知らせ</title><p onclick='x()'>休館日<script>x()</script>".encode()
RTF = rb"{\rtf1\ansi\deff0{\fonttbl{\f0 Noto Sans CJK JP;}}\f0\fs24 \u24066?\u38263?{\object\objdata 00}\par}"
SYLK = b'ID;PWXL;N;E\r\nC;Y1;X1;K"a"\r\nC;Y1;X2;K42;E6*7\r\nNN;NAuto_open;ER1C1\r\nE\r\n'
WORDML = (
    '<?xml version="1.0"?><w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:docSuppData>'
    '<w:binData w:name="editdata.mso">AAAA</w:binData></w:docSuppData><w:body><w:p><w:r><w:t>届出書</w:t></w:r></w:p>'
    "</w:body></w:wordDocument>"
).encode()
SPREADSHEETML = (
    '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
    ' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="a"><Table><Row>'
    '<Cell ss:Formula="=1+1"><Data ss:Type="String">一覧</Data></Cell></Row></Table></Worksheet></Workbook>'
).encode()
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY;LANGUAGE=ja:会議\r\nDTSTART;TZID=Asia/Tokyo:20261122T100000\r\n"
    "RRULE:FREQ=WEEKLY;COUNT=3\r\nATTACH:file:///a\r\nBEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
).encode()
CARD = b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=8D=B2=93=A1\r\nEND:VCARD\r\n"


def wmf() -> bytes:
    """[MS-WMF] with a placeable header: window, rectangle, end."""
    head = struct.pack("<IHhhhhHI", 0x9AC6CDD7, 0, 0, 0, 100, 100, 96, 0)
    check = 0
    for (word,) in struct.iter_unpack("<H", head):
        check ^= word
    records = struct.pack("<IH2h", 5, 0x20C, 100, 100) + struct.pack("<IH4h", 7, 0x41B, 90, 90, 10, 10)
    records += struct.pack("<IH", 3, 0)
    size = (18 + len(records)) // 2
    return head + struct.pack("<H", check) + struct.pack("<HHHIHIH", 1, 9, 0x300, size, 0, 7, 0) + records


def workbook() -> bytes:
    """[MS-XLS] as far as it is read before a conversion: globals with a sheet, a formula that calls out, the end."""

    def record(kind: int, body: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    start = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    sheet = record(0x85, struct.pack("<IHBB", 100, 0, 1, 0) + b"a")
    cells = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)) + record(6, bytes(20) + b"\x1e\1\0")
    return start + sheet + record(0x0A) + cells + record(0x0A)


def tar() -> bytes:
    """A folder, a text, a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("総務", tarfile.DIRTYPE), ("総務/a.txt", tarfile.REGTYPE), ("b", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, 6 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"hello\n"))
    return out.getvalue()


def flat_package(package: bytes) -> bytes:
    """The XML parts of a package as one document (``pkg:package``)."""
    parts = []
    for name, content in ooxml_samples.members(package).items():
        kind = (
            "application/vnd.openxmlformats-package.relationships+xml" if name.endswith(".rels") else "application/xml"
        )
        if name == "word/document.xml":
            kind = f"{WORD}.main+xml"
        if name.endswith((".xml", ".rels")) and name != "[Content_Types].xml":
            inner = content.decode().partition("?>")[2] if content.startswith(b"<?xml") else content.decode()
            parts.append(
                f'<pkg:part pkg:name="/{name}" pkg:contentType="{kind}"><pkg:xmlData>{inner}</pkg:xmlData></pkg:part>'
            )
    space = "http://schemas.microsoft.com/office/2006/xmlPackage"
    head = '<?xml version="1.0" standalone="yes"?><?mso-application progid="Word.Document"?>'
    return f'{head}<pkg:package xmlns:pkg="{space}">{"".join(parts)}</pkg:package>'.encode()


def _archives() -> dict[str, list[bytes]]:
    members = (("総務/お知らせ.txt", TEXT), ("b.csv", b"1,=1+1\r\n"), ("page.html", PAGE))
    inner = archive_samples.zip_of(("a.txt", b"a"))
    lzh = [archive_samples.lzh_of((b"a.txt", b"hello"), (b"b.csv", b"1,2"), level=level) for level in range(4)]
    methods = ("lzma", "lzma2", "bzip2", "deflate", "copy")
    return {
        "application/zip": [archive_samples.zip_of(*members, ("in.zip", inner), ("空/", b"")), inner],
        "application/x-zip-with-programs": [archive_samples.zip_of(("a.exe", b"MZ"), ("a.txt", b"a"))],
        "application/x-lzh": lzh,
        "application/x-7z-compressed": [archive_samples.seven_zip_of(*members, method=method) for method in methods],
        "application/x-tar": [tar()],
        "application/gzip": [gzip.compress(tar(), mtime=0), gzip.compress(TEXT, mtime=0)],
        "application/x-bzip2": [bz2.compress(tar()), bz2.compress(TEXT)],
        "application/x-xz": [lzma.compress(tar()), lzma.compress(TEXT)],
        "application/vnd.rar": [
            b"Rar!\x1a\7\0\xcf\x90\x73\0\0\x0d\0\0\0\0\0\0\0",
            b"Rar!\x1a\7\1\0\x33\x92\xb5\xe5\x0a\1\5\6\0",
        ],
    }


@cache
def _office() -> dict[str, list[bytes]]:
    """Documents as received, with much of what does not leave."""
    hostile = {name: ooxml_samples.hostile(name) for name in ooxml_samples.HOSTILE}
    by_main = {mark: [data for data in hostile.values() if mark in data] for mark in (b"word/", b"xl/", b"ppt/")}
    word = by_main[b"word/"]
    return {
        WORD: word,
        SHEET: by_main[b"xl/"],
        SLIDES: by_main[b"ppt/"],
        "application/x-encrypted-office": [ooxml_samples.encrypted(word[0], "合言葉")],
        "application/x-flat-opc": [flat_package(data) for data in word[:4]],
    }


def _macros() -> dict[str, list[bytes]]:
    """Packages that say of themselves that they may hold macros, and the one whose purpose nobody can tell."""
    plain = {"word": WORD, "excel": SHEET, "powerpoint": SLIDES}
    found = {"application/x-ooxml": [_retyped(data, b"document.main", b"strange.main") for data in _office()[WORD][:2]]}
    for mime in FORMATS:
        if mime.endswith(".macroenabled.12"):
            family = next(name for name in plain if name in mime)
            stated = mime.removesuffix(".macroenabled.12").encode() + b".macroEnabled.main+xml"
            old = f"{plain[family]}.main+xml".encode()
            found[mime] = [_retyped(data, old, stated) for data in _office()[plain[family]][:8]]
    return found


def _retyped(package: bytes, old: bytes, new: bytes) -> bytes:
    members = zips.read(package) or []
    return zips.write(
        [one.holding(one.content.replace(old, new)) if one.name == b"[Content_Types].xml" else one for one in members]
    )


def _open() -> dict[str, list[bytes]]:
    found = dict[str, list[bytes]]()
    for name in odf_samples.HOSTILE:
        draft = odf_samples.hostile(name)
        found.setdefault(draft.mime, []).append(draft.data())
    found.setdefault("application/vnd.oasis.opendocument.text", []).append(odf_samples.with_chart().data())
    return found


def _mail() -> dict[str, list[bytes]]:
    message = mail_samples.mail(
        mail_samples.many(
            "mixed",
            mail_samples.part("text/html; charset=utf-8", PAGE),
            mail_samples.part("application/zip", archive_samples.zip_of(("a.txt", b"a"))),
            mail_samples.attached("届.png", mail_samples.picture()),
            mail_samples.attached("winmail.dat", mail_samples.envelope(("a.txt", b"a"))),
        )
    )
    note = mail_samples.outlook(
        {0x0037001F: "件名", 0x1000001F: "本文", 0x10090102: mail_samples.rich_text(RTF)},
        files=[mail_samples.file_of("a.txt", TEXT)],
    )
    return {"message/rfc822": [message], "application/vnd.ms-outlook": [note]}


@cache
def received() -> Mapping[str, tuple[Seed, ...]]:
    """Media type of ``FORMATS`` → files that may come."""
    pictures = {
        "image/heif": [PHOTO, CUT_OUT],
        "image/emf": [emf(), emf(known=True)],
        "image/wmf": [wmf()],
        "image/svg+xml": RECEIVED["image/svg+xml"],
    }
    texts = {
        "application/xhtml+xml": [PAGE],
        "text/html": [PAGE, PAGE.decode().encode("cp932"), *RECEIVED["text/html"]],
        "text/plain": [*RECEIVED["text/plain"], "お知らせ\n".encode("iso2022_jp")],
        "text/csv": [files.stock_list(), *RECEIVED["text/csv"]],
        "text/calendar": [CALENDAR],
        "text/vcard": [CARD, *RECEIVED["text/vcard"]],
    }
    word = {"WordDocument": struct.pack("<HH", 0xA5EC, 0xC1), "1Table": b""}
    legacy = {
        "application/rtf": [RTF],
        "application/x-sylk": [SYLK],
        kinds.WORDML: [WORDML],
        kinds.SPREADSHEETML: [SPREADSHEETML],
        "application/msword": [ooxml_samples.compound_file(word)],
        "application/vnd.ms-excel": [ooxml_samples.compound_file({"Workbook": workbook()})],
        "application/vnd.ms-powerpoint": [ooxml_samples.compound_file({"PowerPoint Document": bytes(64)})],
    }
    pages = {"application/pdf": [everything(), benign()]}
    own = [samples(), pictures, texts, legacy, pages, _archives(), _office(), _macros(), _open(), _mail(), _warm()]
    return _named(FORMATS, own)


@cache
def accepted() -> Mapping[str, tuple[Seed, ...]]:
    """Media type of ``VERIFIERS`` → files that its verifier accepts."""
    return _named(VERIFIERS, [samples()])


def _warm() -> dict[str, list[bytes]]:
    found = dict[str, list[bytes]]()
    for path in sorted(WARM.glob("sample.*")):
        found.setdefault(next(iter(kinds.types_of(path.name))), []).append(path.read_bytes())
    return found


def _timeless(data: bytes) -> bytes:
    """A ZIP without the time at which it was made, so that seeds are the same every day."""
    members = zips.read(data) if data.startswith(b"PK") else None
    if not members:
        return data
    return zips.write([replace(one, local=(*one.local[:2], 0, 33)) for one in members])


def _named(table: Mapping[str, str], found: list[dict[str, list[bytes]]]) -> dict[str, tuple[Seed, ...]]:
    own = {mime: [_timeless(data) for group in found for data in group.get(mime, [])] for mime in table}
    kin = {module: [data for mime in table if table[mime] == module for data in own[mime]] for module in table.values()}
    return {
        mime: tuple((f"a.{kinds.ending_of(mime)}", data) for data in own[mime] or kin[module] or [TEXT, PAGE])
        for mime, module in table.items()
    }
