"""Section 5.3 of the grammar: pictures. Samples are counted, JPEG is taken apart into its segments.

>>> check_jpeg(b"\\xff\\xd8\\xff\\xd9", Limits(), "object 1")
Traceback (most recent call last):
sanitizer.verify.Violation: ('jpeg-frame', 'object 1')
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify import Violation
from sanitizer.verify.pdf.colour import components
from sanitizer.verify.pdf.values import Dictionary

if TYPE_CHECKING:
    from sanitizer.verify.pdf.walk import Walk

_PARMS = {b"FlateDecode": "FlateParms", b"DCTDecode": "DCTParms", b"CCITTFaxDecode": "CCITTParms"}
_ENTROPY = compile_pattern(rb"[^\xff]*+(?:\xff[\0\xd0-\xd7][^\xff]*+)*+", re.DOTALL)
_FRAMES = (0xC0, 0xC1, 0xC2)
_TABLES = (0xC4, 0xDB, 0xDD)


def check_dictionary(walk: Walk, number: int, dictionary: Dictionary) -> None:
    """What an image must have besides its table: a colour space, a size within limits, parameters of its filter."""
    where = f"object {number}"
    if _integer(dictionary, b"Width") * _integer(dictionary, b"Height") > walk.limits.max_pixels:
        raise Violation("too-many-pixels", where)
    kind = dictionary.get(b"Filter")
    if b"ImageMask" not in dictionary:
        present = (b"ColorSpace" in dictionary, b"BitsPerComponent" in dictionary)
        if not (all(present) or (kind == b"DCTDecode" and not any(present))):
            raise Violation("missing-key", f"{where}, Image")
        space = dictionary.get(b"ColorSpace")
        if space == b"Pattern" or (isinstance(space, list) and space[0] == b"Pattern"):
            raise Violation("bad-value", f"{where}, Image.ColorSpace")
    parms = dictionary.get(b"DecodeParms")
    if isinstance(parms, dict):
        check_parms(walk, parms, kind)


def check_parms(walk: Walk, parms: Dictionary, kind: object) -> None:
    """DecodeParms beside the Filter ``kind``: not without a filter, and not empty."""
    if not isinstance(kind, bytes) or not parms:
        raise Violation("bad-value", "DecodeParms")
    walk.check(parms, _PARMS[kind])


def check_data(walk: Walk, number: int, dictionary: Dictionary) -> None:
    """The data of a checked image dictionary."""
    stored = walk.document.data[number]
    kind = dictionary.get(b"Filter")
    if kind == b"DCTDecode":
        check_jpeg(bytes(stored), walk.limits, f"object {number}")
    elif kind != b"CCITTFaxDecode":
        size = walk.inflater.measure(stored) if kind else len(stored)
        if size > _row(walk, dictionary) * _integer(dictionary, b"Height"):
            raise Violation("image-size", f"object {number}")


def _row(walk: Walk, dictionary: Dictionary) -> int:
    """Bytes of one row before the predictor is undone."""
    parms = dictionary.get(b"DecodeParms")
    if isinstance(parms, dict):
        bits = _integer(parms, b"Columns") * _integer(parms, b"Colors") * _integer(parms, b"BitsPerComponent", 8)
        return -(-bits // 8) + (_integer(parms, b"Predictor") >= 10)
    count = 1 if b"ImageMask" in dictionary else components(dictionary[b"ColorSpace"], walk.objects)
    return -(-_integer(dictionary, b"Width") * count * _integer(dictionary, b"BitsPerComponent", 1) // 8)


def _integer(dictionary: Dictionary, key: bytes, default: int = 0) -> int:
    value = dictionary.get(key, default)
    if type(value) is not int:
        raise Violation("bad-value")
    return value


def check_jpeg(data: bytes, limits: Limits, where: str) -> None:
    """Only the segments that a decoder of pictures needs, and nothing behind the end."""
    if not data.startswith(b"\xff\xd8"):
        raise Violation("jpeg-start", where)
    at = 2
    frames = 0
    while not (at == len(data) - 2 and data.endswith(b"\xff\xd9")):
        if len(data) < at + 4 or data[at] != 0xFF:
            raise Violation("jpeg-segment", where)
        marker = data[at + 1]
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        payload = data[at + 4 : end]
        if end < at + 4 or end > len(data) or not _is_segment(marker, payload, limits):
            raise Violation("jpeg-segment", where)
        frames += marker in _FRAMES
        match = _ENTROPY.match(data, end) if marker == 0xDA else None
        at = match.end() if match else end
    if frames != 1:
        raise Violation("jpeg-frame", where)


def _is_segment(marker: int, payload: bytes, limits: Limits) -> bool:
    if marker in _FRAMES:
        height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
        return len(payload) >= 6 and 1 <= height * width <= limits.max_pixels
    if marker == 0xE0:
        return len(payload) == 14 and payload.startswith(b"JFIF\0") and payload[12:] == b"\0\0"
    if marker == 0xEE:
        return len(payload) == 12 and payload.startswith(b"Adobe")
    return marker in _TABLES or marker == 0xDA
