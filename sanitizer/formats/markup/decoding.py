"""The characters of a received HTML file, as browsers find them: byte order mark, declaration, then what it reads like.

Rules kept here:

- A declaration (``meta charset``, XML) counts if the bytes decode by it; if not, Japanese encodings are tried as for
  plain text; at last the declared one (or windows-1252) with damaged characters replaced.
- Names of encodings are those of the WHATWG Encoding Standard; each is looked up when this module is imported, because
  a jail cannot import a codec.

>>> decoded('<meta charset=Shift_JIS>表'.encode("cp932"))
('<meta charset=Shift_JIS>表', 'cp932', 0)
"""

from __future__ import annotations

import codecs
import re

from sanitizer.formats.base import Refused
from sanitizer.formats.text_encoding import recognised

_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})"""
    rb"""|<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{2,40})""",
    re.IGNORECASE,
)
_HEAD = 4096
_NAMES = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 utf-16 utf-16le utf-16be unicode",  # in ASCII bytes UTF-16 cannot be meant
    "cp932": "shift_jis shift-jis sjis x-sjis windows-31j ms_kanji csshiftjis ms932 cp932",
    "euc_jp": "euc-jp x-euc-jp cseucpkdfmtjapanese eucjp",
    "iso2022_jp_ext": "iso-2022-jp csiso2022jp",
    "cp1252": "windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 latin1 l1 us-ascii ascii ansi_x3.4-1968",
    "gb18030": "gb18030 gb2312 gbk x-gbk gb_2312-80 csgb2312 chinese",
    "big5hkscs": "big5 big5-hkscs cn-big5 x-x-big5",
    "cp949": "euc-kr ks_c_5601-1987 korean cseuckr windows-949",
    "cp1250": "windows-1250 cp1250",
    "cp1251": "windows-1251 cp1251",
    "cp1253": "windows-1253 cp1253",
    "cp1254": "windows-1254 cp1254 iso-8859-9",
    "cp1255": "windows-1255 cp1255",
    "cp1256": "windows-1256 cp1256",
    "cp1257": "windows-1257 cp1257",
    "cp1258": "windows-1258 cp1258",
    "cp874": "windows-874 tis-620 iso-8859-11",
    "koi8_r": "koi8-r",
    "koi8_u": "koi8-u",
    "iso8859_2": "iso-8859-2 latin2",
    "iso8859_5": "iso-8859-5",
    "iso8859_7": "iso-8859-7",
    "iso8859_15": "iso-8859-15 latin9",
}
CODECS = {name: codec for codec, names in _NAMES.items() for name in names.split()}
for _codec in (*_NAMES, "utf-16-le", "utf-16-be"):
    codecs.lookup(_codec)
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def decoded(data: bytes) -> tuple[str, str, int]:
    """The characters, the codec, and how many damaged characters were replaced."""
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return _replaced(data[len(bom) :], codec)
    declared = _declaration(data)
    if declared:
        try:
            return data.decode(declared), declared, 0
        except UnicodeDecodeError:
            pass
    try:
        found = recognised(data)
        return found.decoded(), found.codec, 0
    except Refused:
        return _replaced(data, declared or "cp1252")


def _declaration(data: bytes) -> str | None:
    match = _DECLARED.search(data, 0, _HEAD)
    return CODECS.get((match[1] or match[2]).decode("ascii").lower()) if match else None


def _replaced(data: bytes, codec: str) -> tuple[str, str, int]:
    text = data.decode(codec, "replace")
    return text, codec, text.count("\ufffd")
