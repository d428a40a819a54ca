"""What people made stays: words, tables, formulas, charts with their data, notes, forms. Other readers open it."""

# ruff: noqa: E501  (markup stands on one line)

from __future__ import annotations

import io
import re
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from support.ooxml_samples import (
    cell,
    complex_field,
    everything,
    excel,
    in_paragraph,
    kinds,
    members,
    paragraph,
    png,
    powerpoint,
    rebuilt,
    shape,
    word,
    zipped,
)

from sanitizer.formats.ooxml import text
from sanitizer.limits import Limits


def saved(document: Any) -> bytes:
    """A document of one of the three libraries as bytes."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_a_text_document_of_another_program() -> None:
    document = docx.Document()
    document.add_heading("お知らせ", 1)
    document.add_paragraph("りんご", style="List Bullet").add_run("太字").bold = True
    table = document.add_table(2, 2)
    table.cell(1, 1).text = "右下"
    document.add_picture(io.BytesIO(png()))
    document.sections[0].header.paragraphs[0].text = "霞ヶ浜市"
    result = rebuilt(saved(document))
    again = docx.Document(io.BytesIO(result.data))
    assert [one.text for one in again.paragraphs] == [one.text for one in document.paragraphs]
    assert [one.style.name for one in again.paragraphs if one.style] == [
        one.style.name for one in document.paragraphs if one.style
    ]
    assert again.tables[0].cell(1, 1).text == "右下"
    assert again.sections[0].header.paragraphs[0].text == "霞ヶ浜市"
    assert len(again.inline_shapes) == 1
    said = text(result.data, Limits())
    assert all(one in said for one in ("お知らせ", "りんご太字", "右下", "霞ヶ浜市"))


def workbook() -> openpyxl.Workbook:
    """A workbook with one of each thing that must stay."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "集計"
    for row in (["品名", "数"], ["りんご", 3], ["みかん", 4]):
        sheet.append(row)
    sheet["B4"] = "=SUM(B2:B3)"
    sheet["A4"] = '=HYPERLINK("https://example.jp/","市")'
    sheet["A1"].font = Font(bold=True)
    sheet["A1"].comment = Comment("メモ", "佐藤")
    sheet["A2"].hyperlink = "https://example.jp/a"
    sheet.merge_cells("C1:D1")
    sheet.add_table(Table(displayName="表1", ref="A1:B3"))
    sheet.conditional_formatting.add("B2:B3", CellIsRule("greaterThan", ["3"], fill=PatternFill("solid", "FF0000")))
    validation = DataValidation("list", formula1='"はい,いいえ"')
    validation.add("E1")
    sheet.add_data_validation(validation)
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    sheet.add_chart(chart, "G2")
    return book


def test_a_workbook_of_another_program() -> None:
    result = rebuilt(saved(workbook()), "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(result.data))["集計"]
    assert sheet["B4"].value == "=SUM(B2:B3)"
    assert sheet["A4"].value == '=HYPERLINK("https://example.jp/","市")'
    assert sheet["A1"].font.bold
    assert sheet["A1"].comment.text == "メモ"
    assert sheet["A1"].comment.author == "Author"
    assert sheet["A2"].hyperlink.target == "https://example.jp/a"
    assert [str(one) for one in sheet.merged_cells.ranges] == ["C1:D1"]
    assert sheet.tables["表1"].ref == "A1:B3"
    assert len(sheet.conditional_formatting) == 1
    assert sheet.data_validations.dataValidation[0].formula1 == '"はい,いいえ"'
    charts = members(result.data)["xl/charts/chart1.xml"].decode()
    assert "<c:f>'集計'!$B$2:$B$3</c:f>" in charts
    assert "xl/drawings/vmlDrawing1.vml" in members(result.data)
    assert text(result.data, Limits()).splitlines()[:2] == ["品名\t数", "りんご\t3"]


def test_a_note_that_is_always_shown_stays_so_where_it_is() -> None:
    book = workbook()
    drawn = members(rebuilt(with_shown_note(saved(book), "4, 95, 5, 3, 5, 33, 9, 6"), "xlsx").data)
    shapes = drawn["xl/drawings/vmlDrawing1.vml"].decode()
    assert "<x:Anchor>4, 95, 5, 3, 5, 33, 9, 6</x:Anchor>" in shapes
    assert "<x:Visible/>" in shapes and "hidden" not in shapes
    drawn = members(rebuilt(with_shown_note(saved(book), "4, 95, 5, 3, 2, 33, 9, 6"), "xlsx").data)
    assert b"visibility:hidden" in drawn["xl/drawings/vmlDrawing1.vml"]


def with_shown_note(data: bytes, anchor: str) -> bytes:
    """The workbook with its note pinned open, as Excel writes it."""
    parts: dict[str, str | bytes] = dict(members(data))
    (name,) = [name for name in parts if name.endswith(".vml")]
    pinned = rf"<\1:Anchor>{anchor}</\1:Anchor><\1:Visible/></\1:ClientData>"
    return zipped({**parts, name: re.sub(r"</(\w+):ClientData>", pinned, members(data)[name].decode())})


def test_a_chart_on_a_slide_keeps_the_workbook_of_its_data() -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "人口"
    categories: Any = CategoryChartData
    data = categories()
    data.categories = ["北", "南"]
    data.add_series("人", (1, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 9000, 9000, data)
    slide.notes_slide.notes_text_frame.text = "口頭で補う"
    result = rebuilt(saved(presentation), "pptx")
    again = pptx.Presentation(io.BytesIO(result.data)).slides[0]
    assert again.shapes.title.text == "人口"
    assert again.notes_slide.notes_text_frame.text == "口頭で補う"
    chart = next(one.chart for one in again.shapes if one.has_chart)
    assert list(chart.plots[0].categories) == ["北", "南"]
    assert list(chart.plots[0].series[0].values) == [1.0, 2.0]
    inner = openpyxl.load_workbook(io.BytesIO(chart.part.chart_workbook.xlsx_part.blob))
    assert inner.worksheets[0]["B3"].value == 2
    said = text(result.data, Limits())
    assert "人口" in said
    assert "口頭で補う" in said


def test_tracked_changes_are_accepted() -> None:
    body = (
        '<w:p><w:pPr><w:rPr><w:del w:id="1"/></w:rPr></w:pPr><w:r><w:t>前</w:t></w:r></w:p>'
        '<w:p><w:ins w:id="2"><w:r><w:t>後</w:t></w:r></w:ins><w:del w:id="3"><w:r><w:delText>無</w:delText></w:r></w:del></w:p>'
        "<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc>" + paragraph("消えた行") + "</w:tc></w:tr></w:tbl>"
    )
    result = rebuilt(word(body).data())
    assert text(result.data, Limits()) == "前後\n"
    assert kinds(result) == {"tracked-change": 4}


@pytest.mark.parametrize(
    ("instruction", "written"),
    [
        (" page ", " PAGE "),
        (' TOC \\o "1-3" \\h ', ' TOC \\o "1-3" \\h '),
        ('HYPERLINK "https://example.jp"', ' HYPERLINK "https://example.jp" '),
        ("EQ \\o\\ac(○,印)", " EQ \\o\\ac(○,印) "),
        ('=SUM(ABOVE) \\# "0"', ' =SUM(ABOVE) \\# "0" '),
    ],
)
def test_harmless_fields_stay_fields(instruction: str, written: str) -> None:
    escaped = instruction.replace('"', "&quot;")
    for runs in (complex_field(escaped), f'<w:fldSimple w:instr="{escaped}"><w:r><w:t>r</w:t></w:r></w:fldSimple>'):
        made = members(rebuilt(word(in_paragraph(runs)).data()).data)["word/document.xml"].decode()
        assert written in made.replace("&quot;", '"')


def test_form_fields_and_content_controls_stay_fillable() -> None:
    body = (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:name w:val="氏名"/><w:enabled/><w:textInput/></w:ffData>'
        '</w:fldChar></w:r><w:r><w:instrText> FORMTEXT </w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
        '<w:sdt><w:sdtPr><w:alias w:val="日付"/><w:date/><w:dataBinding w:xpath="/a" w:storeItemID="{1}"/></w:sdtPr>'
        f"<w:sdtContent>{paragraph('6月')}</w:sdtContent></w:sdt>"
        '<w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val="1"/></w14:checkbox></w:sdtPr><w:sdtContent/></w:sdt>'
    )
    result = rebuilt(word(body).data())
    made = members(result.data)["word/document.xml"].decode()
    assert '<w:name w:val="氏名"/>' in made
    assert "<w:textInput/>" in made
    assert '<w:alias w:val="日付"/><w:date/>' in made
    assert '<w14:checked w14:val="1"/>' in made
    assert kinds(result) == {"custom-xml": 1}


def test_of_alternatives_the_one_that_can_be_kept() -> None:
    shapes = (
        '<mc:AlternateContent><mc:Choice Requires="a14"><p:sp/></mc:Choice>'
        f"<mc:Fallback>{shape('代わり')}</mc:Fallback></mc:AlternateContent>"
    )
    assert "代わり" in text(rebuilt(powerpoint(shapes).data(), "pptx").data, Limits())


def test_a_formula_that_goes_leaves_its_value() -> None:
    result = rebuilt(excel(cell("UNKNOWNFUNCTION(1)", "42")).data(), "xlsx")
    assert '<x:c r="A1"><x:v>42</x:v></x:c>' in everything(result.data)
    assert kinds(result) == {"formula-value": 1}


def test_spaces_and_special_characters_in_texts_stay() -> None:
    result = rebuilt(word(paragraph(" a &lt; b &amp; 𠮷\t")).data())
    assert '<w:t xml:space="preserve"> a &lt; b &amp; 𠮷\t</w:t>' in everything(result.data)


def test_strict_documents_become_transitional() -> None:
    data = members(word(paragraph("厳密")).data())
    strict = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
    transitional = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    data["word/document.xml"] = data["word/document.xml"].replace(transitional, strict)
    draft = word("")
    draft.parts["word/document.xml"] = data["word/document.xml"]
    result = everything(rebuilt(draft.data()).data)
    assert "厳密" in result
    assert "purl.oclc.org" not in result
