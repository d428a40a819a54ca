"""What a jailed process does with a file besides transforming it: draw it, compare drawings, give out a part of it.

====================  ==================================  ================================================
kind of run           reads                               writes
====================  ==================================  ================================================
``draw``              a received or a rebuilt file        pages as pixels (``formats.pixels.packed``)
``compare``           two drawings                        scores (``formats.pixels.results``)
``picture``           a drawing                           its page number ``first`` as PNG
``words``             a rebuilt file                      what it says, UTF-8
``tables``            a rebuilt file                      its tables as CSV (``bundled``)
``pictures``          a rebuilt file                      its pictures (``bundled``)
====================  ==================================  ================================================

Rules kept here:

- The received file is only ever drawn, in a jail of its own, and what leaves that jail is numbers and pixels.
- What is given out is made from rebuilt bytes and goes through the rebuild of its own type: text loses controls, cells
  that would run become text. Its own verifier reads it afterwards.
- Nothing of the kind is empty bytes, not an error.

>>> bundled([("text/csv", b"a")])[:2]
b'\\x01\\x00'
"""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import NamedTuple

from sanitizer.formats.base import Job, Picture, Rebuilt, Table
from sanitizer.limits import Limits
from sanitizer.wire import PART_TYPES, PIXELS, Run

_COUNT, _ENTRY = struct.Struct("<H"), struct.Struct("<BI")


class Aside(NamedTuple):
    """What a run works on: the file (for ``compare`` also a second one) and the modules of its cell."""

    run: Run
    data: bytes
    second: bytes
    modules: Mapping[str, ModuleType]
    limits: Limits


def draw(a: Aside) -> bytes:
    """Pages from ``run.first`` on, as pixels; empty if the format draws nothing."""
    hook = getattr(a.modules.get(a.run.mime), "draw", None)
    if hook is None:
        return b""
    packed: bytes = a.modules[PIXELS].packed(hook(a.data, a.run.mime, a.run.first, a.limits))
    return packed


def compare(a: Aside) -> bytes:
    """The scores of the pages that both drawings have."""
    pixels = a.modules[PIXELS]
    found: bytes = pixels.results(pixels.unpacked(a.data, a.limits), pixels.unpacked(a.second, a.limits))
    return found


def picture(a: Aside) -> bytes:
    """Page ``run.first`` of a drawing as PNG."""
    pixels = a.modules[PIXELS]
    made: bytes | None = pixels.png(pixels.unpacked(a.data, a.limits).pages[a.run.first], a.limits)
    return made or b""


def words(a: Aside) -> bytes:
    """What a rebuilt file says, as a text of its own."""
    said: str = a.modules[a.run.mime].text(a.data, a.limits)
    plain = said.encode("utf-8", "replace")[: a.limits.text_bytes].decode("utf-8", "ignore")
    return _rebuilt(a, "text/plain", plain.encode()) if plain.strip() else b""


def tables(a: Aside) -> bytes:
    """The tables of a rebuilt file, one CSV each: UTF-8 with byte order mark, as spreadsheets ask for."""
    hook = getattr(a.modules[a.run.mime], "tables", None)
    found: list[Table] = hook(a.data, a.limits) if hook else []
    full = [table for table in found if any(cell.strip() for row in table for cell in row)]
    return bundled(
        _fitting([("text/csv", _rebuilt(a, "text/csv", _csv(table))) for table in full[: a.limits.parts]], a.limits)
    )


def pictures(a: Aside) -> bytes:
    """The pictures of a rebuilt file, as they are."""
    hook = getattr(a.modules[a.run.mime], "pictures", None)
    found: list[Picture] = hook(a.data, a.limits) if hook else []
    known = [(mime, data) for mime, data in found if mime in PART_TYPES]
    return bundled(_fitting(known[: a.limits.parts], a.limits))


DOES: dict[str, Callable[[Aside], bytes]] = {
    each.__name__: each for each in (draw, compare, picture, words, tables, pictures)
}


def bundled(parts: list[tuple[str, bytes]]) -> bytes:
    """Several outputs as one: their number, then type and size of each, then their bytes; empty for none."""
    if not parts:
        return b""
    index = b"".join(_ENTRY.pack(PART_TYPES.index(mime), len(data)) for mime, data in parts)
    return _COUNT.pack(len(parts)) + index + b"".join(data for _, data in parts)


def _fitting(parts: list[tuple[str, bytes]], limits: Limits) -> list[tuple[str, bytes]]:
    """The first parts, as many as the limit allows."""
    kept, left = [], limits.parts_bytes
    for mime, data in parts:
        left -= len(data)
        if left < 0:
            break
        kept.append((mime, data))
    return kept


def _csv(table: Table) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(table)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def _rebuilt(a: Aside, mime: str, data: bytes) -> bytes:
    """Through the rebuild of its own type."""
    made: Rebuilt = a.modules[mime].rebuild(data, Job(mime, "rebuild", "", None, a.limits))
    return made.data
