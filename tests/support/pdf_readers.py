"""Reading PDFs in tests by libraries that the product does not use for it: pypdf, pdfminer, and pdfium for pixels.

>>> sorted(kinds([Change("launch", 2, "page 1")]))
['launch']
"""

from __future__ import annotations

import io
from typing import Any

import pypdfium2
from pdfminer.pdfdocument import PDFDocument
from pdfminer.pdfparser import PDFParser
from pdfminer.pdftypes import PDFStream
from pdfminer.psparser import PSLiteral
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject

from sanitizer.formats.base import Change, Job, Rebuilt
from sanitizer.formats.pdf import rebuild
from sanitizer.limits import Limits
from sanitizer.verify.pdf import verify

LIMITS = Limits()


def rebuilt(data: bytes, treatment: str = "rebuild", password: str | None = None, limits: Limits = LIMITS) -> Rebuilt:
    """``data`` made anew, and accepted by the verifier."""
    result = rebuild(data, Job("application/pdf", treatment, "a.pdf", password, limits))
    verify(result.data, limits)
    return result


def kinds(changes: list[Change]) -> set[str]:
    """The kinds among ``changes``."""
    return {change.kind for change in changes}


def pixels(data: bytes, page: int = 0, password: str | None = None) -> tuple[tuple[int, int], bytes]:
    """(size, samples) of a page as pdfium draws it, fields and annotations included."""
    document = pypdfium2.PdfDocument(data, password=password)
    try:
        document.init_forms()
        picture = document[page].render(scale=1).to_pil().convert("RGB")
        return picture.size, picture.tobytes()
    finally:
        document.close()


def text(data: bytes, page: int = 0) -> str:
    """The text of a page as pdfium reads it."""
    document = pypdfium2.PdfDocument(data)
    try:
        return str(document[page].get_textpage().get_text_range())
    finally:
        document.close()


def whole(value: Any) -> Any:
    """What pypdf gives, references followed; its types say too little for indexing."""
    return value.get_object()


def keys(data: bytes) -> set[str]:
    """Every dictionary key that pypdf finds in any object of the file."""
    return {str(key) for value in _objects(data) if isinstance(value, DictionaryObject) for key in value}


def keys_and_names(data: bytes) -> set[str]:
    """Every dictionary key and name that pypdf finds in any object of the file."""
    found: set[str] = set()
    for value in _objects(data):
        if isinstance(value, DictionaryObject):
            found.update(str(key) for key in value)
        elif isinstance(value, NameObject):
            found.add(str(value))
    return found


def everything_in(data: bytes) -> bytes:
    """The file itself, all its strings and all its streams, decoded where pypdf can."""
    parts = [data]
    for value in _objects(data):
        if isinstance(value, StreamObject):
            try:
                parts.append(value.get_data())
            except Exception:
                parts.append(bytes(value._data))
        elif isinstance(value, str):
            parts.append(str(value).encode("utf-8", "surrogatepass"))
        elif isinstance(value, bytes):
            parts.append(bytes(value))
    return b"\0".join(parts)


def _objects(data: bytes) -> list[Any]:
    """Every object of the file and everything in it, references not followed."""
    reader = PdfReader(io.BytesIO(data))
    todo: list[Any] = [reader.trailer]
    for number in range(1, int(whole(reader.trailer["/Size"]))):
        reference = reader.get_object(number)
        todo += [] if reference is None else [reference]
    out = []
    while todo:
        value = todo.pop()
        out.append(value)
        if isinstance(value, DictionaryObject):
            todo += [value.raw_get(key) for key in value]
        elif isinstance(value, ArrayObject):
            todo += [value[i] if not hasattr(value, "raw_get") else value.raw_get(i) for i in range(len(value))]
    return out


def miner_names(data: bytes) -> set[str]:
    """Every dictionary key and name that pdfminer finds, by its own parser."""
    document = PDFDocument(PDFParser(io.BytesIO(data)))
    found: set[str] = set()
    todo: list[Any] = [document.getobj(n) for xref in document.xrefs for n in xref.get_objids()]
    while todo:
        value = todo.pop()
        if isinstance(value, PDFStream):
            value = value.attrs
        if isinstance(value, dict):
            found.update(str(key) for key in value)
            todo += value.values()
        elif isinstance(value, list):
            todo += value
        elif isinstance(value, PSLiteral):
            found.add(str(value.name))
    return found
