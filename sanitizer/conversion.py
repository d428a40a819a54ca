"""What an examination does with an answer that asks for the converter (trusting side).

Rules kept here:

- A jail prepares the bytes that the converter gets and names a recipe of the table; a recipe that is not in it, a size
  that cannot be, or one conversion too many is a jail gone wrong: ``crashed``.
- The converter's output is sealed and is read by jails only: in the place of the file, or beside it.
- What the first reading found is told once: the same kind found again in the converted file is the same thing.

Example: ``sanitizer.examination`` is its only user.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace

from sanitizer import intake
from sanitizer.converter import Converted, Converter, NoConverter, NotConverted
from sanitizer.formats.base import Change
from sanitizer.limits import Limits
from sanitizer.recipes import MAX_STEPS, RECIPES, Recipe
from sanitizer.wire import MAX_CHANGES, Answer

# what it writes of its own into everything
_OF_THE_CONVERTER = frozenset({"document-info", "extension", "page-thumbnail", "private-data"})


@dataclass(slots=True)
class Reading:
    """What the next jail reads: the received file, or what a converter made of it. ``drawn``: what it made of the
    file's pictures, 0 bytes if nothing. Its own descriptors are closed by ``close``; the received file stays the
    caller's."""

    descriptor: int
    size: int
    name: str
    drawn: int = -1
    drawn_size: int = 0
    steps: int = 0
    input_type: str = ""
    _replaced: bool = False
    _printed: bool = False  # what is read now are the pages of a file that has been rebuilt
    _removed: list[Change] = field(default_factory=list)
    _changed: list[Change] = field(default_factory=list)
    _owned: list[int] = field(default_factory=list)

    async def convert(self, converter: Converter, answer: Answer, output: int, limits: Limits) -> Converted:
        """Have ``output``, which a jail wrote and is owned here from now on, converted as ``answer`` asks; the next
        reading is of the result. Raises ``NotConverted``."""
        self._owned.append(output)
        recipe = RECIPES.get(answer.code)
        self.steps += 1
        if recipe is None or self.steps > MAX_STEPS or not intake.seal_output(output, answer.size):
            raise NotConverted("crashed", "impossible conversion")
        self.input_type = self.input_type or answer.input_type
        made = intake.new_output(limits.max_output)
        self._owned.append(made)
        try:
            converted = await converter.convert(output, answer.size, made, recipe, limits)
        except (NoConverter, NotConverted) as no:
            if recipe.use == "beside":
                return self._go_on_without(made)
            if isinstance(no, NotConverted):
                raise
            raise NotConverted(_without(recipe), _plain(str(no))) from no
        if not intake.seal_output(made, converted.size):
            raise NotConverted("crashed", "impossible size")
        self._go_on(recipe, answer, made, converted.size)
        return converted

    def _go_on_without(self, made: int) -> Converted:
        """Nothing was drawn; the jail is told so by a byte that is no document, and asks no second time."""
        self.drawn, self.drawn_size = made, os.pwrite(made, b"\0", 0)
        intake.seal_output(made, self.drawn_size)
        return Converted(0, 0.0, 0)

    def _go_on(self, recipe: Recipe, answer: Answer, made: int, size: int) -> None:
        if recipe.use != "instead":
            self.drawn, self.drawn_size = made, size
            return
        self.descriptor, self.size, self._replaced = made, size, True
        self._printed = recipe.target == "pdf"
        self.name = f"{self.name.rpartition('.')[0] or self.name}.{recipe.target}"
        self.drawn, self.drawn_size = -1, 0
        self._removed += _new(answer.removed, self._removed)
        self._changed += _new(answer.changed, self._changed)

    def told(self, answer: Answer) -> Answer:
        """The last answer, with what the earlier ones found."""
        found = () if self._printed else tuple(one for one in answer.removed if not self._is_of_converter(one))
        removed = (*self._removed, *_new(found, self._removed))[:MAX_CHANGES]
        changed = (*self._changed, *_new(answer.changed, self._changed))[:MAX_CHANGES]
        return replace(answer, input_type=self.input_type or answer.input_type, removed=removed, changed=changed)

    def _is_of_converter(self, change: Change) -> bool:
        return self._replaced and change.kind in _OF_THE_CONVERTER

    def close(self) -> None:
        """Close what was made on the way."""
        while self._owned:
            os.close(self._owned.pop())


def _new(changes: tuple[Change, ...], known: list[Change]) -> list[Change]:
    kinds = {change.kind for change in known}
    return [change for change in changes if change.kind not in kinds]


def _without(recipe: Recipe) -> str:
    """The refusal where the program of a recipe is missing."""
    if recipe.program == "ffmpeg":
        return "no-media-converter"
    return "unsupported-flatten" if recipe.target == "pdf" else "no-converter"


def _plain(text: str) -> str:
    """Text that may stand in a detail for the operator."""
    return re.sub(r"[^A-Za-z0-9 .,:;#/+_()-]", "", text)[:80]
