"""A cell that says what no cell of ours would say is as good as dead: nobody waits for it, and nothing stays open."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import msgspec
import pytest

from sanitizer.cell_link import CellDied, CellLink
from sanitizer.runner import read_ran
from sanitizer.wire import Ended, Run, Started, decode_from_cell, decode_to_cell, encode

NESTED = b"[" * 100_000


@pytest.mark.parametrize("words", [b"\xff", b'{"type":"ended"', b'{"type":"ended\xff"}', b'{"type":"x"}', NESTED])
def test_what_is_no_message_is_a_decode_error(words: bytes) -> None:
    for read in (decode_from_cell, decode_to_cell, read_ran):
        with pytest.raises(msgspec.DecodeError):
            read(words)


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


STRANGE = {
    "bytes of no form": b"\xff\xfe",
    "another language": b"hello",
    "a text that is none": b'{"type":"ready","isolation":"\xcb"}',
    "the start of a run that nobody asked for": encode(Started(99)),
    "a start without its descriptor": encode(Started(1)),
    "the end of a run that nobody asked for": encode(Ended(99, 0, 0.0, 0)),
}


@pytest.mark.parametrize("words", STRANGE.values(), ids=STRANGE)
async def test_a_cell_that_talks_nonsense_fails_its_runs(words: bytes) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link = CellLink({})
    link._socket = ours
    before = _open_descriptors()
    run = asyncio.create_task(link.run(Run(0, "probe"), 5.0))
    with theirs:
        assert await asyncio.get_running_loop().run_in_executor(None, theirs.recv, 1 << 16)
        theirs.send(words)
        async with asyncio.timeout(5):
            with pytest.raises(CellDied):
                await run
        assert not link.alive
        assert _open_descriptors() == before - 1  # its own end of the socket
