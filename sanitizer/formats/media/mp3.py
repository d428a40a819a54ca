"""MP3: the frames that play, one behind another, behind a header of our own; everything between and around them goes.

Rules kept here:

- Every bit that leaves plays a part in decoding: tags, encoder's notes, private bits and the unused rest of main data
  (where programs put their names, and others could put anything) are gone or zero.
- A frame whose data is not wholly there, or that a decoder could not follow, becomes silence of the same length, so
  that the sound keeps its duration. A file in which nothing plays is refused.
- The first frame is a Xing or Info frame, computed from the others, so that players know duration and places.
- ``flatten``: the media extra decodes the sound and encodes it anew; what it writes goes through the same rebuild.
- What leaves is in the grammar of ``docs/grammar-media.md`` §3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sanitizer.formats.base import Change, Job, Rebuilt, Refused, ToConvert
from sanitizer.formats.media.mp3_frames import Header, Parts, checksum, find_frames, read_header, read_parts, silence
from sanitizer.limits import Limits

MIME = "audio/mpeg"
_RECIPE = "media-mp3-mp3"
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
_XING = 116  # bytes: name, flags, frames, bytes, table of places
_PLACES = 100
_FARTHEST = {3: 511, 2: 255, 0: 255}  # bytes that main data may begin before its frame


@dataclass(slots=True)
class _Sound:
    """All frames: headers and side information one by one, main data in one row."""

    headers: list[Header] = field(default_factory=list)
    parts: list[Parts] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # of each frame's own bytes in ``main``
    ends: list[int] = field(default_factory=list)  # how far ``main`` had come with them, as received
    main: bytearray = field(default_factory=bytearray)


def rebuild(data: bytes, job: Job) -> Rebuilt | ToConvert:
    """The same sound, frame by frame. Raises ``Refused``."""
    if job.treatment != "flatten":
        return rebuilt(data, job.limits)
    if job.drawn is None:
        return ToConvert(_RECIPE, data)
    made = rebuilt(job.drawn, job.limits)
    return Rebuilt(made.data, MIME, changed=[Change("media-reencoded", 1)])


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """Sound has no picture."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """Sound says nothing in characters."""
    return ""


def rebuilt(data: bytes, limits: Limits) -> Rebuilt:
    """The file made anew. Raises ``Refused``."""
    sound, removed = _read(data, limits)
    kept, silenced, slack = _used(sound)
    if slack:
        removed.append(Change("stream-slack", slack))
    changed = [Change("damaged-sound", silenced)] if silenced else []
    made = _written(sound, kept)
    if data == made:
        return Rebuilt(data, MIME)
    return Rebuilt(made, MIME, removed, changed)


def _read(data: bytes, limits: Limits) -> tuple[_Sound, list[Change]]:
    sound, start = _Sound(), _behind_tags(data)
    tags, junk, notes = int(start > 0), 0, 0
    end = start
    for at, header in find_frames(data, start):
        if at > end:
            found = _tags_in(data[end:at])
            tags, junk = tags + found, junk + (not found)
        end = min(at + header.length, len(data))
        if not sound.headers and not notes and _is_note(data[at:end], header):
            notes = 1
            continue
        if len(sound.headers) == limits.max_objects:
            raise Refused("media-too-long", "frames")
        sound.headers.append(header)
        sound.parts.append(read_parts(data[at + header.body - header.side : at + header.body], header))
        sound.starts.append(len(sound.main))
        sound.ends.append(len(sound.main) + end - at - header.body)
        sound.main += data[at + header.body : end].ljust(header.length - header.body, b"\0")
    if not sound.headers:
        raise Refused("unreadable", "no frames")
    if data[end:].strip(b"\0"):
        found = _tags_in(data[end:])
        tags, junk = tags + found, junk + (not found)
    counted = (("media-tag", tags), ("media-encoder", notes), ("media-junk", junk))
    return sound, [Change(kind, count) for kind, count in counted if count]


def _behind_tags(data: bytes) -> int:
    """Where the audio begins: behind all ID3v2 tags (id3.org, ID3v2.4.0 §3.1)."""
    at = 0
    while data[at : at + 3] == b"ID3" and len(data) >= at + 10:
        size = 0
        for byte in data[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if data[at + 5] & 0x10 else 0)
    return min(at, len(data))


def _tags_in(between: bytes) -> int:
    return sum(between.count(name) for name in _TAGS)


def _is_note(frame: bytes, header: Header) -> bool:
    """Whether a frame is none of sound but the encoder's notes on the file. Notes that do not even say how many frames
    there are count as sound: players play them."""
    name, flags = frame[header.body : header.body + 4], frame[header.body + 4 : header.body + 8]
    return (name in (b"Xing", b"Info") and flags[-1:] > b"\0" and flags[-1] & 1 == 1) or frame[36:40] == b"VBRI"


def _used(sound: _Sound) -> tuple[bytearray, int, int]:
    """Main data without the bits that no frame claims; how many frames became silence; how many had unused bits.
    Raises ``Refused`` where nothing is left."""
    kept, taken = bytearray(len(sound.main)), 0
    silenced = slack = 0
    for number, (part, start, end) in enumerate(zip(sound.parts, sound.starts, sound.ends, strict=True)):
        begin, stop = start - part.back, start - part.back + (part.bits + 7 >> 3)
        damaged = not part.sound or begin < taken or stop > end
        if damaged or not part.bits:
            begin = stop = begin if not damaged else max(taken, start - _FARTHEST[sound.headers[number].like[0]])
            sound.parts[number] = silence(sound.headers[number], start - begin)
            silenced += damaged
        slack += any(sound.main[taken:begin])
        kept[begin:stop] = sound.main[begin:stop]
        if stop > begin and part.bits & 7:
            kept[stop - 1] &= 0xFF00 >> (part.bits & 7)
        taken = stop
    if silenced == len(sound.parts):
        raise Refused("unreadable", "nothing plays")
    return kept, silenced, slack


def _written(sound: _Sound, kept: bytearray) -> bytes:
    frames = []
    for header, part, start in zip(sound.headers, sound.parts, sound.starts, strict=True):
        check = checksum(header.plain[2:] + part.plain).to_bytes(2, "big") if header.protected else b""
        own = kept[start : start + header.length - header.body]
        frames.append(b"".join((header.plain, check, part.plain, own)))
    return _header_frame(sound.headers, frames) + b"".join(frames)


def _header_frame(headers: list[Header], frames: list[bytes]) -> bytes:
    """A silent frame that says how many frames and bytes come, and where each hundredth of the time begins."""
    header = _smallest(headers[0])
    count, total = len(frames), header.length + sum(map(len, frames))
    starts, at = [], header.length
    for frame in frames:
        starts.append(at)
        at += len(frame)
    table = bytes(starts[place * count // _PLACES] * 256 // total for place in range(_PLACES))
    name = b"Info" if len({each.bitrate for each in headers}) == 1 else b"Xing"
    numbers = (7).to_bytes(4, "big") + count.to_bytes(4, "big") + total.to_bytes(4, "big")
    body = header.plain + bytes(header.side) + name + numbers + table
    return body.ljust(header.length, b"\0")


def _smallest(first: Header) -> Header:
    """The header of the shortest frame without CRC and padding that holds the notes, otherwise like ``first``."""
    word = int.from_bytes(first.plain, "big") | 1 << 16
    for index in range(1, 15):
        header = read_header((word & ~(0xF << 12 | 1 << 9 | 3 << 4) | index << 12).to_bytes(4, "big"))
        if header is not None and header.length >= 4 + header.side + _XING:
            return header
    raise Refused("unreadable", "frame too short")
