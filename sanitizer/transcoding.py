"""ffmpeg's command lines: what is decoded, and what is encoded anew. Pure.

Rules kept here:

- The demuxer is named, never guessed; no other one, no protocol but ``file``, and no decoder but those of the list is
  within reach: no playlists, no references to other files.
- The first stream of pictures and the first of sound are decoded to pixels and samples and encoded anew; everything
  else (covers, subtitles, chapters, attachments, data, tags) is not taken along.
- Turned pictures leave upright, with square pixels and an even number of them in both directions.
- ffmpeg writes no name of its own, and no message of the encoder (``bitexact``; SEI are filtered out).

Source: ffmpeg(1), ffmpeg-codecs(1), ffmpeg-formats(1) 5.1.

>>> command(RECIPES["media-flac-wav"], Limits())[-3:]
['-f', 'wav', 'file:/room/out.wav']
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sanitizer import bubblewrap
from sanitizer.limits import MIB, Limits
from sanitizer.recipes import RECIPES, Recipe
from sanitizer.runner import Task

__all__ = ["RECIPES", "command", "missing", "program", "task"]

_PLACES = "/usr/bin:/usr/local/bin:/bin"
_FOLDERS = ("/etc/alternatives", "/etc/ld.so.cache")  # Debian's libraries of linear algebra are links through it
_BASE_MEMORY = 1024 * MIB  # address space of ffmpeg and its libraries, with a margin
_ROOM = 16 * MIB
_SOUND = (
    "aac,aac_latm,ac3,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_yamaha,alac,amrnb,amrwb,dca,eac3,flac,gsm,gsm_ms,mp1,"
    "mp1float,mp2,mp2float,mp3,mp3float,opus,libopus,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,"
    "pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be,truehd,vorbis,wmav1,wmav2,wmapro,"
    "wmalossless,wmavoice"
)
_PICTURES = (
    "av1,libdav1d,dvvideo,flv,h261,h263,h264,hevc,mjpeg,mpeg1video,mpeg2video,mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4,"
    "prores,rawvideo,svq3,theora,vc1,vp6,vp6f,vp8,vp9,wmv1,wmv2,wmv3"
)
_AAC = ("-c:a", "aac", "-b:a", "160k", "-ac", "2", "-ar", "48000", "-flags:a", "+bitexact")
_BOXES = ("-empty_hdlr_name", "1", "-write_tmcd", "0", "-brand", "isom", "-f", "mp4")
_H264 = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-profile:v", "high", "-pix_fmt", "yuv420p"),
    *("-flags:v", "+bitexact", "-bsf:v", "filter_units=remove_types=6"),
    *("-vf", "scale=trunc(iw*sar/2)*2:trunc(ih/2)*2,setsar=1"),
)
_WRITES: dict[str, tuple[str, ...]] = {
    "mp3": ("-vn", "-map", "0:a:0", "-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "0",
            "-id3v2_version", "0", "-f", "mp3"),
    "wav": ("-vn", "-map", "0:a:0", "-c:a", "pcm_s16le", "-f", "wav"),
    "m4a": ("-vn", "-map", "0:a:0", *_AAC, *_BOXES),
    "mp4": ("-map", "0:V:0?", "-map", "0:a:0?", *_H264, *_AAC, *_BOXES),
}  # fmt: skip


def program() -> str | None:
    """Where ffmpeg is; None if it is not installed."""
    return shutil.which("ffmpeg", path=_PLACES)


def missing() -> str:
    """What this machine lacks to decode sound and video, as Debian package names; empty if nothing."""
    lacking = [] if program() else ["ffmpeg"]
    return " ".join(lacking if shutil.which(bubblewrap.PROGRAM) else [*lacking, "bubblewrap"])


def command(recipe: Recipe, limits: Limits) -> list[str]:
    """The arguments of ffmpeg, itself first."""
    return [
        program() or "ffmpeg",
        *("-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
        *("-filter_threads", "1", "-threads", "1", "-protocol_whitelist", "file", "-format_whitelist", recipe.reads),
        *("-codec_whitelist", f"{_SOUND},{_PICTURES}", "-max_pixels", str(limits.media_pixels)),
        *("-f", recipe.reads, "-i", f"file:{bubblewrap.ROOM}/in.{recipe.source}"),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-dn", "-sn", "-fflags", "+bitexact", "-threads", "1"),
        *_WRITES[recipe.writes],
        f"file:{bubblewrap.ROOM}/out.{recipe.target}",
    ]


def task(recipe: Recipe, size: int, limits: Limits) -> Task:
    """One run for the runner: the input rides along, nothing else lies in the room."""
    return Task(
        parent=os.getpid(),
        argv=command(recipe, limits),
        folders=[path for path in (program() or "", *_FOLDERS) if path and Path(path).exists()],
        environment={"LANG": "C.UTF-8"},
        source=f"in.{recipe.source}",
        size=size,
        result=f"out.{recipe.target}",
        seeded=False,
        room_bytes=_ROOM + size + limits.max_output,
        cpu_seconds=limits.media_cpu_seconds,
        memory=_BASE_MEMORY + limits.memory,
        max_file=limits.max_output,
    )
