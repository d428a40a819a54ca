"""What is taken from the schemas' tables, and what is added to them: lists to be reviewed, read by ``ooxml_facts``.

Rules kept here:

- ``AWAY`` and ``AWAY_ATTRIBUTES``: what can act, call out or hide, and what names people, wherever the schemas allow it.
- ``KINDS_BY_NAME``: what a value may be where the schema says no more than "string".
- ``ADDED``, ``GRAFTS``: extensions of newer programs that are worth keeping, in the form of the table itself.
"""

# ruff: noqa: E501, SIM905  (lists are kept as text, types on one line each)

from __future__ import annotations

AWAY = frozenset(
    """
a:audioCd a:wavAudioFile a:audioFile a:videoFile a:quickTimeFile a:snd a:extLst
c:extLst c:legacyDrawingHF c:printSettings
dgm:extLst
o:OLEObject o:ink o:extrusion o:bottom o:left o:right o:top o:column o:clippath o:signatureline o:shapedefaults
p:cmd p:audio p:video p:sndAc p:sndTgt p:snd p:controls p:custDataLst p:custData p:contentPart p:embed p:link
p:embeddedFontLst p:extLst p:handoutMasterIdLst p:htmlPubPr p:modifyVerifier p:oleObj p:smartTags p:webPr
w:active w:altChunk w:attachedSchema w:attachedTemplate w:autofitToFirstFixedWidthCell w:contentPart w:control
w:customXml w:customXmlPr w:dataBinding w:dirty w:docVars w:embedBold w:embedBoldItalic w:embedItalic
w:embedRegular w:entryMacro w:exitMacro w:fldData w:frameset w:glossaryDocument w:hdrShapeDefaults w:linkStyles
w:mailMerge w:movie w:objectEmbed w:objectLink w:placeholder w:printerSettings w:object w:proofErr w:rsid w:rsids
w:saveThroughXslt w:shapeDefaults w:smartTag w:smartTagPr w:smartTagType w:subDoc w:updateFields w:webSettings
w:writeProtection
w:cellDel w:cellIns w:cellMerge w:customXmlDelRangeEnd w:customXmlDelRangeStart w:customXmlInsRangeEnd
w:customXmlInsRangeStart w:customXmlMoveFromRangeEnd w:customXmlMoveFromRangeStart w:customXmlMoveToRangeEnd
w:customXmlMoveToRangeStart w:del w:delInstrText w:delText w:ins w:moveFrom w:moveFromRangeEnd w:moveFromRangeStart
w:moveTo w:moveToRangeEnd w:moveToRangeStart w:numberingChange w:pPrChange w:rPrChange w:sectPrChange
w:tblGridChange w:tblPrChange w:tblPrExChange w:tcPrChange w:trPrChange
x:cellWatches x:controls x:customProperties x:customSheetViews x:customWorkbookViews x:dataConsolidate x:drawingHF
x:extLst x:externalReferences x:fileRecoveryPr x:fileSharing x:functionGroups x:legacyDrawingHF x:oleObjects x:oleSize
x:scenarios x:smartTagPr x:smartTagTypes x:smartTags x:volTypes x:webPublishItems x:webPublishObjects x:webPublishing
x:xmlColumnPr x:cellSmartTags x:securityDescriptor x:consolidation x:cacheHierarchies x:kpis x:tupleCache x:dimensions
x:measureGroups x:maps x:calculatedMembers x:pivotHierarchies x:rowHierarchiesUsage x:colHierarchiesUsage x:calculatedItems
xdr:contentPart
""".split()
)

AWAY_ATTRIBUTES = frozenset(
    """
althref author bullet bulletHref button bwmode bwnormal bwpure cm codeName connectionId connectType custData
dataExtractLoad date docLocation fPublished function functionGroupId gfxdata guid href hrid
hrhref invalidUrl macro mappingCount ole oleicon onmouseover opt pict progId publishToServer
published queryTableFieldId rsid rsidDel rsidP rsidR rsidRDefault rsidRPr rsidSect rsidTr shortcutKey
securityDescriptor src target tgtFrame trigger userdrawn vbProcedure vm workbookParameter xlm updateLinks refreshAllConnections
algorithmName hashValue saltValue spinCount password workbookPassword revisionsPassword workbookAlgorithmName
workbookHashValue workbookSaltValue workbookSpinCount revisionsAlgorithmName revisionsHashValue revisionsSaltValue
revisionsSpinCount cryptProviderType cryptAlgorithmClass cryptAlgorithmType cryptAlgorithmSid cryptSpinCount
cryptProvider algIdExt algIdExtSource cryptProviderTypeExt cryptProviderTypeExtSource hash salt
dirty dt refreshedBy refreshedDate refreshedDateIso recordCount customHtml
""".split()
)
AWAY_ATTRIBUTES_OF = {  # where a common name is dangerous in one place only
    "a:CT_Blip": "r:link",
    "w:CT_Rel": "r:id",
    "w:CT_MailMerge": "*",
    "x:CT_PivotCacheDefinition": "r:id",
    "x:CT_WorksheetSource": "r:id",
    "x:CT_DdeLink": "*",
    "v:CT_Fill": "o:relid o:title",
    "v:CT_Stroke": "o:relid o:title",
    "v:CT_ImageData": "o:relid r:pict r:href o:movie",
    "a:CT_Hyperlink": "endSnd invalidUrl",
    "x:CT_PageSetup": "r:id",
    "x:CT_CsPageSetup": "r:id",
    "p:CT_Slide": "",
}

# (owner type or *, attribute or #text) → kind, where the schema says no more than "string"
KINDS_BY_NAME: dict[tuple[str, str], str] = {
    ("*", "textlink"): "formula",
    ("*", "conformance"): "=transitional",
    ("x:CT_Hyperlink", "location"): "location",
    ("a:CT_Hyperlink", "action"): "enum:action",
    ("w:CT_SimpleField", "w:instr"): "field",
    ("w:CT_Comment", "w:author"): "=Author",
    ("w:CT_Comment", "w:initials"): "=A",
    ("p:CT_CommentAuthor", "name"): "=Author",
    ("p:CT_CommentAuthor", "initials"): "=A",
    ("x:CT_PivotCacheDefinition", "saveData"): "=0",
    ("x:CT_PivotCacheDefinition", "refreshOnLoad"): "=1",
    ("x:CT_CacheSource", "type"): "=worksheet",
    ("x:CT_Table", "tableType"): "=worksheet",
    ("x:CT_Sheet", "state"): "enum:sheet-state",
    ("x:CT_CellFormula", "#text"): "formula",
    ("x:CT_DefinedName", "#text"): "formula",
    ("x:CT_TableFormula", "#text"): "formula",
    ("x:ST_Formula", "#text"): "formula",
    ("x:CT_CacheField", "formula"): "formula",
    ("x:CT_Cfvo", "val"): "formula",
    ("x:CT_FileVersion", "appName"): "token",
    ("c:CT_NumRef/f", "#text"): "formula",
    ("c:CT_StrRef/f", "#text"): "formula",
    ("c:CT_MultiLvlStrRef/f", "#text"): "formula",
    ("xm:f", "#text"): "formula",
}

ADDED = """
w:InstrText
 # field-piece
 @ xml:space=enum:space
x:author
 # =Author
wps:txbx
 < w:txbxContent=w:CT_TxbxContent
 @ id=num
wps:linkedTxbx
 @ id=num seq=num
wps:wsp
 < wps:cNvPr=a:CT_NonVisualDrawingProps wps:cNvSpPr=a:CT_NonVisualDrawingShapeProps wps:cNvCnPr=a:CT_NonVisualConnectorProperties wps:spPr=a:CT_ShapeProperties wps:style=a:CT_ShapeStyle wps:txbx=wps:txbx wps:linkedTxbx=wps:linkedTxbx wps:bodyPr=a:CT_TextBodyProperties
 @ normalEastAsianFlow=bool
wpg:graphicFrame
 < wpg:cNvPr=a:CT_NonVisualDrawingProps wpg:cNvFrPr=a:CT_NonVisualGraphicFrameProperties wpg:xfrm=a:CT_Transform2D a:graphic=a:CT_GraphicalObject
wpg:wgp
 < wpg:cNvPr=a:CT_NonVisualDrawingProps wpg:cNvGrpSpPr=a:CT_NonVisualGroupDrawingShapeProps wpg:grpSpPr=a:CT_GroupShapeProperties wps:wsp=wps:wsp wpg:grpSp=wpg:wgp pic:pic=pic:CT_Picture wpg:graphicFrame=wpg:graphicFrame
wpc:wpc
 < wpc:bg=a:CT_BackgroundFormatting wpc:whole=a:CT_WholeE2oFormatting wps:wsp=wps:wsp wpg:wgp=wpg:wgp pic:pic=pic:CT_Picture wpc:graphicFrame=wpg:graphicFrame
dsp:nvSpPr
 < dsp:cNvPr=a:CT_NonVisualDrawingProps dsp:cNvSpPr=a:CT_NonVisualDrawingShapeProps
dsp:nvGrpSpPr
 < dsp:cNvPr=a:CT_NonVisualDrawingProps dsp:cNvGrpSpPr=a:CT_NonVisualGroupDrawingShapeProps
dsp:sp
 < dsp:nvSpPr=dsp:nvSpPr dsp:spPr=a:CT_ShapeProperties dsp:style=a:CT_ShapeStyle dsp:txBody=a:CT_TextBody dsp:txXfrm=a:CT_Transform2D
 @ modelId=token
dsp:grpSp
 < dsp:nvGrpSpPr=dsp:nvGrpSpPr dsp:grpSpPr=a:CT_GroupShapeProperties dsp:sp=dsp:sp dsp:grpSp=dsp:grpSp
dsp:drawing
 < dsp:spTree=dsp:grpSp
dgm:dataModelExt
 @ relId=owner-rid minVer==http://schemas.openxmlformats.org/drawingml/2006/diagram
dgm:ext
 < dsp:dataModelExt=dgm:dataModelExt
 @ uri==http://schemas.microsoft.com/office/drawing/2008/diagram
dgm:extLst
 < a:ext=dgm:ext
wp14:pct
 # num
wp14:sizeRelH
 < wp14:pctWidth=wp14:pct
 @ relativeFrom=token
wp14:sizeRelV
 < wp14:pctHeight=wp14:pct
 @ relativeFrom=token
w14:symbol
 @ w14:val=hex w14:font=text
w14:checked
 @ w14:val=bool
w14:checkbox
 < w14:checked=w14:checked w14:checkedState=w14:symbol w14:uncheckedState=w14:symbol
xm:f
 # formula
xm:sqref
 # token
x14:cfvo
 < xm:f=xm:f
 @ type=token gte=bool
x14:cfIcon
 @ iconSet=token iconId=num
x14:dataBar
 < x14:cfvo=x14:cfvo x14:fillColor=x:CT_Color x14:borderColor=x:CT_Color x14:negativeFillColor=x:CT_Color x14:negativeBorderColor=x:CT_Color x14:axisColor=x:CT_Color
 @ minLength=num maxLength=num showValue=bool border=bool gradient=bool direction=token negativeBarColorSameAsPositive=bool negativeBarBorderColorSameAsPositive=bool axisPosition=token
x14:iconSet
 < x14:cfvo=x14:cfvo x14:cfIcon=x14:cfIcon
 @ iconSet=token showValue=bool percent=bool reverse=bool custom=bool
x14:colorScale
 < x14:cfvo=x14:cfvo x14:color=x:CT_Color
x14:cfRule
 < xm:f=xm:f x14:dataBar=x14:dataBar x14:iconSet=x14:iconSet x14:colorScale=x14:colorScale x14:dxf=x:CT_Dxf
 @ type=token priority=num stopIfTrue=bool aboveAverage=bool percent=bool bottom=bool operator=token timePeriod=token rank=num stdDev=num equalAverage=bool activePresent=bool id=token text=text
x14:conditionalFormatting
 < x14:cfRule=x14:cfRule xm:sqref=xm:sqref
x14:conditionalFormattings
 < x14:conditionalFormatting=x14:conditionalFormatting
x14:sparkline
 < xm:f=xm:f xm:sqref=xm:sqref
x14:sparklines
 < x14:sparkline=x14:sparkline
x14:sparklineGroup
 < xm:f=xm:f x14:sparklines=x14:sparklines x14:colorSeries=x:CT_Color x14:colorNegative=x:CT_Color x14:colorAxis=x:CT_Color x14:colorMarkers=x:CT_Color x14:colorFirst=x:CT_Color x14:colorLast=x:CT_Color x14:colorHigh=x:CT_Color x14:colorLow=x:CT_Color
 @ manualMax=num manualMin=num lineWeight=num type=token dateAxis=bool displayEmptyCellsAs=token markers=bool high=bool low=bool first=bool last=bool negative=bool displayXAxis=bool displayHidden=bool minAxisType=token maxAxisType=token rightToLeft=bool
x14:sparklineGroups
 < x14:sparklineGroup=x14:sparklineGroup
x14:formula
 < xm:f=xm:f
x14:dataValidation
 < x14:formula1=x14:formula x14:formula2=x14:formula xm:sqref=xm:sqref
 @ type=token errorStyle=token imeMode=token operator=token allowBlank=bool showDropDown=bool showInputMessage=bool showErrorMessage=bool errorTitle=text error=text promptTitle=text prompt=text
x14:dataValidations
 < x14:dataValidation=x14:dataValidation
 @ count=num disablePrompts=bool
x14:id
 # token
x:worksheet/ext
 < x14:conditionalFormattings=x14:conditionalFormattings x14:sparklineGroups=x14:sparklineGroups x14:dataValidations=x14:dataValidations
 @ uri=token
x:worksheet/extLst
 < x:ext=x:worksheet/ext
x:cfRule/ext
 < x14:id=x14:id
 @ uri=token
x:cfRule/extLst
 < x:ext=x:cfRule/ext
"""

GRAFTS = """
a:CT_GraphicalObjectData < pic:pic=pic:CT_Picture c:chart=c:CT_RelId dgm:relIds=dgm:CT_RelIds a:tbl=a:CT_Table wps:wsp=wps:wsp wpg:wgp=wpg:wgp wpc:wpc=wpc:wpc
w:CT_Picture < v:shape=v:CT_Shape v:shapetype=v:CT_Shapetype v:group=v:CT_Group v:rect=v:CT_Rect v:roundrect=v:CT_RoundRect v:line=v:CT_Line v:oval=v:CT_Oval v:polyline=v:CT_PolyLine v:arc=v:CT_Arc v:curve=v:CT_Curve v:image=v:CT_Image
w:CT_Background < v:background=v:CT_Background
w:CT_R < w:instrText=w:InstrText
x:CT_Authors < x:author=x:author
s:ST_Xstring @ xml:space=enum:space
a:CT_RegularTextRun/t @ xml:space=enum:space
w:CT_SdtPr < w14:checkbox=w14:checkbox
wp:CT_Anchor < wp14:sizeRelH=wp14:sizeRelH wp14:sizeRelV=wp14:sizeRelV
wp:CT_Inline < wp14:sizeRelH=wp14:sizeRelH wp14:sizeRelV=wp14:sizeRelV
x:CT_Row @ x14ac:dyDescent=num
x:CT_SheetFormatPr @ x14ac:dyDescent=num
x:CT_Worksheet < x:extLst=x:worksheet/extLst
x:CT_CfRule < x:extLst=x:cfRule/extLst
dgm:CT_DataModel < dgm:extLst=dgm:extLst
v:CT_ImageData @ r:id=rid
v:CT_Fill @ r:id=rid
v:CT_Stroke @ r:id=rid
"""
