"""Three packages that are sentences of ``docs/grammar-ooxml.md``: a document, a workbook and a presentation, each with
something of everything that the grammar has a rule for.

>>> TEXT.main, BOOK.main, SHOW.main
('word/document.xml', 'xl/workbook.xml', 'ppt/presentation.xml')
"""

from __future__ import annotations

from support.canonical_ooxml import SHEET, SLIDES, Package, png, write

FIELD = (
    '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r>'
    '<w:instrText xml:space="preserve"> PAGE \\* MERGEFORMAT </w:instrText></w:r>'
    '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>1</w:t></w:r>'
    '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
)
PICTURE = (
    '<w:r><w:drawing><wp:inline><wp:extent cx="9525" cy="9525"/><wp:docPr id="1" name="Picture 1"/><a:graphic>'
    '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:blipFill>'
    '<a:blip r:embed="rId1"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>'
)
CHART = (
    '<w:r><w:drawing><wp:inline><wp:docPr id="2" name="Chart"/><a:graphic><a:graphicData uri="c">'
    '<c:chart r:id="rId2"/></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>'
)
TEXT_BODY = (
    '<w:p><w:pPr><w:jc w:val="center"/></w:pPr><w:r>'
    f'<w:t xml:space="preserve"> 市役所 &amp; 区役所 </w:t></w:r>{FIELD}</w:p>'
    f'<w:p>{PICTURE}{CHART}<w:hyperlink r:id="rId3" w:history="1"><w:r><w:t>Go</w:t></w:r></w:hyperlink></w:p>'
    '<w:p><w:fldSimple w:instr=" DATE "><w:r><w:t>today</w:t></w:r></w:fldSimple></w:p>'
    '<w:sectPr><w:headerReference r:id="rId4" w:type="default"/><w:pgSz w:h="16838" w:w="11906"/></w:sectPr>'
)
NESTED = Package(
    "xl/workbook.xml",
    {
        "xl/workbook.xml": '<x:workbook><x:sheets><x:sheet name="S" r:id="rId1" sheetId="1"/></x:sheets></x:workbook>',
        "xl/worksheets/sheet1.xml": "<x:worksheet><x:sheetData/></x:worksheet>",
    },
    {"xl/workbook.xml": [("worksheet", "xl/worksheets/sheet1.xml")]},
    SHEET,
    properties=False,
)
TEXT = Package(
    "word/document.xml",
    {
        "word/document.xml": f"<w:document><w:body>{TEXT_BODY}</w:body></w:document>",
        "word/styles.xml": (
            '<w:styles><w:style w:styleId="a" w:type="paragraph"><w:name w:val="標準"/></w:style></w:styles>'
        ),
        "word/header1.xml": "<w:hdr><w:p><w:r><w:t>head</w:t></w:r></w:p></w:hdr>",
        "word/footnotes.xml": f'<w:footnotes><w:footnote w:id="1"><w:p>{FIELD}</w:p></w:footnote></w:footnotes>',
        "word/charts/chart1.xml": (
            "<c:chartSpace><c:chart><c:plotArea><c:barChart><c:ser><c:val><c:numRef><c:f>S!$A$1:$A$3</c:f></c:numRef>"
            '</c:val></c:ser></c:barChart></c:plotArea></c:chart><c:externalData r:id="rId1"/></c:chartSpace>'
        ),
        "word/embeddings/workbook1.xlsx": write(NESTED),
        "word/media/image1.png": png(),
    },
    {
        "word/document.xml": [
            ("image", "word/media/image1.png"),
            ("chart", "word/charts/chart1.xml"),
            ("hyperlink", "https://www.example.lg.jp/?a=1&b=2"),
            ("header", "word/header1.xml"),
            ("styles", "word/styles.xml"),
            ("footnotes", "word/footnotes.xml"),
        ],
        "word/charts/chart1.xml": [("package", "word/embeddings/workbook1.xlsx")],
    },
)
SHAPE = (
    '<v:shape fillcolor="#ffffe1" id="_x0000_s{id}" o:insetmode="auto" style="position:absolute;visibility:hidden" '
    'type="#_x0000_t202"><v:fill color2="#ffffe1"/><v:shadow color="black" obscured="t" on="t"/>'
    '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"/><x:ClientData ObjectType="Note">'
    "<x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row>"
    "<x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
SHAPES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<xml xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:x="urn:schemas-microsoft-com:office:excel">'
    '<v:shapetype coordsize="21600,21600" id="_x0000_t202" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
    + SHAPE.format(id=1025, anchor="1, 15, 0, 10, 3, 15, 4, 4", row=0, column=0)
    + SHAPE.format(id=1026, anchor="16381, 15, 8, 10, 16383, 15, 13, 4", row=9, column=16383)
    + "</xml>"
)
BOOK = Package(
    "xl/workbook.xml",
    {
        "xl/workbook.xml": (
            '<x:workbook><x:sheets><x:sheet name="一覧" r:id="rId1" sheetId="1"/></x:sheets>'
            '<x:definedNames><x:definedName name="範囲">一覧!$A$1:$B$2</x:definedName></x:definedNames></x:workbook>'
        ),
        "xl/worksheets/sheet1.xml": (
            '<x:worksheet><x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c>'
            '<x:c r="B1"><x:f>SUM(A1:A3)*2</x:f><x:v>4</x:v></x:c>'
            '<x:c r="C1"><x:f si="0" t="shared"/></x:c></x:row></x:sheetData>'
            '<x:hyperlinks><x:hyperlink location="一覧!A1" ref="A1"/></x:hyperlinks>'
            '<x:drawing r:id="rId1"/><x:legacyDrawing r:id="rId2"/>'
            '<x:tableParts count="1"><x:tablePart r:id="rId3"/></x:tableParts></x:worksheet>'
        ),
        "xl/sharedStrings.xml": "<x:sst><x:si><x:t>福祉課</x:t></x:si></x:sst>",
        "xl/tables/table1.xml": (
            '<x:table displayName="T" id="1" ref="A1:A2"><x:tableColumns>'
            '<x:tableColumn id="1" name="a"/></x:tableColumns></x:table>'
        ),
        "xl/drawings/drawing1.xml": (
            "<xdr:wsDr><xdr:twoCellAnchor><xdr:from><xdr:col>0</xdr:col></xdr:from><xdr:pic><xdr:blipFill>"
            '<a:blip r:embed="rId1"/></xdr:blipFill></xdr:pic></xdr:twoCellAnchor></xdr:wsDr>'
        ),
        "xl/comments1.xml": (
            "<x:comments><x:authors><x:author>Author</x:author></x:authors><x:commentList>"
            '<x:comment authorId="0" ref="A1"><x:text><x:t>n</x:t></x:text></x:comment>'
            '<x:comment authorId="0" ref="XFD10"/></x:commentList></x:comments>'
        ),
        "xl/drawings/vmlDrawing1.vml": SHAPES.encode(),
        "xl/media/image1.png": png(),
    },
    {
        "xl/workbook.xml": [("worksheet", "xl/worksheets/sheet1.xml"), ("sharedStrings", "xl/sharedStrings.xml")],
        "xl/worksheets/sheet1.xml": [
            ("drawing", "xl/drawings/drawing1.xml"),
            ("vmlDrawing", "xl/drawings/vmlDrawing1.vml"),
            ("table", "xl/tables/table1.xml"),
            ("comments", "xl/comments1.xml"),
        ],
        "xl/drawings/drawing1.xml": [("image", "xl/media/image1.png")],
    },
    SHEET,
)
TREE = "<p:cSld><p:spTree>{}</p:spTree></p:cSld>"
RUN = "<p:sp><p:txBody><a:p><a:r><a:rPr>{}</a:rPr><a:t>Go</a:t></a:r></a:p></p:txBody></p:sp>"
DIAGRAM = (
    '<p:graphicFrame><a:graphic><a:graphicData uri="d"><dgm:relIds r:cs="rId5" r:dm="rId2" r:lo="rId3" r:qs="rId4"/>'
    "</a:graphicData></a:graphic></p:graphicFrame>"
)
LINK = '<a:hlinkClick r:id="rId2"/>'
LINKS = (
    '<a:hlinkClick action="ppaction://hlinksldjump" r:id="rId7"/>'
    '<a:hlinkMouseOver action="ppaction://hlinkshowjump?jump=nextslide" r:id=""/>'
)
SHOW = Package(
    "ppt/presentation.xml",
    {
        "ppt/presentation.xml": (
            '<p:presentation><p:sldMasterIdLst><p:sldMasterId r:id="rId1"/></p:sldMasterIdLst>'
            '<p:sldIdLst><p:sldId id="256" r:id="rId2"/><p:sldId id="257" r:id="rId3"/></p:sldIdLst></p:presentation>'
        ),
        "ppt/slideMasters/slideMaster1.xml": (
            "<p:sldMaster><p:cSld><p:spTree/></p:cSld>"
            '<p:sldLayoutIdLst><p:sldLayoutId r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>'
        ),
        "ppt/slideLayouts/slideLayout1.xml": "<p:sldLayout><p:cSld><p:spTree/></p:cSld></p:sldLayout>",
        "ppt/slides/slide1.xml": f"<p:sld>{TREE.format(DIAGRAM + RUN.format(LINKS))}</p:sld>",
        "ppt/slides/slide2.xml": f"<p:sld>{TREE.format(RUN.format(LINK))}</p:sld>",
        "ppt/theme/theme1.xml": '<a:theme name="Office"><a:themeElements/></a:theme>',
        "ppt/diagrams/data1.xml": (
            '<dgm:dataModel><dgm:extLst><a:ext uri="http://schemas.microsoft.com/office/drawing/2008/diagram">'
            '<dsp:dataModelExt relId="rId6"/></a:ext></dgm:extLst></dgm:dataModel>'
        ),
        "ppt/diagrams/layout1.xml": "<dgm:layoutDef/>",
        "ppt/diagrams/quickStyle1.xml": "<dgm:styleDef/>",
        "ppt/diagrams/colors1.xml": "<dgm:colorsDef/>",
        "ppt/diagrams/drawing1.xml": "<dsp:drawing><dsp:spTree/></dsp:drawing>",
    },
    {
        "ppt/presentation.xml": [
            ("slideMaster", "ppt/slideMasters/slideMaster1.xml"),
            ("slide", "ppt/slides/slide1.xml"),
            ("slide", "ppt/slides/slide2.xml"),
        ],
        "ppt/slideMasters/slideMaster1.xml": [
            ("slideLayout", "ppt/slideLayouts/slideLayout1.xml"),
            ("theme", "ppt/theme/theme1.xml"),
        ],
        "ppt/slideLayouts/slideLayout1.xml": [("slideMaster", "ppt/slideMasters/slideMaster1.xml")],
        "ppt/slides/slide1.xml": [
            ("slideLayout", "ppt/slideLayouts/slideLayout1.xml"),
            ("diagramData", "ppt/diagrams/data1.xml"),
            ("diagramLayout", "ppt/diagrams/layout1.xml"),
            ("diagramQuickStyle", "ppt/diagrams/quickStyle1.xml"),
            ("diagramColors", "ppt/diagrams/colors1.xml"),
            ("diagramDrawing", "ppt/diagrams/drawing1.xml"),
            ("slide", "ppt/slides/slide2.xml"),
        ],
        "ppt/slides/slide2.xml": [
            ("slideLayout", "ppt/slideLayouts/slideLayout1.xml"),
            ("hyperlink", "mailto:info@example.lg.jp"),
        ],
    },
    SLIDES,
)
ALL = {"docx": TEXT, "xlsx": BOOK, "pptx": SHOW}
