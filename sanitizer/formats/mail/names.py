"""Names under which what is attached is examined.

Rules kept here:

- A name is one safe part of a path (``sanitizer/formats/member_names.py``).
- A picture of the page is known by its bytes: its name is no one's choice. Where the declared media type says more than
  the bytes can (texts, messages), a part without a name gets its ending.

>>> member_name("", "text/csv", is_shown=False)
'attachment.csv'
"""

from __future__ import annotations

import re

from sanitizer import kinds
from sanitizer.formats.member_names import safe_part


def safe_name(name: str) -> str:
    """The last part of a path, safe; empty for an empty one."""
    last = re.split(r"[/\\]", name.strip())[-1]
    return safe_part(last) if last else ""


def member_name(name: str, kind: str, is_shown: bool) -> str:
    """The name of a part. ``kind``: its declared media type; ``is_shown``: it belongs to the page."""
    plain = safe_name(name)
    kinds_of = kinds.types_of(plain) | {kind}
    if is_shown and any(each.startswith("image/") for each in kinds_of):
        return plain.rpartition(".")[0] or plain or "image"
    if kind == "message/rfc822" and kinds.ending(plain) not in kinds.ENDINGS:
        return f"{plain or 'message'}.eml"
    if plain:
        return plain
    if not kind.startswith("text/"):
        return "attachment"
    known = any(kind in types for types in kinds.ENDINGS.values())
    return kinds.output_name("attachment", kind if known else "text/plain")
