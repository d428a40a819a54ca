"""What the rebuild of HTML and SVG can report, in the reader's words.

>>> KINDS["event-handler"][1]
'scripts behind buttons and pictures (event handlers)'
"""

from __future__ import annotations

KINDS: dict[str, tuple[str, str]] = {
    # removed: what can act
    "javascript": ("JavaScript", "scripts (JavaScript)"),
    "event-handler": ("操作に反応するスクリプト", "scripts behind buttons and pictures (event handlers)"),
    "embedded-object": ("埋め込まれた別のページやプログラム", "embedded pages, frames and programs"),
    "form": ("入力フォーム", "forms"),
    "redirect": ("別のページへの自動移動", "automatic moves to another page"),
    "remote-load": ("外部からの読み込み", "things loaded from elsewhere"),
    "link-target": ("許可されていないリンク先", "link targets that are not allowed"),
    "external-reference": ("図の外への参照", "references out of the drawing"),
    "animation": ("動き", "animations"),
    "entity": ("実体の定義", "entity definitions"),
    "multimedia": ("動画・音声", "videos and sounds"),
    # removed: what is hidden or not understood
    "hidden-content": ("表示されない内容", "content that is not shown"),
    "vector-drawing": ("文中の図(SVG・数式)", "drawings and formulas inside the text (SVG, MathML)"),
    "image": ("読み取れない画像", "unreadable pictures"),
    "comment": ("コメント", "comments"),
    "document-info": ("文書情報", "document properties"),
    "style": ("対応していない書式", "formatting that is not supported"),
    "unknown-element": ("対応していない要素", "elements that are not supported"),
    "reference-loop": ("自分自身を参照する図形", "shapes that refer to themselves"),
    "control-characters": ("制御文字", "control characters"),
    "bidi-controls": ("文字の並びを変える制御文字", "characters that reorder text"),
    # changed
    "encoding": ("文字コードをUTF-8に変換", "encoding changed to UTF-8"),
    "damaged-characters": ("読めない文字を「�」に置換", "unreadable characters replaced"),
    "type": ("ほかの形式に変換", "converted to another format"),
}
