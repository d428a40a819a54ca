"""Taking the filters off streams (ISO 32000-1, 7.4), one stage at a time under the budget of ``Source``.

Rules kept here:

- ``decode`` yields plain bytes, or stops before an image filter (DCT, JPX, JBIG2, CCITT) and says which.
- A Flate stream that ends exactly, is the only filter and has no predictor is also handed over as it was (``kept``), so
  that it need not be compressed again.

>>> ascii_hex(b"4 8 6>")
b'H`'
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

import pikepdf

from sanitizer.formats.pdf.source import CUT, Source
from sanitizer.formats.pdf.values import Value

LONG_NAMES = {
    "/Fl": "/FlateDecode",
    "/AHx": "/ASCIIHexDecode",
    "/A85": "/ASCII85Decode",
    "/LZW": "/LZWDecode",
    "/RL": "/RunLengthDecode",
    "/DCT": "/DCTDecode",
    "/CCF": "/CCITTFaxDecode",
}
IMAGE_FILTERS = frozenset(("/DCTDecode", "/JPXDecode", "/JBIG2Decode", "/CCITTFaxDecode"))
MAX_FILTERS = 8


@dataclass(slots=True)
class Decoded:
    """``data`` after the filters; ``codec``: the image filter still on it, with its ``parms``; ``predictor``: the
    parameters of a predictor still on it (only where asked for); ``kept``: the zlib stream of exactly ``data``;
    ``cut``: there was more than was asked for."""

    data: bytes
    codec: str = ""
    parms: Value = None
    predictor: dict[str, int] | None = None
    kept: bytes | None = None
    cut: bool = False


def filters_of(source: Source, d: dict[str, Value]) -> list[tuple[str, dict[str, Value]]]:
    """(filter, parameters) in the order of decoding; unknown values give the filter ``""``."""
    names = [source.resolve(x) for x in source.items(d.get("/Filter"))]
    resolved = source.resolve(d.get("/DecodeParms"))
    parms = [source.resolve(x) for x in (resolved if type(resolved) is list else [resolved])]
    parms += [None] * len(names)
    out = []
    for name, parm in zip(names[: MAX_FILTERS + 1], parms, strict=False):
        name = LONG_NAMES.get(name, name) if type(name) is str else ""
        out.append((name, parm if type(parm) is dict else {}))
    return out


def decode(
    source: Source, d: dict[str, Value], raw: bytes, *, image: bool = False, most: int | None = None, rows: int = 0
) -> Decoded | None:
    """Takes the filters off ``raw``; None if one is unknown or fails with nothing to show.

    ``image``: a predictor on the last filter stays on; ``most`` (bytes of samples) and ``rows`` (with a predictor)
    bound what is inflated there."""
    chain = filters_of(source, d)
    if len(chain) > MAX_FILTERS:
        return None
    data = raw
    for i, (name, parms) in enumerate(chain):
        last = i == len(chain) - 1
        if name in IMAGE_FILTERS:
            return Decoded(data, name, parms) if image and last else None
        if name == "/FlateDecode" and last:
            return _last_flate(source, data, parms, _Bound(image, most, rows), only=i == 0)
        stage = _stage(source, name, parms, data)
        if stage is None:
            return None
        data = stage
    return Decoded(data)


@dataclass(frozen=True, slots=True)
class _Bound:
    image: bool
    most: int | None
    rows: int


def _last_flate(source: Source, raw: bytes, parms: dict[str, Value], bound: _Bound, *, only: bool) -> Decoded | None:
    predictor = _predictor(source, parms)
    if predictor is None or bound.image:
        most = bound.most
        if predictor is not None and bound.rows:
            most = row_bytes(predictor) * bound.rows
        data, end = source.inflate(raw, most if bound.image else None)
        kept = raw[:end] if end > 0 and (only or end == len(raw)) else None
        return Decoded(data, predictor=predictor, kept=kept, cut=end == CUT)
    source.inflate(raw)
    data_ = _by_qpdf(source, "/FlateDecode", predictor, raw)
    return None if data_ is None else Decoded(data_)


def row_bytes(predictor: dict[str, int]) -> int:
    """Bytes of one row under a predictor, its tag byte included."""
    bits = predictor["/Columns"] * predictor["/Colors"] * predictor["/BitsPerComponent"]
    return (bits + 7) // 8 + (predictor["/Predictor"] >= 10)


def _predictor(source: Source, parms: dict[str, Value]) -> dict[str, int] | None:
    value = source.get(parms, "/Predictor")
    if type(value) is not int or value not in (2, 10, 11, 12, 13, 14, 15):
        return None
    out = {"/Predictor": value}
    for key, default, most in (("/Colors", 1, 32), ("/BitsPerComponent", 8, 16), ("/Columns", 1, 1 << 20)):
        x = source.get(parms, key)
        x = default if x is None else x
        if type(x) is not int or not 1 <= x <= most:
            return None
        out[key] = x
    return out if out["/BitsPerComponent"] in (1, 2, 4, 8, 16) else None


def _stage(source: Source, name: str, parms: dict[str, Value], data: bytes) -> bytes | None:
    if name == "/FlateDecode":
        predictor = _predictor(source, parms)
        inflated, _ = source.inflate(data)
        return _by_qpdf(source, name, predictor, data) if predictor else inflated
    if name == "/ASCIIHexDecode":
        return ascii_hex(data)
    if name == "/ASCII85Decode":
        return ascii_85(data)
    if name in ("/LZWDecode", "/RunLengthDecode"):
        early = source.get(parms, "/EarlyChange")
        extra = {"/EarlyChange": early} if early in (0, 1) and type(early) is int else {}
        out = _by_qpdf(source, name, (_predictor(source, parms) or {}) | extra, data)
        source.spend(len(out or b""))
        return out
    return data if name == "/Crypt" else None


def _by_qpdf(source: Source, name: str, parms: dict[str, int] | None, data: bytes) -> bytes | None:
    stream = pikepdf.Stream(source.pdf, data)
    stream.stream_dict.Filter = pikepdf.Name(name)
    if parms:
        stream.stream_dict.DecodeParms = pikepdf.Dictionary(parms)
    try:
        return stream.read_bytes(pikepdf.StreamDecodeLevel.specialized)
    except (pikepdf.PdfError, ValueError):
        return None


def ascii_hex(data: bytes) -> bytes:
    """ASCIIHexDecode: up to ``>``, what is no hex digit skipped."""
    digits = re.sub(rb"[^0-9A-Fa-f]", b"", data.split(b">", 1)[0])
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())


def ascii_85(data: bytes) -> bytes | None:
    """ASCII85Decode: up to ``~``; None where it cannot be read."""
    try:
        return base64.a85decode(re.sub(rb"[\s\0]", b"", data.removeprefix(b"<~").split(b"~", 1)[0]))
    except ValueError:
        return None
