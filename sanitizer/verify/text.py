"""Reads plain text as ``docs/grammar-text.md`` allows it: bytes of one encoding, without controls.

Rules kept here:

- The encodings are byte patterns written out below; no decoder of the transformer's kind is used for them.
- A text is in the grammar if one pattern covers all of it.

>>> from sanitizer.limits import Limits
>>> verify(b"two\\x1b[2Jlines\\n", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('no-encoding', 'offset 3')
"""

from __future__ import annotations

import re

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify import Violation

PLAIN = rb"[\t\n\f\r\x20-\x7e]"
# Unicode 15, table 3-7, without U+0080–U+009F.
UTF_8 = (
    rb"\xc2[\xa0-\xbf]|[\xc3-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
CP932 = rb"[\xa1-\xdf]|[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]"
EUC_JP = rb"[\xa1-\xfe]{2}|\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2}"
ISO_2022_JP = rb"\x1b(?:\([BJI]|\$[@B]|\$\(D)"
WESTERN = rb"[\x80\x82-\x8c\x8e\x91-\x9c\x9e-\xff]"
# The bidirectional controls U+061C, U+200E, U+200F, U+202A–U+202E, U+2066–U+2069 in UTF-8.
BIDI = compile_pattern(rb"\xd8\x9c|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]")
BIDI_UNITS = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
WESTERN_SHARE = 0.30


def _whole(character: bytes) -> re.Pattern[bytes]:
    return compile_pattern(rb"(?:" + PLAIN + rb"|" + character + rb")*+")


ENCODINGS = {
    "utf-8": _whole(UTF_8),
    "cp932": _whole(CP932),
    "euc-jp": _whole(EUC_JP),
    "iso-2022-jp": _whole(ISO_2022_JP),
    "western": _whole(WESTERN),
}


def verify(data: bytes, limits: Limits, mime: str = "text/plain") -> None:
    """Nothing if ``data`` is text in one of the encodings of the grammar, else ``Violation``."""
    encodings(data)


def encodings(data: bytes) -> list[str]:
    """The encodings in which ``data`` is in the grammar, at least one; ``Violation`` if there is none."""
    if not data:
        raise Violation("empty")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        _units(data)
        return ["utf-16"]
    body = data.removeprefix(b"\xef\xbb\xbf")
    reach = {name: _reach(pattern, body) for name, pattern in ENCODINGS.items()}
    found = [name for name, end in reach.items() if end == len(body)]
    if not found:
        raise Violation("no-encoding", f"offset {max(reach.values())}")
    if "utf-8" in found and BIDI.search(body):
        raise Violation("bidi-control")
    if len(body) < len(data) and "utf-8" not in found:
        raise Violation("no-encoding", "utf-8")
    if found == ["western"] and sum(byte >= 0x80 for byte in body) > len(body) * WESTERN_SHARE:
        raise Violation("no-encoding", "western")
    return found


def _reach(pattern: re.Pattern[bytes], body: bytes) -> int:
    found = pattern.match(body)
    return found.end() if found else 0


def _units(data: bytes) -> None:
    """UTF-16 after its byte order mark: whole code units, surrogates in pairs, no control."""
    order = "little" if data[0] == 0xFF else "big"
    if len(data) % 2 or len(data) == 2:
        raise Violation("half-unit")
    units = memoryview(data[2:]).cast("H")
    high = False
    for number, unit in enumerate(units):
        value = unit if order == "little" else (unit & 0xFF) << 8 | unit >> 8
        if high != (0xDC00 <= value <= 0xDFFF):
            raise Violation("lone-surrogate", f"unit {number}")
        high = 0xD800 <= value <= 0xDBFF
        if (value < 0x20 and value not in (9, 10, 12, 13)) or 0x7F <= value <= 0x9F or value in BIDI_UNITS:
            raise Violation("control", f"unit {number}")
    if high:
        raise Violation("lone-surrogate")
