"""Zones, crossings and treatments: what must be done to content made in one zone before it is read in another.

Rules: the zone of a request comes from its listener alone; a crossing that the table does not name is ``forbid``;
the same table rules files and text (``forbid`` withholds a message, every other treatment lets text through).
The presets are the models α, α′, β, β′ of the Ministry's guideline as DESIGN §4 reads them.

>>> ALPHA.treatment("internet", "lgwan").action
'rebuild'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

Zone = Literal["internet", "lgwan", "mynumber"]
Action = Literal["pass", "rebuild", "flatten", "forbid"]

ZONES: tuple[Zone, ...] = ("internet", "lgwan", "mynumber")
"""From the least to the most trusted."""

ZONE_NAMES: dict[str, tuple[str, str]] = {
    "internet": ("インターネット区画", "Internet zone"),
    "lgwan": ("LGWAN区画", "LGWAN zone"),
    "mynumber": ("個人番号区画", "My Number zone"),
}


class Treatment(NamedTuple):
    """What a crossing asks for. ``approval`` (上長承認) is reserved: no preset sets it."""

    action: Action
    my_number_check: bool = False
    approval: bool = False


FORBID = Treatment("forbid")
_PASS = Treatment("pass")
_REBUILD = Treatment("rebuild")
_CHECKED = Treatment("rebuild", my_number_check=True)


class CrossingTable(NamedTuple):
    """A versioned table (made in, read in) → treatment. ``version`` stands in every receipt and audit leaf."""

    version: str
    cells: Mapping[tuple[str, str], Treatment]

    def treatment(self, made_in: str, read_in: str) -> Treatment:
        return self.cells.get((made_in, read_in), FORBID)

    def text_may_be_read(self, made_in: str, read_in: str) -> bool:
        return self.treatment(made_in, read_in).action != "forbid"

    def original_may_be_pictured(self, made_in: str, read_in: str) -> bool:
        """Whether a picture of the received file, as it looks, may be shown there beside the rebuilt one: where it was
        rebuilt, and not on the way to a less trusted zone, where the text of the rebuilt file alone was looked through.
        """
        treatment = self.treatment(made_in, read_in)
        outward = made_in not in ZONES or read_in not in ZONES or ZONES.index(read_in) < ZONES.index(made_in)
        return treatment.action in ("rebuild", "flatten") and not treatment.my_number_check and not outward

    def read_in(self, zone: str) -> list[Zone]:
        """The zones whose text may be read in this one."""
        return [made_in for made_in in ZONES if self.text_may_be_read(made_in, zone)]

    def needs_my_number_check(self, made_in: str, read_in: Iterable[str]) -> bool:
        """Whether content made in one zone would be read in a zone whose crossing asks for the check."""
        return any(self.treatment(made_in, zone).my_number_check for zone in read_in)


def _preset(name: str, *, own_internet: Treatment) -> CrossingTable:
    return CrossingTable(
        f"{name}-1",
        {
            ("internet", "internet"): own_internet,
            ("internet", "lgwan"): _REBUILD,
            ("lgwan", "lgwan"): _PASS,
            ("lgwan", "internet"): _CHECKED,
            ("mynumber", "mynumber"): _PASS,
        },
    )


ALPHA = _preset("alpha", own_internet=_REBUILD)
ALPHA_DASH = _preset("alpha-dash", own_internet=_REBUILD)
BETA = _preset("beta", own_internet=_REBUILD)
BETA_DASH = _preset("beta-dash", own_internet=_PASS)

PRESETS: dict[str, CrossingTable] = {"alpha": ALPHA, "alpha-dash": ALPHA_DASH, "beta": BETA, "beta-dash": BETA_DASH}
