"""Token buckets: how much one session, person or address may do in a while.

Rules: time is an argument (seconds of a monotonic clock); a bucket fills evenly and never above its burst; what is
refused costs nothing, so that who waits as told succeeds. A rate of 0 means no limit.

>>> rate = Rate(per_second=1.0, burst=2.0)
>>> bucket = Bucket(rate, now=0.0)
>>> bucket.take(0.0), bucket.take(0.0), bucket.take(0.5)
(0.0, 0.0, 0.5)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` at once, ``per_second`` on the long run."""

    per_second: float
    burst: float


UNLIMITED = Rate(0.0, 0.0)


class Bucket:
    """One bucket. Full at the start."""

    __slots__ = ("_at", "_level", "rate")

    def __init__(self, rate: Rate, now: float) -> None:
        self.rate = rate
        self._level = rate.burst
        self._at = now

    def take(self, now: float, cost: float = 1.0) -> float:
        """Take ``cost``: 0.0 if there was enough, else nothing is taken and the answer is the seconds to wait."""
        rate = self.rate
        if rate.per_second <= 0.0:
            return 0.0
        level = self._level
        if now > self._at:
            level = min(rate.burst, level + (now - self._at) * rate.per_second)
            self._at = now
        if level >= cost:
            self._level = level - cost
            return 0.0
        self._level = level
        return (cost - level) / rate.per_second

    def full(self, now: float) -> bool:
        """Whether a new bucket would be as good as this one."""
        return self._level + max(0.0, now - self._at) * self.rate.per_second >= self.rate.burst


class Buckets:
    """Buckets by key (session, address …). Full ones are forgotten, so memory follows who is active, not who ever
    came.
    """

    def __init__(self, rate: Rate, *, sweep_at: int = 1024) -> None:
        self.rate = rate
        self._buckets: dict[str, Bucket] = {}
        self._sweep_at = self._least = sweep_at

    def of(self, key: str, now: float) -> Bucket:
        """The bucket of ``key``, to be asked at once or kept while the key is in use."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._sweep_at:
                self._sweep(now)
            bucket = self._buckets[key] = Bucket(self.rate, now)
        return bucket

    def take(self, key: str, now: float, cost: float = 1.0) -> float:
        """As ``Bucket.take``."""
        return self.of(key, now).take(now, cost)

    def __len__(self) -> int:
        return len(self._buckets)

    def _sweep(self, now: float) -> None:
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.full(now)}
        self._sweep_at = max(self._least, 2 * len(self._buckets))
