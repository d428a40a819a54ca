"""The table of what may leave in an OpenDocument file is whole, and has nothing that acts, calls out or hides."""

from __future__ import annotations

import re

from sanitizer.formats.odf.facts import ELEMENTS, ENUMS, FUNCTION_NEVER, FUNCTIONS, MAIN, OBJECTS, ROOTS, SETTINGS
from sanitizer.formats.odf.values import check

NAMES = {one.name: one for one in ELEMENTS.values()}
ACTS = re.compile(
    r"(?i)script(?!s$)|event-listener|macro|dde-|object-ole|plugin|applet|floating|execute|command|audio|sound"
    r"|database-(?!range)|table-source|section-source|connection|tracked|change|(?<!-)deletion|binary-data"
    r"|font-face-(?:src|uri)|creator|sender-|author|xforms|cell-range-source|:file$|:hidden-text"
)
HARMLESS = {"math:mmultiscripts", "math:mprescripts"}
KEPT = {"text:p", "table:table-cell", "draw:frame", "chart:chart", "math:mi", "anim:par", "form:checkbox"}
AWAY = {"datasource", "connection-name", "filter-name", "target-frame", "protection-key", "list-source"}
LEADS = {"link", "picture", "object", "enum:chart-data"}


def test_nothing_that_acts_is_there() -> None:
    assert {name for name in NAMES if ACTS.search(name)} - HARMLESS == set()
    assert NAMES.keys() >= KEPT
    for one in NAMES.values():
        assert not any(re.search(r"script:|xforms|macro|event", name) for name, _ in one.attributes.values()), one.name


def test_every_address_is_decided() -> None:
    for one in NAMES.values():
        for name, kind in one.attributes.values():
            local = name.rpartition(":")[2]
            if local in ("href", "src", "url"):
                assert kind in LEADS, (one.name, name)
            assert local not in ("datasource", "connection-name", "filter-name", "target-frame", "protection-key"), (
                one.name
            )
    assert NAMES["text:a"].required == {"xlink:href"}


def test_the_table_is_whole() -> None:
    mains = {*MAIN.values(), *OBJECTS.values()}
    assert mains - {"math:math"} == {child.name for child in NAMES["office:body"].children.values()}
    assert {*ROOTS.values(), "math:math"} <= NAMES.keys()
    reached, waiting = {*ROOTS.values(), "math:math"}, [*ROOTS.values(), "math:math"]
    while waiting:
        for child in NAMES[waiting.pop()].children.values():
            if child.name not in reached:
                reached.add(child.name)
                waiting.append(child.name)
    assert reached == NAMES.keys()
    for one in NAMES.values():
        assert one.required <= {name for name, _ in one.attributes.values()}
        for _, kind in one.attributes.values():
            assert kind[0] == "=" or kind in ("picture", "object") or check(kind)("") in (True, False)


def test_words_are_told_apart() -> None:
    assert not FUNCTIONS & FUNCTION_NEVER
    assert {"WEBSERVICE", "DDE"} <= FUNCTION_NEVER
    assert all(ENUMS.values())
    assert not {name for name in SETTINGS if re.search(r"Printer(?:Name|Setup)|Password|Key|URL$|Database|Link", name)}
