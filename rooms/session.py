"""A login session: bound to one zone and one device, ended by logout, by rest, by age, or by an administrator.

Rules: idle 30 minutes in ``internet`` and 8 hours in closed zones, 12 hours in all (settings may shorten, never
lengthen silently); the token itself is never stored, only its SHA-256; failed logins lock a login for a growing
while, which a right password cannot shorten.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec import Struct

MINUTE = 60_000
HOUR = 60 * MINUTE
FREE_FAILURES = 5
LONGEST_LOCK = 15 * MINUTE


class SessionTimes(Struct, frozen=True):
    """Milliseconds."""

    idle_internet: int = 30 * MINUTE
    idle_closed: int = 8 * HOUR
    absolute: int = 12 * HOUR

    def idle(self, zone: str) -> int:
        return self.idle_internet if zone == "internet" else self.idle_closed

    def over(self, zone: str, rested: int, age: int) -> Literal["absolute", "idle"] | None:
        """Why a session of this rest and age is over, None while it is not."""
        if age >= self.absolute:
            return "absolute"
        return "idle" if rested >= self.idle(zone) else None


class Session(Struct, frozen=True):
    id: str
    person: str
    zone: str
    device: str | None
    opened: int
    seen: int
    ended: int | None = None


class LoginTries(Struct, frozen=True):
    """Failed logins of one login name since the last success."""

    failures: int = 0
    locked_until: int = 0

    def locked(self, now: int) -> bool:
        """No lock is longer than the longest one: a clock that was set back must not make it so."""
        return now < self.locked_until <= now + LONGEST_LOCK

    def after_failure(self, now: int) -> LoginTries:
        """From the fifth failure on the lock doubles: 1, 2, 4, 8, 15 minutes."""
        failures = self.failures + 1
        over = failures - FREE_FAILURES
        lock = min(MINUTE << min(over, 4), LONGEST_LOCK) if over >= 0 else 0
        return LoginTries(failures, now + lock if lock else 0)


def password_mark(encoded: str) -> str:
    """Names an encoding of a password without being one: a login says by it which password it has checked."""
    return hashlib.sha256(encoded.encode()).hexdigest()


def token_hash(token: str) -> str:
    """What is stored of a token: SHA-256, hex. The token has 256 bits of chance, so no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
