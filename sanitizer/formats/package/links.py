"""Where a document may point: addresses for a browser or a mail program, and places in the document itself.

Rules kept here:

- An address is http, https, mailto or tel, without spaces, quotes, backslashes or invisible characters.
- A place has no scheme, no path and no other workbook in it.

Source: docs/grammar-ooxml.md, section 8.

>>> link(" https://example.jp/a b "), link("file:///c:/a")
('https://example.jp/a%20b', None)
"""

from __future__ import annotations

import re

_LINK = re.compile(
    r'(?i:https?://|mailto:|tel:)[^\x00-\x20\x7f-\xa0\s<>"\\^`{|}\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+'
)
_LINK_LENGTH = 2083
_LOCATION = re.compile(r"[^\x00-\x1f\\\[\]|<>]{0,2000}")
_OUT = re.compile(r"//|[A-Za-z][A-Za-z0-9+.\-]*:")


def link(address: str) -> str | None:
    """The address as it may leave, spaces escaped; None if it may not."""
    address = address.strip().replace(" ", "%20")
    return address if len(address) <= _LINK_LENGTH and _LINK.fullmatch(address) else None


def is_location(place: str) -> bool:
    """True for a place inside the document (a cell, a range, a name, a bookmark)."""
    return _LOCATION.fullmatch(place) is not None and "://" not in place and _OUT.match(place) is None
