"""The one-time administrator link: how the first person comes in.

Rules: made on the owner's command line, good for ten minutes and for one use, from loopback or from one named
zone; only its SHA-256 is kept, in ``keys/setup`` (0600); a wrong or old one is the same refusal.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
from pathlib import Path

import msgspec
from msgspec import Struct

LIFE = 10 * 60_000
NAME = "setup"


class _Pending(Struct):
    sha256: str
    ends: int
    zone: str | None


class SetupLink:
    """``keys`` is the installation's folder of secrets."""

    def __init__(self, keys: Path) -> None:
        self._path = keys / NAME

    def make(self, now: int, zone: str | None = None) -> str:
        """A new secret; an earlier one is worth nothing any more. ``zone``: where it may be used; None: loopback."""
        secret = secrets.token_urlsafe(24)
        pending = _Pending(hashlib.sha256(secret.encode()).hexdigest(), now + LIFE, zone)
        partial = self._path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(pending))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._path)
        return secret

    def fits(self, secret: str, now: int, zone: str, address: str) -> bool:
        """Whether the secret is the pending one, in time, from where it may be used."""
        try:
            pending = msgspec.json.decode(self._path.read_bytes(), type=_Pending)
        except (OSError, msgspec.DecodeError):
            return False
        digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
        here = zone == pending.zone if pending.zone is not None else _is_loopback(address)
        return hmac.compare_digest(digest, pending.sha256) and pending.ends - LIFE <= now < pending.ends and here

    def used(self) -> None:
        self._path.unlink(missing_ok=True)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
