"""Where an OpenDocument file may point: addresses for a browser or a mail program, and places in the document itself.

Source: docs/grammar-odf.md, section 8.

>>> is_link("https://example.jp/"), is_link("#表1|table"), is_link("../x.odt"), link(" http://example.jp/a b")
(True, True, False, 'http://example.jp/a%20b')
"""

from __future__ import annotations

import re

from sanitizer.formats.package import links

_PLACE = re.compile(r'#[^\x00-\x1f\x7f<>"\\]{0,2000}')
_ADDRESS = re.compile(r":/|//")


def link(address: str) -> str | None:
    """The address as it may leave; None if it may not."""
    if address.startswith("#"):
        return address if _PLACE.fullmatch(address) and not _ADDRESS.search(address) else None
    return links.link(address)


def is_link(address: str) -> bool:
    """True for an address that may leave as it is."""
    return link(address) == address
