"""Keeps encoded pixels from spelling something else: a script, a page, a document or an archive that another program
might take the picture for.

Rules kept here:

- Compressed pixels spell short words by chance, and raw or stored ones spell what a sender painted. The rebuilt file is
  looked through; if it spells a carrier, the picture is encoded again in another way, and from the third time on with
  the lowest bit of every sample turned, which nobody sees.
- ``<%@`` has only three bytes: it is avoided in files up to 8 MiB, as far as three tries go; in larger ones chance
  wins.

>>> spells(b"GIF89a<ScRiPt>"), spells(b"GIF89a")
(True, False)
"""

from __future__ import annotations

from PIL import Image

ANYWHERE = (b"<script", b"<?php", b"javascript:", b"pk\x05\x06")
AT_THE_HEAD = (b"<html", b"<svg", b"<!doctype", b"%pdf-")
HEAD = 1024
BY_CHANCE = b"<%@"
TRIES = 8
TRIES_BY_CHANCE = 3
SIZE_BY_CHANCE = 8 << 20


def spells(data: bytes) -> bool:
    """Whether the bytes could be taken for something else than a picture."""
    lowered = data.lower()
    head = lowered[:HEAD]
    return any(word in lowered for word in ANYWHERE) or any(word in head for word in AT_THE_HEAD)


def is_fine(data: bytes, variation: int) -> bool:
    """Whether a rebuilt picture may leave after so many variations of its encoding."""
    by_chance = variation < TRIES_BY_CHANCE and len(data) <= SIZE_BY_CHANCE and BY_CHANCE in data
    return not by_chance and not spells(data)


def varied(image: Image.Image, variation: int) -> Image.Image:
    """``image`` with a low bit of every sample turned from the third variation on; palettes and 16 bits stay."""
    if variation < TRIES_BY_CHANCE or image.mode not in ("L", "LA", "RGB", "RGBA"):
        return image
    bit = 1 if variation % 2 else 2
    bands = [band.point([value ^ bit for value in range(256)]) for band in image.split()]
    if image.mode in ("LA", "RGBA"):
        bands[-1] = image.getchannel("A")
    return Image.merge(image.mode, bands)


def rotated(indices: Image.Image, colours: bytes, variation: int) -> tuple[Image.Image, bytes]:
    """Colour indices (mode L or P) and their table, turned by ``variation`` places: the same picture, other bytes.
    ``colours`` is a whole table of 2, 4, 16 … 256 entries."""
    count = len(colours) // 3
    turn = variation % count
    if turn == 0:
        return indices, colours
    moved = indices.point([(value + turn) % count if value < count else value for value in range(256)])
    return moved, colours[-3 * turn :] + colours[: -3 * turn]
