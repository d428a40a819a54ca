"""Characters, text, tags and attributes of pages and drawings.

Rules kept here:

- There is one way to write everything: the pieces found in a tag add up to its length, and names of attributes ascend.
- Three references stand in text, a fourth in values; there are no others.

>>> attributes('a href="#x" title="1 &lt; 2"')
('a', {'href': '#x', 'title': '1 < 2'})
>>> attributes('a title="1" href="#x"')
Traceback (most recent call last):
sanitizer.verify.Violation: ('attribute-order', '')
"""

from __future__ import annotations

import re

from sanitizer.limits import Limits
from sanitizer.verify import Violation

MAX_DEPTH = 200
NAME = r"[^\W\d][\w.:\-]{0,99}"
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
"""What stands in no file: controls but TAB and LF, controls of direction, noncharacters, the byte order mark."""

_C1_AND_DIRECTIONS = rb"\xc2[\x80-\x9f]|\xd8\x9c|\xe2(?:\x80[\x8e\x8f\xaa-\xae]|\x81[\xa6-\xa9])"
_MARK_AND_NONCHARACTERS = rb"\xef(?:\xbb\xbf|\xb7[\x90-\xaf]|\xbf[\xbe\xbf])|[\xf0-\xf4][\x80-\xbf]\xbf[\xbe\xbf]"
DIRECTIONS = re.compile(_C1_AND_DIRECTIONS)
"""In UTF-8: C1 and the controls of direction."""

_ALL = re.compile(_C1_AND_DIRECTIONS + b"|" + _MARK_AND_NONCHARACTERS)
_C0 = bytes((*(byte for byte in range(0x20) if byte not in b"\t\n"), 0x7F))

_TEXT = re.compile(r"[^<>&]*(?:&(?:amp|lt|gt);[^<>&]*)*")
_ATTRIBUTE = re.compile(rf' ({NAME})="([^<>&"\n\t]*(?:&(?:amp|lt|gt|quot);[^<>&"\n\t]*)*)"')
_TAG = re.compile(NAME)
_REFERENCE = re.compile("&(amp|lt|gt|quot);")
_MEANS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"'}


def demand(condition: object, code: str, where: str = "") -> None:
    """Raises ``Violation`` unless ``condition`` holds."""
    if not condition:
        raise Violation(code, where)


def read(data: bytes, limits: Limits) -> str:
    """The characters of a file."""
    demand(len(data) <= limits.max_output, "too-long")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Violation("encoding", f"offset {error.start}") from error
    demand(len(data.translate(None, _C0)) == len(data), "control")
    found = None if data.isascii() else _ALL.search(data)
    demand(found is None, "control", f"offset {found.start()}" if found else "")
    return text


def is_text(written: str) -> bool:
    """Whether this may stand between tags."""
    return ("&" not in written and ">" not in written) or _TEXT.fullmatch(written) is not None


def decoded(written: str) -> str:
    """What is meant by text or a value that holds no other references than the grammar's."""
    return _REFERENCE.sub(lambda found: _MEANS[found[1]], written) if "&" in written else written


def attributes(tag: str) -> tuple[str, dict[str, str]]:
    """The name and the attributes, decoded, of a start tag without its brackets."""
    name = _TAG.match(tag)
    demand(name, "tag")
    assert name is not None
    found, before, length = dict[str, str](), "", name.end()
    for key, value in _ATTRIBUTE.findall(tag, name.end()):
        demand(before < key, "attribute-order")
        before = key
        length += len(key) + len(value) + 4
        found[key] = decoded(value)
    demand(length == len(tag), "tag")
    return name[0], found
