"""Section 4 of the grammar: the tables, in the notation of the document, to be laid beside it and compared.

Differences from the document, all of form: a stream type is marked ``stream``; where the document splits a type by the
value of one key, each variant is a table of its own, named ``Type.variant`` and chosen in ``VARIANTS``; every entry stands
behind two spaces or a line end. ``common`` and ``field`` are expanded from ``MACROS``. What a table cannot say is in
``checks``, ``trees`` and the data rules.
"""

# ruff: noqa: E501  (the tables keep the lines of the document)

from __future__ import annotations

ALIASES = {
    "blend": "/Normal|/Compatible|/Multiply|/Screen|/Overlay|/Darken|/Lighten|/ColorDodge|/ColorBurn|/HardLight|/SoftLight"
    "|/Difference|/Exclusion|/Hue|/Saturation|/Color|/Luminosity",
    "intent": "/AbsoluteColorimetric|/RelativeColorimetric|/Saturation|/Perceptual",
    "lineend": "/Square|/Circle|/Diamond|/OpenArrow|/ClosedArrow|/None|/Butt|/ROpenArrow|/RClosedArrow|/Slash",
    "standard": "/Document|/DocumentFragment|/Part|/Art|/Sect|/Div|/Aside|/BlockQuote|/Caption|/TOC|/TOCI|/Index|/NonStruct"
    "|/Private|/Title|/FENote|/P|/H|/H1|/H2|/H3|/H4|/H5|/H6|/H7|/H8|/H9|/Sub|/L|/LI|/Lbl|/LBody|/Table|/TR|/TH|/TD|/THead"
    "|/TBody|/TFoot|/Span|/Quote|/Note|/Reference|/BibEntry|/Code|/Link|/Annot|/Em|/Strong|/Ruby|/RB|/RT|/RP|/Warichu|/WT"
    "|/WP|/Figure|/Formula|/Form|/Artifact",
    "n": "num|null",
    "dest": "[&Page /XYZ n n n]|[&Page /Fit]|[&Page /FitH n]|[&Page /FitV n]|[&Page /FitR n n n n]|[&Page /FitB]"
    "|[&Page /FitBH n]|[&Page /FitBV n]",
    "fn": ".Function|&FunctionStream",
    "shading": "Shading|&ShadingMesh",
}

MACROS = {
    "common": "F int(0..)  AP .AP  AS name  Border [num{3}]|[num num num [num*]]  BS .BorderStyle  C [num*]  StructParent int(0..)",
    "field": "FT /Tx|/Btn|/Ch|/Sig  T TU TM text  Ff int(0..)  V DV (text|name|[text*])  DA da  Q int(0..2)  MaxLen int(0..)"
    "  Opt [(text|[text text])*]  TI int(0..)  I [int(0..)*]",
}

# type → (key, value of the key → table). None stands for an absent key.
VARIANTS: dict[str, tuple[bytes, dict[object, str]]] = {
    "Action": (b"S", {b"URI": "Action.URI", b"GoTo": "Action.GoTo", b"Named": "Action.Named"}),
    "Function": (b"FunctionType", {2: "Function.2", 3: "Function.3"}),
    "FunctionStream": (b"FunctionType", {0: "FunctionStream.0", 4: "FunctionStream.4"}),
    "Image": (b"ImageMask", {True: "Image.mask", None: "Image.colour"}),
    "MaskImage": (b"ImageMask", {True: "MaskImage.mask", None: "MaskImage.colour"}),
    "Font": (
        b"Subtype",
        {
            b"Type1": "Font.simple",
            b"MMType1": "Font.simple",
            b"TrueType": "Font.simple",
            b"Type3": "Font.Type3",
            b"Type0": "Font.Type0",
        },
    ),
}

TABLES = """
Catalog   Type! =/Catalog  Pages! &Pages  AcroForm AcroForm  Outlines &Outlines  PageLabels .PageLabels
          PageLayout /SinglePage|/OneColumn|/TwoColumnLeft|/TwoColumnRight|/TwoPageLeft|/TwoPageRight
          PageMode /UseNone|/UseOutlines|/UseThumbs  ViewerPreferences .ViewerPreferences
          Lang lang  MarkInfo .MarkInfo  StructTreeRoot &StructTreeRoot
Pages     Type! =/Pages  Count! int(1..)  Kids! [&Page+]
Page      Type! =/Page  Parent! &Pages  MediaBox! [num{4}]  CropBox BleedBox TrimBox ArtBox [num{4}]
          Rotate int(0|90|180|270)  UserUnit num  Resources! Resources  Contents &Content  Group Group
          Annots [(&Link|&Markup|&Popup|&Widget)+]  Tabs /R|/C|/S  StructParents int(0..)
PageLabels         Nums! [(int(0..) .PageLabel)+]
PageLabel          S /D|/R|/r|/A|/a  P text  St int(1..)
ViewerPreferences  FitWindow CenterWindow DisplayDocTitle bool  Direction /L2R|/R2L  PrintScaling /None|/AppDefault
                   Duplex /Simplex|/DuplexFlipShortEdge|/DuplexFlipLongEdge
MarkInfo           Marked Suspects bool

Outlines     Type! =/Outlines  First! Last! &OutlineItem  Count int
OutlineItem  Title! text  Parent! (&Outlines|&OutlineItem)  Prev Next First Last &OutlineItem  Count int
             C [num{3}]  F int(0..3)  A .Action  Dest dest
Action.URI   S! =/URI  URI! uri
Action.GoTo  S! =/GoTo  D! dest
Action.Named S! =/Named  N! /NextPage|/PrevPage|/FirstPage|/LastPage

Link     Type! =/Annot  Subtype! =/Link  Rect! [num{4}]  common  H /N|/I|/O|/P  QuadPoints [num*]  A .Action  Dest dest
Markup   Type! =/Annot  Subtype! /Text|/FreeText|/Line|/Square|/Circle|/Polygon|/PolyLine|/Highlight|/Underline|/Squiggly|/StrikeOut|/Caret|/Stamp|/Ink|/Redact|/Watermark
         Rect! [num{4}]  common  Contents Subj text  QuadPoints [num*]  BE .BorderEffect  CA num(0..1)
         IT ident  Open bool  Name ident  DA da  Q int(0..2)  CL RD L IC Vertices [num*]  LE lineend|[lineend{2}]
         LL LLE num  Cap bool  Sy /P|/None  InkList [[num*]*]  Repeat bool  Popup &Popup  IRT &Markup  RT /R|/Group
Popup    Type! =/Annot  Subtype! =/Popup  Rect! [num{4}]  common  Contents text  Open bool  Parent &Markup
Widget   Type! =/Annot  Subtype! =/Widget  Rect! [num{4}]  common  H /N|/I|/O|/P|/T  MK .MK  A .Action  field  Parent &Field
Field    field  Parent &Field  Kids! [(&Field|&Widget)+]
AP            N! (&Form|{&Form})  R D (&Form|{&Form})
BorderStyle   Type =/Border  W num  S /S|/D|/B|/I|/U  D [num*]
BorderEffect  S /S|/C  I num
MK            R int(0|90|180|270)  BC BG [num*]  CA RC AC text  I RI IX &Form  TP int(0..6)
AcroForm      Fields! [(&Field|&Widget)*]  NeedAppearances bool  DR Resources  DA da  Q int(0..2)

StructTreeRoot  Type! =/StructTreeRoot  K! [&StructElem+]  ParentTree .ParentTree  ParentTreeNextKey int(0..)  RoleMap {standard}
StructElem      S! name  P! (&StructElem|&StructTreeRoot)  Pg &Page  K [(int(0..)|.MCR|.OBJR|&StructElem)+]
                Alt ActualText E text  Lang lang  A [.Attributes+]
MCR             Type! =/MCR  MCID! int(0..)  Pg &Page  Stm &Form
OBJR            Type! =/OBJR  Obj! (&Link|&Markup|&Widget)  Pg &Page
ParentTree      Nums! [(int(0..) (&StructElem|[(&StructElem|null)*]))+]
Attributes      O! /Table|/List  RowSpan ColSpan int(1..)  Scope /Row|/Column|/Both  Summary text
                ListNumbering /None|/Disc|/Circle|/Square|/Decimal|/UpperRoman|/LowerRoman|/UpperAlpha|/LowerAlpha

Resources   Font {&Font}  XObject {&Form|&Image}  ColorSpace {cs}  ExtGState {ExtGState}  Pattern {&Tiling|ShadingPattern}  Shading {shading}
ExtGState   Type =/ExtGState  LW ML FL SM num  LC LJ int(0..2)  D [[num*] num]  RI intent  OP op SA AIS TK bool  OPM int(0..1)
            Font [&Font num]  CA ca num  BM (blend|[blend+])  SMask (=/None|SoftMask)  TR (fn|[fn{4}]|=/Identity)  TR2 (fn|[fn{4}]|/Identity|/Default)
SoftMask    Type =/Mask  S! /Alpha|/Luminosity  G! &Form  BC [num*]  TR (fn|=/Identity)
Group       Type =/Group  S! =/Transparency  CS cs  I K bool
ShadingPattern  Type =/Pattern  PatternType! int(2)  Shading! shading  Matrix [num{6}]  ExtGState ExtGState
Shading     ShadingType! int(1..3)  ColorSpace! cs  Background [num*]  BBox [num{4}]  AntiAlias bool  Domain [num*]  Matrix [num{6}]
            Function (fn|[fn+])  Coords [num*]  Extend [bool{2}]
Function.2  FunctionType! int(2)  Domain! Range [num*]  C0 C1 [num*]  N! num
Function.3  FunctionType! int(3)  Domain! Range [num*]  Functions! [fn+]  Bounds! Encode! [num*]
Cal         WhitePoint! BlackPoint [num{3}]  Gamma (num|[num{3}])  Matrix [num{9}]  Range [num{4}]

stream Content
stream Form      Type =/XObject  Subtype! =/Form  BBox! [num{4}]  Matrix [num{6}]  Resources Resources  Group Group
                 StructParent StructParents int(0..)
stream Tiling    Type =/Pattern  PatternType! int(1)  PaintType! int(1..2)  TilingType! int(1..3)  BBox! [num{4}]  XStep! YStep! num
                 Matrix [num{6}]  Resources! Resources
stream Image.mask    image  ImageMask! true  BitsPerComponent int(1)  Decode [num{2}]  StructParent int(0..)
stream Image.colour  image  ColorSpace cs  BitsPerComponent int(1|2|4|8|16)  Decode [num*]  Mask (&MaskImage|[int*])  SMask &MaskImage
                     StructParent int(0..)
stream MaskImage.mask    image  ImageMask! true  BitsPerComponent int(1)  Decode [num{2}]  Matte [num*]
stream MaskImage.colour  image  ColorSpace cs  BitsPerComponent int(1|2|4|8|16)  Decode [num*]  Matte [num*]
stream ShadingMesh    ShadingType! int(4..7)  ColorSpace! cs  Background [num*]  BBox [num{4}]  AntiAlias bool
                      BitsPerCoordinate! int(1|2|4|8|12|16|24|32)  BitsPerComponent! int(1|2|4|8|12|16)  BitsPerFlag int(2|4|8)
                      Decode! [num*]  Function (fn|[fn+])  VerticesPerRow int(2..)
stream FunctionStream.0  FunctionType! int(0)  Domain! Range! [num*]  Size! [int*]  BitsPerSample! int(1|2|4|8|12|16|24|32)  Order int(1|3)
                         Encode Decode [num*]
stream FunctionStream.4  FunctionType! int(4)  Domain! Range! [num*]
stream ICC            N! int(1|3|4)  Range [num*]
stream Lookup
stream FontFile       Length1! Length2! Length3! int(0..)
stream FontFile2      Length1! int(0..)
stream FontFile3      Subtype! /Type1C|/CIDFontType0C|/OpenType
stream ToUnicode
stream CMap           Type! =/CMap  CMapName! ident  CIDSystemInfo! .CIDSystemInfo  WMode int(0..1)  UseCMap ident

Font.simple     Type! =/Font  Subtype! /Type1|/MMType1|/TrueType  BaseFont name  FirstChar LastChar int(0..255)  Widths [num*]
                FontDescriptor FontDescriptor  Encoding (ident|Encoding)  ToUnicode (&ToUnicode|ident)
Font.Type3      Type! =/Font  Subtype! =/Type3  FontBBox! [num{4}]  FontMatrix! [num{6}]  CharProcs! {&Content}  Encoding (ident|Encoding)
                FirstChar LastChar int(0..255)  Widths [num*]  Resources Resources  ToUnicode (&ToUnicode|ident)  FontDescriptor FontDescriptor
Font.Type0      Type! =/Font  Subtype! =/Type0  BaseFont name  Encoding! (ident|&CMap)  DescendantFonts! [&CIDFont]  ToUnicode (&ToUnicode|ident)
CIDFont         Type! =/Font  Subtype! /CIDFontType0|/CIDFontType2  BaseFont name  CIDSystemInfo! .CIDSystemInfo  FontDescriptor FontDescriptor
                DW num  W W2 [(num|[num*])*]  DW2 [num{2}]  CIDToGIDMap (=/Identity|&Lookup)
CIDSystemInfo   Registry! Ordering! ascii  Supplement! int(0..)
Encoding        Type =/Encoding  BaseEncoding ident  Differences [(int(0..255)|name)*]
FontDescriptor  Type =/FontDescriptor  FontName name  FontStretch ident  FontWeight num  Flags int(0..)  FontBBox [num{4}]
                ItalicAngle Ascent Descent Leading CapHeight XHeight StemV StemH AvgWidth MaxWidth MissingWidth num
                FontFile &FontFile  FontFile2 &FontFile2  FontFile3 &FontFile3

FlateParms   BitsPerComponent int(1|2|4|8|16)  Colors! int(1..32)  Columns! int(1..)  Predictor! int(2|10..15)
DCTParms     ColorTransform! int(0..1)
CCITTParms   BlackIs1 EncodedByteAlign EndOfBlock EndOfLine bool  Columns Rows K int  DamagedRowsBeforeError int(0..)
"""

# Keys that every stream type has, and every image on top of it (section 5.1).
MACROS["stream"] = "Length! int(0..)  Filter =/FlateDecode"
MACROS["image"] = (
    "Type =/XObject  Subtype! =/Image  Width! Height! int(1..)  Interpolate bool  Intent intent"
    "  Filter /FlateDecode|/DCTDecode|/CCITTFaxDecode  DecodeParms parms"
)
