"""Sound and video that only a program can read: decoded and encoded anew by the media extra, then written here.

Rules kept here:

- Nothing of the received file reaches the reader but pixels and samples: ffmpeg gets the bytes in a room of its own
  (``sanitizer/transcoding.py``), and what it makes is read here like something received, and written anew.
- MP4 and M4A stay what they are; other videos leave as MP4, compressed sound as M4A, FLAC as WAV, which loses nothing.
- What leaves is in the grammar of ``docs/grammar-media.md``.
"""

from __future__ import annotations

import struct

from sanitizer.formats.base import Change, Job, Rebuilt, Refused, ToConvert
from sanitizer.formats.media import boxes, wave
from sanitizer.limits import Limits

_RECIPES = {
    "audio/aac": "media-aac-m4a",
    "audio/aiff": "media-aiff-wav",
    "audio/amr": "media-amr-m4a",
    "audio/flac": "media-flac-wav",
    "audio/mp4": "media-m4a-m4a",
    "audio/ogg": "media-ogg-m4a",
    "video/mp2t": "media-m2ts-mp4",
    "video/mp4": "media-mp4-mp4",
    "video/mpeg": "media-mpg-mp4",
    "video/ogg": "media-ogv-mp4",
    "video/quicktime": "media-mov-mp4",
    "video/x-flv": "media-flv-mp4",
    "video/x-matroska": "media-mkv-mp4",
    "video/x-ms-asf": "media-asf-mp4",
    "video/x-msvideo": "media-avi-mp4",
}
_LEAVES = {"m4a": "audio/mp4", "mp4": "video/mp4", "wav": "audio/wav"}


def rebuild(data: bytes, job: Job) -> Rebuilt | ToConvert:
    """First a question to the media extra, then its answer made into a file. Raises ``Refused``."""
    recipe = _RECIPES[job.mime]
    if job.drawn is None:
        return ToConvert(recipe, data)
    mime = _LEAVES[recipe.rpartition("-")[2]]
    changed = [Change("media-reencoded", 1)]
    if mime != job.mime:
        changed.append(Change("to-mp4" if mime.startswith("video") else "to-sound", 1))
    if mime == "audio/wav":
        made = wave.rebuild(job.drawn, job)
        return Rebuilt(made.data, mime, changed=changed)
    return Rebuilt(_written(job.drawn, mime, job.limits), mime, changed=changed)


def _written(data: bytes, mime: str, limits: Limits) -> bytes:
    try:
        tracks = boxes.read(data)
    except struct.error:
        raise Refused("unreadable", "boxes") from None
    if max(track.duration for track in tracks) > limits.media_seconds * 1000:
        raise Refused("media-too-long", "duration")
    if sum(len(track.sizes) for track in tracks) > limits.max_objects:
        raise Refused("media-too-long", "samples")
    if any(track.width * track.height > limits.media_pixels for track in tracks):
        raise Refused("too-many-pixels")
    if mime == "audio/mp4" and any(track.video for track in tracks):
        raise Refused("unreadable", "pictures in sound")
    return boxes.write(data, tracks, mime)


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """None: pictures of a video are not decoded here."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """Sound and video say nothing in characters."""
    return ""
