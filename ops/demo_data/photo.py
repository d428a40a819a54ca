"""A photo-like picture of a flooded crossing, drawn with Pillow, with the EXIF of a telephone: its place included."""

from __future__ import annotations

import io
from random import Random

from PIL import ExifTags, Image, ImageDraw, ImageFilter
from PIL.TiffImagePlugin import IFDRational

SIZE = (1600, 1200)
HORIZON = 560
SHORE = 760  # where the water begins
SEA = ((35, 0, 0), (142, 30, 0))  # a place in the open Pacific: nobody's home

Colour = tuple[int, int, int]


def _gradient(top: Colour, bottom: Colour, height: int) -> Image.Image:
    column = Image.new("RGB", (1, height))
    for y in range(height):
        share = y / max(1, height - 1)
        column.putpixel((0, y), tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True)))
    return column.resize((SIZE[0], height))


def _town(draw: ImageDraw.ImageDraw, chance: Random) -> None:
    left = -20
    while left < SIZE[0]:
        width, height = chance.randint(110, 230), chance.randint(120, 330)
        shade = chance.randint(95, 150)
        draw.rectangle((left, HORIZON + 90 - height, left + width, SHORE), fill=(shade, shade - 4, shade - 10))
        for row in range(HORIZON + 110 - height, SHORE - 60, 44):
            for column in range(left + 14, left + width - 24, 34):
                glass = chance.choice(((70, 80, 92), (84, 96, 110), (190, 176, 120)))
                draw.rectangle((column, row, column + 18, row + 24), fill=glass)
        left += width + chance.randint(4, 40)


def _street(draw: ImageDraw.ImageDraw) -> None:
    draw.polygon(((0, SHORE), (560, HORIZON + 150), (1040, HORIZON + 150), (1600, SHORE)), fill=(78, 80, 84))
    for step in range(5):
        top = HORIZON + 156 + step * 10
        draw.rectangle((786 - step, top, 814 + step, top + 4), fill=(214, 214, 206))
    draw.rectangle((1176, 330, 1190, SHORE + 40), fill=(120, 124, 126))
    draw.rounded_rectangle((1040, 330, 1190, 380), 12, fill=(52, 56, 60))
    for number, lamp in enumerate(((40, 70, 66), (70, 62, 34), (222, 52, 40))):
        draw.ellipse((1050 + number * 46, 337, 1086 + number * 46, 373), fill=lamp)
    draw.rectangle((330, 520, 340, SHORE + 60), fill=(150, 150, 150))
    draw.polygon(((285, 480), (385, 480), (335, 566)), fill=(206, 44, 44), outline=(240, 240, 240))


def _water(picture: Image.Image, chance: Random) -> None:
    """Mirror what stands above the shore, darken it brown, break it with ripples."""
    depth = SIZE[1] - SHORE
    mirrored = picture.crop((0, SHORE - depth, SIZE[0], SHORE)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mud = _gradient((118, 104, 84), (78, 68, 54), depth)
    water = Image.blend(mirrored.filter(ImageFilter.GaussianBlur(5)), mud, 0.62)
    draw = ImageDraw.Draw(water)
    for _ in range(420):
        y = chance.randint(2, depth - 3)
        x, reach = chance.randint(-80, SIZE[0]), chance.randint(20, 40 + y // 3)
        shade = chance.randint(120, 172)
        ends = (x, y, x + reach, y + chance.randint(-1, 1))
        draw.line(ends, fill=(shade, shade - 12, shade - 30), width=1 + y // 180)
    picture.paste(water.filter(ImageFilter.GaussianBlur(1.2)), (0, SHORE))


def _grain(picture: Image.Image, chance: Random) -> Image.Image:
    half = (SIZE[0] // 2, SIZE[1] // 2)
    noise = Image.frombytes("L", half, chance.randbytes(half[0] * half[1])).filter(ImageFilter.GaussianBlur(0.8))
    return Image.blend(picture, noise.resize(SIZE).convert("RGB"), 0.07)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Kasumi"
    exif[ExifTags.Base.Model] = "Field Phone K2"
    exif[ExifTags.Base.Software] = "K2 Camera 3.1"
    exif[ExifTags.Base.ImageDescription] = "Kita crossing"
    exif[ExifTags.Base.Orientation] = 1
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    north, east = (tuple(IFDRational(part) for part in degrees) for degrees in SEA)
    place.update(
        {
            ExifTags.GPS.GPSVersionID: b"\x02\x03\x00\x00",
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: north,
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: east,
        }
    )
    return exif


def flooded_crossing() -> bytes:
    """A JPEG of 1600 by 1200 pixels with EXIF: maker, model, software and GPS position."""
    chance = Random("kasumigahama")
    picture = Image.new("RGB", SIZE)
    picture.paste(_gradient((96, 104, 116), (176, 180, 182), SIZE[1]), (0, 0))
    draw = ImageDraw.Draw(picture)
    _town(draw, chance)
    _street(draw)
    picture = picture.filter(ImageFilter.GaussianBlur(1.4))
    _water(picture, chance)
    out = io.BytesIO()
    _grain(picture, chance).save(out, "JPEG", quality=88, exif=_exif())
    return out.getvalue()
