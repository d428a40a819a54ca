"""The life of an attachment, as a table a clerk could read.

========================  =======================================================================
quarantined               received and durable; nobody reads it
released                  the rendition for this zone may be read
refused                   it will not be released to this zone; ``code`` says why
needs_password            the uploader must give the password of the file
awaiting_approval         reserved: a superior must approve; no preset leads here
========================  =======================================================================

Rules: one state per zone the room exists in; the treatment of each comes from the crossing table at the time of
receiving; a verdict binds the received hash to the hash of what leaves; a try is counted before it is made, and
after ``MAX_TRIES`` the file is refused as poison.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct

from rooms.zones import CrossingTable

State = Literal["quarantined", "released", "refused", "needs_password", "awaiting_approval"]
MAX_TRIES = 3
LATER = ""
"""In the place of a thumbnail's blob: it is drawn when the server has time."""

NEXT: Mapping[State, frozenset[State]] = {
    "quarantined": frozenset({"released", "refused", "needs_password", "awaiting_approval"}),
    "needs_password": frozenset({"quarantined", "refused"}),
    "awaiting_approval": frozenset({"released", "refused"}),
    "released": frozenset({"refused"}),
    "refused": frozenset(),
}


class Release(Struct, frozen=True):
    """What one zone may read. ``blob`` is the rendition's random key, or None where the received bytes are served
    (``pass``). ``report`` is the sanitizer's report, ``thumbnail`` the blob of the picture of what this zone may read,
    or ``LATER``.
    """

    zone: str
    treatment: str
    state: State
    code: str | None = None
    blob: str | None = None
    sha256: str | None = None
    size: int | None = None
    mime: str | None = None
    receipt: bytes | None = None
    report: Mapping[str, Any] | None = None
    thumbnail: str | None = None


class Attachment(Struct, frozen=True):
    """A file as received. ``blob`` names the quarantined bytes; ``sha256`` is of those bytes; ``name`` is the safe
    name.
    """

    id: str
    room: str
    organisation: str
    uploader: str
    name: str
    original_name: str
    size: int
    sha256: str
    made_in: str
    blob: str
    at: int
    tries: int
    message: str | None
    seq: int | None
    releases: Mapping[str, Release]
    original_gone: bool = False


def first_releases(table: CrossingTable, made_in: str, zones: Iterable[str]) -> dict[str, Release]:
    """The state of a received file in each zone its room exists in."""
    releases = {}
    for zone in sorted(zones):
        action = table.treatment(made_in, zone).action
        state: State = "refused" if action == "forbid" else "quarantined"
        code = "forbidden_crossing" if action == "forbid" else None
        releases[zone] = Release(zone, action, state, code)
    return releases


def may_become(now: State, then: State) -> bool:
    return then in NEXT[now]


def needs_original(releases: Mapping[str, Release]) -> bool:
    """Whether a zone still waits for its verdict, or is served the received bytes themselves."""
    return any(
        release.state in ("quarantined", "needs_password", "awaiting_approval")
        or (release.state == "released" and release.treatment == "pass")
        for release in releases.values()
    )


def open_zones(releases: Mapping[str, Release]) -> list[str]:
    """Zones that still wait for a verdict."""
    return [zone for zone, release in releases.items() if release.state == "quarantined"]
