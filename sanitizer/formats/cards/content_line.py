"""Content lines: taken apart as calendars and address cards write them, and written canonically.

Rules kept here:

- Folded lines are joined; lines that quoted-printable goes on over, too. Quoted-printable is decoded by the character
  set of its line.
- A line that is none is given as one without a name.
- Written lines end with CR LF and are folded at 75 octets between characters.

Source: RFC 5545 3.1, RFC 6350 3.2 and 3.3, vCard 2.1 (versit 1996) 2.1.

>>> lines = content_lines("tel;HOME;Type=voice:0\\r\\n 3", "utf-8"); line = next(lines)
>>> line.name, line.parameters, line.value
('TEL', {'TYPE': ['HOME', 'voice']}, '03')
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sanitizer.formats.markup.decoding import CODECS

_NAME = re.compile(r"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]{1,60})")
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)(?:=((?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*))?')
_VALUES = re.compile(r'"([^"]*)"|([^,]+)')
_ENCODINGS = frozenset(("QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"))
_QUOTED_PRINTABLE = re.compile(r"^[^:]*;(?:ENCODING=)?QUOTED-PRINTABLE[;:]", re.IGNORECASE)
WIDTH = 75  # octets of a line without its end


@dataclass(slots=True)
class Line:
    """One content line as received. ``name`` is in upper case, empty for what is no content line."""

    name: str = ""
    value: str = ""
    parameters: dict[str, list[str]] = field(default_factory=dict)

    def parameter(self, name: str) -> str:
        """The first value of a parameter, in upper case."""
        return next(iter(self.parameters.get(name, ())), "").upper()


def content_lines(text: str, codec: str) -> Iterator[Line]:
    """The content lines of a file; ``codec``: of lines that name no character set."""
    physical = re.split(r"\r\n|\r|\n", text)
    at = 0
    while at < len(physical):
        parts, at = [physical[at]], at + 1
        quoted = _QUOTED_PRINTABLE.match(parts[0]) is not None
        while at < len(physical):
            if physical[at][:1] in (" ", "\t") and physical[at].strip():
                parts.append(physical[at][1:])
            elif quoted and parts[-1].endswith("="):
                parts[-1] = parts[-1][:-1]
                parts.append(physical[at])
            else:
                break
            at += 1
        whole = "".join(parts)
        if whole.strip():
            yield _line(whole, codec)


def _line(whole: str, codec: str) -> Line:
    match = _NAME.match(whole)
    if not match:
        return Line()
    parameters, at = _parameters(whole, match.end())
    if whole[at : at + 1] != ":":
        return Line()
    line = Line(match[1].upper(), whole[at + 1 :], parameters)
    if line.parameter("ENCODING") == "QUOTED-PRINTABLE":
        line.value = _decoded(line.value, CODECS.get(line.parameter("CHARSET").lower(), codec))
    return line


def _parameters(whole: str, at: int) -> tuple[dict[str, list[str]], int]:
    """The parameters from ``at`` on, and where they end. A bare word is an encoding or a type (vCard 2.1)."""
    parameters: dict[str, list[str]] = {}
    while match := _PARAMETER.match(whole, at):
        name, values = match[1].upper(), [quoted or plain for quoted, plain in _VALUES.findall(match[2] or "")]
        if match[2] is None:
            name, values = ("ENCODING" if name in _ENCODINGS else "TYPE"), [match[1]]
        parameters.setdefault(name, []).extend(values)
        at = match.end()
    return parameters, at


def _decoded(value: str, codec: str) -> str:
    raw = quopri.decodestring(value.encode("ascii", "replace"))
    return raw.decode(codec, "replace")


def written(name: str, parameters: Mapping[str, str], value: str) -> str:
    """A content line in canonical form. The values of parameters hold no double quote."""
    shown = "".join(f";{key}={_quoted(parameters[key])}" for key in sorted(parameters))
    return folded(f"{name}{shown}:{value}")


def _quoted(value: str) -> str:
    return f'"{value}"' if re.search("[,:;]", value) else value


def folded(line: str) -> str:
    """The line with CR LF, folded where it is longer than 75 octets."""
    data = line.encode("utf-8")
    pieces, at, room = [], 0, WIDTH
    while len(data) - at > room:
        end = at + room
        while data[end] & 0xC0 == 0x80:  # not inside a character
            end -= 1
        pieces.append(data[at:end])
        at, room = end, WIDTH - 1
    pieces.append(data[at:])
    return b"\r\n ".join(pieces).decode("utf-8") + "\r\n"


def texts(value: str, separators: str = "") -> list[str]:
    """The parts of a text value between separators that no backslash protects, without their backslashes."""
    parts = [""]
    for escaped, plain in re.findall(r"\\(.)|([^\\])|\\$", value, re.DOTALL):
        if plain and plain in separators:
            parts.append("")
        else:
            parts[-1] += {"n": "\n", "N": "\n"}.get(escaped, escaped) or plain
    return parts


def escaped(text: str) -> str:
    """Text as it stands in a value."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return text.replace("\r\n", "\n").replace("\n", "\\n").replace("\t", " ").replace("\r", "")
