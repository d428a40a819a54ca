"""PDFs that mutation has found: what leaves of them is what the second reader accepts."""

from __future__ import annotations

import io

import pikepdf
import pytest
from support.canonical_pdf import MINIMAL, Obj, obj, stream, write

from sanitizer.formats.base import Job
from sanitizer.formats.pdf import rebuild
from sanitizer.limits import Limits
from sanitizer.verify.pdf import verify


def left(objects: dict[str, Obj]) -> bytes:
    """What leaves; fails if it is not accepted."""
    made = rebuild(write(objects), Job("application/pdf", "rebuild", "a.pdf", None, Limits()))
    assert hasattr(made, "mime")
    verify(made.data, Limits(), "application/pdf")
    return made.data


def content(data: bytes) -> bytes:
    """What is drawn on the first page."""
    with pikepdf.open(io.BytesIO(data)) as document:
        return document.pages[0].Contents.read_bytes()


def page(drawn: bytes) -> dict[str, Obj]:
    return {**MINIMAL, "Page": MINIMAL["Page"].but(Contents="@C"), "C": stream(drawn)}


@pytest.mark.parametrize("drawn", [b"/P BMC 5EMC", b"[] 35<07>4EMC /Span BMC EMC", b"/P BMC 1 .5EMC 3EMC"])
def test_a_number_does_not_touch_the_end_of_marked_content(drawn: bytes) -> None:
    assert b"5EMC" not in content(left(page(drawn)))


def test_a_number_does_not_touch_an_inline_image() -> None:
    assert b" BI /BPC 8" in content(left(page(b"q 5BI /W 1 /H 1 /BPC 8 /CS /G ID a EI Q")))


@pytest.mark.parametrize("space", ["/G", "[/Indexed /DeviceRGB 1 (aaaaaa)]", "/RGB", "/CMYK"])
@pytest.mark.parametrize("bits", ["", "/BPC 3", "/BPD 1"])
def test_an_inline_image_without_its_bits_goes(space: str, bits: str) -> None:
    drawn = f"q BI /W 4 /H 1 /CS {space} {bits} ID abcd EI Q".encode()
    assert b"BI" not in content(left(page(drawn)))


@pytest.mark.parametrize("levels", [30, 31, 32, 33, 40])
def test_a_tree_of_fields_is_cut_where_the_grammar_ends_it(levels: int) -> None:
    objects = {
        **MINIMAL,
        "Catalog": MINIMAL["Catalog"].but(AcroForm="<</Fields [@F0]>>"),
        "Page": MINIMAL["Page"].but(Annots="[@W]"),
        "W": obj(Type="/Annot", Subtype="/Widget", Rect="[0 0 9 9]", Parent=f"@F{levels - 1}"),
    }
    for at in range(levels):
        below = f"[@F{at + 1}]" if at < levels - 1 else "[@W]"
        objects[f"F{at}"] = obj(T=f"(f{at})", FT="/Tx", Kids=below, **({"Parent": f"@F{at - 1}"} if at else {}))
    left(objects)


@pytest.mark.parametrize("kind", ["<<>>", "[]", "(x)", "12", "null"])
def test_an_annotation_of_no_kind_goes(kind: str) -> None:
    annotation = obj(Type="/Annot", Subtype=kind, Rect="[0 0 1 1]")
    data = left({**MINIMAL, "Page": MINIMAL["Page"].but(Annots="[@A]"), "A": annotation})
    assert b"/Annot" not in data
