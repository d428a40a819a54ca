"""JBIG2, JPEG 2000 and odd JPEGs decoded to pixels by pdfium.

Rules kept here:

- The image object is copied alone into a new PDF and decoded there, without masks or page.
- What comes out is grey or RGB, eight bits (one bit for JBIG2), ready for Flate; no codec of the source survives.

>>> PIXEL_MODES["L"]
(b'/DeviceGray', 1)
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from sanitizer.formats.image_raster import idat

PIXEL_MODES = {"L": (b"/DeviceGray", 1), "RGB": (b"/DeviceRGB", 3), "1": (b"/DeviceGray", 1)}
_PAGE_OBJECT_IMAGE = pdfium.FPDF_PAGEOBJ_IMAGE


@dataclass(frozen=True, slots=True)
class Pixels:
    """Decoded samples. ``mode``: a key of ``PIXEL_MODES``; rows are padded to bytes, no predictor."""

    width: int
    height: int
    mode: str
    data: bytes

    def filtered(self) -> bytes:
        """The zlib stream of the rows with PNG filters (predictor 15)."""
        return idat(Image.frombytes(self.mode, (self.width, self.height), self.data))


def decode_pixels(handle: pikepdf.Object, *, bilevel: bool, max_pixels: int) -> Pixels | None:
    """The samples of image stream ``handle``; None where pdfium cannot decode it."""
    try:
        picture = _picture(_alone(handle))
    except (pikepdf.PdfError, pypdfium2.PdfiumError, ValueError):
        return None
    if picture is None or picture.width * picture.height > max_pixels:
        return None
    picture = picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB")
    if bilevel:
        picture = picture.convert("L").point(lambda x: 255 * (x > 127)).convert("1", dither=Image.Dither.NONE)
    return Pixels(picture.width, picture.height, picture.mode, picture.tobytes())


def _alone(handle: pikepdf.Object) -> bytes:
    """A PDF of one page with nothing but this image."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(100, 100))
        image = pdf.copy_foreign(handle)
        for key in ("/SMask", "/Mask", "/OC", "/Metadata", "/Alternates", "/OPI", "/SMaskInData"):
            if key in image.stream_dict:
                del image.stream_dict[key]
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=image))
        page.obj.Contents = pdf.make_stream(b"100 0 0 100 0 0 cm /I Do")
        out = io.BytesIO()
        pdf.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
        return out.getvalue()


def _picture(data: bytes) -> Image.Image | None:
    document = pypdfium2.PdfDocument(data)
    try:
        page = document[0]
        for found in page.get_objects(filter=[_PAGE_OBJECT_IMAGE]):
            picture: Image.Image = found.get_bitmap(render=False).to_pil()
            return picture.copy()
        return None
    finally:
        document.close()
