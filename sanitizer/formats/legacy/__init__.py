"""What only LibreOffice reads: prepared here for the converter, which makes a package of it.

Rules kept here:

- The converter gets the received bytes, decrypted where the password is right, and a recipe that says what they are:
  its filter is named, never guessed. What comes back is rebuilt and verified like a received docx, xlsx or pptx.
- A compound file whose structure cannot be followed here goes to the converter as it is: it has a reading of its own.
- What the file held that can act is counted by a reading of our own (``documents``, ``workbooks``, ``presentations``,
  ``rich_text``); nothing is claimed that was not seen.
- Templates leave as templates, slide shows as slide shows; where the reader asks for OpenDocument, as odt, ods or odp.

Source: [MS-DOC], [MS-XLS], [MS-PPT], [MS-OFFCRYPTO], RTF 1.9.1, SYLK.

>>> rebuild(b"{\\\\rtf1 a}", Job(RTF, "rebuild", "a.rtf", None, Limits())).recipe
'rtf-docx'
"""

from __future__ import annotations

from sanitizer import kinds
from sanitizer.formats.base import Change, Job, Refused, ToConvert
from sanitizer.formats.legacy import documents, presentations, rich_text, workbooks
from sanitizer.formats.ooxml.kinds import Report
from sanitizer.limits import Limits
from sanitizer.recipes import RECIPES

RTF, SYLK = "application/rtf", "application/x-sylk"
WORDML, SPREADSHEETML = kinds.WORDML, kinds.SPREADSHEETML
_TARGETS = {"dot": "dotx", "xlt": "xltx", "pot": "potx", "pps": "ppsx"}
_OF_FAMILY = {"text": "docx", "sheet": "xlsx", "slides": "pptx"}
_ODF_OF_FAMILY = {"text": "odt", "sheet": "ods", "slides": "odp"}
_READERS = {
    "application/msword": (documents.read, "text"),
    "application/vnd.ms-excel": (workbooks.read, "sheet"),
    "application/vnd.ms-powerpoint": (presentations.read, "slides"),
    RTF: (rich_text.read, "text"),
    SYLK: (workbooks.read_sylk, "sheet"),
    WORDML: (rich_text.read_wordml, "text"),
    SPREADSHEETML: (workbooks.read_spreadsheetml, "sheet"),
}
_COMPOUND = {"application/msword": "doc", "application/vnd.ms-excel": "xls", "application/vnd.ms-powerpoint": "ppt"}


def rebuild(data: bytes, job: Job) -> ToConvert:
    """What the converter gets. Raises ``Refused`` or ``NeedsPassword``."""
    read, family = _READERS[job.mime]
    report = Report()
    try:
        reads, plain = read(data, job.password, report)
    except Refused:
        if job.mime not in _COMPOUND:
            raise
        reads, plain = _COMPOUND[job.mime], data
    target = _TARGETS.get(kinds.ending(job.name), "")
    if job.office == "odf":
        target = _ODF_OF_FAMILY[family]
    elif f"{reads}-{target}" not in RECIPES:
        target = _OF_FAMILY[family]
    removed, changed = report.changes()
    return ToConvert(f"{reads}-{target}", plain, removed, [Change("converted", 1), *changed])


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """None: what leaves is of another type."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """Nothing: the same."""
    return ""
