"""The members of an archive in whichever format, one by one, with safe names.

Rules kept here:

- What is no file and no folder (links, devices) goes, and so does the litter of file managers; both are counted.
- A member that cannot be unpacked is refused for itself, with the reason. A ZIP member that grows more than 200 times
  beyond 1 MiB is a bomb; the bytes of all together are counted where they are written (``sanitizer/parcel.py``).
- The password is tried as UTF-8 and as CP932. It counts as wrong only if it opens nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from sanitizer.formats.archive import library, lzh, zip_alone
from sanitizer.formats.archive.seven_zip import File, Malformed
from sanitizer.formats.archive.seven_zip_reading import Damaged, SevenZip
from sanitizer.formats.archive.zip_directory import ENCRYPTED, STRONG, Directory, Entry
from sanitizer.formats.base import Change, Job, Member, NeedsPassword, Refused
from sanitizer.formats.member_names import read_names, safe_path

_BOMB_SIZE = 1 << 20
_LITTER = frozenset((".ds_store", "thumbs.db", "desktop.ini", "icon\r", ".localized"))
_SUPPORT = {
    "application/x-7z-compressed": ("filter_none", "format_7zip"),
    "application/vnd.rar": ("filter_none", "format_rar", "format_rar5"),
    "application/x-tar": ("filter_none", "format_tar"),
    "application/gzip": ("filter_gzip", "format_tar", "format_raw"),
    "application/x-bzip2": ("filter_bzip2", "format_tar", "format_raw"),
    "application/x-xz": ("filter_xz", "format_tar", "format_raw"),
}
_PACKED_ENDINGS = {"tgz": ".tar", "gz": "", "bz2": "", "xz": ""}


@dataclass(slots=True)
class Reading:
    """One archive being read, and what was found on the way. Iterate it once."""

    data: bytes
    job: Job
    counts: dict[str, int] = field(default_factory=dict)  # what goes without being a member
    renamed: int = 0
    opened: bool = False
    locked: bool = False

    def __iter__(self) -> Iterator[Member]:
        if self.job.mime in ("application/zip", "application/x-zip-with-programs"):
            yield from self._zip()
        elif self.job.mime == "application/x-7z-compressed":
            yield from self._seven_zip()
        elif self.job.mime == "application/x-lzh":
            yield from self._lzh()
        else:
            yield from self._others()
        if self.locked and not self.opened:
            raise NeedsPassword(wrong=self.job.password is not None)

    def removed(self) -> list[Change]:
        """What was left behind."""
        return [Change(kind, count) for kind, count in self.counts.items()]

    def changed(self) -> list[Change]:
        """What became different."""
        changes = [Change("encryption", 1)] if self.opened else []
        return changes + ([Change("member-name", self.renamed)] if self.renamed else [])

    def _count(self, kind: str, count: int = 1) -> None:
        if count:
            self.counts[kind] = self.counts.get(kind, 0) + count

    def _kept(self, name: str, special: bool) -> bool:
        """Whether an entry is a member at all."""
        parts = name.replace("\\", "/").rstrip("/").split("/")
        litter = parts[-1].lower() in _LITTER or "__MACOSX" in parts
        if special or litter:
            self._count("special-file" if special else "system-file")
        return not (special or litter)

    def _safe(self, name: str) -> str:
        safe = safe_path(name)
        self.renamed += safe != name
        return safe

    def _zip(self) -> Iterator[Member]:
        directory = Directory(self.data)
        self._count("foreign-bytes", directory.foreign)
        self._count("comment", directory.has_comment + sum(entry.has_comment for entry in directory.members))
        for entry in directory.members:
            if not self._kept(entry.name, entry.is_special):
                continue
            name = self._safe(entry.name).rstrip("/")
            if entry.is_folder:
                yield Member(name + "/")
            else:
                yield self._of_zip(entry, name)

    def _of_zip(self, entry: Entry, name: str) -> Member:
        if entry.start < 0:
            return Member(name, refused="unreadable")
        if entry.flags & STRONG:
            return Member(name, refused="unsupported-encryption")
        if entry.size > _BOMB_SIZE and entry.size > self.job.limits.max_ratio * max(1, entry.packed):
            return Member(name, refused="bomb")
        packed = self.data[entry.start : entry.start + entry.packed]
        if entry.method in (0, 8) and not entry.flags & ENCRYPTED:
            unpacked = _inflated(packed, entry)
            return Member(name, refused="unreadable") if unpacked is None else Member(name, unpacked)
        if not library.AVAILABLE:
            return Member(name, refused="unsupported-archive")
        if entry.flags & ENCRYPTED:
            return self._decrypted(entry, packed, name)
        return _by_library(zip_alone.archive(entry, packed), zip_alone.SUPPORT, name, entry.size)

    def _decrypted(self, entry: Entry, packed: bytes, name: str) -> Member:
        if self.job.password is None:
            raise NeedsPassword(wrong=False)
        lone = zip_alone.archive(entry, packed)
        for password in dict.fromkeys(self.job.password.encode(codec, "replace") for codec in ("utf-8", "cp932")):
            member = _by_library(lone, zip_alone.SUPPORT, name, entry.size, password)
            if not member.refused and (zip_alone.checks_itself(entry) or zlib.crc32(member.data) == entry.crc):
                self.opened = True
                return member
        self.locked = True
        return Member(name, refused="wrong-password")

    def _lzh(self) -> Iterator[Member]:
        if not library.AVAILABLE:
            raise Refused("unsupported-archive", "libarchive is not installed")
        for entry in lzh.read(self.data):
            if not self._kept(entry.name or "", entry.is_special):
                continue
            name = self._safe(entry.name or "").rstrip("/")
            if entry.is_folder:
                yield Member(name + "/")
            else:
                alone = lzh.alone(self.data, entry)
                yield _by_library(alone, ("filter_none", "format_lha"), name, entry.size)

    def _seven_zip(self) -> Iterator[Member]:
        archive = SevenZip(self.data, self.job.password, self.job.limits.max_inflated)
        try:
            files = archive.directory()
        except Malformed:  # with methods that only the library knows
            yield from self._others()
            return
        except Damaged:
            if archive.decrypted:
                raise NeedsPassword(wrong=True) from None
            raise Refused("unreadable", "7z directory") from None
        for file, data in archive.contents(files):
            if self._kept(file.name, file.is_special):
                yield self._of_seven_zip(file, data, archive.decrypted)

    def _of_seven_zip(self, file: File, data: bytes | None, decrypted: bool) -> Member:
        name = self._safe(file.name).rstrip("/")
        if file.is_folder:
            return Member(name + "/")
        self.opened |= decrypted and data is not None
        self.locked |= decrypted and data is None
        if data is None:
            return Member(name, refused="wrong-password" if decrypted else "unreadable")
        return Member(name, data)

    def _others(self) -> Iterator[Member]:
        if not library.AVAILABLE:
            raise Refused("unsupported-archive", "libarchive is not installed")
        supported = _SUPPORT[self.job.mime]
        try:
            for item in library.items(self.data, supported):
                is_raw = item.name == b"data" and "format_raw" in supported
                name = self._raw_name() if is_raw else read_names([item.name])[item.name]
                if self._kept(name, item.kind in ("link", "special")):
                    yield self._of_others(item, self._safe(name).rstrip("/"))
        except library.Damaged as error:
            raise Refused("unsupported-encryption" if error.encrypted else "unreadable", "archive") from None

    def _of_others(self, item: library.Item, name: str) -> Member:
        if item.kind == "folder":
            return Member(name + "/")
        if item.encrypted:
            return Member(name, refused="unsupported-encryption")
        try:
            return Member(name, _bounded(item, self.job.limits.max_output))
        except library.Damaged:
            return Member(name, refused="unreadable")

    def _raw_name(self) -> str:
        """What a compressed single file is called: the archive's name without its ending."""
        stem, _, ending = self.job.name.replace("\\", "/").rpartition("/")[2].rpartition(".")
        return stem + _PACKED_ENDINGS[ending.lower()] if stem and ending.lower() in _PACKED_ENDINGS else self.job.name


def _inflated(packed: bytes, entry: Entry) -> bytes | None:
    """The bytes of a stored or deflated member; None if they are not what the directory says."""
    data = packed
    if entry.method == 8:
        engine = zlib.decompressobj(-15)
        try:
            data = engine.decompress(packed, entry.size + 1)
        except zlib.error:
            return None
    return data if len(data) == entry.size and zlib.crc32(data) == entry.crc else None


def _by_library(
    archive: bytes, supported: tuple[str, ...], name: str, size: int, password: bytes | None = None
) -> Member:
    """The only member of an archive, which must have ``size`` bytes."""
    try:
        for item in library.items(archive, supported, password):
            data = item.read(size)
            return Member(name, data) if len(data) == size else Member(name, refused="unreadable")
    except library.Damaged:
        pass
    return Member(name, refused="unreadable")


def _bounded(item: library.Item, limit: int) -> bytes:
    data = item.read(limit)
    if len(data) > limit:
        raise Refused("bomb", "bytes of a member")
    return data
