"""Tables on the pages of a rebuilt PDF, found by the lines that are drawn around their cells.

Rules kept here:

- A table is a net of horizontal and vertical lines that meet, with at least two rows and two columns. What is set in
  columns without lines is no table here; its words are in the text.
- Cells between which no line stands are one; its words stand in the first place, the others are empty.
- Only lines drawn on the page itself are seen, not those inside forms; bounded in lines and cells.

>>> tables(b"not a PDF", Limits())
[]
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import pypdfium2
from pypdfium2 import raw

from sanitizer.formats.base import Table
from sanitizer.formats.pdf.rendering import opened
from sanitizer.limits import Limits

_NEAR = 2.0  # units of 1/72 inch within which lines are the same, or meet
_SHORTEST = 6.0
_MOST_LINES = 3_000  # of a page
_MOST_CELLS = 20_000  # of a table
_INSIDE = 1.0  # how far inside its lines the words of a cell are looked for


class Line(NamedTuple):
    """A horizontal line at ``at`` from ``start`` to ``end``, or a vertical one."""

    at: float
    start: float
    end: float


def tables(data: bytes, limits: Limits) -> list[Table]:
    """All tables, page by page, from the top of each page down."""
    found: list[Table] = []
    try:
        with opened(data) as document:
            for number in range(min(len(document), limits.max_pages)):
                found += _of_page(document[number])
                if len(found) >= limits.parts:
                    break
    except pypdfium2.PdfiumError:
        return found
    return found


def _of_page(page: pypdfium2.PdfPage) -> list[Table]:
    flat, upright = _lines(page)
    if len(flat) < 2 or len(upright) < 2:
        return []
    words = page.get_textpage()
    nets = sorted(_nets(_joined(flat), _joined(upright)), key=lambda net: -max(line.at for line in net[0]))
    made = [_table(words, *net) for net in nets]
    return [table for table in made if len(table) > 1 and len(table[0]) > 1]


def _lines(page: pypdfium2.PdfPage) -> tuple[list[Line], list[Line]]:
    """The horizontal and the vertical lines of a page: strokes, edges of rectangles, rectangles as thin as lines."""
    flat: list[Line] = []
    upright: list[Line] = []
    for path in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=1):
        for (x, y), (u, v) in _segments(path):
            if abs(y - v) < _NEAR <= abs(x - u):
                flat.append(Line((y + v) / 2, min(x, u), max(x, u)))
            elif abs(x - u) < _NEAR <= abs(y - v):
                upright.append(Line((x + u) / 2, min(y, v), max(y, v)))
        if len(flat) + len(upright) > _MOST_LINES:
            break
    return flat, upright


Point = tuple[float, float]


def _segments(path: pypdfium2.PdfObject) -> Iterator[tuple[Point, Point]]:
    """The straight pieces of a path, where the page has them."""
    matrix = path.get_matrix()
    start = last = (0.0, 0.0)
    x, y = ctypes.c_float(), ctypes.c_float()
    for number in range(min(raw.FPDFPath_CountSegments(path.raw), _MOST_LINES)):
        segment = raw.FPDFPath_GetPathSegment(path.raw, number)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = matrix.on_point(x.value, y.value)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == raw.FPDF_SEGMENT_LINETO:
            yield last, point
        if raw.FPDFPathSegment_GetClose(segment):
            yield point, start
        last = point


def _joined(lines: Sequence[Line]) -> list[Line]:
    """Lines that lie on each other, or follow each other, as one; short ones that stay short are none."""
    made: list[Line] = []
    for line in sorted(lines, key=lambda one: (round(one.at / _NEAR), one.start)):
        last = made[-1] if made else None
        if last and abs(last.at - line.at) < _NEAR and line.start <= last.end + _NEAR:
            made[-1] = Line(last.at, last.start, max(last.end, line.end))
        else:
            made.append(line)
    return [line for line in made if line.end - line.start >= _SHORTEST]


Net = tuple[list[Line], list[Line]]


def _nets(flat: Sequence[Line], upright: Sequence[Line]) -> list[Net]:
    """Lines that hang together by meeting, as far as they make cells."""
    group = list(range(len(flat) + len(upright)))

    def head(one: int) -> int:
        while group[one] != one:
            group[one] = group[group[one]]
            one = group[one]
        return one

    for i, row in enumerate(flat):
        for j, column in enumerate(upright, len(flat)):
            meets = row.start - _NEAR <= column.at <= row.end + _NEAR
            if meets and column.start - _NEAR <= row.at <= column.end + _NEAR:
                group[head(i)] = head(j)
    nets: dict[int, Net] = {}
    for number, line in enumerate((*flat, *upright)):
        nets.setdefault(head(number), ([], []))[number >= len(flat)].append(line)
    return [net for net in nets.values() if len(net[0]) > 1 and len(net[1]) > 1]


def _table(words: pypdfium2.PdfTextPage, flat: list[Line], upright: list[Line]) -> Table:
    """The cells between the lines of a net, from the top left."""
    ys, xs = _places(flat)[::-1], _places(upright)
    if (len(ys) - 1) * (len(xs) - 1) > _MOST_CELLS:
        return []
    rows: Table = []
    for top, bottom in pairwise(ys):
        cells: list[str] = []
        for left, right in pairwise(xs):
            opens_left = left == xs[0] or _stands(upright, left, (top + bottom) / 2)
            opens_above = top == ys[0] or _stands(flat, top, (left + right) / 2)
            if not (opens_left and opens_above):
                cells.append("")
                continue
            far = next((x for x in xs if x > left and _stands(upright, x, (top + bottom) / 2)), right)
            low = next((y for y in ys if y < top and _stands(flat, y, (left + right) / 2)), bottom)
            cells.append(_said(words, left, low, far, top))
        rows.append(cells)
    return rows if any(cell for row in rows for cell in row) else []


def _places(lines: Sequence[Line]) -> list[float]:
    """Where the lines are, each place once, ascending."""
    found: list[float] = []
    for line in sorted(lines):
        if not found or line.at - found[-1] > 2 * _NEAR:
            found.append(line.at)
    return found


def _stands(lines: Sequence[Line], at: float, across: float) -> bool:
    """Whether a line at ``at`` passes ``across``."""
    return any(abs(line.at - at) <= 2 * _NEAR and line.start <= across <= line.end for line in lines)


def _said(words: pypdfium2.PdfTextPage, left: float, bottom: float, right: float, top: float) -> str:
    inside = (left + _INSIDE, bottom + _INSIDE, right - _INSIDE, top - _INSIDE)
    said: str = words.get_text_bounded(*inside)
    return "\n".join(line.strip() for line in said.splitlines() if line.strip())
