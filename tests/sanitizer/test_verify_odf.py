"""The verifier of OpenDocument files: sentences of the grammar pass, and one thing changed makes another file."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.canonical_odf import ALL, MANIFEST, ODF, SVG, TEXT, Document, Members, ordered, write
from support.canonical_odf import members as members_of
from support.canonical_ooxml import packed, png

from sanitizer.limits import Limits
from sanitizer.verify import VERIFIERS, Violation
from sanitizer.verify.odf import verify
from sanitizer.verify.odf.formulas import is_condition, is_formula, is_link
from sanitizer.verify.odf.table import TABLE, read
from sanitizer.verify.odf.values import predicate

LIMITS = Limits()
DATA = write(TEXT)
CONTENT, STYLES, SETTINGS, META = "content.xml", "styles.xml", "settings.xml", "meta.xml"


def assert_rejected(document: Document | bytes, *codes: str, limits: Limits = LIMITS, mime: str = "") -> None:
    data = write(document) if isinstance(document, Document) else document
    mime = mime or (document.media_type if isinstance(document, Document) else TEXT.media_type)
    with pytest.raises(Violation) as caught:
        verify(data, limits, mime)
    assert not codes or caught.value.code in codes, caught.value
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", caught.value.code)
    assert re.fullmatch(r"[A-Za-z0-9 .,#/-]{0,40}", caught.value.where)


@pytest.mark.parametrize("kind", ALL)
def test_accepts_what_the_grammar_says(kind: str) -> None:
    verify(write(ALL[kind]), LIMITS, ALL[kind].media_type)


def test_every_type_of_the_table_has_this_verifier() -> None:
    assert {mime for mime, module in VERIFIERS.items() if module == "sanitizer.verify.odf"} == TABLE.mains.keys()


def test_rejects_a_sound_file_under_another_type() -> None:
    for document in ALL.values():
        for mime in TABLE.mains.keys() - {document.media_type}:
            assert_rejected(write(document), "mimetype", mime=mime)


def test_rejects_every_change_of_a_byte() -> None:
    chance = random.Random(5)
    for at in sorted({*chance.sample(range(len(DATA)), 500), *range(80), *range(len(DATA) - 60, len(DATA))}):
        assert_rejected(DATA[:at])
        assert_rejected(DATA[:at] + bytes((chance.randrange(256),)) + DATA[at:])
    for more in (b"\0", b"PK", DATA):
        assert_rejected(DATA + more)
        assert_rejected(more + DATA)


def test_members_stand_in_one_order() -> None:
    found = ordered(members_of(TEXT))
    assert_rejected(packed(found[1:] + found[:1]), "member-order")
    assert_rejected(packed([found[0], found[2], found[1], *found[3:]]), "member-order")
    assert_rejected(packed([*found, found[-1]]), "member-order")
    assert_rejected(packed([replace(found[0], method=8), *found[1:]]), "method")
    assert_rejected(packed(found[:1] + found[2:]), "manifest")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Basic/script-lc.xml", "member-name"),
        ("Configurations2/menubar/a.xml", "member-name"),
        ("Object 1/content.xml", "member-name"),
        ("Thumbnails/thumbnail.png", "member-name"),
        ("Pictures/image3.emf", "member-name"),
        ("Pictures/image4.png", "numbers"),
        ("Pictures/image01.png", "member-name"),
        ("Pictures/image3.png", "pictures"),
        ("Part1/meta.xml", "member-name"),
        ("Part1/styles.xml", "content"),
        ("Part2/content.xml", "object-type"),
        ("layout-cache", "member-name"),
        ("manifest.rdf", "member-name"),
    ],
)
def test_members_have_names_of_the_grammar(name: str, code: str) -> None:
    assert_rejected(TEXT.with_part(name, png() if name.endswith("png") else TEXT.parts[STYLES]), code)


def test_every_object_is_used_and_every_picture_shown() -> None:
    assert_rejected(TEXT.without("Part1/content.xml"), "objects", "manifest")
    assert_rejected(TEXT.but(CONTENT, "./Part1", "./Part2"), "objects")
    assert_rejected(TEXT.without("Pictures/image1.png"), "numbers")
    assert_rejected(TEXT.but(CONTENT, "image1.png", "image2.svg"), "pictures")
    chart = {"Part1/": f"{ODF}chart"}
    assert_rejected(replace(TEXT, objects=chart))
    assert_rejected(replace(TEXT, objects={"Part1/": f"{ODF}text"}), "object-type")


@pytest.mark.parametrize("picture", [b"", png()[:-1], png() + b"x", SVG, b"MZ"])
def test_pictures_are_read_by_their_own_verifier(picture: bytes) -> None:
    assert_rejected(TEXT.with_part("Pictures/image1.png", picture))
    assert_rejected(TEXT.with_part("Pictures/image2.svg", picture.replace(b"<svg", b"<svg onload='x'") or b"<"))


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        (CONTENT, "<office:text>", "<office:scripts/><office:text>", "element"),
        (CONTENT, "<text:s/>", "<text:s></text:s>", "empty-element"),
        (CONTENT, "<text:s/>", "<text:s />", "tag"),
        (CONTENT, "<text:s/>", "<!--x-->", "element"),
        (CONTENT, "<text:s/>", "<![CDATA[x]]>", "element"),
        (CONTENT, "<text:s/>", "<?php x?>", "element"),
        (CONTENT, "<text:s/>", "<script:event-listener/>", "element"),
        (CONTENT, "<text:s/>", "<text:dde-connection/>", "element"),
        (CONTENT, "<text:s/>", '<text:s text:c="1" text:c="1"/>', "attribute-order"),
        (CONTENT, "<text:s/>", '<text:s onclick="x"/>', "attribute"),
        (CONTENT, "<text:s/>", "<text:s text:c='1'/>", "tag"),
        (CONTENT, "の後", "&#x3042;", "escape"),
        (CONTENT, "の後", ">", "escape"),
        (CONTENT, "の後", "&quot;", "escape"),
        (CONTENT, "の後", "\r", "character"),
        (CONTENT, "の後", "\ufffe", "character"),
        (CONTENT, "<office:text>", "<office:text> ", "text"),
        (CONTENT, "</office:body>", "</office:body><office:body><office:text/></office:body>", "body"),
        (CONTENT, "</office:text>", "</office:text><office:text/>", "body"),
        (CONTENT, "<office:text>", "<office:drawing/><office:text>", "body"),
        (CONTENT, "https://www", "file://www", "value"),
        (CONTENT, "https://www.example.lg.jp/?a=1&amp;b=2", "vnd.sun.star.script:a", "value"),
        (CONTENT, "https://www.example.lg.jp/?a=1&amp;b=2", "javascript:a", "value"),
        (CONTENT, "https://www.example.lg.jp/?a=1&amp;b=2", "../a.odt", "value"),
        (CONTENT, "Pictures/image1.png", "https://a.jp/a.png", "value"),
        (CONTENT, "Pictures/image1.png", "../image1.png", "value"),
        (CONTENT, 'xlink:type="simple"', 'xlink:type="extended"', "value"),
        (CONTENT, 'office:version="1.3"', 'office:version="1.2"', "version"),
        (CONTENT, 'office:version="1.3"', 'office:version="2.0"', "value"),
        (CONTENT, ' office:version="1.3"', "", "attribute-missing"),
        (CONTENT, "</office:document-content>", "</office:document-content>\n", "text"),
        (CONTENT, "</office:document-content>", "", "unclosed"),
        (STYLES, "office:document-styles", "office:document-content", "element"),
        (SETTINGS, "ShowGrid", "LoadReadonly", "value"),
        (SETTINGS, ">true<", ">yes<", "text"),
        (SETTINGS, ">100<", "><", "empty-element"),
        (SETTINGS, 'config:type="int">100</config:config-item>', 'config:type="int"/>', "text"),
        (SETTINGS, 'config:type="int"', 'config:type="string"', "text"),
        (META, "LibreOffice/7.4.7.2", "LibreOffice/7.4.7.2 (X11)", "text"),
        (META, "<meta:generator>LibreOffice/7.4.7.2</meta:generator>", "<meta:generator/>", "text"),
        (META, "</office:meta>", "<meta:generator>LibreOffice/7.4</meta:generator></office:meta>", "meta"),
        ("Part1/content.xml", "<math:mi", "<math:maction/><math:mi", ""),
        ("Part1/content.xml", "mathvariant", "href", "attribute"),
    ],
)
def test_says_what_is_wrong_in_a_part(name: str, old: str, new: str, code: str) -> None:
    changed = TEXT.but(name, old, new)
    if code:
        assert_rejected(changed, code, "tag")
    else:
        verify(write(changed), LIMITS, TEXT.media_type)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (CONTENT, b' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"', b""),
        (CONTENT, b' xmlns:of="', b' xmlns:dom="http://www.w3.org/2001/xml-events" xmlns:of="'),
        (CONTENT, b' xmlns:of="urn:oasis', b' xmlns:of="urn:other'),
        (CONTENT, b"<?xml", b"\xef\xbb\xbf<?xml"),
        (CONTENT, b"?>\n<", b"?>\n<!DOCTYPE a><"),
        (CONTENT, b"?>\n<", b"?>\n\n<"),
        (CONTENT, "太字".encode(), b"\xff"),
        (MANIFEST, b"text/xml", b"text/plain"),
        (MANIFEST, b'manifest:version="1.3"', b'manifest:version="1.2"'),
        (MANIFEST, b"</manifest:manifest>", b"</manifest:manifest>\n"),
        (MANIFEST, b"><manifest:file-entry", b"> <manifest:file-entry"),
        ("mimetype", b"text", b"text\n"),
        ("mimetype", b"opendocument.text", b"opendocument.text-master"),
    ],
)
def test_every_part_has_one_form(name: str, old: bytes, new: bytes) -> None:
    def change(found: Members) -> None:
        assert old in found[name]
        found[name] = found[name].replace(old, new, 1)

    assert_rejected(write(TEXT, change))


def test_the_limits_are_kept() -> None:
    found = members_of(TEXT)
    size = sum(map(len, found.values()))
    verify(DATA, replace(LIMITS, max_inflated=size, max_output=len(DATA)), TEXT.media_type)
    assert_rejected(DATA, "too-much-inflated", limits=replace(LIMITS, max_inflated=size - 1))
    assert_rejected(DATA, "too-long", limits=replace(LIMITS, max_output=len(DATA) - 1))
    assert_rejected(DATA, "too-many-elements", limits=replace(LIMITS, max_objects=3))
    assert_rejected(DATA, "too-many-objects", limits=replace(LIMITS, max_pages=0))
    deep = "<text:span>" * 251 + "x" + "</text:span>" * 251
    verify(write(TEXT.but(CONTENT, "太字", deep)), LIMITS, TEXT.media_type)
    assert_rejected(TEXT.but(CONTENT, "太字", f"<text:span>{deep}</text:span>"), "too-deep")


@pytest.mark.parametrize(
    "formula",
    [
        *("of:=SUM([.A1])", "oooc:=A1", "=1+2", "", "of:=[$'二 つ'.A1]", 'of:=IF([.A1]="x""y";1;0)', "of:=TRUE()"),
        *(
            "of:=COM.MICROSOFT.CONCAT([.A1])",
            'of:=HYPERLINK("mailto:a@example.jp";"a")',
            'of:=hyperlink( "#A.B1" )',
            "of:=[.#REF!]",
        ),
    ],
)
def test_formulas_that_compute(formula: str) -> None:
    assert is_formula(formula)


@pytest.mark.parametrize(
    "formula",
    [
        *('of:=WEBSERVICE("https://a.jp")', 'of:=DDE("a";"b";"c")', "of:=webservice ([.A1])", "msoxl:=SUM(A1)"),
        *(
            "of:=['file:///a'#$A.A1]",
            "of:=['https://a.jp/b'.A1]",
            'of:="file:"',
            "of:=cmd|'/c calc'!A0",
            "of:=cmd|x!A0",
        ),
        *(
            'of:=HYPERLINK("file:///a")',
            "of:=HYPERLINK([.A1])",
            'of:=HYPERLINK("https://a.jp"&"b")',
            'of:=HYPERLINK("https://a.jp/";"a")',
            'of:="HTTP://a.jp"',
            "of:=FOO(1)",
        ),
        *('of:="a', "of:=[.A1", "of:=\\\\a\\b", "of:=A1\\", "x" * 8193, 'of:=HYPERLINK("javascript:x")', "of:=`x`"),
    ],
)
def test_formulas_that_do_more(formula: str) -> None:
    assert not is_formula(formula)


def test_conditions_have_words_of_their_own() -> None:
    for good in ("cell-content()>5", "of:cell-content-is-between(1;2)", "value()>=0", "is-true-formula([.A1]=1)"):
        assert is_condition(good), good
    for bad in ("cell-content-is-evil()", "launch()", "value-x()", "is-true-formula(DDE([.A1]))"):
        assert not is_condition(bad), bad


def test_links() -> None:
    for good in ("https://a.jp/", "mailto:a@b.jp", "tel:0123", "#表1.A1", "#"):
        assert is_link(good), good
    for bad in (
        "",
        "a.odt",
        "../a",
        "file:///a",
        "vnd.sun.star.script:a",
        "#a://b",
        "https://a b",
        "//a",
        "#" + "x" * 2001,
    ):
        assert not is_link(bad), bad


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("token", "10.5cm", "a:/b"),
        ("name", "標準_20_1", "a\\b"),
        ("text", "何でも://\n", "x" * 1_000_001),
        ("sheet", "表 '1'", "'a'#b"),
        ("count", "1234567", "12345678"),
        ("path", "M 0 0 L1.5-2", "M;"),
        ("equation", "?f0 *sin($1)", "a//b"),
        ("operator", "!=", "Launch"),
        ("cells", "'表 1'.A1:'表 1'.B2", "'file:///a'#A.A1"),
        ("picture", "Pictures/image1.png", "Pictures/image1.emf"),
        ("object", "./Part1", "./Object 1"),
        ("=simple", "simple", "Simple"),
        ("enum:frame", "_blank", "_evil"),
    ],
)
def test_kinds_of_values(kind: str, good: str, bad: str) -> None:
    assert predicate(kind)(good)
    assert not predicate(kind)(bad)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense a b", "not a line"),
        ("element a\n ? b", "not a line"),
        ("element a\nelement a", "said twice"),
        ("element a\n < b", "not described"),
        ("ns a b\nns a c", "said twice"),
    ],
)
def test_a_table_that_cannot_be_read_is_an_error(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(text)
    assert read("element a\n < a").elements["a"].children == {"a"}


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([CONTENT, SETTINGS, META]), st.binary(max_size=40), st.floats(0, 1))
def test_other_bytes_in_a_part_are_a_violation_and_nothing_else(name: str, words: bytes, place: float) -> None:
    def change(found: Members) -> None:
        at = int(len(found[name]) * place)
        found[name] = found[name][:at] + words + found[name][at:]

    try:
        verify(write(TEXT, change), LIMITS, TEXT.media_type)
    except Violation as violation:
        assert violation.code


ACTS = re.compile(
    r"script:.*|.*(?:event-listener|draw:floating-frame|plugin|applet|object-ole|dde-|macro|xforms|binary-data|source-uri).*"
    r"|form:(?:connection|command|data-source|datasource|href|target).*|text:database.*|table:(?:table|database)-source.*"
)
POINTS = re.compile(r".*:(?:href|url|src|.*-uri|.*-url)")


def test_the_table_has_nothing_that_acts_or_points_elsewhere() -> None:
    """Looked at from outside: whoever widens the table cannot widen it by these."""
    for element in TABLE.elements.values():
        assert not ACTS.fullmatch(element.name), element.name
        for name, kind in element.attributes.items():
            assert not ACTS.fullmatch(name), name
            assert not POINTS.fullmatch(name) or kind in ("link", "picture", "object", "enum:chart-data"), name
