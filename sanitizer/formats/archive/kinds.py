"""What the rebuild of archives can report, in the reader's words.

>>> KINDS["special-file"][1]
'links and devices in the archive'
"""

from __future__ import annotations

KINDS: dict[str, tuple[str, str]] = {
    # removed
    "member-refused": ("渡せない中のファイル", "enclosed files that cannot be let through"),
    "special-file": ("アーカイブ内のリンク・装置ファイル", "links and devices in the archive"),
    "system-file": ("OSの管理用ファイル", "housekeeping files of the operating system"),
    "foreign-bytes": ("どのファイルにも属さないデータ", "data that belong to no file"),
    "comment": ("コメント", "comments"),
    # changed
    "member-name": ("中のファイル名を安全な形に変更", "names of enclosed files made safe"),
    "encryption": ("暗号化を解除", "encryption taken off"),
    "to-zip": ("ZIP形式に変換", "converted to ZIP"),
}
