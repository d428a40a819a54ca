"""What the rebuild of one picture took out and altered, collected while it runs.

>>> notes = Notes(); notes.incomplete(False); [change.kind for change in notes.changed]
['incomplete']
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sanitizer.formats.base import Change


@dataclass(slots=True)
class Notes:
    """The two lists of ``Rebuilt``, and how often the encoding has been varied (see ``image_carrier``)."""

    variation: int = 0
    removed: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)

    def incomplete(self, complete: bool) -> None:
        """Notes that the file was cut short, unless it was complete."""
        if not complete:
            self.changed.append(Change("incomplete", 1))
