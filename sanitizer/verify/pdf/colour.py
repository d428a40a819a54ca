"""Section 4.5 of the grammar: colour spaces (``cs``) and how many components they have.

>>> components([Name(b"Separation"), Name(b"Gold"), Name(b"DeviceCMYK"), {}], [])
1
"""

from __future__ import annotations

from sanitizer.verify import Violation
from sanitizer.verify.pdf.rules import Rule, Walker, compile_rule
from sanitizer.verify.pdf.values import Dictionary, Name, Reference, String

MAX_DEPTH = 5

_DEVICE = {b"DeviceGray": 1, b"DeviceRGB": 3, b"DeviceCMYK": 4}
_ONE_PART: dict[bytes, Rule] = {
    b"CalGray": compile_rule(".Cal"),
    b"CalRGB": compile_rule(".Cal"),
    b"Lab": compile_rule(".Cal"),
    b"ICCBased": compile_rule("&ICC"),
}
_FUNCTION = compile_rule("fn")
_LOOKUP = compile_rule("&Lookup")
_INK: dict[bytes, Rule] = {b"Separation": compile_rule("name"), b"DeviceN": compile_rule("[name{1,32}]")}


def is_colour_space(walker: Walker, objects: list[Dictionary], value: object, depth: int = 1) -> bool:
    """Whether ``value`` is a ``cs``; the innermost name counts as a level of nesting."""
    if depth > MAX_DEPTH:
        return False
    if isinstance(value, Name):
        return value in _DEVICE or value == b"Pattern"
    if not isinstance(value, list) or not value or not isinstance(value[0], Name):
        return False
    family, parts = value[0], value[1:]
    if family in _ONE_PART and len(parts) == 1:
        return _ONE_PART[family](walker, parts[0])
    if family == b"Pattern" and len(parts) == 1:
        return is_colour_space(walker, objects, parts[0], depth + 1)
    if len(parts) != 3:
        return False
    if family == b"Indexed":
        return is_colour_space(walker, objects, parts[0], depth + 1) and _is_palette(walker, objects, parts)
    if family not in _INK or not _INK[family](walker, parts[0]):
        return False
    return is_colour_space(walker, objects, parts[1], depth + 1) and _FUNCTION(walker, parts[2])


def _is_palette(walker: Walker, objects: list[Dictionary], parts: list[object]) -> bool:
    """``[base hival lookup]`` of an Indexed space whose base has been checked."""
    base, last, lookup = parts
    if type(last) is not int or not 0 <= last <= 255:
        return False
    size = (last + 1) * components(base, objects)
    return len(lookup) <= size if isinstance(lookup, String) else _LOOKUP(walker, lookup)


def components(value: object, objects: list[Dictionary]) -> int:
    """Components of a checked colour space; ``Violation`` for Pattern, which has none."""
    if isinstance(value, Name) and value in _DEVICE:
        return _DEVICE[value]
    if isinstance(value, list):
        family = value[0]
        if family in (b"CalGray", b"Indexed", b"Separation"):
            return 1
        if family in (b"CalRGB", b"Lab"):
            return 3
        if family == b"DeviceN":
            return len(value[1])
        count = objects[value[1]].get(b"N") if isinstance(value[1], Reference) else None
        if family == b"ICCBased" and type(count) is int:
            return count
    raise Violation("colour-components")
