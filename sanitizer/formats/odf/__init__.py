"""OpenDocument: texts, spreadsheets, presentations, drawings and formulas, made anew (docs/grammar-odf.md).

Rules kept here:

- A file is written from what the table ``sanitizer/grammars/odf.txt`` allows; nothing else is copied.
- A file keeps its type, templates too; the content must be what the type says.
- Nothing is drawn here: there is no thumbnail, and ``flatten`` has no pages to turn into pictures.

>>> rebuild(b"PK", Job(MIME["odt"], "rebuild", "a.odt", None, Limits()))
Traceback (most recent call last):
sanitizer.formats.base.Refused: ('unreadable', 'zip structure')
"""

from __future__ import annotations

from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.formats.odf.build import Document
from sanitizer.formats.odf.encryption import opened
from sanitizer.formats.odf.extraction import text
from sanitizer.formats.odf.facts import MAIN
from sanitizer.formats.odf.kinds import KINDS, Report
from sanitizer.formats.odf.table_cells import pictures, tables
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.limits import Limits

_O = "application/vnd.oasis.opendocument."
MIME = {
    "odt": f"{_O}text",
    "ott": f"{_O}text-template",
    "ods": f"{_O}spreadsheet",
    "ots": f"{_O}spreadsheet-template",
    "odp": f"{_O}presentation",
    "otp": f"{_O}presentation-template",
    "odg": f"{_O}graphics",
    "otg": f"{_O}graphics-template",
    "odf": f"{_O}formula",
}
__all__ = ["KINDS", "MIME", "pictures", "rebuild", "tables", "text", "thumbnail"]


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The file made anew. Raises ``Refused`` or ``NeedsPassword``."""
    if job.treatment == "flatten":
        raise Refused("unsupported-flatten")
    if job.mime not in MAIN:
        raise Refused("unsupported-opendocument")
    report = Report()
    budget = Budget(job.limits.max_inflated, 4 * job.limits.max_objects)
    archive = opened(Archive(data, budget), budget, job.password, report)
    made = Document(archive, job.limits, report, budget).build(job.mime)
    if len(made) > job.limits.max_output:
        raise Refused("output-too-large")
    removed, changed = report.changes()
    return Rebuilt(made, job.mime, removed, changed)


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """None: pages are laid out by office programs alone."""
    return None
