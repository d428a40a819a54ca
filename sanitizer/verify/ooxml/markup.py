"""Typed parts (§2, §3 and §5 of the grammar): canonical XML, read by an automaton whose states are the table's types.

Rules kept here:

- A part is cut at every ``<``. A piece (a tag and the text behind it) is looked up among those that its state knows;
  only a new one is taken apart, so a file costs what its different tags cost, and a look-up for each other one.
- Nothing is repaired. What a state does not know ends the reading.
- A part is read in windows, so that its text does not stand in memory a second time.

>>> from sanitizer.limits import Limits
>>> Markup(Budget.of(Limits())).read(b"<w:document/>", "document", "word/document.xml")
Traceback (most recent call last):
sanitizer.verify.Violation: ('declaration', 'word/document.xml')
"""

from __future__ import annotations

from collections.abc import Iterator

from sanitizer.verify import Violation
from sanitizer.verify.ooxml.cells import without_plain_cells
from sanitizer.verify.ooxml.checks import Budget, demand
from sanitizer.verify.ooxml.elements import State, Use, parse_root
from sanitizer.verify.ooxml.notes import DECLARATION
from sanitizer.verify.ooxml.table import TABLE, Type

WINDOW = 1 << 18
MAX_DEPTH = 256
_CONTROLS = bytes(set(range(0x20)) - {0x09, 0x0A})
STATES: dict[str, State] = {}
"""What is known of the grammar by type; a process adds to it what it meets, and it is the same for every file."""
_NEVER_CLOSED = "\0"  # no piece: there is no U+0000 in a part


class Markup:
    """The automaton of one package: what its states have learned serves all of its parts, and what comes after it."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.states = STATES

    def read(self, content: bytes, kind: str, where: str) -> list[Use]:
        """The uses of relationships in a typed part of this kind, in document order."""
        demand(content.startswith(DECLARATION + b"<"), "declaration", where)
        part = _Part(self.states, TABLE.parts[kind].root, TABLE.parts[kind].type)
        for pieces in windows(content, self.budget, sheet=kind == "worksheet"):
            try:
                part.run(pieces)
            except Violation as violation:
                raise Violation(violation.code, violation.where or where) from violation
        demand(part.is_whole(), "unclosed", where)
        demand(part.declared == part.used, "namespaces", where)
        return part.uses


def windows(content: bytes, budget: Budget, *, sheet: bool = False) -> Iterator[list[str]]:
    """The pieces of a part behind its declaration, of about ``WINDOW`` bytes at a time. A piece is a tag without its
    ``<`` and the text behind it. Characters are those of XML, and elements are charged. ``sheet``: one plain cell may
    stand for many (see ``cells``)."""
    at = len(DECLARATION)
    while at < len(content):
        end = content.find(b"<", at + WINDOW)
        window = content[at : end if end >= 0 else len(content)]
        at += len(window)
        demand(len(window.translate(None, _CONTROLS)) == len(window), "character")
        demand(b"\xef\xbf\xbe" not in window and b"\xef\xbf\xbf" not in window, "character")
        budget.take_elements(window.count(b"<") - window.count(b"</"))
        if sheet:
            window = without_plain_cells(window)
        try:
            yield window.decode("utf-8")[1:].split("<")
        except UnicodeDecodeError as error:
            raise Violation("character") from error


class _Part:
    """The reading of one part: the state, what closes it, and the same of the elements around it."""

    def __init__(self, states: dict[str, State], root: str, type_: str) -> None:
        self.here = State(Type("", {root: type_}), states)
        self.closing = _NEVER_CLOSED
        self.outer: list[tuple[State, str]] = []
        self.uses: list[Use] = []
        self.bare = False
        self.used = 0
        self.declared = -1

    def is_whole(self) -> bool:
        return self.declared >= 0 and not self.outer

    def run(self, pieces: list[str]) -> None:
        """The next pieces. The first of a part is its root; behind the root there is nothing more."""
        if self.declared < 0:
            self.declared, pieces[0] = parse_root(pieces[0])
            self._elements(pieces[:1])
            after = State(Type(""), {})
            self.outer = [(after, _NEVER_CLOSED)] if self.outer else []
            self.here = self.here if self.outer else after
            pieces = pieces[1:]
        self._elements(pieces)

    def _elements(self, pieces: list[str]) -> None:
        here, closing, outer, bare, used = self.here, self.closing, self.outer, self.bare, self.used
        for piece in pieces:
            if piece == closing:
                if bare:
                    raise Violation("empty-element")
                here, closing = outer.pop()
                continue
            if len(outer) >= MAX_DEPTH:
                raise Violation("too-deep")
            step = here[piece]
            used |= step.prefixes
            if step.uses:
                self.uses += step.uses
            if step.inner is None:
                bare = False
            else:
                outer.append((here, closing))
                here, closing, bare = step.inner, step.closing, step.bare
        self.here, self.closing, self.bare, self.used = here, closing, bare, used
