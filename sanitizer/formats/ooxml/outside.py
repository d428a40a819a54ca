"""What lay in the received package and is in none of the new parts: counted by the names of its members.

Rules kept here:

- Only names are read; no name goes into the report.
- Of a macro project each module is told by its number, in the order of the project's directory; what cannot be opened
  counts as one.

Source: [MS-OVBA] 2.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sanitizer.formats.base import Refused
from sanitizer.formats.ooxml.compound import CompoundFile
from sanitizer.formats.ooxml.kinds import PARTS

# streams of a project that hold no code, and those of its forms
_NO_MODULES = frozenset(("dir", "project", "projectwm", "projectlk", "_vba_project", "f", "o"))

if TYPE_CHECKING:
    from sanitizer.formats.ooxml.build import Package


def report_outside(package: Package) -> None:
    """Adds what is left behind to the report."""
    for name in package.archive.members:
        kind = next((kind for pattern, kind in PARTS if pattern.search(name)), None)
        if name.endswith("vbaproject.bin"):
            _report_modules(package, name)
        elif kind and not name.endswith(".rels"):
            package.report.add(kind)
    package.report.add("unreadable-part", package.archive.unreadable)


def _report_modules(package: Package, name: str) -> None:
    for number in range(1, max(_modules(package.archive.read(name) or b""), 1) + 1):
        package.report.place = f"module {number}"
        package.report.add("macro")
    package.report.place = ""


def _modules(project: bytes) -> int:
    try:
        streams = [stream.lower() for stream in CompoundFile(project).names()]
    except Refused:
        return 0
    return sum(one not in _NO_MODULES and not one.startswith("__srp_") and one[0] > "\x1f" for one in streams if one)
