"""WAV: the samples and what is needed to play them; every other chunk goes.

Rules kept here:

- PCM of 8, 16, 24 or 32 bits leaves sample by sample as it came; the header is written anew.
- A length that is zero, or reaches beyond the end of the file (recorders that were switched off write such), counts as
  "to the end"; half a sample at the end goes.
- Other encodings (ADPCM, A-law, floating point …) are decoded to PCM by the media extra.
- What leaves is in the grammar of ``docs/grammar-media.md`` §2.

Source: Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft 1991), mmreg.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from sanitizer.formats.base import Change, Job, Rebuilt, Refused, ToConvert
from sanitizer.limits import Limits

_PCM, _EXTENSIBLE = 1, 0xFFFE
_SUBTYPE = bytes.fromhex("000000001000800000aa00389b71")  # of a GUID, behind the two bytes of the format tag
_WIDTHS = (8, 16, 24, 32)
_CHANNELS, _RATE = 8, 768_000
_TAGS = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"aXML", b"_PMX", b"cart", b"DISP", b"IDIT")
_RECIPE = "media-wav-wav"


def rebuild(data: bytes, job: Job) -> Rebuilt | ToConvert:
    """The same samples under a new header. Raises ``Refused``."""
    if job.drawn is not None:
        made = _rebuilt(job.drawn)
        if made is None:
            raise Refused("unreadable", "decoded to something else")
        made.changed.append(Change("media-reencoded", 1))
        return made
    return _rebuilt(data) or ToConvert(_RECIPE, data)


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """Sound has no picture."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """Sound says nothing in characters."""
    return ""


def _rebuilt(data: bytes) -> Rebuilt | None:
    """None: the samples are not PCM."""
    form, samples = b"", None
    tags = others = 0
    for name, start, size in chunks(data):
        if name == b"fmt " and not form:
            form = data[start : start + size]
        elif name == b"data" and form and samples is None:
            samples = start, size
        elif name in _TAGS:
            tags += 1
        else:
            others += 1
    if samples is None:
        raise Refused("unreadable", "no samples")
    kind = _pcm(form)
    if kind is None:
        return None
    channels, rate, width = kind
    block = channels * width // 8
    size = samples[1] // block * block
    if not size:
        raise Refused("unreadable", "no samples")
    sound = data[samples[0] : samples[0] + size]
    removed = [Change(what, count) for what, count in (("media-tag", tags), ("media-chunk", others)) if count]
    return Rebuilt(_written(channels, rate, width, sound), "audio/wav", removed)


def _written(channels: int, rate: int, width: int, sound: bytes) -> bytes:
    block = channels * width // 8
    pad = bytes(len(sound) & 1)
    if len(sound) > 0xFFFF_0000:
        raise Refused("output-too-large")
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(sound) + len(pad), b"WAVE", b"fmt ", 16, _PCM, channels,
                       rate, rate * block, block, width)  # fmt: skip
    return b"".join((head, b"data", struct.pack("<I", len(sound)), sound, pad))


def _pcm(form: bytes) -> tuple[int, int, int] | None:
    """Channels, samples per second and bits of a sample; None for another encoding. Raises ``Refused``."""
    if len(form) < 16:
        raise Refused("unreadable", "format chunk")
    tag, channels, rate, _, _, width = struct.unpack_from("<HHIIHH", form)
    if tag == _EXTENSIBLE and len(form) >= 40 and form[26:40] == _SUBTYPE:
        (tag,) = struct.unpack_from("<H", form, 24)
    if tag != _PCM or width not in _WIDTHS:
        return None
    if not (0 < channels <= _CHANNELS and 0 < rate <= _RATE):
        raise Refused("unreadable", "channels or rate")
    return channels, rate, width


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset and length of the chunks of a RIFF file, as far as they are there."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        left = len(data) - at - 8
        if name == b"data" and not size:  # the recorder never came back to write it
            size = left
        size = min(size, left)
        yield name, at + 8, size
        at += 8 + size + (size & 1)
