"""vCard: properties, parameters and values of a list, written anew as version 3.0 or, where it was, 4.0.

Rules kept here:

- Nothing of the received file is copied: each line is made again in the canonical form of ``docs/grammar-cards.md``.
- No ``X-`` property, sound, key or agent; no link but http and https; pictures inside are rebuilt, others go.
- Cards of version 2.1 with the character sets of Japanese telephones are read; their readings (よみがな) stay.
- A card that does not end is refused. ``flatten`` is the same as ``rebuild``.

>>> job = Job("text/vcard", "rebuild", "a.vcf", None, Limits())
>>> rebuild(b"BEGIN:VCARD\\nVERSION:3.0\\nFN:A\\nN:A\\nX-B:1\\nEND:VCARD", job).removed
[Change(kind='private-data', count=1, where='')]
"""

from __future__ import annotations

import re

from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.formats.cards.content_line import Line, content_lines, escaped, texts, written
from sanitizer.formats.cards.kinds import KINDS
from sanitizer.formats.cards.reading import finished, received
from sanitizer.formats.cards.values import form
from sanitizer.formats.markup.notes import Notes
from sanitizer.formats.markup.pictures import Pictures
from sanitizer.limits import Limits

__all__ = ["KINDS", "rebuild", "text", "thumbnail"]

_TABLE = {
    "text": "FN EMAIL TEL TITLE ROLE NOTE UID TZ MAILER LABEL SORT-STRING CLASS KIND GENDER LANG",
    "texts": "NICKNAME CATEGORIES",
    "fields": "N ADR ORG",
    "moment": "BDAY ANNIVERSARY REV",
    "place": "GEO",
    "web": "URL",
}
PROPERTIES = {name: kind for kind, names in _TABLE.items() for name in names.split()}
_LOST = {"SOUND": "multimedia", "KEY": "encryption-key", "AGENT": "embedded-file", "SOURCE": "link-target"}
_TYPE = re.compile("[A-Z0-9-]{1,20}")
_PREFERENCE = re.compile("[1-9][0-9]?|100")
_LANGUAGE = re.compile("[A-Za-z0-9-]{1,35}")


def rebuild(data: bytes, job: Job) -> Rebuilt:
    """The cards written anew. Raises ``Refused``."""
    notes, pictures = Notes(KINDS), Pictures(job.limits)
    cards: list[str] = []
    card: _Card | None = None
    for line in received(data, notes, job.limits):
        word = line.value.strip().upper()
        if line.name == "BEGIN" and word == "VCARD" and card is None:
            card = _Card(notes, pictures)
        elif line.name == "END" and word == "VCARD" and card is not None:
            cards.append(card.written())
            card = None
        elif line.name in ("BEGIN", "END"):
            raise Refused("unreadable", "nesting")
        elif card is not None:
            card.take(line)
        else:
            notes.removed("unknown-property")
    if card is not None:
        raise Refused("unreadable", "no end")
    notes.take(pictures.removed, pictures.changed)
    removed, changed = notes.lists()
    return Rebuilt(finished(cards, job.limits), "text/vcard", removed, changed)


class _Card:
    """One card while it is read."""

    def __init__(self, notes: Notes, pictures: Pictures) -> None:
        self._notes = notes
        self._pictures = pictures
        self._version = "2.1"
        self._lines: list[tuple[str, dict[str, str], str]] = []
        self._images: list[tuple[str, str]] = []
        self._readings: dict[str, str] = {}

    def take(self, line: Line) -> None:
        """Reads one line of the card."""
        if line.name == "VERSION":
            self._version = line.value.strip()
        elif line.name in ("PHOTO", "LOGO"):
            self._picture(line)
        elif line.name.startswith("X-PHONETIC-") or (line.name == "SOUND" and line.parameter("TYPE") == "X-IRMC-N"):
            self._readings[line.name] = self._notes.clean(line.value)
        else:
            self._property(line)

    def _property(self, line: Line) -> None:
        kind = PROPERTIES.get(line.name)
        value = None
        if kind and line.parameter("ENCODING") not in ("BASE64", "B"):
            value = form(kind, _received(line), self._notes.clean)
        if value is None:
            private = line.name.startswith("X-")
            other = "link-target" if kind == "web" else "unknown-property"
            if line.value.strip(";, "):
                self._notes.removed("private-data" if private else _LOST.get(line.name, other))
            return
        self._lines.append((line.name, self._parameters(line), value))

    def _parameters(self, line: Line) -> dict[str, str]:
        kept = {}
        types = sorted({word.upper() for word in ",".join(line.parameters.get("TYPE", ())).split(",")})
        types = [word for word in types if _TYPE.fullmatch(word) and not word.startswith("X-")]
        if types:
            kept["TYPE"] = ",".join(types)
        for name, pattern in (("PREF", _PREFERENCE), ("LANGUAGE", _LANGUAGE)):
            value = next(iter(line.parameters.get(name, ())), "")
            if pattern.fullmatch(value):
                kept[name] = value
        return kept

    def _picture(self, line: Line) -> None:
        """A picture inside the card; one from elsewhere goes."""
        inline = line.parameter("ENCODING") in ("BASE64", "B")
        address = f"data:;base64,{line.value}" if inline else line.value.strip()
        if not address.lower().startswith("data:"):
            self._notes.removed("remote-load")
            return
        made = self._pictures.rebuilt(address)
        if made is None:
            self._notes.removed("image")
        else:
            self._images.append((line.name, made))

    def written(self) -> str:
        """The card as it leaves."""
        version = "4.0" if self._version.startswith("4") else "3.0"
        if self._version != version:
            self._notes.changed("version")
        self._name()
        self._reading(version)
        lines = "".join(_written(*_in_version(line, version)) for line in self._lines)
        images = "".join(_image(name, address, version) for name, address in self._images)
        return f"BEGIN:VCARD\r\nVERSION:{version}\r\n{lines}{images}END:VCARD\r\n"

    def _name(self) -> None:
        """``FN`` and ``N`` stand in every card: the one is made of the other where it is missing."""
        values = {name: value for name, _, value in reversed(self._lines)}
        if "FN" not in values:
            fields = [text for name in ("N", "ORG", "EMAIL") for text in texts(values.get(name, ""), ";")[:2] if text]
            self._lines.insert(0, ("FN", {}, escaped(" ".join(fields[:2]).strip()) or "-"))
        if "N" not in values:
            first = next(value for name, _, value in self._lines if name == "FN")
            self._lines.insert(0, ("N", {}, f"{first};;;;"))

    def _reading(self, version: str) -> None:
        """How the name is read, as version 3.0 writes it."""
        parts = [self._readings.get(f"X-PHONETIC-{part}-NAME", "") for part in ("LAST", "FIRST")]
        sound = self._readings.get("SOUND", "")
        reading = " ".join(part for part in (*parts, *([] if any(parts) else sound.split(";"))) if part.strip())
        known = any(name == "SORT-STRING" for name, _, _ in self._lines)
        if not reading or known or version != "3.0":
            if self._readings and not known:
                self._notes.removed("private-data", len(self._readings))
            return
        value = form("text", escaped(reading), self._notes.clean)
        if value:
            self._lines.append(("SORT-STRING", {}, value))


def _received(line: Line) -> str:
    """The value with the backslashes of version 3.0: quoted-printable has none but before semicolons."""
    value = line.value
    if line.parameter("ENCODING") == "QUOTED-PRINTABLE":
        value = re.sub(r"\\(?!;)", r"\\\\", value).replace(",", "\\,").replace("\r\n", "\\n").replace("\n", "\\n")
        return value if PROPERTIES.get(line.name) == "fields" else re.sub(r"(?<!\\);", r"\\;", value)
    if line.name == "TEL":
        return re.sub(r"^tel:", "", value.strip(), flags=re.IGNORECASE).replace(";", "\\;")
    if line.name == "GEO":
        return re.sub(r"^geo:", "", value.strip(), flags=re.IGNORECASE).replace(",", ";")
    return value


def _in_version(line: tuple[str, dict[str, str], str], version: str) -> tuple[str, dict[str, str], str]:
    """A place is an address of its own in version 4.0."""
    name, parameters, value = line
    return (name, parameters, "geo:" + value.replace(";", ",")) if (name, version) == ("GEO", "4.0") else line


def _written(name: str, parameters: dict[str, str], value: str) -> str:
    """A line; the types of ``TYPE`` stand side by side, without quotes."""
    shown = written(name, {key: text.replace(",", "\0") for key, text in parameters.items()}, value)
    return shown.replace("\0", ",")


def _image(name: str, address: str, version: str) -> str:
    if version == "4.0":
        return written(name, {}, address)
    kind, _, data = address.removeprefix("data:image/").partition(";base64,")
    return written(name, {"ENCODING": "b", "TYPE": kind.upper()}, data)


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """A card has no thumbnail."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """The words of the cards, one property a line."""
    lines = content_lines(data.decode("utf-8"), "utf-8")
    spoken = (line for line in lines if PROPERTIES.get(line.name) in ("text", "texts", "fields") and line.name != "UID")
    return "\n".join(" ".join(part for part in texts(line.value, ";,") if part) for line in spoken)
