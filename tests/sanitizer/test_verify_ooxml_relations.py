"""Section 4 of the grammar: what leads where, and what a package says of its parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.canonical_office import BOOK, SHOW, TEXT
from support.canonical_ooxml import SHEET, Members, Package, write
from support.verified_ooxml import LIMITS, assert_rejected

from sanitizer.verify.ooxml import verify

DOCUMENT, RELS = "word/document.xml", "word/_rels/document.xml.rels"
SHEET_1, SLIDE_1, SLIDE_2 = "xl/worksheets/sheet1.xml", "ppt/slides/slide1.xml", "ppt/slides/slide2.xml"


def replaced(name: str, old: str, new: str) -> Callable[[Members], None]:
    """A change of the text of one member."""

    def change(found: Members) -> None:
        assert old.encode() in found[name], old
        found[name] = found[name].replace(old.encode(), new.encode(), 1)

    return change


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<Relationship ", "<Relationship  ", "relationships"),
        ("<Relationship ", "\n<Relationship ", "relationships"),
        ("<Relationships ", "<!-- --><Relationships ", "relationships"),
        ('Id="rId1"', 'Id="rId01"', "relationships"),
        ('Id="rId1"', 'Id="rId9"', "relationships"),
        ('Id="rId1"', "Id='rId1'", "relationships"),
        ("<Relationships xmlns", "<Relationships  xmlns", "relationships"),
        ('Target="/word/media', 'Target="word/media', "target"),
        ('Target="/word/media', 'Target="/word/../word/media', "target"),
        ('Target="/word/media/image1.png"', 'Target="/word/media/image2.png"', "target"),
        ('Target="/word/media/image1.png"', 'Target="/docProps/app.xml"', "target"),
        ('Target="/word/media/image1.png"', 'Target="/word/header1.xml"', "relationship-type"),
        ("relationships/image", "relationships/oleObject", "relationship-type"),
        ("relationships/image", "relationships/attachedTemplate", "relationship-type"),
        ("relationships/hyperlink", "relationships/image", "external"),
        ("relationships/hyperlink", "relationships/attachedTemplate", "external"),
        ('/header1.xml" Type', '/header1.xml" TargetMode="External" Type', "external"),
        (' TargetMode="External"', "", "target"),
        (' TargetMode="External"', ' TargetMode="Internal"', "relationships"),
        ("https://www", "file://www", "link"),
        ("https://www", "javascript:www", "link"),
        ("https://www", "//www", "link"),
        ("https://www", "mhtml:https://www", "link"),
        ("a=1&amp;b", "a=1&b", "relationships"),
        ("a=1&amp;b", "a=1&#38;b", "relationships"),
        ("a=1&amp;b", "a=1&lt;b", "relationships"),
        ("a=1&amp;b", "a=1 b", "link"),
        ("a=1&amp;b", "a=1\u202eb", "link"),
        ("</Relationships>", "</Relationships>\n", "relationships"),
        ("</Relationships>", "<Relationship/></Relationships>", "relationships"),
    ],
)
def test_rejects_other_relationships(old: str, new: str, code: str) -> None:
    assert_rejected(write(TEXT, replaced(RELS, old, new)), code)


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("_rels/.rels", 'Id="rId1"', 'Id="rId3"', "relationships"),
        ("_rels/.rels", "relationships/officeDocument", "relationships/customXml", "relationships"),
        ("_rels/.rels", "</Relationships>", "<Relationship/></Relationships>", "relationships"),
        ("[Content_Types].xml", 'Extension="png"', 'Extension="bin"', "content-types"),
        ("[Content_Types].xml", "document.main+xml", "template.main+xml ", "content-types"),
        ("[Content_Types].xml", "styles+xml", "settings+xml", "content-types"),
        ("[Content_Types].xml", "/word/styles.xml", "/word/Styles.xml", "content-types"),
        ("[Content_Types].xml", "document.main+xml", "document.macroEnabled.main+xml", "content-types"),
        ("[Content_Types].xml", "</Types>", "</Types>\n", "content-types"),
        ("docProps/app.xml", "LibreOffice", "Somebody", "properties"),
        ("docProps/app.xml", "LibreOffice", "LibreOffice\n", "properties"),
        ("docProps/app.xml", "</Properties>", "<Company>x</Company></Properties>", "properties"),
    ],
)
def test_rejects_another_frame(name: str, old: str, new: str, code: str) -> None:
    assert_rejected(write(TEXT, replaced(name, old, new)), code)


def test_rejects_a_main_part_of_macros() -> None:
    def change(found: Members) -> None:
        types = found["[Content_Types].xml"].decode()
        main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
        found["[Content_Types].xml"] = types.replace(
            main, "application/vnd.ms-word.document.macroEnabled.main+xml"
        ).encode()

    assert_rejected(write(TEXT, change), "content-types")


def relations(package: Package, name: str) -> list[tuple[str, str]]:
    return list(package.relations[name])


def test_rejects_the_same_relationship_twice() -> None:
    known = relations(TEXT, DOCUMENT)
    assert_rejected(TEXT.relating(DOCUMENT, [*known, known[0]]), "relationship-twice")


def test_rejects_relationships_without_use() -> None:
    known = relations(TEXT, DOCUMENT)
    assert_rejected(TEXT.relating(DOCUMENT, [*known, ("hyperlink", "https://example.jp/")]), "unused-relationship")
    assert_rejected(TEXT.but(DOCUMENT, '<w:headerReference r:id="rId4" w:type="default"/>', ""), "unused-relationship")
    assert_rejected(TEXT.relating("word/header1.xml", [("styles", "word/styles.xml")]), "unused-relationship")


def test_rejects_more_than_one_relationship_without_a_reference() -> None:
    second = SHOW.with_part("ppt/slideLayouts/slideLayout2.xml", SHOW.parts["ppt/slideLayouts/slideLayout1.xml"])
    known = [*relations(SHOW, SLIDE_2), ("slideLayout", "ppt/slideLayouts/slideLayout2.xml")]
    assert_rejected(second.relating(SLIDE_2, known), "unused-relationship")


def test_rejects_parts_that_nothing_leads_to() -> None:
    known = relations(TEXT, DOCUMENT)
    assert_rejected(TEXT.relating(DOCUMENT, [one for one in known if one[0] != "styles"]), "unreached")
    lonely = TEXT.with_part("word/header2.xml", TEXT.parts["word/header1.xml"])
    assert_rejected(lonely, "unreached")
    assert_rejected(lonely.relating("word/header2.xml", [("header", "word/header2.xml")]), "unreached")


@pytest.mark.parametrize(
    ("package", "name", "old", "new", "codes"),
    [
        (TEXT, DOCUMENT, 'r:embed="rId1"', 'r:embed="rId9"', ("reference",)),
        (TEXT, DOCUMENT, 'r:embed="rId1"', 'r:embed=""', ("reference",)),
        (TEXT, DOCUMENT, 'r:embed="rId1"', 'r:embed="rId2"', ("reference",)),
        (TEXT, DOCUMENT, 'r:embed="rId1"', 'r:link="rId1"', ("attribute",)),
        (TEXT, DOCUMENT, 'w:hyperlink r:id="rId3"', 'w:hyperlink r:id="rId1"', ("reference",)),
        (TEXT, DOCUMENT, '<c:chart r:id="rId2"/>', "<c:chart/>", ("reference-missing",)),
        (TEXT, DOCUMENT, 'w:headerReference r:id="rId4"', 'w:headerReference r:id="rId5"', ("reference",)),
        (TEXT, DOCUMENT, 'w:headerReference r:id="rId4" ', "w:headerReference ", ("reference-missing",)),
        (BOOK, "xl/workbook.xml", ' r:id="rId1"', "", ("reference-missing",)),
        (BOOK, "xl/workbook.xml", ' r:id="rId1"', ' r:id="rId2"', ("reference",)),
        (BOOK, SHEET_1, '<x:drawing r:id="rId1"/>', "", ("unused-relationship",)),
        (BOOK, SHEET_1, '<x:drawing r:id="rId1"/>', "<x:drawing/>", ("reference-missing",)),
        (BOOK, SHEET_1, 'x:tablePart r:id="rId3"', 'x:tablePart r:id="rId1"', ("reference",)),
        (
            SHOW,
            "ppt/presentation.xml",
            '<p:sldId id="256" r:id="rId2"/>',
            '<p:sldId id="256"/>',
            ("reference-missing",),
        ),
        (SHOW, SLIDE_1, ' r:lo="rId3"', "", ("reference-missing",)),
        (SHOW, SLIDE_1, ' r:lo="rId3"', ' r:lo="rId4"', ("reference",)),
        (SHOW, "ppt/diagrams/data1.xml", "rId6", "rId5", ("reference",)),
        (SHOW, "ppt/diagrams/data1.xml", "rId6", "rId66", ("reference",)),
        (SHOW, "ppt/diagrams/data1.xml", "rId6", "", ("reference",)),
        (SHOW, SLIDE_1, "ppaction://hlinksldjump", "ppaction://program", ("value",)),
        (SHOW, SLIDE_1, "ppaction://hlinksldjump", "ppaction://macro?name=x", ("value",)),
        (SHOW, SLIDE_1, "ppaction://hlinksldjump", "ppaction://noaction", ("action",)),
        (SHOW, SLIDE_1, 'hlinksldjump" r:id="rId7"', 'hlinksldjump" r:id=""', ("action",)),
        (SHOW, SLIDE_1, 'hlinksldjump" r:id="rId7"', 'hlinksldjump" r:id="rId2"', ("reference",)),
        (SHOW, SLIDE_1, 'hlinksldjump" r:id="rId7"', 'hlinksldjump"', ("reference-missing",)),
        (SHOW, SLIDE_1, 'action="ppaction://hlinksldjump" ', "", ("reference",)),
        (SHOW, SLIDE_1, 'nextslide" r:id=""', 'nextslide" r:id="rId7"', ("action",)),
        (SHOW, SLIDE_2, 'r:id="rId2"', 'r:id=""', ("action",)),
        (SHOW, SLIDE_2, 'r:id="rId2"', 'r:id="rId1"', ("reference",)),
    ],
)
def test_rejects_references_that_lead_astray(
    package: Package, name: str, old: str, new: str, codes: tuple[str, ...]
) -> None:
    assert_rejected(package.but(name, old, new), *codes)


def test_a_reference_that_the_table_does_not_allow_does_not_occur() -> None:
    border = '<w:p><w:pPr/></w:p><w:sectPr><w:pgBorders><w:top r:id="rId1"/></w:pgBorders></w:sectPr></w:body>'
    assert_rejected(TEXT.but(DOCUMENT, "</w:body>", border), "reference")


class TestNotes:
    """§9: the shapes of notes follow from the notes."""

    SHAPES = "xl/drawings/vmlDrawing1.vml"

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("<x:Row>0</x:Row>", "<x:Row>1</x:Row>"),
            ("1025", "1024"),
            ('fillcolor="#ffffe1"', 'fillcolor="#ffffe0"'),
            ("</xml>", "</xml>\n"),
            ("visibility:hidden", "visibility:visible"),
            ("</x:ClientData>", "<x:FmlaMacro>x</x:FmlaMacro></x:ClientData>"),
            ('ObjectType="Note"', 'ObjectType="Button"'),
        ],
    )
    def test_rejects_other_shapes(self, old: str, new: str) -> None:
        assert_rejected(write(BOOK, replaced(self.SHAPES, old, new)), "note-shapes")

    def shown(self, anchor: str) -> bytes:
        """A workbook whose first note is always shown, with these corners."""

        def change(found: Members) -> None:
            text = found[self.SHAPES].decode().replace(";visibility:hidden", "", 1)
            text = text.replace("1, 15, 0, 10, 3, 15, 4, 4", anchor, 1)
            found[self.SHAPES] = text.replace("</x:ClientData>", "<x:Visible/></x:ClientData>", 1).encode()

        return write(BOOK, change)

    @pytest.mark.parametrize("anchor", ["1, 15, 29, 7, 2, 47, 33, 13", "0, 0, 0, 0, 16383, 9999, 1048575, 9999"])
    def test_accepts_a_note_that_is_always_shown(self, anchor: str) -> None:
        verify(self.shown(anchor), LIMITS, SHEET)

    @pytest.mark.parametrize(
        "anchor",
        [
            "",
            "1, 15, 29, 7, 2, 47, 33",
            "1, 15, 29, 7, 2, 47, 33, 13, 1",
            "01, 15, 29, 7, 2, 47, 33, 13",
            "-1, 15, 29, 7, 2, 47, 33, 13",
            "1,15,29,7,2,47,33,13",
            "3, 15, 29, 7, 2, 47, 33, 13",
            "1, 15, 34, 7, 2, 47, 33, 13",
            "1, 15, 29, 7, 16384, 47, 33, 13",
            "1, 15, 29, 7, 2, 47, 1048576, 13",
            "1, 10000, 29, 7, 2, 47, 33, 13",
            "1, 15, 29, 7, 2, 47, 33, 13<x:FmlaMacro/>",
        ],
    )
    def test_rejects_impossible_corners(self, anchor: str) -> None:
        assert_rejected(self.shown(anchor), "note-shapes")

    @pytest.mark.parametrize("ref", ["a1", "A0", "A01", "AAAA1", "$A$1", "A1:B2", "", "A12345678"])
    def test_rejects_other_references(self, ref: str) -> None:
        assert_rejected(BOOK.but("xl/comments1.xml", 'ref="A1"', f'ref="{ref}"'), "note-reference")

    def test_rejects_notes_elsewhere(self) -> None:
        assert_rejected(BOOK.but("xl/comments1.xml", 'ref="A1"', 'ref="A2"'), "note-shapes")
        assert_rejected(BOOK.but("xl/comments1.xml", ' ref="A1"', ""), "note-reference")
        assert_rejected(BOOK.but("xl/comments1.xml", '<x:comment authorId="0" ref="XFD10"/>', ""), "note-shapes")
        assert_rejected(BOOK.but("xl/comments1.xml", "Author<", "Taro<"), "text")

    def test_rejects_shapes_without_notes_and_notes_without_shapes(self) -> None:
        shapes = '<x:legacyDrawing r:id="rId2"/>'
        known = relations(BOOK, SHEET_1)
        assert_rejected(BOOK.but(SHEET_1, shapes, ""), "note-shapes")
        assert_rejected(BOOK.but(SHEET_1, shapes, shapes + shapes), "note-shapes")
        chart = '<x:chartsheet><x:legacyDrawing r:id="rId1"/></x:chartsheet>'
        package = BOOK.with_part("xl/chartsheets/sheet1.xml", chart).with_part("xl/drawings/vmlDrawing2.vml", b"<xml/>")
        package = package.but(
            "xl/workbook.xml", "</x:sheets>", '<x:sheet name="C" r:id="rId3" sheetId="2"/></x:sheets>'
        )
        package = package.relating(
            package.main, [*relations(BOOK, BOOK.main), ("chartsheet", "xl/chartsheets/sheet1.xml")]
        )
        package = package.relating("xl/chartsheets/sheet1.xml", [("vmlDrawing", "xl/drawings/vmlDrawing2.vml")])
        assert_rejected(package, "element")  # the table has no shapes for it
        without = {name: body for name, body in BOOK.parts.items() if name != "xl/comments1.xml"}
        package = Package(BOOK.main, without, {**BOOK.relations, SHEET_1: known[:-1]}, BOOK.media_type)
        assert_rejected(package, "note-shapes")
