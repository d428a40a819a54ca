"""The properties of an Outlook message, a recipient or an attachment.

Rules kept here:

- Texts in characters of a code page are read by the message's own code page.
- What has another type than is asked for counts as not there.

Source: [MS-OXMSG] 2.1, 2.4; [MS-OXPROPS]; [MS-OXCDATA] 2.11.

>>> moment(132_000_000_000_000_000).isoformat()
'2019-04-17T18:40:00+00:00'
"""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime, timedelta

from sanitizer.formats.mail.charset import by_codec, codec_of_page
from sanitizer.formats.mail.compound import Storage

PROPERTIES = "__properties_version1.0"
_STREAM = re.compile(r"__substg1\.0_([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})")
_CODE_PAGES = (0x3FFD, 0x3FDE, 0x66C3)  # of the message, of its page, of the folder it was in
_LOCALE = 0x3FF1
_PAGES_OF_LOCALES = {0x0411: 932, 0x0412: 949, 0x0404: 950, 0x0804: 936, 0x0C04: 950, 0x0419: 1251}
_INTEGER, _BOOLEAN, _TIME, _NARROW, _WIDE, _BINARY = 0x0003, 0x000B, 0x0040, 0x001E, 0x001F, 0x0102
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def moment(ticks: int) -> datetime | None:
    """A moment of hundreds of nanoseconds since 1601, to the second; None for one that no mail bears."""
    try:
        when = _EPOCH + timedelta(seconds=ticks // 10_000_000)
    except OverflowError:
        return None
    return when if 1900 <= when.year <= 2999 else None


class Properties:
    """``head``: bytes before the first property in the stream of properties. ``codec``: of the message, for what is
    inside it."""

    def __init__(self, storage: Storage, head: int, codec: str | None = None) -> None:
        self._storage = storage
        self._fixed: dict[int, tuple[int, bytes]] = {}
        stream = storage.read(PROPERTIES) or b""
        for at in range(head, len(stream) - 15, 16):
            kind, number = struct.unpack_from("<HH", stream, at)
            self._fixed.setdefault(number, (kind, stream[at + 8 : at + 16]))
        self._streams: dict[int, dict[int, str]] = {}
        for name in storage.streams:
            match = _STREAM.fullmatch(name)
            if match:
                self._streams.setdefault(int(match[1], 16), {})[int(match[2], 16)] = name
        self.codec = codec or self._own_codec()

    def _own_codec(self) -> str | None:
        for number in _CODE_PAGES:
            page = self.integer(number)
            if page is not None and page not in (1200, 1201) and codec_of_page(page):
                return codec_of_page(page)
        return codec_of_page(_PAGES_OF_LOCALES.get(self.integer(_LOCALE) or 0, 0))

    def integer(self, number: int) -> int | None:
        """A 32-bit number."""
        kind, value = self._fixed.get(number, (0, b""))
        return int.from_bytes(value[:4], "little") if kind == _INTEGER else None

    def flag(self, number: int) -> bool:
        """A truth."""
        kind, value = self._fixed.get(number, (0, b""))
        return kind == _BOOLEAN and bool(value[0])

    def time(self, number: int) -> datetime | None:
        """A moment."""
        kind, value = self._fixed.get(number, (0, b""))
        return moment(int.from_bytes(value, "little")) if kind == _TIME else None

    def text(self, number: int) -> str:
        """A text, empty if there is none."""
        kinds = self._streams.get(number, {})
        if _WIDE in kinds:
            return (self._storage.read(kinds[_WIDE]) or b"").decode("utf-16-le", "replace").rstrip("\0")
        if _NARROW in kinds:
            return by_codec((self._storage.read(kinds[_NARROW]) or b"").rstrip(b"\0"), self.codec)[0]
        return ""

    def binary(self, number: int) -> bytes:
        """Bytes, empty if there are none."""
        name = self._streams.get(number, {}).get(_BINARY)
        return (self._storage.read(name) or b"") if name else b""
