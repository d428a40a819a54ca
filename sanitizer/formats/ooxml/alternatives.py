"""Markup compatibility: of several ways to say one thing, the one that the table can hold.

Rules kept here:

- A choice is taken only if it requires nothing but Word's drawing shapes, or is a number format of the standard
  itself; else the fallback is.

Source: ECMA-376 part 3, 7.
"""

from __future__ import annotations

from lxml import etree

from sanitizer.formats.ooxml.facts import PREFIXES, source

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_ALTERNATE, _CHOICE, _FALLBACK = f"{_MC}AlternateContent", f"{_MC}Choice", f"{_MC}Fallback"
_NUMBER_FORMAT = source("w:numFmt")
_UNDERSTOOD = frozenset({"wps", "wpg", "wpc"})


def choose(root: etree._Element) -> None:
    """Puts the chosen content in the place of every set of alternatives."""
    for alternate in list(root.iter(_ALTERNATE)):
        parent = alternate.getparent()
        if parent is None:
            continue
        taken = next((one for one in alternate if _is_understood(one)), None)
        if taken is None:
            taken = next((one for one in alternate if one.tag == _FALLBACK), None)
        at = parent.index(alternate)
        for offset, child in enumerate(list(taken) if taken is not None else []):
            parent.insert(at + offset, child)
        parent.remove(alternate)


def _is_understood(choice: etree._Element) -> bool:
    if choice.tag != _CHOICE:
        return False
    if len(choice) and all(child.tag == _NUMBER_FORMAT for child in choice):
        return True
    needed = (choice.get("Requires") or "?").split()
    return all(PREFIXES.get(choice.nsmap.get(prefix) or "") in _UNDERSTOOD for prefix in needed)
