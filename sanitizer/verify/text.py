"""Plain text: in an encoding, without controls.

Rules kept here:

- Nothing is guessed: a file that is well-formed UTF-8, or begins with the mark of UTF-16, is that and nothing else; for
  other bytes every encoding that they may be in is named.
- Controls are looked for in characters where there are characters, else in bytes that stand for themselves.

>>> readings("報告\\n".encode()), readings("報告\\n".encode("cp932"))
(['utf-8'], ['cp932'])
>>> verify(b"\\x1b[31m", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('no-encoding', '')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.patterns import compile_pattern
from sanitizer.verify.markup.characters import DIRECTIONS, demand

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_BYTES = rb"[\t\n\x0c\r\x20-\x7e]"
_SHIFTED = compile_pattern(rb"(?:%s++|[\xa1-\xdf]++|[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc])*+" % _BYTES)
_EXTENDED = compile_pattern(rb"(?:%s++|[\xa1-\xfe]{2}|\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2})*+" % _BYTES)
_SWITCHED = compile_pattern(rb"(?:%s++|\x1b(?:\([BJI]|\$[@B]|\$\(D))*+" % _BYTES)
_WESTERN = compile_pattern(rb"(?:%s++|[\x80\x82-\x8c\x8e\x91-\x9c\x9e-\xff]++)*+" % _BYTES)
_MOST_WESTERN = 0.3  # of the bytes may be above 7F
_ALLOWED = "\t\n\f\r"
_SEVEN_BIT = bytes(range(0x80))
_NEVER = bytes(byte for byte in (*range(0x20), 0x7F) if chr(byte) not in _ALLOWED)


def verify(data: bytes, limits: Limits, mime: str = "text/plain") -> None:
    """Nothing if ``data`` is a text of the grammar within ``limits``, else ``Violation``."""
    demand(len(data) <= limits.max_output, "too-long")
    demand(readings(data), "no-encoding")


def readings(data: bytes) -> list[str]:
    """The encodings in which this is a text, by their names in Python; ``Violation`` for characters that none may have,
    an empty list if it is in no encoding."""
    demand(data, "empty")
    if data.startswith(UTF_16):
        return ["utf-16"] if _is_unicode(data, "utf-16") else []
    if b"\x1b" in data:
        return ["iso2022_jp_1"] if _SWITCHED.fullmatch(data) else []
    if _is_unicode(data.removeprefix(b"\xef\xbb\xbf"), "utf-8"):
        return ["utf-8"]
    found = [name for name, pattern in (("cp932", _SHIFTED), ("euc_jp", _EXTENDED)) if pattern.fullmatch(data)]
    if len(data.translate(None, _SEVEN_BIT)) <= _MOST_WESTERN * len(data) and _WESTERN.fullmatch(data):
        found.append("latin-1")
    return found


def _is_unicode(data: bytes, encoding: str) -> bool:
    """Whether it is well-formed; ``Violation`` for a control in well-formed text."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    octets = data if encoding == "utf-8" else text.encode("utf-8")
    demand(len(octets.translate(None, _NEVER)) == len(octets), "control")
    demand(octets.isascii() or not DIRECTIONS.search(octets), "control")
    return True
