"""Sections 4 and 6 of the grammar: from the Catalog down, every object gets exactly one type and none is left over.

Rules kept here:

- A reference gives the object its role the first time and must agree with it ever after.
- The structure tree is walked last and may reach nothing new but its own elements.
- A dictionary holds only keys of its table, each value by its rule, and all required keys.

>>> sorted(_TABLES["MarkInfo"].rules)
[b'Marked', b'Suspects']
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.pdf.checks import CHECKS, DATA
from sanitizer.verify.pdf.colour import is_colour_space
from sanitizer.verify.pdf.flate import Inflater
from sanitizer.verify.pdf.layout import Document
from sanitizer.verify.pdf.rules import Table, Types, compile_tables
from sanitizer.verify.pdf.tables import VARIANTS
from sanitizer.verify.pdf.values import Dictionary, Reference

_TABLES = compile_tables()
# Type → a table that shows whether it is a stream and what its Type and Subtype are; variants share all three.
_FACES = _TABLES | {name: _TABLES[next(iter(variants.values()))] for name, (_, variants) in VARIANTS.items()}
_TELLING = (b"Type", b"Subtype")
_STRUCTURE = ("StructTreeRoot", "StructElem")


class Walk:
    """The walk over one document. ``roles[n]`` is the type of object n, empty until it is reached."""

    def __init__(self, document: Document, limits: Limits, inflater: Inflater) -> None:
        self.document = document
        self.objects = document.objects
        self.limits = limits
        self.inflater = inflater
        self.roles = [""] * len(document.objects)
        self.current = 0  # the object being checked, for messages
        self._waiting: list[int] = []
        self._structure: list[int] = []
        self._in_structure = False

    def run(self) -> None:
        """Give every object its role; ``Violation`` if one breaks its table or is never reached."""
        catalog = self.document.streams + 1
        self.roles[catalog] = "Catalog"
        self._waiting.append(catalog)
        self._drain(self._waiting)
        self._in_structure = True
        self._drain(self._structure)
        if "" in self.roles[1:]:
            raise Violation("unreachable", f"object {self.roles.index('', 1)}")

    def _drain(self, numbers: list[int]) -> None:
        while numbers:
            number = numbers.pop()
            self.current = number
            role, dictionary = self.roles[number], self.objects[number]
            self.check(dictionary, role)
            if role in DATA:
                DATA[role](self, number, dictionary)

    def check(self, dictionary: Dictionary, role: str) -> None:
        """Hold a dictionary against the table of its type, and against what the table cannot say."""
        table = self._table(dictionary, role)
        for key, value in dictionary.items():
            rule = table.rules.get(key)
            if rule is None:
                raise Violation("unknown-key", f"object {self.current}, {role}")
            if not rule(self, value):
                raise Violation("bad-value", f"object {self.current}, {role}.{key.decode('ascii')}"[:40])
        if not table.required <= dictionary.keys():
            raise Violation("missing-key", f"object {self.current}, {role}")
        if role in CHECKS:
            CHECKS[role](self, self.current, dictionary)

    def _table(self, dictionary: Dictionary, role: str) -> Table:
        if role not in VARIANTS:
            return _TABLES[role]
        key, variants = VARIANTS[role]
        value = dictionary.get(key)
        for wanted, name in variants.items():
            if wanted == value and (wanted is True) == (value is True):
                return _TABLES[name]
        raise Violation("bad-value", f"object {self.current}, {role}.{key.decode('ascii')}"[:40])

    def reach(self, number: Reference, types: Types) -> bool:
        """A reference where ``types`` may stand."""
        if number >= len(self.objects):
            raise Violation("dangling-reference", f"object {self.current}")
        role = self._fitting(self.objects[number], types, number <= self.document.streams)
        if role is None:
            return False
        known = self.roles[number]
        if not known:
            self._give(number, role)
        elif known != role:
            raise Violation("two-roles", f"object {number}")
        return True

    def _give(self, number: int, role: str) -> None:
        self.roles[number] = role
        if role in _STRUCTURE:
            self._structure.append(number)
        elif self._in_structure:
            raise Violation("reached-by-structure-only", f"object {number}")
        else:
            self._waiting.append(number)

    def enter(self, dictionary: Dictionary, types: Types) -> bool:
        """A direct dictionary where ``types`` may stand."""
        role = self._fitting(dictionary, types, False)
        if role is None:
            return False
        self.check(dictionary, role)
        return True

    def colour_space(self, value: object) -> bool:
        """Whether the value is a ``cs``."""
        return is_colour_space(self, self.objects, value)

    def _fitting(self, dictionary: Dictionary, types: Types, stream: bool) -> str | None:
        """The one of ``types`` that the object can be; where there is a choice, Type and Subtype tell."""
        for name in types:
            if _FACES[name].stream == stream and (len(types) == 1 or self._looks_like(dictionary, _FACES[name])):
                return name
        return None

    def _looks_like(self, dictionary: Dictionary, face: Table) -> bool:
        for key in _TELLING:
            rule = face.rules.get(key)
            if key in dictionary:
                if rule is None or not rule(self, dictionary[key]):
                    return False
            elif key in face.required:
                return False
        return True

    def data(self, number: int) -> bytes:
        """The data of a stream whose Filter is FlateDecode or absent, inflated."""
        stored = self.document.data[number]
        if b"Filter" in self.objects[number]:
            return self.inflater.inflate(stored)
        return bytes(stored)
