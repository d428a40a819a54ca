"""Office Open XML: documents, workbooks and presentations, made anew part by part (docs/grammar-ooxml.md).

Rules kept here:

- A package is written from what the table ``sanitizer/grammars/ooxml.txt`` allows; nothing else is copied.
- Macro-enabled types leave as their macro-free ones, templates as templates; the main part decides which family it is.
- Nothing is drawn here: there is no thumbnail, and for ``flatten`` the converter lays the rebuilt package out.

>>> rebuild(b"PK", Job(MIME["docx"], "rebuild", "a.docx", None, Limits()))
Traceback (most recent call last):
sanitizer.formats.base.Refused: ('unreadable', 'zip structure')
"""

from __future__ import annotations

from sanitizer.formats.base import Change, Job, Rebuilt, Refused, ToConvert
from sanitizer.formats.compound_sectors import SIGNATURE
from sanitizer.formats.ooxml.build import BinaryWorkbook, Package
from sanitizer.formats.ooxml.encryption import decrypted
from sanitizer.formats.ooxml.extraction import text
from sanitizer.formats.ooxml.facts import MAIN
from sanitizer.formats.ooxml.kinds import KINDS, PARTS, Report
from sanitizer.formats.ooxml.picture_files import pictures
from sanitizer.formats.ooxml.table_cells import tables
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.formats.package.metafiles import Metafiles
from sanitizer.limits import Limits

_O = "application/vnd.openxmlformats-officedocument."
MIME = {
    "docx": f"{_O}wordprocessingml.document",
    "dotx": f"{_O}wordprocessingml.template",
    "xlsx": f"{_O}spreadsheetml.sheet",
    "xltx": f"{_O}spreadsheetml.template",
    "pptx": f"{_O}presentationml.presentation",
    "potx": f"{_O}presentationml.template",
    "ppsx": f"{_O}presentationml.slideshow",
}
MACRO_FREE = {
    "application/vnd.ms-word.document.macroenabled.12": MIME["docx"],
    "application/vnd.ms-word.template.macroenabled.12": MIME["dotx"],
    "application/vnd.ms-excel.sheet.macroenabled.12": MIME["xlsx"],
    "application/vnd.ms-excel.template.macroenabled.12": MIME["xltx"],
    "application/vnd.ms-excel.addin.macroenabled.12": MIME["xlsx"],
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": MIME["pptx"],
    "application/vnd.ms-powerpoint.template.macroenabled.12": MIME["potx"],
    "application/vnd.ms-powerpoint.slideshow.macroenabled.12": MIME["ppsx"],
    "application/vnd.ms-powerpoint.addin.macroenabled.12": MIME["pptx"],
}
_ENDINGS = {mime: ending for ending, mime in MIME.items()}
_PLAIN = {"document": MIME["docx"], "workbook": MIME["xlsx"], "presentation": MIME["pptx"]}
__all__ = ["KINDS", "MACRO_FREE", "MIME", "pictures", "rebuild", "tables", "text", "thumbnail"]


def rebuild(data: bytes, job: Job) -> Rebuilt | ToConvert:
    """The package made anew. Raises ``Refused`` or ``NeedsPassword``."""
    encrypted = data[:8] == SIGNATURE
    if encrypted:
        data = decrypted(data, job.password, opens_unasked="word" not in job.mime)
    report, metafiles = Report(), Metafiles()
    try:
        made, kind = _built(data, job, report, metafiles)
    except BinaryWorkbook:
        return _to_convert(data, job, encrypted)
    if metafiles.found and job.drawn is None:
        return ToConvert("pictures", metafiles.document())
    if metafiles.found and job.drawn:
        metafiles.take(job.drawn)
        report = Report()
        made, kind = _built(data, job, report, metafiles)
    if len(made) > job.limits.max_output:
        raise Refused("output-too-large")
    report.add("encryption", int(encrypted))
    removed, changed = report.changes()
    if job.treatment == "flatten":
        return ToConvert(f"{_ENDINGS[_type_of(kind, job.mime)]}-pdf", made, removed, changed)
    return Rebuilt(made, _type_of(kind, job.mime), removed, changed)


def _built(data: bytes, job: Job, report: Report, metafiles: Metafiles) -> tuple[bytes, str]:
    budget = Budget(job.limits.max_inflated, 4 * job.limits.max_objects)
    package = Package(data, job.limits, report, budget, metafiles=metafiles)
    return package.build(lambda kind: MAIN[_type_of(kind, job.mime)][1])


def _to_convert(data: bytes, job: Job, encrypted: bool) -> ToConvert:
    """A binary workbook for the converter; what goes with certainty is known by the names of its parts."""
    report = Report()
    report.add("encryption", int(encrypted))
    names = Archive(data, Budget(job.limits.max_inflated, 0)).members
    for name in names:
        report.add(next((kind for pattern, kind in PARTS if pattern.search(name)), ""))
    removed, changed = report.changes()
    return ToConvert(
        "xlsb-ods" if job.office == "odf" else "xlsb-xlsx", data, removed, [Change("converted", 1), *changed]
    )


def _type_of(kind: str, mime: str) -> str:
    """The type that a package leaves as: as it came, without macros; the plain one if the main part is of another."""
    free = MACRO_FREE.get(mime, mime)
    return free if free in MAIN and MAIN[free][0] == kind else _PLAIN[kind]


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """None: pages are laid out by Office programs alone."""
    return None
