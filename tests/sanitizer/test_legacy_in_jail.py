"""Legacy documents all the way: prepared in a jail, converted in bubblewrap, rebuilt and verified like any other."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable, Iterator

import pytest
from support.jails import examine, released, started
from support.legacy_samples import RTF, encrypted_doc, encrypted_xls, legacy, needs_converter

from sanitizer import converter
from sanitizer.supervisor import Supervisor

__all__ = ["legacy"]
pytestmark = needs_converter
SLK = b'ID;PWXL;N;E\r\nC;Y1;X1;K"a"\r\nC;Y1;X2;K42;E6*7\r\nNN;NAuto_open;ER1C1\r\nE\r\n'
EXCEL_4 = b"".join(
    struct.pack("<HH", number, len(body)) + body
    for number, body in (
        (0x0409, struct.pack("<HHH", 0, 0x10, 0)),
        (0x0204, struct.pack("<HHHH", 0, 0, 0, 3) + b"old"),
        (0x0018, bytes(14) + b"Auto_Open"),
        (0x000A, b""),
    )
)
WORDML = (
    '<?xml version="1.0"?><?mso-application progid="Word.Document"?>'
    '<w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml"><w:docSuppData>'
    '<w:binData w:name="editdata.mso">AAAA</w:binData></w:docSuppData>'
    "<w:body><w:p><w:r><w:t>届出書</w:t></w:r></w:p></w:body></w:wordDocument>"
).encode()
SPREADSHEETML = (
    '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
    ' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="a"><Table><Row><Cell>'
    '<Data ss:Type="String">一覧</Data></Cell></Row></Table></Worksheet></Workbook>'
).encode()


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    with started(Supervisor(strict=True)) as supervisor:
        yield supervisor


def parts(data: bytes) -> str:
    """All XML of a package."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return "".join(package.read(name).decode() for name in package.namelist() if name.endswith(".xml"))


@pytest.mark.parametrize(
    ("name", "leaves", "says"),
    [("a.doc", "docx", "市長"), ("a.dot", "dotx", "市長"), ("a.xls", "xlsx", "りんご"), ("a.pps", "ppsx", "庁議資料")],
)
async def test_a_legacy_file_leaves_as_its_successor(
    supervisor: Supervisor, legacy: dict[str, bytes], name: str, leaves: str, says: str
) -> None:
    data = legacy[{"dot": "doc", "pps": "ppt"}.get(name[2:], name[2:])]
    examined = await examine(supervisor, data, name=name)
    verdict = examined.verdict
    assert (verdict.code, verdict.isolation) == ("released", "bubblewrap"), verdict
    assert verdict.output is not None
    assert verdict.output.name == f"a.{leaves}"
    assert verdict.verified is not None
    assert verdict.verified.ok
    assert "converted" in {change.kind for change in verdict.changed}
    assert examined.output is not None
    assert says in parts(os.pread(examined.output, 1 << 20, 0))
    os.close(examined.output)


@pytest.mark.parametrize(
    ("name", "data", "says", "removed"),
    [
        ("a.rtf", RTF.replace(b"\\par", rb"{\*\template \\\\host\\a.dot}\par"), "市長", "external-reference"),
        ("a.slk", SLK, "42", "automatic-name"),
        ("a.xls", EXCEL_4, "old", "automatic-name"),
        ("a.xml", WORDML, "届出書", "macro"),
        ("a.xml", SPREADSHEETML, "一覧", ""),
    ],
)
async def test_what_acts_is_gone_and_said(
    supervisor: Supervisor, name: str, data: bytes, says: str, removed: str
) -> None:
    examined = await examine(supervisor, data, name=name)
    assert examined.output is not None, examined.verdict
    text = parts(os.pread(examined.output, 1 << 20, 0))
    os.close(examined.output)
    assert says in text
    assert "host" not in text
    assert removed in {change.kind for change in examined.verdict.removed} | {""}


@pytest.mark.parametrize(("name", "locked"), [("a.doc", encrypted_doc), ("a.xls", encrypted_xls)])
async def test_a_password_is_asked_for_and_opens(
    supervisor: Supervisor, legacy: dict[str, bytes], name: str, locked: Callable[[bytes, str], bytes]
) -> None:
    data = locked(legacy[name[2:]], "himitsu")
    for password, code in ((None, "needs-password"), ("uso", "wrong-password")):
        assert (await examine(supervisor, data, name=name, password=password)).verdict.code == code
    text = parts(await released(supervisor, data, name=name, password="himitsu"))
    assert "市長" in text or "りんご" in text


async def test_the_reader_may_ask_for_opendocument(supervisor: Supervisor, legacy: dict[str, bytes]) -> None:
    examined = await examine(supervisor, legacy["xls"], name="a.xls", office="odf")
    assert examined.verdict.output is not None, examined.verdict
    assert examined.verdict.output.name == "a.ods"
    assert examined.output is not None
    assert "りんご" in parts(os.pread(examined.output, 1 << 20, 0))
    os.close(examined.output)


async def test_half_a_file_has_a_verdict_and_the_next_is_served(
    supervisor: Supervisor, legacy: dict[str, bytes]
) -> None:
    examined = await examine(supervisor, legacy["doc"][:6000], name="a.doc")
    if examined.output is not None:
        os.close(examined.output)
    assert examined.verdict.code in ("released", "unreadable", "crashed"), examined.verdict
    assert await released(supervisor, RTF, name="a.rtf")


async def test_without_the_converter_the_reader_is_told_what_to_send(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(converter, "_PLACES", ())
    bare = Supervisor(strict=True)
    with started(bare):
        examined = await examine(bare, RTF, name="a.rtf")
        flat = await examine(bare, RTF, name="a.rtf", treatment="flatten")
    assert (examined.verdict.code, examined.verdict.isolation) == ("no-converter", "full")
    assert "docx" in examined.verdict.message_en
    assert flat.verdict.code == "no-converter"
