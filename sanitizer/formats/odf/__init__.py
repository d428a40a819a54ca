"""OpenDocument: texts, spreadsheets, presentations, drawings and formulas, made anew (docs/grammar-odf.md).

Rules kept here:

- A file is written from what the table ``sanitizer/grammars/odf.txt`` allows; nothing else is copied.
- A file keeps its type, templates too; the content must be what the type says.
- Nothing is drawn here: there is no thumbnail, and for ``flatten`` the converter lays the rebuilt file out.

>>> rebuild(b"PK", Job(MIME["odt"], "rebuild", "a.odt", None, Limits()))
Traceback (most recent call last):
sanitizer.formats.base.Refused: ('unreadable', 'zip structure')
"""

from __future__ import annotations

from sanitizer.formats.base import Job, Rebuilt, Refused, ToConvert
from sanitizer.formats.odf.build import Document
from sanitizer.formats.odf.encryption import opened
from sanitizer.formats.odf.extraction import text
from sanitizer.formats.odf.facts import MAIN
from sanitizer.formats.odf.kinds import KINDS, Report
from sanitizer.formats.odf.table_cells import pictures, tables
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.formats.package.metafiles import Metafiles
from sanitizer.limits import Limits
from sanitizer.recipes import RECIPES

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


def rebuild(data: bytes, job: Job) -> Rebuilt | ToConvert:
    """The file made anew. Raises ``Refused`` or ``NeedsPassword``."""
    ending = next((ending for ending, mime in MIME.items() if mime == job.mime), "")
    if job.treatment == "flatten" and f"{ending}-pdf" not in RECIPES:
        raise Refused("unsupported-flatten")
    if job.mime not in MAIN:
        raise Refused("unsupported-opendocument")
    metafiles = Metafiles()
    made, report = _built(data, job, metafiles)
    if metafiles.found and job.drawn is None:
        return ToConvert("pictures", metafiles.document())
    if metafiles.found and job.drawn:
        metafiles.take(job.drawn)
        made, report = _built(data, job, metafiles)
    if len(made) > job.limits.max_output:
        raise Refused("output-too-large")
    removed, changed = report.changes()
    if job.treatment == "flatten":
        return ToConvert(f"{ending}-pdf", made, removed, changed)
    return Rebuilt(made, job.mime, removed, changed)


def _built(data: bytes, job: Job, metafiles: Metafiles) -> tuple[bytes, Report]:
    report = Report()
    budget = Budget(job.limits.max_inflated, 4 * job.limits.max_objects)
    archive = opened(Archive(data, budget), budget, job.password, report)
    return Document(archive, job.limits, report, budget, metafiles).build(job.mime), report


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """None: pages are laid out by office programs alone."""
    return None
