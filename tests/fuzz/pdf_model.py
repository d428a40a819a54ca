"""Canonical PDFs whose objects were mutated before they were written: layout and cross-references are right.

>>> mutated_model(Random(1)).startswith(b"%PDF-1.7")
True
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from fuzz.mutate import mutated
from fuzz.words import NUMBERS
from support.canonical_pdf import Obj, reachable, write
from support.pdf_samples import RICH

_VALUES = (
    *(
        "null",
        "true",
        "[]",
        "<<>>",
        "()",
        "(x)",
        "/X",
        "/Link",
        "[1 2]",
        "-0",
        "0.5",
        "<</S /URI /URI (javascript:x)>>",
    ),
    *(
        "[0 0 1 1]",
        "<</S /JavaScript /JS (x)>>",
        "(http://a)",
        "/DeviceRGB",
        "[/Indexed /DeviceRGB 1 (aaaaaa)]",
        "[@Page]",
    ),
)


def mutated_model(chance: Random) -> bytes:
    """One PDF; what the catalog does not lead to any more is gone, as a rebuild would leave it."""
    objects = dict(RICH)
    for _ in range(chance.choice((1, 1, 2, 4))):
        name = chance.choice(list(objects))
        objects[name] = _changed(objects[name], RICH, chance)
    kept = reachable(objects) if "Catalog" in objects else objects
    return write({**{name: kept[name] for name in objects if name in kept}})


def _changed(item: Obj, others: dict[str, Obj], chance: Random) -> Obj:
    if item.data is not None and chance.random() < 0.5:
        return replace(item, data=mutated(item.data, b"", chance))
    key = chance.choice(list(item.entries) or ["Type"])
    match chance.randrange(6):
        case 0:
            return item.but(**{key: None})
        case 1:
            donor = chance.choice(list(others.values()))
            return item.but(**donor.entries)
        case 2:
            return item.but(**{key: f"@{chance.choice(list(others))}"})
        case 3:
            return item.but(**{key: str(chance.choice(NUMBERS))})
        case 4:
            donor = chance.choice(list(others.values()))
            more = chance.choice(list(donor.entries.items()) or [("Type", "/X")])
            return item.but(**{more[0]: more[1]})
        case _:
            return item.but(**{key: chance.choice(_VALUES)})
