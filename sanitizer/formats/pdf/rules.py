"""Rules: what may stand at a key, as functions from an unresolved source value to canonical bytes or None.

Rules kept here:

- The functions carry the notation of docs/grammar-pdf.md, 4, in their docstrings.
- A fixed sequence is kept whole or not at all; in a free list what cannot be kept is left out.

>>> names("None Default").__name__
'rule'
"""

from __future__ import annotations

from collections.abc import Callable

from sanitizer.formats.pdf.build import Builder, Rule, Table
from sanitizer.formats.pdf.values import Value, is_name, is_ref, name_bytes, spell_name_bytes, spell_number

# Rules on simple values


def number(v: Value, b: Builder) -> bytes | None:
    """num"""
    return spell_number(b.source.resolve(v) if is_ref(v) else v)


def of(spell: Callable[[Value], bytes | None]) -> Rule:
    """The rule of a ``spell_*`` function."""

    def rule(v: Value, b: Builder) -> bytes | None:
        return spell(b.source.resolve(v) if is_ref(v) else v)

    return rule


def boolean(v: Value, b: Builder) -> bytes | None:
    """bool"""
    v = b.source.resolve(v)
    return None if type(v) is not bool else b"true" if v else b"false"


def integer(low: int, high: int = 2**31 - 1) -> Rule:
    """int(low..high)"""

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        return b"%d" % v if type(v) is int and low <= v <= high else None

    return rule


def one_of(*allowed: int) -> Rule:
    """int, one of these"""

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        return b"%d" % v if type(v) is int and v in allowed else None

    return rule


def names(allowed: str) -> Rule:
    """/A|/B …, given as words"""
    known = {"/" + word: b"/" + word.encode() for word in allowed.split()}

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        return known.get(v) if type(v) is str else None

    return rule


def numbers(least: int = 0, most: int = 1 << 20) -> Rule:
    """[num{least,most}]; an array with anything else in it is not kept"""

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        if type(v) is not list or not least <= len(v) <= most:
            return None
        spelled = [number(x, b) for x in v]
        return None if None in spelled else array(spelled)

    return rule


def array(spelled: list[bytes | None]) -> bytes:
    """``[…]`` of what is there"""
    return b"[" + b" ".join([x for x in spelled if x is not None]) + b"]"


# Rules made of rules


def array_of(rule: Rule, least: int = 0, most: int = 1 << 20) -> Rule:
    """[rule{least,most}]; elements that cannot be kept are left out"""

    def listed(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        if type(v) is not list or len(v) > most:
            return None
        spelled = [y for x in v if (y := rule(x, b)) is not None]
        return b"[" + b" ".join(spelled) + b"]" if len(spelled) >= least else None

    return listed


def sequence(*rules: Rule) -> Rule:
    """[r s t]"""

    def rule(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        if type(v) is not list or len(v) != len(rules):
            return None
        spelled = [r(x, b) for r, x in zip(rules, v, strict=True)]
        return None if None in spelled else array(spelled)

    return rule


def first_of(*rules: Rule) -> Rule:
    """r | s"""

    def rule(v: Value, b: Builder) -> bytes | None:
        for r in rules:
            spelled = r(v, b)
            if spelled is not None:
                return spelled
        return None

    return rule


def either(t: Table) -> Rule:
    """T: direct stays direct, a reference stays a reference"""

    def rule(v: Value, b: Builder) -> bytes | None:
        return b.shared(t, v) if is_ref(v) else direct_body(t, v, b)

    return rule


def shared(t: Table) -> Rule:
    """&T"""
    return lambda v, b: b.shared(t, v)


def direct(t: Table) -> Rule:
    """.T"""
    return lambda v, b: direct_body(t, b.source.resolve(v), b)


def direct_body(t: Table, v: Value, b: Builder) -> bytes | None:
    """The dictionary ``v`` as type ``t``."""
    return b.body(t, v) if type(v) is dict else None


def map_of(rule: Rule) -> Rule:
    """{rule}: a dictionary with any names as keys; the values ``rule`` gives None for are left out"""

    def mapped(v: Value, b: Builder) -> bytes | None:
        v = b.source.resolve(v)
        if type(v) is not dict:
            return None
        spelled: dict[bytes, bytes] = {}
        for k, x in v.items():
            key = spell_name_bytes(name_bytes(k)) if is_name(k) else None
            if key is not None and key not in spelled and (y := rule(x, b)) is not None:
                spelled[key] = y
        return b"<<" + b" ".join(k + b" " + spelled[k] for k in sorted(spelled)) + b">>"

    return mapped
