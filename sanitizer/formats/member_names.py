"""Names of members: found out from the bytes that an archive has for them, and made safe to unpack (jailed side).

Rules kept here:

- A safe name is in section 2 of ``docs/grammar-archive.md``, and means what it shows: a path downwards, NFC, no
  invisible or directing characters, no drive, stream, device or reserved name.
- A safe name made safe again stays as it is. Names that differ only in what file systems overlook get numbers.
- Unmarked bytes are read for the whole archive at once: UTF-8 if all names are, else whichever of CP932 and EUC-JP
  looks more Japanese, else CP437. A backslash is a separator only after reading: it is a byte of 表 in CP932.

>>> safe_path("..\\\\総務/plan\\u202efdp.txt")
'総務/planfdp.txt'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from sanitizer.formats.base import Refused
from sanitizer.formats.text_encoding import recognised

UNTITLED = "無題"
MAX_PARTS, MAX_PATH, MAX_PART = 20, 960, 255  # parts; bytes, so that a number fits into 1,000; bytes
_NEVER = frozenset(("Cc", "Cf", "Cs", "Cn", "Zl", "Zp"))
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_DOTS = ".．。｡․﹒…"
_RESERVED = re.compile(r"con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9]")
_DRIVE = re.compile(r"\s*[A-Za-z]:")
_LONGEST_ENDING = 20  # characters


def read_names(untrusted: Iterable[bytes]) -> dict[bytes, str]:
    """Names whose encoding the archive does not tell, each with how it reads."""
    names = list(dict.fromkeys(untrusted))
    try:
        codec = recognised(b"\n".join(name for name in names if not name.isascii()) or b"a").codec
    except Refused:
        codec = "cp437"
    codec = "cp437" if codec in ("cp1252", "utf-16-le", "utf-16-be") else codec
    return {name: name.decode("ascii" if name.isascii() else codec, "replace") for name in names}


def safe_path(name: str) -> str:
    """``name`` as a safe path; a trailing slash stays. Never empty."""
    drive = _DRIVE.match(name)
    spelled = name[drive.end() if drive else 0 :].replace("\\", "/")
    parts = [part for part in spelled.split("/") if part.strip(" \u3000") not in ("", ".", "..")]
    safe = [safe_part(part) for part in parts] or [UNTITLED]
    slash = "/" if spelled.endswith("/") else ""
    while len(safe) > MAX_PARTS or len("/".join(safe).encode()) + len(slash) > MAX_PATH:
        del safe[-2]
    return "/".join(safe) + slash


def safe_part(part: str) -> str:
    """One part of a path, safe. Never empty."""
    while True:
        before = part
        part = unicodedata.normalize("NFC", "".join(char for char in part if not _is_unseen(char)))
        part = _FORBIDDEN.sub("_", part).replace("/", "_").replace("\\", "_").replace(".{", "_{")
        part = _trimmed(part) or UNTITLED
        if _RESERVED.fullmatch(_device(part)):
            part = f"_{part}"
        part = _shortened(part)
        if part == before:
            return part


def _is_unseen(char: str) -> bool:
    return char in _UNSEEN or unicodedata.category(char) in _NEVER


def _trimmed(part: str) -> str:
    """Without blanks and dots at both ends."""
    start, end = 0, len(part)
    while start < end and _is_edge(part[start]):
        start += 1
    while end > start and _is_edge(part[end - 1]):
        end -= 1
    return part[start:end]


def _is_edge(char: str) -> bool:
    return char in _DOTS or unicodedata.category(char) == "Zs"


def _device(part: str) -> str:
    """What Windows takes for the name of a device."""
    return folded(part).partition(".")[0].rstrip()


def _shortened(part: str) -> str:
    """At most 255 bytes; the ending stays."""
    if len(part.encode()) <= MAX_PART:
        return part
    stem, dot, ending = part.rpartition(".")
    if not stem or len(ending) > _LONGEST_ENDING:
        stem, dot, ending = part, "", ""
    room = MAX_PART - len((dot + ending).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + ending


def folded(name: str) -> str:
    """The same for names that are alike."""
    return unicodedata.normalize("NFKC", name).casefold()


class Names:
    """Gives every member of one archive a name that is like no other's, and no folder a file's."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._moved: dict[str, str] = {}  # a folder that had a file's name → the folder's new one

    def file(self, name: str) -> str:
        """A safe path for a file called ``name``."""
        name = safe_path(name.rstrip("/\\"))
        folder, slash, last = name.rpartition("/")
        home = self._home(folder) + slash if slash else ""
        name = self._free(home + last)
        self._files.add(folded(name))
        return name

    def folder(self, name: str) -> str:
        """A safe path for a folder, without a slash at its end."""
        return self._home(safe_path(name.rstrip("/\\")))

    def _home(self, folder: str) -> str:
        """The folder, each of its parts moved aside where a file has the name."""
        home = ""
        for part in folder.split("/"):
            wanted = f"{home}/{part}" if home else part
            moved = self._moved.get(folded(wanted))
            if moved is None:
                moved = self._moved[folded(wanted)] = self._free(wanted) if folded(wanted) in self._files else wanted
            home = moved
            self._folders.add(folded(home))
        return home

    def _free(self, name: str) -> str:
        folder, slash, last = name.rpartition("/")
        stem, dot, ending = last.rpartition(".")
        if not stem:
            stem, dot, ending = last, "", ""
        number = 1
        while folded(name) in self._files or folded(name) in self._folders:
            number += 1
            name = folder + slash + safe_part(f"{stem[:60]}({number}){dot}{ending}")
        return name
