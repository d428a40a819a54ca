"""The trusting side: verdicts bind hashes, cells may die, nothing leaks, nothing blocks."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.jails import JAILED, evil_supervisor, examine, refused, released, started

from sanitizer import intake
from sanitizer.limits import Limits
from sanitizer.supervisor import Supervisor, Unavailable
from sanitizer.verify import GRAMMARS


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(evil_supervisor(workers=3)) as supervisor:
        yield supervisor


async def test_the_verdict_binds_both_hashes_and_what_was_done(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, b"harmless", name="報告.txt")
    verdict, output = examined.verdict, examined.output
    assert output is not None
    assert verdict.output is not None
    data = os.pread(output, 100, 0)
    os.close(output)
    assert data == b"rebuilt: harmless"
    assert verdict.input.sha256 == hashlib.sha256(b"harmless").hexdigest()
    assert verdict.output.sha256 == hashlib.sha256(data).hexdigest()
    report = verdict.report()
    assert report["verdict"] == report["code"] == "released"
    assert report["input"] == {
        "name": "報告.txt",
        "size": 8,
        "sha256": hashlib.sha256(b"harmless").hexdigest(),
        "type": "text/plain",
    }
    assert report["output"]["name"] == "報告.txt"
    assert report["removed"][0] == {"kind": "secret", "count": 2, "where": "page 3"}
    assert report["changed"] == [{"kind": "rebuild", "count": 1, "where": ""}]
    assert report["verified"] == {"by": "toy_verifier", "ok": True, "grammar": GRAMMARS["text/plain"]}
    assert report["isolation"] == "full"
    assert 0 < report["cpu_seconds"] < 10
    assert report["peak_rss"] > 1 << 20
    assert examined.thumbnail == b"picture"


async def test_the_output_is_sealed(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, b"harmless")
    assert examined.output is not None
    with pytest.raises(PermissionError):
        os.pwrite(examined.output, b"x", 0)
    os.close(examined.output)


@pytest.mark.parametrize("data", [b"unseen", b"ugly", b"thumb-crash"])
async def test_no_thumbnail_is_no_reason_to_refuse(supervisor: Supervisor, data: bytes) -> None:
    examined = await examine(supervisor, data)
    assert examined.verdict.outcome == "released"
    assert examined.thumbnail is None
    assert examined.output is not None
    os.close(examined.output)


async def test_pass_serves_the_received_bytes_and_still_draws_a_rebuilt_copy(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, b"harmless", treatment="pass")
    assert (examined.verdict.outcome, examined.output, examined.thumbnail) == ("released", None, b"picture")
    assert examined.verdict.output == examined.verdict.input
    assert examined.verdict.verified is None


async def test_pass_lets_known_types_through_that_cannot_be_rebuilt(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, b"{\\rtf1 text}", name="a.rtf", treatment="pass")
    assert (examined.verdict.outcome, examined.verdict.input.type) == ("released", "application/rtf")
    assert await refused(supervisor, b"{\\rtf1 text}", name="a.rtf") == "unsupported-rtf"


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"\x7fELF" + bytes(60), "a.txt", "executable"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "a.txt", "type-mismatch"),
        (b"", "a.txt", "empty"),
        (b"\x01\x02\x03\x80" * 50, "a", "unknown-type"),
    ],
)
async def test_pass_refuses_programs_and_disagreement(
    supervisor: Supervisor, data: bytes, name: str, code: str
) -> None:
    assert await refused(supervisor, data, name=name, treatment="pass") == code


async def test_a_large_file_that_changes_while_it_is_read_is_refused(supervisor: Supervisor, tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"wait\n" + b"a" * intake.SMALL)
    with path.open("r+b") as file:
        task = asyncio.create_task(supervisor.examine(file.fileno(), name="large.txt", treatment="rebuild"))
        await asyncio.sleep(0.5)
        os.pwrite(file.fileno(), b"b", 100)
        examined = await task
    assert examined.verdict.code == "changed-while-read"
    assert examined.output is None


async def test_names_that_are_no_text_are_no_trouble(supervisor: Supervisor) -> None:
    name = os.fsdecode("報告.txt".encode("cp932")) + "\n" * 5000 + ".txt"
    assert await released(supervisor, b"harmless", name=name) == b"rebuilt: harmless"


async def test_files_are_examined_side_by_side_while_the_loop_goes_on(supervisor: Supervisor) -> None:
    tasks = [asyncio.create_task(released(supervisor, b"wait")) for _ in range(3)]
    await _until(lambda: _jailed(supervisor) == 3)
    assert await asyncio.gather(*tasks) == [b"rebuilt: wait"] * 3


async def test_no_more_files_than_workers_at_once() -> None:
    with started(evil_supervisor(workers=1)) as single:
        both = asyncio.gather(released(single, b"wait"), released(single, b"wait"))
        seen = set()
        while not both.done():
            seen.add(_jailed(single))
            await asyncio.sleep(0.02)
        await both
        assert max(seen) == 1


async def test_descriptors_do_not_leak(supervisor: Supervisor) -> None:
    async def some() -> None:
        for data in (b"harmless", b"crash", b"violate", b"raise", b"thumb-crash"):
            examined = await examine(supervisor, data)
            if examined.output is not None:
                os.close(examined.output)

    cells = [psutil.Process(link.pid).children()[0] for link in (supervisor.transformers, supervisor.readers)]
    await some()
    before = [psutil.Process().num_fds(), *(cell.num_fds() for cell in cells)]
    for _ in range(10):
        await some()
    assert [psutil.Process().num_fds(), *(cell.num_fds() for cell in cells)] == before


async def test_a_cancelled_examination_kills_its_jail_and_leaks_nothing(supervisor: Supervisor) -> None:
    await released(supervisor, b"harmless")
    (cell,) = psutil.Process(supervisor.transformers.pid).children()
    before = psutil.Process().num_fds()
    task = asyncio.create_task(examine(supervisor, b"block"))
    await _until(lambda: len(cell.children()) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until(lambda: not cell.children())
    assert await released(supervisor, b"harmless") == b"rebuilt: harmless"
    await _until(lambda: psutil.Process().num_fds() == before)


async def test_a_file_survives_the_death_of_its_cell() -> None:
    with started(evil_supervisor()) as supervisor:
        task = asyncio.create_task(released(supervisor, b"wait"))
        await _until(lambda: _jailed(supervisor) == 1)
        _kill(supervisor.transformers.pid)
        assert await task == b"rebuilt: wait"
        _kill(supervisor.readers.pid)
        assert await released(supervisor, b"harmless") == b"rebuilt: harmless"


async def test_a_file_that_kills_two_cells_is_refused_and_the_next_is_served() -> None:
    with started(evil_supervisor(limits=Limits(wall_seconds=20))) as supervisor:
        task = asyncio.create_task(refused(supervisor, b"block"))
        await _until(lambda: _jailed(supervisor) == 1)
        first = supervisor.transformers.pid
        _kill(first)
        await _until(lambda: supervisor.transformers.pid != first and _jailed(supervisor) == 1)
        _kill(supervisor.transformers.pid)
        assert await task == "crashed"
        assert await released(supervisor, b"harmless") == b"rebuilt: harmless"


async def test_a_closed_supervisor_gives_no_verdict() -> None:
    with started(evil_supervisor()) as supervisor:
        task = asyncio.create_task(examine(supervisor, b"block"))
        await _until(lambda: _jailed(supervisor) == 1)
        await supervisor.close()
        with pytest.raises(Unavailable):
            await task
        with pytest.raises(Unavailable):
            await examine(supervisor, b"harmless")


def test_one_supervisor_serves_one_loop_after_another(supervisor: Supervisor) -> None:
    for _ in range(2):
        assert asyncio.run(released(supervisor, b"harmless")) == b"rebuilt: harmless"


DYING_SERVER = f"""
import asyncio, os, sys
sys.path.insert(0, {str(Path(JAILED).parent)!r})
from support.jails import evil_supervisor, examine
supervisor = evil_supervisor()
supervisor.start()
print(supervisor.transformers.pid, supervisor.readers.pid, flush=True)
asyncio.run(examine(supervisor, b"block"))
"""


def test_nothing_outlives_a_killed_server() -> None:
    with subprocess.Popen([sys.executable, "-c", DYING_SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        cells = [psutil.Process(int(pid)) for pid in server.stdout.readline().split()]
        deadline = time.monotonic() + 10
        while sum(len(cell.children(recursive=True)) for cell in cells) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        family = [process for cell in cells for process in (cell, *cell.children(recursive=True))]
        assert len(family) == 5  # two cells of two processes each, and one jail
        server.kill()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def _jailed(supervisor: Supervisor) -> int:
    """How many jails a cell that is ready has."""
    link = supervisor.transformers
    if not link.alive or link.ready is None:
        return 0
    outer = psutil.Process(link.pid)
    return sum(len(cell.children()) for cell in outer.children())


def _kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


async def _until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (other processes set no event)
            await asyncio.sleep(0.02)
