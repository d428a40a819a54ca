"""Containers: every member through jails of its own, one allowance for all, a report that says which member."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.jails import JAILED, examine, refused, released, started

from sanitizer import intake, parcel
from sanitizer.containing import condensed
from sanitizer.formats.base import Change
from sanitizer.limits import Limits
from sanitizer.supervisor import Supervisor
from sanitizer.wire import BadAnswer

FORMATS = {"text/plain": "evil_format", "text/calendar": "toy_container"}
VERIFIERS = {"text/plain": "toy_verifier", "text/calendar": "toy_verifier"}


def container_supervisor(**limits: float) -> Supervisor:
    return Supervisor(Limits(**limits), formats=FORMATS, verifiers=VERIFIERS, module_path=[JAILED])  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(container_supervisor()) as supervisor:
        yield supervisor


def container(*members: tuple[str, bytes | str], attack: str = "") -> bytes:
    """A toy container: bytes of a member, or a refusal's code."""
    lines = [f"attack {attack}\n"] if attack else []
    lines += [f"{name} {content.hex() if isinstance(content, bytes) else '!' + content}\n" for name, content in members]
    return "".join(lines).encode()


async def packed(supervisor: Supervisor, data: bytes, **more: str) -> list[list[str]]:
    """What the packing jail got to see: name, code, type and bytes of each member."""
    text = (await released(supervisor, data, name="a.ics", **more)).removeprefix(b"rebuilt: ").decode()
    return [line.split(" ") for line in text.splitlines()]


async def test_each_member_is_rebuilt_by_its_own_format_and_packed_in_order(supervisor: Supervisor) -> None:
    lines = await packed(supervisor, container(("a.txt", b"one"), ("folder/", b""), ("b/c", b"two")))
    assert lines == [
        ["a.txt", "released", "text/plain", b"rebuilt: one".hex()],
        ["folder/", "", "", ""],
        ["b/c.txt", "released", "text/plain", b"rebuilt: two".hex()],
    ]


async def test_a_refused_member_is_left_out_and_told(supervisor: Supervisor) -> None:
    members = ("a.txt", b"crash\n"), ("b.exe", b"MZ"), ("c.txt", b""), ("d.txt", "unreadable"), ("e.txt", "unheard-of")
    data = container(*members, ("f.txt", b"well"))
    lines = await packed(supervisor, data)
    assert [line[1] for line in lines] == ["crashed", "executable", "empty", "unreadable", "unreadable", "released"]
    assert not any(line[3] for line in lines[:-1])
    verdict = (await examine(supervisor, data, name="a.ics")).verdict
    assert [c.where for c in verdict.removed if c.kind == "member-refused"] == [f"member {n}" for n in range(1, 6)]


async def test_the_report_names_the_member_and_the_member_in_it(supervisor: Supervisor) -> None:
    inner = container(("x.txt", b"one"), ("y.exe", b"MZ"))
    examined = await examine(supervisor, container(("a.txt", b"one"), ("b.ics", inner)), name="a.ics")
    assert examined.output is not None
    os.close(examined.output)
    verdict = examined.verdict
    assert {(c.kind, c.where) for c in verdict.removed} == {
        ("comment", ""),
        ("secret", "member 1"),
        ("other", "member 1"),
        ("comment", "member 2"),
        ("secret", "member 2/1"),
        ("other", "member 2/1"),
        ("member-refused", "member 2/2"),
    }
    assert verdict.changed[-1] == Change("packed", 2)
    assert verdict.output is not None
    assert (verdict.output.name, verdict.output.type) == ("a.ics", "text/calendar")


async def test_containers_nest_three_deep_and_no_deeper(supervisor: Supervisor) -> None:
    data = b"deepest"
    names = ["a.txt"]
    for _ in range(4):
        data = container((names[-1], data))
        names.append("n.ics")
    lines = await packed(supervisor, data)
    for _ in range(2):
        assert lines[0][1] == "released"
        lines = [
            line.split(" ") for line in bytes.fromhex(lines[0][3]).removeprefix(b"rebuilt: ").decode().splitlines()
        ]
    assert lines == [["n.ics", "too-deep", "", ""]]


async def test_the_container_asks_for_the_password_of_a_member(supervisor: Supervisor) -> None:
    data = container(("a.txt", b"well"), ("b.ics", container(("c.txt", b"password\n"))))
    assert await refused(supervisor, data, name="a.ics") == "needs-password"
    assert await refused(supervisor, data, name="a.ics", password="x") == "wrong-password"
    assert (await packed(supervisor, data, password="合言葉"))[1][1] == "released"
    other = container(("a.txt", b"well"), ("b.txt", b"locked\n"), attack="password")
    assert [line[1] for line in await packed(supervisor, other, password="合言葉")] == ["released", "wrong-password"]
    assert (
        await refused(supervisor, container(("b.txt", b"locked\n")), name="a.ics", password="合言葉")
        == "wrong-password"
    )
    locked = container(("a.txt", b"well"), attack="password")
    assert await refused(supervisor, locked, name="a.ics") == "needs-password"
    assert (await packed(supervisor, locked, password="合言葉"))[0][1] == "released"


@pytest.mark.parametrize(("attack", "code"), [("size", "crashed"), ("garbage", "crashed"), ("type", "unreadable")])
async def test_a_lying_jail_releases_nothing(supervisor: Supervisor, attack: str, code: str) -> None:
    before = descriptors()
    assert await refused(supervisor, container(("a.txt", b"x"), attack=attack), name="a.ics") == code
    assert descriptors() == before


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


async def test_whoever_gives_up_leaves_neither_descriptors_nor_jails(supervisor: Supervisor) -> None:
    large = b"x" * (3 << 20)
    inner = container(("a.txt", b"wait\n"), ("b.txt", large), ("c.txt", b"wait\n"))
    data = container(("a.txt", large), ("b.ics", inner), ("c.txt", b"wait\n"), ("d.txt", b"wait\n"))
    await packed(supervisor, b"a.txt 78")
    before = descriptors()
    for seconds in (0.02, 0.1, 0.3, 0.6):
        task = asyncio.create_task(examine(supervisor, data, name="a.ics"))
        await asyncio.sleep(seconds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (
        await refused(supervisor, container(("a.txt", b"password\n"), ("b.txt", large)), name="a.ics")
        == "needs-password"
    )
    cells = [psutil.Process(link.pid) for link in (supervisor.transformers, supervisor.readers)]
    for _ in range(200):
        alive = sum(len(cell.children(recursive=True)) for cell in cells)
        if alive == len(cells) and descriptors() == before:  # the inner process of each cell stays
            return
        await asyncio.sleep(0.05)
    raise AssertionError(alive, descriptors(), before)


async def test_one_allowance_for_everything_in_a_file() -> None:
    four = container(*((f"{n}.txt", b"x") for n in range(4)))
    with started(container_supervisor(max_members=9)) as supervisor:
        assert await refused(supervisor, container(("a.ics", four), ("b.ics", four)), name="a.ics") == "bomb"
        assert await refused(supervisor, b"endless x", name="a.ics") == "bomb"
        assert len(await packed(supervisor, container(("a.ics", four), ("b.txt", b"x")))) == 2
    with started(container_supervisor(max_inflated=2000)) as supervisor:
        large = container(("a.txt", b"x" * 700))
        assert await refused(supervisor, container(("a.ics", large), ("b.ics", large)), name="a.ics") == "bomb"
    with started(container_supervisor(total_cpu_seconds=0.3)) as supervisor:
        many = container(*((f"{n}.txt", b"x") for n in range(200)))
        assert await refused(supervisor, container(("a.ics", many)), name="a.ics") == "timeout"


async def test_reading_a_whole_container_may_take_as_long_as_its_members_did() -> None:
    with started(container_supervisor(cpu_seconds=1)) as supervisor:
        data = container(*((f"{n}.txt", b"busy-verifier\n") for n in range(3)))
        assert len(await packed(supervisor, data)) == 3


async def test_the_words_of_a_container_and_no_picture(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, container(("a.txt", b"x"), ("b.txt", b"y")), name="a.ics", text=True)
    assert examined.output is not None
    os.close(examined.output)
    assert (examined.text, examined.thumbnail) == ("b.txt\n", None)


def test_a_long_report_is_condensed_to_its_kinds() -> None:
    lines = [Change("comment", 2, f"member {n}") for n in range(201)]
    assert condensed([*lines, Change("script", 1, "member 9")]) == (Change("comment", 402), Change("script", 1))
    assert condensed(lines[:200]) == tuple(lines[:200])


_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


@given(st.lists(st.tuples(_NAMES, st.binary(max_size=50), st.sampled_from(["", "bomb"])), max_size=5))
@settings(deadline=None)
def test_a_parcel_gives_back_what_was_put_in(members: list[tuple[str, bytes, str]]) -> None:
    descriptor = intake.new_output(10_000)
    try:
        writer = parcel.Writer(descriptor, 10_000)
        for name, data, code in members:
            writer.add(name, data, code=code)
        entries = parcel.read_index(descriptor, writer.finish(), 5)
        assert [(e.name, os.pread(descriptor, e.size, e.offset), e.code) for e in entries] == members
    finally:
        os.close(descriptor)


@given(st.binary(max_size=300), st.integers(0, 3), st.integers(0, 200), st.booleans())
@settings(deadline=None)
def test_no_bytes_make_the_reader_of_a_parcel_stumble(noise: bytes, count: int, length: int, ended: bool) -> None:
    data = noise + (b"SKP1" + count.to_bytes(4, "little") + length.to_bytes(4, "little") if ended else b"")
    descriptor = os.memfd_create("test")
    try:
        os.write(descriptor, data)
        entries = parcel.read_index(descriptor, len(data), 10)
    except BadAnswer:
        return
    finally:
        os.close(descriptor)
    assert len(data) == sum(e.size + 152 + len(e.name.encode()) for e in entries) + 12 or not entries


def test_a_parcel_is_full_where_its_limit_is() -> None:
    descriptor = intake.new_output(1000)
    try:
        writer = parcel.Writer(descriptor, 1000)
        with pytest.raises(parcel.Full):
            writer.add("a", b"x" * 900)
    finally:
        os.close(descriptor)
