"""A key by which another system may ask for something: bound to one zone, to named uses, and if wanted to one listener
and a day on which it ends.

Rules: the key itself is told once and never stored, only its SHA-256 (``rooms.session.token_hash``: it has 256 bits of
chance, so no salt is needed); what is over, revoked, or for elsewhere is answered as what does not exist; a key that
was revoked never works again.

>>> key = ApiKey("k_1", "mail gateway", "lgwan", None, frozenset({SANITIZE}), made=0, expires=10)
>>> why_not(key, SANITIZE, "lgwan", "staff", now=9) is None, why_not(key, SANITIZE, "internet", "staff", now=9)
(True, 'foreign_zone')
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

SANITIZE = "sanitize"
SCOPES = frozenset({SANITIZE})
PREFIX = "sekisho_"
"""Every key begins so: a key that leaks into a text can be found there."""

WhyNot = Literal["revoked", "expired", "foreign_zone", "foreign_listener", "other_scope"]


class ApiKey(Struct, frozen=True):
    """``made``, ``expires`` and ``revoked`` in ms; ``listener`` None: every listener of the zone."""

    id: str
    name: str
    zone: str
    listener: str | None
    scopes: frozenset[str]
    made: int
    expires: int | None = None
    revoked: int | None = None


def why_not(key: ApiKey, scope: str, zone: str, listener: str, now: int) -> WhyNot | None:
    """Why the key does not open this here and now; None if it does. For the record, never for the caller."""
    if key.revoked is not None:
        return "revoked"
    if key.expires is not None and now >= key.expires:
        return "expired"
    if key.zone != zone:
        return "foreign_zone"
    if key.listener not in (None, listener):
        return "foreign_listener"
    return None if scope in key.scopes else "other_scope"
