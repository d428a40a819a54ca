"""Sections 2, 3 and 5 of the grammar: canonical XML, the table, rules for single elements."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from support.canonical_office import ALL, BOOK, SHOW, TEXT
from support.canonical_ooxml import LINES, Members, Package, content_type, declared, members, write
from support.ooxml_oracle import objections
from support.verified_ooxml import LIMITS, assert_accepted, assert_rejected

from sanitizer.verify import Violation
from sanitizer.verify.ooxml import usual, verify
from sanitizer.verify.ooxml.checks import Budget
from sanitizer.verify.ooxml.markup import MAX_DEPTH, Markup

DOCUMENT = "word/document.xml"
STYLES = "word/styles.xml"
SHEET_1 = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('<?xml version="1.0"', '<?xml version="1.1"', "declaration"),
        ('encoding="UTF-8"', 'encoding="UTF-16"', "declaration"),
        ("?>\n", "?>", "declaration"),
        ("?>\n", "?>\r\n", "declaration"),
        ("?>\n", "?>\n\n", "declaration"),
        ("?>\n", '?>\n<!DOCTYPE a [<!ENTITY b "c">]>', "root"),
        ("?>\n", "?>\n<!-- -->", "root"),
        ("?>\n", "?>\n<?a b?>", "root"),
        ("<w:p>", "<!-- --><w:p>", "element"),
        ("<w:p>", "<?mso-application progid='Word.Document'?><w:p>", "element"),
        ("<w:p>", "\n<w:p>", "text"),
        ("<w:p>", "<w:p >", "tag"),
        ("<w:p>", "<w:p><w:r></w:r>", "empty-element"),
        ("<w:p>", "<w:p/><w:r/>", "element"),
        ("<w:p>", "<w:p></w:p ><w:p>", "element"),
        ("<w:p>", "<w:p></w:q><w:p>", "element"),
        ("<w:p>", "<w:p />", "tag"),
        ("<w:p>", "<<w:p>", "tag"),
        ("<w:p>", "<w:p", "tag"),
        ("<w:p>", "<w:p>>", "text"),
        ("<w:p>", "<w:p/><w:altChunk/><w:p>", "element"),
        ("<w:p>", "<w:p/><w:object/><w:p>", "element"),
        ("<w:p>", '<w:p w:rsidR="00000000">', "attribute"),
        ("<w:p>", "<W:p>", "element"),
        ("<w:p>", "<p>", "element"),
        ("<w:p>", "<x:p>", "element"),
        (' w:val="center"', ' w:val="center" w:val="center"', "attribute-order"),
        (' w:val="center"', " w:val='center'", "tag"),
        (' w:val="center"', '  w:val="center"', "tag"),
        (' w:val="center"', ' w:val ="center"', "tag"),
        (' w:val="center"', ' w:val="centre"', "value"),
        (' w:val="center"', ' w:val="center "', "value"),
        (' w:val="center"', ' val="center"', "attribute"),
        (' w:val="center"', ' w:val="center', "tag"),
        ('r:id="rId3" w:history="1"', 'w:history="1" r:id="rId3"', "attribute-order"),
        ('w:h="16838" w:w="11906"', 'w:w="11906" w:h="16838"', "attribute-order"),
        ('w:h="16838"', 'w:h="16838&#48;"', "tag"),
        ('w:h="16838"', 'w:h="http://a"', "value"),
        ('xml:space="preserve"> 市', 'xml:space="other"> 市', "value"),
        ('xml:space="preserve"> 市', 'xml:lang="ja"> 市', "attribute"),
        ("&amp; 区", "&amp;amp 区", ""),
        ("&amp; 区", "& 区", "escape"),
        ("&amp; 区", "&quot; 区", "escape"),
        ("&amp; 区", "&#38; 区", "escape"),
        ("&amp; 区", "&#9; 区", "escape"),
        ("&amp; 区", "&apos; 区", "escape"),
        ("&amp; 区", "&b; 区", "escape"),
        ("&amp; 区", "> 区", "escape"),
        ("&amp; 区", "<![CDATA[&]]> 区", "element"),
        ("&amp; 区", "\r 区", "character"),
        ("&amp; 区", "\0 区", "character"),
        ("&amp; 区", "\x1b 区", "character"),
        ("&amp; 区", "\ufffe 区", "character"),
        ("&amp; 区", "\uffff 区", "character"),
        ("&amp; 区", "\t\n 区", ""),
        ("&amp; 区", "&lt;&gt;&#13; 区", ""),
        ("&amp; 区", "\"'葛\U000e0100 区", ""),
        ("</w:document>", "", "unclosed"),
        ("</w:document>", "</w:document>\n", "element"),
        ("</w:document>", "</w:document><w:document/>", "element"),
        ("</w:document>", "</w:document></w:document>", "element"),
    ],
)
def test_accepts_one_way_of_writing_only(old: str, new: str, code: str) -> None:
    def change(found: Members) -> None:
        assert old.encode() in found[DOCUMENT]
        found[DOCUMENT] = found[DOCUMENT].replace(old.encode(), new.encode(), 1)

    if code:
        assert_rejected(write(TEXT, change), code)
    else:
        verify(write(TEXT, change), LIMITS, TEXT.media_type)


@pytest.mark.parametrize(
    "broken",
    [b"\xef\xbb\xbf", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe5\xb8"],
)
def test_rejects_what_is_not_utf_8(broken: bytes) -> None:
    def change(found: Members) -> None:
        found["word/header1.xml"] = found["word/header1.xml"].replace(b"head<", broken + b"<")

    data = write(TEXT, change)
    if broken == b"\xef\xbb\xbf":  # in the text it is a character like others; before the declaration it is not
        assert_rejected(write(TEXT, lambda found: found.update({STYLES: broken + found[STYLES]})), "declaration")
    else:
        assert_rejected(data, "character")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (' xmlns:w="', ' xmlns:w="x'),
        (' xmlns:w="', ' xmlns:v="urn:schemas-microsoft-com:vml" xmlns:w="'),
        (' xmlns:w="', ' xmlns="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:w="'),
        (' xmlns:w="', ' xmlns:xml="http://www.w3.org/XML/1998/namespace" xmlns:w="'),
        (' xmlns:w="', ' xmlns:zz="a" xmlns:w="'),
        (' xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"', ""),
    ],
)
def test_rejects_other_declarations(old: str, new: str) -> None:
    def change(found: Members) -> None:
        assert old.encode() in found[STYLES]
        found[STYLES] = found[STYLES].replace(old.encode(), new.encode(), 1)

    assert_rejected(write(TEXT, change), "namespaces", "attribute", "root")


def test_rejects_declarations_in_another_order_or_place() -> None:
    parts = members(TEXT)[DOCUMENT].decode()
    spaces = re.findall(r' xmlns:[a-z0-9]+="[^"]*"', parts)
    turned = parts.replace("".join(spaces[:2]), "".join(spaces[1::-1]), 1)
    assert turned != parts
    assert_rejected(write(TEXT, lambda found: found.update({DOCUMENT: turned.encode()})), "namespaces")
    moved = parts.replace(spaces[0], "", 1).replace("<w:body>", f"<w:body{spaces[0]}>")
    assert_rejected(write(TEXT, lambda found: found.update({DOCUMENT: moved.encode()})), "attribute")


@pytest.mark.parametrize("kind", ["styles", "header", "settings"])
def test_rejects_the_root_of_another_kind(kind: str) -> None:
    root = {"styles": "w:hdr", "header": "w:ftr", "settings": "w:styles"}[kind]
    with pytest.raises(Violation, match="element"):
        Markup(Budget.of(LIMITS)).read(declared(f"<{root}/>").encode(), kind, "")


def test_accepts_the_empty_root_of_every_kind() -> None:
    for line in LINES:
        if line[0] == "part":
            Markup(Budget.of(LIMITS)).read(declared(f"<{line[2]}/>").encode(), line[1], "")


def test_counts_how_deep_elements_nest() -> None:
    def nested(deep: int) -> Package:
        # w:document, w:body, w:p, then w:hyperlink inside one another, w:r the innermost
        inner = "<w:hyperlink>" * (deep - 4) + "<w:r/>" + "</w:hyperlink>" * (deep - 4)
        return TEXT.but(DOCUMENT, "<w:sectPr>", f"<w:p>{inner}</w:p><w:sectPr>")

    assert MAX_DEPTH == 256
    assert_accepted(nested(MAX_DEPTH))
    assert_rejected(nested(MAX_DEPTH + 1), "too-deep")


@pytest.mark.parametrize(
    ("package", "name", "old", "new", "code"),
    [
        (BOOK, "xl/workbook.xml", 'name="範囲"', 'name="Auto_Open"', "defined-name"),
        (BOOK, "xl/workbook.xml", 'name="範囲"', 'name="_xlnm.auto_close"', "defined-name"),
        (BOOK, "xl/workbook.xml", 'name="範囲"', 'name="AUTOACTIVATE2"', "defined-name"),
        (BOOK, "xl/workbook.xml", 'sheetId="1"', 'sheetId="1" state="veryHidden"', "value"),
        (BOOK, SHEET_1, '<x:f si="0" t="shared"/>', '<x:f si="0"/>', "formula-empty"),
        (BOOK, SHEET_1, '<x:f si="0" t="shared"/>', "<x:f/>", "formula-empty"),
        (BOOK, SHEET_1, '<x:row r="1">', '<x:row r="a">', "value"),
        (BOOK, SHEET_1, '<x:row r="1">', '<x:row r="A1">', "value"),
        (BOOK, SHEET_1, '<x:row r="1">', '<x:row r="1 ">', "value"),
        (BOOK, SHEET_1, '<x:c r="B1">', '<x:c r="B1" s="B1">', "value"),
        (BOOK, "xl/drawings/drawing1.xml", "<xdr:col>0</xdr:col>", "<xdr:col>A</xdr:col>", "text"),
        (BOOK, "xl/drawings/drawing1.xml", "<xdr:col>0</xdr:col>", "<xdr:col/>", "text"),
        (SHOW, "ppt/slides/slide1.xml", "<a:t>Go</a:t>", "<a:t>Go</a:t>!", "element"),
        (SHOW, "ppt/slides/slide1.xml", "<p:sld>", "<p:sld><p:controls/>", "element"),
        (SHOW, "ppt/slides/slide1.xml", "<p:sld>", "<p:sld><p:extLst/>", "element"),
    ],
)
def test_rejects_what_single_elements_may_not_be(package: Package, name: str, old: str, new: str, code: str) -> None:
    assert_rejected(package.but(name, old, new), code)


def test_a_known_shape_lets_no_other_value_through() -> None:
    """The same tag with numbers, names of cells and other values, in every order of learning."""
    good = ['<x:c r="A1" s="22"/>', '<x:c r="B7" s="300"/>', '<x:c r="22" s="4"/>', '<x:c r="A1" s="2.5"/>']
    bad = ['<x:c r="A1" s="A1"/>', '<x:c r="A1" s="\ufeff"/>', '<x:c r="://" s="22"/>', '<x:c ph="22" r="A1"/>']
    bad += [
        '<x:c r="A1" s="22" t="22"/>',
        '<x:c r="A1" s="22" t="A1"/>',
        '<x:c r="A1" s="22 "/>',
        '<x:c r="A1" s="２２"/>',
    ]
    for wrong in bad:
        for first in good:
            for cells in (first + wrong, wrong + first, first * 2 + wrong):
                assert_rejected(BOOK.but(SHEET_1, '<x:c r="A1" t="s">', f'{cells}<x:c r="A1" t="s">'), "value")
    assert_accepted(BOOK.but(SHEET_1, '<x:c r="A1" t="s">', f'{"".join(good * 2)}<x:c r="A1" t="s">'))


def test_many_plain_cells_hide_no_other_one() -> None:
    """Among cells and rows that are read at one go, each that is wrong is found, whatever stands around it."""
    good = '<x:c r="A1" s="22" t="n"><x:v>1 "2"</x:v></x:c>'
    bad = {
        '<x:c r="A1"><x:v>&#65;</x:v></x:c>': "escape",
        '<x:c r="A1"><x:v>a>b</x:v></x:c>': "escape",
        '<x:c r="A1"><x:v></x:v></x:c>': "empty-element",
        '<x:c r="A1"></x:c>': "empty-element",
        '<x:c r="A1"> <x:v>1</x:v></x:c>': "text",
        '<x:c r="A1"><x:v>1</x:v></x:c> ': "element",
        '<x:c r="A1" ><x:v>1</x:v></x:c>': "tag",
        '<x:c r="A1" t="x"><x:v>1</x:v></x:c>': "value",
        '<x:c r="A1" x="1"/>': "attribute",
        '<x:c s="1" r="A1"/>': "attribute-order",
        '<x:c r="A1"><x:w>1</x:w></x:c>': "element",
        '<x:c r="A1"><x:v>1<x:v>1</x:v></x:v></x:c>': "element",
        '<x:c r="A1"><x:v>\x01</x:v></x:c>': "character",
        '<w:c r="A1"/>': "element",
    }
    for wrong, code in bad.items():
        for cells in (wrong + good, good + wrong + good, good * 3 + wrong):
            row = f'<x:row r="9" spans="1:3">{cells}</x:row>'
            plain = f'<x:row r="7">{good}</x:row>'
            for rows in (row, row + plain * 2, plain * 3 + row):
                assert_rejected(BOOK.but(SHEET_1, "</x:sheetData>", f"{rows}</x:sheetData>"), code)
    rows = f'<x:row r="7">{good * 2}</x:row>' * 3
    assert_accepted(BOOK.but(SHEET_1, "</x:sheetData>", f"{rows}</x:sheetData>"))
    for place in ("</x:sheetData>{}", "{}</x:worksheet>"):
        marker = place.format("").strip()
        assert_rejected(BOOK.but(SHEET_1, marker, place.format(rows)), "element")
        assert_rejected(BOOK.but(SHEET_1, marker, place.format(good * 3)), "element")


def test_plain_cells_are_counted_like_others() -> None:
    rows = '<x:row r="7"><x:c r="A1"/><x:c r="B1"/></x:row>' * 100
    package = BOOK.but(SHEET_1, "</x:sheetData>", f"{rows}</x:sheetData>")
    assert_accepted(package)
    assert_rejected(package, "too-many-elements", limits=replace(LIMITS, max_objects=70))  # a fourth of the elements


def test_usual_tags_are_in_the_grammar_and_known_before_the_first_file() -> None:
    lines = [line.split("\t") for line in usual.PATH.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) == len({*map(tuple, lines)}) > 500
    for type_, tag in lines:
        assert tag + ">" in usual.learned(type_)
    with pytest.raises(Violation, match="element"):
        usual.learned("w:CT_Body")["w:altChunk>"]


def test_long_parts_are_read_in_windows() -> None:
    rows = "".join(f'<x:row r="{n}"><x:c r="A{n}"><x:v>{n} 円</x:v></x:c></x:row>' for n in range(2, 20_000))
    package = BOOK.but(SHEET_1, "</x:sheetData>", f"{rows}</x:sheetData>")
    assert_accepted(package)
    assert_rejected(package.but(SHEET_1, "<x:v>19000 円", "<x:v>19000 &円"), "escape")
    assert_rejected(package.but(SHEET_1, '"19999"', '"19999" a="1"'), "attribute")


def kind_of(name: str, main: str) -> str:
    """The kind of the typed part of this name."""
    folder = re.escape(main.partition("/")[0])
    return next(
        line[1]
        for line in LINES
        if line[0] == "part" and re.fullmatch(line[4].replace("{a}", folder).replace("{n}", "[0-9]+"), name)
    )


TYPED = [
    (kind_of(name, package.main), content)
    for package in ALL.values()
    for name, content in sorted(members(package).items())
    if name in package.parts and content_type(name, package.media_type, package.main)
]
SALT = [
    b" ",
    b"<",
    b">",
    b'"',
    b"/",
    b"&",
    b"=",
    b":",
    b"\n",
    b"a",
    b"0",
    b"-",
    b"w",
    b"\x00",
    b"\xff",
    b"</w:p>",
    b"<w:p/>",
]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """One to three bytes more, less, other, or two pieces changed over."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(56, len(content))
        to = min(len(content), at + chance.choice((0, 1, 1, 4, 20)))
        piece = chance.choice((b"", chance.choice(SALT), content[at:to][::-1], content[at:to] * 2))
        content = content[:at] + piece + content[to:]
    return content


def test_what_survives_a_mutation_is_still_in_the_grammar() -> None:
    chance, survived = random.Random(11), 0
    assert [objections(content, kind) for kind, content in TYPED] == [[]] * len(TYPED)
    for _ in range(12_000):
        kind, content = chance.choice(TYPED)
        content = mutated(content, chance)
        try:
            Markup(Budget.of(LIMITS)).read(content, kind, "")
        except Violation:
            continue
        survived += 1
        assert objections(content, kind) == [], content
    assert survived > 100
