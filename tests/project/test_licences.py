"""What the product needs at run time may be used in it: no GPL or AGPL among the core dependencies."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement


def needed(name: str, seen: dict[str, Distribution]) -> dict[str, Distribution]:
    """``name``'s installed run-time dependencies, and theirs; extras that nobody asks for are left out."""
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        if requirement.name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            seen[requirement.name] = distribution(requirement.name)
        except PackageNotFoundError:  # for another platform
            continue
        needed(requirement.name, seen)
    return seen


def licence(found: Distribution) -> str:
    """All that a distribution says of its licence, in one string."""
    data = found.metadata
    classifiers = [line for line in data.get_all("Classifier", []) if line.startswith("License")]
    said = [data[field] for field in ("License-Expression", "License") if field in data]
    return " | ".join(line[:200] for line in [*said, *classifiers])


def is_forbidden(said: str) -> bool:
    """True for GPL and AGPL; the LGPL, for libraries used as they are, may stay."""
    lesser = re.sub(r"lesser general public|library general public|\bLGPL\S*", "", said, flags=re.I)
    return bool(re.search(r"\bA?GPL|General Public|Affero", lesser, re.I))


def test_no_core_dependency_is_under_the_gpl() -> None:
    found = {name: licence(each) for name, each in needed("sekisho", {}).items()}
    assert len(found) > 20
    assert {name: said for name, said in found.items() if is_forbidden(said)} == {}
    assert [name for name, said in found.items() if not said.strip(" |")] == []


def test_the_check_knows_the_gpl_from_the_lgpl() -> None:
    assert is_forbidden("GPL-3.0-or-later") and is_forbidden("GNU Affero General Public License v3")
    assert is_forbidden("License :: OSI Approved :: GNU General Public License v2 (GPLv2)")
    assert not is_forbidden("LGPL-2.1-only") and not is_forbidden("GNU Lesser General Public License v3 (LGPLv3)")
    assert not is_forbidden("MIT") and not is_forbidden("MPL-2.0")


def test_ours_is_the_apache_licence(root: Path) -> None:
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "END OF TERMS AND CONDITIONS" in text
