"""What the rebuild of mail can report, in the reader's words.

>>> KINDS["external-body"][1]
'texts that are kept elsewhere'
"""

from __future__ import annotations

from sanitizer.formats.markup.kinds import KINDS as MARKUP_KINDS

KINDS: dict[str, tuple[str, str]] = {
    # removed
    "external-body": ("外部に置かれた本文への参照", "texts that are kept elsewhere"),
    "partial-message": ("分割されたメールの一部", "fragments of messages"),
    "outlook-envelope": ("読み取れないOutlook独自の添付(winmail.dat)", "unreadable Outlook envelopes (winmail.dat)"),
    "hidden-recipient": ("隠された宛先(BCC)", "hidden recipients (Bcc)"),
    "mail-header": ("配送経路などのヘッダー", "delivery and other technical headers"),
    "signature": ("電子署名", "signatures"),
    "alternative": ("同じ本文の別の形式", "other forms of the same text"),
    "unreadable-part": ("読み取れない部分", "unreadable parts"),
    **MARKUP_KINDS,
    # changed
    "outlook-envelope-opened": ("Outlook独自の添付(winmail.dat)を開いた", "Outlook envelope (winmail.dat) opened"),
    "mail-format": (
        "Outlook形式(msg)から一般のメール形式(eml)に変換",
        "Outlook format (msg) changed to the common one (eml)",
    ),
    "message-class": ("予定・連絡先などをメールの形に変更", "appointment, contact or note turned into a message"),
    "rtf-text": ("リッチテキストの本文を文字に変換", "rich text of the message turned into plain text"),
}
