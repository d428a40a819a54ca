"""Functions (ISO 32000-1, 7.10): dictionaries are written direct, streams are shared.

Rules kept here:

- A function made of others is spelled once and remembered; its size and nesting are bounded, and one that contains
  itself is none.
- A calculator function (type 4) is read token by token and written anew; anything else in it drops the function.

>>> calculator(b"{ 1.0 exch sub}")
b'{ 1 exch sub }'
"""

from __future__ import annotations

import pikepdf

from sanitizer.formats.pdf.build import Builder, dictionary, table
from sanitizer.formats.pdf.filters import decode
from sanitizer.formats.pdf.rules import array, array_of, integer, number, numbers, one_of
from sanitizer.formats.pdf.values import Real, Value, is_ref, spell_number
from sanitizer.patterns import compile_pattern

DEEPEST = 6
LONGEST = 1 << 16  # bytes of a function written out with all its parts
MAX_CALCULATOR = 1 << 20

EXPONENTIAL = table(
    "Function",
    Domain=numbers(2),
    Range=numbers(2),
    C0=numbers(1),
    C1=numbers(1),
    N=number,
    defaults={"Domain": "[0 1]", "N": "1"},
)
SAMPLED = table(
    "FunctionStream",
    Domain=numbers(2),
    Range=numbers(2),
    Size=array_of(integer(1)),
    Order=one_of(1, 3),
    BitsPerSample=one_of(1, 2, 4, 8, 12, 16, 24, 32),
    Encode=numbers(2),
    Decode=numbers(2),
    defaults={"Domain": "[0 1]", "Range": "[0 1]", "Size": "[2]", "BitsPerSample": "8"},
)
CALCULATOR = table(
    "FunctionStream", Domain=numbers(2), Range=numbers(2), defaults={"Domain": "[0 1]", "Range": "[0 1]"}
)


def function(v: Value, b: Builder, depth: int = 0) -> bytes | None:
    """fn"""
    if not is_ref(v):
        return _function(v, b, depth)
    if v not in b.functions:
        b.functions[v] = None  # what contains itself is none
        b.functions[v] = _function(v, b, depth)
    return b.functions[v]


def _function(v: Value, b: Builder, depth: int) -> bytes | None:
    found = b.source.stream(v)
    if found is not None:
        return b.stream("FunctionStream", v, _make_function) if _sound(b, *found) else None
    d = b.source.resolve(v)
    if type(d) is not dict or depth > DEEPEST:
        return None
    kind = b.source.get(d, "/FunctionType")
    if kind == 2:
        return b.body(EXPONENTIAL, d, [b"/FunctionType 2"])
    return _stitching(d, b, depth) if kind == 3 else None


def _stitching(d: dict[str, Value], b: Builder, depth: int) -> bytes | None:
    parts = [function(x, b, depth + 1) for x in b.source.items(d.get("/Functions"))[:256]]
    fixed = {k: numbers()(d.get(k), b) for k in ("/Bounds", "/Encode", "/Domain")}
    if not parts or None in parts or None in fixed.values():
        return None
    entries = [b"/FunctionType 3", b"/Functions " + array(parts)]
    entries += [k.encode() + b" " + x for k, x in fixed.items() if x is not None]
    spread = numbers(2)(d.get("/Range"), b)
    spelled = dictionary(entries + ([b"/Range " + spread] if spread else []))
    return spelled if len(spelled) <= LONGEST else None


def functions(v: Value, b: Builder) -> bytes | None:
    """fn | [fn+]"""
    r = b.source.resolve(v)
    if type(r) is list:
        return array_of(function, 1, 64)(r, b)
    return function(v, b)


def _sound(b: Builder, d: dict[str, Value], handle: pikepdf.Object) -> bool:
    kind = b.source.get(d, "/FunctionType")
    return kind == 0 or (kind == 4 and _calculator(b, d, handle) is not None)


def _make_function(b: Builder, n: int, d: dict[str, Value], handle: pikepdf.Object) -> None:
    calculator = b.source.get(d, "/FunctionType") == 4
    plain = _calculator(b, d, handle) if calculator else None
    if plain is None:
        decoded = decode(b.source, d, handle.read_raw_bytes())
        plain = decoded.data if decoded else b""
    t, kind = (CALCULATOR, 4) if calculator else (SAMPLED, 0)
    b.put_stream(n, b.entries(t, d, [b"/FunctionType %d" % kind]), plain)


_TOKEN = compile_pattern(
    rb"[\0\t\n\f\r ]*(?:([{}])|([+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++))(?![0-9A-Za-z.])|([a-z]+)(?![0-9A-Za-z.])"
    rb"|(%[^\r\n]*))"
)
OPERATORS = frozenset(
    b"abs add atan ceiling cos cvi cvr div exp floor idiv ln log mod mul neg round sin sqrt sub truncate and bitshift "
    b"eq false ge gt le lt ne not or true xor if ifelse copy dup exch index pop roll".split()
)


def calculator(data: bytes) -> bytes | None:
    """A PostScript calculator program, spelled canonically; None if it holds anything else."""
    tokens: list[bytes] = []
    depth = i = 0
    data = data.rstrip(b"\0\t\n\f\r ")
    while i < len(data):
        m = _TOKEN.match(data, i)
        if m is None or (tokens and depth == 0 and not m[4]):
            return None
        i = m.end()
        spelled: bytes | None = m[1] or m[3]
        if m[2]:
            text = m[2].decode()
            spelled = spell_number(Real(text.lstrip("+")))
        if m[4]:
            continue
        if spelled is None or (m[3] and spelled not in OPERATORS):
            return None
        depth += (spelled == b"{") - (spelled == b"}")
        if not 0 <= depth <= 32 or (not tokens and spelled != b"{"):
            return None
        tokens.append(spelled)
    return b" ".join(tokens) if tokens and depth == 0 else None


def _calculator(b: Builder, d: dict[str, Value], handle: pikepdf.Object) -> bytes | None:
    decoded = decode(b.source, d, handle.read_raw_bytes())
    if decoded is None or len(decoded.data) > MAX_CALCULATOR:
        return None
    program = calculator(decoded.data)
    if program is None:
        b.report.removed("postscript")
    return program
