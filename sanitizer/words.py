"""What was done to a file, in words: for the report and the command line, where no client tells it.

Rules kept here:

- The words are the client's (``web_client/src/messages/removed.ts``), here in ``sanitizer/words.tsv``; a test holds
  the two against each other.
- Kinds, counts and places alone are told, never anything found in a file. A kind without words is told by its slug.
- A Japanese text and an English one, one form of the English words for one and one for more.

>>> said("javascript", 2, "en"), place("page 3", "en")
('2 scripts (JavaScript)', 'page 3')
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sanitizer.formats.base import Change

Language = Literal["ja", "en"]
Words = tuple[str, ...]  # Japanese, English for one, English for more where that differs; {} for the count

TABLE = Path(__file__).with_name("words.tsv")
MOST_PLACES = 5  # that are told of one kind
_PLACES = {
    "page": "{}ページ目",
    "sheet": "シート{}",
    "slide": "スライド{}",
    "member": "中のファイル{}",
    "module": "モジュール{}",
}


def _table(which: str) -> dict[str, Words]:
    rows = (line.split("\t") for line in TABLE.read_text("utf-8").splitlines())
    return {kind: tuple(words) for table, kind, *words in rows if table == which}


REMOVED, CHANGED = _table("removed"), _table("changed")


def summary(removed: Sequence[Change], changed: Sequence[Change], language: Language) -> str:
    """One line: what was taken out, kind by kind and where, then what was changed. Empty if nothing was."""
    taken = [_told(kind, count, places, language) for kind, count, places in _by_kind(removed)]
    parts = []
    if taken:
        joined = ("、" if language == "ja" else ", ").join(taken)
        parts.append(f"取り除いたもの: {joined}。" if language == "ja" else f"Removed: {joined}.")
    parts += [said(kind, count, language, CHANGED) for kind, count, _ in _by_kind(changed)]
    return ("" if language == "ja" else " ").join(parts)


def said(kind: str, count: int, language: Language, table: dict[str, Words] | None = None) -> str:
    """A kind with its count; ``table``: ``REMOVED`` unless said."""
    words = (REMOVED if table is None else table).get(kind)
    if words is None:
        if table is CHANGED:
            return (
                f"その他の要素（{kind}）{count:,}か所を直しました。"
                if language == "ja"
                else f"{count:,} × {kind} was changed."
            )
        return f"その他の要素（{kind}）{count:,}か所" if language == "ja" else f"{count:,} × {kind}"
    form = 0 if language == "ja" else 1 if count == 1 else -1
    return words[form].replace("{}", f"{count:,}")


def place(where: str, language: Language) -> str:
    """A place of a report in words; a place in a file inside is told after that file."""
    if language == "en":
        return where.replace("member ", "file inside ").replace("/", ", ") or "the whole file"
    named = (
        _PLACES.get(kind, where).format(number) for kind, _, number in (one.partition(" ") for one in where.split("/"))
    )
    return "・".join(named) if where else "ファイル全体"


def _by_kind(changes: Sequence[Change]) -> list[tuple[str, int, list[str]]]:
    """Each kind once: its count, and the places where it was, in the order of the report."""
    counts: Counter[str] = Counter()
    places: dict[str, list[str]] = {}
    for change in changes:
        counts[change.kind] += change.count
        known = places.setdefault(change.kind, [])
        if change.where not in known:
            known.append(change.where)
    return [(kind, counts[kind], known) for kind, known in places.items()]


def _told(kind: str, count: int, places: list[str], language: Language) -> str:
    words = said(kind, count, language)
    if places == [""]:
        return words
    first = [place(where, language) for where in places[:MOST_PLACES]]
    more = len(places) > MOST_PLACES
    if language == "ja":
        return f"{words}（{'、'.join(first)}{'ほか' if more else ''}）"
    return f"{words} ({', '.join(first)}{' and elsewhere' if more else ''})"
