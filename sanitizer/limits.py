"""How much one file may cost: every number that ends in a refusal.

Rules kept here:

- Each limit has one refusal code (``sanitizer/refusals.py``); reaching it is a verdict, never an error.
- The jailed side checks limits while it reads; the trusting side enforces input, output, CPU, wall clock and memory
  again, because a taken-over worker checks nothing.
- Sizes are bytes, times are seconds.

>>> Limits(max_pages=3).max_pages
3
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one examination; the jailed side gets the same object as the trusting side."""

    max_input: int = 200 * MIB  # bytes of the received file → too-large
    max_output: int = 256 * MIB  # bytes of the rebuilt file → output-too-large
    max_pages: int = 10_000  # → too-many-pages
    max_pixels: int = 100_000_000  # of one image, all frames of an animation summed → too-many-pixels
    max_frames: int = 1_000  # of an animation or a multi-page image → too-many-pages
    max_depth: int = 40  # nesting of direct objects, trees, members → too-deep
    max_objects: int = 1_000_000  # objects, members, elements → bomb
    max_inflated: int = 512 * MIB  # bytes that all decompression of one file may yield → bomb
    max_members: int = 10_000  # of a container and of the containers in it → bomb
    max_nesting: int = 3  # containers within one another, the received file is the first → too-deep
    max_ratio: int = 200  # bytes of all members for one received byte, beyond the first 16 MiB of them → bomb
    total_cpu_seconds: int = 600  # of all jailed processes for one received file → timeout
    cpu_seconds: int = 60  # of one jailed process → timeout
    wall_seconds: float = 120.0  # of one jailed process, kept by the trusting side → timeout
    memory: int = 1024 * MIB  # address space that a jailed process may add to what it starts with → memory
    thumbnail_side: int = 320  # longest side of a thumbnail in pixels
    thumbnail_bytes: int = 2 * MIB  # size of a thumbnail in bytes
    text_bytes: int = 4 * MIB  # size of an extracted text in bytes; what is beyond is left out
    drawn_side: int = 842  # longest side of a page drawn for comparison, in pixels: A4 at 72 dpi
    drawn_at_once: int = 8  # pages that one jailed process draws
    compared_pages: int = 64  # pages of a file that are compared; what is beyond is not
    compared_pictures: int = 6  # differing pages of which pictures are kept
    compared_seconds: float = 30.0  # CPU of comparing one file; what is not compared by then is not
    parts: int = 300  # tables or pictures that are given out of one file; what is beyond is left out
    parts_bytes: int = 64 * MIB  # all of them together
    parts_cpu_seconds: int = 20  # of making them
    media_pixels: int = 8_847_360  # of one picture of a video, 4096 × 2160 → unreadable
    media_seconds: int = 6 * 3600  # duration of a sound or video that is encoded anew → media-too-long
    media_cpu_seconds: int = 300  # of decoding and encoding one → media-too-long
    media_wall_seconds: float = 420.0  # the same, by the clock → media-too-long
    thumbnail_cpu_seconds: int = 10
    thumbnail_wall_seconds: float = 20.0

    def plain(self) -> dict[str, int | float]:
        """As numbers by name, to travel to the jailed side: ``Limits(**plain)`` is the same again."""
        return dict(_plain(self))


@cache
def _plain(limits: Limits) -> dict[str, int | float]:
    return asdict(limits)
