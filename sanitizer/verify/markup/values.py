"""Where a page, a drawing or a card may point to, and the pictures inside it.

>>> is_link("https://www.example.lg.jp/a?b=c#d"), is_link("javascript:alert(1)"), is_link("http://a.jp/%zz")
(True, False, False)
>>> is_link("mailto:a@example.jp?subject=x"), is_link("tel:+81-3-1234"), is_link("//a.jp/")
(True, True, False)
"""

from __future__ import annotations

import base64
import binascii
import re

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.image import pixels
from sanitizer.verify.markup.characters import demand

MAX_LINK = 2_000
_LABEL = r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?"
_CHARACTER = r"(?:[A-Za-z0-9/?:@!$&()*+,;=~\-._\[\]]|%[0-9A-Fa-f]{2})"
_WEB = rf"https?://{_LABEL}(?:\.{_LABEL})*\.?(?::[0-9]{{1,5}})?(?:[/?]{_CHARACTER}*)?(?:\#{_CHARACTER}*)?"
ADDRESS = r"[A-Za-z0-9.!#$*+/=?^_{|}~%\-]+@[A-Za-z0-9.\-]+"
_MAIL = rf"mailto:{ADDRESS}(?:,{ADDRESS})*(?:\?subject=[A-Za-z0-9._~%\-]*)?"
_TELEPHONE = r"tel:\+?[0-9().\-]{1,40}"
_WEB_LINK = re.compile(_WEB)
_LINK = re.compile(rf"{_WEB}|{_MAIL}|{_TELEPHONE}")
_MAILBOX = re.compile(rf"mailto:{ADDRESS}")
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,")


def is_link(value: str) -> bool:
    """A page elsewhere, mail addresses or a telephone number."""
    return len(value) <= MAX_LINK and _LINK.fullmatch(value) is not None


def is_web(value: str) -> bool:
    """A page elsewhere."""
    return len(value) <= MAX_LINK and _WEB_LINK.fullmatch(value) is not None


def is_mailbox(value: str) -> bool:
    """``mailto:`` and one address."""
    return len(value) <= MAX_LINK and _MAILBOX.fullmatch(value) is not None


class Gallery:
    """The pictures inside one file, which have a limit of pixels together."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.max_pixels

    def check_uri(self, uri: str) -> None:
        """``Violation`` unless this is a ``data:`` link with a picture of the grammar."""
        found = _PICTURE.match(uri)
        demand(found, "picture")
        assert found is not None
        self.check_base64(uri[found.end() :], f"image/{found[1]}")

    def check_base64(self, written: str, mime: str) -> None:
        """``Violation`` unless this is base64 of a picture of the grammar, of the type ``mime``."""
        try:
            data = base64.b64decode(written, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Violation("base64") from error
        demand(base64.b64encode(data).decode() == written, "base64")
        self.left -= pixels(data, self.limits, mime)
        demand(self.left >= 0, "too-many-pixels")
