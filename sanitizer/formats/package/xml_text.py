"""The canonical spelling of XML in a new package: its head, text between tags, values of attributes.

Source: docs/grammar-ooxml.md, section 2; docs/grammar-odf.md, section 2.

>>> escaped("a<b"), quoted('a"b')
('a&lt;b', 'a&quot;b')
"""

from __future__ import annotations

import re

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

is_special = re.compile('[&<>"\r\n\t]').search
"""What a text or a value must not hold as it is; None if it holds none of it."""


def escaped(text: str) -> str:
    """Text between tags."""
    if not is_special(text):
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def quoted(value: str) -> str:
    """The value of an attribute."""
    if not is_special(value):
        return value
    return escaped(value).replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")
