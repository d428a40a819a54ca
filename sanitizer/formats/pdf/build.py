"""The builder: new objects, each made from one source object by one table of allowed keys.

Rules kept here:

- No dictionary is copied. A table lists the keys that may stay and a rule for each; what it does not list is gone.
- A rule takes an unresolved source value and gives canonical bytes, or None: the key is left out.
- The memory is (type, source reference) → new object, so loops are harmless and one new object has one role.
- Bodies are written from a queue, not by recursion; what is queued must succeed (required keys have defaults).

>>> dictionary([b"/B 2", b"/A 1"])
b'<</A 1 /B 2>>'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pikepdf

from sanitizer.formats.base import Refused
from sanitizer.formats.deflating import QUICK, zlib_stream
from sanitizer.formats.pdf.kinds import KEY_KINDS, Report
from sanitizer.formats.pdf.source import Source
from sanitizer.formats.pdf.values import Value, is_ref, ref

if TYPE_CHECKING:
    from sanitizer.formats.pdf.filters import Decoded
    from sanitizer.formats.pdf.layers import Layers

Rule = Callable[[Value, "Builder"], bytes | None]
Maker = Callable[["Builder", int, dict[str, Value], pikepdf.Object], None]  # writes stream number n
SMALL = 60  # bytes: not worth a filter
_REPORTED = frozenset(KEY_KINDS)


@dataclass(frozen=True, slots=True)
class Table:
    """A dictionary type: constant entries, (written key, source key, rule) and defaults of required keys."""

    name: str
    constants: tuple[bytes, ...]
    keys: tuple[tuple[bytes, str, Rule], ...]
    defaults: Mapping[bytes, bytes]


def table(
    name: str,
    constants: str = "",
    common: Mapping[str, Rule] | None = None,
    defaults: Mapping[str, str] | None = None,
    **own: Rule,
) -> Table:
    """A table. ``constants``: ``"Type Font"`` (key, value name) pairs; ``common``: rules shared with other tables,
    added to its ``own``; ``defaults``: key → spelled value."""
    rules = {**(common or {}), **own}
    words = constants.split()
    pairs = tuple(f"/{k} /{v}".encode() for k, v in zip(words[::2], words[1::2], strict=True))
    keys = tuple((b"/" + k.encode(), "/" + k, rule) for k, rule in sorted(rules.items()))
    return Table(name, pairs, keys, {b"/" + k.encode(): v.encode() for k, v in (defaults or {}).items()})


def dictionary(entries: list[bytes]) -> bytes:
    """``<<…>>`` of ``/Key value`` entries, in canonical order."""
    entries.sort()
    return b"<<" + b" ".join(entries) + b">>"


class Builder:
    """All that is known about one file while it is made anew."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source = source
        self.report = report
        self.bodies: dict[int, bytes] = {}  # dictionaries, by new number
        self.streams: dict[int, tuple[bytes, bytes]] = {}  # (dictionary, data), by new number
        self.pages: dict[str, int] = {}  # source reference → new page
        self.page_numbers: list[int] = []  # new pages in order
        self.annotations: dict[str, int] = {}  # source reference → new annotation
        self.annotation_types: dict[int, str] = {}
        self.layers: Layers
        self.structured = False  # whether StructParent(s) mean anything
        self.functions: dict[str, bytes | None] = {}  # functions already spelled, by source reference
        self.reported: set[str] = set()  # actions already reported as removed
        self.named: dict[bytes, Value] | None = None  # named destinations, once asked for
        self.profiles: dict[str, Decoded | None] = {}  # ICC profiles already judged, by source reference
        self.descriptors: dict[tuple[str, bool], int] = {}  # font descriptors, for simple and for CID fonts
        self.programs: dict[tuple[str, bool], bytes] = {}  # entries that lead to font programs
        self._memory: dict[tuple[str, str], int | None] = {}
        self._queue: list[tuple[str, Callable[[], None]]] = []
        self._last = 0
        self._size = 0

    def new(self) -> int:
        """The number of a new object."""
        self._last += 1
        if self._last > self.source.limits.max_objects:
            raise Refused("bomb", "too many objects")
        return self._last

    def later(self, work: Callable[[], None]) -> None:
        """Queues ``work``; the place for the report is kept with it."""
        self._queue.append((self.report.place, work))

    def drain(self) -> None:
        """Works through the queue until nothing is left."""
        place = self.report.place
        while self._queue:
            self.report.place, work = self._queue.pop()
            work()
        self.report.place = place

    def page_at(self, index: Value) -> int | None:
        """The new page at ``index`` (from 0), where a destination says a number instead of a page."""
        return self.page_numbers[index] if type(index) is int and 0 <= index < len(self.page_numbers) else None

    def remembered(self, kind: str, reference: str) -> int | None:
        """The new object made of ``reference`` as ``kind``, if there is one."""
        return self._memory.get((kind, reference))

    # dictionaries

    def body(self, t: Table, d: Mapping[str, Value], extra: list[bytes] | None = None) -> bytes:
        """The canonical dictionary of type ``t`` made from ``d``; ``extra`` entries are added as they are."""
        return dictionary(self.entries(t, d, extra))

    def entries(self, t: Table, d: Mapping[str, Value], extra: list[bytes] | None = None) -> list[bytes]:
        """The entries of such a dictionary, for a stream to add its filter and length."""
        entries = [*t.constants, *(extra or ())]
        missing = dict(t.defaults)
        for key, source_key, rule in t.keys:
            v = d.get(source_key)
            if v is None:
                continue
            spelled = rule(v, self)
            if spelled is not None:
                entries.append(key + b" " + spelled)
                missing.pop(key, None)
        entries += [key + b" " + value for key, value in missing.items()]
        self.note(d)
        return entries

    def note(self, d: Mapping[str, Value]) -> None:
        """Reports keys of ``d`` that are worth a word to the reader."""
        for key in d.keys() & _REPORTED:
            if d[key] is not None:
                self.report.removed(KEY_KINDS[key])

    def shared(self, t: Table, v: Value) -> bytes | None:
        """A reference to the object of type ``t`` made from the dictionary that ``v`` refers to."""
        if not is_ref(v):
            return self._fresh(t, v) if type(v) is dict else None
        key = (t.name, v)
        if key in self._memory:
            number = self._memory[key]
            return None if number is None else ref(number)
        self._memory[key] = None
        d, handle = self.source.load(v)
        if is_ref(d):
            return self.shared(t, d)
        if type(d) is not dict or handle is not None:
            return None
        number = self._memory[key] = self.new()
        self.later(lambda: self.put(number, self.body(t, d)))
        return ref(number)

    def _fresh(self, t: Table, d: dict[str, Value]) -> bytes:
        number = self.new()
        self.later(lambda: self.put(number, self.body(t, d)))
        return ref(number)

    def put(self, number: int, body: bytes) -> None:
        """Sets the body of a dictionary object."""
        self._written(len(body))
        self.bodies[number] = body

    def _written(self, size: int) -> None:
        self._size += size
        if self._size > 2 * self.source.limits.max_output:  # bodies are still to be compressed
            raise Refused("output-too-large")

    # streams

    def stream(self, kind: str, v: Value, make: Maker) -> bytes | None:
        """A reference to the stream of ``kind`` that ``make`` will write from the stream that ``v`` refers to."""
        found = self.source.stream(v)
        if found is None:
            return None
        key = (kind, v)
        number = self._memory.get(key)
        if number is None:
            d, handle = found
            if d.get("/F") is not None or d.get("/FFilter") is not None:
                self.report.removed("external-stream")
                return None
            number = self._memory[key] = self.new()
            self.later(lambda: make(self, number, d, handle))
        return ref(number)

    def put_stream(
        self, number: int, entries: list[bytes], data: bytes, kept: bytes | None = None, level: int = QUICK
    ) -> None:
        """Writes a plain stream: ``data`` under Flate where that is shorter; ``kept`` is a zlib stream of it."""
        packed = data
        if len(data) > SMALL:
            good = kept is not None and (len(kept) < 0.5 * len(data) or len(data) > 40_000)
            packed = kept if good and kept is not None else zlib_stream(data, level)
            if kept is not None and len(kept) < len(packed):
                packed = kept
        if len(packed) < len(data):
            self.put_raw(number, [*entries, b"/Filter /FlateDecode"], packed)
        else:
            self.put_raw(number, entries, data)

    def put_raw(self, number: int, entries: list[bytes], data: bytes) -> None:
        """Writes a stream as it is; the filter, if any, is among ``entries``."""
        self._written(len(data))
        self.streams[number] = (dictionary([*entries, b"/Length %d" % len(data)]), data)
