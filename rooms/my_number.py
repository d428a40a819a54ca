"""Finds My Numbers (個人番号) in text, and never repeats one.

Rules kept here:

- A number is *valid* if it has 12 digits and the check digit of the MIC Ordinance No. 85 of 2014, article 5, fits. One
  random number in ten does, so validity alone proves nothing:
  *sure*  = valid, and a word such as マイナンバー stands within 300 characters, or the text holds more valid numbers
            than chance explains (a list or a table column of them);
  *maybe* = valid alone.
- Disguises are seen through: full-width and kanji digits, hyphens, dots, spaces, line ends and zero-width characters
  between digits, one digit per table cell, HTML character references, base64.
- Thirteen digits are never a My Number (corporate numbers, JAN codes), nor are telephone numbers with
  country code and time stamps. IP addresses, rows of years and unusual groupings count only beside a word.
- The answer holds counts. No digit leaves this module, neither in a value nor in an exception.

>>> find_my_numbers("マイナンバーは 1234-5678-9018 です")
Finding(sure=1, maybe=0)
>>> find_my_numbers("荷物 123456789018")
Finding(sure=0, maybe=1)
"""

from __future__ import annotations

import base64
import binascii
import html
import math
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
KEYWORD_DISTANCE = 300
# A text whose valid numbers are at least this improbable among its 12-digit numbers holds a list of My Numbers.
CHANCE_OF_LIST = 0.03
CHANCE_OF_VALID = 0.1


@dataclass(frozen=True, slots=True)
class Finding:
    """How many My Numbers a text holds: surely, and perhaps."""

    sure: int
    maybe: int


def check_digit(body: str) -> int:
    """The check digit of an 11-digit body (ASCII digits): 11 − Σ PₙQₙ mod 11, or 0 where the remainder is 0 or 1."""
    rest = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, body, strict=True)) % 11
    return 0 if rest <= 1 else 11 - rest


def is_my_number(digits: str) -> bool:
    """Whether twelve ASCII digits have the right check digit. Twelve times the same digit is no number."""
    return len(digits) == 12 and len(set(digits)) > 1 and check_digit(digits[:11]) == int(digits[11])


def find_my_numbers(text: str) -> Finding:
    """Counts the My Numbers in ``text`` (any length; about 1 ms for 4 KiB). Pass a table as its CSV text, and messages
    that belong together joined by line ends."""
    if not _may_hold_one(text):
        return Finding(0, 0)
    plain = _plain(text)
    words = [found.start() for found in _KEYWORDS.finditer(plain)]
    near: set[str] = set()
    alone: set[str] = set()
    others: set[str] = set()
    for at, digits, clear in _candidates(plain):
        nearest = bisect_left(words, at - KEYWORD_DISTANCE)
        beside = nearest < len(words) and words[nearest] <= at + KEYWORD_DISTANCE
        if not is_my_number(digits):
            others.update([digits] if clear else [])
        elif beside:
            near.add(digits)
        elif clear:
            alone.add(digits)
    alone -= near
    valid = len(near) + len(alone)
    if valid >= 2 and _chance(valid, valid + len(others)) <= CHANCE_OF_LIST:
        return Finding(valid, 0)
    return Finding(len(near), len(alone))


def _chance(valid: int, among: int) -> float:
    """The probability that ``valid`` or more of ``among`` random numbers have the right check digit."""
    if valid <= among * CHANCE_OF_VALID:
        return 1.0
    # Above the mean the terms fall geometrically: two hundred of them are the sum.
    return sum(_binomial(hits, among) for hits in range(valid, min(among, valid + 200) + 1))


def _binomial(hits: int, among: int) -> float:
    """The probability of exactly ``hits`` valid numbers among so many random ones."""
    ways = math.lgamma(among + 1) - math.lgamma(hits + 1) - math.lgamma(among - hits + 1)
    return math.exp(ways + hits * math.log(CHANCE_OF_VALID) + (among - hits) * math.log(1 - CHANCE_OF_VALID))


_KEYWORDS = re.compile(
    r"マイ[ .]?ナンバ|マイナ(?:番号|No)|個人番号|通知カ-ド|番号確認書類|特定個人情報|my ?number|individual number",
    re.IGNORECASE,
)


def _digit_table() -> dict[int, str | None]:
    """Every character that stands for a digit, a separator or nothing → its plain form."""
    table: dict[int, str | None] = {}
    for code in (*range(0x80, 0x3100), *range(0xA620, 0xABFA), *range(0xFF00, 0xFFF0), *range(0x1D7CE, 0x1D800)):
        char = chr(code)
        value = unicodedata.digit(char, None)
        if value is not None:
            table[code] = str(value)
        elif unicodedata.category(char) in ("Cf", "Mn") or char in "\u115f\u1160\u3164\uffa0":
            table[code] = None
        elif unicodedata.category(char) == "Zs":
            table[code] = " "
        elif unicodedata.category(char) == "Pd":
            table[code] = "-"
    for numerals in ("〇一二三四五六七八九", "零壱弐参肆伍陸漆捌玖", "○壹貳參４５６７８９"):
        table.update((ord(numeral), str(value)) for value, numeral in enumerate(numerals))
    table.update(dict.fromkeys(map(ord, "ーｰ－−‐⁃﹣"), "-"))
    table.update(dict.fromkeys(map(ord, "．。・･·‧∙•｡․"), "."))
    table.update({ord("，"): ",", ord("、"): ",", ord("｜"): "|", ord("／"): "/", 0xFE0F: None, 0x20E3: None})
    table.update(dict.fromkeys(range(0xE0000, 0xE0080), None))
    return table


_DIGITS = _digit_table()


_ONE_DIGIT = re.compile(
    r"[\d²³¹\u1369-\u1371\u19da⁰-₉○〇㆒-㆕一二三四五六七八九零壱弐参肆伍陸漆捌玖壹貳參\u2f00-\u2f0b\uf900-\ufad9\uffee]"
)
_MORE_DIGITS = re.compile(r"[¼-¾⅐-↉①-⓿❶-➓㈠-㏾\U0001f100-\U0001f242]")
_PERHAPS_BASE64 = re.compile(r"[A-Za-z0-9+/]{16}")


def _may_hold_one(text: str) -> bool:
    """Whether twelve digits may be in the text, in whatever disguise. Every message is asked: 3 µs instead of 28 for
    most."""
    return (
        "&" in text
        or len(_ONE_DIGIT.findall(text)) >= 12
        or _MORE_DIGITS.search(text) is not None
        or _PERHAPS_BASE64.search(text) is not None
    )


def _plain(text: str) -> str:
    """The text with every disguised digit an ASCII digit and every disguised separator an ASCII one. The long-vowel
    mark is such a separator, so 通知カード reads 通知カ-ド from here on."""
    if "&" in text:
        text = html.unescape(text)
    text = _BASE64.sub(_decoded, text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).translate(_DIGITS)
    return text.replace("\r\n", "\n")


_INVISIBLE = {code: None for code, form in _DIGITS.items() if form is None}
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=])(?=[0-9]{0,15}[A-Za-z+/])[A-Za-z0-9+/]{16,4096}={0,2}(?![A-Za-z0-9+/=])")


def _decoded(found: re.Match[str]) -> str:
    """The text inside a base64 word that decodes to readable text, else the word itself."""
    word = found[0]
    try:
        text = base64.b64decode(word, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return word
    return f" {text} " if text.isprintable() else word


_SEPARATORS = r"[ \t\n.\-_,|/:*]{1,3}"
_RUN = re.compile(rf"(?<!\d)\d+(?:{_SEPARATORS}\d+)*")
_GROUP = re.compile(rf"(\d+)({_SEPARATORS})?")
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_TIME_STAMP = re.compile(_DATE.pattern + r"(?:[01]\d|2[0-3])[0-5]\d")
_YEAR = re.compile(r"(?:19|20)\d\d")
_BESIDE_CODES = re.compile(r"[A-Za-z@]")  # part of a product code or an address
# How people write twelve digits in groups; other groupings count only beside a keyword.
_USUAL: set[tuple[int, ...]] = {(4, 4, 4), (3, 3, 3, 3), (6, 6), (2,) * 6, (1,) * 12}


@dataclass(frozen=True, slots=True)
class _Run:
    """Groups of digits joined by separators: where each group starts, its digits, the kind of separator after it."""

    starts: list[int]
    digits: list[str]
    kinds: list[str]

    def shape(self, start: int, end: int) -> tuple[int, ...]:
        """How many digits the groups ``start`` to ``end`` have."""
        return tuple(map(len, self.digits[start : end + 1]))


def _candidates(plain: str) -> Iterator[tuple[int, str, bool]]:
    """Where twelve digits stand that may be one number: offset, digits, and whether they count without a keyword."""
    for found in _RUN.finditer(plain):
        if found.end() - found.start() >= 12:
            groups = list(_GROUP.finditer(plain, found.start(), found.end()))
            kinds = [_kind(group[2] or "") for group in groups]
            yield from _in_run(plain, _Run([g.start() for g in groups], [g[1] for g in groups], kinds))


def _in_run(plain: str, run: _Run) -> Iterator[tuple[int, str, bool]]:
    """The candidates of one run."""
    start, last = 0, len(run.digits) - 1
    while start <= last:
        end, length = start, len(run.digits[start])
        while length < 12 and end < last:
            end += 1
            length += len(run.digits[end])
        if length == 12:
            digits = "".join(run.digits[start : end + 1])
            alone = _stands_alone(run, start, end) and not _is_other_number(plain, run, start, digits)
            if alone or (is_my_number(digits) and _is_usual(run, start, end)):
                yield run.starts[start], digits, alone and _is_clear(plain, run, start, end)
                start = end if alone else start
        start += 1


def _stands_alone(run: _Run, start: int, end: int) -> bool:
    """Whether groups ``start`` to ``end`` are not merely part of a longer number: what stands around them differs from
    what joins them; twelve digits in one piece must only not hang on a hyphen."""
    inner = run.kinds[start:end] or ["-"]
    before = run.kinds[start - 1] if start else ""
    after = run.kinds[end] if end < len(run.kinds) - 1 else ""
    return before not in inner and after not in inner


def _is_other_number(plain: str, run: _Run, start: int, digits: str) -> bool:
    """Whether this is a telephone number with country code, a time stamp, or a date with four more digits."""
    first = run.starts[start]
    if plain[max(0, first - 1) : first] == "+":
        return True
    return bool(_TIME_STAMP.fullmatch(digits) or (len(run.digits[start]) < 12 and _DATE.match(digits)))


def _is_usual(run: _Run, start: int, end: int) -> bool:
    """Whether the twelve digits are grouped as people write them, with one separator throughout."""
    return len(set(run.kinds[start:end])) == 1 and run.shape(start, end) in _USUAL


def _kind(separator: str) -> str:
    """A separator without the blanks around it (``" - "`` is ``"-"``); of blanks alone, a line end or the first."""
    if "\n" in separator and not separator.strip("\n "):
        return "\n"
    return separator.strip(" \n") or separator[:1]


def _is_clear(plain: str, run: _Run, start: int, end: int) -> bool:
    """Whether the digits count without a keyword: usual grouping, and not another well-known kind of number."""
    parts, joints = run.digits[start : end + 1], set(run.kinds[start:end])
    first, after = run.starts[start], run.starts[end] + len(parts[-1])
    if _BESIDE_CODES.search(plain[max(0, first - 1) : first] + plain[after : after + 1]):
        return False
    if len(parts) == 1:
        return True
    if joints == {"\n"}:
        return len(parts) == 2
    if not _is_usual(run, start, end) or (len(parts) != 12 and joints & {"\t", ",", "|", ":", "/"}):
        return False
    return not (_is_address(parts, joints) or all(_YEAR.fullmatch(part) for part in parts))


def _is_address(parts: list[str], joints: set[str]) -> bool:
    """An IPv4 address written with twelve digits."""
    return joints == {"."} and len(parts) == 4 and all(int(part) <= 255 for part in parts)
