"""The texts of a message as they leave: plain text by the rules of texts, pages by those of HTML.

Rules kept here:

- Plain text is UTF-8 with CR LF at the ends of lines; a page is the canonical page, without the policy that a browser
  would obey: a mail program would keep the mail's own pictures from it.
- A page shows pictures that came with the message and were rebuilt, under names made here; nothing else.

Sources: RFC 2392 (cid), RFC 2557 (Content-Location).

>>> plain_text("a\\rb\\x00", Notes())
'a\\r\\nb'
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping

from sanitizer.formats.mail.charset import decoded
from sanitizer.formats.mail.model import Words
from sanitizer.formats.markup import decoding, html
from sanitizer.formats.markup.notes import Notes
from sanitizer.formats.markup.pictures import Pictures
from sanitizer.limits import Limits

HEAD = '<!DOCTYPE html>\n<html{lang}><head><meta charset="utf-8"><title>{title}</title>{sheet}</head>'


class ShownPictures(Pictures):
    """Pictures of a page that came beside it. ``shown``: what the page calls each → the picture, by a number of the
    caller's. ``order``: the pictures that the page shows, each once, in the order of the page."""

    def __init__(self, limits: Limits, shown: Mapping[str, int], before: int) -> None:
        super().__init__(limits)
        self._shown = shown
        self._before = before
        self.order: list[int] = []

    def holds(self, address: str) -> bool:
        """Whether an address is one of a picture that came with the message, or should have."""
        return super().holds(address) or address[:4].lower() == "cid:" or address in self._shown

    def rebuilt(self, address: str) -> str | None:
        """The address under which the picture leaves."""
        if super().holds(address):
            return super().rebuilt(address)
        name = urllib.parse.unquote(address[4:]) if address[:4].lower() == "cid:" else address
        found = self._shown.get(name)
        if found is None:
            return None
        if found not in self.order:
            self.order.append(found)
        return f"cid:{content_id(self._before + self.order.index(found) + 1)}"


def content_id(number: int) -> str:
    """What a message calls a picture, counted from 1."""
    return f"image{number}@mail.invalid"


def plain_text(text: str, notes: Notes) -> str:
    """A plain text as it leaves; never empty."""
    return notes.clean(text).replace("\n", "\r\n") or "\r\n"


def page(words: Words, shown: Mapping[str, int], before: int, notes: Notes, limits: Limits) -> tuple[str, list[int]]:
    """The page of ``words`` and the pictures that it shows (see ``ShownPictures``). ``before``: how many earlier pages
    show. Raises ``Refused``."""
    assert words.page is not None
    pictures = ShownPictures(limits, shown, before)
    if words.charset and not words.page.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        characters, damaged = decoded(words.page, words.charset)
    else:
        characters, _, damaged = decoding.decoded(words.page)
    notes.changed("damaged-characters", damaged)
    made = html.page(characters, notes, pictures, limits, HEAD)
    notes.take(pictures.removed, pictures.changed)
    return made, pictures.order
