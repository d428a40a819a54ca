"""The page of figures: the same from the same files, with commit and command, and nothing that was not measured."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from ops.bench import MEASURES, report
from ops.bench.circumstances import circumstances
from ops.bench.report import ROWS, read, value_at
from ops.cli import main

MADE = {"command": "sekisho bench town", "commit": "abc1234", "cores": 2, "kernel": "6.1", "python": "3.11", "day": "x"}
TOWN = {
    "connections": 4000,
    "posts_per_second": 100.0,
    "slow": 300,
    "steady": {"ack_ms": {"p50": 4.6, "p99": 70.3}, "errors": 0, "window_p99_ms": [12.0, 357.6, 0.0, 30.5]},
    "slow_readers": {"memory_mib": 512.0},
}


def write(path: Path, **measures: Any) -> Path:
    path.write_text(json.dumps(measures), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    town = write(tmp_path / "town.json", town=TOWN, made=MADE)
    again = {"restart": {"all_back_seconds": 50.34}, "steady": {"ack_ms": {"p99": 71.0}}}
    later = write(tmp_path / "later.json", town=again, made=MADE | {"commit": "def5678"})
    return [str(town), str(later)]


def test_the_page_names_figure_aim_commit_and_command(files: list[str], tmp_path: Path) -> None:
    assert main(["bench", "report", *files, "--docs", str(tmp_path / "docs")]) == 0
    page = (tmp_path / "docs/performance.md").read_text(encoding="utf-8")
    assert "| 4,000 connections, 100 messages/s: acknowledgement, p99 | 71 ms | ≤ 300 |  | def5678 |" in page
    assert "| 300 readers at 1 byte/s: memory more | 512 MiB | ≤ 200 |  | abc1234 |" in page
    assert "all back after | 50.3 s | ≤ 60 |  | def5678 |" in page
    assert page.count("`sekisho bench town` | abc1234 | 2 cores, Linux 6.1, Python 3.11, x |") == 1
    assert "p50 |" not in page and "Upload" not in page  # the later file says nothing of them
    pages = [(tmp_path / "docs" / name).read_bytes() for name in ("performance.md", "images/performance.svg")]
    assert main(["bench", "report", *files, "--docs", str(tmp_path / "docs")]) == 0
    assert pages == [(tmp_path / "docs" / name).read_bytes() for name in ("performance.md", "images/performance.svg")]


def test_the_picture_shows_what_misses_its_aim(files: list[str]) -> None:
    drawn = ElementTree.fromstring(report.picture(read([Path(files[0])])))
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in drawn.iter(f"{space}text")]
    assert "512 MiB (256 %)" in texts and "aim 300" in texts
    fills = {element.get("fill") for element in drawn.iter(f"{space}rect")}
    assert {report_colour for report_colour in fills if report_colour != "#ffffff"} == {"#2e7d6b", "#c0392b"}
    (points,) = (element.get("points", "").split() for element in drawn.iter(f"{space}polyline"))
    assert len(points) == 4


def test_every_row_speaks_of_a_measure_that_there_is() -> None:
    assert {row.measure for row in ROWS} <= {*MEASURES, "town", "peers"}
    assert len({(row.measure, row.place) for row in ROWS}) == len(ROWS)
    assert value_at({"a": {"b": 2}}, "a/b") == 2.0
    assert value_at({"a": {"b": {}}}, "a/b") is None and value_at({}, "a/b") is None


def test_circumstances_are_those_of_this_checkout() -> None:
    found = circumstances(["bench", "idle"])
    assert found["command"] == "sekisho bench idle"
    assert found["commit"] == "" or len(str(found["commit"]).rstrip("+")) >= 7
