"""WAV: 44 bytes that follow from five numbers, and samples up to the end (``docs/grammar-media.md`` §2).

>>> verify(bytes.fromhex("524946462600000057415645666d74201000000001000100401f0000803e00000200100064617461020000000000"), Limits())
"""  # noqa: E501

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.verify import Violation

_HEAD = 44


def verify(data: bytes, limits: Limits, mime: str = "audio/wav") -> None:
    """Nothing if ``data`` is in the grammar, else ``Violation``."""
    if not _HEAD < len(data) <= limits.max_output:
        raise Violation("size")
    channels, rate, width = _number(data, 22, 2), _number(data, 24, 4), _number(data, 34, 2)
    samples = _number(data, 40, 4)
    if not (1 <= channels <= 8 and 1 <= rate <= 768_000 and width in (8, 16, 24, 32)):
        raise Violation("format")
    block = channels * width // 8
    if samples == 0 or samples % block:
        raise Violation("samples")
    head = b"".join(
        (b"RIFF", _bytes(len(data) - 8, 4), b"WAVEfmt ", _bytes(16, 4), _bytes(1, 2), _bytes(channels, 2))
    ) + b"".join(
        (_bytes(rate, 4), _bytes(rate * block, 4), _bytes(block, 2), _bytes(width, 2), b"data", _bytes(samples, 4))
    )
    if data[:_HEAD] != head:
        raise Violation("header")
    if len(data) != _HEAD + samples + samples % 2 or any(data[_HEAD + samples :]):
        raise Violation("length")


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _bytes(number: int, size: int) -> bytes:
    if number >= 256**size:
        raise Violation("header")
    return number.to_bytes(size, "little")
