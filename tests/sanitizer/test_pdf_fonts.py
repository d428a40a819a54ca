"""Font programs are known by their bytes, rebuilt where that is possible, and dropped where they are broken."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pdf_readers import everything_in, kinds, rebuilt, text
from support.received_pdf import TEXT, Draft

from sanitizer.formats.pdf.font_programs import program, sfnt
from sanitizer.formats.pdf.text_layer import empty_font


def with_tables(**more: bytes) -> bytes:
    """The empty font with more tables, bytes between them and behind."""
    font = empty_font()
    (count,) = struct.unpack_from(">H", font, 4)
    tables = {}
    for i in range(12, 12 + 16 * count, 16):
        tag, _, offset, length = struct.unpack_from(">4sIII", font, i)
        tables[tag] = font[offset : offset + length]
    tables |= {tag.encode(): body for tag, body in more.items()}
    rows, bodies, offset = b"", b"", 12 + 16 * len(tables)
    for tag, body in tables.items():
        rows += struct.pack(">4sIII", tag, 0, offset + len(bodies), len(body))
        bodies += body + b"SECRET gap"
    return font[:4] + struct.pack(">HHHH", len(tables), 0, 0, 0) + rows + bodies


def test_an_sfnt_keeps_known_tables_only() -> None:
    made = sfnt(with_tables(DSIG=b"SECRET", name=b"SECRET", prep=b"\xb0\x01"))
    assert made is not None
    assert b"SECRET" not in made and b"prep" in made
    assert sfnt(made) == made


@pytest.mark.parametrize("key", ["FontFile", "FontFile2", "FontFile3"])
def test_a_program_goes_where_its_bytes_say(key: str) -> None:
    d = Draft()
    file = d.stream("/Length1 9", with_tables(prep=b"\xb0\x01"))
    descriptor = f"<</Type/FontDescriptor/FontName/F/Flags 4/{key} {file}>>"
    d.resource("Font", "F2", f"<</Type/Font/Subtype/TrueType/BaseFont/F/FontDescriptor {descriptor}>>")
    result = everything_in(rebuilt(bytes(d)).data)
    assert b"/FontFile2 " in result and b"SECRET" not in result


def test_a_broken_program_goes_and_the_text_stays() -> None:
    d = Draft()
    descriptor = f"<</Type/FontDescriptor/FontName/F/Flags 32/FontFile2 {d.stream('', b'MZ nonsense')}>>"
    d.resource("Font", "F1", f"<</Type/Font/Subtype/TrueType/BaseFont/Helvetica/FontDescriptor {descriptor}>>")
    result = rebuilt(bytes(d))
    assert kinds(result.removed) == {"font-program"}
    assert TEXT in text(result.data)


def test_a_matrix_with_code_in_it_drops_the_program() -> None:
    head = b"%!PS-AdobeFont-1.0\n/FontMatrix [0.001 0 0 0.001 0 (0\\); alert\\(1\\); //)] def\ncurrentfile eexec\n"
    assert program(head + bytes(100)) is None
    kept = program(head.replace(b"(0\\); alert\\(1\\); //)", b"0 ") + bytes(100))
    assert kept is not None and kept.key == "FontFile"
    assert b"/FontMatrix [0.001 0 0 0.001 0 0]" in kept.data


HEADS = [b"\0\1\0\0", b"OTTO", b"ttcf", b"\x80\1", b"%!", b"\1\0\4\1"]


@settings(deadline=None)
@given(st.sampled_from(HEADS), st.binary(max_size=300))
def test_broken_programs_are_dropped_or_in_the_grammar(head: bytes, tail: bytes) -> None:
    d = Draft()
    descriptor = f"<</Type/FontDescriptor/FontName/F/Flags 4/FontFile2 {d.stream('', head + tail)}>>"
    d.resource("Font", "F2", f"<</Type/Font/Subtype/TrueType/BaseFont/F/FontDescriptor {descriptor}>>")
    rebuilt(bytes(d))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_broken_cmaps_give_output_in_the_grammar(data: bytes) -> None:
    d = Draft()
    stream = d.stream("/Type/CMap/CMapName/X/CIDSystemInfo<</Registry(A)/Ordering(B)/Supplement 0>>", data)
    cid = "<</Type/Font/Subtype/CIDFontType2/BaseFont/F>>"
    fonts = f"/Encoding {stream}/ToUnicode {stream}/DescendantFonts[{cid}]"
    d.resource("Font", "F2", f"<</Type/Font/Subtype/Type0/BaseFont/F{fonts}>>")
    rebuilt(bytes(d))
