"""What a rebuilt OpenDocument file still shows and still can: words, links, charts, pictures, forms, layout."""

# ruff: noqa: E501  (markup stands on one line)

from __future__ import annotations

import re

import pytest
from support.odf_samples import (
    cell,
    chart,
    document,
    encrypted,
    formula,
    frame,
    image,
    kinds,
    members,
    rebuilt,
    sheet,
    slide,
    text,
    with_chart,
    xml,
)
from support.ooxml_samples import png

from sanitizer.formats.base import NeedsPassword
from sanitizer.formats.odf import MIME, pictures, tables, thumbnail
from sanitizer.formats.odf import text as words_of
from sanitizer.formats.odf.facts import NAMESPACES
from sanitizer.formats.odf.generator import generator
from sanitizer.limits import Limits
from sanitizer.verify.odf import verify

LIMITS = Limits()


def content(data: bytes) -> str:
    """The main part of a rebuilt file, which is in the grammar."""
    verify(data, LIMITS, members(data)["mimetype"].decode())
    return members(data)["content.xml"].decode()


@pytest.mark.parametrize(
    "markup",
    [
        '<text:p text:style-name="P1">漢字<text:span text:style-name="T1">かな</text:span><text:s text:c="3"/></text:p>',
        '<text:h text:outline-level="1">見出し<text:bookmark text:name="b"/></text:h>',
        '<text:p><text:a xlink:href="https://example.jp/" xlink:type="simple">市</text:a></text:p>',
        '<text:p><text:a xlink:href="#見出し|outline" xlink:type="simple">節</text:a></text:p>',
        '<text:list text:style-name="L1"><text:list-item><text:p>項目</text:p></text:list-item></text:list>',
        "<text:p><text:ruby><text:ruby-base>霞</text:ruby-base><text:ruby-text>かすみ</text:ruby-text></text:ruby></text:p>",
        '<text:p><text:note text:id="n" text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body><text:p>注</text:p></text:note-body></text:note></text:p>',
        '<text:p><text:page-number text:select-page="current">1</text:page-number></text:p>',
        '<text:p><text:expression office:value-type="float" office:value="2" text:formula="ooow:1+1">2</text:expression></text:p>',
        "<text:p>a<office:annotation><text:p>コメント</text:p></office:annotation></text:p>",
        '<table:table table:name="表1"><table:table-column/><table:table-row><table:table-cell><text:p>値</text:p></table:table-cell></table:table-row></table:table>',
        '<text:section text:name="s"><text:p>a</text:p></text:section>',
    ],
)
def test_markup_of_a_text_stays_as_it_is(markup: str) -> None:
    made = rebuilt(document("odt", markup).data())
    assert markup in content(made.data)
    assert kinds(made) == {}


@pytest.mark.parametrize(
    "markup",
    [
        '<draw:custom-shape svg:height="1cm" svg:width="2cm"><draw:enhanced-geometry draw:enhanced-path="M 0 0 L 10 ?f0 Z N" draw:type="rectangle"><draw:equation draw:formula="min(width,height)*$0 /2" draw:name="f0"/></draw:enhanced-geometry></draw:custom-shape>',
        '<anim:par presentation:node-type="timing-root"><anim:seq><anim:transitionFilter smil:dur="0.5s" smil:type="fade"/></anim:seq></anim:par>',
        "<presentation:notes><draw:frame><draw:text-box><text:p>ノート</text:p></draw:text-box></draw:frame></presentation:notes>",
        '<draw:a xlink:href="https://example.jp/" xlink:type="simple"><draw:rect/></draw:a>',
    ],
)
def test_shapes_transitions_and_notes_of_a_slide_stay(markup: str) -> None:
    assert markup in content(rebuilt(slide(markup).data(), "odp").data)


def test_checks_names_filters_and_rules_of_a_spreadsheet_stay() -> None:
    body = (
        '<table:content-validations><table:content-validation table:condition="of:cell-content-is-in-list(&quot;可&quot;;'
        '&quot;否&quot;)" table:name="v"/></table:content-validations>'
        '<table:table table:name="一覧"><table:table-row><table:table-cell table:content-validation-name="v"/></table:table-row>'
        '<calcext:conditional-formats><calcext:conditional-format calcext:target-range-address="一覧.A1:一覧.A9">'
        '<calcext:condition calcext:apply-style-name="s" calcext:base-cell-address="一覧.A1" '
        'calcext:value="formula-is([.A1]&gt;2)"/></calcext:conditional-format></calcext:conditional-formats></table:table>'
        '<table:named-expressions><table:named-range table:base-cell-address="$一覧.$A$1" '
        'table:cell-range-address="$一覧.$A$1:.$B$2" table:name="範囲"/></table:named-expressions>'
        '<table:database-ranges><table:database-range table:display-filter-buttons="true" table:name="d" '
        'table:target-range-address="一覧.A1:一覧.B9"/></table:database-ranges>'
    )
    made = rebuilt(document("ods", body).data(), "ods")
    assert body in content(made.data)
    assert kinds(made) == {}


def test_a_chart_stays_a_chart() -> None:
    made = rebuilt(with_chart("世帯数").data(), "ods")
    assert kinds(made) == {}
    names = list(members(made.data))
    assert names == [
        "mimetype",
        "META-INF/manifest.xml",
        "Part1/content.xml",
        "Part1/styles.xml",
        "content.xml",
        "styles.xml",
    ]
    assert "世帯数" in members(made.data)["Part1/content.xml"].decode()
    assert 'xlink:href="./Part1"' in content(made.data)


def test_two_frames_of_one_chart_share_it() -> None:
    shape = frame('<draw:object xlink:href="./Object 1"/>')
    draft = sheet(*[f"<table:table-cell>{shape}</table:table-cell>"] * 2)
    for name, part in chart("a").items():
        draft.add(f"Object 1/{name}", part)
    assert content(rebuilt(draft.data(), "ods").data).count('xlink:href="./Part1"') == 2


def test_a_formula_stays_a_formula() -> None:
    made = rebuilt(formula('<math:mo stretchy="false">+</math:mo>').data(), "odf")
    assert '<math:mrow><math:mo stretchy="false">+</math:mo></math:mrow>' in content(made.data)
    inner = text(frame('<draw:object xlink:href="./F"/>')).add("F/content.xml", formula().members["content.xml"])
    assert "Part1/content.xml" in members(rebuilt(inner.data()).data)


def test_pictures_are_rebuilt_once_each() -> None:
    body = [frame(image("Pictures/a.png")), frame(image("./Pictures/b.png")), frame(image("Pictures/c.png"))]
    draft = text(*body).add("Pictures/a.png", png()).add("Pictures/b.png", png()).add("Pictures/c.png", png("blue"))
    made = rebuilt(draft.data())
    assert [name for name in members(made.data) if "Pictures/" in name] == [
        "Pictures/image1.png",
        "Pictures/image2.png",
    ]
    assert re.findall(r'xlink:href="([^"]*)"', content(made.data)) == [f"Pictures/image{n}.png" for n in (1, 1, 2)]
    assert [one.mime for one in pictures(made.data, LIMITS)] == ["image/png"] * 2


def test_a_drawing_stays_a_drawing() -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>x()</script><circle r="4"/></svg>'
    made = rebuilt(text(frame(image("Pictures/a.svg"))).add("Pictures/a.svg", svg).data())
    assert b"<circle" in members(made.data)["Pictures/image1.svg"]
    assert b"script" not in members(made.data)["Pictures/image1.svg"]
    assert 'xlink:href="Pictures/image1.svg"' in content(made.data)


def test_form_controls_stay_without_their_events() -> None:
    forms = (
        '<office:forms><form:form form:name="f"><form:checkbox form:control-implementation='
        '"ooo:com.sun.star.form.component.CheckBox" form:label="同意" form:name="c" xml:id="c1"><office:event-listeners/>'
        '</form:checkbox><form:button form:button-type="url" form:label="送信" form:name="b"/></form:form></office:forms>'
    )
    made = content(rebuilt(document("odt", forms).data()).data)
    assert 'form:control-implementation="ooo:com.sun.star.form.component.CheckBox" form:label="同意"' in made
    assert 'form:button form:label="送信"' in made
    assert "event" not in made


def test_word_fields_for_filling_in_stay() -> None:
    field = (
        '<field:fieldmark-start field:type="vnd.oasis.opendocument.field.FORMTEXT" text:name="氏名">'
        '<field:param field:name="Name" field:value="氏名"/></field:fieldmark-start>{}<field:fieldmark-separator/>'
        "佐藤<field:fieldmark-end/>"
    )
    assert field.format("") in content(rebuilt(text(field.format(" FORMTEXT ")).data()).data)


def test_tracked_changes_are_accepted() -> None:
    body = (
        "<text:tracked-changes><text:changed-region text:id='c'><text:insertion/></text:changed-region></text:tracked-changes>"
        "<text:p>前<text:change-start text:change-id='c'/>加えた<text:change-end text:change-id='c'/>後</text:p>"
    )
    made = rebuilt(document("odt", body).data())
    assert words_of(made.data, LIMITS) == "前加えた後\n"
    assert kinds(made) == {"tracked-change": 1}


def test_settings_that_lay_out_stay_and_others_go() -> None:
    item = '<config:config-item config:name="{}" config:type="{}">{}</config:config-item>'
    kept = item.format("AddParaTableSpacing", "boolean", "true") + item.format(
        "PrinterIndependentLayout", "string", "high-resolution"
    )
    gone = item.format("PrinterName", "string", "secret") + item.format("ZoomValue", "int", "high")
    items = f'<config:config-item-set config:name="ooo:configuration-settings">{kept}{gone}</config:config-item-set>'
    settings = xml("office:document-settings", f"<office:settings>{items}</office:settings>")
    made = rebuilt(text("a").add("settings.xml", settings).data())
    assert kept in members(made.data)["settings.xml"].decode()
    assert "secret" not in members(made.data)["settings.xml"].decode()
    assert "high<" not in members(made.data)["settings.xml"].decode()


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("LibreOffice/7.4.7.2$Linux_X86_64 LibreOffice_project/40$Build-2", "LibreOffice/7.4.7.2"),
        (
            "OpenOffice.org/3.2$Win32 OpenOffice.org_project/320m12$Build-9483",
            "OpenOffice.org/3.2 OpenOffice.org_project/320m12$Build-9483",
        ),
        ("MicrosoftOffice/15.0 MicrosoftWord", "MicrosoftOffice/15.0"),
        ("AODL - An OpenDocument Library", None),
    ],
)
def test_of_the_generator_stays_what_layout_depends_on(stated: str, kept: str | None) -> None:
    meta = xml("office:document-meta", f"<office:meta><meta:generator>{stated}</meta:generator></office:meta>")
    made = members(rebuilt(text("a").add("meta.xml", meta).data()).data)
    assert generator(meta.encode()) == kept
    assert (f"<meta:generator>{kept}<".encode() in made["meta.xml"]) if kept else "meta.xml" not in made


def test_the_version_is_the_same_everywhere() -> None:
    draft = text("a").add("styles.xml", xml("office:document-styles", "", 'office:version="1.1"'))
    made = members(rebuilt(draft.data()).data)
    assert b'office:version="1.3"' in made["styles.xml"]
    assert made["META-INF/manifest.xml"].count(b'version="1.3"') == 2
    old = text("a")
    old.add("content.xml", str(old.members["content.xml"]).replace('office:version="1.3"', ""))
    assert b'manifest:version="1.2"' in members(rebuilt(old.data()).data)["META-INF/manifest.xml"]


@pytest.mark.parametrize("scheme", ["aes", "blowfish", "package"])
def test_the_right_password_opens(scheme: str) -> None:
    data = encrypted(text("秘密"), "パスワード", scheme)
    made = rebuilt(data, password="パスワード")
    assert words_of(made.data, LIMITS) == "秘密\n"
    assert kinds(made) == {"encryption": 1}
    for password, wrong in ((None, False), ("x", True), ("", True)):
        with pytest.raises(NeedsPassword) as asked:
            rebuilt(data, password=password)
        assert asked.value.wrong is wrong


def test_words_of_every_kind_of_file() -> None:
    made = rebuilt(sheet(cell("1"), cell("2"), '<table:table-cell table:number-columns-repeated="900"/>').data(), "ods")
    assert words_of(made.data, LIMITS) == "1\t2\n"
    odp = rebuilt(slide(frame("<draw:text-box><text:p>題<text:tab/>名</text:p></draw:text-box>")).data(), "odp")
    assert words_of(odp.data, LIMITS) == "題\t名\n"
    styles = "<office:master-styles><style:master-page style:name='m'><style:header><text:p>頭</text:p></style:header></style:master-page></office:master-styles>"
    odt = rebuilt(text("本<text:s text:c='2'/>文").add("styles.xml", xml("office:document-styles", styles)).data())
    assert words_of(odt.data, LIMITS) == "本  文\n頭\n"
    assert words_of(odt.data, Limits(text_bytes=9)) == "本  文\n"
    noted = rebuilt(formula("<math:mi>x</math:mi><math:annotation>x over y</math:annotation>").data(), "odf")
    assert words_of(noted.data, LIMITS) == "x over y\n"
    assert thumbnail(odt.data, LIMITS) is None


def test_a_number_shown_otherwise_is_said_too() -> None:
    shown = '<table:table-cell office:value="123456789018" office:value-type="float"><text:p>1.23E+11</text:p></table:table-cell>'
    assert words_of(rebuilt(sheet(shown).data(), "ods").data, LIMITS) == "1.23E+11 123456789018\n"


def test_tables_are_what_the_cells_hold() -> None:
    cells = [
        '<table:table-cell office:date-value="2026-11-22T00:00:00" office:value-type="date"><text:p>22日</text:p></table:table-cell>',
        '<table:table-cell office:time-value="PT9H30M00S" office:value-type="time"><text:p>9:30</text:p></table:table-cell>',
        '<table:table-cell office:boolean-value="true" office:value-type="boolean"><text:p>真</text:p></table:table-cell>',
        '<table:table-cell table:number-columns-repeated="2"/><table:covered-table-cell><text:p>x</text:p></table:covered-table-cell>',
        cell("0.1"),
    ]
    made = rebuilt(sheet(*cells).data(), "ods")
    assert tables(made.data, LIMITS) == [[["2026-11-22", "09:30:00", "TRUE", "", "", "", "0.1"]]]
    inner = '<table:table table:name="b"><table:table-row><table:table-cell><text:p>中</text:p></table:table-cell></table:table-row></table:table>'
    outer = f'<table:table table:name="a"><table:table-row><table:table-cell><text:p>外</text:p>{inner}</table:table-cell></table:table-row></table:table>'
    assert tables(rebuilt(document("odt", outer).data()).data, LIMITS) == [[["外"]], [["中"]]]


def test_types_have_names() -> None:
    assert {ending: MIME[ending].rpartition(".")[2] for ending in ("odt", "ots", "odg", "odf")} == {
        "odt": "text",
        "ots": "spreadsheet-template",
        "odg": "graphics",
        "odf": "formula",
    }


def test_a_template_of_styles_alone_gets_an_empty_content() -> None:
    draft = text("")
    del draft.members["content.xml"]
    made = rebuilt(draft.data(), "ott")
    assert "<office:body><office:text/></office:body>" in content(made.data)


def test_namespaces_of_drafts_are_those_of_the_standard() -> None:
    style = '<style:style style:name="a" style:family="text"><style:text-properties fo:color="#ff0000"/></style:style>'
    draft = document("odt", "", style)
    old = str(draft.members["content.xml"]).replace(NAMESPACES["fo"], "http://www.w3.org/1999/XSL/Format")
    assert 'fo:color="#ff0000"' in content(rebuilt(draft.add("content.xml", old).data()).data)
