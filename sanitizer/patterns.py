"""Patterns with possessive groups, for every Python from 3.11 on.

``re`` before 3.11.5 (Debian 12 has 3.11.2) matches a possessive group wrongly when the group holds alternatives
(CPython issue 106052): a scan can miss its match or never end. There ``regex`` compiles the same pattern with the same
meaning; elsewhere ``re`` does, which is faster.

Rules: a pattern with ``(?:…)*+``, ``(?:…)++``, ``(?:…)?+`` or ``(?>…)`` is compiled here; a possessive character or
class alone (``[0-9]++``) is safe in ``re``. A test holds the tree to it.

>>> compile_pattern(rb"(?:a|bc)*+").match(b"abcb").end()
3
"""

from __future__ import annotations

import re
import sys
from typing import AnyStr, cast

import regex

NEEDS_REGEX = sys.version_info < (3, 11, 5)
_FLAGS = {
    re.ASCII: regex.ASCII,
    re.DOTALL: regex.DOTALL,
    re.IGNORECASE: regex.IGNORECASE,
    re.MULTILINE: regex.MULTILINE,
    re.VERBOSE: regex.VERBOSE,
}


def compile_pattern(pattern: AnyStr, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[AnyStr]:
    """``re.compile``, by whichever engine matches possessive groups rightly. Raises ValueError for a flag that
    has no fellow there."""
    if not NEEDS_REGEX:
        return re.compile(pattern, flags)
    same = regex.VERSION0
    for flag in flags:
        if flag not in _FLAGS:
            raise ValueError(f"no fellow of {flag!r}")
        same |= _FLAGS[flag]
    return cast("re.Pattern[AnyStr]", regex.compile(pattern, same))
