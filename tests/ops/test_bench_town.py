"""The city hall at once: small runs of every phase, and that the count of what was lost can fail."""

from __future__ import annotations

import json
import re
import resource
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ops.bench import crowd, residents, town
from ops.bench.town_options import Options
from ops.cli import main
from server.installation import StartRefused

SOURCES = Path(__file__).parents[2] / "web_client/src"


def test_everything_that_was_said_is_heard_once_through_slow_readers_and_restarts() -> None:
    small = Options(100, 40.0, 0.05, slow=20, slow_minutes=0.05, restart=True, cold=True, processes=2, come_back=8.0)
    found = town.figures(small)
    whole = found.pop("whole")
    assert whole.pop("messages") == sum(
        count for phase in _phases(found) for count in [round(phase["seconds"] * small.posts)]
    )
    assert set(whole.values()) == {0}
    assert found["steady"]["errors"] == found["restart"]["errors"] == found["cold"]["errors"] == 0
    assert found["steady"]["deliveries_per_second"] > 1_000
    assert found["steady"]["ack_ms"]["p99"] >= found["steady"]["ack_ms"]["p50"] > 0 < found["steady"]["heard_ms"]["p50"]
    for phase in (found["restart"], found["cold"]):
        assert phase["tally"]["cut"] == 100


def _phases(found: dict[str, Any]) -> list[dict[str, Any]]:
    slow = found["slow_readers"]
    return [found["steady"], *slow["without"], slow["with"], found["restart"], found["cold"]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE rooms (id, head)")
        connection.execute("CREATE TABLE events (kind, body)")
        connection.execute("INSERT INTO rooms VALUES ('r', 3)")
        said = [("message.posted", json.dumps({"client_msg_id": f"a-{n}"})) for n in (0, 1, 1)]
        connection.executemany("INSERT INTO events VALUES (?, ?)", said)
    connection.close()
    return path


def test_what_is_lost_or_there_twice_is_counted(store: Path) -> None:
    settled = {"said": {"a": 3}, "heads": {"r": 2}, "unacknowledged": 1, "behind": 4, "twice": 5, "missed": 6}
    assert town._whole(store, [settled]) == {
        "messages": 3,
        "unacknowledged": 1,
        "lost": 1,
        "twice": 1,
        "rooms_not_heard_to_the_end": 1,
        "people_behind": 4,
        "heard_twice": 5,
        "missed": 6,
    }


async def test_a_client_counts_what_it_misses_and_what_comes_twice() -> None:
    hall = residents.Town(residents.Plan(0, [("a", "t", "r")], 1.0, 0, 1))
    one = hall.residents[0]
    one.here, one.seq, one.due = True, 4, {7: 0.0}
    told = b"".join(b'{"op":"event","room":"r","seq":%d,"at":"x"}' % seq for seq in (5, 5, 8))
    told += b'{"op":"ack","ref":7,"message_id":"m","seq":5}{"op":"reset","room":"r","head":1}'
    for at in range(0, len(told), 7):  # wherever the pieces end
        one.data_received(told[at : at + 7])
    assert (hall.deliveries, hall.tally, one.seq, one.due) == (3, Counter(twice=1, missed=2, reset=1), 8, {})
    assert len(hall._acks) == 1


def test_clients_come_back_as_the_web_client_does() -> None:
    source = (SOURCES / "connection.ts").read_text(encoding="utf-8")
    numbers = {
        name: int(value.replace("_", "")) / 1000 for name, value in re.findall(r"const (\w+) = ([\d_]+);", source)
    }
    assert numbers["FIRST_PAUSE"] == residents.FIRST_PAUSE
    assert numbers["LONGEST_PAUSE"] == residents.LONGEST_PAUSE
    assert numbers["READY_WITHIN"] == residents.READY_WITHIN
    low, high = residents.PROMISED
    assert f"Math.round({low * 1000:.0f} + {(high - low) * 1000:_.0f} * chance)" in source
    assert [residents.pause(tries, 0.0) for tries in (1, 2, 3, 20)] == [0.25, 0.5, 1.0, 15.0]


def test_delays_of_several_processes_are_added_up() -> None:
    answers = [{"acks": {"10": 98}}, {"acks": {"10": 1, "5000": 1}}]
    assert town._quantiles(town._added(answers, "acks")) == {"p50": 1.0, "p99": 1.0, "max": 500.0}
    assert town._quantiles(Counter()) == {"p50": 0.0, "p99": 0.0, "max": 0.0}


def test_too_few_files_are_told_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.raises(StartRefused) as refused:
        crowd.allow_connections(hard)
    assert refused.value.code == "too_few_files" and str(hard) in refused.value.en
    assert main(["bench", "town", "--connections", str(hard)]) == 1
    assert "ulimit" in capsys.readouterr().err
