"""A worker that has been taken over: whatever it does, the file gets a verdict and the next one is served."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from support.jails import evil_supervisor, examine, refused, released, started

from sanitizer.limits import Limits
from sanitizer.supervisor import Supervisor

MIB = 1 << 20
LIMITS = Limits(max_output=MIB, cpu_seconds=1, wall_seconds=3.0, memory=128 * MIB)


@pytest.fixture(scope="module", params=[True, False], ids=["full", "landlock"])
def supervisor(request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    with started(evil_supervisor(limits=LIMITS, namespaces=request.param)) as supervisor:
        assert supervisor.isolation == ("full" if request.param else "landlock")
        yield supervisor


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        ("crash", "crashed"),
        ("abort", "crashed"),
        ("leave", "crashed"),
        ("loop", "timeout"),
        ("block", "timeout"),
        ("hoard", "memory"),
        ("fork-bomb", "unreadable"),
        ("execute", "unreadable"),
        ("write-for-ever", "unreadable"),
        ("huge", "output-too-large"),
        ("deep", "too-deep"),
        ("garbage-answer", "crashed"),
        ("flood-answer", "crashed"),
        ("lie-size", "output-too-large"),
        ("lie-nothing", "crashed"),
        ("lie-type", "verification-failed"),
        ("lie-unwritten", "verification-failed"),
        ("mislabel", "verification-failed"),
        ("refuse-bomb", "bomb"),
        ("refuse-unheard", "unreadable"),
        ("refuse-released", "unreadable"),
        ("raise", "unreadable"),
        ("password", "needs-password"),
        ("violate", "verification-failed"),
        ("crash-verifier", "verification-failed"),
        ("stumble-verifier", "verification-failed"),
        ("loop-verifier", "verification-failed"),
    ],
)
async def test_every_attack_ends_in_a_refusal_and_the_next_file_is_served(
    supervisor: Supervisor, attack: str, code: str
) -> None:
    assert await refused(supervisor, attack.encode()) == code
    assert await released(supervisor, b"harmless") == b"rebuilt: harmless"


async def test_cpu_time_is_limited_too() -> None:
    with started(evil_supervisor(limits=Limits(cpu_seconds=1, wall_seconds=30.0))) as supervisor:
        began = time.monotonic()
        assert await refused(supervisor, b"loop") == "timeout"
        assert time.monotonic() - began < 20


async def test_the_jail_says_nothing_but_slugs(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, b"harmless", thumbnail=False)
    kinds = [(change.kind, change.where) for change in examined.verdict.removed]
    assert kinds == [("secret", "page 3"), ("other", "")]


async def test_a_password_opens_and_a_wrong_one_is_told(supervisor: Supervisor) -> None:
    assert await refused(supervisor, b"password", password="違う") == "wrong-password"
    assert await released(supervisor, b"password", password="合言葉") == b"rebuilt: password"
