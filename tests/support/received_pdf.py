"""Synthetic PDFs, written by hand: what must stay, and one sample of everything that must go.

A ``Draft`` is a one-page document that features are added to; ``bytes()`` writes it with a classic cross-reference
table. Every hostile feature carries ``marker(kind)``, a string that must not be found in any rebuilt file.

>>> b"/Launch" in hostile("launch") and marker("launch") in hostile("launch")
True
>>> everything().count(b"%%EOF")
2
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterable

from PIL import Image, ImageDraw

TEXT = "Notice of the council meeting"
JAPANESE = "会議の資料を送付します"


def marker(kind: str) -> bytes:
    """The string that the hostile feature ``kind`` leaves in the file."""
    return b"SECRET-" + kind.encode()


class Draft:
    """A document while it is written. ``catalogue``, ``page``, ``resources``: entries by key, as they shall stand."""

    def __init__(self, content: bytes | None = None, size: tuple[int, int] = (300, 200)) -> None:
        self.objects: dict[int, bytes] = {}
        self.catalogue: dict[str, str] = {}
        self.page: dict[str, str] = {"MediaBox": f"[0 0 {size[0]} {size[1]}]"}
        self.names: dict[str, str] = {}
        self.form: dict[str, str] = {}
        self.fields: list[str] = []
        self.annotations: list[str] = []
        self.resources: dict[str, dict[str, str]] = {}
        self.content = b"BT /F1 14 Tf 20 160 Td (%b) Tj ET\n" % TEXT.encode() if content is None else content
        self.kids = ["3 0 R"]
        self.before: list[bytes] = []  # older revisions, written before the rest
        self.after = b""
        self.trailer: dict[str, str] = {}
        self._next = 10
        self.resources["Font"] = {"F1": "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"}

    def add(self, body: str | bytes) -> str:
        """A new object; the reference to it."""
        number, self._next = self._next, self._next + 1
        self.objects[number] = body.encode() if isinstance(body, str) else body
        return f"{number} 0 R"

    def stream(self, entries: str, data: bytes, *, flate: bool = False) -> str:
        """A new stream; the reference to it."""
        if flate:
            data, entries = zlib.compress(data), entries + "/Filter/FlateDecode"
        return self.add(b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries.encode(), len(data), data))

    def resource(self, kind: str, name: str, value: str) -> None:
        """Adds ``/name value`` to the resources of ``kind``."""
        self.resources.setdefault(kind, {})[name] = value

    def annotate(self, entries: str) -> str:
        """A new annotation on the page; the reference to it."""
        reference = self.add(f"<</Type/Annot{entries}>>")
        self.annotations.append(reference)
        return reference

    def __bytes__(self) -> bytes:
        """The file: catalogue 1, page tree 2, page 3, content 4."""
        content = b"<</Length %d>>\nstream\n%b\nendstream" % (len(self.content), self.content)
        resources = "".join(f"/{kind}<<{_spell(values)}>>" for kind, values in self.resources.items())
        page = self.page | ({"Annots": f"[{' '.join(self.annotations)}]"} if self.annotations else {})
        catalogue = dict(self.catalogue)
        if self.names:
            catalogue["Names"] = f"<<{_spell(self.names)}>>"
        if self.form or self.fields:
            catalogue["AcroForm"] = f"<</Fields[{' '.join(self.fields)}]{_spell(self.form)}>>"
        fixed = {
            1: f"<</Type/Catalog/Pages 2 0 R{_spell(catalogue)}>>".encode(),
            2: f"<</Type/Pages/Count {len(self.kids)}/Kids[{' '.join(self.kids)}]>>".encode(),
            3: f"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<<{resources}>>{_spell(page)}>>".encode(),
            4: content,
        }
        return b"".join(self.before) + written(fixed | self.objects, self.trailer) + self.after


def _spell(entries: dict[str, str]) -> str:
    return "".join(f"/{key} {value}" for key, value in entries.items())


def written(objects: dict[int, bytes], trailer: dict[str, str] | None = None) -> bytes:
    """A file with these objects; 1 is the catalogue."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    rows = {0: b"0000000000 65535 f \n"}
    for number, body in sorted(objects.items()):
        rows[number] = b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    size = max(rows) + 1
    start = len(out)
    out += b"xref\n0 %d\n" % size + b"".join(rows.get(n, b"0000000000 00000 f \n") for n in range(size))
    extra = _spell(trailer or {}).encode()
    return bytes(out + b"trailer\n<</Root 1 0 R/Size %d%b>>\nstartxref\n%d\n%%%%EOF\n" % (size, extra, start))


def utf16(text: str) -> str:
    """A text string in UTF-16BE, as hex."""
    return f"<FEFF{text.encode('utf-16-be').hex()}>"


# What must stay


def japanese_text(d: Draft) -> None:
    """A line of Japanese in a font that is not embedded, by a predefined CMap."""
    info = "<</Registry(Adobe)/Ordering(Japan1)/Supplement 6>>"
    descriptor = d.add("<</Type/FontDescriptor/FontName/HeiseiMin-W3/Flags 6/FontBBox[0 -120 1000 880]/StemV 80>>")
    about = f"/CIDSystemInfo{info}/FontDescriptor {descriptor}/DW 1000"
    cid = d.add(f"<</Type/Font/Subtype/CIDFontType0/BaseFont/HeiseiMin-W3{about}>>")
    font = d.add(f"<</Type/Font/Subtype/Type0/BaseFont/HeiseiMin-W3/Encoding/UniJIS-UTF16-H/DescendantFonts[{cid}]>>")
    d.resource("Font", "FJ", font)
    d.content += b"BT /FJ 14 Tf 20 130 Td <%b> Tj ET\n" % JAPANESE.encode("utf-16-be").hex().encode()


def links(d: Draft) -> None:
    """A web link, a mail link and a link within the file, by name."""
    d.annotate("/Subtype/Link/Rect[20 100 80 112]/Border[0 0 1]/A<</S/URI/URI(https://www.example.lg.jp/a?b=c)>>")
    d.annotate("/Subtype/Link/Rect[90 100 150 112]/A<</S/URI/URI(mailto:soumu@example.lg.jp)>>")
    d.annotate("/Subtype/Link/Rect[160 100 220 112]/Dest(chapter)")
    d.names["Dests"] = "<</Names[(chapter)<</D[3 0 R/XYZ 0 200 null]>>]>>"


def outline(d: Draft) -> None:
    """Two levels of outline."""
    root, first, second = (f"{d._next + i} 0 R" for i in range(3))
    d.catalogue["Outlines"] = d.add(f"<</Type/Outlines/First {first}/Last {first}/Count 2>>")
    d.add(f"<</Title {utf16('第一章')}/Parent {root}/Dest[3 0 R/Fit]/First {second}/Last {second}/Count 1>>")
    d.add(f"<</Title(Section)/Parent {first}/A<</S/GoTo/D[3 0 R/FitH 100]>>>>")


def page_labels(d: Draft) -> None:
    """Roman page labels with a Japanese prefix."""
    d.catalogue["PageLabels"] = f"<</Nums[0<</S/r/P {utf16('資料')}/St 3>>]>>"


def form(d: Draft) -> None:
    """A text field and a check box with appearances."""
    on = d.stream("/Type/XObject/Subtype/Form/BBox[0 0 10 10]", b"0 0 10 10 re f")
    off = d.stream("/Type/XObject/Subtype/Form/BBox[0 0 10 10]", b"0 0 10 10 re S")
    look = d.stream("/Type/XObject/Subtype/Form/BBox[0 0 100 14]", b"/Tx BMC BT /Helv 10 Tf 2 3 Td (Taro) Tj ET EMC")
    d.form |= {"DA": "(/Helv 0 Tf 0 g)", "DR": "<</Font<</Helv<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"}
    d.fields.append(
        d.annotate(
            f"/Subtype/Widget/Rect[20 60 120 74]/FT/Tx/T({'name'})/TU {utf16('氏名')}/V(Taro)/DA(/Helv 10 Tf 0 g)"
            f"/F 4/AP<</N {look}>>/MK<</BC[0]>>"
        )
    )
    d.fields.append(
        d.annotate(
            f"/Subtype/Widget/Rect[130 60 140 70]/FT/Btn/T(agree)/V/Yes/AS/Yes/F 4/AP<</N<</Yes {on}/Off {off}>>>>"
        )
    )


def structure(d: Draft) -> None:
    """A paragraph in a structure tree, with alternative text."""
    root, element = (f"{d._next + i} 0 R" for i in range(2))
    d.catalogue |= {
        "StructTreeRoot": d.add(
            f"<</Type/StructTreeRoot/K[{element}]/ParentTree<</Nums[0[{element}]]>>/RoleMap<</Absatz/P>>>>"
        ),
        "MarkInfo": "<</Marked true>>",
        "Lang": "(ja-JP)",
    }
    d.add(f"<</Type/StructElem/S/Absatz/P {root}/Pg 3 0 R/K 0/Alt {utf16('お知らせ')}>>")
    d.page["StructParents"] = "0"
    d.content = b"/Absatz <</MCID 0 >>BDC " + d.content + b"EMC\n"


def comment(d: Draft) -> None:
    """A sticky note with its popup."""
    note, popup = (f"{d._next + i} 0 R" for i in range(2))
    d.annotate(f"/Subtype/Text/Rect[240 150 260 170]/Contents {utf16('確認してください')}/Popup {popup}/Name/Comment")
    d.annotate(f"/Subtype/Popup/Rect[180 80 290 140]/Parent {note}")


def picture(kind: str) -> Image.Image:
    """A little picture: ``RGB``, ``L`` or ``1``."""
    image = Image.new("RGB", (40, 24), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((4, 4, 20, 18), fill=(200, 30, 30))
    draw.ellipse((18, 6, 36, 20), fill=(20, 60, 200))
    return image.convert(kind, dither=Image.Dither.NONE) if kind != "RGB" else image


def show(d: Draft, entries: str, data: bytes, *, flate: bool = False) -> None:
    """Adds an image XObject of 40 by 24 samples and shows it."""
    name = f"Im{d._next}"
    d.resource("XObject", name, d.stream(f"/Type/XObject/Subtype/Image/Width 40/Height 24{entries}", data, flate=flate))
    d.content += b"q 80 0 0 48 200 20 cm /%b Do Q\n" % name.encode()


def flate_image(d: Draft) -> None:
    """RGB samples under Flate."""
    show(d, "/ColorSpace/DeviceRGB/BitsPerComponent 8", picture("RGB").tobytes(), flate=True)


def jpeg_bytes() -> bytes:
    """A JPEG with an EXIF segment and a comment."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "SECRET-exif"
    picture("RGB").save(out, "JPEG", quality=90, exif=exif, comment=b"SECRET-comment")
    return out.getvalue()


def jpeg_image(d: Draft) -> None:
    """A JPEG."""
    show(d, "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode", jpeg_bytes())


def jpx_image(d: Draft) -> None:
    """JPEG 2000, lossless."""
    out = io.BytesIO()
    picture("RGB").save(out, "JPEG2000", irreversible=False)
    show(d, "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/JPXDecode", out.getvalue())


def group4() -> bytes:
    """The picture in CCITT group 4 (black is 1)."""
    out = io.BytesIO()
    picture("1").save(out, "TIFF", compression="group4", tiffinfo={278: 24})
    with Image.open(io.BytesIO(out.getvalue())) as tiff:
        offset, length = tiff.tag_v2[273][0], tiff.tag_v2[279][0]  # type: ignore[attr-defined]
    return out.getvalue()[offset : offset + length]


def ccitt_image(d: Draft) -> None:
    """CCITT group 4."""
    parms = "/DecodeParms<</K -1/Columns 40/Rows 24>>"
    show(d, f"/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/CCITTFaxDecode{parms}", group4())


def jbig2_image(d: Draft) -> None:
    """JBIG2: one generic region in MMR coding (ITU-T T.88, 7.4.6)."""
    page = struct.pack(">IIIIBH", 40, 24, 0, 0, 0, 0)
    region = struct.pack(">IIIIB", 40, 24, 0, 0, 0) + b"\x01" + group4()
    data = b""
    for number, (kind, body) in enumerate(((48, page), (38, region), (49, b""))):
        data += struct.pack(">IBBBI", number, kind, 0, 1, len(body)) + body
    show(d, "/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/JBIG2Decode", data)


BENIGN: dict[str, Callable[[Draft], None]] = {
    "japanese_text": japanese_text,
    "links": links,
    "outline": outline,
    "page_labels": page_labels,
    "form": form,
    "structure": structure,
    "comment": comment,
    "flate_image": flate_image,
    "jpeg_image": jpeg_image,
    "jpx_image": jpx_image,
    "ccitt_image": ccitt_image,
    "jbig2_image": jbig2_image,
}


# What must go; the keys are the kinds that the report names


def _script(kind: str) -> str:
    return f"<</S/JavaScript/JS(app.alert\\('{marker(kind).decode()}'\\))>>"


def _file(d: Draft, kind: str) -> str:
    stream = d.stream("/Type/EmbeddedFile", b"MZ payload " + marker(kind))
    return d.add(f"<</Type/Filespec/F(a.exe)/UF(a.exe)/EF<</F {stream}>>>>")


def _javascript(d: Draft) -> None:
    d.names["JavaScript"] = f"<</Names[(x) {d.add(_script('javascript'))}]>>"
    d.annotate(f"/Subtype/Link/Rect[1 1 9 9]/A<</S/GoTo/D[3 0 R/Fit]/Next {_script('javascript')}>>")


def _open_action(d: Draft) -> None:
    d.catalogue["OpenAction"] = _script("open-action")


def _additional_actions(d: Draft) -> None:
    d.catalogue["AA"] = f"<</WC {_script('additional-actions')}>>"
    d.page["AA"] = f"<</O {_script('additional-actions')}>>"
    d.annotate(f"/Subtype/Widget/FT/Tx/T(aa)/Rect[1 1 9 9]/AA<</K {_script('additional-actions')}>>")


def _embedded_file(d: Draft) -> None:
    d.names["EmbeddedFiles"] = f"<</Names[(a.exe) {_file(d, 'embedded-file')}]>>"
    d.annotate(f"/Subtype/FileAttachment/Rect[1 1 9 9]/FS {_file(d, 'embedded-file')}")
    d.catalogue["AF"] = f"[{_file(d, 'embedded-file')}]"


def _action(kind: str, entries: str) -> Callable[[Draft], None]:
    def add(d: Draft) -> None:
        d.annotate(f"/Subtype/Link/Rect[1 1 9 9]/A<<{entries.format(marker(kind).decode())}>>")

    return add


def _link_target(d: Draft) -> None:
    for target in (
        "javascript:alert('{}')",
        "file:///etc/{}",
        "\\\\\\\\host\\\\{}",
        "data:text/html,{}",
        "ms-msdt:/{}",
    ):
        address = target.format(marker("link-target").decode()).replace("(", "\\(").replace(")", "\\)")
        d.annotate(f"/Subtype/Link/Rect[1 1 9 9]/A<</S/URI/URI({address})>>")


def _xfa(d: Draft) -> None:
    d.form["XFA"] = d.stream("", b"<xdp:xdp>" + marker("xfa") + b"</xdp:xdp>")


def _calculation_order(d: Draft) -> None:
    field = d.annotate(f"/Subtype/Widget/FT/Tx/T(sum)/Rect[1 1 9 9]/TM({marker('none').decode()[:4]})")
    d.fields.append(field)
    d.form["CO"] = f"[{field}]"
    d.objects[int(field.split()[0])] += b" % " + marker("calculation-order")


def _multimedia(d: Draft) -> None:
    d.annotate(f"/Subtype/RichMedia/Rect[1 1 9 9]/RichMediaContent<</Assets<</Names[(a) {_file(d, 'multimedia')}]>>>>")
    d.annotate("/Subtype/Screen/Rect[1 1 9 9]/A<</S/Rendition/OP 0>>")
    d.annotate(f"/Subtype/3D/Rect[1 1 9 9]/3DD {d.stream('/Type/3D/Subtype/U3D', marker('multimedia'))}")


def _external_stream(d: Draft) -> None:
    d.resource("XObject", "X", d.stream(f"/Subtype/Form/BBox[0 0 1 1]/F({marker('external-stream').decode()})", b""))


def _postscript(d: Draft) -> None:
    d.resource("XObject", "PS", d.stream("/Type/XObject/Subtype/PS", b"(%b) print" % marker("postscript")))


def _html_text(d: Draft) -> None:
    # the words stay, harmless; so the marker is the tag itself
    d.annotate("/Subtype/Text/Rect[240 20 260 40]/Contents(<script>alert\\(1\\)</script>)")


def _older_revision(d: Draft) -> None:
    old = Draft(b"BT /F1 9 Tf 5 5 Td (%b) Tj ET" % marker("older-revision"))
    d.before.append(bytes(old))


def _outside_bytes(d: Draft) -> None:
    d.after += b"PK\x03\x04" + marker("outside-bytes")


def _stream_slack(d: Draft) -> None:
    data = picture("RGB").tobytes() + marker("stream-slack")
    show(d, "/ColorSpace/DeviceRGB/BitsPerComponent 8", data, flate=True)


def _hidden_layer(d: Draft) -> None:
    shown, hidden = d.add("<</Type/OCG/Name(shown)>>"), d.add(f"<</Type/OCG/Name({marker('hidden-layer').decode()})>>")
    d.catalogue["OCProperties"] = f"<</OCGs[{shown} {hidden}]/D<</ON[{shown}]/OFF[{hidden}]>>>>"
    d.resource("Properties", "L0", shown)
    d.resource("Properties", "L1", hidden)
    secret = d.stream(f"/Subtype/Form/BBox[0 0 9 9]/OC {hidden}", b"% " + marker("hidden-layer"))
    d.resource("XObject", "Hidden", secret)
    d.content += b"/OC /L0 BDC BT /F1 9 Tf 20 20 Td (shown) Tj ET EMC /Hidden Do\n"
    d.content += b"/OC /L1 BDC BT /F1 9 Tf 20 30 Td (%b) Tj ET 5 5 50 50 re f EMC\n" % marker("hidden-layer")


def _hidden_field(d: Draft) -> None:
    d.fields.append(d.add(f"<</FT/Tx/T(nowhere)/V({marker('hidden-field').decode()})>>"))


def _alternate_image(d: Draft) -> None:
    samples = picture("L").tobytes()
    head = "/Type/XObject/Subtype/Image/Width 40/Height 24/ColorSpace/DeviceGray/BitsPerComponent 8"
    other = d.stream(head, samples[:100] + marker("alternate-image") + samples[100:])
    show(d, f"/ColorSpace/DeviceGray/BitsPerComponent 8/Alternates[<</Image {other}>>]", samples)


def _page_thumbnail(d: Draft) -> None:
    d.page["Thumb"] = d.stream("/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8", marker("page-thumbnail"))


def _private_data(d: Draft) -> None:
    private = d.stream("", marker("private-data"))
    d.page["PieceInfo"] = f"<</App<</Private {private}/LastModified(D:2026)>>>>"


def _comment_bytes(d: Draft) -> None:
    d.content += b"% " + marker("comment-bytes") + b"\n"


def _content_junk(d: Draft) -> None:
    d.content += marker("content-junk") + b" 1 0 0 RG\n"


def _document_info(d: Draft) -> None:
    d.trailer["Info"] = d.add(f"<</Author({marker('document-info').decode()})>>")


def _metadata(d: Draft) -> None:
    d.catalogue["Metadata"] = d.stream("/Type/Metadata/Subtype/XML", b"<x>" + marker("metadata") + b"</x>")


def _signature(d: Draft) -> None:
    value = d.add(
        f"<</Type/Sig/Filter/Adobe.PPKLite/ByteRange[0 1 2 3]/Contents<00>/Name({marker('signature').decode()})>>"
    )
    d.fields.append(d.annotate(f"/Subtype/Widget/FT/Sig/T(sig)/Rect[1 1 9 9]/V {value}"))


def _comment_author(d: Draft) -> None:
    who = marker("comment-author").decode()
    d.annotate(f"/Subtype/Text/Rect[240 20 260 40]/T({who})/RC(<body>{who}</body>)/NM({who})/Contents(fine)")


HOSTILE: dict[str, Callable[[Draft], None]] = {
    "javascript": _javascript,
    "open-action": _open_action,
    "additional-actions": _additional_actions,
    "embedded-file": _embedded_file,
    "launch": _action("launch", "/S/Launch/Win<</F(cmd.exe)/P({})>>"),
    "submit-form": _action("submit-form", "/S/SubmitForm/F<</FS/URL/F(https://{}/)>>"),
    "import-data": _action("import-data", "/S/ImportData/F({})"),
    "remote-goto": _action("remote-goto", "/S/GoToR/F({}.pdf)/D[0/Fit]"),
    "other-action": _action("other-action", "/S/Hide/T({})"),
    "link-target": _link_target,
    "xfa": _xfa,
    "calculation-order": _calculation_order,
    "multimedia": _multimedia,
    "external-stream": _external_stream,
    "postscript": _postscript,
    "html-text": _html_text,
    "older-revision": _older_revision,
    "outside-bytes": _outside_bytes,
    "stream-slack": _stream_slack,
    "hidden-layer": _hidden_layer,
    "hidden-field": _hidden_field,
    "alternate-image": _alternate_image,
    "page-thumbnail": _page_thumbnail,
    "private-data": _private_data,
    "comment-bytes": _comment_bytes,
    "content-junk": _content_junk,
    "document-info": _document_info,
    "metadata": _metadata,
    "signature": _signature,
    "comment-author": _comment_author,
}


def benign(*names: str) -> bytes:
    """A harmless document with these features of ``BENIGN`` (all, if none is named)."""
    return _made(BENIGN[name] for name in names or BENIGN)


def hostile(*kinds: str) -> bytes:
    """A document with these features of ``HOSTILE``."""
    return _made(HOSTILE[kind] for kind in kinds)


def everything() -> bytes:
    """All benign and all hostile features in one document."""
    return _made([*BENIGN.values(), *HOSTILE.values()])


def _made(features: Iterable[Callable[[Draft], None]]) -> bytes:
    d = Draft()
    for feature in features:
        feature(d)
    return bytes(d)
