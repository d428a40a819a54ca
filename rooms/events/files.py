"""The verdict on a posted attachment was reached or changed."""

from __future__ import annotations

from msgspec import Struct


class AttachmentJudged(Struct, frozen=True, tag_field="type", tag="attachment.judged"):
    """``zones`` maps a zone to (treatment, state, code)."""

    attachment: str
    zones: dict[str, tuple[str, str, str | None]]
