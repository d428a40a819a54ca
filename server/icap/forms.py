"""``multipart/form-data`` (RFC 7578): which bytes of an upload are files, and the same form with other bytes in it.

Rules kept here:
- the framing is read strictly: no preamble, every part with its ``Content-Disposition: form-data``, the closing
  delimiter at the end; what is not so is no form, and nobody guesses where a file begins;
- a part is a file if it has a file name, a type that is not text, or begins as a document does; an empty one is the
  field of a browser in which nothing was chosen, and stays;
- a part within parts, and one that is packed for the way (``Content-Transfer-Encoding``), is not taken;
- a form is written anew with a boundary of its own: what was rebuilt cannot end a part.

>>> boundary_of('multipart/form-data; boundary="x y"')
b'x y'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from typing import NamedTuple, Protocol

from server.icap.policy import begins_as_a_file, media_type, name_in

MAX_PARTS = 1000
MAX_PART_HEAD = 16 * 1024
MAX_FIELDS = 16
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_FIRST = 16
_PLAIN = frozenset({"7bit", "8bit", "binary", ""})
_TEXT = frozenset({"", "text/plain", "application/json"})


class NoForm(Exception):
    """The body is not what a browser sends as a form."""


class Bytes(Protocol):
    """A memory map, or bytes."""

    def find(self, sub: bytes, start: int, /) -> int: ...
    def __getitem__(self, index: slice, /) -> bytes: ...
    def __len__(self) -> int: ...


class Part(NamedTuple):
    """One part: its fields, and where its content is. ``file``: whether it must be rebuilt."""

    fields: tuple[tuple[str, str], ...]
    start: int
    end: int
    file: bool

    def get(self, name: str) -> str:
        return next((value for key, value in self.fields if key.lower() == name), "")

    @property
    def name(self) -> str:
        return name_in(self.get("content-disposition"))

    def head(self) -> bytes:
        """The fields as they came, with the empty line."""
        return "".join(f"{name}: {value}\r\n" for name, value in self.fields).encode("latin-1") + b"\r\n"

    def having(self, name: str, kind: str) -> Part:
        """With another file name (if it changed) and type."""
        disposition = self.get("content-disposition")
        if name != self.name:
            encoded = name.encode("utf-8", "replace").decode("latin-1")
            disposition = f'form-data; name="{_quoted(_field_name(disposition))}"; filename="{_quoted(encoded)}"'
        told = ("content-disposition", "content-type", "content-length")
        others = [field for field in self.fields if field[0].lower() not in told]
        fields = (("Content-Disposition", disposition), ("Content-Type", kind), *others)
        return self._replace(fields=fields)


def is_form(content_type: str) -> bool:
    return media_type(content_type) == "multipart/form-data"


def boundary_of(content_type: str) -> bytes:
    """Raises ``NoForm``."""
    message = Message()
    message["content-type"] = content_type
    boundary = str(message.get_param("boundary", "")).encode("utf-8")
    if _BOUNDARY.fullmatch(boundary) is None:
        raise NoForm("boundary")
    return boundary


def parts_of(data: Bytes, boundary: bytes) -> list[Part]:
    """Every part, in order. Raises ``NoForm``."""
    return list(_parts(data, b"--" + boundary))


def _parts(data: Bytes, delimiter: bytes) -> Iterator[Part]:
    if data[: len(delimiter)] != delimiter:
        raise NoForm("preamble")
    at = len(delimiter)
    for _ in range(MAX_PARTS + 1):
        after = data[at : at + 4]
        if after[:2] == b"--":
            if after not in (b"--", b"--\r\n") or at + len(after) != len(data):
                raise NoForm("epilogue")
            return
        if after[:2] != b"\r\n":
            raise NoForm("delimiter")
        end_of_head = data.find(b"\r\n\r\n", at)
        if end_of_head < 0 or end_of_head - at > MAX_PART_HEAD:
            raise NoForm("head of a part")
        start = end_of_head + 4
        end = data.find(b"\r\n" + delimiter, start - 2)
        if end < 0:
            raise NoForm("end of a part")
        yield _part(data, data[at + 2 : end_of_head], start, max(start, end))
        at = end + 2 + len(delimiter)
    raise NoForm("too many parts")


def _part(data: Bytes, head: bytes, start: int, end: int) -> Part:
    lines = head.decode("latin-1").split("\r\n")
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.replace("-", "").isalnum() or any(c in line for c in "\r\n\0"):
            raise NoForm("field of a part")
        fields.append((name, value.strip()))
    if len(fields) > MAX_FIELDS or len({name.lower() for name, _ in fields}) < len(fields):
        raise NoForm("fields of a part")
    part = Part(tuple(fields), start, end, file=False)
    disposition = part.get("content-disposition")
    if disposition.partition(";")[0].strip().lower() != "form-data":
        raise NoForm("disposition")
    if part.get("content-transfer-encoding").lower() not in _PLAIN:
        raise NoForm("transfer encoding")
    return part._replace(file=_is_file(part, disposition, data[start : min(end, start + _FIRST)]))


def _is_file(part: Part, disposition: str, first: bytes) -> bool:
    if part.start == part.end:
        return False
    told = part.get("content-type")
    named = "filename" in disposition.lower()
    return named or begins_as_a_file(first) or (told != "" and media_type(told) not in _TEXT)


def _field_name(disposition: str) -> str:
    message = Message()
    message["content-disposition"] = disposition
    return str(message.get_param("name", "", "content-disposition"))


def _quoted(text: str) -> str:
    """As browsers write it (HTML, "multipart/form-data encoding algorithm")."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").replace("\0", "")
