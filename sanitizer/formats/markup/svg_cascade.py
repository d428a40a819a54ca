"""The style sheets of a drawing, applied to its elements, so that none has to stay.

Rules kept here:

- A rule counts as CSS says: by specificity, then by order; ``!important`` first. Descendants are the only relation that
  is understood; rules with others have been left out.

>>> sheet = Cascade([css.rules(".a{fill:red} #b{fill:blue}", css.SVG_PROPERTIES, lower=False)[0]])
>>> sheet.style([Key("rect", "b", ("a",))])
{'fill': 'blue'}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sanitizer.formats.markup import css

MOST_RULES = 20_000
_PART = re.compile(r"([.#]?)([^.#]+)")


@dataclass(frozen=True, slots=True)
class Key:
    """What selectors ask of an element."""

    name: str
    id: str
    classes: tuple[str, ...]

    def fits(self, compound: str) -> bool:
        """Whether a compound selector selects this element."""
        for mark, word in _PART.findall(compound):
            fits = word in self.classes if mark == "." else word == self.id if mark == "#" else word in ("*", self.name)
            if not fits:
                return False
        return True


class Cascade:
    """All rules of a document, found by the class, identity or name that their last part asks for."""

    def __init__(self, sheets: Iterable[list[css.Rule]]) -> None:
        self._by_word: dict[str, list[tuple[tuple[int, int, int], int, tuple[str, ...], dict[str, str]]]] = {}
        order = 0
        for rule in (rule for sheet in sheets for rule in sheet):
            for selector in rule.selectors:
                order += 1
                if order > MOST_RULES:
                    return
                word = (_PART.findall(selector[-1]) or [("", "*")])[-1]
                entry = (_specificity(selector), order, selector, rule.kept)
                self._by_word.setdefault("".join(word), []).append(entry)

    def style(self, path: Sequence[Key]) -> dict[str, str]:
        """Property → value for the last element of ``path``, which begins at the root."""
        if not self._by_word:
            return {}
        key = path[-1]
        words = {"*", key.name, f"#{key.id}", *(f".{name}" for name in key.classes)}
        found = [entry for word in words for entry in self._by_word.get(word, ()) if _selects(entry[2], path)]
        kept: dict[str, str] = {}
        for important in (False, True):
            for _, _, _, declared in sorted(found, key=lambda entry: entry[:2]):
                kept.update(
                    (name, value) for name, value in declared.items() if value.endswith("!important") is important
                )
        return {name: value.removesuffix(" !important") for name, value in kept.items()}


def _specificity(selector: tuple[str, ...]) -> tuple[int, int, int]:
    marks = [mark for compound in selector for mark, word in _PART.findall(compound) if word != "*"]
    return marks.count("#"), marks.count("."), marks.count("")


def _selects(selector: tuple[str, ...], path: Sequence[Key]) -> bool:
    """Whether the last element fits the last compound, and its ancestors the others in order."""
    if not path[-1].fits(selector[-1]):
        return False
    ancestors = iter(reversed(path[:-1]))
    return all(any(key.fits(compound) for key in ancestors) for compound in reversed(selector[:-1]))
