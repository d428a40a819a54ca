"""The kinds of things that leave a PDF or change in it: stable slugs and words for people.

Rules kept here:

- A slug is part of the outward interface (report, receipt): it is added, never renamed.
- ``Change.kind`` of this format is always a key of ``KINDS``; ``Report`` refuses any other.

>>> KINDS["javascript"]
('JavaScript', 'JavaScript')
"""

from __future__ import annotations

from collections import Counter

from sanitizer.formats.base import Change

KINDS: dict[str, tuple[str, str]] = {
    # slug: (ja, en); removed: what can act
    "javascript": ("JavaScript", "JavaScript"),
    "open-action": ("開いたときの動作", "action on opening"),
    "additional-actions": ("自動で起きる動作", "automatic actions"),
    "launch": ("プログラムやファイルの起動", "launching of programs or files"),
    "submit-form": ("フォームの送信", "sending of form data"),
    "import-data": ("外部データの読み込み", "import of data"),
    "remote-goto": ("ほかのファイルへの移動", "jumps into other files"),
    "other-action": ("その他の動作", "other actions"),
    "link-target": ("許可されていないリンク先", "link targets that are not allowed"),
    "xfa": ("XFAフォーム", "XFA form"),
    "calculation-order": ("フォームの自動計算", "calculation order of the form"),
    "multimedia": ("動画・音声・3D", "multimedia and 3D"),
    "external-stream": ("外部ファイルの参照", "references to external files"),
    "postscript": ("PostScriptの命令", "PostScript code"),
    "html-text": ("注釈などに含まれるHTML", "HTML inside texts"),
    # removed: what is hidden or embedded
    "embedded-file": ("添付ファイル", "embedded files"),
    "older-revision": ("以前の版", "older revisions"),
    "outside-bytes": ("文書の外側のデータ", "bytes outside the document"),
    "stream-slack": ("データの余り", "slack after streams"),
    "hidden-layer": ("非表示のレイヤー", "hidden layers"),
    "hidden-field": ("画面に出ないフォーム項目", "form fields shown nowhere"),
    "alternate-image": ("代替画像", "alternate images"),
    "page-thumbnail": ("ページの縮小画像", "page thumbnails"),
    "private-data": ("アプリケーション固有のデータ", "private data of applications"),
    "comment-bytes": ("命令中のコメント", "comments in page content"),
    "content-junk": ("読み取れない描画命令", "unreadable drawing instructions"),
    # removed: personal data
    "document-info": ("文書情報", "document information"),
    "metadata": ("メタデータ (XMP)", "metadata (XMP)"),
    "signature": ("電子署名", "digital signatures"),
    "comment-author": ("注釈の作成者名・日時", "names and dates on comments"),
    # removed: what could not be rebuilt
    "font-program": ("壊れたフォントデータ", "broken font programs"),
    "image": ("読み取れない画像", "unreadable images"),
    "colour-profile": ("壊れたカラープロファイル", "broken colour profiles"),
    "annotation": ("対応していない注釈", "unsupported annotations"),
    # changed
    "encryption": ("暗号化の解除", "encryption taken off"),
    "page-tree": ("ページ構成の復元", "page tree recovered"),
    "image-transcoded": ("画像の再符号化 (JBIG2・JPEG 2000)", "images transcoded (JBIG2, JPEG 2000)"),
    "link-normalised": ("リンク先の書き直し", "link targets rewritten"),
    "layers-merged": ("レイヤーの統合", "layers merged"),
    "flattened": ("ページの画像化", "pages turned into pictures"),
}

ACTION_KINDS: dict[str, str] = {  # /S of an action that goes → kind
    "/JavaScript": "javascript",
    "/Launch": "launch",
    "/SubmitForm": "submit-form",
    "/ImportData": "import-data",
    "/GoToR": "remote-goto",
    "/GoToE": "remote-goto",
    "/GoToDp": "remote-goto",
    "/Thread": "remote-goto",
    "/Sound": "multimedia",
    "/Movie": "multimedia",
    "/Rendition": "multimedia",
    "/RichMediaExecute": "multimedia",
    "/GoTo3DView": "multimedia",
}

KEY_KINDS: dict[str, str] = {  # a key met in any dictionary, which goes → kind
    "/JS": "javascript",
    "/AA": "additional-actions",
    "/XFA": "xfa",
    "/CO": "calculation-order",
    "/EF": "embedded-file",
    "/AF": "embedded-file",
    "/Collection": "embedded-file",
    "/RichMediaContent": "multimedia",
    "/FFilter": "external-stream",
    "/OPI": "external-stream",
    "/Ref": "external-stream",
    "/PS": "postscript",
    "/Alternates": "alternate-image",
    "/Thumb": "page-thumbnail",
    "/PieceInfo": "private-data",
    "/SpiderInfo": "private-data",
    "/Metadata": "metadata",
    "/Perms": "signature",
    "/DSS": "signature",
    "/NM": "comment-author",
    "/CreationDate": "comment-author",
}


class Report:
    """Counts what is removed and changed, by kind and place; ``place`` is "" or "page N" and set while walking."""

    def __init__(self) -> None:
        self.place = ""
        self._removed: Counter[tuple[str, str]] = Counter()
        self._changed: Counter[tuple[str, str]] = Counter()

    def removed(self, kind: str, count: int = 1) -> None:
        """``count`` things of ``kind`` are left out at the current place."""
        self._removed[self._key(kind)] += count

    def changed(self, kind: str, count: int = 1) -> None:
        """``count`` things of ``kind`` are kept in another form at the current place."""
        self._changed[self._key(kind)] += count

    def _key(self, kind: str) -> tuple[str, str]:
        if kind not in KINDS:
            raise KeyError(kind)
        return kind, self.place

    def changes(self) -> tuple[list[Change], list[Change]]:
        """(removed, changed), in the order of ``KINDS`` (what can act first), then by place."""
        return _ordered(self._removed), _ordered(self._changed)


def _ordered(counts: Counter[tuple[str, str]]) -> list[Change]:
    order = {kind: i for i, kind in enumerate(KINDS)}
    keys = sorted(counts, key=lambda k: (order[k[0]], len(k[1]), k[1]))
    return [Change(kind, min(counts[kind, place], 2**32 - 1), place) for kind, place in keys]
