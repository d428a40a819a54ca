"""What a target may say of one input: a label that is counted, or a finding that somebody must look at.

>>> str(Finding("disagreement", "namespaces", "word/document.xml"))
'disagreement: namespaces word/document.xml'
"""

from __future__ import annotations

import traceback
from types import TracebackType


class Finding(Exception):
    """``kind``: ``exception``, ``disagreement`` (the verifier rejects what was rebuilt), ``slow``, ``crash``,
    ``answer`` (a value that is none of ours). ``signature`` groups what is the same; ``detail`` is for people."""

    def __init__(self, kind: str, signature: str, detail: str = "") -> None:
        super().__init__(kind, signature, detail)
        self.kind = kind
        self.signature = signature
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.kind}: {self.signature} {self.detail}".rstrip()


def unexpected(error: Exception) -> Finding:
    """The finding that an exception of no meaning is; grouped by its type and the last place of ours it went
    through.
    """
    return Finding("exception", f"{type(error).__name__} in {_place(error.__traceback__)}", f"{error}"[:200])


def _place(trace: TracebackType | None) -> str:
    ours = [
        frame
        for frame in traceback.extract_tb(trace)
        if "/sanitizer/" in frame.filename or "/server/" in frame.filename
    ]
    if not ours:
        return "a library"
    folder, _, name = ours[-1].filename.rpartition("/")
    return f"{folder.rpartition('/')[2]}/{name} {ours[-1].name}"
