"""Section 1.3 of the grammar: one zlib stream that ends exactly where its data ends, within the budget of the file.

>>> Inflater(100).inflate(zlib.compress(b"abc"))
b'abc'
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from sanitizer.verify import Violation

CHUNK = 1 << 20


class Inflater:
    """Inflates the streams of one file; all results together are at most ``budget`` bytes."""

    def __init__(self, budget: int) -> None:
        self.left = budget

    def inflate(self, data: bytes | memoryview) -> bytes:
        """The inflated bytes."""
        return b"".join(self._chunks(data))

    def measure(self, data: bytes | memoryview) -> int:
        """The number of inflated bytes, which are not kept."""
        return sum(map(len, self._chunks(data)))

    def _chunks(self, data: bytes | memoryview) -> Iterator[bytes]:
        machine = zlib.decompressobj()
        rest: bytes | memoryview = data
        try:
            while not machine.eof:
                chunk = machine.decompress(rest, CHUNK)
                rest = machine.unconsumed_tail
                self.left -= len(chunk)
                if self.left < 0:
                    raise Violation("inflated-too-large")
                if not chunk and not machine.eof:
                    raise Violation("flate-truncated")
                yield chunk
        except zlib.error as error:
            raise Violation("flate-invalid") from error
        if machine.unused_data:
            raise Violation("flate-trailing-bytes")
