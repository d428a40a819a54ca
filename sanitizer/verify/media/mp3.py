"""MP3: one frame of notes that follows from the others, and frames in which every bit is claimed or zero.

Rules kept here:

- Headers and side information are read as rows of binary digits, by the field tables of ``docs/grammar-media.md`` §3.
- Nothing is searched for: the next frame begins where the last one ends.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sanitizer.limits import Limits
from sanitizer.verify import Violation

_RATES = {"11": (44100, 48000, 32000), "10": (22050, 24000, 16000), "00": (11025, 12000, 8000)}
_KILOBITS = {
    "11": (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    "10": (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_KILOBITS["00"] = _KILOBITS["10"]
_GRANULE = {"11": (12, 9, 8, 4, 1, 22, 3), "10": (12, 9, 8, 9, 1, 22, 2)}  # bits of the fields
_GRANULE["00"] = _GRANULE["10"]
_NOTES = 116


@dataclass(frozen=True, slots=True)
class _Frame:
    """A header, read."""

    version: str
    rate: str
    mono: bool
    emphasis: str
    bitrate: int
    size: int
    checked: bool

    @property
    def side(self) -> int:
        """Bytes of side information."""
        if self.version == "11":
            return 17 if self.mono else 32
        return 9 if self.mono else 17

    @property
    def kind(self) -> tuple[str, str, bool, str]:
        """What all frames share."""
        return self.version, self.rate, self.mono, self.emphasis


def verify(data: bytes, limits: Limits, mime: str = "audio/mpeg") -> None:
    """Nothing if ``data`` is in the grammar, else ``Violation``."""
    if len(data) > limits.max_output:
        raise Violation("size")
    notes = _header(data, 0)
    at, bitrates = notes.size, set()
    starts: list[int] = []
    main = claimed = 0  # offsets in the row of all main data
    row = bytearray()
    while at < len(data):
        frame = _header(data, at)
        if frame.kind != notes.kind:
            raise Violation("other-kind", f"frame {len(starts)}")
        body = at + 4 + 2 * frame.checked + frame.side
        if frame.size < body - at or at + frame.size > len(data):
            raise Violation("frame-size", f"frame {len(starts)}")
        back, bits = _side(data, at, frame, len(starts))
        row += data[body : at + frame.size]
        main = len(row) - (at + frame.size - body)
        claimed = _claim(row, claimed, main - back, bits, len(starts))
        starts.append(at)
        bitrates.add(frame.bitrate)
        at += frame.size
        if len(starts) > limits.max_objects:
            raise Violation("too-many-frames")
    if not starts:
        raise Violation("no-frames")
    if any(row[claimed:]):
        raise Violation("unclaimed", "end")
    _check_notes(data, notes, starts, len(bitrates) == 1)


def _claim(row: bytearray, claimed: int, begin: int, bits: int, number: int) -> int:
    """The new end of what is claimed; what lies before ``begin`` and behind the last bit must be zero."""
    whole, rest = divmod(bits, 8)
    end = begin + whole + (rest > 0)
    if begin < claimed or end > len(row):
        raise Violation("main-data", f"frame {number}")
    if any(row[claimed:begin]) or (rest and row[end - 1] & (0xFF >> rest)):
        raise Violation("unclaimed", f"frame {number}")
    return end


def _header(data: bytes, at: int) -> _Frame:
    if len(data) < at + 4:
        raise Violation("frame-header")
    digits = "".join(f"{byte:08b}" for byte in data[at : at + 4])
    version, layer, bitrate, rate = digits[11:13], digits[13:15], int(digits[16:20], 2), digits[20:22]
    mode, extension, emphasis = digits[24:26], digits[26:28], digits[30:32]
    if digits[:11] != "1" * 11 or version == "01" or layer != "01" or bitrate in (0, 15) or rate == "11":
        raise Violation("frame-header")
    if emphasis == "10" or digits[23] != "0" or digits[28:30] != "00" or (mode != "01" and extension != "00"):
        raise Violation("header-bits")
    factor = 144000 if version == "11" else 72000
    size = factor * _KILOBITS[version][bitrate] // _RATES[version][int(rate, 2)] + int(digits[22])
    return _Frame(version, rate, mode == "11", emphasis, bitrate, size, digits[15] == "0")


def _side(data: bytes, at: int, frame: _Frame, number: int) -> tuple[int, int]:
    """``main_data_begin`` and the bits of main data that the frame claims."""
    start = at + 4 + 2 * frame.checked
    side = data[start : start + frame.side]
    if frame.checked and int.from_bytes(data[at + 4 : at + 6], "big") != _crc(data[at + 2 : at + 4] + side):
        raise Violation("checksum", f"frame {number}")
    digits = "".join(f"{byte:08b}" for byte in side)
    channels, first = (1 if frame.mono else 2), frame.version == "11"
    counted = 9 if first else 8
    private = (5 if frame.mono else 3) if first else channels
    if "1" in digits[counted : counted + private]:
        raise Violation("private-bits", f"frame {number}")
    at_digit, bits = counted + private + (4 * channels if first else 0), 0
    for _ in range(2 * channels if first else channels):
        fields = []
        for width in _GRANULE[frame.version]:
            fields.append(digits[at_digit : at_digit + width])
            at_digit += width
        bits += int(fields[0], 2)
        if int(fields[1], 2) > 288 or (fields[4] == "1" and fields[5][:2] == "00"):
            raise Violation("granule", f"frame {number}")
    if at_digit != len(digits):
        raise Violation("side-information", f"frame {number}")
    if not bits and "1" in digits[counted:]:
        raise Violation("silence", f"frame {number}")
    return int(digits[:counted], 2), bits


def _crc(data: bytes) -> int:
    register = 0xFFFF
    for byte in data:
        for shift in range(7, -1, -1):
            carry = register >> 15 ^ byte >> shift & 1
            register = (register << 1 & 0xFFFF) ^ (0x8005 if carry else 0)
    return register


def _check_notes(data: bytes, notes: _Frame, starts: list[int], constant: bool) -> None:
    """The first frame, computed and compared."""
    shortest = next(
        (
            index
            for index in range(1, 15)
            if _length(notes, index) >= 4 + notes.side + _NOTES
        ),
        0,
    )  # fmt: skip
    count, total = len(starts), len(data)
    table = bytes(starts[hundredth * count // 100] * 256 // total for hundredth in range(100))
    said = (b"Info" if constant else b"Xing") + struct.pack(">III", 7, count, total) + table
    first = data[: notes.size]
    body = first[4 : 4 + notes.side]
    rest = first[4 + notes.side :]
    if notes.checked or notes.bitrate != shortest or first[2] & 2 or (first[3] & 0x30):
        raise Violation("notes", "header")
    if any(body) or rest[:_NOTES] != said or any(rest[_NOTES:]):
        raise Violation("notes", "contents")
    if first[3] != data[starts[0] + 3] & 0xCF:
        raise Violation("notes", "mode")


def _length(notes: _Frame, index: int) -> int:
    factor = 144000 if notes.version == "11" else 72000
    return factor * _KILOBITS[notes.version][index] // _RATES[notes.version][int(notes.rate, 2)]
