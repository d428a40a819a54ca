"""Values of a source PDF and their canonical spelling (docs/grammar-pdf.md, 2 and 3).

A source value is what qpdf's JSON gives (qpdf manual, "QPDF JSON"), parsed with ``Real`` for non-integers:
``None``, ``bool``, ``int``, ``Real``, ``list``, ``dict``, and four sorts of ``str`` told apart by their beginning:
a reference ``"12 0 R"``, a name ``"/Foo"`` (``"n:/…"`` if not UTF-8), a string ``"u:…"`` (decoded) or ``"b:hex"``.

Rules kept here:

- Functions named ``spell_*`` return canonical bytes, or None where the value is not of that kind or cannot be kept.
- A reference to the new object n is spelled ``ref(n)``, two control bytes that no other spelling contains; the writer
  replaces them by the final number.

>>> spell_number(Real("1.50")), spell_name("/A b"), spell_bytes(b"a(b")
(b'1.5', b'/A#20b', b'(a\\\\(b)')
"""

from __future__ import annotations

import re
from typing import Any, TypeGuard

Value = Any  # a source value, see above; always untrusted

MAX_NAME = 127
MAX_STRING = 1 << 20
MAX_INT = 2**31 - 1

_IRREGULAR = re.compile(rb"[^!\"$&'*+,\-.0-9:;=?@A-Z\\^_`a-z|~]")
_UNPRINTABLE = re.compile(rb"[^\x20-\x7e]")
_ESCAPED = re.compile(rb"[\\()]")
_HEX_PAIR = re.compile(r"#([0-9A-Fa-f]{2})")
_PLAIN_REAL = re.compile(r"-?(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,10})?")
_ACTIVE = re.compile(r"<(?=\s*(?:script|img|svg|iframe|object|embed)\b)|javascript(?=:)|onerror(?==)", re.I)
_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DA_FORBIDDEN = re.compile(rb"[^\x20-\x7e]|[()<>\[\]{}%\\]")


class Real(str):
    """A number that is not an integer, as it was spelled in the source."""

    __slots__ = ()


def is_ref(v: Value) -> TypeGuard[str]:
    """Whether ``v`` is a reference (the only strings that begin with a digit)."""
    return type(v) is str and "0" <= v[:1] <= "9"


def is_name(v: Value) -> TypeGuard[str]:
    """Whether ``v`` is a name."""
    return type(v) is str and (v[:1] == "/" or v[:3] == "n:/")


def is_string(v: Value) -> TypeGuard[str]:
    """Whether ``v`` is a string."""
    return type(v) is str and v[:2] in ("u:", "b:")


def ref(number: int) -> bytes:
    """The placeholder of a reference to new object ``number``."""
    return b"\x01%d\x02" % number


def spell_int(v: Value) -> bytes | None:
    """An integer of at most 31 bits; a real without fraction counts as one."""
    if type(v) is not int:
        v = _integral(v)
    return b"%d" % v if v is not None and -MAX_INT <= v <= MAX_INT else None


def _integral(v: Value) -> int | None:
    if type(v) is not Real:
        return None
    try:
        f = float(v)
    except ValueError:
        return None
    return int(f) if abs(f) <= MAX_INT and f == int(f) else None


def spell_number(v: Value) -> bytes | None:
    """A number; what is outside of ±2³¹ is not kept, and ten decimals are."""
    if type(v) is int:
        return b"%d" % v if -MAX_INT <= v <= MAX_INT else None
    if type(v) is not Real:
        return None
    if not _PLAIN_REAL.fullmatch(v):
        try:
            f = float(v)
        except ValueError:
            return None
        if not abs(f) <= MAX_INT:
            return None
        v = f"{f:.10f}"
    text = v.rstrip("0").rstrip(".") if "." in v else v
    return b"0" if text in ("", "-", "-0") else text.encode()


def name_bytes(v: str) -> bytes:
    """The bytes of a name after the slash, unescaped."""
    if v[0] == "/":
        return v[1:].encode()
    return _HEX_PAIR.sub(lambda m: chr(int(m[1], 16)), v[3:]).encode("latin-1", "replace")


def spell_name_bytes(raw: bytes) -> bytes | None:
    """The name whose unescaped bytes are ``raw``."""
    if not 1 <= len(raw) <= MAX_NAME or b"\0" in raw:
        return None
    return b"/" + (raw if raw.isalnum() else _IRREGULAR.sub(lambda m: b"#%02X" % m[0][0], raw))


def spell_name(v: Value) -> bytes | None:
    """A name of 1 to 127 bytes."""
    return spell_name_bytes(name_bytes(v)) if is_name(v) else None


def spell_bytes(raw: bytes) -> bytes | None:
    """A string with these bytes."""
    if len(raw) > MAX_STRING:
        return None
    if _UNPRINTABLE.search(raw):
        return b"<" + raw.hex().encode() + b">"
    return b"(" + _ESCAPED.sub(rb"\\\g<0>", raw) + b")"


def string_bytes(v: Value) -> bytes | None:
    """The bytes of a string that is meant as bytes (PDFDocEncoding where qpdf has decoded it)."""
    if not is_string(v):
        return None
    return bytes.fromhex(v[2:]) if v[0] == "b" else encode_text(v[2:])


def string_text(v: Value) -> str | None:
    """A text string (ISO 32000-1, 7.9.2.2) without control characters and lone surrogates."""
    if not is_string(v):
        return None
    text = v[2:] if v[0] == "u" else _decode(bytes.fromhex(v[2:]))
    return _CONTROLS.sub("", text)


def _decode(raw: bytes) -> str:
    if raw[:2] == b"\xfe\xff":
        return raw[2:].decode("utf-16-be", "ignore")
    if raw[:2] == b"\xff\xfe":
        return raw[2:].decode("utf-16-le", "ignore")
    if raw[:3] == b"\xef\xbb\xbf":
        return raw[3:].decode("utf-8", "ignore")
    return raw.decode("pdfdoc_pikepdf", "ignore")


def neutralise(text: str) -> str:
    """``text`` without what an HTML view could run: ``<`` before a tag and the word before a colon are widened."""
    return _ACTIVE.sub(lambda m: chr(ord(m[0][0]) + 0xFEE0) + m[0][1:], text)


def encode_text(text: str) -> bytes:
    """PDFDocEncoding where it can say ``text``, else UTF-16BE with its mark."""
    if text.isascii() and not _CONTROLS.search(text):
        return text.encode()
    try:
        raw = text.encode("pdfdoc_pikepdf")
    except UnicodeError:
        raw = b"\xfe\xff"
    if raw[:2] in (b"\xfe\xff", b"\xff\xfe") or raw[:3] == b"\xef\xbb\xbf":
        return b"\xfe\xff" + text.encode("utf-16-be", "surrogatepass")
    return raw


def spell_text(text: str) -> bytes | None:
    """A string of kind ``text``; ``text`` has been neutralised."""
    raw = encode_text(text)
    if _ACTIVE.search(raw.decode("latin-1")):
        return None
    return spell_bytes(raw)


def spell_da(v: Value) -> bytes | None:
    """A default appearance: names, numbers and operators, no strings."""
    raw = string_bytes(v)
    if raw is None or len(raw) > 1024:
        return None
    raw = re.sub(rb"[\0\t\n\f\r]", b" ", raw)
    return None if _DA_FORBIDDEN.search(raw) else b"(" + raw + b")"


def spell_ascii(v: Value) -> bytes | None:
    """A short printable string."""
    raw = string_bytes(v)
    if raw is None or len(raw) > 127 or _UNPRINTABLE.search(raw):
        return None
    return spell_bytes(raw)


def spell_lang(v: Value) -> bytes | None:
    """A language tag (BCP 47, roughly)."""
    raw = string_bytes(v)
    if raw is None or not re.fullmatch(rb"(?:[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)?", raw):
        return None
    return spell_bytes(raw)


def spell_ident(v: Value) -> bytes | None:
    """A name made of letters, digits and ``+ . , _ -``."""
    return v.encode() if is_name(v) and re.fullmatch(r"/[A-Za-z0-9+.,_-]{1,63}", v) else None
