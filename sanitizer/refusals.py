"""Why a file is not released: one table of stable codes, each with a sentence for the reader.

Rules kept here:

- A code is part of the outward interface: it is added, never renamed or reused.
- Every sentence, Japanese and English, says what happened and what the reader can do next.
- The trusting side takes from the jail only codes of this table.

>>> sentence("empty").en
'The file is empty. Check the original and send it again.'
"""

# ruff: noqa: E501  (sentences are not folded)

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the reader is told."""

    ja: str
    en: str


_PDF_JA = "PDFとして保存し直したものを送ってください。"
_PDF_EN = "Save it as PDF and send that instead."

SENTENCES: dict[str, Sentence] = {
    "released": Sentence("ファイルを作り直し、検証しました。", "The file was rebuilt and verified."),
    # What the file is
    "unknown-type": Sentence(
        f"ファイルの種類を確認できません。{_PDF_JA}",
        f"The type of this file cannot be determined. {_PDF_EN}",
    ),
    "no-such-part": Sentence(
        "ファイルは作り直せましたが、指定した文字・表・画像は含まれていません。ファイル全体を取り出してください。",
        "The file was rebuilt, but it holds no text, table or picture of the kind asked for. Ask for the whole file instead.",
    ),
    "type-mismatch": Sentence(
        "ファイル名の拡張子と中身の種類が一致しません。正しい拡張子で保存し直して送ってください。",
        "The file name and the contents disagree about the type. Save the file under its true type and send it again.",
    ),
    "executable": Sentence(
        "実行できるファイル(プログラム、スクリプト、ショートカット)は送れません。内容を伝える文書や画像に替えてください。",
        "Programs, scripts and shortcuts cannot be sent. Send a document or a picture of what you want to share instead.",
    ),
    "unsupported": Sentence(
        f"この種類のファイルにはまだ対応していません。{_PDF_JA}",
        f"This type of file is not supported yet. {_PDF_EN}",
    ),
    "unsupported-office": Sentence(
        "この種類のOffice文書には対応していません。docx、xlsx、pptxのいずれかで保存し直して送ってください。",
        "This kind of Office document is not supported. Save it as docx, xlsx or pptx and send that instead.",
    ),
    "no-converter": Sentence(
        "この形式を変換する機能(LibreOffice)が、このサーバーにありません。docx、xlsx、pptx、PDFのいずれかで保存し直して送ってください。",
        "This server has no converter (LibreOffice) for this kind of file. Save it as docx, xlsx, pptx or PDF and send that "
        "instead.",
    ),
    "unsupported-flatten": Sentence(
        f"この種類のファイルはページを画像にできません。{_PDF_JA}",
        f"The pages of this type of file cannot be turned into pictures. {_PDF_EN}",
    ),
    "unsupported-legacy-office": Sentence(
        "この種類のOffice文書(Visio、Publisher、Projectなど)には対応していません。「PDFとして保存」したもの、表はExcelかCSVを送ってください。",
        "This kind of Office document (Visio, Publisher, Project and the like) is not supported. Use “Save as PDF”, or Excel or "
        "CSV for tables, and send that instead.",
    ),
    "unsupported-database": Sentence(
        "データベースのファイル(Accessなど)は通せません。必要な表をExcelかCSVに書き出して送ってください。",
        "Database files (Access and the like) cannot be let through. Export the tables that are needed to Excel or CSV and send "
        "those instead.",
    ),
    "unsupported-notebook": Sentence(
        "OneNoteのファイルは、中に何でも隠せるため通せません。必要なページをPDFに書き出して送ってください。",
        "OneNote files can hide anything, so they are not let through. Export the pages that are needed to PDF and send that "
        "instead.",
    ),
    "unsupported-opendocument": Sentence(
        "この種類のOpenDocumentファイル(データベース、マスター文書など)には対応していません。odt、ods、odpのいずれかで保存し直して送ってください。",
        "This kind of OpenDocument file (database, master document and the like) is not supported. Save it as odt, ods or odp "
        "and send that instead.",
    ),
    "unsupported-rtf": Sentence(
        f"RTF文書には対応していません。{_PDF_JA}", f"RTF documents are not supported. {_PDF_EN}"
    ),
    "unsupported-sylk": Sentence(
        "中身がSYLK形式の表です(先頭が「ID;」)。表計算ソフトでCSVとして保存し直して送ってください。",
        "This is a table in SYLK format (it begins with “ID;”). Save it as CSV in your spreadsheet program and send that "
        "instead.",
    ),
    "unsupported-html": Sentence(
        "HTMLファイルにはまだ対応していません。ブラウザーの印刷で「PDFに保存」したものを送ってください。",
        "HTML files are not supported yet. Print the page to PDF in your browser and send that instead.",
    ),
    "unsupported-mail": Sentence(
        "メール(eml、msg)にはまだ対応していません。本文をPDFで保存し、添付ファイルは一つずつ送ってください。",
        "Mail messages (eml, msg) are not supported yet. Save the text as PDF and send the attachments one by one.",
    ),
    "unsupported-archive": Sentence(
        "この形式の圧縮ファイルは展開できません。ZIP形式で圧縮し直すか、中のファイルを一つずつ送ってください。",
        "This kind of archive cannot be unpacked here. Pack it again as ZIP, or send the files inside one by one.",
    ),
    "unsupported-encryption": Sentence(
        "この方式で暗号化された圧縮ファイルは開けません。ZIP形式でパスワードを付け直すか、パスワードなしで圧縮し直して送ってください。",
        "An archive that is encrypted in this way cannot be opened. Pack it again as ZIP, with a password or without, and send "
        "that instead.",
    ),
    "split-archive": Sentence(
        "分割された圧縮ファイルの一部です。分割せずに圧縮し直して送ってください。",
        "This is one part of a split archive. Pack it again in one piece and send that instead.",
    ),
    "nothing-left": Sentence(
        "圧縮ファイルの中に、渡せるファイルがありません。中身を確認し、文書や画像を入れて圧縮し直して送ってください。",
        "The archive holds no file that can be let through. Check what is in it, and pack documents or pictures again.",
    ),
    "unsupported-svg": Sentence(
        "SVG画像にはまだ対応していません。PNGまたはPDFで保存したものを送ってください。",
        "SVG drawings are not supported yet. Save it as PNG or PDF and send that instead.",
    ),
    "unsupported-heif": Sentence(
        "HEIC画像は、拡張子が.heicか.heifのときだけ読み取れます。拡張子を直すか、JPEGで保存したものを送ってください"
        "(iPhoneは「設定>カメラ>フォーマット>互換性優先」)。",
        "HEIC pictures can be read only under a name ending in .heic or .heif. Rename it, or save it as JPEG and send that "
        "instead (iPhone: Settings > Camera > Formats > Most Compatible).",
    ),
    "unsupported-image": Sentence(
        "この形式の画像にはまだ対応していません。PNGまたはJPEGで保存したものを送ってください。",
        "This kind of picture is not supported yet. Save it as PNG or JPEG and send that instead.",
    ),
    "unsupported-media": Sentence(
        "音声・動画は、このサーバーでは受け付けていません。必要な場面を画像で、発言を文章で送ってください。",
        "Sound and video are not accepted on this server. Send still pictures, or the spoken words as text.",
    ),
    "no-media-converter": Sentence(
        "この形式の音声・動画を変換する機能(ffmpeg)が、このサーバーにありません。音声はMP3かWAV(PCM)で保存し直して、動画は必要な場面を画像で送ってください。",
        "This server has no converter (ffmpeg) for this kind of sound or video. Save sound as MP3 or WAV (PCM), or send still "
        "pictures of a video instead.",
    ),
    "unsupported-ichitaro": Sentence(
        "一太郎文書にはまだ対応していません。一太郎の「PDF保存」で作ったPDFを送ってください。",
        "Ichitaro documents are not supported yet. Use Ichitaro's “Save as PDF” and send that instead.",
    ),
    "unsupported-docuworks": Sentence(
        "DocuWorks文書にはまだ対応していません。DocuWorksの「PDFに変換」で作ったPDFを送ってください。",
        "DocuWorks documents are not supported yet. Convert it to PDF in DocuWorks and send that instead.",
    ),
    "unsupported-cad": Sentence(
        "CAD図面(jww、dxf、dwg、sfcなど)にはまだ対応していません。CADソフトでPDFに出力したものを送ってください。",
        "CAD drawings (jww, dxf, dwg, sfc and the like) are not supported yet. Plot it to PDF and send that instead.",
    ),
    "encrypted-mail": Sentence(
        "暗号化されたメール(S/MIME、PGP)は中身を検査できません。メールソフトで復号し、本文をPDFで、添付ファイルを一つずつ送ってください。",
        "What an encrypted message (S/MIME, PGP) says cannot be inspected. Decrypt it in your mail program and send its text as "
        "PDF and the attachments one by one.",
    ),
    # What is wrong with it
    "empty": Sentence(
        "ファイルが空です。元のファイルを確認して、送り直してください。",
        "The file is empty. Check the original and send it again.",
    ),
    "unreadable": Sentence(
        "ファイルが壊れているか、読み取れません。作成したソフトで開いて保存し直し、送り直してください。",
        "The file is damaged or cannot be read. Open it in the program it was made with, save it again and resend it.",
    ),
    "no-page": Sentence(
        "表示できるページがありません。作成したソフトで開いて内容を確認し、保存し直して送ってください。",
        "The file has no page that could be shown. Open it in the program it was made with, save it again and resend it.",
    ),
    "changed-while-read": Sentence(
        "検査中にファイルの内容が変わりました。保存が終わってから、もう一度送ってください。",
        "The file changed while it was being inspected. Wait until it is saved and send it again.",
    ),
    "malware": Sentence(
        "ウイルス対策ソフトがこのファイルをウイルスと判定したため、通しません。送った端末を調べ、管理者に知らせてください。",
        "The virus scanner recognised this file as malware, so it is not let through. Check the terminal it came from and "
        "tell your administrator.",
    ),
    "not-scanned": Sentence(
        "ウイルス対策ソフトがこのファイルを判定できなかったため、通しません。分割して送り直すか、管理者に知らせてください。",
        "The virus scanner could not judge this file, so it is not let through. Split it and send it again, or tell your "
        "administrator.",
    ),
    # What it would cost
    "too-large": Sentence(
        "ファイルが大きすぎます。分割するか、画像の解像度を下げて送ってください。",
        "The file is too large. Split it or lower the resolution of its pictures and send it again.",
    ),
    "too-many-pages": Sentence(
        "ページ数が多すぎます。分割して送ってください。", "The file has too many pages. Split it and send the parts."
    ),
    "too-many-pixels": Sentence(
        "画像の画素数が多すぎます。縮小して送ってください。",
        "The picture has too many pixels. Make it smaller and send it again.",
    ),
    "too-deep": Sentence(
        "ファイルの入れ子が深すぎます。中のファイルを取り出して送るか、作成したソフトでPDFとして保存し直して送ってください。",
        "The file is nested too deeply. Take out the files in it and send those, or save it as PDF in the program it was made "
        "with.",
    ),
    "bomb": Sentence(
        "展開すると極端に大きくなるファイルのため、処理を止めました。元の文書を作り直して送ってください。",
        "The file would grow beyond all measure when unpacked, so it was stopped. Make the document anew and send that.",
    ),
    "timeout": Sentence(
        "時間内に処理できませんでした。分割するか、PDFとして保存し直して送ってください。",
        "The file could not be processed in time. Split it, or save it as PDF again, and send it once more.",
    ),
    "media-too-long": Sentence(
        "音声・動画が長すぎるか大きすぎて、時間内に変換できませんでした。短く分けるか、画質を下げて送ってください。",
        "The sound or video is too long or too large to be converted in time. Cut it into shorter parts, or lower its "
        "resolution, and send it again.",
    ),
    "memory": Sentence(
        "処理に必要なメモリーが上限を超えました。分割するか、画像の解像度を下げて送ってください。",
        "The file needs more memory than is allowed. Split it or lower the resolution of its pictures and send it again.",
    ),
    "output-too-large": Sentence(
        "作り直したファイルが大きすぎます。分割して送ってください。",
        "The rebuilt file would be too large. Split it and send the parts.",
    ),
    "crashed": Sentence(
        "検査プログラムがこのファイルで異常終了したため、通しません。PDFとして保存し直して送ってください。",
        "The inspection broke off on this file, so it is not let through. Save it as PDF again and send that instead.",
    ),
    "verification-failed": Sentence(
        "作り直したファイルが検証に通りませんでした。PDFとして保存し直して送るか、管理者に知らせてください。",
        "The rebuilt file did not pass verification. Save it as PDF again and resend it, or tell your administrator.",
    ),
    # What the sender must give
    "needs-password": Sentence(
        "パスワードで保護されています。パスワードを入力してください。",
        "The file is protected by a password. Enter the password.",
    ),
    "wrong-password": Sentence(
        "パスワードが違います。確認して、もう一度入力してください。",
        "The password is wrong. Check it and enter it again.",
    ),
}

REFUSALS = frozenset(SENTENCES) - {"released"}


def sentence(code: str) -> Sentence:
    """The sentence of a code; ``KeyError`` for a code that is not in the table."""
    return SENTENCES[code]
