"""The export bundle: the whole record in one file, for a reader who has nothing of ours but ``ops/audit_verify.py``.

Rules kept here:
- One line of canonical JSON (RFC 8785) per thing, each ended by a newline: the first line with origin and keys, the
  leaves in order, each checkpoint after the leaves that it covers, the end line with the counts and the stored head.
- The writer copies what the store holds and mends nothing: a damaged row must arrive damaged at the reader.
- Streams: neither side keeps more than one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec

FORMAT = "sekisho-audit-bundle-1"

_json = msgspec.json.Encoder(order="sorted").encode


def write_bundle(
    out: BinaryIO,
    origin: str,
    keys: Sequence[str],
    leaves: Iterable[tuple[int, bytes, bytes]],
    checkpoints: Iterable[tuple[int, str]],
    head: tuple[int, bytes],
) -> None:
    """Write the bundle to ``out``; the caller makes it durable.

    ``keys``: the log's keys as ``verifier_key`` writes them, each of which has signed a checkpoint. ``leaves``: (index,
    leaf bytes, stored leaf hash) by index. ``checkpoints``: (size, signed note) in the order they were signed; the last
    must cover all leaves, so the caller makes one first and reads leaves, checkpoints and head as of it. ``head``: size
    and root of the stored tree head.
    """
    _line(out, {"format": FORMAT, "keys": sorted(set(keys)), "origin": origin})
    notes = _Notes(out, checkpoints)
    count = 0
    for index, data, stored_hash in leaves:
        notes.write_up_to(index)
        out.write(b'{"hash":"%s","index":%d,"leaf":%s}\n' % (stored_hash.hex().encode(), index, data))
        count += 1
    notes.write_up_to(None)
    size, root = head
    _line(out, {"checkpoints": notes.count, "head": {"root": root.hex(), "size": size}, "leaves": count})


class _Notes:
    """The checkpoints not yet written, one read ahead."""

    def __init__(self, out: BinaryIO, checkpoints: Iterable[tuple[int, str]]) -> None:
        self.count = 0
        self._out = out
        self._rest: Iterator[tuple[int, str]] = iter(checkpoints)
        self._next = next(self._rest, None)

    def write_up_to(self, index: int | None) -> None:
        """Write those that cover only leaves before ``index``; all of them for None."""
        while self._next is not None and (index is None or self._next[0] <= index):
            size, note = self._next
            _line(self._out, {"checkpoint": note, "size": size})
            self.count += 1
            self._next = next(self._rest, None)


def _line(out: BinaryIO, value: dict[str, object]) -> None:
    out.write(_json(value) + b"\n")
