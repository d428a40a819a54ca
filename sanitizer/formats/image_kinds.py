"""What the rebuild of a picture can report, in the reader's words. No parser is imported here.

>>> KINDS["gps"]
('撮影場所(GPS)', 'place of the photograph (GPS)')
"""

from __future__ import annotations

KINDS: dict[str, tuple[str, str]] = {
    # removed
    "gps": ("撮影場所(GPS)", "place of the photograph (GPS)"),
    "exif": ("撮影情報(EXIF)", "camera data (EXIF)"),
    "xmp": ("編集情報(XMP)", "editing data (XMP)"),
    "iptc": ("報道用の情報(IPTC・Photoshop)", "caption data (IPTC, Photoshop)"),
    "icc-profile": ("カラープロファイル", "colour profile"),
    "comment": ("コメント", "comments"),
    "text-metadata": ("文字の付加情報", "text metadata"),
    "time-stamp": ("日時", "time stamps"),
    "embedded-image": ("埋め込まれた別の画像", "further embedded pictures"),
    "private-data": ("独自形式の付加データ", "private data"),
    "trailing-bytes": ("画像の後ろに付けられたデータ", "bytes behind the picture"),
    "hidden-bytes": ("画像の中の使われていないデータ", "unused bytes inside the file"),
    "animation": ("動き(静止画にしました)", "animation (made a still picture)"),
    # changed
    "orientation": ("写真の向きを画素に反映", "orientation applied to the pixels"),
    "colour-space": ("色をsRGBに変換", "colours converted to sRGB"),
    "bit-depth": ("階調を8ビットに変換", "samples reduced to 8 bits"),
    "incomplete": (
        "ファイルが途中で切れていたため、読めた部分だけを表示",
        "file was cut short; what could be read is shown",
    ),
    "type": ("ほかの形式に変換", "converted to another format"),
    "checksum": ("壊れた検査値を計算し直し", "damaged checksums computed anew"),
}
