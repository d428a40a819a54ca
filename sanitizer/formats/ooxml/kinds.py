"""The kinds of things that leave an Office document or change in it: stable slugs and words for people.

Rules kept here:

- A slug is part of the outward interface (report, receipt): it is added, never renamed.
- ``Change.kind`` of this format is always a key of ``KINDS``; ``Report`` refuses any other.
- What is left out of the table is reported by ``ELEMENTS`` and ``PARTS``; what neither names is an ``extension``.

>>> KINDS["macro"]
('マクロ', 'macros')
"""

from __future__ import annotations

import re

from sanitizer.formats.package.report import PackageReport

KINDS: dict[str, tuple[str, str]] = {
    # removed: what can act
    "macro": ("マクロ", "macros"),
    "macro-sheet": ("マクロシート", "macro sheets"),
    "macro-assignment": ("図形やボタンへのマクロの登録", "macros assigned to shapes or buttons"),
    "control": ("コントロール (ActiveX・フォーム)", "controls (ActiveX, form)"),
    "embedded-object": ("埋め込みオブジェクト", "embedded objects"),
    "external-reference": ("外部ファイルの参照", "references to external files"),
    "embedded-document": ("取り込み文書 (altChunk・サブ文書)", "imported documents (altChunk, subdocuments)"),
    "data-connection": ("外部データ接続", "data connections"),
    "mail-merge": ("差し込み印刷のデータ接続", "mail merge sources"),
    "custom-interface": ("リボンなど画面の変更", "changes to ribbon and menus"),
    "web-extension": ("Webアドイン", "web add-ins"),
    "link-target": ("許可されていないリンク先", "link targets that are not allowed"),
    "other-action": ("その他の動作", "other actions"),
    "automatic-name": ("自動実行の名前", "names that run on opening"),
    "multimedia": ("動画・音声・3D", "multimedia and 3D"),
    # removed: what is hidden or embedded
    "custom-xml": ("カスタムXMLデータ", "custom XML data"),
    "printer-settings": ("プリンターの設定", "printer settings"),
    "embedded-font": ("埋め込みフォント", "embedded fonts"),
    "older-revision": ("以前の版", "older revisions"),
    "data-model": ("データモデル・集計の元データ", "data models and pivot records"),
    "pivot": ("外部データのピボットテーブル", "pivot tables of external data"),
    "page-thumbnail": ("ページの縮小画像", "page thumbnails"),
    "private-data": ("アプリケーション固有のデータ", "private data of applications"),
    "extension": ("拡張機能の情報", "data of extensions"),
    # removed: personal data
    "document-info": ("文書情報", "document information"),
    "signature": ("電子署名", "digital signatures"),
    "comment-author": ("コメントの作成者名・日時", "names and dates on comments"),
    "threaded-comment": ("コメントの返信・スレッド情報", "threads of comments"),
    "revision-ids": ("編集回の識別番号", "revision identifiers"),
    # removed: what could not be rebuilt
    "metafile": ("図 (EMF・WMF)", "metafile pictures (EMF, WMF)"),
    "image": ("読み取れない画像", "unreadable images"),
    "unreadable-part": ("読み取れない部分", "unreadable parts"),
    # changed
    "metafile-picture": ("図 (EMF・WMF) の画像への置き換え", "metafiles replaced by pictures of them"),
    "converted": ("旧形式から現行形式への変換", "converted from an older format"),
    "tracked-change": ("変更履歴の反映", "tracked changes accepted"),
    "field-text": ("フィールドの文字への置き換え", "fields replaced by their text"),
    "formula-value": ("数式の値への置き換え", "formulas replaced by their values"),
    "object-picture": ("オブジェクトの画像への置き換え", "objects replaced by their pictures"),
    "very-hidden-sheet": ("完全非表示シートを通常の非表示に変更", "very hidden sheets made hidden"),
    "hidden-sheet": ("非表示シートあり", "hidden sheets present"),
    "hidden-slide": ("非表示スライドあり", "hidden slides present"),
    "edit-password": ("編集保護のパスワードの解除", "passwords of edit protection taken off"),
    "encryption": ("暗号化の解除", "encryption taken off"),
}

CHANGED = frozenset(list(KINDS)[list(KINDS).index("metafile-picture") :])

_TRACKED = """ins del moveFrom moveTo rPrChange pPrChange sectPrChange tblPrChange trPrChange tcPrChange tblGridChange
tblPrExChange cellIns cellDel cellMerge numberingChange"""

ELEMENTS: dict[str, str] = {  # written name of an element that goes → kind; "" is not worth a word
    **{f"w:{name}": "tracked-change" for name in _TRACKED.split()},
    **{f"w:{name}": "macro-assignment" for name in ("entryMacro", "exitMacro")},
    **{f"w:{name}": "embedded-document" for name in ("altChunk", "subDoc")},
    **{f"w:{name}": "embedded-font" for name in ("embedRegular", "embedBold", "embedItalic", "embedBoldItalic")},
    **{f"w:{name}": "custom-xml" for name in ("dataBinding", "customXmlPr", "attachedSchema", "saveThroughXslt")},
    **{f"w:{name}": "private-data" for name in ("docVars", "fldData", "hdrShapeDefaults", "shapeDefaults")},
    **{f"w:{name}": "" for name in ("proofErr", "rsid", "placeholder", "smartTagType", "linkStyles", "webSettings")},
    **{
        f"a:{name}": "multimedia"
        for name in ("audioCd", "wavAudioFile", "audioFile", "videoFile", "quickTimeFile", "snd")
    },
    **{f"p:{name}": "multimedia" for name in ("audio", "video", "sndAc", "sndTgt", "snd")},
    **{f"p:{name}": "private-data" for name in ("custDataLst", "custData", "smartTags")},
    **{f"x:{name}": "" for name in ("dataConsolidate", "cellWatches", "fileRecoveryPr", "oleSize", "legacyDrawing")},
    **{f"x:{name}": "external-reference" for name in ("externalReferences", "webPublishing", "webPublishItems")},
    "w:rsids": "revision-ids",
    "w:control": "control",
    "w:attachedTemplate": "external-reference",
    "w:frameset": "external-reference",
    "w:mailMerge": "mail-merge",
    "w:updateFields": "other-action",
    "w:writeProtection": "edit-password",
    "p:modifyVerifier": "edit-password",
    "p:cmd": "other-action",
    "p:controls": "control",
    "p:embeddedFontLst": "embedded-font",
    "p:handoutMasterIdLst": "",
    "x:controls": "control",
    "x:oleObjects": "embedded-object",
    "x:customSheetViews": "",
    "x:scenarios": "extension",
    "x:customProperties": "private-data",
    "x:fileSharing": "edit-password",
    "x:legacyDrawingHF": "image",
    "x:xmlColumnPr": "custom-xml",
    "o:OLEObject": "embedded-object",
    "o:ink": "extension",
    "c:printSettings": "",
}

_ATTRIBUTES = {
    "macro": "macro-assignment",
    "onmouseover": "macro-assignment",
    "algorithmName": "edit-password",
    "password": "edit-password",
    "workbookPassword": "edit-password",
    "workbookHashValue": "edit-password",
    "cryptProviderType": "edit-password",
    "href": "link-target",
    "src": "external-reference",
}

PARTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"vbaproject.*\.bin$|vbadata\.xml$|attachedtoolbars|keymap", "macro"),
        (r"/(?:intl)?macrosheets/|/dialogsheets/", "macro-sheet"),
        (r"/activex/|/ctrlprops/", "control"),
        (r"customui|usercustomization", "custom-interface"),
        (r"webextension|taskpane", "web-extension"),
        (r"connections\.(?:xml|bin)$|/querytables/|volatiledependencies|xmlmaps", "data-connection"),
        (r"/externallinks/", "external-reference"),
        (r"afchunk|\.(?:mht|mhtml|html?|rtf)$", "embedded-document"),
        (r"\.(?:wav|mp3|mp4|avi|wmv|mov|m4a|m4v|wma|mid|glb)$", "multimedia"),
        (r"(?:^|/)customxml/", "custom-xml"),
        (r"printersettings", "printer-settings"),
        (r"\.odttf$|\.fntdata$|/fonts/", "embedded-font"),
        (r"/revisions/", "older-revision"),
        (r"/model/|pivotcacherecords", "data-model"),
        (r"thumbnail", "page-thumbnail"),
        (r"^docprops/(?:core|custom)", "document-info"),
        (r"_xmlsignatures", "signature"),
        (
            r"threadedcomment|/persons/|people\.xml$|commentsextended|commentsids|commentsextensible|/moderncomments/",
            "threaded-comment",
        ),
        (r"/tags/|/slideupdateinfo/|\[trash\]", "private-data"),
    )
)


def element_kind(name: str) -> str:
    """What to call an element that is not in the table."""
    return ELEMENTS.get(name, "extension")


def attribute_kind(name: str) -> str:
    """What to call an attribute that is not in the table; empty if it is not worth a word."""
    return _ATTRIBUTES.get(name.rpartition(":")[2], "")


class Report(PackageReport):
    """The report of an Office package; ``place`` is "" or "sheet N" and set while walking."""

    def __init__(self) -> None:
        super().__init__(KINDS, CHANGED)
