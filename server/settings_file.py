"""Reading a TOML file into dataclasses: lines, mistakes and ranges. What the settings *are* is in ``server.settings``.

Rules: reading never stops at the first mistake; a value that is wrong is replaced by its default so that the rest
can be checked; a mistake says line, key and what to write instead, and repeats no secret.

>>> line_index('data = "x"\\n[log]\\nlevel = "info"\\n')["log.level"]
3
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_TABLE = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"' -]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")
_STRING = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*')
_TRUSTING = ("forwarded_allow_ips", "forwarded-allow-ips", "proxy_headers", "trusted_hosts")


class Mistake(NamedTuple):
    """One mistake. ``line`` is 0 where the whole file is meant."""

    line: int
    key: str
    advice: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.key}: {self.advice}" if self.line else f"{self.key}: {self.advice}"


class Mistakes(NamedTuple):
    """All mistakes of a file, in the order of their lines."""

    found: tuple[Mistake, ...]

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.found)


def syntax_mistake(error: tomllib.TOMLDecodeError) -> Mistake:
    """Where the file stops being TOML; nothing after it can be read."""
    at = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    what = str(error).split(" (at ", 1)[0]
    return Mistake(int(at[1]) if at else 0, "syntax", f"{what}; mend this line, then the rest can be checked")


def line_index(text: str) -> dict[str, int]:
    """The line (from 1) of each table and key, as ``limits.upload_mib`` or ``listeners[0].zone``. For valid TOML."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    prefix, depth, quote = "", 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if depth == 0 and not quote:
            table, key = _TABLE.match(line), _KEY.match(line)
            if table and not key:
                prefix = _table_name(table[1], table[2], counts)
                lines.setdefault(prefix.rstrip("."), number)
                continue
            if key:
                lines.setdefault(prefix + _plain(key[1]), number)
        depth, quote = _open_after(line, depth, quote)
    return lines


def _table_name(brackets: str, name: str, counts: dict[str, int]) -> str:
    name = _plain(name)
    if brackets == "[":
        return name + "."
    counts[name] = counts.get(name, -1) + 1
    return f"{name}[{counts[name]}]."


def _plain(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))


def _open_after(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Brackets and the multi-line quote that are open after ``line``."""
    while quote:
        _, found, line = line.partition(quote)
        if not found:
            return depth, quote
        quote = ""
    bare = ""
    while True:
        found_at = _STRING.search(line)
        if found_at is None:
            bare += line
            return depth + sum(map(bare.count, "[{")) - sum(map(bare.count, "]}")), ""
        bare += line[: found_at.start()]
        mark, line = found_at[0], line[found_at.end() :]
        if mark in ('"""', "'''"):
            _, closed, line = line.partition(mark)
            if not closed:
                return depth + sum(map(bare.count, "[{")) - sum(map(bare.count, "]}")), mark


class Reader:
    """Reads tables into dataclasses whose fields carry ``least``, ``most``, ``one_of`` and ``required`` as metadata."""

    def __init__(self, lines: Mapping[str, int]) -> None:
        self.lines = lines
        self.mistakes: list[Mistake] = []

    def table(self, kind: type[Any], content: Mapping[str, Any], prefix: str) -> Any:
        """An instance of ``kind``; what is wrong has its default and stands in ``mistakes``."""
        hints = typing.get_type_hints(kind)
        items = {item.name: item for item in dataclasses.fields(kind)}
        for key in content:
            if key not in items:
                self._unknown(prefix, key, list(items))
        values = {}
        for name, item in items.items():
            if name in content:
                values[name] = self._value(item, hints[name], content[name], prefix + name)
            elif item.metadata["required"]:
                self.note(prefix + name, f"is missing: add {_example(item, hints[name])}")
        return kind(**{name: value for name, value in values.items() if value is not None})

    def note(self, key: str, advice: str) -> None:
        self.mistakes.append(Mistake(self._line(key), key, advice))

    def _line(self, key: str) -> int:
        while key:
            if key in self.lines:
                return self.lines[key]
            key = key.rpartition(".")[0]
        return 1

    def _unknown(self, prefix: str, key: str, known: list[str]) -> None:
        near = difflib.get_close_matches(key, known, 1, 0.5)
        if key in _TRUSTING:
            advice = (
                "is not a setting: forwarding headers are never believed; a listener may name its one trusted_proxy"
            )
        elif near:
            advice = f"is not a setting: did you mean {near[0]}?"
        else:
            advice = f"is not a setting; known here: {', '.join(sorted(known))}"
        self.note(prefix + key, advice)

    def _value(self, item: dataclasses.Field[Any], hint: Any, value: Any, key: str) -> Any:
        if dataclasses.is_dataclass(hint):
            if isinstance(value, dict):
                return self.table(typing.cast(type[Any], hint), value, key + ".")
            return self.note(key, f"write a table: [{key}]")
        if typing.get_origin(hint) is tuple:
            return self._list(typing.get_args(hint)[0], value, key)
        if hint is Path:
            return Path(value) if isinstance(value, str) and value else self.note(key, "write a path in quotes")
        return self._plain_value(item, hint, value, key)

    def _list(self, element: Any, value: Any, key: str) -> Any:
        if dataclasses.is_dataclass(element):
            if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
                kind = typing.cast(type[Any], element)
                return tuple(self.table(kind, entry, f"{key}[{n}].") for n, entry in enumerate(value))
            return self.note(key, f"write one [[{key}]] for each")
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return tuple(value)
        return self.note(key, 'write a list of texts, such as ["chat.city.example.jp"]')

    def _plain_value(self, item: dataclasses.Field[Any], hint: Any, value: Any, key: str) -> Any:
        wanted = (int, float) if hint is float else hint
        if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
            return self.note(key, f"write {_KINDS[hint]}")
        one_of, least, most = (item.metadata[name] for name in ("one_of", "least", "most"))
        if one_of and value not in one_of:
            near = difflib.get_close_matches(str(value), one_of, 1, 0.4)
            return self.note(key, f'write "{near[0]}"' if near else f"write one of {', '.join(one_of)}")
        if least is not None and not least <= value <= most:
            return self.note(key, f"write a number from {least:g} to {most:.15g}")
        return value


_KINDS: dict[Any, str] = {
    str: "a text in quotes",
    int: "a whole number without quotes",
    float: "a number without quotes",
    bool: "true or false, without quotes",
}


def _example(item: dataclasses.Field[Any], hint: Any) -> str:
    if typing.get_origin(hint) is tuple:
        return f"one [[{item.name}]] for each"
    choices = item.metadata["one_of"]
    return f'{item.name} = "{choices[0] if choices else "…"}"'
