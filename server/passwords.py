"""Passwords: argon2id (RFC 9106), off the event loop, a bounded number at once.

Rules: an unknown name costs the same time as a wrong password; parameters are in the encoding, so that they can be
raised; a load test may ask for cheap ones, never an installation of people.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2
MIN_LENGTH = 8
MAX_LENGTH = 1024


class Passwords:
    """Hashing and checking. ``cheap`` is for load tests on loopback alone."""

    def __init__(self, *, cheap: bool = False) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1) if cheap else PasswordHasher()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._nobody = self._hasher.hash("nobody has this password")

    def encode(self, password: str) -> str:
        """The argon2 encoding; takes about a quarter of a second."""
        return self._hasher.hash(password)

    async def check(self, encoded: str | None, password: str) -> bool:
        """Whether the password fits; ``encoded`` None (no such person) takes the same time and says no."""
        loop = asyncio.get_running_loop()
        fits = await loop.run_in_executor(self._threads, self._fits, encoded or self._nobody, password)
        return fits and encoded is not None

    def _fits(self, encoded: str, password: str) -> bool:
        if len(password) > MAX_LENGTH:
            return False
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def read_password_file(path: Path) -> str:
    """The first line of a file, without its line end. Raises ValueError if it is too short or too long to be a
    password.
    """
    password = path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValueError(
            f"パスワードは{MIN_LENGTH}文字以上{MAX_LENGTH}文字以下にしてください / "
            f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters"
        )
    return password
