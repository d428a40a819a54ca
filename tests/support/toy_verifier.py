"""A verifier for the toy formats of the tests; its files may attack it. Runs inside the jail only."""

from __future__ import annotations

import ctypes
import time

from sanitizer.limits import Limits
from sanitizer.verify import Violation


def verify(data: bytes, limits: Limits, mime: str) -> None:
    """Accepts what ``evil_format`` rebuilt honestly, and its picture."""
    if b"crash-verifier" in data:
        ctypes.string_at(0)
    if b"loop-verifier" in data:
        while True:
            pass
    if b"busy-verifier".hex().encode() in data:  # in a container: as long as what is in it
        end = time.process_time() + 1.4
        while time.process_time() < end:
            pass
    if b"stumble-verifier" in data:
        raise ValueError("stumbled")
    if b"violate" in data or not data.startswith((b"rebuilt: ", b"picture")):
        raise Violation("foreign-bytes", "offset 9")
    if data.startswith(b"picture") != (mime == "image/png"):
        raise Violation("another-type")
