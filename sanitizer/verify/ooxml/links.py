"""Where a package may point to (§8 of the grammar).

>>> is_link("https://www.example.lg.jp/a?b=c"), is_link("file:///C:/a"), is_link("https://example.jp/ a")
(True, False, False)
>>> is_location("Sheet2!A1"), is_location("javascript:x"), is_location(r"\\\\host\\share")
(True, False, False)
"""

from __future__ import annotations

import re

MAX_LINK = 2_083
_LINK = re.compile(
    r"(?i:https?://|mailto:|tel:)"
    r"[^\x00-\x20\x7f-\xa0\s<>\"\\^`{|}\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+"
)
_LOCATION = re.compile(r"(?![A-Za-z][A-Za-z0-9+.\-]*:)(?!//)(?!.*://)[^\x00-\x1f\\\[\]|<>]{0,2000}")


def is_link(uri: str) -> bool:
    """A web page, a mail address or a telephone number."""
    return len(uri) <= MAX_LINK and _LINK.fullmatch(uri) is not None


def is_location(place: str) -> bool:
    """A place in the workbook itself."""
    return _LOCATION.fullmatch(place) is not None
