"""Legacy documents, made by LibreOffice itself from small texts; and a password put on them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import struct

import pytest

from sanitizer import converter, intake
from sanitizer.converter import Converter
from sanitizer.formats.legacy.ciphers import xor_array, xor_key, xor_verifier
from sanitizer.formats.legacy.streams import Streams
from sanitizer.formats.legacy.workbooks import records
from sanitizer.limits import Limits
from sanitizer.recipes import Recipe

needs_converter = pytest.mark.skipif(bool(converter.missing()), reason=f"not installed: {converter.missing()}")

RTF = rb"{\rtf1\ansi\deff0{\fonttbl{\f0 Noto Sans CJK JP;}}\f0\fs24 Kasumigahama \u24066?\u38263?\par}"
CSV = "品名,数量\nりんご,3\nみかん,=1+1\n".encode()
SLIDES = (
    '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    ' xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.3"'
    ' office:mimetype="application/vnd.oasis.opendocument.presentation"><office:body><office:presentation>'
    '<draw:page draw:name="a"><draw:frame svg:x="2cm" svg:y="2cm" svg:width="16cm" svg:height="4cm"><draw:text-box>'
    "<text:p>庁議資料</text:p></draw:text-box></draw:frame></draw:page></office:presentation></office:body>"
    "</office:document>"
).encode()

_OUT = {
    "doc": (RTF, Recipe("rtf", "Rich Text Format", "doc", "MS Word 97")),
    "xls": (CSV, Recipe("csv", "Text - txt - csv (StarCalc):44,34,76", "xls", "MS Excel 97")),
    "ppt": (SLIDES, Recipe("fodp", "OpenDocument Presentation Flat XML", "ppt", "MS PowerPoint 97")),
}


def converted(data: bytes, recipe: Recipe, limits: Limits = Limits()) -> bytes:  # noqa: B008
    """What LibreOffice makes of ``data``, in the same bubble as in earnest."""

    async def convert() -> bytes:
        office, source, output = Converter(), os.memfd_create("source"), intake.new_output(limits.max_output)
        try:
            os.write(source, data)
            done = await office.convert(source, len(data), output, recipe, limits)
            return os.pread(output, done.size, 0)
        finally:
            office.close_now()
            os.close(source)
            os.close(output)

    return asyncio.run(convert())


@pytest.fixture(scope="session")
def legacy() -> dict[str, bytes]:
    """A doc, an xls and a ppt, by ending."""
    return {ending: converted(data, recipe) for ending, (data, recipe) in _OUT.items()}


def _rc4(key: bytes, data: bytes) -> bytes:
    """RC4 as in the books; slow, and not the one under test."""
    state, at = list(range(256)), 0
    for number in range(256):
        at = (at + state[number] + key[number % len(key)]) & 255
        state[number], state[at] = state[at], state[number]
    made, one, two = bytearray(), 0, 0
    for byte in data:
        one = (one + 1) & 255
        two = (two + state[one]) & 255
        state[one], state[two] = state[two], state[one]
        made.append(byte ^ state[(state[one] + state[two]) & 255])
    return bytes(made)


def _capi_header(password: str, salt: bytes) -> tuple[bytes, bytes]:
    """(encryption header of RC4 CryptoAPI with 128 bits, what block keys are made from)."""
    base = hashlib.sha1(salt + password.encode("utf-16-le")).digest()
    proof = bytes(range(16))
    sealed = _rc4(capi_key(base, 0), proof + hashlib.sha1(proof).digest())
    provider = "a\0".encode("utf-16-le")
    fields = struct.pack("<8I", 4, 0, 0x6801, 0x8004, 128, 1, 0, 0) + provider
    head = struct.pack("<HHII", 2, 2, 4, len(fields)) + fields
    return head + struct.pack("<I", 16) + salt + sealed[:16] + struct.pack("<I", 20) + sealed[16:], base


def capi_key(base: bytes, block: int) -> bytes:
    """The key of one block."""
    return hashlib.sha1(base + struct.pack("<I", block)).digest()[:16]


def encrypted_doc(data: bytes, password: str) -> bytes:
    """The document with RC4 CryptoAPI. The header takes the place of the table's beginning, which is put behind."""
    streams = Streams(data)
    main = bytearray(streams.stream("WordDocument") or b"")
    flags = struct.unpack_from("<H", main, 10)[0]
    table_name = "1Table" if flags & 0x0200 else "0Table"
    table = streams.stream(table_name) or b""
    header, base = _capi_header(password, bytes(range(16, 32)))

    def sealed(stream: bytes) -> bytes:
        blocks = (stream[at : at + 512] for at in range(0, len(stream), 512))
        return b"".join(_rc4(capi_key(base, number), block) for number, block in enumerate(blocks))

    struct.pack_into("<H", main, 10, flags | 0x0100)
    struct.pack_into("<I", main, 14, len(header))
    body = bytes(main[:0x44]) + sealed(bytes(main))[0x44:]
    return streams.replaced({"WordDocument": body, table_name: header + sealed(table)[len(header) :]})


def encrypted_xls(data: bytes, password: str) -> bytes:
    """The workbook with exclusive-or obfuscation; a record that says nothing becomes the password record."""
    streams = Streams(data)
    book = bytearray(streams.stream("Workbook") or b"")
    at, length = next((at, len(body)) for number, at, body in records(bytes(book)) if number == 0x5C)  # WriteAccess
    secret = struct.pack("<HHHH", 0x2F, 6, 0, xor_key(password)) + struct.pack("<H", xor_verifier(password))
    filler = struct.pack("<HH", 0x5C, length - 10) + bytes(length - 10)
    book[at - 4 : at + length] = secret + filler
    array, clear = xor_array(password, 2), bytes(book)
    for number, start, body in records(clear):
        kept = len(body) if number in (0x0809, 0x2F, 0xE1) else 4 if number == 0x85 else 0
        for place in range(kept, len(body)):
            crossed = body[place] ^ array[(start + len(body) + place) & 15]
            book[start + place] = (crossed << 5 | crossed >> 3) & 0xFF
    return streams.replaced({"Workbook": bytes(book)})
