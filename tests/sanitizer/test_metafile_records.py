"""Enhanced metafiles that are drawn without LibreOffice: what is seen, and what is left to LibreOffice."""

from __future__ import annotations

import random
import struct

import pypdfium2
import pytest
from PIL import Image
from support.metafile_samples import emf

from sanitizer.formats.base import Job, Rebuilt, ToConvert
from sanitizer.formats.metafile import rebuild
from sanitizer.formats.package import metafile_fonts
from sanitizer.formats.package.metafile_records import drawn
from sanitizer.formats.package.metafiles import Metafiles
from sanitizer.limits import Limits
from sanitizer.verify.image import verify

SIZE = (100.0, 50.0)  # points: a fifth of a point for each pixel of the device
BLACK, WHITE, RED, BLUE = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)
TRANSPARENT = struct.pack("<I", 1)
NO_PEN, NO_BRUSH = (37, struct.pack("<I", 0x80000008)), (37, struct.pack("<I", 0x80000005))
needs_a_font = pytest.mark.skipif(
    metafile_fonts.known("Arial", bold=False, italic=False) is None, reason="fonts-liberation is not installed"
)


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<II", kind, 8 + len(body)) + body


def metafile(*records: tuple[int, bytes]) -> bytes:
    """A metafile of 500 × 250 pixels with these records."""
    inside = b"".join(record(*one) for one in records)
    return emf(known=True)[:88] + inside + record(14, struct.pack("<III", 0, 16, 20))


def numbers(form: str, *values: float) -> bytes:
    return struct.pack(f"<{form}", *values)


def brush(colour: tuple[int, int, int], number: int = 1) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    return (39, numbers("IIBBBBI", number, 0, *colour, 0, 0)), (37, numbers("I", number))


def pen(colour: tuple[int, int, int], width: int, style: int = 0) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    return (38, numbers("IIiiBBBB", 2, style, width, 0, *colour, 0)), (37, numbers("I", 2))


def box(left: int, top: int, right: int, bottom: int) -> tuple[int, bytes]:
    return 43, numbers("4i", left, top, right, bottom)


def points(kind: int, *pairs: tuple[int, int], form: str = "h") -> tuple[int, bytes]:
    body = numbers("4iI", 0, 0, 0, 0, len(pairs)) + b"".join(numbers(f"2{form}", *pair) for pair in pairs)
    return kind, body + bytes(-len(body) % 4)


def font(family: str, height: int, weight: int = 400, **given: int) -> tuple[tuple[int, bytes], tuple[int, bytes]]:
    looks = bytes([given.get("italic", 0), given.get("underlined", 0), 0, 0, 0, 0, 0, 0])
    name = family.encode("utf-16-le").ljust(64, b"\0")
    said = numbers("Iiiiii", 3, height, given.get("width", 0), given.get("escapement", 0), 0, weight)
    return (82, said + looks + name + bytes(228)), (37, numbers("I", 3))


def text(said: str, x: int, y: int, step: int = 10, options: int = 0) -> tuple[int, bytes]:
    letters = said.encode("utf-16-le")
    letters += bytes(-len(letters) % 4)
    body = bytes(16) + numbers("Iff", 1, 1, 1) + numbers("iiIII", x, y, len(said), 76, options) + bytes(16)
    return 84, body + numbers("I", 76 + len(letters)) + letters + numbers(f"{len(said)}I", *[step] * len(said))


def bitmap(image: Image.Image, box: tuple[int, int, int, int], operation: int = 0x00CC0020) -> tuple[int, bytes]:
    across, down = image.size
    rows = image.tobytes("raw", "BGR", 0, -1)
    stride = len(rows) // down
    pixels = b"".join(rows[at : at + stride] + bytes(-stride % 4) for at in range(0, len(rows), stride))
    header = numbers("IiiHHIIiiII", 40, across, down, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    body = bytes(16) + numbers("6i", box[0], box[1], 0, 0, across, down)
    body += numbers("6I", 80, 40, 120, len(pixels), 0, operation) + numbers("2i", box[2], box[3])
    return 81, body + header + pixels


def shown(data: bytes) -> Image.Image:
    """The metafile as it is drawn here, a pixel for each pixel of its device."""
    page = drawn(data, SIZE)
    assert page is not None
    picture: Image.Image = pypdfium2.PdfDocument(page)[0].render(scale=5).to_pil().convert("RGB")
    assert picture.size == (500, 250)
    return picture


def colours(picture: Image.Image, *places: tuple[int, int]) -> list[object]:
    return [picture.getpixel(place) for place in places]


def dark(picture: Image.Image, area: tuple[int, int, int, int]) -> int:
    """How many pixels of an area are more black than white."""
    return sum(picture.crop(area).convert("L").histogram()[:128])


def test_shapes_are_filled_with_their_brush() -> None:
    triangle = points(86, (300, 50), (400, 50), (400, 200))
    picture = shown(metafile(*brush(RED), NO_PEN, box(100, 50, 200, 100), *brush(BLUE), triangle))
    assert colours(picture, (150, 75), (390, 75), (310, 190), (50, 75)) == [RED, BLUE, WHITE, WHITE]


def test_lines_have_the_width_and_colour_of_their_pen() -> None:
    go, line = (27, numbers("ii", 50, 100)), (54, numbers("ii", 450, 100))
    picture = shown(
        metafile(*pen(BLUE, 20), go, line, points(89, (450, 200)), NO_BRUSH, points(87, (10, 10), (10, 200)))
    )
    assert colours(picture, (250, 95), (250, 105), (250, 120), (450, 150), (10, 100)) == [BLUE, BLUE, WHITE, BLUE, BLUE]


def test_paths_are_filled_stroked_and_clip() -> None:
    path = [
        (59, b""),
        (27, numbers("ii", 100, 50)),
        points(89, (200, 50), (200, 150), (100, 150)),
        (61, b""),
        (60, b""),
    ]
    everything = box(0, 0, 500, 250)
    clipped = [*path, (67, numbers("I", 5)), everything, (75, numbers("II", 0, 5)), box(400, 0, 420, 250)]
    picture = shown(metafile(*brush(RED), NO_PEN, *clipped))
    assert colours(picture, (150, 100), (50, 100), (250, 100), (410, 100)) == [RED, WHITE, WHITE, RED]
    picture = shown(metafile(*brush(RED), *pen(BLUE, 10), *path, (63, bytes(16)), *path, (64, bytes(16))))
    assert colours(picture, (150, 100), (100, 100), (50, 100)) == [RED, BLUE, WHITE]


def test_a_state_that_is_restored_is_as_it_was() -> None:
    left = (30, numbers("4i", 0, 0, 250, 250))
    inner = [(33, b""), left, *brush(BLUE, 5), box(0, 0, 500, 250), (34, numbers("i", -1))]
    picture = shown(metafile(*brush(RED), NO_PEN, *inner, box(400, 0, 500, 250)))
    assert colours(picture, (100, 100), (300, 100), (450, 100)) == [BLUE, WHITE, RED]


def test_logical_units_are_those_of_window_and_view() -> None:
    units = [(17, numbers("I", 8)), (9, numbers("ii", 50, 25)), (11, numbers("ii", 500, 250))]
    picture = shown(metafile(*units, (10, numbers("ii", 5, 0)), *brush(RED), NO_PEN, box(15, 5, 25, 15)))
    assert colours(picture, (150, 100), (90, 100), (210, 100), (150, 40)) == [RED, WHITE, WHITE, WHITE]


def test_a_picture_stands_in_its_box_upright() -> None:
    image = Image.new("RGB", (2, 2), RED)
    image.putpixel((0, 1), BLUE)
    picture = shown(metafile(bitmap(image, (100, 50, 100, 100))))
    assert colours(picture, (110, 60), (110, 140), (190, 140), (210, 60)) == [RED, BLUE, RED, WHITE]


@needs_a_font
def test_letters_stand_where_the_record_puts_them() -> None:
    common = [(18, TRANSPARENT), (24, bytes([255, 0, 0, 0])), (22, numbers("I", 24)), *font("Arial", -40)]
    picture = shown(metafile(*common, text("II", 100, 100, step=200)))
    assert dark(picture.getchannel("G").convert("RGB"), (100, 60, 115, 102)) > 50
    assert dark(picture.getchannel("G").convert("RGB"), (300, 60, 315, 102)) > 50
    assert not dark(picture, (0, 103, 500, 250)) and not dark(picture, (120, 0, 295, 250))
    right = shown(metafile(*common[:2], (22, numbers("I", 2)), *common[3:], text("II", 400, 100, step=50)))
    green = right.getchannel("G").convert("RGB")
    assert dark(green, (300, 100, 320, 140)) > 50 and not dark(green, (0, 0, 500, 99))


@needs_a_font
@pytest.mark.parametrize("family", ["Times New Roman", "Courier New", "Helvetica", "Arial"])
def test_each_family_has_its_styles(family: str) -> None:
    """Bold letters are darker."""
    normal, bold = (
        dark(shown(metafile((18, TRANSPARENT), *font(family, 60, weight), text("mm", 50, 50, 100))), (0, 0, 500, 250))
        for weight in (400, 700)
    )
    assert 100 < normal < bold


LEFT = [
    [(42, numbers("4i", 0, 0, 9, 9))],  # an ellipse: a record that is not known
    [(70, numbers("I", 4) + b"EMF+")],
    [(17, numbers("I", 2))],  # a tenth of a millimetre
    [(20, numbers("I", 7))],  # exclusive or
    [*pen(BLACK, 1, style=1), box(0, 0, 9, 9)],  # dashes
    [(39, numbers("IIBBBBI", 1, 2, 0, 0, 0, 0, 3))],  # hatched
    [(37, numbers("I", 77))],  # an object that is not there
    [(62, bytes(16)), (61, b"")],
    [(34, numbers("i", -1))],
    [(75, numbers("II", 32, 1) + bytes(32))],
    [(18, TRANSPARENT), text("a", 9, 9)],  # without a font
    [(18, TRANSPARENT), *font("Arial", -9), text("表", 9, 9)],
    [(18, TRANSPARENT), *font("Arial", -9), text("a", 9, 9, options=0x10)],  # numbers of glyphs
    [(18, TRANSPARENT), *font("Wingdings", -9), text("a", 9, 9)],
    [(18, TRANSPARENT), (22, numbers("I", 1)), *font("Arial", -9), text("a", 9, 9)],
    [*font("Arial", -9), text("a", 9, 9)],  # on a background
    [*font("Arial", -9, underlined=1)],
    [*font("Arial", -9, escapement=900)],
    [bitmap(Image.new("RGB", (2, 2)), (0, 0, 9, 9), operation=0x008800C6)],  # a mask
    [(81, bytes(72))],
    [(43, bytes(4))],
    [points(86)],
]


@pytest.mark.parametrize("records", LEFT)
def test_what_is_not_known_is_left_to_libreoffice(records: list[tuple[int, bytes]]) -> None:
    assert drawn(metafile(box(0, 0, 9, 9)), SIZE) is not None
    assert drawn(metafile(*records), SIZE) is None


def test_what_ends_early_is_left_to_libreoffice() -> None:
    data = emf(known=True)
    for end in range(len(data)):
        if end != len(data) - 12:  # the end record is not read beyond its head
            assert drawn(data[:end], SIZE) is None or end > len(data) - 12
    endless = data[:88] + record(25, bytes(4)) * 100_001
    assert drawn(endless, SIZE) is None


def test_whatever_the_bytes_are_there_is_an_answer() -> None:
    image = bitmap(Image.new("RGB", (2, 2), RED), (10, 10, 50, 50))
    state, said = [(33, b""), (34, numbers("i", -1))], [*font("Arial", -9), (18, TRANSPARENT), text("ab", 9, 9)]
    curve = points(88, (1, 1), (2, 2), (3, 3))
    whole = metafile(*brush(RED), *pen(BLUE, 3), box(0, 0, 9, 9), image, *said, curve, *state)
    chance = random.Random(1)
    for _ in range(3_000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice((0, 1, 2, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        page = drawn(bytes(data), SIZE)
        assert page is None or page.startswith(b"%PDF-1.7")


def test_metafiles_of_a_document_go_to_the_converter_only_where_they_must() -> None:
    metafiles = Metafiles()
    assert (metafiles.picture(emf(known=True)) or b"").startswith(b"\x89PNG")
    assert not metafiles.found
    assert metafiles.picture(emf()) is None
    assert len(metafiles.found) == 1


def test_a_metafile_alone_leaves_as_png_without_the_converter() -> None:
    made = rebuild(emf(known=True), Job("image/emf", "rebuild", "a.emf", None, Limits()))
    assert isinstance(made, Rebuilt) and made.mime == "image/png"
    verify(made.data, Limits(), made.mime)
    waiting = rebuild(emf(), Job("image/emf", "rebuild", "a.emf", None, Limits()))
    assert isinstance(waiting, ToConvert)
