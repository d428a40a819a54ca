"""A picture of figures as SVG: bars against their aims, and a line over time. Nothing but text is made, the same from
the same figures.

>>> "<svg" in drawing([Bar("one", 0.5, "5 ms")], None)
True
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, LABELS, ROW, TOP = 960, 470, 24, 56
FULL = 340  # pixels: all of an aim
CURVE = 190
INK, RULE, GOOD, BAD = "#1f2933", "#c0392b", "#2e7d6b", "#c0392b"


class Bar(NamedTuple):
    """``share``: how much of the aim is used; more than 1 misses it."""

    label: str
    share: float
    text: str


class Line(NamedTuple):
    """Values one after another, ``step`` seconds apart, and the aim they should stay below."""

    title: str
    values: Sequence[float]
    step: float
    aim: float


def drawing(bars: Sequence[Bar], line: Line | None) -> str:
    """The whole picture."""
    height = TOP + ROW * len(bars) + 30 + (CURVE + 70 if line is not None else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(16, 24, "How much of each aim is used (shorter is better)", size=15),
        *_bars(bars),
        *(_curve(line, TOP + ROW * len(bars) + 60) if line is not None else ()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bars(bars: Sequence[Bar]) -> list[str]:
    parts = []
    for number, bar in enumerate(bars):
        y = TOP + ROW * number
        width = FULL * min(1.1, bar.share)
        colour = GOOD if bar.share <= 1 else BAD
        parts += [
            _text(LABELS - 10, y + 13, bar.label, anchor="end"),
            f'<rect x="{LABELS}" y="{y + 2}" width="{max(1.0, width):.1f}" height="{ROW - 8}" fill="{colour}"/>',
            _text(LABELS + width + 6, y + 13, f"{bar.text} ({100 * bar.share:.0f} %)"),
        ]
    end = TOP + ROW * len(bars)
    return [*parts, _rule(LABELS + FULL, TOP - 6, LABELS + FULL, end), _text(LABELS + FULL - 14, TOP - 12, "aim")]


def _curve(line: Line, top: int) -> list[str]:
    """Logarithmic upwards, for most are small and the few large ones count."""
    left, right = 60, WIDTH - 30
    most = max(line.aim, *line.values) * 1.3
    least = min(1.0, *(value for value in line.values if value > 0)) if any(line.values) else 1.0

    def y(value: float) -> float:
        share = math.log(max(value, least) / least) / math.log(most / least)
        return top + CURVE * (1 - share)

    width = (right - left) / max(1, len(line.values) - 1)
    points = " ".join(f"{left + width * n:.1f},{y(value):.1f}" for n, value in enumerate(line.values))
    minutes = line.step * len(line.values) / 60
    ticks = [10.0**n for n in range(math.ceil(math.log10(least)), math.floor(math.log10(most)) + 1)]
    return [
        _text(16, top - 12, line.title, size=15),
        *(_text(left - 8, y(tick) + 4, f"{tick:g}", anchor="end") for tick in ticks),
        f'<line x1="{left}" y1="{top}" x2="{left}" y2="{top + CURVE}" stroke="{INK}"/>',
        f'<line x1="{left}" y1="{top + CURVE}" x2="{right}" y2="{top + CURVE}" stroke="{INK}"/>',
        f'<polyline fill="none" stroke="{GOOD}" stroke-width="1.5" points="{points}"/>',
        _rule(left, y(line.aim), right, y(line.aim)),
        _text(right, y(line.aim) - 5, f"aim {line.aim:g}", anchor="end"),
        _text(left, top + CURVE + 18, "0"),
        _text(right, top + CURVE + 18, f"{minutes:.1f} minutes", anchor="end"),
    ]


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{INK}"'
    return f"<text {place}>{escape(words)}</text>"


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{RULE}" stroke-dasharray="4 3"/>'
