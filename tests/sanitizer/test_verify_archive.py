"""The verifier of archives: sound ones of any shape pass, one byte elsewhere and it is none."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.canonical_archive import archive, deflated, entry, packed

from sanitizer.formats.base import Job
from sanitizer.formats.image import rebuild
from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.archive import verify
from sanitizer.verify.archive_names import check_names, is_sound

LIMITS = Limits()


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(out, "PNG")
    return rebuild(out.getvalue(), Job("image/png", "rebuild", "x.png", None, LIMITS)).data


PNG = png()
INNER = archive({"中.txt": "中の文書\n".encode()})
MEMBERS = {
    "報告/一.txt": "一つ目\n".encode(),
    "報告/二.csv": b"a,b\r\n1,2\r\n",
    "image.png": PNG,
    "空の箱/": b"",
    "inner.zip": INNER,
}
DATA = archive(MEMBERS)


def assert_rejected(data: bytes, *codes: str, limits: Limits = LIMITS) -> None:
    with pytest.raises(Violation) as caught:
        verify(data, limits)
    assert not codes or caught.value.code in codes, caught.value


def test_a_sound_archive_passes() -> None:
    verify(DATA, LIMITS)
    assert zipfile.ZipFile(io.BytesIO(DATA)).testzip() is None
    assert zipfile.ZipFile(io.BytesIO(DATA)).namelist() == list(MEMBERS)


def last_bytes_of_streams() -> set[int]:
    """Where the bits behind the last block of a Deflate stream are: up to seven, without a meaning (RFC 1951)."""
    found = set()
    with zipfile.ZipFile(io.BytesIO(DATA)) as file:
        for member in file.infolist():
            start = member.header_offset + 30 + len(member.filename.encode())
            found |= {start + member.compress_size - 1} if member.compress_type else set()
            if member.filename == "inner.zip":
                found |= {start + INNER.index(b"PK\1\2") - 1}
    return found


def test_every_byte_has_its_place() -> None:
    chance = random.Random(1)
    free = last_bytes_of_streams()
    for at in range(len(DATA)):
        if at not in free:
            assert_rejected(DATA[:at] + bytes([DATA[at] ^ 1 << chance.randrange(8)]) + DATA[at + 1 :])
        assert_rejected(DATA[:at])
        assert_rejected(DATA[:at] + b"\0" + DATA[at:])
    for more in (b"\0", b"PK", b"%PDF-1.7\n", DATA):
        assert_rejected(DATA + more)
        assert_rejected(more + DATA)


ONE = entry("a.txt", b"words\n")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"version": 10}, "member-header"),
        ({"flags": 1}, "member-header"),
        ({"flags": 8}, "member-header"),
        ({"flags": 0x0800}, "member-header"),
        ({"time": 1}, "member-header"),
        ({"date": 34}, "member-header"),
        ({"extra": b"\1\0\0\0"}, "member-header"),
        ({"method": 0}, "method"),
        ({"method": 12}, "method"),
        ({"crc": 1}, "crc"),
        ({"size": 5}, "member-size"),
        ({"size": 7}, "member-size"),
        ({"data": deflated(b"words\n") + b"\0"}, "deflate"),
        ({"data": deflated(b"words\n")[:-1]}, "deflate"),
        ({"name": b"a.exe"}, "member-type"),
        ({"name": b"a"}, "member-type"),
        ({"name": b"a.docm"}, "member-type"),
        ({"name": b"../a.txt"}, "member-name"),
        ({"name": b"\xff.txt", "flags": 0x0800}, "member-name"),
        ({"name": b""}, "member-type"),
        ({"name": b"a/", "method": 0}, "member-size"),
    ],
)
def test_headers_have_one_form(change: dict[str, Any], code: str) -> None:
    verify(packed([ONE]), LIMITS)
    assert_rejected(packed([replace(ONE, **change)]), code)


def test_nothing_lies_before_between_or_behind() -> None:
    two = [ONE, entry("b.txt", b"more\n")]
    verify(packed(two), LIMITS)
    assert_rejected(packed(two, before=b"MZ"), "directory")
    assert_rejected(packed(two, between=b"\0"), "directory")
    assert_rejected(packed(two, comment=b"note"), "directory")


def test_members_are_read_by_the_verifier_of_their_type() -> None:
    for name, content in (
        ("a.png", b"\x89PNG\r\n\x1a\n"),
        ("a.jpg", PNG),
        ("a.pdf", b"%PDF-1.7\n"),
        ("a.docx", INNER),
        ("a.txt", b"\x1b[31m"),
        ("a.csv", b"=HYPERLINK(1)\r\n"),
        ("a.zip", INNER + b"\0"),
        ("a.zip", archive({"b.txt": b"\0"})),
    ):
        assert_rejected(archive({name: content}))


def test_what_programs_write_is_none() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as file:
            file.writestr("a.txt", "words")
        assert_rejected(out.getvalue(), "member-header", "method")
    assert_rejected(b"PK\x05\x06" + bytes(18), "directory")


@pytest.mark.parametrize(
    "name",
    [
        "a.txt",
        "報告 (1).txt",
        "a/b/c.d.txt",
        "１.txt",
        "con a.txt",
        "コン.txt",
        "é.txt",
        "\ue000.txt",
        "a b/",
        "/".join("a" * 20),
    ],
)
def test_sound_names(name: str) -> None:
    assert is_sound(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "/a", "a//b", "../a", "a/..", "a/.", ".a", "a.", " a", "a ", "a\u3000", "a…", "．a", "a．", "a。"),
        *("a\\b", "c:a", "a*", "a?", 'a"', "a<", "a>", "a|", "a\0b", "a\nb", "a\u202eb", "a\u200bb", "a\u2028b"),
        *("a\ufeffb", "a\u0378b", "a\u3164", "a\u2800b", "e\u0301.txt", "a.{00021401-0000}", "a.{"),
        *("con", "CON.txt", "ｃｏｎ.txt", "nul .txt", "a/aux", "com1.tar.gz", "com¹.txt", "LPT9", "CONIN$.txt"),
        *("a" * 256, "あ" * 86, "/".join("a" * 21), "/".join(["a" * 250] * 4)),
    ],
)
def test_names_that_are_not_sound(name: str) -> None:
    assert not is_sound(name)


@pytest.mark.parametrize(
    "names",
    [
        ["a.txt", "a.txt"],
        ["a.txt", "A.TXT"],
        ["ａ.txt", "a.txt"],
        ["ガ.txt", "ｶﾞ.txt"],
        ["a", "a/b.txt"],
        ["a/b.txt", "A"],
        ["a/", "a/b.txt"],
        ["a/b.txt", "a/"],
        ["a/b/c.txt", "A/B/"],
    ],
)
def test_names_that_are_alike(names: list[str]) -> None:
    with pytest.raises(Violation, match="names-alike"):
        check_names(names)


def test_the_limits_are_kept() -> None:
    verify(DATA, replace(LIMITS, max_members=6))
    assert_rejected(DATA, "too-many-members", limits=replace(LIMITS, max_members=5))
    size = sum(map(len, MEMBERS.values())) + len("中の文書\n".encode())
    verify(DATA, replace(LIMITS, max_inflated=size))
    assert_rejected(DATA, "too-much-inflated", limits=replace(LIMITS, max_inflated=size - 1))
    assert_rejected(DATA, "too-long", limits=replace(LIMITS, max_output=len(DATA) - 1))
    deep = INNER
    for _ in range(LIMITS.max_nesting - 1):
        deep = archive({"a.zip": deep})
    verify(deep, LIMITS)
    assert_rejected(archive({"a.zip": deep}), "too-deep")


def test_a_bomb_is_rejected_before_it_is_inflated() -> None:
    body = deflated(bytes(4 << 20))
    bomb = replace(ONE, data=body, size=4 << 20, crc=zlib.crc32(bytes(4 << 20)))
    assert_rejected(packed([bomb]), "ratio")
    assert_rejected(packed([replace(bomb, size=6)]), "member-size", "deflate")


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300), st.integers(0, len(DATA)), st.integers(0, 40))
def test_other_bytes_anywhere_are_a_violation_and_nothing_else(words: bytes, at: int, gone: int) -> None:
    changed = DATA[:at] + words + DATA[at + gone :]
    if changed != DATA:
        assert_rejected(changed)
