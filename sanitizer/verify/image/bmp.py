"""BMP: two headers, a palette, rows.

>>> from sanitizer.limits import Limits
>>> check(b"BM", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('truncated', 'offset 2')
"""

from __future__ import annotations

import struct

from sanitizer.limits import Limits
from sanitizer.verify.image.reader import Cursor, check_size, demand

SIGNATURE = b"BM"
_HEADER = struct.Struct(
    "<IiiHHIIiiII"
)  # size, width, height, planes, bits, compression, bytes, ppm x 2, used, important
_WITH_PALETTE, _PLAIN, _WITH_ALPHA = (1, 4, 8), 24, 32
_MASKS = struct.pack("<4I4s", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, b"BGRs") + bytes(48)  # "sRGB", end points, gamma
BITFIELDS = 3


def check(data: bytes, limits: Limits) -> int:
    """The number of pixels; ``Violation`` if ``data`` is no BMP of the grammar."""
    cursor = Cursor(data, order="little")
    cursor.expect(SIGNATURE, "signature")
    demand(cursor.u32() == len(data) and cursor.u32() == 0, "file-header")
    offset = cursor.u32()
    size, width, height, planes, bits, compression, length, *more = _HEADER.unpack(cursor.take(_HEADER.size))
    demand(width > 0 and height > 0, "no-pixels")
    pixels = check_size(width, height, limits)
    used = more[2]
    demand(planes == 1 and more == [0, 0, used, 0], "header")
    if bits == _WITH_ALPHA:
        demand((size, compression, used) == (_HEADER.size + len(_MASKS), BITFIELDS, 0), "header")
        cursor.expect(_MASKS, "masks")
    else:
        demand(bits in (*_WITH_PALETTE, _PLAIN) and (size, compression) == (_HEADER.size, 0), "header")
        demand(1 <= used <= 1 << bits if bits in _WITH_PALETTE else not used, "palette")
        demand(not any(cursor.take(4 * used)[3::4]), "palette")
    demand(cursor.at == offset, "offset")
    row = (width * bits + 31) // 32 * 4
    demand(length == row * height == cursor.left, "rows")
    _check_padding(data, offset, row, row * 8 - width * bits)
    return pixels


def _check_padding(data: bytes, offset: int, row: int, unused: int) -> None:
    """The last ``unused`` bits of each row are zero."""
    for back in range(1, unused // 8 + 1):
        demand(not any(data[offset + row - back :: row]), "padding")
    if unused % 8:
        partial = data[offset + row - 1 - unused // 8 :: row]
        demand(not any(byte & (1 << unused % 8) - 1 for byte in set(partial)), "padding")
