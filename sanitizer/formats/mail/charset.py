"""Characters of a mail's headers and bodies: by the declared character set, else by what the bytes look like.

Rules kept here:

- A declaration counts if the bytes decode by it. ISO-2022-JP and EUC-JP as mail programs of this country write them
  hold characters of Windows too (①, ㈱); they are read by way of CP932.
- Nothing here fails: what decodes in no way is read as the declared set, or windows-1252, with U+FFFD for damage.
- Every codec is looked up when this module is imported, because a jail cannot import one.

Sources: RFC 1468 (ISO-2022-JP), CP50221, WHATWG Encoding Standard (names).

>>> decoded("件名①".encode("iso2022_jp_ext", "ignore") + b"\\x1b$B-!\\x1b(B", "ISO-2022-JP")
('件名①', 0)
"""

from __future__ import annotations

import codecs
import re

from sanitizer.formats.base import Refused
from sanitizer.formats.markup.decoding import CODECS
from sanitizer.formats.text_encoding import recognised

_MORE = {
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-7": "utf-7",
    "unicode-1-1-utf-7": "utf-7",
    "iso-2022-jp-1": "iso2022_jp_ext",
    "iso-2022-jp-2": "iso2022_jp_ext",
    "iso-2022-jp-ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "iso-2022-kr": "iso2022_kr",
    "hz-gb-2312": "hz",
    "ansi_x3.110-1983": "cp1252",
    "iso-8859-3": "iso8859_3",
    "iso-8859-4": "iso8859_4",
    "iso-8859-6": "iso8859_6",
    "iso-8859-8": "iso8859_8",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-10": "iso8859_10",
    "iso-8859-13": "iso8859_13",
    "iso-8859-14": "iso8859_14",
    "macintosh": "mac_roman",
}
_NAMES = {**CODECS, **_MORE}
for _codec in sorted({*_NAMES.values(), "cp437", "cp850"}):
    codecs.lookup(_codec)
# code pages by number, as Outlook names them
_PAGES = {
    65001: "utf-8",
    1200: "utf-16-le",
    1201: "utf-16-be",
    932: "cp932",
    20932: "euc_jp",
    51932: "euc_jp",
    50220: "iso2022_jp_ext",
    50221: "iso2022_jp_ext",
    50222: "iso2022_jp_ext",
    936: "gb18030",
    54936: "gb18030",
    949: "cp949",
    950: "big5hkscs",
    874: "cp874",
    20127: "cp1252",
    28591: "cp1252",
    28592: "iso8859_2",
    28595: "iso8859_5",
    28597: "iso8859_7",
    28605: "iso8859_15",
    20866: "koi8_r",
    21866: "koi8_u",
    **{page: f"cp{page}" for page in range(1250, 1259)},
}
_ESCAPE = re.compile(rb"\x1b(\([BJI]|\$[@B]|\$\(D)")


def codec_of(name: str | None) -> str | None:
    """The codec of a character set's name; None for one that is not known."""
    return _NAMES.get((name or "").strip().strip("\"'").lower())


def codec_of_page(number: int) -> str | None:
    """The codec of a Windows code page; None for one that is not known."""
    return _PAGES.get(number)


def decoded(data: bytes, declared: str | None) -> tuple[str, int]:
    """The characters, and how many damaged ones were replaced."""
    codec = codec_of(declared)
    return by_codec(data, codec)


def by_codec(data: bytes, codec: str | None) -> tuple[str, int]:
    """The same, with a codec of this module's tables or None."""
    if data.isascii() and codec not in ("utf-7", "iso2022_kr", "hz") and b"\x1b" not in data and b"\0" not in data:
        return data.decode("ascii"), 0
    if codec is not None:
        try:
            return data.decode(codec), 0
        except UnicodeDecodeError:
            if codec == "iso2022_jp_ext":
                return _counted(_from_iso2022_jp(data))
            if codec == "euc_jp" and (text := _from_euc_jp(data)) is not None:
                return text, 0
    try:
        found = recognised(data)
        return found.decoded(), 0
    except Refused:
        return _counted(data.decode(codec or "cp1252", "replace"))


def _counted(text: str) -> tuple[str, int]:
    return text, text.count("\ufffd")


def _from_iso2022_jp(data: bytes) -> str:
    """ISO-2022-JP with the rows that only CP932 has."""
    out: list[str] = []
    pieces = _ESCAPE.split(data)
    out.append(pieces[0].decode("ascii", "replace"))
    for designation, run in zip(pieces[1::2], pieces[2::2], strict=True):
        if designation in (b"$@", b"$B"):
            out.append(_kanji(run))
        elif designation == b"(I":
            out.append(bytes(byte | 0x80 for byte in run).decode("cp932", "replace"))
        elif designation == b"$(D":
            out.append((b"\x1b$(D" + run).decode("iso2022_jp_ext", "replace"))
        else:
            out.append(run.decode("ascii", "replace"))
    return "".join(out)


def _kanji(run: bytes) -> str:
    """Pairs of JIS X 0208; a line that ends while they are designated goes on in ASCII."""
    pairs, mark, rest = run.partition(b"\n")
    return _pairs(pairs) + mark.decode("ascii") + rest.decode("ascii", "replace")


def _pairs(run: bytes) -> str:
    out = bytearray()
    for first, second in zip(run[::2], run[1::2], strict=False):
        out += _shifted(first, second)
    return out.decode("cp932", "replace")


def _shifted(first: int, second: int) -> bytes:
    """Row and cell of JIS X 0208 in the bytes of CP932."""
    if not (0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E):
        return bytes((first & 0x7F, second & 0x7F))
    lead = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
    trail = second + (0x1F if second < 0x60 else 0x20) if first % 2 else second + 0x7E
    return bytes((lead, trail))


def _from_euc_jp(data: bytes) -> str | None:
    """EUC-JP with the rows that only CP932 has; None for something else."""
    out, at = bytearray(), 0
    while at < len(data):
        byte = data[at]
        if byte < 0x80:
            out.append(byte)
            at += 1
        elif byte == 0x8E and at + 1 < len(data):
            out.append(data[at + 1])
            at += 2
        elif 0xA1 <= byte <= 0xFE and at + 1 < len(data) and data[at + 1] >= 0xA1:
            out += _shifted(byte & 0x7F, data[at + 1] & 0x7F)
            at += 2
        else:
            return None
    try:
        return out.decode("cp932")
    except UnicodeDecodeError:
        return None
