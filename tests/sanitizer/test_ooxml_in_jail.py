"""Every type of Office package goes all the way: identified, rebuilt and verified in jails, said in words."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from support.jails import examine, started
from support.ooxml_samples import (
    Draft,
    cell,
    compound_file,
    encrypted,
    excel,
    marker,
    paragraph,
    picture_document,
    powerpoint,
    shape,
    word,
)

from sanitizer.formats import FORMATS
from sanitizer.formats.ooxml import MACRO_FREE, MIME
from sanitizer.kinds import output_name
from sanitizer.supervisor import Supervisor

SAMPLES: dict[str, Callable[[], Draft]] = {
    "word": picture_document,
    "excel": lambda: excel(cell("SUM(A2:A3)")),
    "powerpoint": lambda: powerpoint(shape("本文")),
}
LEAVES_AS = {**{mime: mime for mime in MIME.values()}, **MACRO_FREE}


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor(strict=True)) as supervisor:
        yield supervisor


def package(mime: str) -> bytes:
    """A package of this type, macros included where the type has them."""
    family = next(one for one in ("word", "excel", "powerpoint", "spreadsheet", "presentation") if one in mime)
    draft = SAMPLES[{"spreadsheet": "excel", "presentation": "powerpoint"}.get(family, family)]()
    main = next(iter(draft.types))
    draft.types[main] = f"{mime.removesuffix('.12').replace('macroenabled', 'macroEnabled')}.main+xml"
    if mime in MACRO_FREE:
        draft.add(f"{main.partition('/')[0]}/vbaProject.bin", marker("macro"))
    return draft.data()


def test_all_types_are_registered() -> None:
    registered = {mime for mime, module in FORMATS.items() if module == "sanitizer.formats.ooxml"}
    binary = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
    assert registered == {*LEAVES_AS, "application/x-ooxml", "application/x-encrypted-office", binary}


@pytest.mark.parametrize("mime", LEAVES_AS)
async def test_a_package_is_released_verified_without_macros(supervisor: Supervisor, mime: str) -> None:
    examined = await examine(supervisor, package(mime), name=output_name("見本", mime))
    verdict = examined.verdict
    assert verdict.outcome == "released", verdict
    assert verdict.output is not None
    assert examined.output is not None
    content = os.pread(examined.output, verdict.output.size, 0)
    os.close(examined.output)
    assert (verdict.input.type, verdict.output.type) == (mime, LEAVES_AS[mime])
    assert verdict.output.name == output_name("見本", LEAVES_AS[mime])
    assert verdict.verified is not None
    assert verdict.verified.ok
    assert b"vbaProject" not in content
    assert examined.thumbnail is None
    assert [one.kind for one in verdict.removed] == (["macro"] if mime in MACRO_FREE else [])


async def test_an_encrypted_document_asks_then_opens(supervisor: Supervisor) -> None:
    data = encrypted(word(paragraph("秘密")).data(), "ひみつ")
    asked = await examine(supervisor, data, name="a.docx")
    assert (asked.verdict.outcome, asked.verdict.code) == ("needs_password", "needs-password")
    wrong = await examine(supervisor, data, name="a.docx", password="x")
    assert (wrong.verdict.outcome, wrong.verdict.code) == ("needs_password", "wrong-password")
    opened = await examine(supervisor, data, name="a.docx", password="ひみつ")
    assert opened.verdict.outcome == "released", opened.verdict
    assert opened.output is not None
    os.close(opened.output)


async def test_what_cannot_be_rebuilt_says_why(supervisor: Supervisor) -> None:
    for data, name, code in (
        (word("").add("word/document.xml", "<broken").data(), "a.docx", "unreadable"),
        (compound_file({"EncryptedPackage": b"x"}), "a.docx", "unreadable"),
    ):
        assert (await examine(supervisor, data, name=name)).verdict.code == code


async def test_a_name_may_promise_macros_that_are_not_there(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, package(MIME["xlsx"]), name="a.xlsm")
    assert examined.verdict.outcome == "released", examined.verdict
    assert examined.output is not None
    os.close(examined.output)
    hidden = await examine(supervisor, package("application/vnd.ms-excel.sheet.macroenabled.12"), name="a.xlsx")
    assert hidden.verdict.code == "type-mismatch"
