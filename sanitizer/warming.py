"""A cell's own exercise before the first file: its modules treat samples of ours a few times.

Rules kept here:

- Only the files of ``sanitizer/warm``, which we made, and only modules of ours; nothing received is ever read here.
- What the interpreter and the libraries learn by it (specialised bytecode, compiled patterns, resolved symbols, filled
  caches) is inherited by every jail, which would otherwise learn it anew for each file: a sixth of the cost of a PDF.
- The code that the commonest sample runs is moved to one place (``sanitizer.settling``): jails copy fewer pages.
- A sample that is not treated as it should be stops the cell: it would not treat files rightly either.

>>> sorted(path.suffix for path in samples())[:3]
['.csv', '.docx', '.html']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType

from sanitizer import identify, kinds, settling
from sanitizer.formats.base import Job
from sanitizer.limits import Limits

ROUNDS = 8  # the interpreter specialises a function that has been called as often
_OURS = ("sanitizer.formats.", "sanitizer.verify.")


def samples() -> list[Path]:
    """The files, one for each family of formats, the commonest last; each is a canonical output."""
    found = (path for path in Path(__file__).with_name("warm").iterdir() if path.suffix not in (".md", ".py"))
    return sorted(found, key=lambda path: (path.suffix == ".pdf", path.name))


def warm(modules: Mapping[str, ModuleType]) -> None:
    """Let each module treat its samples, and do what else warms it; raises what it raises."""
    for one in modules.values():
        exercise = getattr(one, "warm", None) if one.__name__.startswith(_OURS) else None
        if exercise is not None:
            exercise()
    works = list(_works(modules))
    for work in works:
        work()
    for commonest in works[-1:]:  # more of them would take more memory, and every fork copies the map of it
        settling.fill_holes()
        settling.gather(commonest)
    for work in works * ROUNDS:
        work()


def _works(modules: Mapping[str, ModuleType]) -> Iterator[Callable[[], None]]:
    for path in samples():
        for mime in kinds.types_of(path.name):
            module = modules.get(mime)
            if module is not None and module.__name__.startswith(_OURS):
                yield partial(treat, module, mime, path.read_bytes())


def treat(module: ModuleType, mime: str, data: bytes) -> None:
    """What a jail of either cell would do with ``data``."""
    if hasattr(module, "verify"):
        module.verify(data, Limits(), mime)
    else:
        identify.identify(data, "sample." + kinds.ending_of(mime))
        module.rebuild(data, Job(mime, "rebuild", "", None, Limits()))
