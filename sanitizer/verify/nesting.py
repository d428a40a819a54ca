"""Files inside files: which reader reads a member, and what all of them together may cost.

Rules kept here:

- A member is read by the verifier of its type as if it left alone; a type without a verifier cannot be a member.
- Members and their bytes are counted over everything that one file holds, however it is nested; so is the depth.
- The readers are found among the modules that the cell has imported before the jail was locked.

A module that reads a container offers, besides ``verify``, ``def verify_within(data: bytes, mime: str, allowance:
Allowance) -> None``.

>>> from sanitizer.limits import Limits
>>> Allowance.of(Limits()).check_member(b"text", "text/plain")
>>> Allowance.of(Limits()).check_member(b"MZ", "application/x-dosexec")
Traceback (most recent call last):
sanitizer.verify.Violation: ('member-type', '')
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from sanitizer.limits import Limits
from sanitizer.verify import VERIFIERS, Violation


@dataclass(slots=True)
class Allowance:
    """What is left of the limits. ``depth``: containers around the place that is read, with its own."""

    limits: Limits
    members: int
    inflated: int
    depth: int = 1

    @classmethod
    def of(cls, limits: Limits) -> Allowance:
        """All of it, for a file that leaves alone."""
        return cls(limits, limits.max_members, limits.max_inflated)

    def take(self, members: int, size: int) -> None:
        """So many members more, of ``size`` bytes together."""
        self.members -= members
        self.inflated -= size
        if self.members < 0:
            raise Violation("too-many-members")
        if self.inflated < 0:
            raise Violation("too-much-inflated")

    def check_member(self, data: bytes, mime: str) -> None:
        """Nothing if ``data`` is in the grammar of ``mime``, else ``Violation``."""
        if mime not in VERIFIERS:
            raise Violation("member-type")
        reader = import_module(VERIFIERS[mime])
        inside = getattr(reader, "verify_within", None)
        if inside is None:
            reader.verify(data, self.limits, mime)
            return
        self.depth += 1
        inside(data, mime, self)
        self.depth -= 1
