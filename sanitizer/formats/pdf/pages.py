"""The page tree (ISO 32000-1, 7.7.3), made flat, and the catalogue.

Rules kept here:

- Pages are met in order; a node of the tree met again on its own path ends that branch; a page listed twice is two.
- What a page inherits is written into it; a page without a media box gets US Letter, as readers assume.
- Order of work: pages are numbered, annotations placed, then everything is written, the structure last.

>>> LETTER
b'[0 0 612 792]'
"""

from __future__ import annotations

from collections import Counter

from sanitizer.formats.base import Refused
from sanitizer.formats.pdf.actions import report, report_triggers
from sanitizer.formats.pdf.annotations import PageAnnotations
from sanitizer.formats.pdf.build import Builder, table
from sanitizer.formats.pdf.content import content_of
from sanitizer.formats.pdf.forms import Form
from sanitizer.formats.pdf.graphics import GROUP, resources
from sanitizer.formats.pdf.images import struct_parent
from sanitizer.formats.pdf.outlines import Outline, page_labels
from sanitizer.formats.pdf.rules import boolean, direct, either, names, number, numbers, of
from sanitizer.formats.pdf.structure import Structure
from sanitizer.formats.pdf.values import Value, is_ref, ref, spell_lang

DEEPEST = 60
MOST_REPEATS = 1000  # of one page
MOST_NODES = 200_000  # of the page tree; a node counts as often as it is met
INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
LETTER = b"[0 0 612 792]"
RECT = numbers(4, 4)

FoundPage = tuple[Value, dict[str, Value]]  # source value, dictionary with what it inherits

PAGE = table(
    "Page",
    "Type Page",
    MediaBox=RECT,
    CropBox=RECT,
    BleedBox=RECT,
    TrimBox=RECT,
    ArtBox=RECT,
    UserUnit=number,
    Resources=resources,
    Group=either(GROUP),
    Tabs=names("R C S"),
    StructParents=struct_parent,
    defaults={"MediaBox": LETTER.decode(), "Resources": "<<>>"},
)
VIEWER = table(
    "ViewerPreferences",
    FitWindow=boolean,
    CenterWindow=boolean,
    DisplayDocTitle=boolean,
    Direction=names("L2R R2L"),
    PrintScaling=names("None AppDefault"),
    Duplex=names("Simplex DuplexFlipShortEdge DuplexFlipLongEdge"),
)
MARK_INFO = table("MarkInfo", Marked=boolean, Suspects=boolean)
CATALOGUE = table(
    "Catalog",
    "Type Catalog",
    PageLayout=names("SinglePage OneColumn TwoColumnLeft TwoColumnRight TwoPageLeft TwoPageRight"),
    PageMode=names("UseNone UseOutlines UseThumbs"),
    ViewerPreferences=direct(VIEWER),
    MarkInfo=direct(MARK_INFO),
    Lang=of(spell_lang),
    PageLabels=page_labels,
)


def find_pages(b: Builder) -> list[FoundPage]:
    """(source value, dictionary with what it inherits) of every page in order."""
    out: list[FoundPage] = []
    times: Counter[str] = Counter()
    # (node, what it inherits, the path of references above it)
    todo: list[tuple[Value, dict[str, Value], tuple[str, ...]]] = [(b.source.root.get("/Pages"), {}, ())]
    for _ in range(MOST_NODES):
        if not todo:
            return out
        v, inherited, path = todo.pop()
        d = b.source.resolve(v)
        if type(d) is not dict or len(path) > DEEPEST or (is_ref(v) and v in path):
            continue
        full = inherited | {k: x for k, x in d.items() if x is not None}
        kids = b.source.resolve(d.get("/Kids"))
        if type(kids) is list and b.source.get(d, "/Type") != "/Page":
            down = {k: b.source.anchored(full[k]) for k in INHERITED if k in full}
            below = (*path, v) if is_ref(v) else path
            todo += [(x, down, below) for x in reversed(kids[: b.source.limits.max_pages + 1])]
        elif b.source.get(d, "/Type") in ("/Page", None) or "/Contents" in d:
            key = v if is_ref(v) else ""
            times[key] += bool(key)
            if times[key] > MOST_REPEATS:
                raise Refused("bomb", "one page listed too often")
            if times[key] > 1:
                full["/Resources"] = b.source.anchored(full.get("/Resources"))
            out.append((v, full))
            if len(out) > b.source.limits.max_pages:
                raise Refused("too-many-pages")
    raise Refused("bomb", "page tree too large")


class Document:
    """One file on its way: pages in, catalogue out."""

    def __init__(self, b: Builder, pages: list[FoundPage]) -> None:
        self._b = b
        self._pages = pages
        self._numbers = [b.new() for _ in pages]
        b.page_numbers = self._numbers
        for (v, _), n in zip(pages, self._numbers, strict=True):
            if is_ref(v):
                b.pages.setdefault(v, n)
        self._contents: dict[tuple[str, ...], bytes] = {}

    def write(self) -> int:
        """Writes everything; the number of the catalogue."""
        b = self._b
        structure = Structure(b)
        b.structured = structure.present()
        tree = b.new()
        annotations = self._place_annotations()
        form = Form(b, annotations).write()
        for i, (_, d) in enumerate(self._pages):
            b.report.place = f"page {i + 1}"
            self._write_page(i, d, tree, annotations[i][1])
            b.drain()
        b.report.place = ""
        b.put(tree, self._tree())
        entries = [b"/Pages " + ref(tree)]
        entries += [b"/AcroForm " + form] if form else []
        outline = Outline(b).write()
        entries += [b"/Outlines " + outline] if outline else []
        b.drain()
        tags = structure.write() if b.structured else None
        entries += [b"/StructTreeRoot " + tags] if tags else []
        catalogue = b.new()
        b.put(catalogue, b.body(CATALOGUE, self._root(), entries))
        b.drain()
        return catalogue

    def _root(self) -> dict[str, Value]:
        """The catalogue without what is reported here."""
        b, root = self._b, dict(self._b.source.root)
        opening = root.pop("/OpenAction", None)
        if type(b.source.resolve(opening)) is dict:
            b.report.removed("open-action")
            report(opening, b)
        if root.get("/AA") is not None:
            report_triggers(root.pop("/AA"), b)
        return root

    def _tree(self) -> bytes:
        kids = b" ".join([ref(n) for n in self._numbers])
        return b"<</Count %d /Kids [%b] /Type /Pages>>" % (len(self._numbers), kids)

    def _place_annotations(self) -> list[tuple[str, PageAnnotations]]:
        out = []
        for i, (_, d) in enumerate(self._pages):
            self._b.report.place = place = f"page {i + 1}"
            annotations = PageAnnotations(self._b, d.get("/Annots"))
            annotations.place()
            out.append((place, annotations))
        self._b.report.place = ""
        return out

    def _write_page(self, i: int, d: dict[str, Value], tree: int, annotations: PageAnnotations) -> None:
        b = self._b
        if d.get("/AA") is not None:
            report_triggers(d["/AA"], b)
            d = {k: v for k, v in d.items() if k != "/AA"}
        entries = [b"/Parent " + ref(tree), *self._rotation(d), *self._content(d)]
        listed = annotations.write()
        entries += [b"/Annots [" + b" ".join(listed) + b"]"] if listed else []
        b.put(self._numbers[i], b.body(PAGE, d, entries))

    def _rotation(self, d: dict[str, Value]) -> list[bytes]:
        turn = self._b.source.resolve(d.get("/Rotate"))
        return [b"/Rotate %d" % (turn % 360)] if type(turn) is int and turn % 90 == 0 and turn % 360 else []

    def _content(self, d: dict[str, Value]) -> list[bytes]:
        b = self._b
        given = d.get("/Contents")
        listed = [given] if b.source.stream(given) else b.source.items(given)
        parts = [(v, found) for v in listed if (found := b.source.stream(v)) and found[0].get("/F") is None]
        if not parts:
            return []
        key = (*(str(v) for v, _ in parts), repr(d.get("/Resources")))
        known = self._contents.get(key)
        if known is None:
            data, kept = content_of(b, [found for _, found in parts], d.get("/Resources"))
            n = b.new()
            b.put_stream(n, [], data, kept)
            known = self._contents[key] = b"/Contents " + ref(n)
        return [known]
