"""Archives: taken apart, every member treated by its own format, and packed as one canonical ZIP.

Rules kept here:

- ZIP, LZH, 7z, RAR, tar and compressed single files leave as ZIP, in the grammar of ``docs/grammar-archive.md``.
- A refused member's place is taken by a note that says why. An archive of which nothing is left is refused: with its
  members' reason if they all have the same.

>>> job = Job("application/zip", "rebuild", "a.zip", None, Limits())
>>> [member.name for member in unpack(zip_writing.write([("../a.txt", b"x", False)]), job).members]
['a.txt']
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from sanitizer.formats import zip_writing
from sanitizer.formats.archive.kinds import KINDS
from sanitizer.formats.archive.reading import Reading
from sanitizer.formats.base import Change, Job, Member, Rebuilt, Refused, Treated, Unpacked
from sanitizer.formats.member_names import Names, folded
from sanitizer.formats.members import note, note_name, type_of, words_of
from sanitizer.limits import Limits

__all__ = ["KINDS", "pack", "text", "thumbnail", "unpack"]

_ZIP = "application/zip"
_DEFLATED = ("image/bmp", "image/svg+xml", "image/tiff", "message/rfc822")


def unpack(data: bytes, job: Job) -> Unpacked:
    """The members of an archive. Raises ``Refused`` and ``NeedsPassword``, also while they are taken."""
    reading = Reading(data, job)
    unpacked = Unpacked(())

    def members() -> Iterator[Member]:
        yield from reading
        unpacked.removed += reading.removed()
        unpacked.changed += reading.changed()

    unpacked.members = members()
    return unpacked


def pack(data: bytes, job: Job, members: list[Treated]) -> Rebuilt:
    """The canonical ZIP of what was released. Raises ``Refused`` if that is nothing."""
    if not any(member.code == "released" for member in members):
        codes = {member.code for member in members if member.code}
        raise Refused(codes.pop() if len(codes) == 1 else "nothing-left", "no member")
    changed = [] if job.mime in (_ZIP, "application/x-zip-with-programs") else [Change("to-zip", 1)]
    return Rebuilt(zip_writing.write(_packed(members)), _ZIP, [], changed)


def _packed(members: list[Treated]) -> Iterator[tuple[str, bytes, bool]]:
    """Name, bytes and whether to deflate, of each member; empty folders at last."""
    names = Names()
    filled = set[str]()
    for member in members:
        if not member.code:
            continue
        if member.code == "released":
            name, data = names.file(member.name), member.read()
        else:
            name, data = names.file(note_name(member.name)), note(member.code)
        filled.update(_folders_of(name))
        mime = type_of(name)
        yield name, data, mime.startswith("text/") or mime in _DEFLATED
    for member in sorted((one for one in members if not one.code), key=lambda one: -one.name.count("/")):
        folder = names.folder(member.name)
        if folded(folder) not in filled:
            filled.update(_folders_of(folder + "/"))
            yield folder + "/", b"", False


def _folders_of(name: str) -> Iterator[str]:
    """The folders in which a member lies, as they are compared; of a folder's name itself too."""
    parts = name.split("/")
    for count in range(1, len(parts)):
        yield folded("/".join(parts[:count]))


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """An archive has no thumbnail."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """The names of the members, each followed by what it says."""
    words, room = list[str](), limits.text_bytes
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if room <= 0:
                break
            name = info.filename
            words.append(f"{name}\n" if info.is_dir() else words_of(name, archive.read(info), limits))
            room -= len(words[-1])
    return "".join(words)
