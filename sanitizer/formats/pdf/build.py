"""The builder: new objects, each made from one source object by one table of allowed keys.

Rules kept here:

- No dictionary is copied. A table lists the keys that may stay and a rule for each; what it does not list is gone.
- A rule takes an unresolved source value and gives canonical bytes, or None: the key is left out.
- The memory is (type, source reference) → new object, so loops are harmless and one new object has one role.
- Bodies are written from a queue, not by recursion; what is queued must succeed (required keys have defaults).

>>> table("Example", W=number).keys
((b'/W', '/W', <function number at ...>),)
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pikepdf

from sanitizer.formats.base import Refused
from sanitizer.formats.pdf.kinds import KEY_KINDS, Report
from sanitizer.formats.pdf.source import Source
from sanitizer.formats.pdf.values import Value, is_ref, ref, spell_number

if TYPE_CHECKING:
    from sanitizer.formats.pdf.filters import Decoded
    from sanitizer.formats.pdf.layers import Layers

Rule = Callable[[Value, "Builder"], bytes | None]
LEVEL = 6  # zlib
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
    name: str, constants: str = "", defaults: Mapping[str, str] | None = None, **rules: Rule
) -> Table:
    """A table. ``constants``: ``"Type Font"`` (key, value name) pairs; ``defaults``: key → spelled value."""
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
        self.named: dict[bytes, Value] | None = None  # named destinations, once asked for
        self.profiles: dict[str, Decoded | None] = {}  # ICC profiles already judged, by source reference
        self.descriptors: dict[tuple[str, bool], int] = {}  # font descriptors, for simple and for CID fonts
        self.programs: dict[tuple[str, bool], bytes] = {}  # entries that lead to font programs
        self._memory: dict[tuple[str, str], int | None] = {}
        self._queue: list[tuple[str, Callable[[], None]]] = []
        self._last = 0

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
        self.bodies[number] = body

    # streams

    def stream(self, kind: str, v: Value, make: Callable[[Builder, int, dict[str, Value], pikepdf.Object], None]) -> bytes | None:
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

    def put_stream(self, number: int, entries: list[bytes], data: bytes, kept: bytes | None = None) -> None:
        """Writes a plain stream: ``data`` under Flate where that is shorter; ``kept`` is a zlib stream of it."""
        packed = data
        if len(data) > SMALL:
            packed = kept if kept is not None and (len(kept) < 0.5 * len(data) or len(data) > 40_000) else zlib.compress(data, LEVEL)
            if kept is not None and len(kept) < len(packed):
                packed = kept
        if len(packed) < len(data):
            self.put_raw(number, [*entries, b"/Filter /FlateDecode"], packed)
        else:
            self.put_raw(number, entries, data)

    def put_raw(self, number: int, entries: list[bytes], data: bytes) -> None:
        """Writes a stream as it is; the filter, if any, is among ``entries``."""
        self.streams[number] = (dictionary([*entries, b"/Length %d" % len(data)]), data)


# Rules on simple values


def number(v: Value, b: Builder) -> bytes | None:
    """num"""
    return spell_number(b.source.resolve(v) if is_ref(v) else v)


def of(spell: Callable[[Value], bytes | None]) -> Rule:
    """The rule of a ``spell_*`` function."""

    def rule(v: Value, b: Builder) -> bytes | None:
        return spell(b.source.resolve(v) if is_ref(v) else v)

    return rule


def boolean(v: Value, b: Builder) -> bytes | None:
    """bool"""
    v = b.source.resolve(v)
    return None if type(v) is not bool else b"true" if v else b"false"


def integer(low: int, high: int = 2**31 - 1) -> Rule:
    """int(low..high)"""

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        return b"%d" % v if type(v) is int and low <= v <= high else None

    return rule


def one_of(*allowed: int) -> Rule:
    """int, one of these"""

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        return b"%d" % v if type(v) is int and v in allowed else None

    return rule


def names(allowed: str) -> Rule:
    """/A|/B …, given as words"""
    known = {"/" + word: b"/" + word.encode() for word in allowed.split()}

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        return known.get(v) if type(v) is str else None

    return rule


def numbers(least: int = 0, most: int = 1 << 20) -> Rule:
    """[num{least,most}]; an array with anything else in it is not kept"""

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        if type(v) is not list or not least <= len(v) <= most:
            return None
        spelled = [number(x, b) for x in v]
        return None if None in spelled else array(spelled)

    return rule


def array(spelled: list[bytes | None]) -> bytes:
    """``[…]`` of what is there"""
    return b"[" + b" ".join([x for x in spelled if x is not None]) + b"]"


# Rules made of rules


def array_of(rule: Rule, least: int = 0, most: int = 1 << 20) -> Rule:
    """[rule{least,most}]; elements that cannot be kept are left out"""

    def listed(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        if type(v) is not list or len(v) > most:
            return None
        spelled = [y for x in v if (y := rule(x, b)) is not None]
        return b"[" + b" ".join(spelled) + b"]" if len(spelled) >= least else None

    return listed


def sequence(*rules: Rule) -> Rule:
    """[r s t]"""

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        if type(v) is not list or len(v) != len(rules):
            return None
        spelled = [r(x, b) for r, x in zip(rules, v, strict=True)]
        return None if None in spelled else array(spelled)

    return rule


def first_of(*rules: Rule) -> Rule:
    """r | s"""

    def rule(v: Value, b: Builder) -> bytes | None:
        for r in rules:
            spelled = r(v, b)
            if spelled is not None:
                return spelled
        return None

    return rule


def either(t: Table) -> Rule:
    """T: direct stays direct, a reference stays a reference"""

    def rule(v: Value, b: Builder) -> bytes | None:
        return b.shared(t, v) if is_ref(v) else direct_body(t, v, b)

    return rule


def shared(t: Table) -> Rule:
    """&T"""
    return lambda v, b: b.shared(t, v)


def direct(t: Table) -> Rule:
    """.T"""
    return lambda v, b: direct_body(t, b.source.resolve(v), b)


def direct_body(t: Table, v: Value, b: Builder) -> bytes | None:
    """The dictionary ``v`` as type ``t``."""
    return b.body(t, v) if type(v) is dict else None


def map_of(rule: Rule) -> Rule:
    """{rule}: a dictionary with any names as keys; the values ``rule`` gives None for are left out"""
    from sanitizer.formats.pdf.values import is_name, name_bytes, spell_name_bytes

    def mapped(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        if type(v) is not dict:
            return None
        spelled: dict[bytes, bytes] = {}
        for k, x in v.items():
            key = spell_name_bytes(name_bytes(k)) if is_name(k) else None
            if key is not None and key not in spelled and (y := rule(x, b)) is not None:
                spelled[key] = y
        return b"<<" + b" ".join(k + b" " + spelled[k] for k in sorted(spelled)) + b">>"

    return mapped
