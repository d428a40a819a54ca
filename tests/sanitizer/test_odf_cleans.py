"""Whatever can act, call out or hide is gone from a rebuilt OpenDocument file, and the report says so."""

from __future__ import annotations

import pytest
from support.odf_samples import (
    HOSTILE,
    cell,
    document,
    everything,
    frame,
    hostile,
    image,
    kinds,
    marker,
    members,
    rebuilt,
    sheet,
    text,
    with_chart,
    xml,
)
from support.ooxml_samples import png

from sanitizer.formats.odf import KINDS, MIME
from sanitizer.formats.odf.kinds import CHANGED, Report
from sanitizer.formats.package.media import BLANK
from sanitizer.limits import Limits
from sanitizer.verify.odf import verify

ENDINGS = {mime: ending for ending, mime in MIME.items()}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_threat_is_gone_and_reported(name: str) -> None:
    draft = hostile(name)
    assert marker(name) in everything(draft.data())
    made = rebuilt(draft.data(), ENDINGS[draft.mime])
    assert marker(name) not in everything(made.data)
    assert HOSTILE[name][0] in kinds(made)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_was_rebuilt_is_in_the_grammar_and_rebuilds_to_the_same_bytes(name: str) -> None:
    draft = hostile(name)
    once = rebuilt(draft.data(), ENDINGS[draft.mime])
    verify(once.data, Limits(), once.mime)
    again = rebuilt(once.data, ENDINGS[draft.mime])
    assert again.data == once.data
    assert again.removed == []


def test_an_object_leaves_its_picture_or_a_blank_one_in_its_place() -> None:
    lost = '<draw:object-ole xlink:href="./Object 1"/>'
    with_preview = text(frame(lost + image("./ObjectReplacements/Object 1"))).add("ObjectReplacements/Object 1", png())
    made = rebuilt(with_preview.data())
    assert kinds(made) == {"embedded-object": 1, "object-picture": 1}
    (picture,) = [data for name, data in members(made.data).items() if name.startswith("Pictures/")]
    assert picture != BLANK
    without = rebuilt(text(frame(lost)).data())
    assert members(without.data)["Pictures/image1.png"] == BLANK


def test_a_chart_that_cannot_be_read_leaves_its_picture() -> None:
    made = rebuilt(with_chart().add("Object 1/content.xml", "<broken").data(), "ods")
    assert kinds(made) == {"embedded-object": 1, "unreadable-part": 1, "object-picture": 1}
    assert "Pictures/image1.png" in members(made.data)


def test_of_two_forms_of_a_picture_the_readable_one_stays() -> None:
    draft = text(frame(image("Pictures/a.svm") + image("Pictures/a.png"))).add("Pictures/a.svm", b"VCLMTFx")
    made = rebuilt(draft.add("Pictures/a.png", png()).data())
    assert members(made.data)["content.xml"].count(b"draw:image") == 1
    assert BLANK not in members(made.data).values()


def test_signatures_and_passwords_are_said() -> None:
    assert "signature" in kinds(rebuilt(hostile("signature").data()))
    made = rebuilt(hostile("password of a sheet").data(), "ods")
    assert b'table:protected="true"' in members(made.data)["content.xml"]


@pytest.mark.parametrize(
    "formula",
    [
        "of:=SUM([.A1:.B2])",
        "of:=HYPERLINK(&quot;mailto:a@example.jp&quot;;&quot;a&quot;)",
        "of:=IF([$'表 1'.A1]&gt;1;{1;2|3;4};COM.MICROSOFT.CONCAT(&quot;a&quot;))",
        "oooc:=[.A1]*2",
    ],
)
def test_a_formula_that_only_computes_stays_live(formula: str) -> None:
    made = rebuilt(sheet(cell("1", formula)).data(), "ods")
    assert f'table:formula="{formula}"'.encode() in members(made.data)["content.xml"]
    assert kinds(made) == {}


@pytest.mark.parametrize(
    "formula",
    [
        "of:=HYPERLINK(&quot;file:///c:/a&quot;)",
        "of:=HYPERLINK(&quot;https://example.jp/&quot;;&quot;a&quot;)",
        "of:=HYPERLINK([.A1])",
        "of:=cmd|'/c calc'!A0",
        "of:=INDIRECT(&quot;'file:///x'#$A.A1&quot;)",
        "of:=COM.EVIL.RUN(1)",
        "msoxl:=SUM(A1)",
        "of:='file:///x.ods'#name",
    ],
)
def test_a_formula_that_is_not_allowed_keeps_its_value(formula: str) -> None:
    made = rebuilt(sheet(cell("7", formula)).data(), "ods")
    assert kinds(made) == {"formula-value": 1}
    assert b"table:formula" not in members(made.data)["content.xml"]
    assert b'office:value="7"' in members(made.data)["content.xml"]


def test_hidden_sheets_are_named_by_number() -> None:
    hides = '<style:table-properties table:display="false"/>'
    style = f'<style:style style:name="ta1" style:family="table">{hides}</style:style>'
    made = rebuilt(document("ods", '<table:table table:name="a" table:style-name="ta1"/>', style).data(), "ods")
    assert [(one.kind, one.where) for one in made.changed] == [("hidden-sheet", "sheet 1")]


def test_every_kind_has_words_in_both_languages() -> None:
    assert all(ja and en and en.isascii() and not ja.isascii() for ja, en in KINDS.values())
    assert KINDS.keys() >= CHANGED
    with pytest.raises(KeyError):
        Report().add("unheard-of")


def test_sheets_of_other_files_are_not_named_in_the_settings_either() -> None:
    entries = "".join(
        f'<config:config-item-map-entry config:name="{name}"/>' for name in ("一覧", "'file:///secret.ods'#A")
    )
    tables = f'<config:config-item-map-named config:name="Tables">{entries}</config:config-item-map-named>'
    items = f'<config:config-item-set config:name="ooo:view-settings">{tables}</config:config-item-set>'
    settings = xml("office:document-settings", f"<office:settings>{items}</office:settings>")
    made = rebuilt(sheet(cell("1")).add("settings.xml", settings).data(), "ods")
    assert "一覧" in members(made.data)["settings.xml"].decode()
    assert "secret" not in members(made.data)["settings.xml"].decode()


def test_a_formula_that_is_a_link_becomes_a_link_in_the_text() -> None:
    made = rebuilt(sheet(cell("7", "of:=HYPERLINK(&quot;https://example.jp/&quot;;&quot;7&quot;)")).data(), "ods")
    link = '<text:p><text:a xlink:href="https://example.jp/" xlink:type="simple">7</text:a></text:p>'
    assert link in members(made.data)["content.xml"].decode()


def test_kept_sheets_of_other_files_go_and_are_not_counted_as_hidden() -> None:
    style = '<style:style style:name="ta1" style:family="table"><style:table-properties table:display="false"/>'
    tables = '<table:table table:name="\'file:///a.ods\'#A" table:style-name="ta1"/><table:table table:name="一覧"/>'
    made = rebuilt(document("ods", tables, f"{style}</style:style>").data(), "ods")
    assert kinds(made) == {"external-reference": 1}
    assert members(made.data)["content.xml"].decode().count("<table:table ") == 1
