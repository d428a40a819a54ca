"""Files for measuring, made here and now: nothing of anybody's, the same bytes every time.

Each format comes in three sizes; what they hold is what offices send: pages of text, tables, a few pictures.

>>> sorted(make("text"))[:2]
['text-1.txt', 'text-12.txt']
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

SIZES = (1, 12, 60)  # pages of a document, tens of rows of a table, or twentieths of a megapixel
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORDS = (
    *("避難所", "開設", "会議", "資料", "回覧", "確認", "期限", "担当", "総務課"),
    *("budget", "meeting", "schedule", "notice", "section", "office"),
)


def write(folder: Path) -> None:
    """All samples into a folder that exists."""
    for kind in MAKERS:
        for name, data in make(kind).items():
            (folder / name).write_bytes(data)


def make(kind: str) -> dict[str, bytes]:
    """The samples of a kind by name."""
    ending, maker = MAKERS[kind]
    return {f"{kind}-{size}.{ending}": maker(size, random.Random(size)) for size in SIZES}


def _sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=12))


def _text(size: int, chance: random.Random) -> bytes:
    return "".join(f"{_sentence(chance)}\r\n" for _ in range(40 * size)).encode()


def _csv(size: int, chance: random.Random) -> bytes:
    rows = (f"{n},{_sentence(chance)},{chance.randrange(10**6)}\r\n" for n in range(10 * size))
    return "".join(rows).encode("cp932")


def _html(size: int, chance: random.Random) -> bytes:
    body = "".join(f"<p>{_sentence(chance)}</p>\n" for _ in range(40 * size))
    return f'<!DOCTYPE html><html lang="ja"><head><meta charset="utf-8"></head><body>{body}</body></html>'.encode()


def _svg(size: int, chance: random.Random) -> bytes:
    def number() -> int:
        return chance.randrange(500)

    lines = (f'<path d="M{number()} {number()}L{number()} {number()}" stroke="#036"/>' for _ in range(20 * size))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 500 500">{"".join(lines)}</svg>'.encode()


def _pixels(size: int, chance: random.Random) -> tuple[int, bytes]:
    """Side and RGB samples of a picture with areas, edges and a little noise."""
    side = int((size * 50_000) ** 0.5)
    colours = [chance.randbytes(3) for _ in range(64)]
    noise = chance.randbytes(64)
    rows = []
    for y in range(side):
        row = b"".join(colours[(x // 40 + y // 40 * 8) % 64] for x in range(side))
        rows.append(row[: 3 * side - 64] + noise)
    return side, b"".join(rows)


def _png(size: int, chance: random.Random) -> bytes:
    side, pixels = _pixels(size, chance)
    rows = b"".join(b"\0" + pixels[at : at + 3 * side] for at in range(0, len(pixels), 3 * side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def _pdf(size: int, chance: random.Random) -> bytes:
    """Pages of text with a link each, a picture on the first, a cross-reference table."""
    side, pixels = _pixels(1, chance)
    packed = zlib.compress(pixels)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (size, b" ".join(b"%d 0 R" % (5 + 3 * n) for n in range(size))),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8"
        b"/Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (side, side, len(packed), packed),
    ]
    for number in range(size):
        objects += _page(5 + 3 * number, number, chance)
    return _numbered(objects)


def _page(own: int, number: int, chance: random.Random) -> list[bytes]:
    picture = b"q 200 0 0 200 350 50 cm /I Do Q\n" if number == 0 else b""
    lines = b"".join(
        b"BT /F 10 Tf 50 %d Td (%b) Tj ET\n" % (790 - 14 * line, _sentence(chance).encode("ascii", "ignore"))
        for line in range(50)
    )
    content = picture + lines
    return [
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>/XObject<</I 4 0 R>>>>"
        b"/Contents %d 0 R/Annots[%d 0 R]>>" % (own + 1, own + 2),
        b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        b"<</Type/Annot/Subtype/Link/Rect[50 780 200 800]/A<</S/URI/URI(https://example.jp/%d)>>>>" % number,
    ]


def _numbered(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, table)
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return bytes(out) + head + end


def _docx(size: int, chance: random.Random) -> bytes:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    paragraphs = "".join(
        f"<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>{_sentence(chance)}</w:t></w:r></w:p>" for _ in range(40 * size)
    )
    document = f'<w:document xmlns:w="{space}"><w:body>{paragraphs}<w:sectPr/></w:body></w:document>'
    return _package("wordprocessingml.document", "word/document.xml", {"word/document.xml": document})


def _xlsx(size: int, chance: random.Random) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{chance.randrange(9999)}</v></c><c r="B{n}"><f>A{n}*2</f><v>0</v></c>'
        f'<c r="C{n}" t="inlineStr"><is><t>{_sentence(chance)}</t></is></c></row>'
        for n in range(1, 10 * size + 1)
    )
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{space}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="集計" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>',
        "xl/_rels/workbook.xml.rels": _relations("worksheet", "worksheets/sheet1.xml"),
    }
    types = {"xl/worksheets/sheet1.xml": "spreadsheetml.worksheet"}
    return _package("spreadsheetml.sheet", "xl/workbook.xml", parts, types)


def _relations(kind: str, target: str) -> str:
    one = f'<Relationship Id="rId1" Type="{_OFFICE}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{one}</Relationships>'


def _package(kind: str, main: str, parts: dict[str, str], types: dict[str, str] | None = None) -> bytes:
    named = {main: f"{kind}.main", **(types or {})}
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.{one}+xml"/>'
        for name, one in named.items()
    )
    everything = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>',
        "_rels/.rels": _relations("officeDocument", main),
        **parts,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in everything.items():
            package.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


MAKERS: dict[str, tuple[str, Callable[[int, random.Random], bytes]]] = {
    "pdf": ("pdf", _pdf),
    "docx": ("docx", _docx),
    "xlsx": ("xlsx", _xlsx),
    "png": ("png", _png),
    "text": ("txt", _text),
    "csv": ("csv", _csv),
    "html": ("html", _html),
    "svg": ("svg", _svg),
}
