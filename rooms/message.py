"""The text of a message: its limits and what is taken out of it.

Rules: at most 20,000 user-perceived characters (extended grapheme clusters, UAX #29), so that an emoji family or a
kanji with a variation selector counts once; C0/C1 controls but TAB and LF go; bidirectional overrides and isolates
(UAX #9) go, because they make a reader see another text than the record holds; nothing else is changed.

>>> clean_text("a\\u202eb\\r\\n")
'ab\\n'
"""

from __future__ import annotations

import re

import regex

from rooms.refusals import Refusal, refuse

MAX_CHARACTERS = 20_000
MAX_CODE_POINTS = 60_000
MAX_ATTACHMENTS = 20
MAX_CLIENT_MSG_ID = 128

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_GRAPHEME = regex.compile(r"\X")


def count_characters(text: str) -> int:
    """Extended grapheme clusters in ``text``."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def clean_text(text: str) -> str | Refusal:
    """The text as it is kept, or why it cannot be."""
    if len(text) > MAX_CODE_POINTS:
        return refuse("text_too_long")
    if not text.isprintable():  # nothing of the unsafe is
        text = _UNSAFE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) > MAX_CHARACTERS and count_characters(text) > MAX_CHARACTERS:
        return refuse("text_too_long")
    return text


def check_client_msg_id(client_msg_id: str) -> Refusal | None:
    return None if 1 <= len(client_msg_id) <= MAX_CLIENT_MSG_ID else refuse("bad_client_msg_id")
