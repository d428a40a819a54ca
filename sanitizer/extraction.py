"""Data instead of the document: what a rebuilt file says, its tables or its pictures alone (trusting side).

Rules kept here:

- Only rebuilt, verified bytes are read, in a jail; each part that comes out of it is an output like any other, with its
  own type, read by its own verifier. A part that its verifier does not accept is left out.
- The number, types and sizes of the parts are range-checked here.

>>> split(b"\\x01\\x00\\x00\\x01\\x00\\x00\\x00a", 10)
[('text/csv', b'a')]
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from typing import Literal, NamedTuple

from sanitizer import kinds
from sanitizer.errands import Errands, Source, taken_bytes
from sanitizer.file_jails import Jails
from sanitizer.wire import PART_TYPES, Kind

What = Literal["text", "table", "pictures"]
WHATS: tuple[What, ...] = ("text", "table", "pictures")
_RUNS: dict[What, Kind] = {"text": "words", "table": "tables", "pictures": "pictures"}
_COUNT, _ENTRY = struct.Struct("<H"), struct.Struct("<BI")  # as in ``asides.bundled``


class Part(NamedTuple):
    """A verified output: media type and bytes."""

    mime: str
    data: bytes


async def extract(jails: Jails, rebuilt: Source, mime: str, what: What) -> list[Part]:
    """The parts of a rebuilt file of type ``mime``, in its order; empty where it has nothing of the kind. Raises
    ``Unavailable`` of the supervisor."""
    errands = Errands(jails, patient=False)
    limits = jails.limits
    most = limits.text_bytes * 2 if what == "text" else limits.parts_bytes + _COUNT.size + limits.parts * _ENTRY.size
    made = await errands.made(_RUNS[what], mime, rebuilt, most, cpu_seconds=limits.parts_cpu_seconds)
    if made is None:
        return []
    data = taken_bytes(made)
    parts = [("text/plain", data)] if what == "text" else split(data, limits.parts)
    return [Part(kind, part) for kind, part in parts if await errands.verified(part, kind)]


def in_one(parts: Sequence[Part], what: What) -> Part:
    """All parts as one file: the part itself, or a ZIP of several. Written here, of verified bytes under names of our
    own, stored and with a fixed date; there is no byte of a received file in its structure."""
    if len(parts) == 1:
        return parts[0]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, part in enumerate(parts, 1):
            archive.writestr(zipfile.ZipInfo(f"{what}-{number}.{kinds.ending_of(part.mime)}"), part.data)
    return Part("application/zip", out.getvalue())


def split(untrusted: bytes, most: int) -> list[tuple[str, bytes]]:
    """The parts of a bundle; none if it is not exactly one of at most ``most`` parts."""
    count = int.from_bytes(untrusted[: _COUNT.size], "little")
    at = _COUNT.size + count * _ENTRY.size
    if not 0 < count <= most or at > len(untrusted):
        return []
    parts: list[tuple[str, bytes]] = []
    for kind, size in _ENTRY.iter_unpack(untrusted[_COUNT.size : at]):
        if kind >= len(PART_TYPES) or at + size > len(untrusted):
            return []
        parts.append((PART_TYPES[kind], untrusted[at : at + size]))
        at += size
    return parts if at == len(untrusted) else []
