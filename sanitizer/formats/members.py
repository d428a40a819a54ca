"""What every container says of its members: a note in the place of one that was refused, and their words (jailed side).

Rules kept here:

- The type of a rebuilt member is that of its name's ending; a name without a known one says nothing.
- A note is plain text in UTF-8 with a byte order mark: old editors too must show it. Its name holds no dot but that of
  its own ending, so that it cannot be taken for what it stands for.

>>> note_name("総務/plan.exe")
'総務/plan_exe(取り除きました).txt'
"""

from __future__ import annotations

import importlib

from sanitizer import kinds
from sanitizer.formats import FORMATS
from sanitizer.limits import Limits
from sanitizer.refusals import sentence

_NOTE = "(取り除きました).txt"
_DOTS = str.maketrans(dict.fromkeys(".．。｡․﹒", "_"))
_STEM = 60  # characters of the refused name that the note's name keeps


def note_name(path: str) -> str:
    """The name of the note that stands for a refused member; the folder stays."""
    folder, slash, last = path.rpartition("/")
    return folder + slash + last.translate(_DOTS)[:_STEM] + _NOTE


def note(code: str) -> bytes:
    """Why the member is missing, and what to do, in Japanese and English."""
    words = sentence(code)
    text = (
        f"ここにあったファイルは、検査で取り除かれました。\r\n{words.ja}\r\n\r\n"
        f"The file that was here was taken out by the inspection.\r\n{words.en}\r\n"
    )
    return b"\xef\xbb\xbf" + text.encode()


def type_of(path: str) -> str:
    """The media type of a rebuilt member by its name; empty if the ending stands for none."""
    return next(iter(kinds.types_of(path.rpartition("/")[2])), "")


def words_of(path: str, data: bytes, limits: Limits) -> str:
    """The name of a rebuilt member and what it says, one line end behind each; only the name if it cannot be read."""
    module = FORMATS.get(type_of(path))
    try:
        said = importlib.import_module(module).text(data, limits) if module else ""
    except Exception:
        said = ""
    return f"{path}\n{said}\n" if said else f"{path}\n"
