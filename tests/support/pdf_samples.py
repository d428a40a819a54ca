"""A canonical PDF in which every type of the grammar occurs, and the small fonts, pictures and profiles in it."""

# ruff: noqa: E501  (values stand on one line, as in the file)

from __future__ import annotations

import struct

from support.canonical_pdf import Obj, obj, stream

RECT = "[0 0 10 10]"


def sfnt(tables: dict[bytes, bytes], version: bytes = b"\0\1\0\0") -> bytes:
    """A TrueType or OpenType container; tables are written in the given order."""
    count = len(tables)
    power = count.bit_length() - 1
    head = version + struct.pack(">4H", count, 16 << power, power, 16 * count - (16 << power))
    offset = 12 + 16 * count
    directory, body = b"", b""
    for tag, data in tables.items():
        directory += struct.pack(">4s3I", tag, 0, offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    return head + directory + body


def index(*items: bytes) -> bytes:
    """A CFF INDEX with one-byte offsets."""
    if not items:
        return b"\0\0"
    offsets = [1 + sum(map(len, items[:end])) for end in range(len(items) + 1)]
    return struct.pack(">HB", len(items), 1) + bytes(offsets) + b"".join(items)


def icc(space: bytes, tags: bytes = b"", count: int = 0) -> bytes:
    """An ICC profile without content."""
    size = 132 + len(tags)
    return (
        struct.pack(">I", size) + bytes(12) + space + bytes(16) + b"acsp" + bytes(88) + struct.pack(">I", count) + tags
    )


def segment(marker: int, payload: bytes) -> bytes:
    """A JPEG segment."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(payload) + 2) + payload


def frame(height: int, width: int) -> bytes:
    """The payload of a JPEG frame header, one component."""
    return b"\x08" + struct.pack(">HH", height, width) + b"\1\1\x11\0"


JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
ADOBE = segment(0xEE, b"Adobe" + bytes(7))
SCAN = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\0\x34\xff\xd0\x56"
JPEG = b"\xff\xd8" + JFIF + ADOBE + segment(0xDB, bytes(65)) + segment(0xC0, frame(1, 1)) + SCAN + b"\xff\xd9"
TYPE1_CLEAR = b"%!PS-AdobeFont-1.0: A\n/FontMatrix [0.001 0 0 1e-3 0 0]readonly def\n"
TYPE1 = TYPE1_CLEAR + b"\x80\x81" + b"0" * 8
CFF = b"\1\0\4\1" + index(b"A") + index(b"\0") + index() + index()
SFNT = sfnt({b"glyf": b"abc", b"head": b"defg"})
CMAP_START = b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
CMAP_END = b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
UCS = b"/CIDSystemInfo <</Ordering (UCS) /Registry (Adobe) /Supplement 0>> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
CODESPACE = b"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
BF = b"2 beginbfchar\n<0001> <0041>\n<02> <>\nendbfchar\n2 beginbfrange\n<00> <7f> <0020>\n<80> <81> [<00410042> <>]\nendbfrange\n"
TO_UNICODE = CMAP_START + UCS + CODESPACE + BF + CMAP_END
CMAP_HEAD = (
    b"/Identity-H usecmap\n/CIDSystemInfo <</Ordering (Japan\\(1\\)) /Registry (Adobe) /Supplement 6>> def\n"
    b"/CMapName /Own-H def\n/CMapType 1 def\n/WMode 0 def\n"
)
CID = b"1 begincidchar\n<8140> 65535\nendcidchar\n1 begincidrange\n<20> <7e> 0\nendcidrange\n"
CMAP = CMAP_START + CMAP_HEAD + CODESPACE + CID + CMAP_END
CONTENT = b"/P <</MCID 0>> BDC BT /F1 12 Tf(a(b)\\) c)Tj[<41>-3 <>]TJ ET EMC\n0.5 g 1 0 0 1 0 0 cm /Fm Do"
CID_INFO = "<</Ordering (Identity) /Registry (Adobe) /Supplement 0>>"


def _fonts() -> dict[str, Obj]:
    return {
        "ToUnicode": stream(TO_UNICODE, flate=True),
        "CMap": stream(
            CMAP,
            Type="/CMap",
            CMapName="/Own-H",
            CIDSystemInfo="<</Ordering (Japan\\(1\\)) /Registry (Adobe) /Supplement 6>>",
            WMode="0",
            UseCMap="/Identity-H",
        ),
        "FontFile": stream(TYPE1, Length1=str(len(TYPE1_CLEAR)), Length2="2", Length3="8"),
        "FontFile2": stream(SFNT, flate=True, Length1=str(len(SFNT))),
        "FontFile3": stream(CFF, Subtype="/CIDFontType0C"),
        "OpenType": stream(sfnt({b"CFF ": CFF}, b"OTTO"), Subtype="/OpenType"),
        "GidMap": stream(b"\0\0\0\1"),
        "Glyph": stream(b"500 0 d0 0 0 10 10 re f"),
        "Type1": obj(
            Type="/Font",
            Subtype="/Type1",
            BaseFont="/A",
            FirstChar="65",
            LastChar="66",
            Widths="[500 600.5]",
            FontDescriptor="@Descriptor",
            Encoding="@Encoding",
            ToUnicode="@ToUnicode",
        ),
        "Descriptor": obj(Type="/FontDescriptor", FontName="/A", Flags="4", FontFile="@FontFile", ItalicAngle="-12.5"),
        "Encoding": obj(Type="/Encoding", BaseEncoding="/WinAnsiEncoding", Differences="[65 /a /b#20c]"),
        "Type3": obj(
            Type="/Font",
            Subtype="/Type3",
            FontBBox=RECT,
            FontMatrix="[0.001 0 0 0.001 0 0]",
            CharProcs="<</a @Glyph>>",
            Encoding="<</Differences [97 /a]>>",
            Resources="<</Font <</Self @Type3>>>>",
        ),
        "Type0": obj(Type="/Font", Subtype="/Type0", BaseFont="/A", Encoding="@CMap", DescendantFonts="[@CIDFont]"),
        "CIDFont": obj(
            Type="/Font",
            Subtype="/CIDFontType2",
            CIDSystemInfo=CID_INFO,
            FontDescriptor="<</FontFile2 @FontFile2 /Type /FontDescriptor>>",
            W="[1 [500 600] 3 9 250.5]",
            W2="[]",
            DW="1000",
            DW2="[880 -1000]",
            CIDToGIDMap="@GidMap",
        ),
        "CIDFont0": obj(
            Type="/Font", Subtype="/CIDFontType0", CIDSystemInfo=CID_INFO, FontDescriptor="<</FontFile3 @FontFile3>>"
        ),
        "Type0b": obj(Type="/Font", Subtype="/Type0", Encoding="/Identity-H", DescendantFonts="[@CIDFont0]"),
        "TrueType": obj(Type="/Font", Subtype="/TrueType", FontDescriptor="<</FontFile3 @OpenType>>"),
    }


def _graphics() -> dict[str, Obj]:
    spaces = (
        "<</C1 /DeviceCMYK /C2 [/ICCBased @ICC] /C3 [/Indexed /DeviceRGB 1 <000000ffffff>] /C4 [/Separation /Gold /DeviceCMYK"
        " <</Domain [0 1] /FunctionType 2 /N 1>>] /C5 [/DeviceN [/A /B] [/Lab <</WhitePoint [1 1 1]>>] @Calculator]"
        " /C6 [/Pattern [/CalRGB <</Gamma [1 1 1] /WhitePoint [1 1 1]>>]] /C7 [/Indexed [/CalGray <</Gamma 2 /WhitePoint [1 1 1]>>]"
        " 255 @Palette]>>"
    )
    return {
        "Form": stream(
            b"q Q",
            Type="/XObject",
            Subtype="/Form",
            BBox=RECT,
            Matrix="[1 0 0 1 0 0]",
            Resources="@Resources",
            Group="<</CS /DeviceRGB /I true /S /Transparency>>",
        ),
        "StampForm": stream(b"", Subtype="/Form", BBox=RECT),
        "Tiling": stream(
            b"f", PatternType="1", PaintType="1", TilingType="3", BBox=RECT, XStep="1", YStep="1.5", Resources="<<>>"
        ),
        "Gray": stream(
            bytes(6),
            flate=True,
            Type="/XObject",
            Subtype="/Image",
            Width="3",
            Height="2",
            ColorSpace="/DeviceGray",
            BitsPerComponent="8",
            SMask="@SoftMask",
            Interpolate="true",
            Intent="/Perceptual",
        ),
        "SoftMask": stream(
            bytes([0, 255, 0, 255]),
            Subtype="/Image",
            Width="9",
            Height="2",
            ColorSpace="/DeviceGray",
            BitsPerComponent="1",
            Matte="[0]",
            Decode="[1 0]",
        ),
        "Stencil": stream(b"\xff", Subtype="/Image", Width="8", Height="1", ImageMask="true", Decode="[1 0]"),
        "Predicted": stream(
            bytes(8),
            flate=True,
            Subtype="/Image",
            Width="2",
            Height="2",
            ColorSpace="[/ICCBased @ICC]",
            BitsPerComponent="4",
            Mask="[0 0 1 1 2 2]",
            DecodeParms="<</BitsPerComponent 4 /Colors 3 /Columns 2 /Predictor 15>>",
        ),
        "Photo": stream(
            JPEG, Subtype="/Image", Width="1", Height="1", Filter="/DCTDecode", DecodeParms="<</ColorTransform 1>>"
        ),
        "Fax": stream(
            b"\0\1",
            Subtype="/Image",
            Width="1",
            Height="1",
            ColorSpace="/DeviceGray",
            BitsPerComponent="1",
            Filter="/CCITTFaxDecode",
            DecodeParms="<</BlackIs1 true /Columns 1 /K -1 /Rows 1>>",
        ),
        "Mesh": stream(
            b"any",
            ShadingType="4",
            ColorSpace="/DeviceRGB",
            BitsPerCoordinate="8",
            BitsPerComponent="8",
            BitsPerFlag="8",
            Decode="[0 1 0 1 0 1 0 1 0 1]",
        ),
        "Sampled": stream(b"ab", FunctionType="0", Domain="[0 1]", Range="[0 1]", Size="[2]", BitsPerSample="8"),
        "Calculator": stream(b"{ dup 0.5 gt { 1 exch sub } if }", FunctionType="4", Domain="[0 1]", Range="[0 1]"),
        "ICC": stream(icc(b"RGB "), flate=True, N="3"),
        "Palette": stream(bytes(256)),
        "Resources": obj(
            ColorSpace=spaces,
            ExtGState="<</G @State>>",
            Font="<</F1 @Type1 /F2 @Type0 /F3 @Type0b /F4 @Type3 /F5 @TrueType>>",
            Pattern="<</P1 @Tiling /P2 @ShadingPattern>>",
            Shading="<</S1 @Mesh /S2 <</ColorSpace /DeviceGray /Coords [0 0 1 1] /Extend [true false] /Function"
            " [<</Bounds [0.5] /Domain [0 1] /Encode [0 1 0 1] /FunctionType 3 /Functions [@Sampled @Sampled]>>] /ShadingType 2>>>>",
            XObject="<</Fm @Form /I1 @Gray /I2 @Stencil /I3 @Predicted /I4 @Photo /I5 @Fax>>",
        ),
        "State": obj(
            BM="[/Multiply /Normal]",
            D="[[3 2] 0]",
            Font="[@Type1 12]",
            SMask="<</BC [0] /G @Form /S /Luminosity /TR /Identity>>",
            TR2="/Default",
            ca="0.5",
            op="true",
        ),
        "ShadingPattern": obj(
            PatternType="2", Shading="<</ColorSpace /DeviceGray /Function @Sampled /ShadingType 1>>", ExtGState="<<>>"
        ),
    }


def _annotations() -> dict[str, Obj]:
    common = {"Type": "/Annot", "Rect": RECT}
    return {
        "Link": Obj(
            {**common, "Subtype": "/Link", "A": "<</S /URI /URI (https://example.jp/a?b=c)>>", "Border": "[0 0 0]"}
        ),
        "Jump": Obj({**common, "Subtype": "/Link", "Dest": "[@Page2 /XYZ 0 null 1.5]", "Border": "[0 0 1 [3 2]]"}),
        "Note": Obj({**common, "Subtype": "/Text", "Contents": "(memo)", "Popup": "@Popup", "LE": "[/None /Circle]"}),
        "Reply": Obj(
            {**common, "Subtype": "/Stamp", "IRT": "@Note", "RT": "/R", "AP": "<</N @StampForm>>", "CA": "0.5"}
        ),
        "Popup": Obj({**common, "Subtype": "/Popup", "Parent": "@Note", "Open": "false"}),
        "Box": Obj(
            {
                **common,
                "Subtype": "/Widget",
                "Parent": "@Group",
                "MK": "<</BG [1] /CA (x)>>",
                "AP": "<</N <</Off @StampForm /On @StampForm>>>>",
                "AS": "/On",
            }
        ),
        "Push": Obj({**common, "Subtype": "/Widget", "FT": "/Btn", "T": "(b)", "A": "<</N /NextPage /S /Named>>"}),
        "Sign": Obj({**common, "Subtype": "/Widget", "FT": "/Sig", "T": "(s)"}),
        "Loose": Obj({**common, "Subtype": "/Widget", "FT": "/Tx", "V": "(free)"}),
        "Group": obj(FT="/Ch", Kids="[@Box]", Opt="[(a) [(b) <e8>]]", V="[(a)]", I="[0]", T="<feff65e5>"),
    }


def _document() -> dict[str, Obj]:
    return {
        "Content": stream(CONTENT, flate=True),
        "Catalog": obj(
            Type="/Catalog",
            Pages="@Pages",
            AcroForm="<</DA (/F1 0 Tf 0 g) /DR @Resources /Fields [@Group @Push @Sign]>>",
            Outlines="@Outlines",
            PageLabels="<</Nums [0 <</S /D>> 1 <</P (A-) /St 5>>]>>",
            PageMode="/UseOutlines",
            Lang="(ja-JP)",
            MarkInfo="<</Marked true>>",
            StructTreeRoot="@Tree",
            ViewerPreferences="<</DisplayDocTitle true>>",
        ),
        "Pages": obj(Type="/Pages", Count="2", Kids="[@Page @Page2]"),
        "Page": obj(
            Type="/Page",
            Parent="@Pages",
            MediaBox="[0 0 595.28 841.89]",
            Rotate="90",
            Resources="@Resources",
            Contents="@Content",
            Annots="[@Link @Jump @Note @Reply @Popup @Box @Push @Sign @Loose]",
            StructParents="0",
            Tabs="/S",
        ),
        "Page2": obj(Type="/Page", Parent="@Pages", MediaBox="[0 0 10 10]", Resources="<<>>"),
        "Outlines": obj(Type="/Outlines", First="@Item1", Last="@Item2", Count="2"),
        "Item1": obj(Title="(one)", Parent="@Outlines", Next="@Item2", First="@Item3", Last="@Item3", Count="-1"),
        "Item2": obj(Title="<feff4e8c>", Parent="@Outlines", Prev="@Item1", Dest="[@Page /Fit]", C="[1 0 0]", F="2"),
        "Item3": obj(Title="()", Parent="@Item1", A="<</D [@Page2 /FitR 0 0 null 1] /S /GoTo>>"),
        "Tree": obj(
            Type="/StructTreeRoot",
            K="[@Body]",
            ParentTree="<</Nums [0 [@Para null] 1 @Para]>>",
            ParentTreeNextKey="2",
            RoleMap="<</Own /P>>",
        ),
        "Body": obj(S="/Document", P="@Tree", K="[@Para]", Lang="()"),
        "Para": obj(
            S="/Own",
            P="@Body",
            Pg="@Page",
            K="[0 <</MCID 1 /Stm @Form /Type /MCR>> <</Obj @Link /Type /OBJR>>]",
            A="[<</O /Table /RowSpan 2>>]",
            ActualText="(a)",
        ),
    }


RICH: dict[str, Obj] = {**_document(), **_fonts(), **_graphics(), **_annotations()}
RICH = {"Catalog": RICH["Catalog"], **RICH}  # the Catalog is the first dictionary
