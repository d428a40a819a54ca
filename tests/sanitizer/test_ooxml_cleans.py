"""Whatever can act, call out or hide is gone from a rebuilt Office package, and the report says so."""

from __future__ import annotations

import re
import struct
import zlib

import pytest
from support.ooxml_samples import (
    HOSTILE,
    complex_field,
    compound_file,
    everything,
    excel,
    hostile,
    in_paragraph,
    kinds,
    marker,
    members,
    paragraph,
    picture_document,
    png,
    powerpoint,
    rebuilt,
    shape,
    word,
    xml,
)

from sanitizer.formats.ooxml import KINDS, MACRO_FREE, MIME
from sanitizer.formats.ooxml.kinds import Report
from sanitizer.limits import Limits
from sanitizer.verify.ooxml import verify

MACRO_TYPES = {"docm": "application/vnd.ms-word.document.macroenabled.12"}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_threat_is_gone_and_reported(name: str) -> None:
    original = hostile(name)
    assert name == "very-hidden" or marker(name) in everything(original)
    result = rebuilt(original)
    assert marker(name) not in everything(result.data)
    assert HOSTILE[name][0] in kinds(result)


def test_each_module_of_a_macro_project_is_told_by_its_number() -> None:
    names = ["PROJECT", "PROJECTwm", "dir", "_VBA_PROJECT", "__SRP_0", "ThisDocument", "Module1"]
    project = compound_file(dict.fromkeys(names, b"code"))
    draft = word(paragraph("本文")).add("word/vbaProject.bin", project).add("word/vbaData.xml", b"<x/>")
    result = rebuilt(draft.data())
    modules = [(change.where, change.count) for change in result.removed if change.kind == "macro" and change.where]
    assert modules == [("module 1", 1), ("module 2", 1)]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_was_rebuilt_rebuilds_to_the_same_bytes(name: str) -> None:
    once = rebuilt(hostile(name))
    again = rebuilt(once.data)
    assert again.data == once.data
    assert again.removed == []


@pytest.mark.parametrize("name", HOSTILE)
def test_what_was_rebuilt_is_in_the_grammar(name: str) -> None:
    made = rebuilt(hostile(name))
    verify(made.data, Limits(), made.mime)


@pytest.mark.parametrize(
    ("content", "rel", "target"),
    [
        ('<c:chart r:id="rIdX"/>', "chart", "charts/broken.xml"),
        ('<dgm:relIds r:dm="rIdX" r:lo="rId9" r:qs="rId9" r:cs="rId9"/>', "diagramData", "diagrams/data.xml"),
        ("<a:unknown/>", "chart", "charts/broken.xml"),
    ],
)
def test_a_frame_whose_content_goes_leaves_no_trace(content: str, rel: str, target: str) -> None:
    frame = (
        '<w:p><w:r><w:drawing><wp:inline><wp:docPr id="1" name="f"><a:hlinkClick r:id="rIdL"/></wp:docPr><a:graphic>'
        f'<a:graphicData uri="x">{content}</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>'
    )
    draft = word(frame).add("word/charts/broken.xml", "<x").add("word/diagrams/data.xml", xml("dgm:dataModel", ""))
    draft.relate("word/document.xml", rel, target, name="rIdX")
    draft.relate("word/document.xml", "hyperlink", "https://example.jp", external=True, name="rIdL")
    made = rebuilt(draft.data())
    data = made.data
    verify(data, Limits(), made.mime)
    assert list(members(data)) == ["[Content_Types].xml", "_rels/.rels", "word/document.xml"]
    assert "wp" not in re.findall(r"xmlns:(\w+)", members(data)["word/document.xml"].decode())


def test_a_macro_enabled_document_leaves_without_the_word() -> None:
    original = hostile("docm-macro")
    result = rebuilt(original, MACRO_TYPES["docm"])
    assert result.mime == MIME["docx"]
    assert "macroEnabled" not in everything(result.data)
    assert "vba" not in everything(result.data).lower()


@pytest.mark.parametrize("mime", MACRO_FREE)
def test_every_macro_enabled_type_has_a_macro_free_one(mime: str) -> None:
    assert MACRO_FREE[mime] in MIME.values()


def test_a_template_stays_a_template_and_a_renamed_workbook_becomes_one() -> None:
    assert rebuilt(word("").data(), "dotx").mime == MIME["dotx"]
    assert rebuilt(excel("").data(), "docx").mime == MIME["xlsx"]


def test_the_zip_has_one_form() -> None:
    data = rebuilt(picture_document().data()).data
    at, directory, names = 0, b"", []
    while data[at : at + 4] == b"PK\3\4":
        common = data[at + 4 : at + 30]
        version, flags, method, time, date, crc, packed, size, length, extra = struct.unpack("<HHHHHIIIHH", common)
        assert (version, flags, time, date, extra) == (20, 0, 0, 0x21, 0)
        name = data[at + 30 : at + 30 + length].decode("ascii")
        body = data[at + 30 + length : at + 30 + length + packed]
        content = zlib.decompress(body, -15) if method else body
        assert (len(content), zlib.crc32(content)) == (size, crc)
        assert bool(method) == name.endswith((".xml", ".rels", ".vml"))
        directory += b"PK\1\2\x14\0" + common + struct.pack("<HHHII", 0, 0, 0, 0, at) + name.encode()
        names.append(name)
        at += 30 + length + packed
    end = struct.pack("<HHHHIIH", 0, 0, len(names), len(names), len(directory), at, 0)
    assert data[at:] == directory + b"PK\5\6" + end
    assert names == ["[Content_Types].xml", *sorted(names[1:])]


def test_names_and_ids_of_the_package_are_new() -> None:
    names = members(rebuilt(picture_document().data()).data)
    assert list(names) == [
        "[Content_Types].xml",
        "_rels/.rels",
        "word/_rels/document.xml.rels",
        "word/document.xml",
        "word/media/image1.png",
    ]
    assert b"rIdX" not in b"".join(names.values())


def test_attributes_are_in_order_and_prefixes_are_declared_once() -> None:
    data = members(rebuilt(powerpoint(shape("a")).data()).data)
    for name, content in data.items():
        text = content.decode("utf-8", "replace")
        for tag in re.findall(r"<[\w:]+((?: [\w:]+=\"[^\"]*\")*)/?>", text):
            attributes = re.findall(r" ([\w:]+=\"[^\"]*\")", tag)
            plain = [one for one in attributes if not one.startswith("xmlns")]
            assert plain == sorted(plain), name
        declared = re.findall(r"xmlns:(\w+)=", text)
        assert declared == sorted(set(re.findall(r"[< ](\w+):\w+[ =/>]", text)) - {"xmlns", "xml"}), name


def test_pictures_are_made_anew_and_what_is_none_keeps_its_place() -> None:
    draft = picture_document().add("word/media/photo.png", png() + b"SECRET")
    result = rebuilt(draft.data())
    assert b"SECRET" not in members(result.data)["word/media/image1.png"]
    emf = rebuilt(picture_document().add("word/media/photo.png", b"\1\0\0\0".ljust(40, b"\0") + b" EMF").data())
    assert kinds(emf) == {"metafile": 1}
    assert "word/media/image1.png" in members(emf.data)


def test_a_field_in_a_text_box_neither_ends_nor_begins_one_outside() -> None:
    open_field = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGE </w:instrText></w:r>'
    box = "<w:r><w:pict><v:shape><v:textbox><w:txbxContent>{}</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
    body = in_paragraph(open_field + box.format(paragraph("箱")))
    text = everything(rebuilt(word(body + in_paragraph(complex_field("PAGE"))).data()).data)
    assert "箱" not in text  # it stood inside an instruction, where nothing is shown
    assert text.count("fldChar ") == 0 or text.count('"begin"') == text.count('"end"')


def test_authors_of_comments_have_no_name() -> None:
    draft = word('<w:p><w:r><w:commentReference w:id="0"/></w:r></w:p>')
    comment = f'<w:comment w:id="0" w:author="佐藤" w:initials="S" w:date="2026-01-01">{paragraph("意見")}</w:comment>'
    draft.add("word/comments.xml", xml("w:comments", comment)).relate("word/document.xml", "comments", "comments.xml")
    result = rebuilt(draft.data())
    text = everything(result.data)
    assert "佐藤" not in text
    assert "2026" not in text
    assert "意見" in text
    assert kinds(result) == {"comment-author": 1}


def test_places_are_sheets_and_slides() -> None:
    result = rebuilt(powerpoint(shape("a"), attributes='show="0"').data())
    assert [(one.kind, one.where) for one in result.changed] == [("hidden-slide", "slide 1")]
    hidden = rebuilt(excel("", state="hidden").data())
    assert [(one.kind, one.where) for one in hidden.changed] == [("hidden-sheet", "sheet 1")]
    assert 'state="hidden"' in everything(hidden.data)


def test_a_report_takes_only_known_kinds() -> None:
    with pytest.raises(KeyError):
        Report().add("something")
    assert all(ja and en for ja, en in KINDS.values())
