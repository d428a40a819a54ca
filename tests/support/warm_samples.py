"""The files of ``sanitizer/warm``: ``PYTHONPATH=tests python -m support.warm_samples`` makes them anew.

Office documents and the PDF are the sentences of the grammars that the verifiers' tests use, with something of
everything; the others are small and plain. All of them are rebuilt once more, so that they are what leaves.
"""

from __future__ import annotations

from pathlib import Path

from support import canonical_ooxml, canonical_pdf, odf_samples, pdf_samples
from support.canonical_office import ALL

from sanitizer import identify
from sanitizer.formats import FORMATS
from sanitizer.formats.base import Job
from sanitizer.limits import Limits

TEXT = "回覧 notice\r\n会議は10時から。 The meeting begins at ten.\r\n"
PLAIN = {
    "txt": TEXT.encode(),
    "csv": '氏名,数,式\r\n関,1,=1+1\r\n"戸,",2,-3\r\n'.encode("cp932"),
    "html": f'<!DOCTYPE html><html lang="ja"><head><style>p {{color:#036}}</style></head><body><h1>回覧</h1><p>{TEXT}'
    '<a href="https://example.jp/">link</a></p><table><tr><td colspan="2">1</td></tr></table></body></html>'.encode(),
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g fill="#036"><path d="M1 1L8 8"/>'
    '<text x="1" y="5">関</text></g></svg>'.encode(),
    "ics": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:1@example.jp\r\n"
    b"DTSTAMP:20260401T000000Z\r\nDTSTART:20260401T010000Z\r\nSUMMARY:meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
}
OPEN = {
    "odt": odf_samples.text("回覧", "notice").data(),
    "ods": odf_samples.sheet(odf_samples.cell("2", "of:=1+1"), odf_samples.cell("関")).data(),
}


def drafts() -> dict[str, bytes]:
    """What the files are made from, by ending."""
    office = {ending: canonical_ooxml.write(package) for ending, package in ALL.items()}
    return {"pdf": canonical_pdf.write(pdf_samples.RICH), **office, **OPEN, **PLAIN}


def make(ending: str, data: bytes) -> bytes:
    """The rebuilt file."""
    import importlib

    mime = identify.identify(data, f"sample.{ending}").mime
    rebuilt = importlib.import_module(FORMATS[mime]).rebuild(data, Job(mime, "rebuild", "", None, Limits()))
    return bytes(rebuilt.data)


if __name__ == "__main__":
    folder = Path(__file__).parents[2] / "sanitizer" / "warm"
    for ending, data in drafts().items():
        (folder / f"sample.{ending}").write_bytes(make(ending, data))
