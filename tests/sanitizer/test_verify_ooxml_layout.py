"""Section 1 of the grammar: every byte of a package has its place, and no byte can be changed, added or taken away."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from support.canonical_office import ALL, NESTED, SHOW, TEXT
from support.canonical_ooxml import Member, Members, Package, deflated, members, ordered, packed, png, write
from support.verified_ooxml import LIMITS, assert_rejected

from sanitizer.verify import GRAMMARS, VERIFIERS
from sanitizer.verify.ooxml import verify

DATA = write(TEXT)


@pytest.mark.parametrize("kind", ALL)
def test_accepts_what_the_grammar_says(kind: str) -> None:
    mime = ALL[kind].media_type
    verify(write(ALL[kind]), LIMITS, mime)
    verify(write(replace(ALL[kind], properties=False)), LIMITS, mime)


def test_is_the_verifier_of_all_office_types() -> None:
    office = {mime for mime in VERIFIERS if "officedocument" in mime}
    assert len(office) == 7
    assert {VERIFIERS[mime] for mime in office} == {"sanitizer.verify.ooxml"}
    assert {GRAMMARS[mime] for mime in office} == {"ooxml-1"}


@pytest.mark.parametrize("media", ["wordprocessingml.template", "presentationml.template", "presentationml.slideshow"])
def test_accepts_templates_and_shows(media: str) -> None:
    whole = TEXT if media.startswith("word") else SHOW
    mime = f"application/vnd.openxmlformats-officedocument.{media}"
    verify(write(replace(whole, media_type=mime)), LIMITS, mime)


def test_rejects_a_sound_package_under_another_type() -> None:
    for package in ALL.values():
        for mime in {mime for mime in VERIFIERS if "officedocument" in mime} - {package.media_type}:
            assert_rejected(write(package), "content-types", mime=mime)


def test_rejects_every_change_of_one_byte() -> None:
    chance = random.Random(7)
    for at in sorted({*chance.sample(range(len(DATA)), 700), *range(60), *range(len(DATA) - 80, len(DATA))}):
        other = (DATA[at] + chance.randrange(1, 256)) % 256
        assert_rejected(DATA[:at] + bytes((other,)) + DATA[at + 1 :])


def test_rejects_every_byte_more_or_less() -> None:
    chance = random.Random(8)
    for at in chance.sample(range(len(DATA)), 150):
        assert_rejected(DATA[:at] + DATA[at + 1 :])
        assert_rejected(DATA[:at] + bytes((chance.randrange(256),)) + DATA[at:])
        assert_rejected(DATA[:at])
    for more in (b"\0", b"PK", DATA, b"%PDF-1.7"):
        assert_rejected(DATA + more, "directory")
        assert_rejected(more + DATA)


Change = Callable[[Member], Member]
LIES: dict[str, tuple[Change, str]] = {
    "version": (lambda one: replace(one, version=45), "member-header"),
    "encrypted": (lambda one: replace(one, flags=1), "member-header"),
    "descriptor": (lambda one: replace(one, flags=8), "member-header"),
    "utf-8": (lambda one: replace(one, flags=0x800), "member-header"),
    "time": (lambda one: replace(one, time=1), "member-header"),
    "date": (lambda one: replace(one, date=34), "member-header"),
    "extra": (lambda one: replace(one, extra=b"\1\0\0\0"), "member-header"),
    "stored": (lambda one: replace(one, method=0), "method"),
    "other method": (lambda one: replace(one, method=12), "method"),
    "wrong sum": (lambda one: replace(one, crc=one.crc ^ 1), "crc"),
    "smaller": (lambda one: replace(one, size=one.size - 1), "member-size"),
    "larger": (lambda one: replace(one, size=one.size + 1), "member-size"),
    "behind the stream": (lambda one: replace(one, data=one.data + b"\0"), "deflate"),
    "stream cut": (lambda one: replace(one, data=one.data[:-1]), "deflate"),
    "no stream": (lambda one: replace(one, data=b"\xff" * 9), "deflate"),
    "bomb": (lambda one: replace(one, size=1 << 28), "ratio"),
}


@pytest.mark.parametrize("lie", LIES)
def test_rejects_lies_about_a_member(lie: str) -> None:
    change, code = LIES[lie]
    for number in (0, 4):
        found = ordered(members(TEXT))
        assert found[number].method == 8
        found[number] = change(found[number])
        assert_rejected(packed(found), code, "deflate", "member-size")


def test_rejects_other_orders_and_repeated_members() -> None:
    found = ordered(members(TEXT))
    assert_rejected(packed(found[1:] + found[:1]), "member-order")
    assert_rejected(packed([*found[:2], found[3], found[2], *found[4:]]), "member-order")
    assert_rejected(packed([*found[:3], *found[2:]]), "member-order")
    assert_rejected(packed([found[0], *found]), "member-order")
    assert_rejected(packed(found[1:]), "member-order")
    assert_rejected(packed([]), "directory")
    assert_rejected(packed(found, comment=b"x"), "directory")
    assert_rejected(packed([found[0], replace(found[1], name=b""), *found]), "member-name")
    assert_rejected(packed([replace(found[0], name="［Content".encode())]), "member-name")


def _rename(found: Members, old: str, new: str) -> None:
    found[new] = found.pop(old)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda found: found.pop("_rels/.rels"), "frame"),
        (lambda found: found.update({"word/vbaProject.bin": b"x"}), "part-name"),
        (lambda found: found.update({"customXml/item1.xml": b"x"}), "part-name"),
        (lambda found: found.update({"xl/workbook.xml": b"x"}), "main-part"),
        (lambda found: found.update({"word/media/image3.png": png()}), "part-numbers"),
        (lambda found: found.update({"word/media/image2.png": png()}), "content-types"),
        (lambda found: found.update({"word/media/image1.jpeg": png()}), "part-numbers"),
        (lambda found: found.update({"word/media/image2.emf": b""}), "part-name"),
        (lambda found: found.update({"word/header2.xml": found["word/header1.xml"]}), "content-types"),
        (lambda found: found.update({"docProps/core.xml": b"x"}), "part-name"),
        (lambda found: found.update({"word/_rels/styles2.xml.rels": b"x"}), "part-name"),
        (lambda found: found.update({"word/media/_rels/image1.png.rels": b"x"}), "part-name"),
        (partial(_rename, old="word/header1.xml", new="word/header01.xml"), "part-name"),
        (partial(_rename, old="word/header1.xml", new="word/Header1.xml"), "part-name"),
        (partial(_rename, old="word/styles.xml", new="word/styles1.xml"), "part-name"),
        (partial(_rename, old="word/media/image1.png", new="word/media/image1.gif"), "target"),
        (lambda found: found.update({"docProps/app.xml": found["docProps/app.xml"] + b"\n"}), "properties"),
    ],
)
def test_rejects_members_that_the_grammar_does_not_have(change: Callable[[Members], None], code: str) -> None:
    assert_rejected(write(TEXT, change), code, "unreached")


def test_rejects_pictures_that_are_none() -> None:
    for content in (b"", b"<svg/>", png()[:-1], png() + b"x", b"BM" + png()):
        assert_rejected(write(TEXT.with_part("word/media/image1.png", content)))


def test_looks_into_a_package_inside_a_package() -> None:
    inner, name = write(NESTED), "word/embeddings/workbook1.xlsx"
    verify(write(TEXT.with_part(name, inner)), LIMITS, TEXT.media_type)
    for broken in (inner[:-1], inner + b"\0", write(TEXT), write(SHOW), png(), b""):
        assert_rejected(write(TEXT.with_part(name, broken)))
    template = "application/vnd.openxmlformats-officedocument.spreadsheetml.template"
    assert_rejected(write(TEXT.with_part(name, write(replace(NESTED, media_type=template)))), "content-types")


def test_keeps_the_limits() -> None:
    size = sum(len(content) for content in members(TEXT).values())
    inner = sum(len(content) for content in members(NESTED).values())
    verify(DATA, replace(LIMITS, max_inflated=size + inner, max_output=len(DATA)), TEXT.media_type)
    assert_rejected(DATA, "too-much-inflated", limits=replace(LIMITS, max_inflated=size + inner - 1))
    assert_rejected(DATA, "too-long", limits=replace(LIMITS, max_output=len(DATA) - 1))
    elements = sum(content.count(b"<") - content.count(b"</") for content in members(TEXT).values())
    assert_rejected(DATA, "too-many-elements", limits=replace(LIMITS, max_objects=elements // 16))


def test_rejects_a_bomb_before_it_is_inflated() -> None:
    body = deflated(b"\0" * (4 << 20))
    found = ordered(members(TEXT))
    found[3] = replace(found[3], data=body, size=4 << 20, crc=zlib.crc32(b"\0" * (4 << 20)))
    assert_rejected(packed(found), "ratio")


def test_rejects_more_members_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sanitizer.verify.ooxml.checks.MAX_MEMBERS", len(members(TEXT)) + len(members(NESTED)))
    verify(DATA, LIMITS, TEXT.media_type)
    monkeypatch.setattr("sanitizer.verify.ooxml.checks.MAX_MEMBERS", len(members(TEXT)) + len(members(NESTED)) - 1)
    assert_rejected(DATA, "too-many-members")


def test_rejects_a_package_whose_main_part_is_missing() -> None:
    assert_rejected(write(Package("word/styles.xml", {"word/styles.xml": "<w:styles/>"})), "main-part")
