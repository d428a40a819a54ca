"""Names of what is attached, as they may leave.

Rules kept here:

- One part of a path, NFC, without controls, characters that reorder or are not seen, and what no file system or browser
  takes; no reserved name, no dot or blank at the ends, at most ``LONGEST`` bytes.
- Where the declared media type says more than the bytes can (texts, messages), a part without a name gets its ending.

>>> safe_name("../..\\\\請求書\\u202efdp.txt ")
'請求書fdp.txt'
"""

from __future__ import annotations

import re
import unicodedata

from sanitizer import kinds

LONGEST = 200
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_FORBIDDEN = re.compile(r'[:*?"<>|]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.IGNORECASE)


def safe_name(name: str) -> str:
    """The name as it may leave; empty if nothing of it may."""
    last = re.split(r"[/\\]", name)[-1]
    plain = unicodedata.normalize("NFC", _UNSEEN.sub("", last))
    plain = " ".join(_FORBIDDEN.sub("_", plain).split()).strip(". ")
    plain = _shortened(plain)
    return f"_{plain}" if _RESERVED.match(plain) else plain


def _shortened(name: str) -> str:
    if len(name.encode("utf-8")) <= LONGEST:
        return name
    stem, dot, end = name.rpartition(".")
    tail = dot + end if stem and len(end.encode("utf-8")) <= 20 else ""
    room = LONGEST - len(tail.encode("utf-8"))
    kept = (stem if tail else name).encode("utf-8")[:room].decode("utf-8", "ignore")
    return kept.rstrip(". ") + tail


def member_name(name: str, kind: str, is_shown: bool) -> str:
    """The name under which a part is examined. ``is_shown``: it belongs to the page; its name is no one's choice, its
    bytes alone say what it is."""
    plain = safe_name(name)
    if is_shown and kind.startswith("image/"):
        return plain.rpartition(".")[0] or plain or "image"
    if plain:
        return plain
    if kind == "message/rfc822":
        return "message.eml"
    return kinds.output_name("attachment", kind) if kind.startswith("text/") else "attachment"
