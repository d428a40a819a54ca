"""Real sound and video from the corpus beside the checkout: released, verified, of the same duration (``corpus``)."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.jails import examine, started
from support.media_samples import needs_ffmpeg

from sanitizer.supervisor import Supervisor

pytestmark = [pytest.mark.corpus, needs_ffmpeg]


def _files() -> list[Path]:
    checkout = Path(__file__).resolve().parents[2]
    places = [Path(os.environ.get("SEKISHO_CORPUS", checkout / "no-corpus"))]
    places += [parent / "shared" / "corpus" for parent in (checkout.parent, checkout.parent.parent)]
    return next(
        (sorted((place / "benign" / "av").iterdir()) for place in places if (place / "benign" / "av").is_dir()), []
    )


FILES = _files()


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor(strict=True)) as supervisor:
        yield supervisor


def _seconds(path: Path) -> float | None:
    """As a player sees it: packets, their durations added up; None where it cannot even open the file."""
    command = [
        "ffprobe",
        "-v",
        "quiet",
        "-select_streams",
        "a:0",
        "-show_entries",
        "packet=duration_time",
        "-of",
        "csv=p=0",
    ]
    read = subprocess.run([*command, str(path)], check=False, capture_output=True, text=True, timeout=60)
    return sum(float(line.strip(",")) for line in read.stdout.split()) or None


@pytest.mark.skipif(not FILES, reason="no corpus beside the checkout")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_a_file_that_plays_still_plays_as_long(supervisor: Supervisor, path: Path, tmp_path: Path) -> None:
    data = await asyncio.to_thread(path.read_bytes)
    examined = await examine(supervisor, data, name=path.name)
    before = _seconds(path)
    if before is None:
        assert examined.verdict.code == "unreadable"
        return
    assert examined.output is not None, examined.verdict
    made = tmp_path / path.name
    with os.fdopen(examined.output, "rb") as output:
        await asyncio.to_thread(made.write_bytes, output.read())
    after = _seconds(made)
    assert after is not None
    assert abs(after - before) < 0.06
