"""Messages through the jails: each attachment in jails of its own, a report that says which, words for search; and real
messages from the corpus beside the checkout (marker ``corpus``)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.jails import examine, refused, started
from support.mail_samples import (
    ADDRESSES,
    attached,
    file_of,
    letter,
    mail,
    many,
    outlook,
    part,
    picture,
    rebuilt,
    signed,
)

from sanitizer.formats.base import Refused
from sanitizer.supervisor import Supervisor
from sanitizer.verdict import Verdict

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SEKISHO_CORPUS", HERE.parent / "shared" / "corpus"))
PAGE = "<p onclick='x()'>休館日のお知らせ<img src='cid:a@x'></p>"


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor(strict=True)) as supervisor:
        yield supervisor


async def left(supervisor: Supervisor, data: bytes, name: str) -> tuple[bytes, str, Verdict]:
    """What leaves, its words, and the verdict; fails if the message is refused."""
    examined = await examine(supervisor, data, name=name, text=True, thumbnail=True)
    assert examined.output is not None, examined.verdict
    assert examined.thumbnail is None
    try:
        return os.pread(examined.output, 1 << 24, 0), examined.text or "", examined.verdict
    finally:
        os.close(examined.output)


def told(verdict: Verdict) -> set[tuple[str, str]]:
    return {(change.kind, change.where) for change in (*verdict.removed, *verdict.changed)}


async def test_a_message_is_released_with_what_is_attached(supervisor: Supervisor) -> None:
    inside = letter("中の本文".encode("iso2022_jp"), kind="text/plain; charset=iso-2022-jp", more="X-A: 1\r\n")
    entity = many(
        "mixed",
        many(
            "related",
            many("alternative", part("text/plain", "休館日"), part("text/html; charset=utf-8", PAGE), boundary="b2"),
            part("image/png", picture(), "Content-ID: <a@x>"),
            boundary="b1",
        ),
        attached("一覧.csv", "品名,数\r\nりんご,=1+1\r\n".encode("cp932")),
        attached("x.exe", b"MZ" + bytes(80)),
        b"Content-Type: message/rfc822\r\n\r\n" + inside,
    )
    data, words, verdict = await left(supervisor, mail(entity, f"Received: x\r\n{ADDRESSES}"), "見本.eml")
    assert verdict.output is not None
    assert (verdict.output.type, verdict.output.name) == ("message/rfc822", "見本.eml")
    assert verdict.verified is not None
    assert verdict.verified.ok
    assert told(verdict) == {
        ("mail-header", ""),
        ("event-handler", ""),
        ("formula", "member 2"),
        ("member-refused", "member 3"),
        ("mail-header", "member 4"),
    }
    assert data.count(b"message/rfc822") == 1
    for said in ("休館日", "りんご", "中の本文", "x_exe(取り除きました).txt"):
        assert said in words


@pytest.mark.parametrize("files", [[], [file_of("b.csv", b"a,=1+1\r\n")]])
async def test_an_outlook_message_is_released(
    supervisor: Supervisor, files: list[dict[int, bytes | str | int]]
) -> None:
    sample = outlook({0x0037001F: "件名", 0x1000001F: "本文", 0x10130102: PAGE.encode()}, [], files)
    _, words, verdict = await left(supervisor, sample, "見本.msg")
    assert verdict.output is not None
    assert verdict.output.name == ("見本.eml" if files else "見本.msg")
    assert verdict.verified is not None
    assert verdict.verified.ok
    assert words.startswith("件名\n本文\n")
    expected = {("event-handler", ""), ("image", "")}
    assert told(verdict) == (expected | {("mail-format", ""), ("formula", "member 1")} if files else expected)


async def test_messages_that_cannot_be_inspected_are_refused(supervisor: Supervisor) -> None:
    locked = mail(part("application/pkcs7-mime", signed(b"x", "1.2.840.113549.1.7.3")))
    assert await refused(supervisor, locked, name="a.eml") == "encrypted-mail"
    assert await refused(supervisor, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), name="a.msg") == "unreadable"
    assert await refused(supervisor, mail(many("mixed", *[b"\r\nx"] * 3_000)), name="a.eml") == "bomb"
    assert await refused(supervisor, letter("x"), name="a.msg") == "type-mismatch"


def real() -> list[Path]:
    return sorted(path for path in CORPUS.glob("*/*/*") if path.parent.name in ("eml", "msg"))


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout; SEKISHO_CORPUS may name it")
@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in real()])
def test_real_messages_leave_in_one_form(path: Path) -> None:
    made = rebuilt(path.read_bytes(), path.name)
    assert made.mime == ("message/rfc822" if path.suffix == ".eml" else "application/vnd.ms-outlook")
    if b"Content-Type: image/" not in made.data:  # pictures are drawn anew each time
        assert rebuilt(made.data, path.name).data == made.data


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout; SEKISHO_CORPUS may name it")
@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in real()])
def test_half_of_a_real_message_has_an_end(path: Path) -> None:
    data = path.read_bytes()
    try:
        rebuilt(data[: len(data) // 2], path.name)
    except Refused as no:
        assert no.code in ("unreadable", "empty", "type-mismatch")
