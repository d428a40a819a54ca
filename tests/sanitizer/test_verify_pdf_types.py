"""Section 4 and 6 of the grammar: each rule of the tables and trees, kept and broken one at a time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.canonical_pdf import MINIMAL, Obj, obj, reachable, stream, write
from support.pdf_samples import RECT, RICH

from sanitizer.limits import Limits
from sanitizer.verify import VERIFIERS, Violation
from sanitizer.verify.pdf import verify
from sanitizer.verify.pdf.rules import Types, compile_rule
from sanitizer.verify.pdf.tables import ALIASES, MACROS, TABLES
from sanitizer.verify.pdf.values import Dictionary, Reference, String
from sanitizer.verify.pdf.walk import _TABLES

LIMITS = Limits()


def with_entry(name: str, key: str, value: str | None, base: dict[str, Obj] = RICH) -> dict[str, Obj]:
    """The document with one entry of one object replaced, added or taken away."""
    return {**base, name: base[name].but(**{key: value})}


def assert_rejected(objects: dict[str, Obj], code: str, limits: Limits = LIMITS) -> None:
    with pytest.raises(Violation) as caught:
        verify(write(objects), limits)
    assert caught.value.code == code


def test_accepts_a_file_with_every_type() -> None:
    verify(write(MINIMAL), LIMITS)
    verify(write(RICH), LIMITS)


def test_is_registered() -> None:
    assert VERIFIERS["application/pdf"] == "sanitizer.verify.pdf"


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, item in RICH.items() for key in item.entries])
def test_rejects_a_value_of_no_rule(name: str, key: str) -> None:
    """No rule of the tables admits a doubly nested array of null, or a dictionary with an unknown key."""
    assert_rejected(with_entry(name, key, "[[null]]"), "bad-value" if key != "Length" else "stream-length")
    with pytest.raises(Violation):
        verify(write(with_entry(name, key, "<</Zz null>>")), LIMITS)


@pytest.mark.parametrize("name", RICH)
def test_rejects_unknown_keys_everywhere(name: str) -> None:
    for key in ("AA", "JS", "Metadata", "Zz", "OC", "AF"):
        assert_rejected(with_entry(name, key, "1"), "unknown-key")


REQUIRED = [
    (name, key.decode())
    for name, item in RICH.items()
    for table in _TABLES.values()
    for key in table.required
    if set(item.entries) <= {rule.decode() for rule in table.rules} | {"Length", "Filter"}
    and key.decode() in item.entries
    and {entry.decode() for entry in table.required} <= set(item.entries) | {"Length"}
    and len(table.required) > 1
]


@pytest.mark.parametrize(("name", "key"), REQUIRED)
def test_rejects_a_missing_required_key(name: str, key: str) -> None:
    with pytest.raises(Violation):
        verify(write(with_entry(name, key, None)), LIMITS)


ACCEPTED = [
    ("Catalog", "PageLayout", "/TwoPageRight"),
    ("Catalog", "Lang", "()"),
    ("Catalog", "ViewerPreferences", "<</Direction /R2L /Duplex /Simplex /FitWindow false /PrintScaling /None>>"),
    ("Page", "UserUnit", "1.5"),
    ("Page", "Rotate", "270"),
    ("Page", "CropBox", "[-1 0 1.5 2]"),
    ("Link", "A", "<</D [@Page /FitBV -3] /S /GoTo>>"),
    ("Link", "A", "<</S /URI /URI (mailto:a)>>"),
    ("Link", "C", "[]"),
    ("Note", "InkList", "[[1 2 3 4] []]"),
    ("Note", "Subtype", "/Watermark"),
    ("Box", "AP", "<</N @StampForm>>"),
    ("Sign", "Ff", "3"),
    ("Group", "V", "/Name"),
    ("State", "TR", "[@Sampled @Sampled @Calculator @Sampled]"),
    ("State", "SMask", "/None"),
    ("Type1", "Encoding", "/WinAnsiEncoding"),
    ("Type1", "ToUnicode", "/Identity-H"),
    ("CIDFont", "CIDToGIDMap", "/Identity"),
    ("Para", "K", "[0 1 2]"),
    ("Resources", "ColorSpace", "<</A [/Pattern [/Pattern [/Pattern [/Pattern /DeviceGray]]]]>>"),
    ("Resources", "ColorSpace", "<<>>"),
    ("Stencil", "BitsPerComponent", "1"),
    ("Predicted", "DecodeParms", "<</Colors 1 /Columns 4 /Predictor 2>>"),
]


@pytest.mark.parametrize(("name", "key", "value"), ACCEPTED)
def test_accepts(name: str, key: str, value: str) -> None:
    verify(write(reachable(with_entry(name, key, value))), LIMITS)


REJECTED = [
    ("Catalog", "Type", "/Pages", "bad-value"),
    ("Catalog", "PageMode", "/UseAttachments", "bad-value"),
    ("Catalog", "OpenAction", "<</S /URI /URI (http://a)>>", "unknown-key"),
    ("Catalog", "PageLabels", "<</Nums []>>", "bad-value"),
    ("Catalog", "PageLabels", "<</Nums [0 <<>> 0 <<>>]>>", "number-tree-order"),
    ("Catalog", "PageLabels", "<</Nums [1 <<>> 0 <<>>]>>", "number-tree-order"),
    ("Catalog", "PageLabels", "<</Nums [0]>>", "bad-value"),
    ("Catalog", "PageLabels", "<</Nums [0 <</St 0>>]>>", "bad-value"),
    ("Catalog", "Lang", "(ja_JP)", "bad-value"),
    ("Catalog", "MarkInfo", "<</Marked 1>>", "bad-value"),
    ("Catalog", "Pages", "@Page", "unknown-key"),
    ("Catalog", "AcroForm", "<</Fields [@Group @Push @Sign] /XFA []>>", "unknown-key"),
    ("Catalog", "AcroForm", "<</CO [] /Fields [@Group @Push @Sign]>>", "unknown-key"),
    ("Catalog", "Names", "<<>>", "unknown-key"),
    ("Catalog", "Outlines", "<<>>", "bad-value"),
    ("Pages", "Count", "1", "page-tree"),
    ("Pages", "Count", "2.0", "bad-value"),
    ("Pages", "Kids", "[]", "bad-value"),
    ("Pages", "Kids", "[@Page @Page]", "page-tree"),
    ("Pages", "Kids", "[@Page @Pages]", "two-roles"),
    ("Pages", "Kids", "[@Page @Content]", "bad-value"),
    ("Pages", "Kids", "[@Page 999 0 R]", "dangling-reference"),
    ("Page", "Parent", "@Page2", "two-roles"),
    ("Page", "MediaBox", "[0 0 1]", "bad-value"),
    ("Page", "MediaBox", "[0 0 1 true]", "bad-value"),
    ("Page", "MediaBox", "[0 0 1 null]", "bad-value"),
    ("Page", "Rotate", "45", "bad-value"),
    ("Page", "Rotate", "-90", "bad-value"),
    ("Page", "Contents", "[@Content]", "bad-value"),
    ("Page", "Contents", "@Form", "unknown-key"),
    ("Page", "Contents", "@Resources", "bad-value"),
    ("Page", "Annots", "[]", "bad-value"),
    ("Page", "Annots", "[@Group]", "bad-value"),
    ("Page", "Annots", "[@Link @Link @Jump @Note @Reply @Popup @Box @Push @Sign @Loose]", "annotation-places"),
    ("Page", "Annots", "[@Link @Jump @Note @Reply @Box @Push @Sign @Loose]", "annotation-places"),
    ("Page", "Annots", "[@Link @Jump @Note @Reply @Popup @Box @Push @Sign]", "unreachable"),
    ("Page2", "Annots", "[@Link]", "annotation-places"),
    ("Page", "Resources", "@State", "unknown-key"),
    ("Outlines", "First", "@Item2", "outline-tree"),
    ("Outlines", "Last", "@Item1", "outline-tree"),
    ("Item1", "Next", "@Item1", "outline-tree"),
    ("Item1", "Prev", "@Item2", "outline-tree"),
    ("Item1", "Parent", "@Item3", "outline-tree"),
    ("Item1", "Count", "0", "outline-tree"),
    ("Item1", "Count", None, "outline-tree"),
    ("Item1", "Last", None, "outline-tree"),
    ("Item1", "First", None, "outline-tree"),
    ("Item2", "Count", "1", "outline-tree"),
    ("Item2", "Prev", None, "outline-tree"),
    ("Item2", "Next", "@Item1", "outline-tree"),
    ("Item2", "Next", "@Item3", "outline-tree"),
    ("Item2", "A", "<</S /URI /URI (http://a)>>", "exclusive-keys"),
    ("Item2", "F", "4", "bad-value"),
    ("Item2", "Title", "(<script>)", "bad-value"),
    ("Item2", "Dest", "[@Page /XYZ 0 0]", "bad-value"),
    ("Item2", "Dest", "[@Page /Fit 0]", "bad-value"),
    ("Item2", "Dest", "[0 /Fit]", "bad-value"),
    ("Item2", "Dest", "(name)", "bad-value"),
    ("Item2", "Dest", "[@Pages /Fit]", "two-roles"),
    ("Link", "A", "<</S /URI /URI (javascript:x)>>", "bad-value"),
    ("Link", "A", "<</S /URI>>", "missing-key"),
    ("Link", "A", "<</IsMap true /S /URI /URI (http://a)>>", "unknown-key"),
    ("Link", "A", "<</Next <<>> /S /URI /URI (http://a)>>", "unknown-key"),
    ("Link", "A", "<</S /URI /Type /Action /URI (http://a)>>", "unknown-key"),
    ("Link", "A", "<</JS (x) /S /JavaScript>>", "bad-value"),
    ("Link", "A", "<</F (x) /S /Launch>>", "bad-value"),
    ("Link", "A", "<</D [0 /Fit] /F (x) /S /GoToR>>", "bad-value"),
    ("Link", "A", "<</F (http://a) /S /SubmitForm>>", "bad-value"),
    ("Link", "A", "<</N /Print /S /Named>>", "bad-value"),
    ("Link", "A", "@State", "bad-value"),
    ("Link", "Dest", "[@Page /Fit]", "exclusive-keys"),
    ("Link", "Subtype", "/Movie", "bad-value"),
    ("Link", "Subtype", "/FileAttachment", "bad-value"),
    ("Link", "Border", "[0 0]", "bad-value"),
    ("Link", "F", "-1", "bad-value"),
    ("Note", "RC", "(<p>)", "unknown-key"),
    ("Note", "A", "<</S /URI /URI (http://a)>>", "unknown-key"),
    ("Note", "LE", "[/None]", "bad-value"),
    ("Note", "Name", "/A#20b", "bad-value"),
    ("Note", "DA", "(\\(x\\) Tj)", "bad-value"),
    ("Note", "Popup", "@Link", "two-roles"),
    ("Reply", "CA", "1.5", "bad-value"),
    ("Reply", "CA", "-0.1", "bad-value"),
    ("Reply", "IRT", "@Popup", "two-roles"),
    ("Reply", "AP", "<</N @Gray>>", "unknown-key"),
    ("Reply", "AP", "<</R @StampForm>>", "missing-key"),
    ("Reply", "AP", "@State", "bad-value"),
    ("Popup", "Parent", "@Link", "two-roles"),
    ("Box", "Parent", None, "field-tree"),
    ("Box", "Kids", "[@Push]", "unknown-key"),
    ("Push", "Parent", "@Group", "field-tree"),
    ("Loose", "Parent", "@Group", "field-tree"),
    ("Group", "Kids", "[@Box @Box]", "field-tree"),
    ("Group", "Kids", "[]", "bad-value"),
    ("Group", "Kids", "[@Link]", "bad-value"),
    ("Group", "Parent", "@Group", "field-tree"),
    ("Group", "FT", "/Xx", "bad-value"),
    ("Group", "V", "<</Type /Sig>>", "bad-value"),
    ("Group", "Opt", "[[(a)]]", "bad-value"),
    ("Group", "FT", "/Sig", "signature-value"),
    ("Sign", "V", "(x)", "signature-value"),
    ("Sign", "DV", "(x)", "signature-value"),
    ("Loose", "FT", "/Sig", "signature-value"),
    ("Loose", "AA", "<<>>", "unknown-key"),
    ("Tree", "K", "@Body", "bad-value"),
    ("Tree", "K", "[@Body @Body]", "structure-tree"),
    ("Tree", "ParentTree", "<</Nums [0 [@Link]]>>", "two-roles"),
    ("Tree", "ParentTree", "<</Nums [0 null]>>", "bad-value"),
    ("Tree", "ParentTree", "<</Nums [1 @Para 1 @Para]>>", "number-tree-order"),
    ("Tree", "ParentTree", "<</Kids []>>", "unknown-key"),
    ("Tree", "RoleMap", "<</Own /Own>>", "bad-value"),
    ("Tree", "IDTree", "<<>>", "unknown-key"),
    ("Body", "P", "@Para", "structure-tree"),
    ("Body", "P", "@Body", "structure-tree"),
    ("Body", "K", "[@Para @Para]", "structure-tree"),
    ("Body", "K", "[0]", "structure-tree"),
    ("Para", "K", "[@Body]", "structure-tree"),
    ("Para", "K", "0", "bad-value"),
    ("Para", "K", "[-1]", "bad-value"),
    ("Para", "K", "[<</MCID 0>>]", "bad-value"),
    ("Para", "K", "[<</Obj @Gray /Type /OBJR>>]", "bad-value"),
    ("Para", "A", "[<</O /Layout>>]", "bad-value"),
    ("Para", "A", "<</O /Table>>", "bad-value"),
    ("Para", "Pg", "@Body", "two-roles"),
    ("State", "BM", "/Weird", "bad-value"),
    ("State", "BM", "[]", "bad-value"),
    ("State", "TR", "/Default", "bad-value"),
    ("State", "TR", "[@Sampled]", "bad-value"),
    ("State", "TR", "[@Sampled @Sampled @Sampled /Identity]", "bad-value"),
    ("State", "HT", "/Default", "unknown-key"),
    ("State", "Font", "[@Type1]", "bad-value"),
    ("State", "SMask", "@Form", "bad-value"),
    ("Resources", "ColorSpace", "<</A /CalGray>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [/DeviceGray]>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A []>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [1 2]>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [/Lab @State]>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [/ICCBased @Sampled]>>", "two-roles"),
    ("Resources", "ColorSpace", "<</A [/Indexed /DeviceRGB 1 (abcdefg)]>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [/Indexed /DeviceRGB 256 ()]>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [/Indexed /Pattern 1 ()]>>", "colour-components"),
    ("Resources", "ColorSpace", "<</A [/Separation (x) /DeviceRGB @Sampled]>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [/Separation /X /DeviceRGB /Identity]>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [/DeviceN [] /DeviceRGB @Sampled]>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [/DeviceN [" + "/X " * 32 + "/X] /DeviceRGB @Sampled]>>", "bad-value"),
    ("Resources", "ColorSpace", "<</A [/DeviceN [/X] /DeviceRGB @Sampled <<>>]>>", "bad-value"),
    (
        "Resources",
        "ColorSpace",
        "<</A [/Pattern [/Pattern [/Pattern [/Pattern [/Pattern /DeviceGray]]]]]>>",
        "bad-value",
    ),
    ("Resources", "XObject", "<</A @Tiling>>", "bad-value"),
    ("Resources", "XObject", "<</A @SoftMask>>", "unknown-key"),
    ("Resources", "Font", "<</A @CIDFont>>", "bad-value"),
    ("Resources", "Font", "@Type1", "bad-value"),
    ("Resources", "Properties", "<<>>", "unknown-key"),
    ("Resources", "ProcSet", "[/PDF]", "unknown-key"),
    ("Form", "PS", "(x)", "unknown-key"),
    ("Form", "Subtype", "/PS", "bad-value"),
    ("Form", "Ref", "<<>>", "unknown-key"),
    ("Form", "F", "(x)", "unknown-key"),
    ("Form", "Filter", "/LZWDecode", "bad-value"),
    ("Form", "Filter", "[/FlateDecode]", "bad-value"),
    ("Form", "Filter", "/FlateDecode", "flate-invalid"),
    ("Content", "DecodeParms", "<</Predictor 1>>", "unknown-key"),
    ("Tiling", "PatternType", "2", "bad-value"),
    ("ShadingPattern", "PatternType", "1", "bad-value"),
    ("Mesh", "BitsPerCoordinate", "7", "bad-value"),
    ("Mesh", "ShadingType", "3", "bad-value"),
    ("Sampled", "FunctionType", "3", "bad-value"),
    ("Sampled", "FunctionType", "4", "unknown-key"),
    ("Type1", "Subtype", "/CIDFontType0", "bad-value"),
    ("Type1", "FirstChar", "256", "bad-value"),
    ("Type1", "Widths", "[(a)]", "bad-value"),
    ("Type1", "Encoding", "/A#20b", "bad-value"),
    ("Descriptor", "FontFile2", "@FontFile2", "exclusive-keys"),
    ("Descriptor", "FontFile", "@FontFile2", "two-roles"),
    ("Type0", "DescendantFonts", "[@CIDFont @CIDFont]", "bad-value"),
    ("Type0", "DescendantFonts", "[@Type1]", "two-roles"),
    ("CIDFont", "CIDSystemInfo", "<</Ordering <e9> /Registry (a) /Supplement 0>>", "bad-value"),
    ("CIDFont", "W", "[1 [(a)]]", "bad-value"),
    ("FontFile3", "Subtype", "/Type1", "bad-value"),
]


@pytest.mark.parametrize(("name", "key", "value", "code"), REJECTED)
def test_rejects(name: str, key: str, value: str | None, code: str) -> None:
    assert_rejected(with_entry(name, key, value), code)


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("int(2|10..15)", [2, 10, 15], [1, 3, 9, 16, 2.0, True, None]),
        ("num", [1, 1.5], [True, None, b"1"]),
        ("bool", [True, False], [0, 1, None]),
        ("[num{3,4}]", [[1, 2, 3], [1, 2, 3, 4]], [[1, 2], [1] * 5, 1, [1, 2, True]]),
        ("[int+]", [[1]], [[], [1.5]]),
        ("{int}", [{}, {b"A": 1}], [{b"A": None}, []]),
        ("[(int bool)*]", [[], [1, True]], [[1], [True, 1], [1, True, 2]]),
    ],
)
def test_notation(rule: str, good: list[object], bad: list[object]) -> None:
    compiled = compile_rule(rule)
    walker: object = None
    assert all(compiled(walker, value) for value in good)  # type: ignore[arg-type]
    assert not any(compiled(walker, value) for value in bad)  # type: ignore[arg-type]


class Refusing:
    """A walker for which no object and no dictionary fits."""

    def reach(self, number: Reference, types: Types) -> bool:
        return False

    def enter(self, dictionary: Dictionary, types: Types) -> bool:
        return False

    def colour_space(self, value: object) -> bool:
        return False


RULES = [(name, key) for name, table in _TABLES.items() for key in table.rules]


@pytest.mark.parametrize(("name", "key"), RULES, ids=[f"{name}.{key.decode()}" for name, key in RULES])
def test_every_rule_of_every_table_refuses_nonsense(name: str, key: bytes) -> None:
    rule = _TABLES[name].rules[key]
    nonsense: list[object] = [
        [[None]],
        String(b"\0<script>"),
        {b"Zz": [None]},
        Reference(1),
        [Reference(1)],
        [True, {}],
    ]
    assert not any(rule(Refusing(), value) for value in nonsense if not (key == b"DecodeParms" and type(value) is dict))


# Where the tables say the same in another form: variants that the document tells in words, or in one line for several.
OTHER_FORM = {
    *("Count! int(1..)", "S! =/URI", "URI! uri", "S! =/GoTo", "D! dest", "Action.Named S! =/Named", "ImageMask! true"),
    *(
        "N! /NextPage|/PrevPage|/FirstPage|/LastPage",
        "N! (&Form|{&Form})",
        "PatternType! int(1)",
        "PatternType! int(2)",
    ),
    *("FunctionType! int(2)", "FunctionType! int(3)", "ColorSpace cs", "Subtype! /Type1|/MMType1|/TrueType"),
    *("Subtype! =/Type3", "Subtype! =/Type0", "Colors! int(1..32)", "Columns! int(1..)", "Predictor! int(2|10..15)"),
    *("ColorTransform! int(0..1)", "Length! int(0..)", "Filter =/FlateDecode", "DecodeParms parms"),
    "Filter /FlateDecode|/DCTDecode|/CCITTFaxDecode",
}


def on_one_line(text: str) -> str:
    return re.sub(r"\s*\|\s*", "|", re.sub(r"\s+", " ", text.replace("\\|", "|")))


def test_tables_are_those_of_the_document() -> None:
    """Every entry stands word for word in docs/grammar-pdf.md, and every name of its section 4 in the tables."""
    text = (Path(__file__).parents[2] / "docs" / "grammar-pdf.md").read_text(encoding="utf-8")
    document = on_one_line(text)
    entries = {on_one_line(entry) for entry in re.split(r"\s{2,}|\n", "  ".join([TABLES, *MACROS.values()]))}
    strange = {entry for entry in entries if " " in entry and entry not in document and not entry.startswith("stream ")}
    assert strange == OTHER_FORM
    blocks = re.findall(r"```\n(.*?)```", text[text.index("### 4.1") : text.index("## 5.")], re.DOTALL)
    words = set(re.findall(r"(?<![\w/])[A-Z]\w*", "\n".join(blocks)))
    known = set(re.findall(r"\w+", "  ".join([TABLES, *MACROS.values(), *ALIASES.values()])))
    assert words - known == {"CFF", "Indexed"}  # words of remarks


@pytest.mark.parametrize("text", ["int(", "[num", "(num", "num)", "/A B|", "wort", "num|", "{3}", "ü"])
def test_notation_refuses_what_it_does_not_know(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        compile_rule(text)


@pytest.mark.parametrize(
    "lost",
    [obj(Type="/Page"), obj(), stream(b""), obj(Type="/Catalog", Pages="@Pages"), obj(S="/JavaScript", JS="(x)")],
)
def test_rejects_unreachable_objects(lost: Obj) -> None:
    assert_rejected({**RICH, "Lost": lost}, "unreachable")


def test_rejects_a_page_outside_the_page_tree() -> None:
    lost = obj(Type="/Page", Parent="@Pages", MediaBox=RECT, Resources="<<>>")
    objects = with_entry("Item2", "Dest", "[@Lost /Fit]") | {"Lost": lost}
    assert_rejected(objects, "page-tree")


def test_rejects_a_second_page_tree() -> None:
    more = {
        "More": obj(Type="/Pages", Count="1", Kids="[@Lost]"),
        "Lost": obj(Type="/Page", Parent="@More", MediaBox=RECT, Resources="<<>>"),
    }
    assert_rejected(with_entry("Page2", "Parent", "@More") | more, "page-tree")


def test_rejects_what_only_the_structure_tree_reaches() -> None:
    more = {"More": stream(b"", Subtype="/Form", BBox=RECT)}
    assert_rejected(with_entry("Para", "K", "[<</MCID 1 /Stm @More /Type /MCR>>]") | more, "reached-by-structure-only")
    note = {"More": obj(Type="/Annot", Subtype="/Text", Rect=RECT)}
    assert_rejected(with_entry("Para", "K", "[<</Obj @More /Type /OBJR>>]") | note, "reached-by-structure-only")


def test_rejects_an_annotation_reached_only_by_another() -> None:
    for name, key, lost in (
        ("Note", "Popup", obj(Type="/Annot", Subtype="/Popup", Rect=RECT)),
        ("Popup", "Parent", obj(Type="/Annot", Subtype="/Text", Rect=RECT)),
        ("Reply", "IRT", obj(Type="/Annot", Subtype="/Text", Rect=RECT)),
    ):
        assert_rejected(with_entry(name, key, "@Lost") | {"Lost": lost}, "annotation-places")


def test_rejects_structure_elements_outside_the_tree() -> None:
    more = {"More": obj(S="/P", P="@Tree")}
    tree = with_entry("Tree", "ParentTree", "<</Nums [0 @More]>>")
    assert_rejected(tree | more, "structure-tree")
    second = {"More": obj(Type="/StructTreeRoot", K="[@Kid]"), "Kid": obj(S="/P", P="@More")}
    assert_rejected(with_entry("Tree", "ParentTree", "<</Nums [0 @Kid]>>") | second, "structure-tree")


def test_signature_type_is_inherited() -> None:
    objects = with_entry("Group", "FT", "/Sig")
    objects["Group"] = objects["Group"].but(V=None)
    verify(write(objects), LIMITS)
    objects["Box"] = objects["Box"].but(V="(x)")
    assert_rejected(objects, "signature-value")
    objects["Box"] = objects["Box"].but(FT="/Tx")
    verify(write(objects), LIMITS)


def test_accepts_the_form_as_an_object_of_its_own() -> None:
    form = obj(DA="(/F1 0 Tf 0 g)", Fields="[@Group @Push @Sign]")
    verify(write({**with_entry("Catalog", "AcroForm", "@Form2"), "Form2": form}), LIMITS)
    assert_rejected(
        {**with_entry("Catalog", "AcroForm", "@Form2"), "Form2": form.but(Fields="[@Push @Sign]")}, "field-tree"
    )


def test_rejects_fields_without_a_form() -> None:
    assert_rejected(reachable(with_entry("Catalog", "AcroForm", None)), "field-tree")


def outline(depth: int) -> dict[str, Obj]:
    """A chain of items, each the only child of the one before."""
    items = {"Outlines": obj(Type="/Outlines", First="@I1", Last="@I1")}
    for level in range(1, depth + 1):
        below = {"First": f"@I{level + 1}", "Last": f"@I{level + 1}", "Count": "1"} if level < depth else {}
        items[f"I{level}"] = Obj({"Title": "()", "Parent": f"@I{level - 1}" if level > 1 else "@Outlines", **below})
    return {**MINIMAL, "Catalog": MINIMAL["Catalog"].but(Outlines="@Outlines"), **items}


def form(depth: int) -> dict[str, Obj]:
    """A chain of fields that ends in a widget."""
    fields = {
        f"F{n}": Obj({"Kids": f"[@F{n + 1}]"} | ({"Parent": f"@F{n - 1}"} if n > 1 else {})) for n in range(1, depth)
    }
    widget = obj(Type="/Annot", Subtype="/Widget", Rect=RECT, Parent=f"@F{depth - 1}")
    page = MINIMAL["Page"].but(Annots=f"[@F{depth}]")
    return {
        **MINIMAL,
        "Catalog": MINIMAL["Catalog"].but(AcroForm="<</Fields [@F1]>>"),
        "Page": page,
        **fields,
        f"F{depth}": widget,
    }


def structure(depth: int) -> dict[str, Obj]:
    """A chain of structure elements."""
    elements = {
        f"E{n}": Obj(
            {"S": "/P", "P": f"@E{n - 1}" if n > 1 else "@Tree"} | ({"K": f"[@E{n + 1}]"} if n < depth else {})
        )
        for n in range(1, depth + 1)
    }
    tree = obj(Type="/StructTreeRoot", K="[@E1]")
    return {**MINIMAL, "Catalog": MINIMAL["Catalog"].but(StructTreeRoot="@Tree"), "Tree": tree, **elements}


def test_trees_are_bounded() -> None:
    verify(write(outline(60)), LIMITS)
    assert_rejected(outline(61), "outline-tree")
    verify(write(form(32)), LIMITS)
    assert_rejected(form(33), "field-tree")
    verify(write(structure(200)), LIMITS)
    assert_rejected(structure(201), "structure-tree")


def test_limits() -> None:
    data = write(RICH)
    with pytest.raises(Violation, match="too-many-pages"):
        verify(data, Limits(max_pages=1))
    with pytest.raises(Violation, match="too-many-objects"):
        verify(data, Limits(max_objects=len(RICH) - 1))
    with pytest.raises(Violation, match="too-many-objects"):
        verify(data, Limits(max_objects=3))
    with pytest.raises(Violation, match="inflated-too-large"):
        verify(data, Limits(max_inflated=3000))
    with pytest.raises(Violation, match="too-large"):
        verify(data, Limits(max_output=len(data) - 1))
    with pytest.raises(Violation, match="too-many-pixels"):
        verify(data, Limits(max_pixels=5))
    verify(data, Limits(max_pages=2, max_objects=len(RICH), max_output=len(data), max_pixels=18))
