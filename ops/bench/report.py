"""``docs/performance.md`` and its plot, from what the measures printed.

Rules: every figure names its commit and command; what was not measured is not in the table; the same files give the
same page and picture, byte for byte. A figure stands beside its aim and beside the reference of its own run; a later
file replaces what an earlier one says of the same part of a measure.

Example: ``sekisho bench report town.json answers.json --docs docs``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ops.bench.plot import Bar, Line, drawing

PAGE, PICTURE = "performance.md", "images/performance.svg"


class Row(NamedTuple):
    """One line of the table. ``place``: where the figure stands in the measure's JSON, ``/`` between the names;
    ``aim``: None where it is only told; ``more``: a larger figure is better; ``reference``: a place, with what it is.
    Sizes in a label are those that were measured.
    """

    measure: str
    label: str
    place: str
    unit: str
    aim: float | None = None
    more: bool = False
    reference: tuple[str, str] | None = None


ROWS = (
    Row(
        "town", "{connections:,} connections, {posts_per_second:g} messages/s: acknowledgement, p99",
        "steady/ack_ms/p99", "ms", 300,
    ),
    Row("town", "… p50", "steady/ack_ms/p50", "ms", 50),
    Row("town", "… heard by a member of the room, p99", "steady/heard_ms/p99", "ms"),
    Row("town", "… refusals, resets, events missed or heard twice", "steady/errors", "", 0),
    Row("town", "… the server's CPU", "steady/server_cpu_share", "cores"),
    Row("town", "… one connection's memory, in all", "kib_per_connection_in_all", "KiB"),
    Row("town", "{slow:,} readers at 1 byte/s: memory more", "slow_readers/memory_mib", "MiB", 200),
    Row("town", "… the others' p99 to that without them", "slow_readers/p99_to_without", "×", 1.2),
    Row("town", "… cut and back", "slow_readers/cut", "times"),
    Row("town", "Restart with everyone connected: all back after", "restart/all_back_seconds", "s", 60),
    Row("town", "… p99 of an acknowledgement below 1 s again after", "restart/calm_after_seconds", "s", 120),
    Row("town", "`kill -9`, cold caches: all back after", "cold/all_back_seconds", "s", 60),
    Row("town", "… p99 of an acknowledgement below 1 s again after", "cold/calm_after_seconds", "s", 120),
    Row("town", "Through all of it: messages lost", "whole/lost", "", 0),
    Row("town", "… there twice", "whole/twice", "", 0),
    Row("town", "… missed by somebody, or heard twice", "whole/missed", "", 0),
    Row(
        "idle", "Memory of a connection that waits (1,000 → 5,000)", "kib_per_connection", "KiB", 12,
        reference=("bare_kib_per_connection", "bare server"),
    ),
    Row(
        "answers", "A room of {messages:,} messages: first screen (100)", "room/open/cpu_ms", "ms CPU", 20,
        reference=("room/open_small/cpu_ms", "a room of 100"),
    ),
    Row(
        "answers", "… all unread (500)", "room/open_all_unread/cpu_ms", "ms CPU", 20,
        reference=("least_request/cpu_ms", "the least request"),
    ),
    Row(
        "answers", "Back after a night: {rooms:,} rooms, {missed:,} messages in each", "night/return/cpu_ms", "ms CPU",
        50, reference=("night/return_missing_nothing/cpu_ms", "nothing missed"),
    ),
    Row("answers", "A herd that comes back, each", "herd/cpu_ms_each", "ms CPU"),
    Row(
        "answers", "Login by password, each", "login/cpu_ms_each", "ms CPU",
        reference=("login/argon2_cpu_ms", "argon2 alone"),
    ),
    Row("answers", "… and of {tries} wrong ones in a row, checked", "login/wrong_tries_checked", "tries"),
    Row(
        "answers", "Search in {messages:,} messages: a common word", "room/search/common/cpu_ms", "ms CPU",
        reference=("room/search/common/like_cpu_ms", "LIKE"),
    ),
    Row(
        "answers", "… a rare word", "room/search/rare/cpu_ms", "ms CPU",
        reference=("room/search/rare/like_cpu_ms", "LIKE"),
    ),
    Row(
        "answers", "… two words", "room/search/two_words/cpu_ms", "ms CPU",
        reference=("room/search/two_words/like_cpu_ms", "LIKE"),
    ),
    Row(
        "answers", "Upload", "upload/mib_per_second", "MiB/s", more=True,
        reference=("upload/bare_mib_per_second", "hash, write, fsync"),
    ),
    Row(
        "product", "One message at a time in each of 10 rooms of 100: deliveries",
        "paced_100/deliveries_per_cpu_second", "/CPU s", more=True,
        reference=("bare_paced_100/deliveries_per_cpu_second", "bare server"),
    ),
    Row("product", "… to the bare server's", "paced_100_to_bare", "×", 0.45, True),
    Row(
        "product", "One message at a time in a room of 1,000: deliveries", "paced_1000/deliveries_per_cpu_second",
        "/CPU s", more=True, reference=("bare_paced_1000/deliveries_per_cpu_second", "bare server"),
    ),
    Row("product", "… to the bare server's", "paced_1000_to_bare", "×", 0.45, True),
    Row(
        "product", "One message at a time in one room of 100: deliveries", "alone_100/deliveries_per_cpu_second",
        "/CPU s", more=True, reference=("bare_alone_100/deliveries_per_cpu_second", "bare server"),
    ),
    Row("product", "… to the bare server's", "alone_100_to_bare", "×", 0.45, True),
    Row(
        "product", "What a delivery to one of 1,000 costs, to that to one of 100", "growth_100_to_1000", "×",
        reference=("bare_growth_100_to_1000", "bare server"),
    ),
    Row("product", "256 senders in pairs: durable messages", "pairs/messages_per_second", "/s", 5_000, True),
    Row("product", "… for a second of CPU", "pairs/messages_per_cpu_second", "/CPU s", 8_000, True),
    Row("product", "20 messages/s into 100 members: heard, p99", "steady/p99_ms", "ms"),
    Row(
        "peers", "Many messages under way in a room of 100: deliveries",
        "saturated_100/sekisho/deliveries_per_cpu_second", "/CPU s", more=True,
    ),
    Row(
        "peers", "… to ejabberd's", "saturated_100/to_ejabberd", "×", 9, True,
        ("saturated_100/ejabberd/deliveries_per_cpu_second", "ejabberd"),
    ),
    Row(
        "peers", "… to Prosody's", "saturated_100/to_prosody", "×", 8, True,
        ("saturated_100/prosody/deliveries_per_cpu_second", "Prosody"),
    ),
    Row(
        "peers", "Many messages under way in a room of 1,000: deliveries",
        "saturated_1000/sekisho/deliveries_per_cpu_second", "/CPU s", more=True,
    ),
    Row(
        "peers", "… to ejabberd's", "saturated_1000/to_ejabberd", "×", 6.5, True,
        ("saturated_1000/ejabberd/deliveries_per_cpu_second", "ejabberd"),
    ),
    Row(
        "peers", "256 senders in pairs: durable messages for a second of CPU", "pairs/sekisho/messages_per_cpu_second",
        "/CPU s", more=True,
    ),
    Row(
        "peers", "… to ejabberd's", "pairs/to_ejabberd", "×", 2.5, True,
        ("pairs/ejabberd/messages_per_cpu_second", "ejabberd"),
    ),
    Row("peers", "20 messages/s into 100 members: heard, p99", "steady/sekisho/p99_ms", "ms"),
    Row("peers", "… to ejabberd's", "steady/to_ejabberd", "×", 0.5, reference=("steady/ejabberd/p99_ms", "ejabberd")),
)  # fmt: skip


class Measured(NamedTuple):
    """What runs of one measure printed, and under which circumstances each part of it came."""

    figures: dict[str, Any]
    made: dict[str, dict[str, Any]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="計測の出力 / what measures printed")
    parser.add_argument(
        "--docs", type=Path, default=Path("docs"), metavar="DIR", help="書き出す文書の場所 / the documents' folder"
    )


def write(files: Sequence[Path], docs: Path) -> None:
    """The page and its picture."""
    measured = read(files)
    (docs / PICTURE).parent.mkdir(parents=True, exist_ok=True)
    (docs / PICTURE).write_text(picture(measured), encoding="utf-8")
    (docs / PAGE).write_text(page(measured), encoding="utf-8")


def read(files: Sequence[Path]) -> dict[str, Measured]:
    """By the measure's name."""
    found: dict[str, Measured] = {}
    for path in files:
        printed = json.loads(path.read_text(encoding="utf-8"))
        made = printed.pop("made", {})
        for name, figures in printed.items():
            one = found.setdefault(name, Measured({}, {}))
            one.figures.update(figures)
            one.made.update(dict.fromkeys(figures, made))
    return found


def value_at(figures: dict[str, Any], place: str) -> float | None:
    """The figure at a place, or None where it was not measured."""
    found: Any = figures
    for name in place.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return float(found) if isinstance(found, int | float) else None


# The page ------------------------------------------------------------------------------------------------------------

_HEAD = """# Performance: what one small server carries

Written by `sekisho bench report` from what the measures printed; each can be had again with the command below.
Milliseconds depend on the machine and are told; what is judged are counts, memory, and ratios within one run.
*Reference*: in the same run, the least that a server can do, or the bare work. CPU is the server's own, with all its
processes. ejabberd and Prosody keep their archives in PostgreSQL, whose CPU is not counted.

![How much of each aim is used, and the delay of acknowledgements over time](images/performance.svg)

| what | measured | aim | reference | commit |
|---|---|---|---|---|
"""
_TAIL = """
The load is made by processes of their own on the same machine, which leaves the server what they do not take. How each
figure comes about is said in `ops/bench/town.py`, `ops/bench/idle.py`, `ops/bench/answers.py` and
`ops/bench/product.py` and `ops/bench/peers`. What files cost has [a page of its own](capacity.md).

One message at a time in one small room is the dearest: it pays alone for its statements, its fsync and the two changes
of thread between them, which together cost more than telling a hundred members, and each step finds the processor's
caches cold. Where messages share a commit, or a room is large, none of this shows.

| command | commit | machine, day |
|---|---|---|
"""


def page(measured: dict[str, Measured]) -> str:
    lines = [line for row in ROWS if (line := _line(row, measured)) is not None]
    notes = dict.fromkeys(_made(made) for one in measured.values() for made in one.made.values())
    return _HEAD + "\n".join(lines) + "\n" + _TAIL + "\n".join(notes) + "\n"


def _line(row: Row, measured: dict[str, Measured]) -> str | None:
    one = measured.get(row.measure)
    value = value_at(one.figures, row.place) if one is not None else None
    if one is None or value is None:
        return None
    aim = "" if row.aim is None else f"{'≥' if row.more else '≤'} {_number(row.aim)}"
    reference = ""
    if row.reference is not None:
        place, what = row.reference
        beside = value_at(one.figures, place)
        reference = f"{_number(beside)} ({what})" if beside is not None else ""
    commit = one.made[row.place.partition("/")[0]].get("commit", "")
    return f"| {label_of(row, one)} | {f'{_number(value)} {row.unit}'.strip()} | {aim} | {reference} | {commit} |"


def label_of(row: Row, one: Measured) -> str:
    """The row's words with the sizes that were measured."""
    sizes = {name: size for name, size in one.figures.items() if isinstance(size, int | float)}
    return row.label.format_map({**sizes, **one.figures.get("sizes", {})})


def _made(made: dict[str, Any]) -> str:
    machine = f"{made.get('cores', '?')} cores, Linux {made.get('kernel', '?')}, Python {made.get('python', '?')}"
    return f"| `{made.get('command', '')}` | {made.get('commit', '')} | {machine}, {made.get('day', '')} |"


def _number(value: float) -> str:
    """As many digits as say something."""
    if value == int(value) or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


# The picture ---------------------------------------------------------------------------------------------------------


def picture(measured: dict[str, Measured]) -> str:
    """How much of each aim is used; and the acknowledgements' p99 of each window of the steady talk."""
    bars = []
    for row in ROWS:
        one = measured.get(row.measure)
        value = value_at(one.figures, row.place) if one is not None else None
        if one is not None and row.aim and value is not None and value > 0:
            label = label_of(row, one)
            label = f"{label_of(_before(row), one).partition(':')[0]} {label}" if label.startswith("…") else label
            bars.append(Bar(label, row.aim / value if row.more else value / row.aim, f"{_number(value)} {row.unit}"))
    town = measured.get("town")
    delays: list[float] = town.figures.get("steady", {}).get("window_p99_ms", []) if town is not None else []
    line = Line("p99 of acknowledgements in each 5 s of the steady talk, ms", delays, 5.0, 300.0) if delays else None
    return drawing(bars, line)


def _before(row: Row) -> Row:
    """What ``…`` goes on from."""
    return [one for one in ROWS[: ROWS.index(row)] if not one.label.startswith("…")][-1]
