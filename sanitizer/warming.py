"""A cell's own exercise before the first file: its modules treat samples of ours a few times.

Rules kept here:

- Only the files of ``sanitizer/warm``, which we made, and only modules of ours; nothing received is ever read here.
- What the interpreter and the libraries learn by it (specialised bytecode, compiled patterns, resolved symbols, filled
  caches) is inherited by every jail, which would otherwise learn it anew for each file: a sixth of the cost of a PDF.
- The code that a sample runs is moved to one place first (``sanitizer.settling``): jails copy fewer memory pages.
- A sample that is not treated as it should be stops the cell: it would not treat files rightly either.

>>> sorted(path.suffix for path in samples())[:3]
['.csv', '.docx', '.html']
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType

from sanitizer import kinds, settling
from sanitizer.formats.base import Job
from sanitizer.limits import Limits

ROUNDS = 4  # more gains nothing (measured)
_OURS = ("sanitizer.formats.", "sanitizer.verify.")


def samples() -> list[Path]:
    """The files, one for each family of formats; each is a canonical output."""
    return sorted(path for path in Path(__file__).with_name("warm").iterdir() if path.suffix not in (".md", ".py"))


def warm(modules: Mapping[str, ModuleType]) -> None:
    """Let each module treat its samples, and do what else warms it; raises what it raises."""
    for one in modules.values():
        exercise = getattr(one, "warm", None) if one.__name__.startswith(_OURS) else None
        if exercise is not None:
            exercise()
    for path in samples():
        for mime in kinds.types_of(path.name):
            module = modules.get(mime)
            if module is not None and module.__name__.startswith(_OURS):
                data = path.read_bytes()
                settling.gather(partial(treat, module, mime, data))
                for _ in range(ROUNDS):
                    treat(module, mime, data)


def treat(module: ModuleType, mime: str, data: bytes) -> None:
    """What a jail of either cell would do with ``data``."""
    if hasattr(module, "verify"):
        module.verify(data, Limits(), mime)
    else:
        module.rebuild(data, Job(mime, "rebuild", "", None, Limits()))
