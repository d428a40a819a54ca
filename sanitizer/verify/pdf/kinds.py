"""Section 3 of the grammar: the kinds of strings, and the two kinds of names.

>>> is_uri(b"https://example.jp/%E5%B8%82"), is_uri(b"javascript:alert(1)")
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sanitizer.patterns import compile_pattern

Kind = Callable[[bytes], bool]

_PDF_DOC = compile_pattern(rb"(?!\xfe\xff|\xff\xfe|\xef\xbb\xbf)[\t\n\r\x18-~\x80-\xff]*+").fullmatch
_UNICODE_CONTROL = compile_pattern("[\0-\x08\x0b\x0c\x0e-\x1f]")
_ACTIVE = compile_pattern(r"<\s*(script|img|svg|iframe|object|embed)\b|javascript:|onerror=", re.IGNORECASE)
_URI = compile_pattern(rb"(?:https?://|mailto:|tel:)[A-Za-z0-9!#$%&'()*+,\-./:;=?@\[\]_~]++", re.IGNORECASE)
_DA = compile_pattern(rb"[ -~]*+").fullmatch
_DA_FORBIDDEN = compile_pattern(rb"[()<>\[\]{}%\\]")
_LANG = compile_pattern(rb"(?:[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*+)?").fullmatch
_IDENT = compile_pattern(rb"[A-Za-z0-9+.,_-]{1,63}").fullmatch
MAX_URI = 4096
MAX_DA = 1024
MAX_ASCII = 127


def is_text(value: bytes) -> bool:
    """PDFDocEncoding or UTF-16BE without control characters or markup that a viewer might run."""
    if value.startswith(b"\xfe\xff"):
        try:
            text = value[2:].decode("utf-16-be")
        except UnicodeDecodeError:
            return False
        return _UNICODE_CONTROL.search(text) is None and _ACTIVE.search(text) is None
    return _PDF_DOC(value) is not None and _ACTIVE.search(value.decode("latin-1")) is None


def is_uri(value: bytes) -> bool:
    """Only addresses that a browser, a mailer or a telephone opens."""
    return len(value) <= MAX_URI and _URI.fullmatch(value) is not None


def is_da(value: bytes) -> bool:
    """A default appearance: operators without strings, arrays, comments or escapes."""
    return len(value) <= MAX_DA and _DA(value) is not None and _DA_FORBIDDEN.search(value) is None


def is_ascii(value: bytes) -> bool:
    """Printable ASCII."""
    return len(value) <= MAX_ASCII and _DA(value) is not None


def is_lang(value: bytes) -> bool:
    """A language tag, or empty."""
    return _LANG(value) is not None


def is_ident(name: bytes) -> bool:
    """A name that needs no escape anywhere."""
    return _IDENT(name) is not None


STRINGS: dict[str, Kind] = {"text": is_text, "uri": is_uri, "da": is_da, "ascii": is_ascii, "lang": is_lang}
