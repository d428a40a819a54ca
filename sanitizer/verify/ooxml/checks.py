"""The little that all readers of a package share.

Rules kept here:

- Nothing of the file goes into a violation: ``where`` names a place in the words of the grammar, or counts.
- What a package inside the package costs is counted in with the outer one.

>>> demand(False, "element", "xl/workbook.xml")
Traceback (most recent call last):
sanitizer.verify.Violation: ('element', 'xl/workbook.xml')
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sanitizer.limits import Limits
from sanitizer.verify import Violation

REFERENCES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#9;": "\t", "&#10;": "\n", "&#13;": "\r"}
_REFERENCE = re.compile("|".join(REFERENCES))
MAX_MEMBERS = 20_000


def demand(condition: object, code: str, where: str = "") -> None:
    """Raises ``Violation`` unless ``condition`` holds."""
    if not condition:
        raise Violation(code, where)


def decoded(written: str) -> str:
    """Text or a value, of which is known that it holds no other references than the grammar's."""
    return _REFERENCE.sub(lambda found: REFERENCES[found[0]], written) if "&" in written else written


@dataclass(slots=True)
class Budget:
    """What is left of the limits for this package and the packages inside it."""

    limits: Limits
    members: int
    inflated: int
    elements: int

    @classmethod
    def of(cls, limits: Limits) -> Budget:
        """All of it."""
        return cls(limits, MAX_MEMBERS, limits.max_inflated, 4 * limits.max_objects)

    def member(self, size: int) -> None:
        """One member more of ``size`` bytes."""
        self.members -= 1
        self.inflated -= size
        demand(self.members >= 0, "too-many-members")
        demand(self.inflated >= 0, "too-much-inflated")

    def take_elements(self, count: int) -> None:
        """``count`` elements more."""
        self.elements -= count
        demand(self.elements >= 0, "too-many-elements")
