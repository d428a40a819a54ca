"""Rich text as the body of a message: the page that Outlook wrapped into it, or its words.

Rules kept here:

- Groups and words of RTF are read one after the other; destinations that are not text (fonts, pictures, objects,
  instructions of fields) give nothing. Nothing is run, loaded or looked up.
- Bytes are characters by the font's character set, else by the document's code page.

Sources: [MS-OXRTFEX] 2.1.3 (pages inside rich text), RTF 1.9.1.

>>> read(rb"{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag64 <p>}a\\htmlrtf b\\htmlrtf0 {\\*\\htmltag72 </p>}}").page
'<p>a</p>'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sanitizer.formats.base import Refused
from sanitizer.formats.mail.charset import by_codec, codec_of_page

MAX_GROUPS = 500
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.DOTALL
)
_SILENT = frozenset(
    b"""
    fonttbl colortbl stylesheet info pict object header footer headerl headerr headerf footerl footerr footerf
    fldinst filetbl listtable listoverridetable revtbl rsidtbl themedata colorschememapping datastore xmlnstbl
    footnote annotation atnid atnauthor bkmkstart bkmkend template objdata mhtmltag generator
    """.split()
)
_SIGNS = {
    b"par": "\r\n",
    b"line": "\r\n",
    b"row": "\r\n",
    b"sect": "\r\n",
    b"page": "\r\n",
    b"tab": "\t",
    b"cell": "\t",
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
    b"bullet": "\u2022",
    b"endash": "\u2013",
    b"emdash": "\u2014",
    b"enspace": "\u2002",
    b"emspace": "\u2003",
}
_CHARSETS = {0: 1252, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256}
_CHARSETS |= {186: 1257, 204: 1251, 222: 874, 238: 1250}


@dataclass(frozen=True, slots=True)
class RichText:
    """``page``: the page that was wrapped, None if there was none; ``words``: the text otherwise."""

    page: str | None
    words: str


@dataclass(slots=True)
class _Group:
    silent: bool = False
    in_tag: bool = False
    rtf_only: bool = False
    font: int | None = None
    skip: int = 1  # characters that stand for one \\u
    in_fonts: bool = False


def read(data: bytes) -> RichText:
    """What rich text says. Raises ``Refused`` for groups without end."""
    reader = _Reader(b"\\fromhtml" in data[:4096])
    reader.run(data)
    said = "".join(reader.out).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # joins pairs
    return RichText(said if reader.wraps_page else None, "" if reader.wraps_page else said.strip("\r\n"))


class _Reader:
    def __init__(self, wraps_page: bool) -> None:
        self.wraps_page = wraps_page
        self.out: list[str] = []
        self._groups = [_Group()]
        self._run = bytearray()
        self._run_codec: str | None = None
        self._code_page = 1252
        self._fonts: dict[int, int] = {}
        self._left_out = 0  # characters still to be passed over behind a \\u
        self._starred = False

    def run(self, data: bytes) -> None:
        """Reads everything."""
        for match in _TOKEN.finditer(data):
            word, number, code, sign, brace, text = match.groups()
            if brace == b"{":
                self._open()
            elif brace == b"}":
                self._close()
            elif word is not None:
                self._word(word, int(number) if number else None)
            elif code is not None:
                self._bytes(bytes((int(code, 16),)))
            elif sign is not None:
                self._sign(sign)
            elif text is not None:
                self._bytes(text)
        self._flush()

    def _open(self) -> None:
        self._flush()
        if len(self._groups) > MAX_GROUPS:
            raise Refused("too-deep", "rich text")
        top = self._groups[-1]
        self._groups.append(_Group(top.silent, top.in_tag, top.rtf_only, top.font, top.skip, top.in_fonts))
        self._left_out = 0

    def _close(self) -> None:
        self._flush()
        if len(self._groups) > 1:
            self._groups.pop()
        self._left_out = 0
        self._starred = False

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":
            self._starred = True
        elif sign in (b"\\", b"{", b"}"):
            self._bytes(sign)
        elif sign == b"~":
            self._say("&nbsp;" if self.wraps_page else "\u00a0")
        elif sign in (b"\r", b"\n"):
            self._say("\r\n")
        elif sign == b"_":
            self._say("\u2011")

    def _word(self, word: bytes, number: int | None) -> None:
        top = self._groups[-1]
        starred, self._starred = self._starred, False
        if word == b"htmltag" and starred:
            top.in_tag, top.silent = True, not self.wraps_page
        elif starred or word in _SILENT:
            top.silent = True
            top.in_fonts = top.in_fonts or word == b"fonttbl"
        elif word == b"htmlrtf":
            self._flush()
            top.rtf_only = number != 0
        elif word == b"ansicpg" and number is not None:
            self._code_page = number
        elif word == b"f" and number is not None:
            self._flush()
            top.font = number
        elif word == b"fcharset" and number is not None and top.in_fonts and top.font is not None:
            self._fonts[top.font] = _CHARSETS.get(number, self._code_page)
        elif word == b"uc" and number is not None:
            top.skip = min(max(number, 0), 16)
        elif word == b"u" and number is not None:
            self._say(chr(number & 0xFFFF))
            self._left_out = top.skip
        elif word == b"plain":
            self._flush()
            top.font = None
        elif word in _SIGNS:
            self._say(_SIGNS[word])

    def _say(self, characters: str) -> None:
        self._flush()
        self._left_out = 0
        if self._is_heard():
            self.out.append(characters)

    def _is_heard(self) -> bool:
        top = self._groups[-1]
        return not top.silent and not (self.wraps_page and top.rtf_only)

    def _bytes(self, raw: bytes) -> None:
        if self._left_out:
            gone = min(self._left_out, len(raw))
            self._left_out -= gone
            raw = raw[gone:]
        if not raw or not self._is_heard():
            return
        top = self._groups[-1]
        page = self._code_page if top.in_tag or top.font is None else self._fonts.get(top.font, self._code_page)
        codec = codec_of_page(page)
        if codec != self._run_codec:
            self._flush()
            self._run_codec = codec
        self._run += raw

    def _flush(self) -> None:
        if self._run:
            self.out.append(by_codec(bytes(self._run), self._run_codec or "cp1252")[0])
            self._run.clear()
