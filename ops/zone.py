"""``sekisho zone show``: the zones of an installation and what is done to content that crosses between them."""

from __future__ import annotations

import argparse

from ops.place import WrongUse, add_place, place_of, wrong_use
from rooms.world import Terms
from rooms.zones import ZONE_NAMES, ZONES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    meaning = "きまりの表を見る / show the table"
    show = acts.add_parser("show", help=meaning, description=meaning)
    add_place(show)
    show.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
        _, terms = place_of(args)
    except WrongUse as error:
        return wrong_use(error)
    print(table(terms))
    return 0


def table(terms: Terms) -> str:
    """One line for each crossing between zones that the installation serves."""
    zones = [zone for zone in ZONES if zone in terms.zones]
    lines = [f"crossing table: {terms.table.version}"]
    for made_in in zones:
        for read_in in zones:
            treatment = terms.table.treatment(made_in, read_in)
            checks = [name for name, on in (("my-number-check", treatment.my_number_check),) if on]
            lines.append(f"{made_in:9} -> {read_in:9} {' + '.join([treatment.action, *checks])}")
    lines += [f"{zone:9} {ZONE_NAMES[zone][0]} / {ZONE_NAMES[zone][1]}" for zone in zones]
    return "\n".join(lines)
