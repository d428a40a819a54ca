"""Bad input: each ends in a refusal with a reason, or in a file without what was bad, within the limits."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.odf_samples import (
    cell,
    document,
    encrypted,
    frame,
    image,
    kinds,
    members,
    rebuilt,
    sheet,
    text,
    with_chart,
    xml,
    zipped,
)

from sanitizer.formats.base import Job, NeedsPassword, Refused
from sanitizer.formats.odf import rebuild
from sanitizer.formats.odf import text as words_of
from sanitizer.formats.odf.formulas import is_condition, is_formula
from sanitizer.limits import Limits
from sanitizer.verify.odf import verify


def refusal(data: bytes, ending: str = "odt", limits: Limits | None = None) -> tuple[str, str]:
    """Code and detail of the refusal of a file."""
    with pytest.raises(Refused) as caught:
        rebuilt(data, ending, limits=limits or Limits(), password="x")
    return caught.value.code, caught.value.detail


def test_what_is_no_document_is_unreadable() -> None:
    assert refusal(b"") == ("unreadable", "zip structure")
    assert refusal(zipped({"a.txt": "x"})) == ("unreadable", "content")
    assert refusal(text("a").data()[:-30]) == ("unreadable", "zip structure")
    assert refusal(text("a").add("content.xml", "<broken").data()) == ("unreadable", "content")
    assert refusal(text("a").add("content.xml", xml("office:document-content", "")).data()) == ("unreadable", "content")
    two = "<office:body><office:text/><office:spreadsheet/></office:body>"
    assert refusal(text("a").add("content.xml", xml("office:document-content", two)).data()) == (
        "unreadable",
        "content",
    )


def test_a_content_of_another_type_is_unreadable() -> None:
    assert refusal(sheet(cell("1")).data(), "odt") == ("unreadable", "content")
    with pytest.raises(Refused) as caught:
        rebuild(text("a").data(), Job("application/vnd.oasis.opendocument.database", "rebuild", "", None, Limits()))
    assert caught.value.code == "unsupported-opendocument"


def test_broken_styles_and_settings_are_left_out() -> None:
    made = rebuilt(text("a").add("styles.xml", "<x").add("settings.xml", xml("office:text", "")).data())
    assert kinds(made) == {"unreadable-part": 1}
    assert list(members(made.data)) == ["mimetype", "META-INF/manifest.xml", "content.xml"]


def test_bombs_are_bombs() -> None:
    large = text("").add("content.xml", b"<a>" + b" " * 2_000_000)
    assert refusal(large.data(), limits=Limits(max_inflated=1_000_000)) == ("bomb", "bytes")
    assert refusal(text(*["a"] * 200).data(), limits=Limits(max_objects=10)) == ("bomb", "elements")
    assert refusal(text("a" * 2000).data(), limits=Limits(max_output=500)) == ("output-too-large", "")
    assert refusal(with_chart().data(), "ods", Limits(max_pages=0)) == ("too-many-pages", "objects")
    sealed = encrypted(text("a" * 3_000_000), "x", "package")
    assert refusal(sealed, limits=Limits(max_inflated=1_000_000)) == ("bomb", "bytes")


def test_repetitions_cost_nothing_here_and_are_bounded_in_number() -> None:
    wide = '<table:table-cell table:number-columns-repeated="{0}"><text:p>x</text:p></table:table-cell>'
    made = rebuilt(sheet(wide.format(9_999_999)).data(), "ods")
    assert len(words_of(made.data, Limits())) < 3_000
    assert b"repeated" not in members(rebuilt(sheet(wide.format(10**9)).data(), "ods").data)["content.xml"]


@pytest.mark.parametrize(
    "piece", ["[", "['", "'", '"', "a", "((((", "[.A1]", "value()", "a-", "{1|", "HYPERLINK(", "|"]
)
def test_formulas_take_no_time_however_they_are_written(piece: str) -> None:
    start = time.process_time()
    for formula in (piece * (8000 // len(piece)), f"of:={piece * (8000 // len(piece))}!"):
        is_formula(formula)
        is_condition(formula)
    assert time.process_time() - start < 1


def test_deep_markup_is_refused_or_in_the_grammar() -> None:
    for depth in (200, 250, 300, 3_000):
        try:
            made = rebuilt(text("<text:span>" * depth + "a" + "</text:span>" * depth).data())
        except Refused as refused:
            assert refused.code in ("unreadable", "too-deep")
        else:
            verify(made.data, Limits(), made.mime)


def test_entities_are_neither_expanded_nor_kept() -> None:
    head, _, rest = str(text("x&bomb;&file;").members["content.xml"]).partition("\n")
    doctype = '<!DOCTYPE a [<!ENTITY bomb "boom"><!ENTITY file SYSTEM "file:///etc/passwd">]>'
    result = rebuilt(text("").add("content.xml", head + doctype + rest).data())
    assert words_of(result.data, Limits()) == "x\n"


def test_objects_that_hold_themselves_end() -> None:
    shape = frame('<draw:object xlink:href="./O"/>')
    body = f"<office:body><office:chart><chart:chart><chart:title><text:p/></chart:title>{shape}</chart:chart></office:chart></office:body>"  # noqa: E501
    draft = document("odt", f"<text:p>{shape}</text:p>").add("O/content.xml", xml("office:document-content", body))
    made = rebuilt(draft.data())
    verify(made.data, Limits(), made.mime)
    assert [name for name in members(made.data) if name.endswith("content.xml")] == [
        "Part1/content.xml",
        "content.xml",
    ]


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ('manifest:iteration-count="1000"', 'manifest:iteration-count="99999999"', "key derivation"),
        ('manifest:iteration-count="1000"', 'manifest:iteration-count="x"', "encryption scheme"),
        ("xmlenc#aes256-cbc", "xmlenc#rot13", "encryption scheme"),
        ('"PBKDF2"', '"PBKDF9"', "key derivation"),
    ],
)
def test_schemes_that_are_unknown_or_cost_too_much_are_unreadable(old: str, new: str, detail: str) -> None:
    data = members(encrypted(text("a"), "x"))
    manifest = data["META-INF/manifest.xml"].decode()
    assert old in manifest
    changed = zipped({**data, "META-INF/manifest.xml": manifest.replace(old, new)})
    assert refusal(changed) == ("unreadable", detail)


def test_memory_of_a_key_derivation_is_bounded() -> None:
    data = members(encrypted(text("a"), "x", "package"))
    manifest = data["META-INF/manifest.xml"].decode().replace('argon2-memory="64"', 'argon2-memory="99999999"')
    assert refusal(zipped({**data, "META-INF/manifest.xml": manifest})) == ("unreadable", "key derivation")


def test_a_damaged_member_of_an_encrypted_file_is_left_out() -> None:
    data = members(encrypted(text("a"), "x"))
    made = rebuilt(zipped({**data, "styles.xml": data["styles.xml"][:-16]}), password="x")
    assert "styles.xml" not in members(made.data)


SAMPLE = text("漢字", frame(image("Pictures/a.png"))).add("Pictures/a.png", b"\x89PNG").data()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255), st.integers(0, 60))
def test_a_damaged_file_ends_in_a_verdict(at: int, byte: int, cut: int) -> None:
    damaged = SAMPLE[:at] + bytes([byte]) + SAMPLE[at + 1 + cut :]
    try:
        made = rebuilt(damaged)
    except (Refused, NeedsPassword):
        return
    verify(made.data, Limits(), made.mime)


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
ATTRIBUTE_WORDS = "text:style-name xlink:href text:c draw:name svg:d table:formula xml:id"
ATTRIBUTES = st.sampled_from(ATTRIBUTE_WORDS.split())
NAME_WORDS = "text:p text:span text:a text:s draw:frame draw:image table:table draw:a"
NAMES = st.sampled_from(NAME_WORDS.split())


def references(said: str) -> str:
    """Any characters, as markup."""
    return "".join(f"&#{ord(one)};" if ord(one) >= 32 else " " for one in said)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(NAMES, ATTRIBUTES, WORDS, WORDS), max_size=6), st.randoms(use_true_random=False))
def test_any_markup_comes_out_in_the_grammar(parts: list[tuple[str, str, str, str]], chance: random.Random) -> None:
    markup = ""
    for name, attribute, value, said in parts:
        inside, before = (markup, "") if chance.random() < 0.5 else ("", markup)
        markup = f'{before}<{name} {attribute}="{references(value)}">{references(said)}{inside}</{name}>'
    try:
        made = rebuilt(document("odt", markup).data())
    except Refused as refused:
        assert refused.code == "unreadable"  # a character that XML does not have
        return
    verify(made.data, Limits(), made.mime)
    assert rebuilt(made.data).data == made.data
