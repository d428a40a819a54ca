"""The table of what may leave is whole, and has nothing of what the review took away."""

from __future__ import annotations

import re

from support.ooxml_facts import TYPES_HEAD, Type, grafted, read_head, taken_away, written
from support.ooxml_review import AWAY, AWAY_ATTRIBUTES, KINDS_BY_NAME

from sanitizer.formats.ooxml.facts import ENUMS, IMPLICIT, MAIN, PARTS, REFS, TABLE, TYPES
from sanitizer.formats.ooxml.values import check

TEXT = TABLE.read_text(encoding="utf-8")
KEPT = {"w:drawing", "w:t", "x:f", "p:sp", "c:chart", "a:blip", "w:comment", "w:ffData", "x:pivotCache", "w:sdt"}
GONE = re.compile(r"(?i)macro|vba|altChunk|ddeLink|ole(?:Obj|Link)|:oleSize|activeX|contentPart|externalBook|:control$")


def all_children() -> set[str]:
    return {name for one in TYPES.values() for name, _ in one.children.values()}


def test_what_the_review_took_away_is_not_there() -> None:
    names = all_children()
    added = {"x:extLst", "dgm:extLst"}  # the types of ADDED allow what is inside by name
    assert names & AWAY <= added
    assert names >= KEPT
    kept_by_kind = {attribute for _, attribute in KINDS_BY_NAME}
    for one in TYPES.values():
        for name, kind in one.attributes.values():
            local = name.rpartition(":")[2]
            assert local not in AWAY_ATTRIBUTES or name in kept_by_kind, (one.name, name)
            assert not re.search(r"macro|^on[a-z]{4,}$", local, re.IGNORECASE) or kind == "bool", (one.name, name)


def test_no_name_of_an_element_is_one_of_something_that_acts() -> None:
    assert {name for name in all_children() if GONE.search(name)} == set()


def test_the_table_is_whole() -> None:
    for part in PARTS.values():
        assert part.type in TYPES
        assert TYPES[part.type].children or part.kind in ("presProps",)
    for kinds in (*REFS.values(), *IMPLICIT.values()):
        assert {kind.rstrip("*") for kind in kinds} <= {*PARTS, "image", "hyperlink", "workbookPackage", "noteShapes"}
    assert {kind for kind, _ in MAIN.values()} == {"document", "workbook", "presentation"}
    for one in TYPES.values():
        assert one.children or one.attributes or one.text or f"type {one.name}\n" in TEXT
        for _, kind in one.attributes.values():
            assert kind[0] == "=" or kind in ("rid", "owner-rid") or check(kind)("") in (True, False)
    assert all(values for values in ENUMS.values())


def test_ids_of_relationships_lead_somewhere_or_are_never_written() -> None:
    leading = {name for name, _ in REFS}
    with_ids = {
        name
        for one in TYPES.values()
        for name, of in one.children.values()
        if any(kind == "rid" for _, kind in of.attributes.values())
    }
    assert leading <= with_ids
    assert not {"r:link", "r:pict", "o:href"} & {name for one in TYPES.values() for name, _ in one.attributes.values()}


def test_the_review_subtracts_and_adds() -> None:
    prefixes, roots = read_head(TEXT.partition(TYPES_HEAD)[0])
    assert prefixes["http://schemas.openxmlformats.org/wordprocessingml/2006/main"] == "w"
    assert "w:CT_Document" in roots
    types = {name: Type() for name in TYPES}
    types["w:CT_P"] = Type({"w:r": "w:CT_R", "w:proofErr": "w:CT_R"}, {"w:rsidR": "hex", "w:val": "text"})
    taken_away(types)
    assert types["w:CT_P"] == Type({"w:r": "w:CT_R"}, {"w:val": "text"})
    grafted(types)
    lines = written(types, {"a": ["x"]}, ["w:CT_P"]).splitlines()
    assert "type w:CT_P" in lines
    assert "type w:InstrText" in lines  # reached through w:CT_R
    assert not any(line.startswith("enum") for line in lines)
