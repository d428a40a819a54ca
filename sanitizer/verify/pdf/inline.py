"""Section 5.2 of the grammar: inline images, whose data is hexadecimal so that no reader can disagree where they end.

>>> _INLINE.fullmatch(b"BI /BPC 8 /CS /G /F /AHx /H 1 /W 1 ID ff>\\nEI")["data"]
b'ff'
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sanitizer.patterns import compile_pattern
from sanitizer.verify import Violation
from sanitizer.verify.pdf import images
from sanitizer.verify.pdf.values import (
    DIGITS,
    HEX,
    LITERAL,
    NAME,
    NUMBER,
    number_value,
    parse_dictionary,
    string_value,
    unescape_name,
)

if TYPE_CHECKING:
    from sanitizer.verify.pdf.walk import Walk

_INLINE = compile_pattern(
    rb"BI(?: /BPC (?P<bits>1|2|4|8|16))?"
    rb"(?: /CS (?:(?P<space>%b)|\[/I (?P<base>%b) (?P<last>%b) (?P<table>%b|%b)\]))?"
    rb"(?: /D \[(?P<decode>%b(?: %b)*+)\])?"
    rb"(?: /DP \[null (?P<parms><<[^\[\]\n]*?>>)\])?"
    rb" /F (?P<filter>/AHx|\[/AHx /DCT\]|\[/AHx /CCF\]) /H (?P<height>%b)"
    rb"(?: /I true)?(?P<mask> /IM true)? /W (?P<width>%b)"
    rb" ID (?P<data>(?:[0-9a-f]{2})*+)>\nEI(?![^\0\t\n\f\r ()<>\[\]{}/%%])"
    % (NAME, NAME, DIGITS, LITERAL, HEX, NUMBER, NUMBER, DIGITS, DIGITS)
)
# Abbreviated and full names of the device spaces (ISO 32000-1, table 93).
_COMPONENTS = {b"G": 1, b"RGB": 3, b"CMYK": 4}
_BASES = _COMPONENTS | {b"DeviceGray": 1, b"DeviceRGB": 3, b"DeviceCMYK": 4}
_FILTERS = {b"[/AHx /DCT]": b"DCTDecode", b"[/AHx /CCF]": b"CCITTFaxDecode"}
MAX_COMPONENTS = 32


def check(data: bytes, at: int, walk: Walk, number: int) -> int:
    """Where the inline image that begins at ``at`` ends; ``Violation`` if it breaks a rule."""
    where = f"object {number}, inline image"
    match = _INLINE.match(data, at)
    if match is None:
        raise Violation("inline-image", where)
    width, height = number_value(match["width"]), number_value(match["height"])
    if not 1 <= width * height <= walk.limits.max_pixels:
        raise Violation("too-many-pixels", where)
    for item in (match["decode"] or b"0").split(b" "):
        number_value(item)
    components = _components(match, where)
    parms, kind = match["parms"], match["filter"]
    if kind == b"/AHx":
        bits = 1 if match["mask"] else int(match["bits"] or 0)
        size = -(-int(width) * components * bits // 8) * int(height)
        if parms or (components and not (bits and len(match["data"]) // 2 <= size)):
            raise Violation("inline-image-size", where)
        return match.end()
    if parms:
        images.check_parms(walk, parse_dictionary(parms), _FILTERS[kind])
    if kind == b"[/AHx /DCT]":
        images.check_jpeg(bytes.fromhex(match["data"].decode("ascii")), walk.limits, where)
    return match.end()


def _components(match: re.Match[bytes], where: str) -> int:
    """Of one pixel; 0 if a resource or nothing says it."""
    if match["base"] is not None:
        base, last = unescape_name(match["base"]), int(match["last"])
        size = (last + 1) * _BASES.get(base, MAX_COMPONENTS)
        if last > 255 or len(string_value(match["table"])) > size:
            raise Violation("inline-image-palette", where)
        return 1
    if match["mask"]:
        return 1
    return _COMPONENTS.get(unescape_name(match["space"]), 0) if match["space"] else 0
