"""Finds the encoding of a received text, and takes out what a text must not hold, byte for byte otherwise.

Rules kept here:

- UTF-8 and UTF-16 (by their byte order mark, UTF-8 also without), ISO-2022-JP, then CP932 and EUC-JP, whichever reads
  more like Japanese; at last a mostly ASCII text in a western 8-bit encoding. Nothing else is text.
- A text without anything to take out keeps every byte, its encoding and its line ends.
- Taken out: C0 and C1 controls except TAB, LF, FF and CR; DEL; the twelve bidirectional controls of Unicode.
- A text with a few damaged characters (one in fifty of the non-ASCII ones at most) gets ``?`` in their place, and the
  report says so; with more it is refused.

>>> recognised("表".encode("cp932")).codec
'cp932'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sanitizer.formats.base import Change, Refused

BOMS: tuple[tuple[bytes, str], ...] = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
MOSTLY_ASCII = 0.30  # share of other bytes up to which an unknown 8-bit encoding is believed
DAMAGED = 0.02  # share of damaged characters up to which they are replaced
DAMAGE = "\udfff"  # stands for a damaged byte; no text decodes to it
_BYTE_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_DESIGNATION = re.compile(rb"\x1b(?:\([BJI]|\$[@B]|\$\(D)")
# What Python's cp932 reads although it is no character of CP932.
_NOT_CP932 = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
_JAPANESE = re.compile("[ぁ-んァ-ヶー、。「」・一-龠々０-９Ａ-Ｚａ-ｚ（）]")
_HALF_WIDTH = re.compile("[｡-ﾟ]")


@dataclass(frozen=True, slots=True)
class Text:
    """A text as received: byte order mark, the codec of the rest, and the rest."""

    bom: bytes
    codec: str
    body: bytes

    @property
    def is_wide(self) -> bool:
        """Whether bytes of the body cannot be looked at one by one (UTF-16, ISO-2022-JP)."""
        return self.codec.startswith(("utf-16", "iso2022"))

    def decoded(self) -> str:
        """The characters."""
        return self.body.decode(self.codec)


def recognised(data: bytes) -> Text:
    """The encoding of ``data``; it decodes without error. Raises ``Refused`` for what is no text."""
    for bom, codec in BOMS:
        if data.startswith(bom):
            body = data[len(bom) :]
            if _decodes(body, codec):
                return Text(bom, codec, body)
            raise Refused("unreadable", "damaged unicode")
    if _DESIGNATION.search(data) and data.isascii() and _decodes(data, "iso2022_jp_ext"):
        return Text(b"", "iso2022_jp_ext", data)
    readings = [codec for codec in ("utf-8", "cp932", "euc_jp") if _decodes(data, codec)]
    if readings:
        return Text(b"", max(readings, key=lambda codec: _likeness(data, codec)), data)
    shown = _BYTE_CONTROLS.sub(b"", data)
    if sum(byte >= 0x80 for byte in shown) <= len(shown) * MOSTLY_ASCII and _decodes(data, "cp1252"):
        return Text(b"", "cp1252", data)
    raise Refused("unreadable", "unknown encoding")


def _decodes(data: bytes, codec: str) -> bool:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return False
    return codec != "cp932" or not _NOT_CP932.search(text)


def _likeness(data: bytes, codec: str) -> float:
    """How Japanese a reading looks; UTF-8 is never met by chance."""
    if codec == "utf-8":
        return 2.0
    text = data.decode(codec)
    return (len(_JAPANESE.findall(text)) - len(_HALF_WIDTH.findall(text))) / max(1, len(text))


def mended(data: bytes) -> tuple[bytes, int]:
    """``data`` with its few damaged characters replaced, and how many they were. Raises ``Refused``."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _mended_wide(data)
    best: tuple[int, str] | None = None
    for codec in ("utf-8", "cp932", "euc_jp"):
        text = _marked(data, codec)
        damaged = text.count(DAMAGE)
        others = sum(not char.isascii() for char in text)
        if damaged <= others * DAMAGED and (best is None or damaged < best[0]):
            best = (damaged, codec)
    if best is None:
        raise Refused("unreadable", "unknown encoding")
    damaged, codec = best
    kept, at = bytearray(), 0
    for char in _marked(data, codec):
        length = 1 if char == DAMAGE or char.isascii() else len(char.encode(codec))
        kept += b"?" if char == DAMAGE else data[at : at + length]
        at += length
    return bytes(kept), damaged


def _marked(data: bytes, codec: str) -> str:
    """The text with ``DAMAGE`` for every byte that is part of no character."""
    text = re.sub("[\udc80-\udcff]", DAMAGE, data.decode(codec, "surrogateescape"))
    return _NOT_CP932.sub(DAMAGE, text) if codec == "cp932" else text


def _mended_wide(data: bytes) -> tuple[bytes, int]:
    codec = "utf-16-le" if data.startswith(b"\xff\xfe") else "utf-16-be"
    text = data[2:].decode(codec, "replace")
    damaged = text.count("\ufffd")
    if damaged > max(1, len(text) * DAMAGED):
        raise Refused("unreadable", "damaged unicode")
    return data[:2] + text.replace("\ufffd", "?").encode(codec), damaged


def read_text(data: bytes, changed: list[Change]) -> Text:
    """The text of a file, with few damaged characters replaced. Raises ``Refused``."""
    try:
        return recognised(data)
    except Refused:
        whole, damaged = mended(data)
        changed.append(Change("undecodable", max(1, damaged)))
        return recognised(whole)


def without_controls(text: Text, removed: list[Change]) -> Text:
    """``text`` without controls; the same object if it has none."""
    characters = text.decoded()
    searched = re.sub("\x1b", "", characters) if text.codec.startswith("iso2022") else characters
    for kind, pattern in (("control-characters", CONTROLS), ("bidi-controls", BIDI)):
        count = len(pattern.findall(searched))
        if count:
            removed.append(Change(kind, count))
    if not CONTROLS.search(characters) and not BIDI.search(characters):
        return text
    if text.is_wide or text.codec == "utf-8":
        return Text(text.bom, text.codec, BIDI.sub("", CONTROLS.sub("", characters)).encode(text.codec))
    return Text(text.bom, text.codec, _BYTE_CONTROLS.sub(b"", text.body))
