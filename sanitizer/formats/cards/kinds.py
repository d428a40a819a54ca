"""What the rebuild of calendars and address cards can report, in the reader's words.

>>> KINDS["alarm-action"][1]
'alarms that sound, send or start something'
"""

from __future__ import annotations

KINDS: dict[str, tuple[str, str]] = {
    # removed
    "alarm-action": ("音・メール・プログラムによる通知", "alarms that sound, send or start something"),
    "embedded-file": ("埋め込みファイル", "embedded files"),
    "remote-load": ("外部からの読み込み", "things loaded from elsewhere"),
    "link-target": ("許可されていないリンク先", "link targets that are not allowed"),
    "multimedia": ("音声", "sounds"),
    "image": ("読み取れない画像", "unreadable pictures"),
    "encryption-key": ("暗号鍵", "encryption keys"),
    "private-data": ("アプリ独自のデータ", "private data of applications"),
    "unknown-property": ("対応していない項目", "entries that are not supported"),
    "control-characters": ("制御文字", "control characters"),
    "bidi-controls": ("文字の並びを変える制御文字", "characters that reorder text"),
    # changed
    "version": ("新しい版の形式に変換", "converted to a newer version of the format"),
    "encoding": ("文字コードをUTF-8に変換", "encoding changed to UTF-8"),
    "damaged-characters": ("読めない文字を「�」に置換", "unreadable characters replaced"),
}
