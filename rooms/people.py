"""Organisations (団体), their section tree (部署) and people (職員).

Rules: a person belongs to one organisation; a login is unique on a server, compared case-folded; a person who is
not active acts nowhere; ``zones`` says from where a person may log in.
"""

from __future__ import annotations

import re
import unicodedata

from msgspec import Struct

Role = str
ADMINISTRATOR: Role = "administrator"
AUDITOR: Role = "auditor"

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MAX_NAME = 100


class Organisation(Struct, frozen=True):
    id: str
    name: str


class Section(Struct, frozen=True):
    """A place in the organisation chart; ``parent`` is None at the top."""

    id: str
    organisation: str
    parent: str | None
    name: str


class Person(Struct, frozen=True):
    """Who acts. ``section_name`` is shown beside the name and is not part of any rule."""

    id: str
    login: str
    name: str
    organisation: str
    section_name: str
    roles: frozenset[Role]
    zones: frozenset[str]
    active: bool = True


def normal_login(login: str) -> str | None:
    """The one form a login is stored and compared in, or None if it cannot be a login."""
    folded = unicodedata.normalize("NFKC", login).strip().casefold()
    return folded if _LOGIN.fullmatch(folded) else None


def normal_name(name: str) -> str | None:
    """A person's, section's or room's name: NFC, single-line, without controls; None if nothing is left or it is
    too long.
    """
    composed = unicodedata.normalize("NFC", name)
    kept = "".join(c for c in composed if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    folded = " ".join(kept.split())
    return folded if 0 < len(folded) <= MAX_NAME else None
