"""What a text is found by: its characters and pairs of characters, in one form.

Rules kept here:
- one form for what is stored and what is asked: NFKC and case-folded (UAX #15 section 1, Unicode 3.13 D145), so that
  ｶﾞ finds ガ, Ａ finds a and ① finds 1;
- words are what stands between blanks; a gram never spans two;
- grams only narrow the search: ``holds`` says whether the text really has every word.

>>> sorted(grams("防災 A"))
['a', '災', '防', '防災']
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import regex

MAX_QUERY = 100
MAX_WORDS = 8
_CLUSTER = regex.compile(r"\X")


def fold(text: str) -> str:
    """The one form in which texts are compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def words(query: str) -> tuple[str, ...] | None:
    """What is asked for: different words in the one form; None if it is nothing or too much."""
    if len(query) > MAX_QUERY:
        return None
    found = tuple(dict.fromkeys(fold(query).split()))
    return found if 0 < len(found) <= MAX_WORDS else None


def grams(text: str) -> frozenset[str]:
    """Every character and every pair of neighbours within a word."""
    found: set[str] = set()
    for word in fold(text).split():
        found.update(word)
        found.update(_pairs(word))
    return frozenset(found)


def query_grams(asked: tuple[str, ...]) -> frozenset[str]:
    """The grams that a text with all these words is sure to have: its pairs, or the character of a word of one."""
    return frozenset(gram for word in asked for gram in (_pairs(word) if word[1:] else (word,)))


def _pairs(word: str) -> Iterator[str]:
    return map("".join, pairwise(word))


def holds(text: str, asked: tuple[str, ...]) -> bool:
    """Whether the text has every word."""
    folded = fold(text)
    return all(word in folded for word in asked)


class Snippet(NamedTuple):
    """A part of a text around the first word that was found. ``marks``: (start, end) of words in ``text``, in code
    points."""

    text: str
    marks: tuple[tuple[int, int], ...]


def snippet(text: str, asked: tuple[str, ...], around: int = 40) -> Snippet:
    """What to show of a text that was found: about ``around`` characters before and after the first word."""
    spans = _spans(text, asked)
    first, last = spans[0] if spans else (0, 0)
    start, end = max(0, first - around), min(len(text), last + 2 * around)
    shown = text[start:end].replace("\n", " ")
    head, tail = "…" if start else "", "…" if end < len(text) else ""
    inside = [(max(a, start), min(b, end)) for a, b in spans if a < end and b > start]
    shift = len(head) - start
    return Snippet(head + shown + tail, tuple((a + shift, b + shift) for a, b in inside))


def _spans(text: str, asked: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where the words stand, in order and without overlap, in code points of the text as it is written."""
    folded, places = _folded_with_places(text)
    found: list[tuple[int, int]] = []
    for word in asked:
        at = folded.find(word)
        while at >= 0:
            found.append((places[at][0], places[at + len(word) - 1][1]))
            at = folded.find(word, at + len(word))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _folded_with_places(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The folded text, and for each of its characters where the written character begins and ends."""
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    for cluster in _CLUSTER.finditer(text):
        folded = fold(cluster.group())
        parts.append(folded)
        places += [cluster.span()] * len(folded)
    return "".join(parts), places
