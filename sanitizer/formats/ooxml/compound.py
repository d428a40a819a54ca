"""Streams of a compound file, just enough for an encrypted Office document.

Rules kept here:

- Chains are followed no further than the file is long; whatever does not add up raises ``Refused("unreadable")``.

Source: [MS-CFB] 2.2-2.6.
"""

from __future__ import annotations

import struct

from sanitizer.formats.base import Refused
from sanitizer.formats.compound_sectors import Sectors, entry_name

_STREAM = 2


class CompoundFile(Sectors):
    """The streams by name."""

    def __init__(self, data: bytes) -> None:
        try:
            super().__init__(data)
        except (struct.error, IndexError) as error:
            raise Refused("unreadable", "compound file structure") from error

    def names(self) -> list[str]:
        """The names of all streams, whatever storage they are in, in the order of the directory."""
        return [entry_name(entry) for entry in self.entries if entry[66] == _STREAM]

    def stream(self, name: str) -> bytes | None:
        """The bytes of a stream, whatever storage it is in; None if there is none of that name."""
        try:
            for entry in self.entries:
                if entry_name(entry).lower() == name.lower() and entry[66] == _STREAM:
                    return self.read(*struct.unpack_from("<II", entry, 116))
        except (struct.error, IndexError) as error:
            raise Refused("unreadable", "compound file structure") from error
        return None
