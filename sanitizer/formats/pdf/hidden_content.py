"""Content that stands in a hidden layer: taken out of a content stream, token by token.

Rules kept here:

- Inside a hidden section nothing is shown or painted: text, images, shadings and forms go, paths end in ``n``.
- Graphics state, clipping and text positioning stay, because what follows may depend on them.
- Only streams of files with a hidden layer come here, so speed matters less than clarity.

>>> PAINT >= {b"f", b"S"}
True
"""

from __future__ import annotations

from sanitizer.formats.pdf.build import Builder
from sanitizer.formats.pdf.inline_images import inline_image
from sanitizer.formats.pdf.lexical import DICTIONARY, HEX, REGULAR, STRING, WS
from sanitizer.formats.pdf.values import Value
from sanitizer.patterns import compile_pattern

PAINT = frozenset((b"S", b"s", b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"))
SHOW = frozenset((b"Tj", b"TJ", b"'", b'"', b"Do", b"sh"))
TOKEN = compile_pattern(
    WS
    + rb"*+(?:(?P<comment>%[^\r\n]*+)|(?P<operand>"
    + STRING
    + rb"|"
    + DICTIONARY
    + rb"|"
    + HEX
    + rb"|/"
    + REGULAR
    + rb"*+|[+\-]*+[0-9.][0-9.+\-]*+|[\[\]])|(?P<word>"
    + REGULAR
    + rb"++)|(?P<other>[\s\S]))"
)


def without_hidden(b: Builder, data: bytes, resources: Value) -> bytes:
    """``data`` without what a hidden layer paints; ``data`` itself if nothing does."""
    out: list[bytes] = []
    operands: list[bytes] = []
    stack: list[bool] = []
    hidden = removed = i = 0
    while (m := TOKEN.match(data, i)) is not None:
        i = m.end()
        if m["operand"]:
            operands.append(m["operand"])
            continue
        word = m["word"]
        if word is None:
            continue
        if word == b"BI":
            i, image = inline_image(b, data, m.start("word"), resources)
            out += [] if hidden else [image]
            removed += bool(hidden)
        elif word in (b"BDC", b"BMC"):
            stack.append(_hides(b, operands, resources))
            hidden += stack[-1]
            out.append(b" ".join([*operands, word]) if not hidden else b"/Span BMC")
        elif word == b"EMC":
            hidden -= stack.pop() if stack else 0
            out.append(word)
        elif hidden and word in PAINT:
            out.append(b"n")
            removed += 1
        elif hidden and word in SHOW:
            removed += 1
        else:
            out.append(b" ".join([*operands, word]))
        operands.clear()
    if not removed:
        return data
    b.report.removed("hidden-layer")
    return b"\n".join(out)


def _hides(b: Builder, operands: list[bytes], resources: Value) -> bool:
    if len(operands) < 2 or operands[-2] != b"/OC" or operands[-1][:1] != b"/":
        return False
    properties = b.source.get(resources, "/Properties")
    if type(properties) is not dict:
        return False
    return b.layers.hidden(properties.get(operands[-1].decode("utf-8", "replace")))
