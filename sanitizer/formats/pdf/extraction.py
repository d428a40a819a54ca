"""The text of a rebuilt PDF, for checks and for search: what its pages say, then what its fields, notes and titles say.

Rules: reads rebuilt bytes only; bounded in characters; the order is that of the pages, then that of the objects.
"""

from __future__ import annotations

import io

import pikepdf
import pypdfium2

from sanitizer.formats.pdf.rendering import opened
from sanitizer.limits import Limits

_SPEAKING = ("/V", "/DV", "/TU", "/Contents", "/Title", "/Subj", "/ActualText", "/Alt", "/Opt", "/P")


def text(data: bytes, limits: Limits) -> str:
    """At most ``limits.text_bytes`` characters. Raises what the readers raise for bytes that are no PDF."""
    parts = [*_pages(data, limits.text_bytes), *_strings(data)]
    return "\n".join(parts)[: limits.text_bytes]


def _pages(data: bytes, most: int) -> list[str]:
    parts: list[str] = []
    length = 0
    with opened(data) as document:
        for number in range(len(document)):
            page: pypdfium2.PdfPage = document[number]
            words = page.get_textpage().get_text_bounded()
            parts.append(words)
            length += len(words)
            if length > most:
                break
    return parts


def _strings(data: bytes) -> list[str]:
    """Strings that a reader is shown outside the pages' contents."""
    found: list[str] = []
    with pikepdf.open(io.BytesIO(data)) as pdf:
        for thing in pdf.objects:
            if isinstance(thing, pikepdf.Dictionary):
                found += [s for key in _SPEAKING if key in thing for s in _spoken(thing[key])]
    return found


def _spoken(value: object) -> list[str]:
    if isinstance(value, pikepdf.String):
        return [str(value)]
    if isinstance(value, pikepdf.Array):
        return [s for item in value for s in _spoken(item)]
    return []
