"""Which program wrote a file, as far as a reader's rules of layout depend on it.

Source: docs/grammar-odf.md, section 6; LibreOffice reads the build from ``meta:generator`` and mends what older ones
wrote.

>>> generator(b"<meta:generator>LibreOffice/7.4.7.2$Linux_X86_64 LibreOffice_project/40$Build-2</meta:generator>")
'LibreOffice/7.4.7.2'
"""

from __future__ import annotations

import re

_STATED = re.compile(rb"generator[^>]{0,200}>([^<]{1,400})<")
_LIBREOFFICE = re.compile(
    r"(?:LibreOffice|LibreOfficeDev|LOdev|Collabora[ _]?Office[ A-Za-z]*)/([0-9]{1,2}(?:\.[0-9]{1,2}){1,3})"
)
_MICROSOFT = re.compile(r"MicrosoftOffice/[0-9]{2}\.0")
_OPENOFFICE = re.compile(
    r"(?:OpenOffice(?:\.org)?|StarOffice|StarSuite)/([0-9](?:\.[0-9])?).* "
    r"[\w.]+/([0-9]{3}m[0-9]{1,2}\$Build-[0-9]{4})"
)


def generator(meta: bytes | None) -> str | None:
    """The program in the form in which it may leave; None for an unknown one."""
    found = _STATED.search(meta or b"")
    stated = found[1].decode("utf-8", "replace") if found else ""
    if known := _LIBREOFFICE.match(stated):
        return f"LibreOffice/{known[1]}"
    if known := _MICROSOFT.match(stated):
        return known[0]
    known = _OPENOFFICE.match(stated)
    return f"OpenOffice.org/{known[1]} OpenOffice.org_project/{known[2]}" if known else None
