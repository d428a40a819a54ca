"""The page that a browser shows instead of a file: in Japanese and English, with the reason and what to do.

Rules: nothing of the file is on it but its name, escaped; no script, no picture, no link; its own content security
policy says so; nothing keeps it.
"""

from __future__ import annotations

from html import escape

from rooms.refusals import REASONS
from sanitizer.refusals import SENTENCES
from server.icap.messages import HttpHead

_OWN = {
    "partial": (
        "ファイルの一部分だけの取り出し(続きからの再開など)は、検査できないため通しません。最初から取り直してください。",
        "Parts of a file (such as a download that goes on) cannot be inspected. Start the download from the beginning.",
    ),
    "encoded": (
        "圧縮された形で届いたため、検査できません。ネットワークの管理者に知らせてください。",
        "The file came packed for the way, so it cannot be inspected. Tell the administrator of your network.",
    ),
    "no-form": (
        "送信の形式を読み取れないため、通しません。別のブラウザーで試すか、管理者に知らせてください。",
        "The form cannot be read, so it is not let through. Try another browser, or tell an administrator.",
    ),
}
_STATUS = {403: "Forbidden", 413: "Content Too Large", 503: "Service Unavailable", 507: "Insufficient Storage"}
_PAGE = """<!doctype html>
<html lang="ja"><head><meta charset="utf-8"><title>関所 / Sekisho</title>
<style>body{{font:16px/1.7 sans-serif;max-width:40em;margin:3em auto;padding:0 1em}}
code{{background:#eee;padding:0 .3em}}</style>
</head><body><h1>このファイルは通せません<br>This file is not let through</h1>
<p><code>{name}</code></p><p>{ja}</p><p lang="en">{en}</p><p><small>code: <code>{code}</code></small></p></body></html>
"""


def sentences(code: str) -> tuple[str, str]:
    """What to say of a code, in Japanese and English: of a verdict, of a refusal of the server, or of this gate."""
    if code in _OWN:
        return _OWN[code]
    if code in SENTENCES:
        return SENTENCES[code].ja, SENTENCES[code].en
    return REASONS[code].ja, REASONS[code].en


def page(code: str, name: str, status: int = 403, retry_after: int | None = None) -> tuple[HttpHead, bytes]:
    """An HTTP response and its body."""
    ja, en = sentences(code)
    shown = escape("".join(c for c in name if c.isprintable())[:200])
    text = _PAGE.format(name=shown, ja=escape(ja), en=escape(en), code=escape(code))
    data = text.encode("utf-8", "replace")
    fields = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(data))),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
    ]
    if retry_after is not None:
        fields.append(("Retry-After", str(retry_after)))
    return HttpHead(f"HTTP/1.1 {status} {_STATUS[status]}", tuple(fields)), data
