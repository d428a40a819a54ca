"""The little that the readers of pictures share: a cursor that cannot run past the end, and the inflating of a raster.

>>> Cursor(b"ab").take(3)
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 0')
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

from sanitizer.limits import Limits
from sanitizer.verify import Violation

STEP = 1 << 20


def demand(condition: bool, code: str, where: str = "") -> None:
    """Raises ``Violation`` unless ``condition``."""
    if not condition:
        raise Violation(code, where)


class Cursor:
    """Reads ``data`` from ``at`` to its end, forwards only."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        demand(0 <= count <= len(self.data) - self.at, "truncated", f"offset {self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def unpack(self, form: str) -> tuple[Any, ...]:
        """The next fields in the notation of ``struct``."""
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def expect(self, literal: bytes, code: str) -> None:
        """The next bytes must be ``literal``."""
        demand(self.data.startswith(literal, self.at), code, f"offset {self.at}")
        self.at += len(literal)

    def finish(self) -> None:
        """Nothing may follow."""
        demand(self.at == len(self.data), "trailing-bytes", f"offset {self.at}")


def check_raster(width: int, height: int, limits: Limits) -> None:
    """A picture has at least one pixel and at most as many as allowed."""
    demand(width > 0 and height > 0, "no-pixels")
    demand(width * height <= limits.max_pixels, "too-many-pixels")


def inflate_rows(stream: bytes, row_bytes: int, rows: int, highest_filter: int | None) -> None:
    """``stream`` is one zlib stream that ends with its last byte and holds exactly ``rows`` rows of ``row_bytes``
    bytes, each after a filter byte of at most ``highest_filter`` (None: no filter bytes)."""
    engine, length = zlib.decompressobj(), row_bytes + (highest_filter is not None)
    total, seen, source = length * rows, 0, stream
    while True:
        try:
            part = engine.decompress(source, STEP)
        except zlib.error as error:
            raise Violation("bad-deflate") from error
        if highest_filter is not None:
            demand(max(part[-seen % length :: length], default=0) <= highest_filter, "bad-filter")
        seen, source = seen + len(part), engine.unconsumed_tail
        demand(seen <= total, "raster-too-long")
        if engine.eof:
            break
        demand(len(part) + len(source) > 0, "truncated-deflate")
    demand(not engine.unused_data, "deflate-slack")
    demand(seen == total, "raster-too-short")
