"""What is removed without ever being read as part of the document: counted for the report, nothing else.

Rules kept here:

- The counts help people; nothing depends on them.
- No string of the file is kept.

>>> revisions(b"startxref 9 %%EOF startxref 99 %%EOF")
1
"""

from __future__ import annotations

import re

from sanitizer.formats.pdf.actions import report
from sanitizer.formats.pdf.build import Builder
from sanitizer.formats.pdf.values import Value, is_ref

_END = re.compile(rb"startxref\s+[0-9]+\s+%%EOF")
_WHITE = b"\0\t\n\f\r "


def revisions(data: bytes) -> int:
    """How many older revisions (incremental updates) ``data`` holds."""
    found = len(_END.findall(data))
    return max(found - 1 - (b"/Linearized" in data[:2048]), 0)


def report_outside(data: bytes, b: Builder) -> None:
    """Reports revisions, bytes around the document, encryption, catalogue trees, document information, layers."""
    r = b.report
    older = revisions(data)
    if older:
        r.removed("older-revision", older)
    start, end = data.find(b"%PDF-"), data.rfind(b"%%EOF")
    if data[:start].strip(_WHITE) if start > 0 else False:
        r.removed("outside-bytes")
    if end >= 0 and data[end + 5 :].strip(_WHITE):
        r.removed("outside-bytes")
    if b.source.encrypted:
        r.changed("encryption")
    if b.layers.present:
        r.changed("layers-merged")
    if b.source.has_info():
        r.removed("document-info")
    _report_trees(b)


def _report_trees(b: Builder) -> None:
    names = b.source.get(b.source.root, "/Names")
    if type(names) is not dict:
        return
    for v in _leaves(b, names.get("/JavaScript")):
        report(v, b)
    files = len(_leaves(b, names.get("/EmbeddedFiles")))
    if files:
        b.report.removed("embedded-file", files)


def _leaves(b: Builder, tree: Value) -> list[Value]:
    """The values of a name tree."""
    out: list[Value] = []
    seen: set[str] = set()
    todo = [tree]
    while todo and len(out) < 10_000:
        v = todo.pop()
        if is_ref(v):
            if v in seen:
                continue
            seen.add(v)
        d = b.source.resolve(v)
        if type(d) is dict:
            out += b.source.items(d.get("/Names"))[1::2]
            todo += b.source.items(d.get("/Kids"))[:1000]
    return out
