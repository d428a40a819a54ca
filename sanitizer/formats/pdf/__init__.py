"""PDF: every object rebuilt through the grammar of what may leave (docs/grammar-pdf.md).

Rules kept here:

- ``rebuild`` writes a new file from what tables allow; nothing of the received file is copied that no rule names.
- ``flatten`` first rebuilds, then turns the pages of the rebuilt file into pictures with its text behind them.
- Anything unexpected is a refusal.

>>> rebuild(b"", Job("application/pdf", "rebuild", "", None, Limits()))
Traceback (most recent call last):
sanitizer.formats.base.Refused: ('unreadable', 'not a PDF that can be opened')
"""

from __future__ import annotations

from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.formats.pdf.build import Builder
from sanitizer.formats.pdf.drawing import draw
from sanitizer.formats.pdf.extraction import text
from sanitizer.formats.pdf.flattening import flatten
from sanitizer.formats.pdf.kinds import KINDS, Report
from sanitizer.formats.pdf.layers import Layers
from sanitizer.formats.pdf.outside import report_outside
from sanitizer.formats.pdf.pages import Document, FoundPage, find_pages
from sanitizer.formats.pdf.picture_files import pictures
from sanitizer.formats.pdf.rendering import thumbnail
from sanitizer.formats.pdf.source import Source, salvage
from sanitizer.formats.pdf.table_cells import tables
from sanitizer.formats.pdf.writer import write
from sanitizer.limits import Limits

MIME = "application/pdf"
__all__ = ["KINDS", "MIME", "draw", "pictures", "rebuild", "tables", "text", "thumbnail"]


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The PDF made anew. Raises ``Refused`` or ``NeedsPassword``."""
    report = Report()
    b, pages = _open(data, job.password, job.limits, report)
    report_outside(data, b)
    catalogue = Document(b, pages).write()
    out = write(b.bodies, b.streams, catalogue)
    if job.treatment == "flatten":
        out, pages_drawn = flatten(out, job.limits)
        report.changed("flattened", pages_drawn)
    if len(out) > job.limits.max_output:
        raise Refused("output-too-large")
    removed, changed = report.changes()
    return Rebuilt(out, MIME, removed, changed)


def _open(data: bytes, password: str | None, limits: Limits, report: Report) -> tuple[Builder, list[FoundPage]]:
    """An opened file with at least one page; tried once more over a salvaged page tree."""
    try:
        b = _builder(data, password, limits, report)
        pages = find_pages(b)
        if pages:
            return b, pages
        if b.source.encrypted:
            raise Refused("no-page")
        failure = Refused("no-page")
    except Refused as refused:
        if refused.code != "unreadable":
            raise
        failure = refused
    again = salvage(data)
    if again is None:
        legible = b"%PDF-" in data[:1024] and b"/Root" in data and b"/ObjStm" not in data
        raise Refused("no-page") if legible else failure
    b = _builder(again, password, limits, report)
    pages = find_pages(b)
    if not pages:
        raise Refused("no-page")
    report.changed("page-tree")
    return b, pages


def _builder(data: bytes, password: str | None, limits: Limits, report: Report) -> Builder:
    source = Source.open(data, password, limits)
    b = Builder(source, report)
    b.layers = Layers(source)
    return b
