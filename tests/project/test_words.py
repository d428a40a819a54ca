"""The words of reports and of the client are the same: each kind, both languages, for one and for many."""

from __future__ import annotations

import json
import subprocess

from ops import build_client
from sanitizer.formats.base import Change
from sanitizer.words import CHANGED, REMOVED, place, said, summary

ASK = """
const words = await import("./src/messages/removed.ts");
const told = {};
for (const [name, table] of Object.entries(words))
  told[name] = Object.fromEntries(Object.entries(table).map(([kind, say]) => [kind, [1, 2, 12345].map((n) => say(n))]));
console.log(JSON.stringify(told));
"""


def test_reports_and_client_say_the_same() -> None:
    program = [str(build_client.node_program()), "--input-type=module", "--eval", ASK]
    done = subprocess.run(program, cwd=build_client.CLIENT, capture_output=True, text=True, timeout=60, check=True)
    client = json.loads(done.stdout)
    for name, table in (("removed", REMOVED), ("changed", CHANGED)):
        for language in ("ja", "en"):
            theirs = client[f"{name}{language.title()}"]
            assert set(table) <= set(theirs)
            for kind in table:
                ours = [said(kind, count, language, table) for count in (1, 2, 12345)]
                assert ours == [words.replace("\u2060", "") for words in theirs[kind]], kind


def test_a_summary_says_what_went_from_where() -> None:
    removed = [
        Change("javascript", 1),
        Change("javascript", 2, "page 3"),
        Change("embedded-file", 1, "member 2/page 1"),
    ]
    changed = [Change("orientation", 1)]
    assert summary(removed, changed, "ja") == (
        "取り除いたもの: JavaScript 3か所（ファイル全体、3ページ目）、"
        "埋め込みファイル1個（中のファイル2・1ページ目）。写真の向きを直しました。"
    )
    assert summary(removed, changed, "en") == (
        "Removed: 3 scripts (JavaScript) (the whole file, page 3), 1 embedded file (file inside 2, page 1). "
        "The picture was turned upright."
    )
    assert summary([], [], "ja") == ""


def test_many_places_are_told_in_short() -> None:
    removed = [Change("javascript", 1, f"page {number}") for number in range(1, 9)]
    assert summary(removed, [], "en").endswith("(page 1, page 2, page 3, page 4, page 5 and elsewhere).")


def test_what_has_no_words_is_told_all_the_same() -> None:
    assert "new-kind" in said("new-kind", 2, "ja")
    assert "new-kind" in summary([], [Change("new-kind", 2)], "en")
    assert place("elsewhere", "ja") == "elsewhere"
