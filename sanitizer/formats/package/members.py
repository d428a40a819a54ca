"""The ZIP of a package: received ones read within limits, new ones written in one form.

Rules kept here:

- Names are compared without case, as Office does. Nothing is written to disk; every inflated byte is counted.
- A new package has no dates, extra fields, comments or flags: its directory follows from its members.

Source: APPNOTE.TXT 6.3.10; docs/grammar-ooxml.md and docs/grammar-odf.md, section 1.

>>> data = write({"[Content_Types].xml": b"<Types/>"}, "[Content_Types].xml", (".xml",))
>>> Archive(data, Budget(100, 10)).read("[content_types].XML")
b'<Types/>'
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable

from sanitizer.formats import zip_writing
from sanitizer.formats.base import Refused

MAX_MEMBERS = 20_000


class Budget:
    """Bytes that may still be inflated and elements that may still be read, over a package and what is in it."""

    def __init__(self, inflated: int, elements: int) -> None:
        self.inflated = inflated
        self.elements = elements

    def take(self, inflated: int = 0, elements: int = 0) -> None:
        """Raises ``Refused("bomb")`` where the budget ends."""
        self.inflated -= inflated
        self.elements -= elements
        if self.inflated < 0 or self.elements < 0:
            raise Refused("bomb", "bytes" if self.inflated < 0 else "elements")


class Archive:
    """The members of a received package."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        self._budget = budget
        self.members: dict[str, zipfile.ZipInfo] = {}
        self.unreadable = 0
        self.openers: dict[str, Callable[[bytes], bytes | None]] = {}  # of encrypted members, by lower-case name
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            infos = self._zip.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
            raise Refused("unreadable", "zip structure") from error
        if len(infos) > MAX_MEMBERS:
            raise Refused("bomb", "members")
        for info in infos:
            self._add(info)

    def _add(self, info: zipfile.ZipInfo) -> None:
        name = info.filename.replace("\\", "/").lstrip("/").lower()
        if not name or name.endswith("/"):
            return
        if info.flag_bits & 1:
            raise Refused("unreadable", "encrypted member")
        first = self.members.setdefault(name, info)
        if (first.CRC, first.file_size) != (info.CRC, info.file_size):
            raise Refused("unreadable", "two members of one name")

    def __contains__(self, name: str) -> bool:
        return name.lower() in self.members

    def read(self, name: str) -> bytes | None:
        """The bytes of a member, or None if there is none or it is damaged. Raises ``Refused("bomb")``."""
        info = self.members.get(name.lower())
        if info is None:
            return None
        self._budget.take(inflated=info.file_size)
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
            self.unreadable += 1
            return None
        self._budget.take(inflated=len(data) - info.file_size)
        opener = self.openers.get(name.lower())
        return opener(data) if opener else data


def write(members: dict[str, bytes], first: str, deflated: tuple[str, ...]) -> bytes:
    """A canonical ZIP of these members: ``first`` first, packed if their names end in one of ``deflated``; names are
    ASCII."""
    names = sorted(members, key=lambda one: (one != first, one))
    return zip_writing.write((name, members[name], name.endswith(deflated)) for name in names)
