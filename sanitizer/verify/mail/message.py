"""Messages by RFC 5322: fields, and entities inside one another, read from the first line to the last.

Rules kept here:

- The reading only goes forward. Where an entity ends follows from its kind: base64 has no hyphen, a multipart its end.
- The same boundary is never open twice: it says level and kind.

>>> verify(b"MIME-Version: 1.0\\r\\nX-Mailer: none\\r\\n", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('entity', 'line 2')
"""

from __future__ import annotations

import binascii
import re
from typing import Literal
from urllib.parse import quote, unquote_to_bytes

from sanitizer import kinds
from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.archive_names import is_sound
from sanitizer.verify.mail.fields import LAST, check_fields
from sanitizer.verify.mail.words import is_plain_text
from sanitizer.verify.markup.characters import demand
from sanitizer.verify.markup.html import check_mail_page
from sanitizer.verify.nesting import Allowance

MIME = "message/rfc822"
MAX_LINE, MAX_LEVEL = 998, 4
MIXED, ALTERNATIVE, RELATED = 1, 2, 3
_NUMBERS = {"mixed": MIXED, "alternative": ALTERNATIVE, "related": RELATED}
_TEXT = re.compile(r"Content-Type: text/plain; charset=UTF-8(?:; format=flowed(?:; delsp=yes)?)?")
_PAGE = "Content-Type: text/html; charset=UTF-8"
_MULTIPART = re.compile(r'Content-Type: multipart/(mixed|alternative|related); boundary="=_([1-4])\.([1-3])"')
_FILE = re.compile(r"Content-Type: ([a-z]+/[A-Za-z0-9.+\-]+)")
_BASE64 = "Content-Transfer-Encoding: base64"
_DISPOSITION = re.compile(r"Content-Disposition: (attachment|inline); (.+)")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._\-](?:[A-Za-z0-9._ \-]{0,98}[A-Za-z0-9._\-])?")
_CONTENT_ID = "Content-ID: <image{}@mail.invalid>"
_PICTURES = frozenset(f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "bmp"))

Kind = Literal["text", "page", "file", "picture", "message", "alternative", "related", "mixed"]
_CONTENTS = frozenset(("text", "page", "alternative", "related"))


def verify(data: bytes, limits: Limits, mime: str = MIME) -> None:
    """Nothing if ``data`` is a message of the grammar within ``limits``, else ``Violation``."""
    verify_within(data, mime, Allowance.of(limits))


def verify_within(data: bytes, mime: str, allowance: Allowance) -> None:
    """The same for a message that is a member of another container."""
    demand(len(data) <= allowance.limits.max_output, "too-long")
    demand(data.isascii() and data.endswith(b"\r\n"), "line-end")
    lines = data.decode("ascii").split("\r\n")[:-1]
    demand(all(len(line) <= MAX_LINE and "\r" not in line and "\n" not in line for line in lines), "line")
    reader = _Reader(lines, allowance)
    reader.message()
    demand(reader.at == len(lines), "trailing-lines", reader.where)


class _Reader:
    """A place in the lines of the outermost message."""

    def __init__(self, lines: list[str], allowance: Allowance) -> None:
        self.lines, self.allowance = lines, allowance
        self.at = 0

    @property
    def where(self) -> str:
        """The place in words."""
        return f"line {self.at + 1}"

    def line(self) -> str:
        """The next line."""
        demand(self.at < len(self.lines), "truncated", self.where)
        self.at += 1
        return self.lines[self.at - 1]

    def peek(self) -> str:
        """The next line, without going on."""
        return self.lines[self.at] if self.at < len(self.lines) else ""

    def expect(self, written: str, code: str) -> None:
        """The next line is this."""
        where = self.where
        demand(self.line() == written, code, where)

    def message(self) -> int:
        """The level of the message that begins here."""
        fields = [self.line()]
        while fields[-1] != LAST:
            line = self.line()
            if line.startswith(" "):
                fields[-1] += "\r\n" + line
            else:
                fields.append(line)
        check_fields(fields)
        message = _Message(self)
        where = self.where
        kind = message.entity()
        demand(kind in _CONTENTS or kind == "mixed", "entity", where)
        level = 1 + max(message.inner, default=0)
        demand(level <= MAX_LEVEL and message.level in (0, level), "level", where)
        return level

    def base64(self) -> bytes:
        """The octets of a body in base64, up to the next line that is none."""
        start, where = self.at, self.where
        while self.at < len(self.lines) and not self.lines[self.at].startswith("-"):
            self.at += 1
        body = self.lines[start : self.at]
        demand(body and body[-1], "base64", where)
        try:
            octets = binascii.a2b_base64("".join(body), strict_mode=True)
        except binascii.Error as error:
            raise Violation("base64", where) from error
        again = binascii.b2a_base64(octets, newline=False).decode("ascii")
        demand(body == [again[at : at + 76] for at in range(0, len(again), 76)], "base64", where)
        return octets


class _Message:
    """What one message has had so far: its level (0: not said yet), the levels of the messages inside, its pictures."""

    def __init__(self, reader: _Reader) -> None:
        self.reader, self.limits = reader, reader.allowance.limits
        self.level, self.inner, self.pictures = 0, list[int](), 0

    def entity(self, outer: int = 0) -> Kind:
        """The kind of the entity that begins here, which is read. ``outer``: number of the multipart around."""
        where, first = self.reader.where, self.reader.line()
        found = _MULTIPART.fullmatch(first)
        if found:
            demand(int(found[3]) > outer, "boundary", where)
            return self._multipart(found)
        if _TEXT.fullmatch(first):
            self._encoded()
            demand(is_plain_text(_characters(self.reader.base64(), where)), "text", where)
            return "text"
        if first == _PAGE:
            demand(not check_mail_page(self._page(), self.limits, frozenset()), "page", where)
            return "page"
        found = _FILE.fullmatch(first)
        demand(found, "entity", where)
        assert found is not None
        return self._attached(found[1]) if found[1] == MIME else self._file(found[1], where)

    def _encoded(self) -> None:
        self.reader.expect(_BASE64, "encoding")
        self.reader.expect("", "field")

    def _page(self) -> bytes:
        self._encoded()
        page = self.reader.base64()
        self.reader.allowance.take(1, len(page))
        return page

    def _file(self, mime: str, where: str) -> Kind:
        """A file or a picture: fields, and what the verifier of its type says."""
        self.reader.expect(_BASE64, "encoding")
        inline = self._disposition(mime)
        if inline:
            self.pictures += 1
            demand(mime in _PICTURES, "picture", where)
            self.reader.expect(_CONTENT_ID.format(self.pictures), "content-id")
        self.reader.expect("", "field")
        content = self.reader.base64()
        self.reader.allowance.take(1, len(content))
        self.reader.allowance.check_member(content, mime)
        return "picture" if inline else "file"

    def _attached(self, mime: str) -> Kind:
        """A message as it is."""
        demand(not self._disposition(mime), "disposition", self.reader.where)
        self.reader.expect("", "field")
        self.reader.allowance.take(1, 0)
        self.reader.allowance.depth += 1
        demand(self.reader.allowance.depth <= MAX_LEVEL + self.limits.max_nesting, "too-deep", self.reader.where)
        self.inner.append(self.reader.message())
        self.reader.allowance.depth -= 1
        return "message"

    def _disposition(self, mime: str) -> bool:
        """Whether the entity is shown by a page; its name is one of its type."""
        where, found = self.reader.where, _DISPOSITION.fullmatch(self.reader.line())
        demand(found, "disposition", where)
        assert found is not None
        name = _file_name(found[2], where)
        demand("/" not in name and is_sound(name) and kinds.types_of(name) == {mime}, "file-name", where)
        return found[1] == "inline"

    def _multipart(self, found: re.Match[str]) -> Kind:
        """The parts of a multipart, which are of the right kinds."""
        where, level, number = self.reader.where, int(found[2]), int(found[3])
        demand(_NUMBERS[found[1]] == number and self.level in (0, level), "boundary", where)
        self.level = level
        self.reader.expect("", "field")
        boundary = f"--=_{level}.{number}"
        self.reader.expect(boundary, "boundary")
        if number == RELATED:
            self._related(boundary)
            return "related"
        parts = [self.entity(number)]
        while self.reader.peek() == boundary:
            self.reader.line()
            parts.append(self.entity(number))
        self.reader.expect(boundary + "--", "boundary")
        if number == ALTERNATIVE:
            demand(parts in (["text", "page"], ["text", "related"]), "parts", where)
            return "alternative"
        demand(set(parts) <= _CONTENTS | {"file", "message"}, "parts", where)
        demand(len(parts) > 1 or parts[0] not in _CONTENTS, "parts", where)
        return "mixed"

    def _related(self, boundary: str) -> None:
        """A page, then the pictures that it shows."""
        where, before = self.reader.where, self.pictures
        self.reader.expect(_PAGE, "parts")
        page = self._page()
        while self.reader.peek() == boundary:
            self.reader.line()
            demand(self.entity(RELATED) == "picture", "parts", where)
        self.reader.expect(boundary + "--", "boundary")
        beside = [f"image{number}@mail.invalid" for number in range(before + 1, self.pictures + 1)]
        demand(beside and check_mail_page(page, self.limits, frozenset(beside)) == beside, "pictures", where)


def _characters(octets: bytes, where: str) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Violation("encoding", where) from error


def _file_name(written: str, where: str) -> str:
    """The name of a file, which is written in the one way there is."""
    if written.startswith('filename="'):
        name = written.removeprefix('filename="').removesuffix('"')
        demand(written == f'filename="{name}"' and _PLAIN_NAME.fullmatch(name), "file-name", where)
        return name
    octets = unquote_to_bytes(written.removeprefix("filename*=UTF-8''"))
    name = _characters(octets, where)
    demand(written == "filename*=UTF-8''" + quote(octets, safe=""), "file-name", where)
    demand(not _PLAIN_NAME.fullmatch(name), "file-name", where)
    return name
