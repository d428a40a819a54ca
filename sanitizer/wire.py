"""The three small languages around a jail: trusting side → cell, cell → trusting side, jail → trusting side.

Rules kept here:

- The first two are spoken between programs that parse no file; they are msgspec JSON, one message per SOCK_SEQPACKET
  datagram, descriptors as SCM_RIGHTS.
- The third comes out of a process that may have been taken over by a file. It is one fixed layout, at most
  ``MAX_ANSWER`` bytes in a pipe: no lengths to trust, no nesting, no free text. Text fields are padded with zero
  bytes and must match an alphabet; ``read_answer`` accepts exactly what ``write_answer`` can write, and nothing else.
- What has not been through ``read_answer`` is named ``untrusted_…``.

>>> read_answer(write_answer(Answer(Status.REFUSED, code="empty"))).code
'empty'
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeVar

import msgspec

from sanitizer.formats.base import Change

T = TypeVar("T")

MAX_MESSAGE = 128 * 1024  # bytes of one control datagram
MAX_CHANGES = 200  # entries of removed and of changed
MAX_NAME = 1024  # characters of a file name handed to the jail
MAX_PASSWORD = 1024  # characters

Kind = Literal[
    "transform",
    "pack",
    "verify",
    "thumbnail",
    "text",
    "probe",
    "draw",
    "compare",
    "picture",
    "words",
    "tables",
    "pictures",
]

PIXELS = "application/x-sekisho-pixels"  # stands for ``sanitizer.formats.pixels`` among the modules of a cell
PART_TYPES = (  # of what ``tables`` and ``pictures`` give out; a type's number is its place
    *("text/csv", "image/png", "image/jpeg", "image/gif", "image/webp", "image/tiff", "image/bmp", "image/avif"),
    "image/svg+xml",
)


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First message to a new cell: what to import and how hard to lock. ``modules`` maps media type → module name."""

    parent: int  # process id of the trusting side; the cell ends when it is gone
    modules: dict[str, str]
    path: list[str]  # additional folders to import from
    strict: bool  # give up rather than run with less than every namespace
    namespaces: bool = True  # False: do not try, as if the system forbade them


class Run(msgspec.Struct, frozen=True, tag="run"):
    """One jailed process. Descriptors that ride along, in order: answer pipe; input unless ``probe``; output unless
    ``probe`` or ``verify``; a second input: the treated members (``sanitizer/parcel``) for ``pack``, the other drawing
    for ``compare``, what the converter drew of the file's pictures for ``transform``, if anything."""

    id: int
    kind: Kind
    mime: str = ""
    treatment: str = ""
    name: str = ""
    office: str = "ooxml"  # what a legacy Office file is to become, or ``odf``
    password: str | None = None
    size: int = 0  # bytes of the input
    members: int = 0  # bytes of the parcel of members
    second: int = 0  # bytes of the second input
    first: int = 0  # ``draw``: the page to begin with; ``picture``: the page wanted, both from 0
    patient: bool = False  # nobody waits for it: it runs only where the processor is free
    cpu_seconds: int = 60
    memory: int = 1 << 30
    max_file: int = 1 << 28  # bytes that the process may write to one descriptor
    limits: dict[str, int | float] = {}
    probe: dict[str, int] = {}  # what the escape probes aim at


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The cell has imported everything and tried a jail. ``isolation`` empty: no jail at all, ``problem`` says why."""

    isolation: Literal["full", "landlock", ""]
    problem: str = ""
    notes: list[str] = []  # what is missing without being fatal


class Started(msgspec.Struct, frozen=True, tag="started"):
    """A jailed process lives; its pidfd rides along. The wall clock starts here."""

    id: int


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A jailed process is gone: exit status as ``os.waitstatus_to_exitcode`` gives it, CPU seconds, peak RSS in
    bytes."""

    id: int
    status: int
    cpu_seconds: float
    peak_rss: int


ToCell = Hello | Run
FromCell = Ready | Started | Ended

_encoder = msgspec.json.Encoder()
_to_cell: msgspec.json.Decoder[ToCell] = msgspec.json.Decoder(ToCell)
_from_cell: msgspec.json.Decoder[FromCell] = msgspec.json.Decoder(FromCell)


def encode(message: ToCell | FromCell) -> bytes:
    """One datagram."""
    return _encoder.encode(message)


def decode_to_cell(data: bytes) -> ToCell:
    """A message of the trusting side; raises ``msgspec.DecodeError``."""
    return _decoded(_to_cell, data)


def decode_from_cell(data: bytes) -> FromCell:
    """A message of a cell; raises ``msgspec.DecodeError``."""
    return _decoded(_from_cell, data)


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"{error}") from None


class Status(IntEnum):
    """What a jailed process has to say."""

    DONE = 1  # transformed, drawn, or in the grammar
    REFUSED = 2  # ``code`` is a refusal, or the kind of violation
    NEEDS_PASSWORD = 3
    NOTHING = 4  # there is nothing to draw
    UNPACKED = 5  # a container: the output is a parcel of its members
    CONVERT = 6  # the output is for the converter; ``code`` is a recipe (``sanitizer/recipes``)


@dataclass(frozen=True, slots=True)
class Answer:
    """The one message of a jailed process; every field is inside its alphabet and range."""

    status: Status
    code: str = ""
    detail: str = ""
    input_type: str = ""  # media type of the input as identified
    output_type: str = ""  # media type of what was written
    size: int = 0  # bytes written to the output descriptor
    removed: tuple[Change, ...] = ()
    changed: tuple[Change, ...] = ()


class BadAnswer(Exception):
    """What came out of the jail is not an answer; the file is refused as crashed."""


_HEAD = struct.Struct("<4sB3xQ40s80s100s100sHH")
_ENTRY = struct.Struct("<40sI40s")
_MAGIC = b"SKA1"
MAX_ANSWER = _HEAD.size + 2 * MAX_CHANGES * _ENTRY.size

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
PLACE = re.compile(r"[A-Za-z0-9 .,#/-]{0,40}")
DETAIL = re.compile(r"[A-Za-z0-9 .,:;#/+_()-]{0,80}")
MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9][a-z0-9.+-]{0,78}")
_SLUG_OR_NONE = re.compile(rf"(?:{SLUG.pattern})?")
_TYPE_OR_NONE = re.compile(rf"(?:{MEDIA_TYPE.pattern})?")


def write_answer(answer: Answer) -> bytes:
    """The bytes of an answer. Fields beyond their range are cut to it (jailed side)."""
    removed, changed = answer.removed[:MAX_CHANGES], answer.changed[:MAX_CHANGES]
    head = _HEAD.pack(
        _MAGIC,
        answer.status,
        answer.size,
        _fit(answer.code, _SLUG_OR_NONE),
        _fit(answer.detail[:80], DETAIL),
        _fit(answer.input_type, _TYPE_OR_NONE),
        _fit(answer.output_type, _TYPE_OR_NONE),
        len(removed),
        len(changed),
    )
    return head + b"".join(_entry(change) for change in (*removed, *changed))


def read_answer(untrusted: bytes) -> Answer:
    """The answer in ``untrusted``, or ``BadAnswer``. Never raises anything else, whatever the bytes."""
    if not _HEAD.size <= len(untrusted) <= MAX_ANSWER:
        raise BadAnswer("length")
    magic, status, size, code, detail, input_type, output_type, removed, changed = _HEAD.unpack_from(untrusted)
    if magic != _MAGIC or untrusted[5:8] != b"\0\0\0" or status not in Status.__members__.values():
        raise BadAnswer("head")
    if (
        removed > MAX_CHANGES
        or changed > MAX_CHANGES
        or len(untrusted) != _HEAD.size + (removed + changed) * _ENTRY.size
    ):
        raise BadAnswer("count")
    entries = [_read_entry(*fields) for fields in _ENTRY.iter_unpack(untrusted[_HEAD.size :])]
    return Answer(
        Status(status),
        _text(code, _SLUG_OR_NONE),
        _text(detail, DETAIL),
        _text(input_type, _TYPE_OR_NONE),
        _text(output_type, _TYPE_OR_NONE),
        size,
        tuple(entries[:removed]),
        tuple(entries[removed:]),
    )


def slug_field(text: str) -> bytes:
    """A code as a field of 40 bytes holds it; nothing for what is no code. ``struct`` pads it."""
    return _fit(text, _SLUG_OR_NONE)


def type_field(text: str) -> bytes:
    """A media type as a field of 100 bytes holds it; the same."""
    return _fit(text, _TYPE_OR_NONE)


def read_slug(untrusted: bytes) -> str:
    """The code in a padded field, or empty. Raises ``BadAnswer``."""
    return _text(untrusted, _SLUG_OR_NONE)


def read_type(untrusted: bytes) -> str:
    """The media type in a padded field, or empty. Raises ``BadAnswer``."""
    return _text(untrusted, _TYPE_OR_NONE)


def _entry(change: Change) -> bytes:
    kind = change.kind if SLUG.fullmatch(change.kind) else "other"
    return _ENTRY.pack(kind.encode(), min(max(change.count, 1), 0xFFFFFFFF), _fit(change.where[:40], PLACE))


def _read_entry(kind: bytes, count: int, where: bytes) -> Change:
    if not count:
        raise BadAnswer("count")
    return Change(_text(kind, SLUG), count, _text(where, PLACE))


def _fit(text: str, alphabet: re.Pattern[str]) -> bytes:
    return text.encode("ascii") if alphabet.fullmatch(text) else b""


def _text(untrusted: bytes, alphabet: re.Pattern[str]) -> str:
    """A zero-padded field as text of the alphabet."""
    text = untrusted.rstrip(b"\0").decode("latin-1")
    if not alphabet.fullmatch(text):
        raise BadAnswer("text")
    return text
