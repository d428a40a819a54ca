"""A page to draw on: lines, boxes and Japanese text in millimetres from the top left corner, as PDF operators."""

from __future__ import annotations

from dataclasses import dataclass, field

from ops.demo_data.fonts import Letters

MM = 72 / 25.4
A4 = (210.0, 297.0)
Colour = tuple[float, float, float]
BLACK: Colour = (0.1, 0.1, 0.1)
GREY: Colour = (0.45, 0.45, 0.45)


def at(x: float, y: float) -> str:
    """A point in PDF's units, from millimetres right of and below the page's top left corner."""
    return f"{x * MM:.2f} {(A4[1] - y) * MM:.2f}"


def area(x: float, y: float, width: float, height: float) -> list[float]:
    """A PDF rectangle (left, bottom, right, top) from a corner and a size in millimetres."""
    left, top = x * MM, (A4[1] - y) * MM
    return [round(value, 2) for value in (left, top - height * MM, left + width * MM, top)]


@dataclass(slots=True)
class Page:
    """Collects drawing operators; ``content()`` is the stream. The font is called ``/Ja`` in the page's resources."""

    letters: Letters
    _operators: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, size: float, words: str, colour: Colour = BLACK) -> None:
        """Write ``words`` with their base line at ``y``; ``size`` in points."""
        code = self.letters.encode(words).hex()
        self._operators.append(f"BT {_colour(colour)} rg /Ja {size} Tf {at(x, y)} Td <{code}> Tj ET")

    def centred(self, y: float, size: float, words: str) -> None:
        width = self.letters.width(words) * size / MM
        self.text((A4[0] - width) / 2, y, size, words)

    def line(self, x1: float, y1: float, x2: float, y2: float, width: float = 0.6) -> None:
        self._operators.append(f"{_colour(BLACK)} RG {width} w {at(x1, y1)} m {at(x2, y2)} l S")

    def box(self, x: float, y: float, width: float, height: float, fill: Colour | None = None) -> None:
        """A box with its top left corner at (x, y): outlined, or filled without an outline."""
        left, bottom, right, top = area(x, y, width, height)
        rectangle = f"{left} {bottom} {right - left:.2f} {top - bottom:.2f} re"
        painted = f"{_colour(fill)} rg {rectangle} f" if fill else f"{_colour(BLACK)} RG 0.6 w {rectangle} S"
        self._operators.append(painted)

    def content(self) -> bytes:
        return "\n".join(self._operators).encode("ascii")


def _colour(colour: Colour) -> str:
    return " ".join(f"{part:g}" for part in colour)
