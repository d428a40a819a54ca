"""What a file is: bytes, structure and name must agree, and every known type has a sentence."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.archive_samples import zip_of

from sanitizer import kinds
from sanitizer.formats import FORMATS
from sanitizer.formats.base import Refused
from sanitizer.identify import identify
from sanitizer.refusals import REFUSALS, SENTENCES
from sanitizer.signatures import PROGRAM_IN_TEXT, unsupported

OOXML = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(20)
JAPANESE = "件名,金額\r\n消耗品費,1200\r\n"


def zipped(**members: bytes) -> bytes:
    """A ZIP; a double underscore in a name stands for a slash, ``DOT`` for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("DOT", "."), data)
    return buffer.getvalue()


def office(content_type: str) -> bytes:
    types = f'<Types><Override PartName="/x.xml" ContentType="{content_type}.main+xml"/></Types>'
    return zipped(**{"[Content_Types].xml": types.encode()})


def compound(*streams: str, class_id: bytes = bytes(16)) -> bytes:
    """A compound file with a directory and nothing else: [MS-CFB] header, one FAT sector, directory sectors."""
    entries = [_entry("Root Entry", class_id)] + [_entry(name, bytes(16)) for name in streams]
    directory = b"".join(entries).ljust(-(-len(entries) // 4) * 512, b"\0")
    sectors = len(directory) // 512
    chain = [0xFFFFFFFD, *range(2, sectors + 1), 0xFFFFFFFE]
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", head, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<II", head, 44, 1, 1)
    struct.pack_into("<I", head, 76, 0)
    head[80:512] = b"\xff" * 432
    return bytes(head) + fat + directory


def _entry(name: str, class_id: bytes) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    return (encoded.ljust(64, b"\0") + struct.pack("<H", len(encoded))).ljust(80, b"\0") + class_id + bytes(32)


def program(header: bytes) -> bytes:
    return b"MZ" + bytes(58) + struct.pack("<I", 64) + header + bytes(100)


ACCEPTED = [
    ("a.pdf", PDF, "application/pdf"),
    ("a.PDF", PDF, "application/pdf"),
    ("no ending", PDF, "application/pdf"),
    ("a.unheard", PDF, "application/pdf"),
    ("a.pdf", b"\n\njunk before\n" + PDF, "application/pdf"),
    ("a.pdf", program(bytes(4))[:60] + bytes(40) + PDF, "application/pdf"),
    ("a.png", PNG, "image/png"),
    ("a.jpeg", b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
    ("a.gif", b"GIF89a" + bytes(20), "image/gif"),
    ("a.tif", b"II*\0" + bytes(20), "image/tiff"),
    ("a.tiff", b"MM\0*" + bytes(20), "image/tiff"),
    ("a.bmp", b"BM" + bytes(12) + struct.pack("<I", 40) + bytes(40), "image/bmp"),
    ("a.webp", b"RIFF\x20\0\0\0WEBPVP8 " + bytes(20), "image/webp"),
    ("a.txt", JAPANESE.encode(), "text/plain"),
    ("a.txt", b"BMI and MZ begin this text", "text/plain"),
    ("a.txt", b"MZ is a good beginning for a text, longer than the header of a program would ever be", "text/plain"),
    ("a.csv", JAPANESE.encode("utf-8-sig"), "text/csv"),
    ("a.csv", JAPANESE.encode("cp932"), "text/csv"),
    ("a.csv", JAPANESE.encode("euc_jp"), "text/csv"),
    ("a.csv", JAPANESE.encode("utf-16"), "text/csv"),
    ("a.txt", JAPANESE.encode("iso2022_jp"), "text/plain"),
    ("a.txt", ("あ" * 400_000).encode(), "text/plain"),
    ("a.txt", b"hello \x1b[2J\x07 \0 world", "text/plain"),
    ("a.docx", office(f"{OOXML}wordprocessingml.document"), f"{OOXML}wordprocessingml.document"),
    ("a.docx", zipped(_rels__DOTrels=b"<r/>", word__documentDOTxml=b"<d/>"), "application/x-ooxml"),
    ("a.docx", office(f"{OOXML}wordprocessingml.template"), f"{OOXML}wordprocessingml.document"),
    ("a.xlsx", office(f"{OOXML}spreadsheetml.sheet"), f"{OOXML}spreadsheetml.sheet"),
    ("a.pptx", office(f"{OOXML}presentationml.presentation"), f"{OOXML}presentationml.presentation"),
    ("a.xlsm", office("application/vnd.ms-excel.sheet.macroEnabled"), "application/vnd.ms-excel.sheet.macroenabled.12"),
    ("a.odt", zipped(mimetype=f"{ODF}text".encode()), f"{ODF}text"),
    ("a.zip", zipped(aDOTtxt=b"text"), "application/zip"),
    ("a.zip", b"junk before " + zipped(aDOTtxt=b"text"), "application/zip"),
    ("a.doc", compound("WordDocument"), "application/msword"),
    ("a.xls", compound("A", "B", "C", "D", "Workbook"), "application/vnd.ms-excel"),
    ("a.xls", compound("WordDocument", "Workbook"), "application/vnd.ms-excel"),
    ("a.ppt", compound("PowerPoint Document"), "application/vnd.ms-powerpoint"),
    ("a.msg", compound("__properties_version1.0"), "application/vnd.ms-outlook"),
    ("a.jtd", compound("DocumentText"), "application/x-ichitaro"),
    ("a.docx", compound("EncryptedPackage"), f"{OOXML}wordprocessingml.document"),
    ("a.rtf", b"{\\rtf1 text}", "application/rtf"),
    ("a.html", b"<!DOCTYPE html><p>text", "text/html"),
    ("a.svg", '<?xml version="1.0" encoding="UTF-16"?><svg xmlns="x"/>'.encode("utf-16"), "image/svg+xml"),
    ("a.xhtml", b"<?xml version='1.0'?><html/>", "application/xhtml+xml"),
    ("a.svg", b'<?xml version="1.0"?><svg xmlns="x"/>', "image/svg+xml"),
    ("a.eml", b"DKIM-Signature: v=1\r\nFrom: a@example.jp\r\n\r\ntext", "message/rfc822"),
    ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heif"),
    ("a.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "image/avif"),
    ("a.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isommp41", "video/mp4"),
    ("a.mov", b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/quicktime"),
    ("a.mp3", b"ID3\x04" + bytes(20), "audio/mpeg"),
    ("a.mp3", b"\xff\xfb\x90\x44" + bytes(20), "audio/mpeg"),
    ("a.wav", b"RIFF\x20\0\0\0WAVEfmt " + bytes(20), "audio/wav"),
    ("a.lzh", b"\x20\x20-lh5-" + bytes(20), "application/x-lzh"),
    ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(20), "application/x-7z-compressed"),
    ("a.jww", b"JwwData." + bytes(20), "application/x-jww"),
    ("a.dxf", b"  0\r\nSECTION\r\n  2\r\nHEADER\r\n", "image/vnd.dxf"),
    ("a.xdw", b"\x60\x0e\x82\x82" + bytes(range(1, 30)), "application/vnd.fujifilm.docuworks"),
    ("a.sfc", b"ISO-10303-21;\nHEADER;\n", "application/x-sxf"),
    ("a.m4a", b"\0\0\0\x18ftypisom\0\0\0\0isommp41", "audio/mp4"),
    ("a.mp4", b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video/mp4"),
    ("a.ogv", b"OggS\0\2" + bytes(20), "video/ogg"),
    ("a.mp3", bytes(400) + b"\xff\xfb\x90\x44" + bytes(20), "audio/mpeg"),
    ("a.amr", b"#!AMR\n" + bytes(30), "audio/amr"),
    ("a.aiff", b"FORM\0\0\0\x20AIFFCOMM" + bytes(20), "audio/aiff"),
    ("a.mpg", b"\0\0\1\xba" + bytes(40), "video/mpeg"),
    ("a.mts", (bytes(4) + b"G" + bytes(187)) * 4, "video/mp2t"),
    ("a.m2ts", (b"G" + bytes(187)) * 4, "video/mp2t"),
    ("a.flv", b"FLV\1\5\0\0\0\x09", "video/x-flv"),
]

STRANGERS = [  # what is not rebuilt: bytes and name, or bytes alone, tell it; and what is said about it
    ("a.jtd", compound("DocumentText"), "unsupported-ichitaro"),
    ("no ending", compound("DocumentText"), "unsupported-ichitaro"),
    ("a.xdw", b"\x60\x0e\x82\x82" + bytes(30), "unsupported-docuworks"),
    ("no ending", b"\x60\x0e\x82\x82" + bytes(30), "unsupported-docuworks"),
    ("a.xbd", b"\1\2\3\xff" + bytes(30), "unsupported-docuworks"),
    ("a.jww", b"JwwData." + bytes(20), "unsupported-cad"),
    ("no ending", b"JwwData." + bytes(20), "unsupported-cad"),
    ("a.jwc", b"\x80\x11" + bytes(20), "unsupported-cad"),
    ("a.dxf", b"AutoCAD Binary DXF\r\n\x1a\0" + bytes(20), "unsupported-cad"),
    ("a.dwg", b"AC1027" + bytes(20), "unsupported-cad"),
    ("no ending", b"AC1027" + bytes(20), "unsupported-cad"),
    ("a.p21", b"ISO-10303-21;\nHEADER;\n", "unsupported-cad"),
    ("a.psd", b"8BPS\0\1" + bytes(20), "unsupported-image"),
    ("a.ico", b"\0\0\1\0\1\0" + bytes(20), "unsupported-image"),
    ("a.ai", b"%!PS-Adobe-3.0\n", "unsupported"),
    ("a.eps", b"\xc5\xd0\xd3\xc6" + bytes(20), "unsupported"),
    ("a.indd", bytes.fromhex("0606edf5d81d46e5bd31efe7fe74b71d") + bytes(20), "unsupported"),
    ("a.vsd", compound("VisioDocument"), "unsupported-legacy-office"),
    ("a.mdb", b"\0\1\0\0Standard Jet DB\0" + bytes(20), "unsupported-database"),
    ("no ending", b"\0\1\0\0Standard ACE DB\0" + bytes(20), "unsupported-database"),
    ("a.one", bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + bytes(20), "unsupported-notebook"),
]

REFUSED = [
    ("a.pdf", b"", "empty"),
    ("a.pdf", program(b"PE\0\0"), "executable"),
    ("a.pdf", program(b"PE\0\0") + PDF, "executable"),
    ("a.txt", program(bytes(4)), "executable"),
    ("a.txt", PROGRAM_IN_TEXT + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*", "executable"),
    ("a.zip", zip_of(before=program(b"PE\0\0")), "executable"),
    ("a.zip", b"PK\3\4" + b"PK\1\2" * 100_001, "bomb"),
    ("a.zip", b"PK\3\4" + b"PK\5\6\1\0" + bytes(16), "split-archive"),
    ("a.jpg", b"\x7fELF\x02" + bytes(60), "executable"),
    ("a", b"\xcf\xfa\xed\xfe" + bytes(60), "executable"),
    ("a", b"\xca\xfe\xba\xbe" + bytes(60), "executable"),
    ("a.txt", b"#!/bin/sh\n", "executable"),
    ("a.txt", b"\xef\xbb\xbf#!/bin/sh\n", "executable"),
    ("a.docx", b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + bytes(60), "executable"),
    ("a.txt", b"[InternetShortcut]\r\nURL=x", "executable"),
    ("報告.pdf.exe", PDF, "executable"),
    ("a.js", b"alert(1)", "executable"),
    ("a.bat", b"echo", "executable"),
    ("a.zip", zipped(ADOTclass=b"x"), "executable"),
    ("a.doc", compound("x", class_id=bytes.fromhex("84100c0000000000c000000000000046")), "executable"),
    ("a.txt", PDF, "type-mismatch"),
    ("a.pdf", b"just text", "type-mismatch"),
    ("a.png", b"\xff\xd8\xff\xe0" + bytes(20), "type-mismatch"),
    ("a.gif", b"GIF89a" + bytes(20) + PDF, "type-mismatch"),
    ("a.docx", office("application/vnd.ms-word.document.macroEnabled"), "type-mismatch"),
    ("a.docx", zipped(aDOTtxt=b"text"), "type-mismatch"),
    ("a.doc", b"{\\rtf1 text}", "type-mismatch"),
    ("a.csv", b"ID;PWXL;N;E\r\nC;X1;Y1", "type-mismatch"),
    ("a.csv", "<table><tr><td>=1".encode("utf-16"), "type-mismatch"),
    ("a.csv", b"\xef\xbb\xbf<html>", "type-mismatch"),
    ("a.svg", b"no drawing", "type-mismatch"),
    ("a.docx", zipped(aDOTtxt=b"text" * 9)[:40], "unreadable"),
    ("a.doc", compound("WordDocument")[:600], "unreadable"),
    ("a", bytes(range(256)) * 4, "unknown-type"),
    ("a.png", bytes(range(256)) * 4, "unknown-type"),
]


@pytest.mark.parametrize(("name", "data", "mime"), ACCEPTED)
def test_bytes_structure_and_name_agree(name: str, data: bytes, mime: str) -> None:
    assert identify(data, name).mime == mime


@pytest.mark.parametrize(("name", "data", "code"), REFUSED)
def test_programs_disagreement_and_strangers_are_refused(name: str, data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        identify(data, name)
    assert refused.value.code == code


def test_a_disagreement_names_both_sides() -> None:
    with pytest.raises(Refused) as refused:
        identify(PNG, "a.pdf")
    assert refused.value.detail == "name .pdf, contents image/png"


@pytest.mark.parametrize("data", [b"foreign" + PDF, b"foreign" + zipped(aDOTtxt=b"text")])
def test_nothing_foreign_may_stand_before_what_is_served_as_it_is(data: bytes) -> None:
    name = "a.pdf" if b"%PDF" in data else "a.zip"
    assert identify(data, name).mime in kinds.types_of(name)
    with pytest.raises(Refused) as refused:
        identify(data, name, as_is=True)
    assert refused.value.code == "type-mismatch"


def test_an_archive_with_programs_is_not_served_as_it_is() -> None:
    data = zipped(aDOTtxt=b"text", bDOTexe=b"MZ")
    assert identify(data, "a.zip").mime == "application/x-zip-with-programs"
    with pytest.raises(Refused) as refused:
        identify(data, "a.zip", as_is=True)
    assert refused.value.code == "executable"


def test_a_loop_in_a_compound_file_ends() -> None:
    looped = bytearray(compound("A", "B", "C", "D", "E", "F", "G", "H"))
    struct.pack_into("<I", looped, 512 + 8, 1)  # the second directory sector leads back to the first
    with pytest.raises(Refused):
        identify(bytes(looped), "a.doc")


def test_every_type_with_an_ending_is_rebuilt_or_refused_with_what_to_send_instead() -> None:
    for ending, types in kinds.ENDINGS.items():
        for mime in types - FORMATS.keys():
            assert unsupported(mime) in REFUSALS, ending


@pytest.mark.parametrize(("name", "data", "code"), STRANGERS)
def test_what_is_known_but_not_rebuilt_is_answered_with_what_to_send_instead(name: str, data: bytes, code: str) -> None:
    mime = identify(data, name).mime
    assert mime not in FORMATS
    assert unsupported(mime) == code
    assert "送ってください" in SENTENCES[code].ja
    assert "send" in SENTENCES[code].en


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.jtd", b"hello\n"), ("a.dwg", b"hello\n"), ("a.mp3", b"hello\n"), ("a.mp4", PDF),
     ("a.pdf", b"8BPS\0\1" + bytes(20)), ("a.png", b"JwwData." + bytes(20)), ("a.doc", compound("DocumentText"))],
)  # fmt: skip
def test_what_only_calls_itself_so_is_told_what_disagrees(name: str, data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        identify(data, name)
    assert refused.value.code == "type-mismatch"


def test_every_sentence_stands_in_both_languages() -> None:
    for code, sentence in SENTENCES.items():
        assert code == code.lower()
        assert sentence.ja.endswith(("。", ")。"))
        assert sentence.en.endswith((".", ")."))


@given(st.binary(max_size=300), st.sampled_from(["a.pdf", "a.csv", "a.docx", "a.doc", "a", "a.eml", "a.mp3"]))
def test_any_bytes_are_identified_or_refused(data: bytes, name: str) -> None:
    beginnings = (
        b"",
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"RIFF",
        b"\0\0\0\x18ftyp",
        b"MZ",
        b"\xff\xfe",
    )
    for beginning in beginnings:
        try:
            assert "/" in identify(beginning + data, name).mime
        except Refused as no:
            assert no.code in REFUSALS


@pytest.mark.parametrize(
    ("name", "mime", "leaves_as"),
    [
        ("写真.heic", "image/jpeg", "写真.jpg"),
        ("届出.PDF", "application/pdf", "届出.PDF"),
        ("届出", "application/pdf", "届出.pdf"),
        ("届出.v2", "application/pdf", "届出.v2.pdf"),
        ("届出.exe", "application/pdf", "届出.pdf"),
        (".pdf", "application/pdf", ".pdf.pdf"),
        ("表/令和6年.csv", "text/csv", "表/令和6年.csv"),
    ],
)
def test_a_released_file_is_called_what_it_is(name: str, mime: str, leaves_as: str) -> None:
    assert kinds.output_name(name, mime) == leaves_as
