"""Saying things on the terminal: both languages, no traceback."""

from __future__ import annotations

import sys

from rooms.refusals import Refusal
from server.installation import StartRefused


def tell(ja: str, en: str) -> None:
    """A sentence on standard error."""
    print(ja, en, sep="\n", file=sys.stderr)


def tell_refused(refused: StartRefused | Refusal) -> int:
    """Why nothing happened; answers the exit status."""
    if isinstance(refused, StartRefused):
        print(f"sekisho: {refused.code}", file=sys.stderr)
        tell(refused.ja, refused.en)
    else:
        print(f"sekisho: {refused.reason}", file=sys.stderr)
        tell(refused.sentence("ja"), refused.sentence("en"))
    return 1
