"""What people need stays: text, Japanese, links, outline, page labels, fillable forms, tags, comments, pictures."""

from __future__ import annotations

import io
from typing import Any

import pypdfium2
import pytest
from pypdf import PdfReader, PdfWriter
from support.pdf_readers import keys_and_names, pixels, rebuilt, text, whole
from support.received_pdf import BENIGN, JAPANESE, TEXT, Draft, benign, utf16

from sanitizer.formats.base import Job
from sanitizer.formats.pdf import rebuild
from sanitizer.limits import Limits


def read(data: bytes) -> PdfReader:
    """The rebuilt file, as another library reads it, strictly."""
    return PdfReader(io.BytesIO(rebuilt(data).data), strict=True)


@pytest.mark.parametrize("feature", BENIGN)
def test_the_page_looks_the_same(feature: str) -> None:
    original = benign(feature)
    assert pixels(rebuilt(original).data) == pixels(original)


def test_text_stays_in_both_languages() -> None:
    found = text(rebuilt(benign()).data)
    assert TEXT in found
    assert JAPANESE in found


def test_links_stay() -> None:
    page = read(benign("links")).pages[0]
    annotations = [reference.get_object() for reference in whole(page["/Annots"])]
    assert annotations[0]["/A"]["/URI"] == "https://www.example.lg.jp/a?b=c"
    assert annotations[1]["/A"]["/URI"] == "mailto:soumu@example.lg.jp"
    assert annotations[2]["/Dest"][1] == "/XYZ"
    assert annotations[2]["/Dest"][0].get_object() == page


def test_outline_stays() -> None:
    reader = read(benign("outline"))
    outline: Any = reader.outline
    first, nested = outline
    assert first.title == "第一章"
    assert [item.title for item in nested] == ["Section"]
    assert reader.get_destination_page_number(nested[0]) == 0


def test_page_labels_stay() -> None:
    assert read(benign("page_labels")).page_labels == ["資料iii"]


def test_forms_stay_fillable() -> None:
    reader = read(benign("form"))
    fields = reader.get_fields()
    assert fields is not None
    assert fields["name"]["/V"] == "Taro"
    assert fields["name"]["/TU"] == "氏名"
    assert fields["agree"]["/V"] == "/Yes"
    writer = PdfWriter(clone_from=reader)
    writer.update_page_form_field_values(writer.pages[0], {"name": "Hanako"})
    out = io.BytesIO()
    writer.write(out)
    filled = PdfReader(out).get_fields()
    assert filled is not None and filled["name"]["/V"] == "Hanako"


def test_structure_stays() -> None:
    reader = read(benign("structure"))
    root = whole(whole(reader.trailer["/Root"])["/StructTreeRoot"])
    element = root["/K"][0].get_object()
    assert (element["/S"], element["/K"][0], element["/Alt"]) == ("/Absatz", 0, "お知らせ")
    assert element["/Pg"].get_object() == reader.pages[0]
    assert root["/RoleMap"] == {"/Absatz": "/P"}
    assert root["/ParentTree"]["/Nums"][1][0].get_object() == element
    assert whole(reader.pages[0]["/StructParents"]) == 0
    assert b"/Absatz <</MCID 0>> BDC" in whole(reader.pages[0]["/Contents"]).get_data()


def test_a_comment_keeps_its_popup() -> None:
    note, popup = (x.get_object() for x in whole(read(benign("comment")).pages[0]["/Annots"]))
    assert note["/Contents"] == "確認してください"
    assert note["/Popup"].get_object() == popup
    assert popup["/Parent"].get_object() == note


def test_a_field_tree_stays_a_tree() -> None:
    d = Draft()
    parent = f"{d._next} 0 R"
    d.add(f"<</FT/Tx/T(person)/V(x)/Kids[{d._next + 1} 0 R {d._next + 2} 0 R]>>")
    d.annotate(f"/Subtype/Widget/Rect[1 1 20 9]/Parent {parent}")
    d.annotate(f"/Subtype/Widget/Rect[1 21 20 29]/Parent {parent}")
    d.fields.append(parent)
    reader = read(bytes(d))
    field = whole(reader.trailer["/Root"])["/AcroForm"]["/Fields"][0].get_object()
    assert (field["/T"], field["/V"], len(field["/Kids"])) == ("person", "x", 2)
    assert all(kid.get_object()["/Parent"].get_object() == field for kid in field["/Kids"])


def test_a_widget_outside_the_form_keeps_what_it_inherits() -> None:
    d = Draft()
    parent = d.add("<</FT/Tx/T(lost)/V(value)/DA(/Helv 9 Tf 0 g)>>")
    d.annotate(f"/Subtype/Widget/Rect[1 1 20 9]/Parent {parent}")
    widget = whole(read(bytes(d)).pages[0]["/Annots"])[0].get_object()
    assert (widget["/T"], widget["/V"], widget["/FT"]) == ("lost", "value", "/Tx")
    assert "/Parent" not in widget


def test_inherited_page_attributes_are_written_into_each_page() -> None:
    d = Draft()
    pages = [d.add("<</Type/Page/Parent 2 0 R/Contents 4 0 R>>") for _ in range(2)]
    fonts = "<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    body = f"<</Type/Pages/Count 2/Kids[{' '.join(pages)}]/MediaBox[0 0 300 200]/Rotate -90/Resources{fonts}>>"
    d.catalogue["Pages"] = d.add(body)
    original = bytes(d).replace(b"/Pages 2 0 R", b"", 1)
    result = rebuilt(original).data
    reader = PdfReader(io.BytesIO(result), strict=True)
    assert [page.rotation for page in reader.pages] == [270, 270]
    assert TEXT in text(result, 1)
    assert reader.pages[0].raw_get("/Resources") == reader.pages[1].raw_get("/Resources")  # written once


def test_a_link_without_scheme_becomes_a_web_link() -> None:
    d = Draft()
    d.annotate("/Subtype/Link/Rect[1 1 9 9]/A<</S/URI/URI(www.example.jp/a b)>>")
    result = rebuilt(bytes(d))
    link = whole(PdfReader(io.BytesIO(result.data)).pages[0]["/Annots"])[0].get_object()
    assert link["/A"]["/URI"] == "http://www.example.jp/a%20b"
    assert [change.kind for change in result.changed] == ["link-normalised"]


def test_html_in_a_comment_becomes_plain_words() -> None:
    d = Draft()
    d.annotate("/Subtype/Text/Rect[1 1 9 9]/Contents(a <b> & <img src=x> javascript:x)")
    note = whole(read(bytes(d)).pages[0]["/Annots"])[0].get_object()
    assert note["/Contents"] == "a <b> & ＜img src=x> ｊavascript:x"


def test_jpeg_samples_stay_and_its_metadata_goes() -> None:
    original = benign("jpeg_image")
    result = rebuilt(original).data
    assert b"SECRET" in original and b"SECRET" not in result
    assert "/DCTDecode" in keys_and_names(result)
    assert pixels(result) == pixels(original)


@pytest.mark.parametrize("feature", ["jpx_image", "jbig2_image"])
def test_risky_codecs_are_transcoded(feature: str) -> None:
    result = rebuilt(benign(feature))
    assert not keys_and_names(result.data) & {"/JPXDecode", "/JBIG2Decode"}
    assert [(change.kind, change.where) for change in result.changed] == [("image-transcoded", "page 1")]


def test_outputs_do_not_depend_on_anything_but_the_input() -> None:
    job = Job("application/pdf", "rebuild", "a", None, Limits())
    assert rebuild(benign(), job).data == rebuild(benign(), job).data


def test_pdfium_opens_the_form() -> None:
    document = pypdfium2.PdfDocument(rebuilt(benign("form")).data)
    assert document.get_formtype() == 1  # FORMTYPE_ACRO_FORM
    document.close()


def test_utf16_is_used_only_where_needed() -> None:
    d = Draft()
    d.annotate(f"/Subtype/Text/Rect[1 1 9 9]/Contents {utf16('plain')}/Subj {utf16('髙橋𠮷')}")
    note = whole(read(bytes(d)).pages[0]["/Annots"])[0].get_object()
    assert (note["/Contents"], note["/Subj"]) == ("plain", "髙橋𠮷")
