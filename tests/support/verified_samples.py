"""For every media type with a verifier, files that it accepts: written from the grammars, or made by a rebuild.

>>> sorted(samples()) == sorted(VERIFIERS)
True
"""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from importlib import import_module

from PIL import Image
from support import canonical_odf, canonical_office
from support.canonical_archive import archive
from support.canonical_mail import OUTLOOK, RICH_MAIL
from support.canonical_ooxml import write as write_office
from support.canonical_pdf import MINIMAL
from support.canonical_pdf import write as write_pdf
from support.media_samples import mp3, sound, video, wav
from support.pdf_samples import RICH

from sanitizer.formats import FORMATS
from sanitizer.formats.base import Job
from sanitizer.limits import Limits
from sanitizer.verify import VERIFIERS

OFFICE = "application/vnd.openxmlformats-officedocument."
_STYLE = "<style>p{color:red}\n</style><p style='margin:1px' id=a><a href='https://example.jp/'>庁舎</a><table><tr><td>1</table>"
_DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9"><defs><linearGradient id="a"><stop offset="1"/></linearGradient>'
    '</defs><g transform="scale(2)"><rect fill="url(#a)" width="4" height="4"/><text x="1">庁舎</text></g></svg>'
)
_CALENDAR = (
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:防災訓練のご案内、総務課からのお知らせです。ご参加ください\r\nDTSTART:20261122T071714Z\r\n"
    "ATTENDEE;CN=佐藤:mailto:a@example.jp\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
_CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:佐藤;花子\r\nFN:佐藤 花子\r\nTEL;TYPE=WORK:03-1234\r\nEND:VCARD\r\n"
RECEIVED = {
    "audio/mpeg": [mp3(), mp3(1)],
    "audio/wav": [wav()],
    "text/calendar": [_CALENDAR.encode()],
    "text/csv": ["品名,数\r\nりんご,-3\r\n".encode("cp932"), b"a;b\n1;+81 (0)985-21-1111\n"],
    "text/html": [f"<!DOCTYPE html><title>お知らせ</title>{_STYLE}".encode()],
    "text/plain": ["霞ヶ浜市\n".encode("euc_jp"), "霞ヶ浜市\n".encode(), "霞ヶ浜市\n".encode("utf-16"), b"plain\n"],
    "text/tab-separated-values": ["品名\t数\nりんご\t3\n".encode("utf-16")],
    "text/vcard": [_CARD.encode()],
    "image/svg+xml": [_DRAWING.encode()],
}


def _saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    picture = Image.radial_gradient("L").resize((40, 30)).convert("RGB").convert(mode)
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "green")]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=100)
    return out.getvalue()


def _pictures() -> dict[str, list[bytes]]:
    return {
        "image/avif": [_saved("AVIF")],
        "image/bmp": [_saved("BMP"), _saved("BMP", "P")],
        "image/gif": [_saved("GIF", "P"), _animated("GIF")],
        "image/jpeg": [_saved("JPEG"), _saved("JPEG", progressive=True)],
        "image/png": [_saved("PNG"), _saved("PNG", "P"), _animated("PNG")],
        "image/tiff": [_saved("TIFF"), _saved("TIFF", "1"), _saved("TIFF", compression="jpeg")],
        "image/webp": [_saved("WEBP"), _saved("WEBP", lossless=True), _animated("WEBP")],
    }


def rebuilt(data: bytes, mime: str) -> bytes:
    """What leaves of a received file."""
    made = import_module(FORMATS[mime]).rebuild(data, Job(mime, "rebuild", "x", None, Limits()))
    assert made.mime == mime
    return bytes(made.data)


@cache
def samples() -> dict[str, list[bytes]]:
    """Media type → files."""
    found = {mime: [rebuilt(data, mime) for data in files] for mime, files in (RECEIVED | _pictures()).items()}
    found["application/pdf"] = [write_pdf(MINIMAL), write_pdf(RICH)]
    for package in canonical_office.ALL.values():
        for kind in ("template", "slideshow", ""):
            mime = package.media_type.rpartition(".")[0] + "." + kind if kind else package.media_type
            if mime in VERIFIERS:
                found[mime] = [write_office(replace(package, media_type=mime))]
    for document in (*canonical_odf.ALL.values(), canonical_odf.SHOW, canonical_odf.DRAWING):
        for mime in (document.media_type, f"{document.media_type}-template"):
            found[mime] = [canonical_odf.write(replace(document, media_type=mime))]
    inner = archive({"中.txt": "中の文書\n".encode()})
    members = {"報告/一.txt": "一つ目\n".encode(), "image.png": found["image/png"][0], "空/": b"", "inner.zip": inner}
    found["application/zip"] = [archive(members)]
    found["audio/mp4"], found["video/mp4"] = [sound()], [video()]
    found["message/rfc822"] = [RICH_MAIL]
    found["application/vnd.ms-outlook"] = [OUTLOOK]
    return found
