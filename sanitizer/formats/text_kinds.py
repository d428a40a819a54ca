"""What the rebuild of texts and tables can report, in the reader's words.

>>> KINDS["formula"][1]
'cells that a spreadsheet would run, made text'
"""

from __future__ import annotations

KINDS: dict[str, tuple[str, str]] = {
    # removed
    "control-characters": ("制御文字", "control characters"),
    "bidi-controls": ("文字の並びを変える制御文字", "characters that reorder text"),
    # changed
    "formula": ("表計算ソフトが実行するセルを文字に変更", "cells that a spreadsheet would run, made text"),
    "undecodable": ("読めない文字を「?」に置換", "unreadable characters replaced by ?"),
    "encoding": ("文字コードをUTF-8に変換", "encoding changed to UTF-8"),
}
