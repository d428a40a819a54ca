"""Levels, hysteresis and the measures behind them: in numbers, without a clock."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from server import load as loads
from server.load import AGAIN_WITHIN, LIMITS, LONGEST_HOLD, Ages, Level, Load, Measures, Pace, level_of
from server.load_watch import memory_pressure
from server.notices import paused

CALM = Measures()
DISASTER = Measures(lag=5.0)


def looked(load: Load, measures: Measures, begin: float, end: float, step: float = 1.0) -> list[tuple[float, Level]]:
    """Look every ``step`` seconds; when the level changed, and to what."""
    changes = []
    for number in range(int((end - begin) / step) + 1):
        now = begin + number * step
        if load.look(measures, now):
            changes.append((now, load.level))
    return changes


@pytest.mark.parametrize("measure", Measures._fields)
@pytest.mark.parametrize("level", list(Level)[1:])
def test_every_measure_reaches_every_level_at_its_limit(measure: str, level: Level) -> None:
    limit = LIMITS[measure][level - 1]
    assert level_of(CALM._replace(**{measure: limit})) == level
    assert level_of(CALM._replace(**{measure: limit * 0.999})) == level - 1


def test_levels_are_shed_one_after_the_other_and_come_back_in_the_other_order() -> None:
    load = Load(Pace(rise=2.0, hold=5.0))
    assert looked(load, DISASTER, 0, 20) == [(2, 1), (4, 2), (6, 3), (8, 4)]
    assert [load.sheds(level) for level in Level] == [True] * 5
    assert looked(load, CALM, 21, 60) == [(26, 3), (31, 2), (36, 1), (41, 0)]
    assert [load.sheds(level) for level in list(Level)[1:]] == [False] * 4


def test_a_load_reaches_its_own_level_and_no_higher() -> None:
    load = Load(Pace(rise=1.0, hold=5.0))
    looked(load, Measures(oldest=LIMITS["oldest"][1]), 0, 600)
    assert load.level is Level.PREVIEWS and load.raised == 2


def test_a_burst_changes_nothing() -> None:
    load = Load(Pace(rise=2.0, hold=5.0))
    for second in range(100):
        assert not load.look(DISASTER if second % 2 else CALM, float(second))
    assert load.level is Level.NONE


def test_between_limit_and_ease_a_level_stays() -> None:
    load = Load(Pace(rise=1.0, hold=1.0))
    looked(load, Measures(lag=LIMITS["lag"][2]), 0, 10)
    assert load.level is Level.SEARCH
    assert looked(load, Measures(lag=LIMITS["lag"][2] * 0.61), 11, 600) == []
    assert looked(load, Measures(lag=LIMITS["lag"][2] * 0.59), 601, 700) == [(602, Level.PREVIEWS)]


def test_a_level_that_is_let_go_in_vain_is_held_ever_longer() -> None:
    """Search comes back, the load comes back with it: the time until the next try doubles, up to a bound."""
    load, now, holds = Load(Pace(rise=1.0, hold=5.0)), 0.0, []
    searching = Measures(lag=LIMITS["lag"][2])
    while not load.sheds(Level.SEARCH):
        load.look(searching, now := now + 1)
    for _ in range(7):
        begun = now
        while load.sheds(Level.SEARCH):
            load.look(CALM, now := now + 1)
        holds.append(now - begun - 1)
        while not load.sheds(Level.SEARCH):
            load.look(searching, now := now + 1)
    assert holds == [5, 10, 20, 40, LONGEST_HOLD, LONGEST_HOLD, LONGEST_HOLD]


def test_a_load_that_comes_much_later_is_a_new_one() -> None:
    load = Load(Pace(rise=1.0, hold=5.0))
    looked(load, DISASTER, 0, 20)
    looked(load, CALM, 21, 60)
    again = 60 + AGAIN_WITHIN
    assert looked(load, DISASTER, again, again + 20) == [(again + step, step) for step in (1, 2, 3, 4)]
    assert looked(load, CALM, again + 21, again + 60)[0] == (again + 26, Level.SEARCH)


@pytest.mark.parametrize("seed", range(50))
def test_whatever_comes_levels_move_by_one_and_calm_ends_them(seed: int) -> None:
    chance, load, now = Random(seed), Load(), 0.0
    for _ in range(500):
        before, now = load.level, now + chance.random() * 3
        measures = Measures(*(chance.expovariate(1) * LIMITS[name][chance.randrange(4)] for name in Measures._fields))
        changed = load.look(measures, now)
        assert changed == (load.level != before) and abs(load.level - before) <= 1
        assert load.level <= before or level_of(measures) > before
        assert load.level >= before or level_of(measures) < before
    looked(load, CALM, now, now + 5 * LONGEST_HOLD)
    assert load.level is Level.NONE


def test_refused_callers_do_not_all_come_back_at_once() -> None:
    load = Load()
    told = [load.come_back() for _ in range(100)]
    assert load.refused == 100
    assert set(told) == set(range(loads.COME_BACK, loads.COME_BACK + loads.SPREAD))


def test_the_oldest_is_as_old_as_the_counters_say() -> None:
    """Beside a queue that is kept in full."""
    chance, ages, queue, accepted, finished = Random(7), Ages(), [], 0, 0
    for tick in range(2000):
        for _ in range(chance.randrange(6)):
            queue.append(float(tick))
            accepted += 1
        if chance.random() < 0.2:
            done = chance.randrange(len(queue) + 1)
            del queue[:done]
            finished += done
        assert ages.oldest(accepted, finished, float(tick)) == (tick - queue[0] if queue else 0.0)


def test_what_is_paused_is_named_in_order_and_posts_by_the_disk_alone() -> None:
    assert [len(paused(level, no_files=False, reads_only=False)) for level in Level] == [0, 1, 2, 3, 4]
    assert all("posts" not in paused(level, no_files=True, reads_only=False) for level in Level)
    assert paused(Level.UPLOADS, no_files=True, reads_only=True) == ["marks", "previews", "search", "uploads", "posts"]


MEMINFO = "MemTotal:       {total} kB\nMemFree:   1 kB\nMemAvailable:   {left} kB\n"
GIB = 1 << 20  # in kB


@pytest.mark.parametrize(("total", "left", "pressure"), [(4, 4, 0.05), (4, 0.2, 1.0), (64, 0.5, 1.0), (64, 0.25, 2.0)])
def test_memory_is_short_when_little_is_left(tmp_path: Path, total: float, left: float, pressure: float) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO.format(total=int(total * GIB), left=int(left * GIB)))
    assert memory_pressure(tmp_path, tmp_path) == pytest.approx(pressure, rel=0.01)


def test_the_limit_of_the_own_group_counts_and_its_page_cache_does_not(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "cgroup").write_text("1:cpu:/\n0::/system.slice/sekisho.service\n")
    group = tmp_path / "system.slice" / "sekisho.service"
    group.mkdir(parents=True)
    (group / "memory.max").write_text(f"{1 << 30}\n")
    (group / "memory.current").write_text(f"{(1 << 30) - (1 << 20)}\n")
    (group / "memory.stat").write_text(f"anon 5\ninactive_file {(1 << 30) // 20 * 2}\n")
    assert memory_pressure(tmp_path, tmp_path) == pytest.approx(0.5, rel=0.02)
    (group / "memory.max").write_text("max\n")
    assert memory_pressure(tmp_path, tmp_path) == 0.0
