"""File names made safe: tricks, Japanese names that must stay, and the promises for any string."""

from __future__ import annotations

import unicodedata

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rooms.file_name import EXECUTABLE, EXTENSIONS, MAX_BYTES, UNTITLED, safe_file_name, with_extension

TRICKS = [
    ("invoice\u202efdp.exe", "invoicefdp_exe", "invisible"),
    ("re\u200bport\ufeff.pdf", "report.pdf", "invisible"),
    ("a\x00b\r\nc\x7f\x85.txt", "abc.txt", "invisible"),
    ("soft\u00adhyphen.txt", "softhyphen.txt", "invisible"),
    ("tag\U000e0041\U000e0042.txt", "tag.txt", "invisible"),
    ("\ud800half.txt", "half.txt", "invisible"),
    ("../../etc/passwd", "passwd", "folder"),
    ("..\\..\\windows\\win.ini", "win.ini", "folder"),
    ("/absolute/path.pdf", "path.pdf", "folder"),
    ("folder/", "folder", "folder"),
    ("C:\\Users\\x.pdf", "x.pdf", "folder"),
    ("C:x.pdf", "x.pdf", "stream"),
    ("plan.txt:evil.exe", "plan.txt", "stream"),
    ("plan.txt::$DATA", "plan.txt", "stream"),
    ("会議 10:30.pdf", "会議 10：30.pdf", "stream"),
    ('a<b>c|d?e*f"g.txt', "a_b_c_d_e_f_g.txt", "forbidden-character"),
    ("CON", "_CON", "reserved-name"),
    ("con.txt", "_con.txt", "reserved-name"),
    ("LPT1 .csv", "_LPT1 .csv", "reserved-name"),
    ("com¹.csv", "_com¹.csv", "reserved-name"),
    ("nul.tar.gz", "_nul.tar.gz", "reserved-name"),
    ("report.pdf. . .", "report.pdf", "trailing-dot"),
    ("report.pdf\u3000．", "report.pdf", "trailing-dot"),
    ("report.pdf.exe", "report.pdf_exe", "executable-extension"),
    ("report．exe", "report_exe", "executable-extension"),
    ("report。ｅｘｅ", "report_ｅｘｅ", "executable-extension"),
    ("請求書.pdf                    .scr", "請求書.pdf _scr", "executable-extension"),
    ("setup.EXE", "setup_EXE", "executable-extension"),
    ("shortcut.pdf.lnk", "shortcut.pdf_lnk", "executable-extension"),
    (".htaccess", "htaccess", "leading-dot"),
    ("．．", UNTITLED, "folder"),
    (".pdf", "無題.pdf", "leading-dot"),
    ("", UNTITLED, "empty"),
    ("...", UNTITLED, "folder"),
    ("\u202e", UNTITLED, "empty"),
    ("か\u3099.txt", "が.txt", "not-nfc"),
]

ORDINARY = [
    "令和6年度予算書(案).pdf",
    "議事録_第１．２版.docx",
    "葛\U000e0100飾区.txt",
    "\ue000外字.csv",
    "①様式第２号／別紙.xlsx",
    "report.v1.2.pdf",
    "写真\u3000庁舎.jpg",
    "console.txt",
    "a.b",
    "❤️.png",
    "-名簿-.csv",
    UNTITLED,
]


@pytest.mark.parametrize(("original", "name", "change"), TRICKS)
def test_a_trick_is_undone_and_named(original: str, name: str, change: str) -> None:
    safe = safe_file_name(original)
    assert safe.name == name
    assert change in safe.changes


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_name_stays(name: str) -> None:
    assert safe_file_name(name) == type(safe_file_name(name))(name, ())


@pytest.mark.parametrize("extension", sorted(EXECUTABLE))
def test_no_extension_that_runs_stays(extension: str) -> None:
    assert not safe_file_name(f"x.pdf.{extension}").name.endswith(f".{extension}")


def test_no_type_that_is_released_counts_as_executable() -> None:
    assert not EXECUTABLE & {extension for extensions in EXTENSIONS.values() for extension in extensions}


def test_a_long_name_keeps_its_extension_and_whole_characters() -> None:
    safe = safe_file_name("葛\U000e0100" * 100 + ".pdf")
    assert safe.name.endswith("葛\U000e0100.pdf")
    assert len(safe.name.encode()) <= MAX_BYTES
    assert safe.changes == ("too-long",)


def test_a_long_extension_is_not_kept_as_one() -> None:
    assert len(safe_file_name("a." + "b" * 400).name.encode()) == MAX_BYTES


@pytest.mark.parametrize(
    ("name", "mime", "expected"),
    [
        ("photo.heic", "image/jpeg", "photo.jpg"),
        ("photo.JPEG", "image/jpeg", "photo.JPEG"),
        ("memo", "text/plain", "memo.txt"),
        ("v1.2", "application/pdf", "v1.2.pdf"),
        ("table.tsv", "text/csv", "table.tsv"),
        ("picture.png", "image/jpeg", "picture.jpg"),
        ("setup.exe", "application/pdf", "setup_exe.pdf"),
        ("anything.bin2", "application/x-unheard-of", "anything.bin2"),
        ("名" * 200, "application/pdf", "名" * 83 + ".pdf"),
    ],
)
def test_the_extension_fits_the_type(name: str, mime: str, expected: str) -> None:
    assert with_extension(name, mime) == expected


NASTY = st.text(
    st.one_of(
        st.sampled_from(list("./\\:．。 \u3000…<>|*?\u202e\u200b\ufe0f\U000e0100\u3099かC:conexepdf_-\0\r\ud800～")),
        st.characters(),
    ),
    max_size=400,
)


@settings(deadline=None)
@given(NASTY)
@example("COM1" + "．" * 90 + "ｅｘｅ")
@example("a" * 250 + ".exe.pdf")
@example("\ufe0f\ufe0fcon")
@example(". .:\\ ..C:")
def test_any_string_becomes_a_safe_name(original: str) -> None:
    name = safe_file_name(original).name
    assert safe_file_name(name) == type(safe_file_name(name))(name, ())
    assert name
    assert len(name.encode()) <= MAX_BYTES
    assert name == unicodedata.normalize("NFC", name)
    assert not regex.search(r'[/\\:<>"|?*\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]', name)
    assert name == name.strip(" .\u3000")
    assert name.rpartition(".")[2].lower() not in EXECUTABLE or "." not in name
    assert not regex.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)", name)


@settings(deadline=None)
@given(NASTY, st.sampled_from(sorted(EXTENSIONS)))
def test_any_string_gets_a_fitting_extension_once(original: str, mime: str) -> None:
    name = with_extension(original, mime)
    assert name.rpartition(".")[2].lower() in EXTENSIONS[mime]
    assert with_extension(name, mime) == name
    assert len(name.encode()) <= MAX_BYTES
