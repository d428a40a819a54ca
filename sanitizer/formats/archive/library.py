"""libarchive (BSD licence, of the system) for what is not unpacked here: 7z, RAR, tar, methods of LZH and of ZIP.

Rules kept here:

- Only named formats and filters are switched on; none of them starts a program. Data are in memory, nothing is opened.
- Every call's result is looked at. What the library cannot read is ``Damaged``, and its words are not passed on.
- Without the library ``AVAILABLE`` is false, and those archives are refused with a sentence.

Source: libarchive 3.6, archive.h and archive_entry.h.
"""

from __future__ import annotations

import ctypes
import locale
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_OK, _EOF, _WARN, _RETRY = 0, 1, -20, -10
_CHUNK = 1 << 20
_KIND = 0xF000
_KINDS = {0x8000: "file", 0x4000: "folder", 0: "file"}

_pointer = ctypes.c_void_p
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "archive_read_new": (_pointer, ()),
    "archive_read_free": (ctypes.c_int, (_pointer,)),
    "archive_read_open_memory": (ctypes.c_int, (_pointer, ctypes.c_char_p, ctypes.c_size_t)),
    "archive_read_add_passphrase": (ctypes.c_int, (_pointer, ctypes.c_char_p)),
    "archive_read_has_encrypted_entries": (ctypes.c_int, (_pointer,)),
    "archive_read_next_header": (ctypes.c_int, (_pointer, ctypes.POINTER(_pointer))),
    "archive_read_data": (ctypes.c_ssize_t, (_pointer, ctypes.c_char_p, ctypes.c_size_t)),
    "archive_entry_pathname": (ctypes.c_char_p, (_pointer,)),
    "archive_entry_filetype": (ctypes.c_uint, (_pointer,)),
    "archive_entry_hardlink": (ctypes.c_char_p, (_pointer,)),
    "archive_entry_is_data_encrypted": (ctypes.c_int, (_pointer,)),
} | {
    f"archive_read_support_{name}": (ctypes.c_int, (_pointer,))
    for name in (
        *("format_zip_seekable", "format_lha", "format_7zip", "format_rar", "format_rar5", "format_tar", "format_raw"),
        *("filter_none", "filter_gzip", "filter_bzip2", "filter_xz"),
    )
}


def _load() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libarchive.so.13")
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    with suppress(locale.Error):  # names in UTF-16 become UTF-8; others stay bytes
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    return library


_library = _load()
AVAILABLE = _library is not None


class Damaged(Exception):
    """The library cannot read on. ``encrypted``: because of an encryption."""

    def __init__(self, encrypted: bool = False) -> None:
        super().__init__(encrypted)
        self.encrypted = encrypted


@dataclass(slots=True)
class Item:
    """One entry of an archive, valid until the next one is taken."""

    name: bytes
    kind: str  # "file", "folder", "link" or "special"
    encrypted: bool
    _archive: int = field(repr=False)

    def read(self, limit: int) -> bytes:
        """Its bytes, at most one more than ``limit``. Raises ``Damaged``."""
        assert _library is not None
        parts, size = [], 0
        buffer = ctypes.create_string_buffer(_CHUNK)
        while size <= limit:
            count = _library.archive_read_data(self._archive, buffer, min(_CHUNK, limit + 1 - size))
            if count < 0:
                raise Damaged(self.encrypted)
            if not count:
                break
            parts.append(ctypes.string_at(buffer, count))
            size += count
        return b"".join(parts)


def items(data: bytes, supported: Sequence[str], password: bytes | None = None) -> Iterator[Item]:
    """The entries of an archive in one of the ``supported`` formats and filters. Raises ``Damaged``."""
    assert _library is not None
    with _opened(data, supported, password) as archive:
        entry = _pointer()
        while (result := _library.archive_read_next_header(archive, ctypes.byref(entry))) != _EOF:
            if result not in (_OK, _WARN, _RETRY):
                raise Damaged(_library.archive_read_has_encrypted_entries(archive) == 1)
            if result == _RETRY:
                continue
            name = _library.archive_entry_pathname(entry) or b""
            encrypted = bool(_library.archive_entry_is_data_encrypted(entry))
            yield Item(name, _kind(entry), encrypted, archive)


def _kind(entry: ctypes.c_void_p) -> str:
    assert _library is not None
    if _library.archive_entry_hardlink(entry) is not None:
        return "link"
    return _KINDS.get(_library.archive_entry_filetype(entry) & _KIND, "special")


@contextmanager
def _opened(data: bytes, supported: Sequence[str], password: bytes | None) -> Iterator[int]:
    assert _library is not None
    archive = _library.archive_read_new()
    if not archive:
        raise MemoryError
    try:
        for name in supported:
            getattr(_library, f"archive_read_support_{name}")(archive)
        if password:
            _library.archive_read_add_passphrase(archive, password)
        if _library.archive_read_open_memory(archive, data, len(data)) != _OK:
            raise Damaged
        yield archive
    finally:
        _library.archive_read_free(archive)
