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
_FLAGS = {re.DOTALL: regex.DOTALL, re.VERBOSE: regex.VERBOSE, re.MULTILINE: regex.MULTILINE}


def compile_pattern(pattern: AnyStr, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[AnyStr]:
    """``re.compile``, by whichever engine matches possessive groups rightly. Flags: DOTALL, VERBOSE, MULTILINE."""
    if not NEEDS_REGEX:
        return re.compile(pattern, flags)
    same = regex.VERSION0
    for flag, meaning in _FLAGS.items():
        if flag & flags:
            same |= meaning
    return cast("re.Pattern[AnyStr]", regex.compile(pattern, same))
