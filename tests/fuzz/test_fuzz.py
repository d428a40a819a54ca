"""A sample of the fuzzing campaign: every target, few inputs, a fixed seed. The whole one is ``make fuzz``."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from random import Random

import pytest
from fuzz import seeds, zips
from fuzz.batches import tried
from fuzz.campaign import run
from fuzz.findings import Finding
from fuzz.guided import main as guided
from fuzz.jailed import Jailed, targets
from fuzz.mutate import MOST, mutated
from fuzz.targets import TARGETS, Target, of_group

from sanitizer.formats import FORMATS
from sanitizer.verify import VERIFIERS

SEED = 1
EACH = 6


def test_every_line_of_both_tables_has_its_target() -> None:
    names = {target.name for target in TARGETS}
    assert {f"rebuild {mime}" for mime in FORMATS} | {f"verify {mime}" for mime in VERIFIERS} <= names
    assert {name for name, _ in targets("jail")} == {f"jail {mime}" for mime in FORMATS}


def test_every_format_begins_with_a_file_of_its_own() -> None:
    for mime, files in seeds.received().items():
        assert all(data not in (seeds.TEXT, seeds.PAGE) for _, data in files) or mime.startswith(("text/", "app")), mime
    labels = {target.name: _label(target, 0, plain=True) for target in of_group("rebuild")}
    unread = {name for name, label in labels.items() if label in ("unreadable", "unknown-type")}
    assert unread <= {"rebuild application/vnd.rar"}


def _label(target: Target, number: int, *, plain: bool = False) -> str:
    given = seeds.received()[target.name.partition(" ")[2]][0] if plain else target.input(SEED, number)
    return target.take(given)


def test_the_same_numbers_give_the_same_inputs() -> None:
    for target in TARGETS[::5]:
        assert target.input(SEED, 7) == target.input(SEED, 7)
        assert any(target.input(SEED, number) != target.input(SEED + 1, number) for number in range(3))


def test_an_archive_is_taken_apart_and_put_together() -> None:
    packages = [data for files in seeds.accepted().values() for _, data in files if data.startswith(b"PK")]
    for data in packages:
        members = zips.read(data)
        assert members
        assert zips.write(members) == data
        assert zips.read(zips.write([one.holding(b"new") for one in members])) is not None


def test_a_mutated_file_stays_of_its_size() -> None:
    chance = Random(SEED)
    for files in seeds.accepted().values():
        assert len(mutated(files[0][1], files[-1][1], chance)) <= len(files[0][1]) + 2 * MOST


@pytest.mark.parametrize("group", ["trusting", "rebuild"])
def test_no_input_makes_a_target_stumble(group: str) -> None:
    found = list[str]()
    for target in of_group(group):
        for number in range(EACH):
            start = time.process_time()
            try:
                target.try_one(SEED, number)
            except Finding as finding:
                found.append(f"{target.name} {number}: {finding}")
            assert time.process_time() - start < 5, (target.name, number)
    assert not found


def test_every_mutated_file_has_a_verdict(tmp_path: Path) -> None:
    tally = run("jail", tmp_path, len(FORMATS) // 2, seed=SEED)
    assert tally.inputs() == len(FORMATS) // 2
    assert not tally.findings
    assert tally.totals()["released"] > 5


def test_a_verdict_of_no_known_code_would_be_found() -> None:
    with Jailed(convert=False) as jailed, pytest.raises(Finding, match="trusting side"):
        jailed.runner.run(jailed.supervisor.close())
        jailed.take(("a.txt", b"a"), "rebuild")


def test_a_campaign_goes_on_where_it_ended(tmp_path: Path) -> None:
    whole = run("trusting", tmp_path / "whole", 120, seed=SEED)
    run("trusting", tmp_path / "parts", 70, seed=SEED)
    parts = run("trusting", tmp_path / "parts", 50, seed=SEED)
    assert (parts.next, parts.inputs()) == (120, 120)
    assert (parts.labels, parts.findings) == (whole.labels, whole.findings)


def _evil(number: int) -> str:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 5:
        raise Finding("exception", "here")
    return "fine"


def test_a_crash_is_a_finding_and_the_batch_goes_on() -> None:
    outcomes = list(tried(0, 8, _evil))
    assert [one.number for one in outcomes] == list(range(8))
    assert [one.number for one in outcomes if one.label == "fine"] == [0, 1, 2, 4, 6, 7]
    assert (outcomes[3].kind, outcomes[3].signature, outcomes[5].kind) == ("crash", "signal 9", "exception")


def test_the_guided_engine_is_optional_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    with pytest.raises(SystemExit, match="--group fuzz"):
        guided(["identify", "--folder", str(tmp_path)])
