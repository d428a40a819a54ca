"""The kinds of things that leave an OpenDocument file or change in it: stable slugs and words for people.

Rules kept here:

- A slug is part of the outward interface (report, receipt): it is added, never renamed. Where an Office document loses
  the same thing, the slug is the same.
- What is left out of the table is reported by ``ELEMENTS``, ``ATTRIBUTES`` and ``MEMBERS``; what none names is an
  ``extension``.

>>> KINDS["macro"]
('マクロ', 'macros')
"""

from __future__ import annotations

import re
from functools import cache

from sanitizer.formats.odf.facts import written
from sanitizer.formats.package.report import PackageReport

KINDS: dict[str, tuple[str, str]] = {
    # removed: what can act
    "macro": ("マクロ", "macros"),
    "macro-assignment": ("図形やボタンへのマクロの登録", "macros assigned to shapes or buttons"),
    "control": ("対応していないフォーム部品", "form controls that are not supported"),
    "embedded-object": ("埋め込みオブジェクト", "embedded objects"),
    "external-reference": ("外部ファイルの参照", "references to external files"),
    "embedded-document": ("取り込み文書 (外部セクション)", "imported documents (linked sections)"),
    "data-connection": ("外部データ接続", "data connections"),
    "custom-interface": ("リボンなど画面の変更", "changes to ribbon and menus"),
    "link-target": ("許可されていないリンク先", "link targets that are not allowed"),
    "multimedia": ("動画・音声・3D", "multimedia and 3D"),
    # removed: what is hidden or embedded
    "embedded-font": ("埋め込みフォント", "embedded fonts"),
    "older-revision": ("以前の版", "older revisions"),
    "hidden-content": ("表示されない内容", "content that is not shown"),
    "page-thumbnail": ("ページの縮小画像", "page thumbnails"),
    "private-data": ("アプリケーション固有のデータ", "private data of applications"),
    "extension": ("拡張機能の情報", "data of extensions"),
    # removed: personal data
    "document-info": ("文書情報", "document information"),
    "signature": ("電子署名", "digital signatures"),
    "comment-author": ("コメントの作成者名・日時", "names and dates on comments"),
    "revision-ids": ("編集回の識別番号", "revision identifiers"),
    # removed: what could not be rebuilt
    "metafile": ("図 (EMF・WMF)", "metafile pictures (EMF, WMF)"),
    "image": ("読み取れない画像", "unreadable images"),
    "unreadable-part": ("読み取れない部分", "unreadable parts"),
    # changed
    "metafile-picture": ("図 (EMF・WMF) の画像への置き換え", "metafiles replaced by pictures of them"),
    "tracked-change": ("変更履歴の反映", "tracked changes accepted"),
    "field-text": ("フィールドの文字への置き換え", "fields replaced by their text"),
    "formula-value": ("数式の値への置き換え", "formulas replaced by their values"),
    "object-picture": ("オブジェクトの画像への置き換え", "objects replaced by their pictures"),
    "hidden-sheet": ("非表示シートあり", "hidden sheets present"),
    "hidden-slide": ("非表示スライドあり", "hidden slides present"),
    "edit-password": ("編集保護のパスワードの解除", "passwords of edit protection taken off"),
    "encryption": ("暗号化の解除", "encryption taken off"),
}

CHANGED = frozenset(list(KINDS)[list(KINDS).index("metafile-picture") :])


def _named(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


NAMESPACES = {  # of names that are told apart only to be reported
    "http://openoffice.org/2009/office": "officeooo",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://www.w3.org/2002/xforms": "xforms",
    "urn:oasis:names:tc:opendocument:xmlns:database:1.0": "db",
    "urn:oasis:names:tc:opendocument:xmlns:meta:1.0": "meta",
    "urn:oasis:names:tc:opendocument:xmlns:script:1.0": "script",
}

ELEMENTS: dict[str, str] = {  # written name of an element that goes → kind; "" is not worth a word
    **_named("macro", "script:event-listener presentation:event-listener office:script text:script text:execute-macro"),
    **_named("data-connection", "text:dde-connection-decl office:dde-source table:dde-link form:connection-resource"),
    **_named("data-connection", "table:database-source-sql table:database-source-query table:database-source-table"),
    **_named("data-connection", "table:source-service text:database-next text:database-row-select xforms:model"),
    **_named("embedded-object", "draw:object draw:object-ole draw:applet draw:plugin"),
    **_named("external-reference", "draw:floating-frame table:table-source table:cell-range-source"),
    **_named("external-reference", "text:alphabetical-index-auto-mark-file"),
    **_named("embedded-document", "text:section-source"),
    **_named("multimedia", "anim:audio anim:command presentation:sound"),
    **_named("embedded-font", "svg:font-face-uri svg:definition-src"),
    **_named("control", "form:grid form:file form:image form:image-frame form:generic-control form:hidden"),
    **_named("tracked-change", "text:changed-region table:cell-content-change table:insertion table:deletion"),
    **_named("tracked-change", "table:movement"),
    **_named("comment-author", "dc:creator"),
    **_named("hidden-content", "text:hidden-text"),
    **_named("image", "office:binary-data"),
    **_named("", "dc:date meta:date-string meta:creator-initials loext:sender-initials form:property form:properties"),
    **_named("", "table:dde-links"),
    **_named("", "office:event-listeners office:scripts text:tracked-changes table:tracked-changes text:change"),
    **_named("", "text:change-start text:change-end svg:font-face-src form:list-property form:list-value"),
    **_named("", "text:dde-connection-decls table:dependencies table:dependency anim:param"),
}
ATTRIBUTES: dict[str, str] = {
    **_named("edit-password", "table:protection-key text:protection-key"),
    **_named("revision-ids", "officeooo:rsid officeooo:paragraph-rsid"),
    **_named("data-connection", "form:datasource form:command form:data-field form:list-source text:connection-name"),
    **_named("link-target", "form:image-data office:target-frame"),
}

MEMBERS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"^(?:basic|scripts|dialogs)/|\.(?:xba|xdl|xlb|xlc|py|js|bsh|jar|class)$", "macro"),
        (r"^configurations2/.*[^/]$|^toolbar|^accelerator|^menubar", "custom-interface"),
        (r"^meta-inf/.*signatures", "signature"),
        (r"^versions/|^versionlist\.xml$", "older-revision"),
        (r"^thumbnails/", "page-thumbnail"),
        (r"^fonts/|\.(?:ttf|otf|ttc|odttf)$", "embedded-font"),
        (r"\.(?:wav|mp3|mp4|avi|wmv|mov|m4a|m4v|wma|mid|ogg|ogv|glb|gltf)$|^media/", "multimedia"),
        (r"^meta\.xml$", "document-info"),
        (r"\.(?:exe|dll|com|bat|cmd|vbs|scr|msi|sh)$", "embedded-object"),
        (r"^database/", "data-connection"),
        (r"manifest\.rdf$|\.rdf$|^layout-cache$", "private-data"),
    )
)


def element_kind(name: str) -> str:
    """What to call an element that is not in the table; ``name`` as the source has it."""
    known = _spelled(name)
    return ELEMENTS.get(known, "extension") if known else "private-data"


def attribute_kind(name: str) -> str:
    """What to call an attribute that is not in the table; empty if it is not worth a word."""
    return ATTRIBUTES.get(_spelled(name), "") if name[0] == "{" else ""


@cache
def _spelled(name: str) -> str:
    namespace, _, local = name[1:].partition("}")
    return f"{NAMESPACES[namespace]}:{local}" if namespace in NAMESPACES else written(name)


class Report(PackageReport):
    """The report of an OpenDocument file."""

    def __init__(self) -> None:
        super().__init__(KINDS, CHANGED)
