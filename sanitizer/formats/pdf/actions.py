"""Actions and destinations (ISO 32000-1, 12.3.2 and 12.6): the three that may stay, and explicit places in this file.

Rules kept here:

- Actions are URI (http, https, mailto, tel), GoTo and four Named ones; Next chains go.
- A destination is written as an explicit array; named ones are looked up, and those that lead nowhere go.
- Every action that goes is reported by what it would have done.

>>> uri("https://example.jp/a b"), uri("javascript:alert(1)")
('https://example.jp/a%20b', None)
"""

from __future__ import annotations

import re
from urllib.parse import quote

from sanitizer.formats.pdf.build import Builder
from sanitizer.formats.pdf.kinds import ACTION_KINDS
from sanitizer.formats.pdf.rules import names
from sanitizer.formats.pdf.values import (
    Value,
    is_name,
    is_ref,
    is_string,
    name_bytes,
    ref,
    spell_number,
    string_bytes,
    string_text,
)

MAX_URI = 4096
DEEPEST = 30
FITS = {"/XYZ": 3, "/Fit": 0, "/FitH": 1, "/FitV": 1, "/FitR": 4, "/FitB": 0, "/FitBH": 1, "/FitBV": 1}
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)[\s\S]", re.I)
_SAFE = "!#$%&'()*+,-./:;=?@[]_~"
_turn = names("NextPage PrevPage FirstPage LastPage")


def uri(text: str) -> str | None:
    """``text`` as an address that may stay, characters outside RFC 3986 percent-encoded; None where it may not."""
    text = text.strip()
    if re.match(r"www\.[A-Za-z0-9]", text):
        text = "http://" + text
    if not _SCHEME.match(text):
        return None
    encoded = quote(text, safe=_SAFE)
    return encoded if len(encoded) <= MAX_URI else None


def action(v: Value, b: Builder) -> bytes | None:
    """Action"""
    d = b.source.resolve(v)
    if type(d) is not dict:
        return None
    kind = b.source.get(d, "/S")
    spelled = _spelled(kind, d, b)
    if spelled is None:
        report(v, b)
    else:
        for following in b.source.items(d.get("/Next")):
            report(following, b)
    return spelled


def _spelled(kind: Value, d: dict[str, Value], b: Builder) -> bytes | None:
    if kind == "/URI":
        return _uri_action(d, b)
    if kind == "/GoTo":
        place = destination(d.get("/D"), b)
        return place and b"<</D " + place + b" /S /GoTo>>"
    if kind == "/Named":
        turn = _turn(d.get("/N"), b)
        return turn and b"<</N " + turn + b" /S /Named>>"
    return None


def _uri_action(d: dict[str, Value], b: Builder) -> bytes | None:
    text = string_text(b.source.get(d, "/URI"))
    address = uri(text) if text is not None else None
    if address is None:
        return None
    if address != text:
        b.report.changed("link-normalised")
    return b"<</S /URI /URI (" + re.sub(r"[()]", r"\\\g<0>", address).encode() + b")>>"


def report(v: Value, b: Builder, depth: int = 0) -> None:
    """Reports the actions in ``v`` (an action, an array of them or a dictionary of triggers) as removed."""
    if is_ref(v):
        if v in b.reported:
            return
        b.reported.add(v)
    d = b.source.resolve(v)
    if type(d) is list:
        for x in d[:100]:
            report(x, b, depth + 1)
        return
    if type(d) is not dict or depth > 8:
        return
    kind = b.source.get(d, "/S")
    if kind == "/URI":
        b.report.removed("link-target")
    elif is_name(kind) and kind != "/GoTo":  # a GoTo that leads nowhere is no loss
        b.report.removed(ACTION_KINDS.get(kind, "other-action"))
    for x in b.source.items(d.get("/Next")):
        report(x, b, depth + 1)


def report_triggers(v: Value, b: Builder) -> None:
    """Reports what an additional-actions dictionary would have done."""
    d = b.source.resolve(v)
    if type(d) is dict:
        b.report.removed("additional-actions")
        for x in d.values():
            report(x, b, 1)


def destination(v: Value, b: Builder, *, named: bool = True) -> bytes | None:
    """dest"""
    v = b.source.resolve(v)
    if type(v) is dict:
        v = b.source.resolve(v.get("/D"))
    if named and (is_name(v) or is_string(v)):
        return destination(_named(v, b), b, named=False)
    if type(v) is not list or len(v) < 2:
        return None
    page = b.pages.get(v[0]) if is_ref(v[0]) else b.page_at(v[0])
    fit = b.source.resolve(v[1])
    if page is None or type(fit) is not str or fit not in FITS:
        return None
    given = [spell_number(b.source.resolve(x)) or b"null" for x in v[2 : 2 + FITS[fit]]]
    given += [b"null"] * (FITS[fit] - len(given))
    return b"[" + b" ".join([ref(page), fit.encode(), *given]) + b"]"


def _named(v: str, b: Builder) -> Value:
    if b.named is None:
        b.named = {}
        _read_named(b, b.named)
    key = name_bytes(v) if is_name(v) else string_bytes(v)
    return b.named.get(key) if key is not None else None


def _read_named(b: Builder, into: dict[bytes, Value]) -> None:
    old = b.source.get(b.source.root, "/Dests")
    if type(old) is dict:
        into.update((name_bytes(k), v) for k, v in old.items() if is_name(k))
    tree = b.source.get(b.source.root, "/Names")
    seen: set[str] = set()
    todo: list[tuple[Value, int]] = [(tree.get("/Dests"), 0)] if type(tree) is dict else []
    while todo:
        v, depth = todo.pop()
        if depth > DEEPEST or (is_ref(v) and v in seen):
            continue
        if is_ref(v):
            seen.add(v)
        node = b.source.resolve(v)
        if type(node) is not dict:
            continue
        pairs = b.source.items(node.get("/Names"))
        for key, value in zip(pairs[::2], pairs[1::2], strict=False):
            raw = string_bytes(b.source.resolve(key))
            if raw is not None:
                into.setdefault(raw, value)
        todo += [(x, depth + 1) for x in b.source.items(node.get("/Kids"))]
