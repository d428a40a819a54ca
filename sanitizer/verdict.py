"""The verdict on one file: what came in, what may go out, and why.

Rules kept here:

- A verdict binds hash to hash: of the bytes that were read and of the bytes that were verified.
- It holds facts of the trusting side and values that the trusting side has range-checked, nothing else.
- ``report()`` is the outward form (``CONTRACT``: fields may be added, never renamed).

>>> refused("empty", FileFacts("a.pdf", 0, "e3b0c442…", None), "rebuild").outcome
'refused'
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sanitizer.clamd import Scanned
from sanitizer.formats.base import Change
from sanitizer.refusals import sentence
from sanitizer.words import summary

Treatment = Literal["pass", "rebuild", "flatten"]
Office = Literal["ooxml", "odf"]  # what a legacy Office file leaves as
Outcome = Literal["released", "refused", "needs_password"]
Isolation = Literal["full", "landlock", "bubblewrap"]

ENGINE = "sekisho-sanitizer/1"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as the trusting side saw it; ``sha256`` in lower-case hex, None if it was not read;
    ``type`` a media type, None if unknown."""

    name: str
    size: int
    sha256: str | None
    type: str | None

    def report(self) -> dict[str, Any]:
        return {"name": self.name, "size": self.size, "sha256": self.sha256, "type": self.type}


@dataclass(frozen=True, slots=True)
class Verified:
    """The second reader's word: who spoke, whether the output was in the grammar, and which one that is."""

    by: str
    ok: bool
    grammar: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``output`` is None unless released; for treatment ``pass`` it is the received file itself."""

    outcome: Outcome
    code: str  # "released" or a key of refusals.SENTENCES
    input: FileFacts
    treatment: Treatment
    output: FileFacts | None = None
    removed: tuple[Change, ...] = ()
    changed: tuple[Change, ...] = ()
    verified: Verified | None = None
    scanned: Scanned | None = None  # None: no virus scanner is set up, or the file did not come so far
    detail: str = ""  # for the operator; slugs, never file content
    engine: str = ENGINE
    isolation: Isolation = "full"
    cpu_seconds: float = 0.0
    peak_rss: int = 0  # bytes

    @property
    def message(self) -> str:
        """The sentence in Japanese."""
        return sentence(self.code).ja

    @property
    def message_en(self) -> str:
        """The sentence in English."""
        return sentence(self.code).en

    def report(self) -> dict[str, Any]:
        """The report of the outward interface, ready for JSON."""
        return {
            "verdict": self.outcome,
            "code": self.code,
            "message": self.message,
            "message_en": self.message_en,
            "summary": summary(self.removed, self.changed, "ja"),
            "summary_en": summary(self.removed, self.changed, "en"),
            "detail": self.detail,
            "input": self.input.report(),
            "output": self.output.report() if self.output else None,
            "treatment": self.treatment,
            "removed": [_change(c) for c in self.removed],
            "changed": [_change(c) for c in self.changed],
            "verified": asdict(self.verified) if self.verified else None,
            "scanned": asdict(self.scanned) if self.scanned else None,
            "engine": self.engine,
            "isolation": self.isolation,
            "cpu_seconds": round(self.cpu_seconds, 6),
            "peak_rss": self.peak_rss,
        }


def refused(code: str, facts: FileFacts, treatment: Treatment, **more: Any) -> Verdict:
    """A refusal, or the request for a password, by its code."""
    outcome: Outcome = "needs_password" if code in ("needs-password", "wrong-password") else "refused"
    return Verdict(outcome, code, facts, treatment, **more)


def _change(change: Change) -> dict[str, Any]:
    return {"kind": change.kind, "count": change.count, "where": change.where}
