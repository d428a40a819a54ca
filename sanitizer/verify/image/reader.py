"""The little that all readers of pictures share: a place in the file, and what is demanded there.

Rules kept here:

- Nothing is read beyond the end: a file that is too short is a violation, not an error.
- What a stream inflates to is counted while it inflates and never held as a whole.

>>> Cursor(b"\\x00\\x02ab").u16()
2
>>> Cursor(b"ab").take(3)
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 0')
"""

from __future__ import annotations

import zlib
from typing import Literal

from sanitizer.limits import Limits
from sanitizer.verify import Violation

CHUNK = 1 << 18  # bytes that a stream yields at a time


def demand(condition: object, code: str, where: str = "") -> None:
    """Raises ``Violation`` unless ``condition`` holds."""
    if not condition:
        raise Violation(code, where)


def check_size(width: int, height: int, limits: Limits) -> int:
    """The number of pixels of a picture that has some, and not too many."""
    demand(width > 0 and height > 0, "no-pixels")
    demand(width * height <= limits.max_pixels, "too-many-pixels")
    return width * height


class Cursor:
    """A place in ``data`` that only moves forward, until ``end``."""

    __slots__ = ("at", "data", "end", "order")

    def __init__(
        self, data: bytes, at: int = 0, end: int | None = None, order: Literal["big", "little"] = "big"
    ) -> None:
        self.data, self.at, self.end = data, at, len(data) if end is None else end
        self.order = order

    @property
    def where(self) -> str:
        """The place in words."""
        return f"offset {self.at}"

    @property
    def left(self) -> int:
        """Bytes until the end."""
        return self.end - self.at

    def take(self, size: int) -> bytes:
        """The next bytes."""
        demand(size <= self.left, "truncated", self.where)
        self.at += size
        return self.data[self.at - size : self.at]

    def expect(self, written: bytes, code: str) -> None:
        """The next bytes are these."""
        where = self.where
        demand(self.take(len(written)) == written, code, where)

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), self.order)

    def u24(self) -> int:
        return int.from_bytes(self.take(3), self.order)

    def u32(self) -> int:
        return int.from_bytes(self.take(4), self.order)

    def peek(self, size: int, ahead: int = 0) -> bytes:
        """The next bytes, or as many as there are, without going on."""
        return self.data[self.at + ahead : min(self.at + ahead + size, self.end)]

    def check_end(self) -> None:
        """Nothing follows."""
        demand(self.at == self.end, "trailing-bytes", self.where)


def check_rows(stream: bytes, row: int, rows: int, where: str, *, filtered: bool) -> None:
    """A zlib stream (RFC 1950) that ends with its last byte and yields exactly ``rows`` times ``row`` bytes; with
    ``filtered`` the first byte of each row is a filter type 0–4 (PNG, clause 9)."""
    machine, rest, done = zlib.decompressobj(), stream, 0
    try:
        while not machine.eof:
            part = machine.decompress(rest, CHUNK)
            rest = machine.unconsumed_tail
            demand(part or machine.eof, "stream-truncated", where)
            if filtered:
                demand(not part[-done % row :: row].translate(None, b"\0\1\2\3\4"), "filter-type", where)
            done += len(part)
            demand(done <= row * rows, "stream-size", where)
    except zlib.error as error:
        raise Violation("stream-invalid", where) from error
    demand(not machine.unused_data, "stream-trailing-bytes", where)
    demand(done == row * rows, "stream-size", where)
