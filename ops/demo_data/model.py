"""What a sample municipality consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Zone = Literal["internet", "lgwan"]
BOTH: tuple[Zone, ...] = ("internet", "lgwan")
CLOSED: tuple[Zone, ...] = ("lgwan",)


@dataclass(frozen=True, slots=True)
class Section:
    """A place in the organisation chart. ``parent`` is the name of the section above, None at the top."""

    name: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who works for the city. ``section`` names a ``Section``; ``roles`` are the server's role names."""

    login: str
    name: str
    section: str
    post: str
    roles: tuple[str, ...] = ("staff",)


@dataclass(frozen=True, slots=True)
class Talk:
    """One message. ``minutes_ago`` counts back from the start; ``attachment`` is a name in ``sample_files()``."""

    author: str
    zone: Zone
    text: str
    minutes_ago: int
    attachment: str | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """A room with its talk, oldest first. ``members`` are logins, the first of them creates the room."""

    kind: Literal["direct", "group", "channel"]
    name: str
    members: tuple[str, ...]
    zones: tuple[Zone, ...]
    talk: tuple[Talk, ...]


@dataclass(frozen=True, slots=True)
class City:
    """The whole sample. ``sections`` are ordered so that a parent comes before its children."""

    name: str
    name_en: str
    slug: str
    sections: tuple[Section, ...]
    people: tuple[Person, ...]
    rooms: tuple[Room, ...]

    def person(self, login: str) -> Person:
        """The person with this login; ``KeyError`` if there is none."""
        for person in self.people:
            if person.login == login:
                return person
        raise KeyError(login)

    def path(self, section: str) -> tuple[str, ...]:
        """The sections from the top of the chart down to ``section``."""
        parents = {each.name: each.parent for each in self.sections}
        above = parents[section]
        return (*(self.path(above) if above else ()), section)
