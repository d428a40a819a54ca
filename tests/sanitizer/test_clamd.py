"""The virus scanner's word: a real clamd with a signature of our own, and speakers that lie."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from support.archive_samples import by_libarchive, contents, needs_libarchive
from support.clamav import EICAR, STREAM_MOST, clamd, needs_clamd
from support.jails import evil_supervisor, examine, refused, released, started

from sanitizer.clamd import CHUNK, Clamd, Scanned
from sanitizer.supervisor import Supervisor, Unavailable
from sanitizer.verdict import Treatment

Speaker = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with clamd(tmp_path_factory.mktemp("clamd")) as sock:
        yield sock


@pytest.fixture(scope="module")
def supervisor(real: Path) -> Iterator[Supervisor]:
    with started(evil_supervisor(scanner=Clamd(real))) as supervisor:
        yield supervisor


@contextmanager
def speaking(folder: Path, speak: Speaker) -> Iterator[Path]:
    """Somebody at a socket who speaks as the test says, to one caller after another."""
    path = folder / "liar.ctl"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    caller, _ = listening.accept()
                except OSError:
                    return
                with caller:
                    speak(caller)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield path
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def scan(scanner: Clamd, data: bytes) -> Scanned:
    descriptor = os.memfd_create("scanned")
    try:
        os.write(descriptor, data)
        os.lseek(descriptor, 1, os.SEEK_SET)
        found = asyncio.run(scanner.scan(descriptor, len(data)))
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 1  # the position is the caller's
        return found
    finally:
        os.close(descriptor)


def read_stream(caller: socket.socket) -> bytes:
    """What was streamed, as clamd(8) describes it."""
    with caller.makefile("rb") as file:
        assert file.read(10) == b"zINSTREAM\0"
        got = b""
        while size := int.from_bytes(file.read(4), "big"):
            assert size <= CHUNK
            got += file.read(size)
        return got


@needs_clamd
def test_the_real_one_finds_what_it_knows_and_calls_the_rest_clean(real: Path) -> None:
    scanner = Clamd(real)
    assert scan(scanner, EICAR) == Scanned("clamd", "found", "Own.EICAR.UNOFFICIAL")
    assert scan(scanner, b"harmless" * (CHUNK // 8 * 2 + 1)) == Scanned("clamd", "clean")
    assert scan(scanner, b"") == Scanned("clamd", "clean")
    assert asyncio.run(scanner.version()).startswith("ClamAV ")


@needs_clamd
def test_the_real_one_s_size_limit_is_no_yes(real: Path) -> None:
    said = scan(Clamd(real), b"a" * (STREAM_MOST + 3 * CHUNK))
    assert said == Scanned("clamd", "undecided", "INSTREAM size limit exceeded. ERROR")


@needs_clamd
async def test_what_it_finds_is_refused_under_every_treatment(supervisor: Supervisor) -> None:
    treatments: tuple[Treatment, ...] = ("pass", "rebuild", "flatten")
    for treatment in treatments:
        examined = await examine(supervisor, EICAR, treatment=treatment)
        report = examined.verdict.report()
        assert (report["verdict"], report["code"], examined.output) == ("refused", "malware", None)
        assert report["scanned"] == {"by": "clamd", "state": "found", "detail": "Own.EICAR.UNOFFICIAL"}
        assert "管理者" in report["message"] and "administrator" in report["message_en"]


@needs_clamd
async def test_what_it_calls_clean_is_rebuilt_all_the_same(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, b"harmless")
    assert examined.output is not None
    os.close(examined.output)
    assert examined.verdict.report()["scanned"] == {"by": "clamd", "state": "clean", "detail": ""}
    assert examined.verdict.verified is not None
    assert await refused(supervisor, b"\x7fELF") == "executable"


@needs_clamd
async def test_what_it_cannot_judge_is_refused_or_goes_on_noted(supervisor: Supervisor, real: Path) -> None:
    large = b"harmless" + b"a" * STREAM_MOST
    assert await refused(supervisor, large) == "not-scanned"
    with started(evil_supervisor(scanner=Clamd(real, required=False))) as lenient:
        examined = await examine(lenient, large)
        assert examined.output is not None
        os.close(examined.output)
        assert examined.verdict.report()["scanned"]["state"] == "undecided"
        assert await refused(lenient, EICAR) == "malware"


@needs_clamd
@needs_libarchive
async def test_what_a_password_hides_from_it_is_found_member_by_member(real: Path) -> None:
    protected = by_libarchive("zip", [("読んで.txt", b"harmless"), ("a.txt", EICAR)], "zip:encryption=aes256")
    with started(Supervisor(scanner=Clamd(real))) as whole:
        examined = await examine(whole, protected, name="a.zip", password="合言葉")
    assert examined.output is not None
    data = os.pread(examined.output, 1 << 20, 0)
    os.close(examined.output)
    assert examined.verdict.report()["scanned"]["state"] == "clean"  # of what it could read
    assert [change.kind for change in examined.verdict.removed].count("member-refused") == 1
    assert b"harmless" in b"".join(contents(data).values()) and EICAR not in b"".join(contents(data).values())


async def test_scans_that_nobody_waits_for_any_more_leave_nothing(tmp_path: Path) -> None:
    ended = threading.Event()

    def silent(caller: socket.socket) -> None:
        ended.wait(10)

    with speaking(tmp_path, silent) as path, started(evil_supervisor(scanner=Clamd(path))) as held:
        before = psutil.Process().num_fds()
        tasks = [asyncio.create_task(examine(held, b"harmless")) for _ in range(3)]
        await asyncio.sleep(0.2)
        assert psutil.Process().num_fds() > before
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        ended.set()
        async with asyncio.timeout(10):
            while psutil.Process().num_fds() > before:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_while_it_is_away_there_is_no_verdict_or_one_that_says_so(tmp_path: Path) -> None:
    scanner = Clamd(tmp_path / "nobody.ctl")
    with started(evil_supervisor(scanner=scanner)) as strict:
        with pytest.raises(Unavailable):
            await examine(strict, b"harmless")
        strict.scanner = replace(scanner, required=False)
        examined = await examine(strict, b"harmless")
        assert examined.output is not None
        os.close(examined.output)
        assert examined.verdict.report()["scanned"] == {
            "by": "clamd", "state": "away", "detail": "No such file or directory",
        }  # fmt: skip
        strict.scanner = None
        assert await released(strict, b"harmless") == b"rebuilt: harmless"


def test_a_socket_that_nobody_serves_is_away(tmp_path: Path) -> None:
    path = tmp_path / "left-over.ctl"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert scan(Clamd(path), b"x").state == "away"
    with pytest.raises(OSError, match="refused"):
        asyncio.run(Clamd(path).version())


@pytest.mark.parametrize(
    "reply",
    [
        b"\0", b"stream: \0", b"stream: OK \0", b"OK\0", b"1: stream: OK\0", b"stream: OK\nstream: OK\0",
        b"\xff\xfe\0", b"stream: OK" + b" " * 5000 + b"\0", b"UNKNOWN COMMAND\0",
    ],
)  # fmt: skip
def test_only_the_exact_line_is_a_yes(tmp_path: Path, reply: bytes) -> None:
    def lies(caller: socket.socket) -> None:
        read_stream(caller)
        caller.sendall(reply)

    with speaking(tmp_path, lies) as path:
        said = scan(Clamd(path), b"x")
    assert said.state == "undecided"
    assert said.detail.isascii() and len(said.detail) <= 200


def test_a_name_of_malware_carries_nothing_else(tmp_path: Path) -> None:
    def found(caller: socket.socket) -> None:
        read_stream(caller)
        caller.sendall(b"stream: Evil.\x1b[31m<b>\r\n FOUND\0")

    with speaking(tmp_path, found) as path:
        assert scan(Clamd(path), b"x") == Scanned("clamd", "found", "Evil.??31m?b???")


def test_a_reply_in_pieces_is_one(tmp_path: Path) -> None:
    got: list[bytes] = []

    def slow(caller: socket.socket) -> None:
        got.append(read_stream(caller))
        for byte in b"stream: OK\0":
            caller.sendall(bytes([byte]))

    data = os.urandom(2 * CHUNK + 17)
    with speaking(tmp_path, slow) as path:
        assert scan(Clamd(path), data).state == "clean"
    assert got == [data]


def test_a_connection_that_breaks_is_tried_once_more(tmp_path: Path) -> None:
    calls: list[int] = []

    def breaks_first(caller: socket.socket) -> None:
        calls.append(1)
        if len(calls) > 1:
            read_stream(caller)
            caller.sendall(b"stream: OK\0")

    with speaking(tmp_path, breaks_first) as path:
        assert scan(Clamd(path), b"x" * CHUNK * 8).state == "clean"
        assert len(calls) == 2


def test_a_connection_that_breaks_twice_is_the_file_s_doing(tmp_path: Path) -> None:
    with speaking(tmp_path, lambda caller: None) as path:
        assert scan(Clamd(path), b"x" * CHUNK * 8) == Scanned("clamd", "undecided", "connection broken")


def test_nobody_waits_longer_than_the_limit(tmp_path: Path) -> None:
    ended = threading.Event()

    def silent(caller: socket.socket) -> None:
        ended.wait(10)

    with speaking(tmp_path, silent) as path:
        begun = time.monotonic()
        said = scan(Clamd(path, seconds=0.5), b"x" * CHUNK * 8)
        ended.set()
    assert said == Scanned("clamd", "undecided", "no answer in time")
    assert time.monotonic() - begun < 3
