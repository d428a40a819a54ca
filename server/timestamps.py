"""The text form of a time on the wire: RFC 3339 in UTC with ``Z`` and milliseconds.

Rules: inside, a time is an integer of milliseconds since the epoch; the text is made only where it leaves.

>>> timestamp(0)
'1970-01-01T00:00:00.000Z'
"""

from __future__ import annotations

import time
from functools import lru_cache


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def timestamp(at_ms: int) -> str:
    """``at_ms`` (milliseconds since the epoch) as RFC 3339 text."""
    seconds, milliseconds = divmod(at_ms, 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"
