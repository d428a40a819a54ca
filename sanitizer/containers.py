"""What is inside a container, just far enough to name its type (jailed side).

Rules kept here:

- Nothing is unpacked but two small parts that state a type: ``[Content_Types].xml`` and ``mimetype``, 1 MiB at most.
- Chains are followed no further than the file is long; whatever does not add up raises ``Refused("unreadable")``.

Source: APPNOTE.TXT 6.3.10 (ZIP), ECMA-376 part 2 (packages), ODF 1.3 part 2 §3.3, [MS-CFB] (compound files),
ISO/IEC 14496-12 (boxes).

>>> box_type(b"\\0\\0\\0\\x18ftypheic\\0\\0\\0\\0mif1heic")
'image/heif'
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib

from sanitizer import kinds
from sanitizer.formats.base import Refused

_PART_BYTES = 1 << 20
_MAX_MEMBERS = 20_000
_MAX_RECORDS = 100_000  # entries of directories, also of archives within, before anything is read
_END_BYTES = 66_000  # bytes at the end in which the end record lies

_OOXML = re.compile(
    rb'ContentType\s*=\s*["\'](application/vnd\.(?:openxmlformats-officedocument|ms-word|ms-excel|ms-powerpoint)\.'
    rb"[A-Za-z0-9.]+?)(?:\.main)?\+xml[\"']"
)
_OOXML_BINARY = re.compile(rb"application/vnd\.ms-excel\.sheet\.binary\.macroEnabled\.main")
_OOXML_MAIN_PARTS = frozenset({"word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"})
_OOXML_TYPES = frozenset(
    mime
    for mime in (mime for types in kinds.ENDINGS.values() for mime in types)
    if mime.startswith("application/vnd.openxmlformats-") or mime.endswith(".12")
)
_OLE_TYPES = (
    ("encryptedpackage", "application/x-encrypted-office"),
    ("worddocument", "application/msword"),
    ("workbook", "application/vnd.ms-excel"),
    ("book", "application/vnd.ms-excel"),
    ("powerpoint document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("documenttext", "application/x-ichitaro"),
)
_INSTALLER = bytes.fromhex("84100c0000000000c000000000000046")  # {000C1084-0000-0000-C000-000000000046}
_UNREADABLE = (
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, KeyError),
    *(zlib.error, lzma.LZMAError, struct.error),
)
_END_OF_CHAIN = 0xFFFFFFFA  # this and above: not a sector


def zip_type(data: bytes) -> str:
    """The type of a ZIP by its members; raises ``Refused`` for programs in ZIP clothes and for damaged ones."""
    if data.count(b"PK\x01\x02") > _MAX_RECORDS:
        raise Refused("bomb", "members")
    if _is_split(data):
        raise Refused("split-archive")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) > _MAX_MEMBERS:
                raise Refused("bomb", "members")
            return _by_members(archive, names)
    except _UNREADABLE as error:
        raise Refused("unreadable", "zip structure") from error


def _is_split(data: bytes) -> bool:
    """True for the last part of a ZIP on several disks; the number of its disk stands in the end record."""
    end = data.rfind(b"PK\x05\x06", -_END_BYTES)
    return end >= 0 and data[end + 4 : end + 6] not in (b"\0\0", b"\xff\xff", b"")


def _by_members(archive: zipfile.ZipFile, names: list[str]) -> str:
    folded = {name.lower().lstrip("/") for name in names}
    if "androidmanifest.xml" in folded or any(name.endswith(".class") for name in folded):
        raise Refused("executable", "program in a zip")
    if "[content_types].xml" in folded:
        return _ooxml_type(_part(archive, "[content_types].xml"))
    if "_rels/.rels" in folded and folded & _OOXML_MAIN_PARTS:  # readers open it without the list of types
        return "application/x-ooxml"
    if "mimetype" in folded:
        stated = _part(archive, "mimetype").decode("latin-1").strip()
        return stated if re.fullmatch(r"application/[a-z0-9.+-]{1,70}", stated) else "application/zip"
    if any(kinds.ending(name) in kinds.EXECUTABLE_ENDINGS for name in folded):
        return "application/x-zip-with-programs"
    return "application/zip"


def _part(archive: zipfile.ZipFile, folded: str) -> bytes:
    name = next(name for name in archive.namelist() if name.lower().lstrip("/") == folded)
    with archive.open(name) as part:
        return part.read(_PART_BYTES)


def _ooxml_type(content_types: bytes) -> str:
    if _OOXML_BINARY.search(content_types):
        return "application/vnd.ms-excel.sheet.binary.macroenabled.12"
    for match in _OOXML.finditer(content_types):
        stated = match[1].decode("ascii")
        for mime in (stated, f"{stated.lower()}.12"):
            if mime in _OOXML_TYPES:
                return mime
    return "application/x-ooxml"


def ole_type(data: bytes, wanted: frozenset[str]) -> str:
    """The type of a compound file by its root: the class, and the streams and storages right under it. Where the tree
    of names is broken all names count, and of several types the ``wanted`` one."""
    try:
        entries = _directory(data)
        top = _right_under_the_root(entries)
    except (struct.error, IndexError) as error:
        raise Refused("unreadable", "compound file structure") from error
    if entries[0][80:96] == _INSTALLER:
        raise Refused("executable", "Windows installer")
    found = [mime for name, mime in _OLE_TYPES if name in top]
    found = found or [mime for name, mime in _OLE_TYPES if name in {_entry_name(entry) for entry in entries}]
    found = found or ["application/x-ole-storage"]
    return next((mime for mime in found if mime in wanted), found[0])


def _directory(data: bytes) -> list[bytes]:
    """All entries, the root first."""
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in (9, 12):
        raise Refused("unreadable", "compound file sector size")
    fat_sectors = _fat_sectors(data, shift)
    (sector,) = struct.unpack_from("<I", data, 48)
    entries: list[bytes] = []
    size = 1 << shift
    for _ in range(len(data) // size + 1):
        if sector >= _END_OF_CHAIN:
            return entries
        start = (sector + 1) << shift
        entries += [data[at : at + 128] for at in range(start, min(start + size, len(data) - 127), 128)]
        sector = _next_sector(data, fat_sectors, sector, shift)
    raise Refused("unreadable", "compound file directory has no end")


def _fat_sectors(data: bytes, shift: int) -> list[int]:
    """Where the table of sectors lies: 109 places in the head, the others in a chain of their own."""
    found = list(struct.unpack_from("<109I", data, 76))
    (sector,) = struct.unpack_from("<I", data, 68)
    for _ in range((len(data) >> shift) + 1):
        if sector >= _END_OF_CHAIN:
            break
        *more, sector = struct.unpack_from(f"<{1 << shift - 2}I", data, (sector + 1) << shift)
        found += more
    return [number for number in found if number < _END_OF_CHAIN]


def _right_under_the_root(entries: list[bytes]) -> set[str]:
    """Names in lower case; the entries of a storage form a tree."""
    names: set[str] = set()
    todo, seen = [struct.unpack_from("<I", entries[0], 76)[0]], {0}
    while todo:
        number = todo.pop()
        if number in seen or number >= len(entries):
            continue
        seen.add(number)
        names.add(_entry_name(entries[number]))
        todo += struct.unpack_from("<II", entries[number], 68)
    return names


def _entry_name(entry: bytes) -> str:
    length = min(struct.unpack_from("<H", entry, 64)[0], 64)
    return entry[: max(length - 2, 0)].decode("utf-16-le", "replace").lower()


def _next_sector(data: bytes, fat_sectors: list[int], sector: int, shift: int) -> int:
    index, offset = divmod(sector * 4, 1 << shift)
    return int(struct.unpack_from("<I", data, ((fat_sectors[index] + 1) << shift) + offset)[0])


def box_type(data: bytes) -> str | None:
    """The type of an ISO media file by its brands; None if it does not begin with a file type box."""
    if data[4:8] != b"ftyp":
        return None
    length = min(max(struct.unpack_from(">I", data)[0], 16), 512)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}
    for wanted, mime in (
        ({b"avif", b"avis"}, "image/avif"),
        ({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}, "image/heif"),
        ({b"qt  "}, "video/quicktime"),
        ({b"M4A ", b"M4B "}, "audio/mp4"),
    ):
        if brands & wanted:
            return mime
    return "video/mp4"


def riff_type(data: bytes) -> str | None:
    """The type of a RIFF file, or of its elder brother IFF, by its form; None for another form."""
    if data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    forms = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
    return forms.get(data[8:12]) if data[:4] == b"RIFF" else None
