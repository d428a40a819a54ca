"""Pages of Office files for comparison: laid out by LibreOffice, as PDF, and only then drawn (trusting side).

Rules kept here:

- Both files are laid out by the same program, each in a bubble of its own (``sanitizer/converter.py``); the PDF that
  comes out is drawn in a jail and goes nowhere else.
- It costs seconds, so it is done for a file only when somebody asks.
- A page of the layout is no place of the report: where anything that a reader may not see went anywhere in the file
  (``HIDING``), there is no picture of the original at all.

>>> recipe_of("application/msword"), recipe_of("application/pdf")
('doc-pdf', None)
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sanitizer import intake
from sanitizer.converter import NoConverter, NotConverted
from sanitizer.errands import Source
from sanitizer.file_jails import Jails
from sanitizer.formats.base import Change
from sanitizer.recipes import RECIPES

_O, _D, _M = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.", "macroenabled.12"
_RECIPES = {
    f"{_O}wordprocessingml.document": "docx-pdf",
    f"{_O}wordprocessingml.template": "dotx-pdf",
    f"{_O}spreadsheetml.sheet": "xlsx-pdf",
    f"{_O}spreadsheetml.template": "xltx-pdf",
    f"{_O}presentationml.presentation": "pptx-pdf",
    f"{_O}presentationml.template": "potx-pdf",
    f"{_O}presentationml.slideshow": "ppsx-pdf",
    f"application/vnd.ms-word.document.{_M}": "docx-pdf",
    f"application/vnd.ms-word.template.{_M}": "dotx-pdf",
    f"application/vnd.ms-excel.sheet.{_M}": "xlsx-pdf",
    f"application/vnd.ms-excel.template.{_M}": "xltx-pdf",
    f"application/vnd.ms-powerpoint.presentation.{_M}": "pptx-pdf",
    f"application/vnd.ms-powerpoint.template.{_M}": "potx-pdf",
    f"application/vnd.ms-powerpoint.slideshow.{_M}": "ppsx-pdf",
    "application/msword": "doc-pdf",
    "application/rtf": "rtf-pdf",
    "application/vnd.ms-excel": "xls-pdf",
    "application/vnd.ms-powerpoint": "ppt-pdf",
    f"{_D}text": "odt-pdf",
    f"{_D}text-template": "ott-pdf",
    f"{_D}spreadsheet": "ods-pdf",
    f"{_D}spreadsheet-template": "ots-pdf",
    f"{_D}presentation": "odp-pdf",
    f"{_D}presentation-template": "otp-pdf",
    f"{_D}graphics": "odg-pdf",
}
HIDING = frozenset(
    (
        *("hidden-content", "hidden-layer", "hidden-field", "hidden-sheet", "very-hidden-sheet", "hidden-slide"),
        *("tracked-change", "comment", "threaded-comment", "older-revision", "embedded-document", "embedded-object"),
        *("data-connection", "mail-merge", "field-text", "unreadable-part", "control", "member-refused"),
    )
)


def recipe_of(mime: str) -> str | None:
    """How a file of this type is laid out; None for one that is not."""
    return _RECIPES.get(mime)


def hides_something(changes: Sequence[Change]) -> bool:
    """Whether anything went of which it is not known whether a reader of the original sees it."""
    return any(change.kind in HIDING for change in changes)


async def both_laid_out(jails: Jails, files: Sequence[Source], types: Sequence[str]) -> list[Source]:
    """The pages of both files, whose descriptors the caller closes; empty where one of them cannot be had."""
    done: list[Source] = []
    try:
        for file, mime in zip(files, types, strict=True):
            pages = await _laid_out(jails, file, mime)
            if pages is None:
                break
            done.append(pages)
        if len(done) == len(files):
            made, done = done, []
            return made
        return []
    finally:
        for pages in done:
            os.close(pages.descriptor)


async def _laid_out(jails: Jails, file: Source, mime: str) -> Source | None:
    """The pages as PDF in a sealed memory file, which the caller closes; None where that cannot be had."""
    name = recipe_of(mime)
    if name is None:
        return None
    output = intake.new_output(jails.limits.max_output)
    try:
        made = await jails.converter.convert(file.descriptor, file.size, output, RECIPES[name], jails.limits)
        if intake.seal_output(output, made.size):
            return Source(output, made.size)
    except (NoConverter, NotConverted):
        pass
    except BaseException:
        os.close(output)
        raise
    os.close(output)
    return None
