"""The fuzzing campaign: ``make fuzz`` (``python -m fuzz.campaign``). Resumable, deterministic, one process.

Groups: ``trusting`` (what the trusting side reads, identification, verifiers), ``rebuild`` (formats in this process),
``jail`` (files through the supervisor), ``office`` (files that LibreOffice reads). Input *n* of a group belongs to its
target *n* modulo their number, and is the same on every machine for the same ``--seed``.

>>> parsed(["jail", "--count", "10"]).count
10
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random

from fuzz import seeds
from fuzz.batches import Outcome, tried
from fuzz.findings import Finding
from fuzz.jailed import Jailed, resident
from fuzz.jailed import targets as jailed_targets
from fuzz.tally import Tally
from fuzz.targets import Target, of_group

from sanitizer.formats import FORMATS
from sanitizer.verify import VERIFIERS

GROUPS = ("trusting", "rebuild", "jail", "office")
BATCH = 2000


def parsed(argv: list[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Fuzz the sanitizer; resumable.")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; all but office if none")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other inputs")
    parser.add_argument("--count", type=int, default=10_000, help="inputs to try, of each group")
    parser.add_argument("--from", dest="first", type=int, default=None, help="instead of where the last run ended")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after so long, of each group")
    parser.add_argument("--target", default="", help="only targets whose name holds this; nothing is recorded")
    parser.add_argument("--folder", type=Path, default=Path("campaigns/fuzz"), help="state and findings")
    asked = parser.parse_args(argv)
    unknown = set(asked.groups) - set(GROUPS)
    if unknown:
        parser.error(f"no group {', '.join(sorted(unknown))}")
    return asked


def run(
    group: str, folder: Path, count: int, *, seed: int = 1, first: int | None = None, seconds: float = float("inf")
) -> Tally:
    """``count`` inputs more of ``group``, on top of what ``folder`` says of the last run."""
    folder.mkdir(parents=True, exist_ok=True)
    tally = Tally.load(folder, group, seed)
    tally.next = tally.next if first is None else first
    commit, end, until = _commit(), time.monotonic() + seconds, tally.next + count
    outcomes = _in_jails(group, tally) if group in ("jail", "office") else _here(group, tally, until)
    for number, (target, outcome, given) in zip(range(tally.next, until), outcomes, strict=False):
        _record(tally, folder, target, outcome, given)
        tally.commits[commit] = tally.commits.get(commit, 0) + 1
        tally.next = number + 1
        if tally.next % 500 == 0:
            tally.save(folder)
            _say(tally)
        if time.monotonic() > end:
            break
    tally.cpu_seconds = round(tally.cpu_seconds + time.process_time(), 1)
    tally.save(folder)
    return tally


def _record(tally: Tally, folder: Path, target: str, outcome: Outcome, given: tuple[str, bytes] | None) -> None:
    if not outcome.kind:
        tally.count(target, outcome.label)
    elif tally.find(target, outcome.kind, outcome.signature, outcome.detail, outcome.number):
        name, data = given or ("", b"")
        tally.keep(folder, target, outcome.number, name, data)


def _here(group: str, tally: Tally, until: int) -> Iterator[tuple[str, Outcome, tuple[str, bytes] | None]]:
    """In children of this process, a batch at a time."""
    targets = of_group(group)
    seeds.received(), seeds.accepted()  # made once, before the forks
    for module in {*FORMATS.values(), *VERIFIERS.values()}:
        import_module(module)
    for start in itertools.count(tally.next, BATCH):
        last = min(start + BATCH, until)
        for outcome in tried(start, last, partial(_try_one, targets, tally.seed)):
            target = targets[outcome.number % len(targets)]
            yield target.name, outcome, target.input(tally.seed, outcome.number) if outcome.kind else None
        if last == until:
            return


def _try_one(targets: Sequence[Target], seed: int, number: int) -> str:
    return targets[number % len(targets)].try_one(seed, number)


def _in_jails(group: str, tally: Tally) -> Iterator[tuple[str, Outcome, tuple[str, bytes] | None]]:
    targets = jailed_targets(group)
    with Jailed(convert=group == "office") as jailed:
        for number in itertools.count(tally.next):
            name, make = targets[number % len(targets)]
            given, treatment = make(Random(f"{tally.seed}/{name}/{number}"))
            try:
                outcome = Outcome(number, jailed.take(given, treatment))
            except Finding as found:
                outcome = Outcome(number, "", found.kind, found.signature, f"{treatment} {found.detail}")
            yield name, outcome, given


def _commit() -> str:
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def _say(tally: Tally) -> None:
    if sys.stderr.isatty() or tally.next % 10_000 == 0:
        print(f"{tally.group}: {tally.inputs():,} inputs, {len(tally.findings)} kinds of findings", file=sys.stderr)


def report(tally: Tally) -> str:
    """For people: figures and findings."""
    lines = [f"{tally.group}, seed {tally.seed}: {tally.inputs():,} inputs, next {tally.next:,}; {tally.commits}"]
    lines += [f"  {count:>9,}  {label}" for label, count in tally.totals().items()]
    for found in sorted(tally.findings, key=lambda one: (one.kind, one.target)):
        lines.append(f"  {found.kind} ×{found.count} {found.target}: {found.signature} {found.detail} {found.numbers}")
    return "\n".join(lines)


def _try_targets(asked: argparse.Namespace, group: str) -> None:
    """Only some targets, to look at; nothing is recorded."""
    for target in (one for one in of_group(group) if asked.target in one.name):
        tally, first = Tally(group, asked.seed), asked.first or 0
        for outcome in tried(first, first + asked.count, partial(target.try_one, asked.seed)):
            given = target.input(asked.seed, outcome.number) if outcome.kind else None
            _record(tally, asked.folder, target.name, outcome, given)
        tally.commits[_commit()] = asked.count
        print(report(tally), flush=True)


def main(argv: list[str]) -> None:
    """Run what was asked for and print the figures."""
    asked = parsed(argv)
    for group in asked.groups or GROUPS[:3]:
        if asked.target:
            _try_targets(asked, group)
            continue
        tally = run(group, asked.folder, asked.count, seed=asked.seed, first=asked.first, seconds=asked.seconds)
        print(report(tally), flush=True)
        if group in ("jail", "office"):
            print(f"  memory of the trusting side: {resident() >> 20} MiB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
