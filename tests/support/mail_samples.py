"""Messages for tests: received ones, in the forms that mail programs write, and their way through the modules.

>>> letter("a", subject="b").splitlines()[0]
b'From: a@example.jp'
"""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Sequence
from importlib import import_module

from PIL import Image

from sanitizer import kinds
from sanitizer.formats import FORMATS
from sanitizer.formats.base import Job, Rebuilt, Refused, Treated
from sanitizer.formats.mail.compound_writer import Entry, Storage, Stream, written
from sanitizer.identify import identify
from sanitizer.limits import Limits
from sanitizer.verify import VERIFIERS

ADDRESSES = "From: a@example.jp\r\nTo: b@example.jp\r\n"
MODULES = FORMATS | {
    "application/vnd.ms-outlook": "sanitizer.formats.mail.msg",
    "message/rfc822": "sanitizer.formats.mail.eml",
}
OUTLOOK = bytes.fromhex("0b0d020000000000c000000000000046")


def rebuilt(data: bytes, name: str, limits: Limits | None = None) -> Rebuilt:
    """A message on its way through the modules, members and members' members too; what leaves is verified."""
    made = _rebuilt(data, name, limits or Limits(), 1)
    if made.mime in VERIFIERS:
        import_module(VERIFIERS[made.mime]).verify(made.data, Limits(), made.mime)
    return made


def _rebuilt(data: bytes, name: str, limits: Limits, nesting: int) -> Rebuilt:
    mime = identify(data, name).mime
    if mime not in MODULES:
        raise Refused("unsupported")
    module, job = import_module(MODULES[mime]), Job(mime, "rebuild", name, None, limits)
    if not hasattr(module, "unpack"):
        made = module.rebuild(data, job)
        if not isinstance(made, Rebuilt):
            raise Refused("unsupported")  # only LibreOffice reads it, which is not called here
        return made
    if nesting > limits.max_nesting:
        raise Refused("too-deep")
    treated = [_treated(member.data, member.name, limits, nesting + 1) for member in module.unpack(data, job).members]
    packed: Rebuilt = module.pack(data, job, treated)
    return packed


def _treated(data: bytes, name: str, limits: Limits, nesting: int) -> Treated:
    try:
        if not data:
            raise Refused("empty")
        made = _rebuilt(data, name, limits, nesting)
    except Refused as no:
        return Treated(name, no.code, "", bytes)
    return Treated(kinds.output_name(name, made.mime), "released", made.mime, lambda: made.data)


def letter(body: bytes | str, *, subject: str = "", kind: str = "text/plain; charset=utf-8", more: str = "") -> bytes:
    """A message with one part."""
    fields = f"{ADDRESSES}Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n{more}\r\n"
    return fields.encode() + (body.encode() if isinstance(body, str) else body)


def part(kind: str, body: bytes | str, *fields: str) -> bytes:
    """A part in base64."""
    content = body.encode() if isinstance(body, str) else body
    head = "\r\n".join([f"Content-Type: {kind}", "Content-Transfer-Encoding: base64", *fields])
    return head.encode() + b"\r\n\r\n" + base64.encodebytes(content)


def attached(name: str, body: bytes | str, kind: str = "application/octet-stream") -> bytes:
    """A file."""
    return part(kind, body, f"Content-Disposition: attachment; filename*=UTF-8''{_percent(name)}")


def _percent(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode())


def many(kind: str, *parts: bytes, boundary: str = "outer") -> bytes:
    """A multipart, as an entity."""
    pieces = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode() + pieces + f"--{boundary}--".encode()
    )


def mail(entity: bytes, fields: str = ADDRESSES) -> bytes:
    """A message of an entity."""
    return fields.encode() + b"MIME-Version: 1.0\r\n" + entity


def picture(kind: str = "PNG", size: int = 8) -> bytes:
    """A picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), (10, 200, 30)).save(buffer, kind)
    return buffer.getvalue()


Given = dict[int, bytes | str | int]


def outlook(
    given: Given, people: Sequence[Given] = (), files: Sequence[Given | Storage] = (), names: Sequence[Entry] = ()
) -> bytes:
    """An Outlook message as Outlook writes it: properties by tag; a text is written by the type of its tag, CP932 for
    001E. ``files``: properties, or a ready storage."""
    entries = properties(given, bytes(32))
    entries += [Storage(f"__recip_version1.0_#{at:08X}", properties(one, bytes(8))) for at, one in enumerate(people)]
    for at, one in enumerate(files):
        inside = one.entries if isinstance(one, Storage) else properties(one, bytes(8))
        entries.append(Storage(f"__attach_version1.0_#{at:08X}", inside))
    entries.append(Storage("__nameid_version1.0", list(names)))
    made = written(entries, OUTLOOK)
    assert made is not None
    return made


def properties(given: Given, head: bytes) -> list[Entry]:
    """A stream of properties and the streams of their values."""
    rows, streams = [head], list[Entry]()
    for tag, value in given.items():
        if isinstance(value, int):
            rows.append(struct.pack("<IIQ", tag, 6, value))
            continue
        raw = value if isinstance(value, bytes) else value.encode("cp932" if tag & 0xFFFF == 0x1E else "utf-16-le")
        rows.append(struct.pack("<IIII", tag, 6, len(raw), 0))
        streams.append(Stream(f"__substg1.0_{tag:08X}", raw))
    return [Stream("__properties_version1.0", b"".join(rows)), *streams]


def file_of(name: str, data: bytes, **more: str) -> Given:
    """The properties of an attached file."""
    given: Given = {0x37050003: 1, 0x3707001F: name, 0x37010102: data}
    if "content_id" in more:
        given[0x3712001F] = more["content_id"]
    return given


def message_inside(given: Given, files: Sequence[Given] = ()) -> Storage:
    """An attached message."""
    inside = properties(given, bytes(24))
    inside += [Storage(f"__attach_version1.0_#{at:08X}", properties(one, bytes(8))) for at, one in enumerate(files)]
    return Storage("", [*properties({0x37050003: 5}, bytes(8)), Storage("__substg1.0_3701000D", inside)])


def rich_text(text: bytes) -> bytes:
    """Rich text as Outlook keeps it, not compressed."""
    return struct.pack("<II4sI", len(text) + 12, len(text), b"MELA", 0) + text


def envelope(*files: tuple[str, bytes], page: bytes = b"", rich: bytes = b"") -> bytes:
    """Outlook's own envelope (``winmail.dat``). A file without a name is an object of a program."""

    def attribute(level: int, number: int, value: bytes) -> bytes:
        return struct.pack("<BII", level, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    made = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x00069007, struct.pack("<II", 932, 0))
    texts = [(0x10130102, page), (0x10090102, rich)]
    made += attribute(1, 0x00069003, _packed([(tag, value) for tag, value in texts if value]))
    for name, data in files:
        made += attribute(2, 0x00069002, bytes(14))
        if name:
            made += attribute(2, 0x00018010, name.encode("cp932") + b"\0") + attribute(2, 0x0006800F, data)
            made += attribute(2, 0x00069005, _packed([(0x3712001E, f"{name}@x".encode("cp932"))]))
        else:
            made += attribute(2, 0x00069005, _packed([(0x3701000D, data)]))
    return made


def _packed(values: list[tuple[int, bytes]]) -> bytes:
    """Properties inside an envelope, behind one that has a name and several values."""
    name = "印".encode("utf-16-le")
    named = struct.pack("<HH16sII", 0x101F, 0x8001, b"", 1, len(name)) + name.ljust(4, b"\0")
    rows = [named + struct.pack("<I", 2) + 2 * (struct.pack("<I", 2) + "a".encode("utf-16-le") + bytes(2))]
    for tag, value in values:
        padded = value.ljust((len(value) + 3) // 4 * 4, b"\0")
        rows.append(struct.pack("<HHII", tag & 0xFFFF, tag >> 16, 1, len(value)) + padded)
    return struct.pack("<I", len(rows)) + b"".join(rows)


def signed(content: bytes, kind: str = "1.2.840.113549.1.7.2") -> bytes:
    """A CMS envelope around a content."""

    def der(tag: int, *inside: bytes) -> bytes:
        body = b"".join(inside)
        size = len(body).to_bytes(4, "big")
        return bytes((tag, 0x84)) + size + body

    last = int(kind.rpartition(".")[2])
    identity = der(6, bytes.fromhex("2a864886f70d0107") + bytes((last,)))
    data = der(0x30, der(6, bytes.fromhex("2a864886f70d010701")), der(0xA0, der(4, content)))
    return der(0x30, identity, der(0xA0, der(0x30, der(2, b"\1"), der(0x31), data, der(0x31))))
