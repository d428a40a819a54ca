"""Real legacy files through the reading in the jail: a recipe, or a question for the password (``corpus``)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sanitizer.formats.base import Job, NeedsPassword, ToConvert
from sanitizer.formats.legacy import rebuild
from sanitizer.identify import identify
from sanitizer.limits import Limits
from sanitizer.recipes import RECIPES

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SEKISHO_CORPUS", HERE.parent / "shared" / "corpus"))
LEGACY = ("doc", "xls", "ppt", "rtf")
# passwords that the projects publish which these files come from
OPENED = {
    "hostile/doc/poi__password_password_cryptoapi.doc": "password",
    "hostile/ppt/poi__Password_Protected-hello.ppt": "hello",
    "hostile/ppt/poi__cryptoapi-proc2356.ppt": "crypto",
    "hostile/xls/oletools__encrypted.xls": "encrypted",
}

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout; SEKISHO_CORPUS may name it"),
]


def prepared(path: Path, password: str | None = None) -> ToConvert:
    """What the converter would get."""
    data = path.read_bytes()
    return rebuild(data, Job(identify(data, path.name).mime, "rebuild", path.name, password, Limits()))


@pytest.mark.parametrize("family", LEGACY)
def test_benign_files_are_prepared_as_they_came(family: str) -> None:
    for path in sorted((CORPUS / "benign" / family).iterdir()):
        made = prepared(path)
        assert RECIPES[made.recipe].source == family
        assert made.data == path.read_bytes()


@pytest.mark.parametrize("name", OPENED)
def test_an_encrypted_file_asks_and_opens(name: str) -> None:
    path = CORPUS / name
    if not path.exists():
        pytest.skip("this corpus has other files")
    for password, wrong in ((None, False), ("wrong", True)):
        with pytest.raises(NeedsPassword) as asked:
            prepared(path, password)
        assert asked.value.wrong == wrong
    opened = prepared(path, OPENED[name])
    assert "encryption" in {change.kind for change in opened.changed}
    assert len(opened.data) == path.stat().st_size
    again = rebuild(opened.data, Job(identify(opened.data, path.name).mime, "rebuild", path.name, None, Limits()))
    assert again.data == opened.data


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("doc/tika__testWORD_no_format.doc", "macro"),
        ("xls/oletools__excel4_sample_macro.xls", "macro-sheet"),
        ("xls/oletools__excel4_sample_macro.xls", "automatic-name"),
        ("xls/poi__FormulaRefs.xls", "external-reference"),
        ("ppt/oletools__sample_with_vba.ppt", "macro-assignment"),
        ("ppt/poi__badzip.ppt", "embedded-object"),
        ("rtf/synth__dde-v2.rtf", "external-reference"),
    ],
)
def test_what_acts_is_seen(name: str, kind: str) -> None:
    path = CORPUS / "hostile" / name
    if not path.exists():
        pytest.skip("this corpus has other files")
    assert kind in {change.kind for change in prepared(path).removed}
