"""What goes through as it is, and what is rebuilt: by the type that is told, the name, and the first bytes.

Rules kept here:
- types of the list go through, everything else is rebuilt or refused: what is not named is not trusted;
- a type does not let through what is sent to be saved (``Content-Disposition: attachment``) or begins as a document,
  an archive or a program does;
- a part of a file (206) and a file that is packed for the way (``Content-Encoding``) cannot be rebuilt: refused;
- a name that only an address gives is mended to agree with the type that is told, one that a person will see is not.

>>> Policy(("text/html", "font/*")).passes("text/html; charset=utf-8", "", b"<!doctype html>")
True
>>> Policy(("text/html", "font/*")).passes("text/html", "", b"%PDF-1.7")
False
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message
from urllib.parse import unquote, urlsplit

from sanitizer import kinds
from server.icap.messages import HttpHead

_FILES = (
    b"%PDF-", b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf", b"MZ", b"\x7fELF",
    b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x1f\x8b", b"MSCF", b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8",
    b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"L\x00\x00\x00\x01\x14\x02\x00",
)  # fmt: skip
_ALIASES = {
    "image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png", "application/x-pdf":
    "application/pdf", "application/x-zip-compressed": "application/zip", "application/csv": "text/csv",
}  # fmt: skip
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
MAX_NAME = 255


def media_type(value: str) -> str:
    """The type of a ``Content-Type``, in lower case; empty if it is none."""
    kind = value.partition(";")[0].strip().lower()
    return _ALIASES.get(kind, kind) if _TYPE.fullmatch(kind) else ""


def begins_as_a_file(first: bytes) -> bool:
    """Whether the first bytes are those of a document, an archive, a picture or a program."""
    return first.startswith(_FILES)


class Policy:
    """``types``: media types that go through, ``*`` for any letters."""

    def __init__(self, types: Iterable[str]) -> None:
        patterns = (re.escape(kind.strip().lower()).replace(r"\*", "[^/]*") for kind in types)
        self._types = re.compile("|".join(patterns) or r"(?!)")

    def passes(self, told: str, disposition: str, first: bytes) -> bool:
        """``told``: the ``Content-Type``; ``disposition``: the ``Content-Disposition``; ``first``: as much of the body
        as is known, if it is not packed."""
        kind = media_type(told)
        to_be_saved = disposition.strip().lower().startswith("attachment")
        listed = bool(kind) and self._types.fullmatch(kind) is not None
        return listed and not to_be_saved and not begins_as_a_file(first)


def unworkable(head: HttpHead) -> str | None:
    """The code of why a message's body cannot be rebuilt as it comes; None if it can."""
    if head.line.startswith("HTTP/") and (head.status == 206 or head.get("content-range")):
        return "partial"
    return "encoded" if is_packed(head) else None


def file_name(disposition: str, target: str, told: str) -> str:
    """The name under which a file is examined: of its ``Content-Disposition`` (RFC 6266), else of its address, with the
    ending of the type that is told."""
    named = name_in(disposition)
    if named:
        return named
    kind = media_type(told)
    name = unquote(path_of(target).rpartition("/")[2], errors="replace")[-MAX_NAME:].replace("\0", "")
    if kinds.ending(name) in kinds.ENDINGS and (kind in kinds.types_of(name) or not _known(kind)):
        return name
    return kinds.output_name(name.partition(".")[0] or "download", kind) if _known(kind) else name or "download"


def path_of(target: str) -> str:
    """The path of an address; empty if it is none."""
    try:
        return urlsplit(target).path
    except ValueError:
        return ""


def host_of(head: HttpHead) -> str:
    """Where a request goes, by its address or its ``Host``; empty if that is not told."""
    try:
        return (urlsplit(head.target).hostname or urlsplit(f"//{head.get('host')}").hostname or "")[:253]
    except ValueError:
        return ""


def is_packed(head: HttpHead) -> bool:
    """Whether the bytes are packed for the way (``Content-Encoding``)."""
    return bool({one.strip().lower() for one in head.get("content-encoding").split(",")} - {"", "identity"})


def name_in(disposition: str) -> str:
    """``filename*`` or ``filename`` of a ``Content-Disposition``; empty if there is none. UTF-8 as browsers send it."""
    if "filename" not in disposition.lower():
        return ""
    message = Message()
    message["content-disposition"] = disposition
    found = message.get_filename("") or ""
    raw = found.encode("latin-1", "ignore") if all(ord(c) < 256 for c in found) else found.encode("utf-8", "replace")
    try:
        found = raw.decode("utf-8")
    except UnicodeDecodeError:
        found = raw.decode("cp932", "replace")
    return found.replace("\\", "/").rpartition("/")[2][-MAX_NAME:]


def _known(kind: str) -> bool:
    return any(kind in types for types in kinds.ENDINGS.values())
