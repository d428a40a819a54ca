"""Writes ``web_client/src/protocol.ts`` from the types of ``server/wire.py``.

Rules kept here:

- The server's types are the only source: ``protocol.ts`` is never edited by hand; a test compares it with this output.
- A struct that travels with an ``op`` gets the suffix ``Frame`` (``Event`` would hide the browser's own ``Event``).
- Fields that a client may leave out (they have a default) or the server does (``omit_defaults``) become optional.

Example: ``python -m ops.generate_protocol`` writes the file; ``--check`` only compares (exit status 1: they differ).
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

import msgspec
from msgspec import inspect as shapes

from server import wire

TARGET = Path(__file__).resolve().parent.parent / "web_client" / "src" / "protocol.ts"
HEAD = """\
// Generated from server/wire.py by `python -m ops.generate_protocol`. Do not edit.
"""


def protocol_source() -> str:
    """The whole text of ``protocol.ts``: constants, literal types, interfaces, unions, in the order of ``wire.py``."""
    parts = [HEAD]
    for name, value in vars(wire).items():
        text = _declaration(name, value)
        if text:
            parts.append(text)
    return "\n".join(parts)


def _declaration(name: str, value: object) -> str:
    """One top-level declaration, or an empty string for what does not travel (imports, dunder names)."""
    if name.startswith("_"):
        return ""
    if isinstance(value, (int, str)):
        return f"export const {name} = {json.dumps(value)};\n"
    if get_origin(value) is Literal:
        return f"export type {name} = {_literal(get_args(value))};\n"
    if isinstance(value, types.UnionType):
        return f"export type {name} =\n  | " + "\n  | ".join(_type_name(arm) for arm in get_args(value)) + ";\n"
    if _is_wire_struct(value):
        return _interface(value)
    return ""


def _is_wire_struct(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == wire.__name__


def _interface(struct: object) -> str:
    shape = shapes.type_info(struct)
    assert isinstance(shape, shapes.StructType)
    lines = [*_comment(shape.cls), f"export interface {_type_name(shape.cls)} {{"]
    if shape.tag_field is not None:
        lines.append(f"  {shape.tag_field}: {json.dumps(shape.tag)};")
    lines += _fields(shape)
    return "\n".join([*lines, "}", ""])


def _comment(cls: type) -> Iterator[str]:
    """The struct's own docstring as a JSDoc block (msgspec writes no docstring of its own)."""
    text = inspect.getdoc(cls) if cls.__doc__ else None
    if text:
        yield "/** " + " ".join(text.split()) + " */"


def _fields(shape: shapes.StructType) -> Iterator[str]:
    from_client = shape.forbid_unknown_fields
    may_be_absent = from_client or shape.cls.__struct_config__.omit_defaults
    for field in shape.fields:
        mark = "?" if may_be_absent and not field.required else ""
        yield f"  {field.encode_name}{mark}: {_type(field.type)};"


def _type(kind: shapes.Type) -> str:
    """The TypeScript type of one msgspec type.

    Raises ``TypeError`` for a type nobody has needed yet, so that a new kind of field cannot travel untyped.
    """
    match kind:
        case shapes.LiteralType(values=values):
            return _alias(values)
        case shapes.StructType(cls=cls):
            return _type_name(cls)
        case shapes.ListType(item_type=item):
            inner = _type(item)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        case shapes.DictType(value_type=value):
            return f"Record<string, {_type(value)}>"
        case shapes.UnionType(types=arms):
            return _union_alias(arms) or " | ".join(_type(arm) for arm in arms)
    if type(kind) in SCALARS:
        return SCALARS[type(kind)]
    raise TypeError(f"no TypeScript form for {kind!r}: add it to ops/generate_protocol.py")


SCALARS: dict[type[shapes.Type], str] = {
    shapes.StrType: "string",
    shapes.IntType: "number",
    shapes.FloatType: "number",
    shapes.BoolType: "boolean",
    shapes.NoneType: "null",
    shapes.AnyType: "unknown",
}


def _alias(values: tuple[object, ...]) -> str:
    for name, value in vars(wire).items():
        if get_origin(value) is Literal and set(get_args(value)) == set(values):
            return name
    return _literal(values)


def _union_alias(arms: tuple[shapes.Type, ...]) -> str | None:
    classes = {arm.cls for arm in arms if isinstance(arm, shapes.StructType)}
    for name, value in vars(wire).items():
        if isinstance(value, types.UnionType) and set(get_args(value)) == classes and len(classes) == len(arms):
            return name
    return None


def _literal(values: tuple[object, ...]) -> str:
    return " | ".join(json.dumps(value) for value in values)


def _type_name(cls: type) -> str:
    config = cls.__struct_config__  # type: ignore[attr-defined]  # present on every msgspec.Struct
    return f"{cls.__name__}Frame" if config.tag_field == "op" else cls.__name__


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="generate_protocol", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare; exit status 1 where the file differs")
    options = parser.parse_args(arguments)
    source = protocol_source()
    if not options.check:
        TARGET.write_text(source, encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == source:
        return 0
    print(f"{TARGET} is out of date: run python -m ops.generate_protocol", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
