"""A tiny writer of canonical messages, made from ``docs/grammar-mail.md``, for tests of the verifiers.

>>> RICH_MAIL.splitlines()[0]
b'From: <a@example.jp>'
"""

from __future__ import annotations

import base64
import struct
from typing import Any

from support.canonical_ooxml import png

from sanitizer.verify.mail.compound import Compound, written

HEAD = "From: <a@example.jp>\r\nTo: <b@example.jp>\r\nSubject: test\r\nMIME-Version: 1.0\r\n"
PAGE = '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title></title></head><body>{}</body></html>\n'
NUMBERS = {"mixed": 1, "alternative": 2, "related": 3}


def body(content: bytes | str) -> str:
    octets = content.encode() if isinstance(content, str) else content
    return "Content-Transfer-Encoding: base64\r\n{}\r\n" + base64.encodebytes(octets).decode().replace("\n", "\r\n")


def text(words: str = "本文\r\n") -> str:
    return "Content-Type: text/plain; charset=UTF-8\r\n" + body(words).format("")


def page(inside: str = "<p>本文</p>") -> str:
    return "Content-Type: text/html; charset=UTF-8\r\n" + body(PAGE.format(inside)).format("")


def file(name: str, mime: str, content: bytes) -> str:
    return f"Content-Type: {mime}\r\n" + body(content).format(f"Content-Disposition: attachment; {name}\r\n")


def shown(number: int, content: bytes = png()) -> str:
    more = f'Content-Disposition: inline; filename="a.png"\r\nContent-ID: <image{number}@mail.invalid>\r\n'
    return "Content-Type: image/png\r\n" + body(content).format(more)


def inside(whole: str, name: str = 'filename="a.eml"') -> str:
    return f"Content-Type: message/rfc822\r\nContent-Disposition: attachment; {name}\r\n\r\n{whole}"


def many(kind: str, *parts: str, level: int = 1) -> str:
    mark = f"--=_{level}.{NUMBERS[kind]}"
    joined = "".join(f"{mark}\r\n{part}" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{mark[2:]}"\r\n\r\n{joined}{mark}--\r\n'


def related(*numbers: int, level: int = 1) -> str:
    images = "".join(f'<img src="cid:image{number}@mail.invalid">' for number in numbers)
    return many("related", page(images), *map(shown, sorted(numbers)), level=level)


CSV = file('filename="a.csv"', "text/csv", b"a,b\r\n")
NAMED = file("filename*=UTF-8''%E5%A0%B1%E5%91%8A.txt", "text/plain", "報告\n".encode())
RICH = many("mixed", many("alternative", text(), related(1, 2)), CSV, NAMED)
RICH_MAIL = (HEAD + RICH).encode()


# Outlook


def table(head: bytes, *rows: tuple[int, int]) -> bytes:
    return head + b"".join(struct.pack("<IIQ", tag, 6, value) for tag, value in sorted(rows))


def streams(head: bytes, values: dict[int, int | str | bytes]) -> dict[str, bytes]:
    """The streams of these properties, as the grammar has them."""
    rows, found = [], dict[str, bytes]()
    for tag, value in values.items():
        if isinstance(value, int):
            rows.append((tag, value))
            continue
        raw = value if isinstance(value, bytes) else value.encode("utf-16-le")
        rows.append((tag, len(raw) + 2 * isinstance(value, str)))
        found[f"__substg1.0_{tag:08X}"] = raw
    return found | {"__properties_version1.0": table(head, *rows)}


SECOND = 10_000_000
NOTE: dict[int, int | str | bytes] = {
    0x001A001F: "IPM.Note",
    **dict.fromkeys((0x0037001F, 0x0E1D001F), "件名"),
    **dict.fromkeys((0x00390040, 0x0E060040), 13_400_000_000 * SECOND),
    **dict.fromkeys((0x0042001F, 0x0C1A001F), "佐藤"),
    **dict.fromkeys((0x0064001F, 0x0C1E001F), "SMTP"),
    **dict.fromkeys((0x0065001F, 0x0C1F001F), "a@example.jp"),
    0x0E03001F: "総務",
    0x0E04001F: "鈴木; 田中",
    0x0E070003: 1,
    0x340D0003: 262144,
    0x3FDE0003: 65001,
    0x1000001F: "本文\r\n" * 1000,
    0x10130102: PAGE.format("<p>本文</p>").encode(),
    0x10160003: 3,
    0x1035001F: "<a@b>",
}
PEOPLE = [("鈴木", 1), ("田中", 1), ("総務", 2)]


def person(number: int, name: str, kind: int) -> dict[int, int | str | bytes]:
    address = dict.fromkeys((0x3003001F, 0x39FE001F), "b@example.jp")
    return {
        0x0C150003: kind,
        0x0FFE0003: 6,
        0x3001001F: name,
        0x30000003: number,
        0x39000003: 0,
        0x3002001F: "SMTP",
        **address,
    }


def note(
    change: dict[int, Any] | None = None,
    of_people: dict[int, Any] | None = None,
    people: list[tuple[str, int]] = PEOPLE,
) -> Compound:
    """A message; None as a value takes a property away."""

    def with_changes(values: dict[int, Any], changes: dict[int, Any] | None) -> dict[int, Any]:
        return {tag: value for tag, value in (values | (changes or {})).items() if value is not None}

    count = struct.pack("<8x4I8x", len(people), 0, len(people), 0)
    names = {f"__substg1.0_{tag}": b"" for tag in ("00020102", "00030102", "00040102")}
    storages = {"__nameid_version1.0": names}
    for number, (name, kind) in enumerate(people):
        values = with_changes(person(number, name, kind), of_people)
        storages[f"__recip_version1.0_#{number:08X}"] = streams(bytes(8), values)
    return Compound(streams(count, with_changes(NOTE, change)), storages)


OUTLOOK = written(note())
