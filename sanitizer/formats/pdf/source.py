"""Reading the objects of a received PDF: the only file that talks to qpdf about structure.

Rules kept here:

- Objects are read once, as plain values (see ``values``); nothing of a file is written through qpdf.
- What qpdf opens once per process is opened by the import, since a jail has no ``/dev``.
- Every byte that decompression yields is counted against one budget; passing it refuses the file (``bomb``).
- A file that qpdf cannot open, or that has no page, is tried once more with a new catalogue over the page objects
  found in it (``salvage``); there is no third try.

>>> Source.open(b"", None, Limits())
Traceback (most recent call last):
sanitizer.formats.base.Refused: ('unreadable', 'not a PDF that can be opened')
"""

from __future__ import annotations

import io
import re
import zlib

import msgspec
import pikepdf

from sanitizer.formats.base import NeedsPassword, Refused
from sanitizer.formats.pdf.values import Real, Value, is_ref
from sanitizer.limits import Limits

RATIO = 300  # a stream that inflates to more than this and LARGE is a bomb, unless it is the samples of an image
LARGE = 8 << 20
CUT = -1
_json = msgspec.json.Decoder(float_hook=Real)  # four times as fast as json.loads
MAX_SALVAGE = 16 << 20


def _open_source_of_chance() -> None:
    """qpdf opens /dev/urandom, once, before it touches the first file under AES-256 (revision 6), also to read it."""
    pikepdf.new().save(io.BytesIO(), encryption=pikepdf.Encryption(user="", owner="owner", R=6))


_open_source_of_chance()


class Source:
    """An opened PDF. ``root`` is the catalogue's dictionary."""

    def __init__(self, pdf: pikepdf.Pdf, limits: Limits) -> None:
        self.pdf = pdf
        self.limits = limits
        self.inflated = 0
        self.encrypted = pdf.is_encrypted
        self._cache: dict[str, tuple[Value, pikepdf.Object | None]] = {}
        self.root: dict[str, Value] = self._root()

    @classmethod
    def open(cls, data: bytes, password: str | None, limits: Limits) -> Source:
        """Opens ``data``; raises ``NeedsPassword``, or ``Refused`` where qpdf finds no PDF in it."""
        try:
            return cls(_pikepdf_open(data, password), limits)
        except pikepdf.PasswordError:
            raise NeedsPassword(wrong=bool(password)) from None
        except (pikepdf.PdfError, ValueError, RuntimeError):
            raise Refused("unreadable", "not a PDF that can be opened") from None

    def _root(self) -> dict[str, Value]:
        try:
            value = _plain(self.pdf.Root)
        except (pikepdf.PdfError, AttributeError, KeyError, RuntimeError):
            return {}
        return value if type(value) is dict else {}

    def has_info(self) -> bool:
        """Whether there is document information."""
        try:
            return "/Info" in self.pdf.trailer
        except (pikepdf.PdfError, RuntimeError):
            return False

    def load(self, reference: str) -> tuple[Value, pikepdf.Object | None]:
        """The value of an indirect object and, if it is a stream, its handle; (None, None) where there is none."""
        known = self._cache.get(reference)
        if known is not None:
            return known
        if len(self._cache) >= self.limits.max_objects:
            raise Refused("bomb", "too many objects")
        number, generation, _ = reference.split(" ")
        loaded: tuple[Value, pikepdf.Object | None] = (None, None)
        try:
            obj = self.pdf.get_object(int(number), int(generation))
            is_stream = isinstance(obj, pikepdf.Stream)
            loaded = (_plain(obj.stream_dict), obj) if is_stream else (_plain(obj), None)
        except (pikepdf.PdfError, ValueError, OverflowError):
            pass
        self._cache[reference] = loaded
        return loaded

    def anchored(self, v: Value) -> Value:
        """A reference to ``v``: itself, or a made-up one, so that what many pages inherit is written once."""
        if is_ref(v) or type(v) is not dict:
            return v
        reference = f"0 {id(v)} R"
        self._cache[reference] = v, None  # the cache keeps v alive, so its id stays its own
        return reference

    def resolve(self, v: Value) -> Value:
        """``v``, or what it refers to; the dictionary, if that is a stream."""
        for _ in range(8):
            if not is_ref(v):
                return v
            v = self.load(v)[0]
        return None

    def get(self, d: Value, key: str) -> Value:
        """The resolved value of ``key`` in dictionary ``d``; None where either is missing."""
        d = self.resolve(d)
        return self.resolve(d.get(key)) if type(d) is dict else None

    def items(self, v: Value) -> list[Value]:
        """The elements of an array, unresolved; a single value other than null counts as an array of one."""
        r = self.resolve(v)
        if type(r) is list:
            return r
        return [] if r is None else [v]

    def stream(self, v: Value) -> tuple[dict[str, Value], pikepdf.Object] | None:
        """Dictionary and handle, if ``v`` is a reference to a stream."""
        for _ in range(8):
            if not is_ref(v):
                return None
            value, handle = self.load(v)
            if handle is not None:
                return value, handle
            v = value
        return None

    def spend(self, amount: int) -> None:
        """Counts ``amount`` decompressed bytes."""
        self.inflated += amount
        if self.inflated > self.limits.max_inflated:
            raise Refused("bomb", "inflates to too much")

    def inflate(self, raw: bytes, most: int | None = None) -> tuple[bytes, int]:
        """Inflates a zlib stream, broken ones as far as they go.

        Returns (data, end): ``end`` is the length of the zlib stream in ``raw`` if it is whole, 0 if it is broken, CUT
        if it holds more than ``most`` bytes, which then are all that is given (an image needs no more). Without
        ``most``, implausible ratios are refused.
        """
        budget = self.limits.max_inflated - self.inflated
        room = budget if most is None else min(most, budget)
        data, end, more = _inflate(raw, room + 1)
        if more and room == budget:
            raise Refused("bomb", "inflates to too much")
        self.spend(len(data))
        if most is None and len(data) > LARGE and len(data) > RATIO * len(raw):
            raise Refused("bomb", "implausible compression ratio")
        return data[:room], CUT if len(data) > room else end


def _inflate(raw: bytes, room: int) -> tuple[bytes, int, bool]:
    z = zlib.decompressobj()
    try:
        data = z.decompress(raw, room)
    except zlib.error:
        return _inflate_broken(raw, room)
    return data, len(raw) - len(z.unused_data) if z.eof else 0, len(data) >= room


def _inflate_broken(raw: bytes, room: int) -> tuple[bytes, int, bool]:
    for wbits, body in ((15, raw), (-15, raw[2:])):
        z = zlib.decompressobj(wbits)
        out = bytearray()
        try:
            for i in range(0, len(body), 64):
                out += z.decompress(body[i : i + 64], max(room - len(out), 1))
                if len(out) >= room:
                    break
        except zlib.error:
            pass
        if out:
            return bytes(out), 0, len(out) >= room
    return b"", 0, False


def _pikepdf_open(data: bytes, password: str | None) -> pikepdf.Pdf:
    return pikepdf.open(
        io.BytesIO(data), password=password or "", suppress_warnings=True, inherit_page_attributes=False
    )


def _plain(obj: object) -> Value:
    if isinstance(obj, pikepdf.Object):
        return _json.decode(obj.to_json(dereference=True, schema_version=2))
    return obj if obj is None or isinstance(obj, bool | int) else Real(obj)


_OBJ = re.compile(rb"(?<![0-9])([0-9]{1,7})\s+([0-9]{1,5})\s+obj\b")
_PAGE = re.compile(rb"/Type\s*+/Page\b")


def salvage(data: bytes) -> bytes | None:
    """``data`` with a new page tree over its page objects appended, for qpdf to recover; None if there are none, or if
    they may be encrypted: the new trailer would not say so, and their strings and streams would pass for plain ones."""
    if len(data) > MAX_SALVAGE or b"/Encrypt" in data:
        return None
    objects = list(_OBJ.finditer(data))
    ends = [m.start() for m in objects[1:]] + [len(data)]
    found = [m for m, end in zip(objects, ends, strict=False) if _PAGE.search(data, m.end(), min(end, m.end() + 4000))]
    pages = list(dict.fromkeys((int(m[1]), int(m[2])) for m in found))
    if not pages:
        return None
    top = max(int(m[1]) for m in objects)
    kids = b" ".join(b"%d %d R" % page for page in pages)
    for old, new in ((b"trailer", b"trailxr"), (b"startxref", b"startxxxx"), (b"/XRef", b"/XRxf")):
        data = data.replace(old, new)
    return data + (
        b"\n%d 0 obj\n<</Type/Pages/Count %d/Kids[%s]>>\nendobj\n" % (top + 1, len(pages), kids)
        + b"%d 0 obj\n<</Type/Catalog/Pages %d 0 R>>\nendobj\n" % (top + 2, top + 1)
        + b"trailer\n<</Root %d 0 R/Size %d>>\nstartxref\n0\n%%%%EOF\n" % (top + 2, top + 3)
    )
