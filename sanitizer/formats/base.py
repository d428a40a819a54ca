"""What a format module takes and gives; the language between the worker and one format.

A format module is a file in this folder with three functions, named in ``FORMATS`` (see the package)::

    def rebuild(data: bytes, job: Job) -> Rebuilt | ToConvert: ...         # raises Refused or NeedsPassword
    def thumbnail(data: bytes, limits: Limits) -> bytes | None: ...        # data: what rebuild gave, already verified
    def text(data: bytes, limits: Limits) -> str: ...                      # the same

A container (an archive, a mail) holds files of its own kinds. Its module has, in the place of ``rebuild``::

    def unpack(data: bytes, job: Job) -> Unpacked: ...                     # raises Refused or NeedsPassword
    def pack(data: bytes, job: Job, members: list[Treated]) -> Rebuilt: ...  # the same; data: the received bytes

Between the two every member goes through jails of its own, as if it had been received alone (``sanitizer/containing``);
``members`` are those of ``unpack``, in the same order and number, folders too. ``text`` of a container gives the names
of its members and what they say (``formats/members.py``); it has no thumbnail.

Three more are optional; a module that leaves one out has nothing of the kind::

    def tables(data: bytes, limits: Limits) -> list[Table]: ...            # of rebuilt bytes: what a reader may ask for
    def pictures(data: bytes, limits: Limits) -> list[Picture]: ...        # the same
    def draw(data: bytes, mime: str, first: int, limits: Limits) -> Drawing: ...   # of received and of rebuilt bytes

Rules kept here:

- Everything that ``rebuild`` and ``thumbnail`` need is imported when the module is imported: inside the jail nothing
  can be opened any more, neither a module nor a font, a colour profile or a temporary file.
- Inside the jail there are no threads, no sockets, no executable memory: no ctypes callbacks, no just-in-time compiler.
- ``Refused`` and ``NeedsPassword`` are the only exceptions with a meaning; any other counts as
  ``Refused("unreadable")``, except ``MemoryError``, which counts as ``Refused("memory")``.
- ``draw`` shows what a reader sees on opening the file, and nothing that is hidden then; it is asked for received bytes
  as well, so it trusts them as little as ``rebuild`` does.
- No string found in a file goes into ``Change`` or ``Refused``: kinds, counts and places only.

>>> Change("javascript", 2, "page 3")
Change(kind='javascript', count=2, where='page 3')
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from sanitizer.limits import Limits


@dataclass(frozen=True, slots=True)
class Job:
    """One file to rebuild. ``name`` is the file name as received, a hint and never to be trusted. ``drawn``: the answer
    to a ``ToConvert`` of this file whose result stands beside it. ``office``: what a legacy Office file is to become,
    ``ooxml`` or ``odf``."""

    mime: str
    treatment: str  # "pass" | "rebuild" | "flatten"
    name: str
    password: str | None
    limits: Limits
    drawn: bytes | None = None
    office: str = "ooxml"


@dataclass(frozen=True, slots=True)
class Change:
    """A kind of thing removed or changed, and how often. ``kind`` matches ``[a-z0-9][a-z0-9-]{0,39}``, ``count`` is
    1 … 2³²−1, ``where`` is at most 40 characters of ``[A-Za-z0-9 .,#/-]`` ("page 3") or empty.
    ``encryption`` in ``changed`` says that the file was opened with the password."""

    kind: str
    count: int
    where: str = ""


@dataclass(slots=True)
class Rebuilt:
    """The new file. At most 200 entries of ``removed`` and of ``changed`` are reported; put what matters first."""

    data: bytes
    mime: str
    removed: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)


@dataclass(slots=True)
class ToConvert:
    """In the place of ``Rebuilt``: only LibreOffice can go on. ``data`` is what it gets, ``recipe`` a key of
    ``sanitizer.recipes.RECIPES``; its result is read next, in the place of the file or beside it (``Job.drawn``). What
    is found now and would not be found again goes into the lists; the report has it once."""

    recipe: str
    data: bytes
    removed: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a container as received. ``name`` is a path with ``/`` between its parts, at most 1,024 bytes of
    UTF-8, made safe by the module; its last part tells the type, so a member without a name gets one with an ending.
    It ends in ``/`` for a folder, which has no data. ``refused``: a code of ``REFUSALS`` for a member that is not even
    to be examined (damaged, of an unknown method); it has no data."""

    name: str
    data: bytes = b""
    refused: str = ""


@dataclass(slots=True)
class Unpacked:
    """The members of a container. They may be made one by one while they are taken; ``removed`` and ``changed`` are
    read after the last one."""

    members: Iterable[Member]
    removed: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Treated:
    """One member after its own examination. ``code`` is ``released``, a code of ``REFUSALS`` (then it must be left out
    and a note stands in its place, see ``formats/members.py``), or empty for a folder. A released one has its media
    type and a name that ends accordingly; ``read()`` gives its rebuilt bytes."""

    name: str
    code: str
    mime: str
    read: Callable[[], bytes]


Table = list[list[str]]
"""Rows of cells as a reader sees them, characters only; rows may differ in length."""


class Picture(NamedTuple):
    """A picture inside a rebuilt file, in the canonical form of its type (``docs/grammar-image.md``)."""

    mime: str
    data: bytes


class Page(NamedTuple):
    """One page as pixels: ``width`` × ``height`` × 3 bytes, RGB, row by row, on white."""

    width: int
    height: int
    rgb: bytes


class Drawing(NamedTuple):
    """Some pages of a file or frames of a picture, beginning with the one asked for; how many the file has in all.
    No side of a page is longer than ``limits.drawn_side``; there are at most ``limits.drawn_at_once`` of them."""

    total: int
    pages: list[Page]


class Refused(Exception):
    """The file cannot be released. ``code`` is a key of ``sanitizer.refusals.REFUSALS``; ``detail`` is for the
    operator, at most 80 characters of ``[A-Za-z0-9 .,:;#/+_()-]``, never taken from the file."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class NeedsPassword(Exception):
    """The file is encrypted: no password was given (``wrong=False``) or a wrong one."""

    def __init__(self, wrong: bool) -> None:
        super().__init__(wrong)
        self.wrong = wrong


class Format(Protocol):
    """The shape of a format module."""

    def rebuild(self, data: bytes, job: Job) -> Rebuilt | ToConvert:
        """The file made anew from what may stay."""

    def thumbnail(self, data: bytes, limits: Limits) -> bytes | None:
        """A canonical PNG drawn from rebuilt bytes, longest side ``limits.thumbnail_side``; None: nothing to draw."""

    def text(self, data: bytes, limits: Limits) -> str:
        """What rebuilt bytes say to a reader; empty if they say nothing in characters."""


class Container(Protocol):
    """The shape of a module whose files hold files."""

    def unpack(self, data: bytes, job: Job) -> Unpacked:
        """The members; nothing of the container's own is released yet."""

    def pack(self, data: bytes, job: Job, members: list[Treated]) -> Rebuilt:
        """The container made anew around its treated members."""

    def thumbnail(self, data: bytes, limits: Limits) -> bytes | None:
        """None."""

    def text(self, data: bytes, limits: Limits) -> str:
        """The names of the members and what they say."""
