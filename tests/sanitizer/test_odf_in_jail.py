"""Every type of OpenDocument file goes all the way: identified, rebuilt and verified in jails, said in words."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support.jails import examine, started
from support.odf_samples import cell, encrypted, formula, sheet, slide, text, zipped

from sanitizer.formats import FORMATS
from sanitizer.formats.odf import MIME
from sanitizer.formats.odf.facts import MAIN
from sanitizer.kinds import output_name
from sanitizer.supervisor import Supervisor
from sanitizer.verify import VERIFIERS

ODF = "application/vnd.oasis.opendocument."
DRAFTS = {
    "text": text("本文"),
    "spreadsheet": sheet(cell("1", "of:=1")),
    "presentation": slide(""),
    "formula": formula(),
    "graphics": slide(""),
}


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor(strict=True)) as supervisor:
        yield supervisor


def package(mime: str) -> bytes:
    """A file of this type."""
    kind = mime.removeprefix(ODF).removesuffix("-template")
    draft = DRAFTS[kind]
    content = draft.members["content.xml"]
    if kind == "graphics":
        content = str(content).replace("office:presentation>", "office:drawing>")
    return zipped({**draft.members, "mimetype": mime, "content.xml": content})


def test_all_types_are_registered() -> None:
    registered = {mime for mime, module in FORMATS.items() if module == "sanitizer.formats.odf"}
    assert registered == MAIN.keys()
    assert registered == {mime for mime, module in VERIFIERS.items() if module == "sanitizer.verify.odf"}
    assert registered >= set(MIME.values())


@pytest.mark.parametrize("mime", MAIN)
async def test_a_file_is_released_verified(supervisor: Supervisor, mime: str) -> None:
    examined = await examine(supervisor, package(mime), name=output_name("見本", mime))
    verdict = examined.verdict
    assert verdict.outcome == "released", verdict
    assert verdict.output is not None
    assert examined.output is not None
    os.close(examined.output)
    assert (verdict.input.type, verdict.output.type) == (mime, mime)
    assert verdict.verified is not None
    assert verdict.verified.ok
    assert examined.thumbnail is None


@pytest.mark.parametrize("scheme", ["aes", "blowfish", "package"])
async def test_an_encrypted_file_asks_then_opens(supervisor: Supervisor, scheme: str) -> None:
    data = encrypted(text("秘密"), "ひみつ", scheme)
    asked = await examine(supervisor, data, name="a.odt")
    assert (asked.verdict.outcome, asked.verdict.code) == ("needs_password", "needs-password")
    wrong = await examine(supervisor, data, name="a.odt", password="x")
    assert (wrong.verdict.outcome, wrong.verdict.code) == ("needs_password", "wrong-password")
    opened = await examine(supervisor, data, name="a.odt", password="ひみつ")
    assert opened.verdict.outcome == "released", opened.verdict
    assert opened.output is not None
    os.close(opened.output)


async def test_a_template_may_be_called_a_document(supervisor: Supervisor) -> None:
    examined = await examine(supervisor, package(MIME["ott"]), name="a.odt")
    assert examined.verdict.output is not None
    assert examined.verdict.output.type == MIME["odt"]
    assert examined.output is not None
    os.close(examined.output)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (zipped({"mimetype": f"{ODF}text"}), "unreadable"),
        (zipped({**text("a").members, "mimetype": f"{ODF}database"}), "unsupported-opendocument"),
        (text("a").add("content.xml", "<broken").data(), "unreadable"),
        (zipped({**text("a").members, "mimetype": MIME["ods"]}), "unreadable"),
        (text("a").data()[:-40], "unreadable"),
    ],
)
async def test_what_cannot_be_rebuilt_says_why(supervisor: Supervisor, data: bytes, code: str) -> None:
    assert (await examine(supervisor, data, name="見本")).verdict.code == code
