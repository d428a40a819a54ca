"""What lay in the received package and is in none of the new parts: counted by the names of its members.

Rules kept here:

- Only names are read; no name goes into the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sanitizer.formats.ooxml.kinds import PARTS

if TYPE_CHECKING:
    from sanitizer.formats.ooxml.build import Package


def report_outside(package: Package) -> None:
    """Adds what is left behind to the report."""
    for name in package.archive.members:
        kind = next((kind for pattern, kind in PARTS if pattern.search(name)), None)
        if kind and not name.endswith(".rels"):
            package.report.add(kind)
    package.report.add("unreadable-part", package.archive.unreadable)
