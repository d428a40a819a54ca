"""A tiny writer of canonical PDF, made from ``docs/grammar-pdf.md`` for the tests of the verifier.

Objects have names; ``@Name`` in a value becomes a reference. Streams and dictionaries are numbered in the order of the
mapping (``Catalog`` first among the dictionaries). The writer does what it is told: a test breaks a rule by handing it
a value that breaks it.

>>> write({**MINIMAL, "Page": MINIMAL["Page"].but(Rotate="90")}).startswith(b"%PDF-1.7")
True
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field, replace
from itertools import chain

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


@dataclass(frozen=True)
class Obj:
    """A dictionary, or (with data) a stream. Values are written as they shall stand, but for ``@Name``."""

    entries: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None
    flate: bool = False

    def but(self, **entries: str | None) -> Obj:
        """The same object with other entries; None takes a key away."""
        merged = {key: value for key, value in {**self.entries, **entries}.items() if value is not None}
        return replace(self, entries=merged)

    def stored(self) -> bytes:
        """The data as it stands in the file."""
        data = self.data or b""
        return zlib.compress(data) if self.flate else data

    def text(self, numbers: dict[str, int]) -> bytes:
        """The dictionary as it stands in the file."""
        entries = dict(self.entries)
        if self.data is not None:
            entries.setdefault("Length", str(len(self.stored())))
        if self.flate:
            entries.setdefault("Filter", "/FlateDecode")
        return resolve(dictionary(entries), numbers)


def obj(**entries: str) -> Obj:
    """A dictionary."""
    return Obj(entries)


def stream(data: bytes = b"", flate: bool = False, **entries: str) -> Obj:
    """A stream."""
    return Obj(entries, data, flate)


def dictionary(entries: dict[str, str]) -> str:
    """Canonical: keys ascending, one SP between tokens."""
    return "<<" + " ".join(f"/{key} {entries[key]}" for key in sorted(entries, key=lambda key: key.encode())) + ">>"


def resolve(text: str, numbers: dict[str, int]) -> bytes:
    """``@Name`` → ``n 0 R``."""
    return re.sub(r"@(\w+)", lambda match: f"{numbers[match[1]]} 0 R", text).encode("latin-1")


def number(objects: dict[str, Obj]) -> dict[str, int]:
    """Name → object number: streams first."""
    streams = [name for name, item in objects.items() if item.data is not None]
    others = [name for name, item in objects.items() if item.data is None]
    return {name: index for index, name in enumerate([*streams, *others], 1)}


def indirect(position: int, head: bytes, data: bytes) -> bytes:
    """One object of the file."""
    return b"%d 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (position, head, data)


def object_stream(position: int, first: int, items: list[bytes]) -> bytes:
    """An object stream whose first object has the number ``first``."""
    offsets = [sum(len(item) + 1 for item in items[:index]) for index in range(len(items))]
    table = b" ".join(b"%d %d" % (first + index, offset) for index, offset in enumerate(offsets)) + b"\n"
    data = zlib.compress(table + b"".join(item + b"\n" for item in items))
    head = b"<</Filter /FlateDecode /First %d /Length %d /N %d /Type /ObjStm>>" % (len(table), len(data), len(items))
    return indirect(position, head, data)


def xref_stream(position: int, root: int, rows: list[tuple[int, int, int]]) -> bytes:
    """The cross-reference stream for ``rows`` of numbers 0…position."""
    packed = [struct.pack(">BIH", *row) for row in rows]
    above = [bytes(7), *packed]
    differences = [
        bytes((a - b) & 255 for a, b in zip(row, up, strict=False)) for row, up in zip(packed, above, strict=False)
    ]
    data = zlib.compress(b"".join(b"\2" + row for row in differences))
    head = (
        b"<</DecodeParms <</Columns 7 /Predictor 12>> /Filter /FlateDecode /Length %d /Root %d 0 R /Size %d"
        b" /Type /XRef /W [1 4 2]>>"
    ) % (len(data), root, position + 1)
    return indirect(position, head, data)


def write(objects: dict[str, Obj], per_stream: int = 1000) -> bytes:
    """The file."""
    numbers = number(objects)
    streams = [(item.text(numbers), item.stored()) for item in objects.values() if item.data is not None]
    others = [item.text(numbers) for item in objects.values() if item.data is None]
    pieces = [indirect(index, head, data) for index, (head, data) in enumerate(streams, 1)]
    groups = [others[start : start + per_stream] for start in range(0, len(others), per_stream)]
    first, container = len(streams) + 1, len(objects) + 1
    compressed = []
    for group in groups:
        compressed += [(2, container, index) for index in range(len(group))]
        pieces.append(object_stream(container, first, group))
        first, container = first + len(group), container + 1
    offsets = [len(HEADER) + sum(map(len, pieces[:index])) for index in range(len(pieces) + 1)]
    plain = [(1, offset, 0) for offset in offsets]
    rows = chain([(0, 0, 65535)], plain[: len(streams)], compressed, plain[len(streams) :])
    xref = xref_stream(container, len(streams) + 1, list(rows))
    return HEADER + b"".join(pieces) + xref + b"startxref\n%d\n%%%%EOF\n" % offsets[-1]


def reachable(objects: dict[str, Obj]) -> dict[str, Obj]:
    """The objects that the Catalog leads to, in their order."""
    found: set[str] = set()
    waiting = ["Catalog"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += re.findall(r"@(\w+)", " ".join(objects[name].entries.values()))
    return {name: item for name, item in objects.items() if name in found}


MINIMAL: dict[str, Obj] = {
    "Catalog": obj(Type="/Catalog", Pages="@Pages"),
    "Pages": obj(Type="/Pages", Count="1", Kids="[@Page]"),
    "Page": obj(Type="/Page", Parent="@Pages", MediaBox="[0 0 595 842]", Resources="<<>>"),
}
