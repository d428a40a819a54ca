"""Packages that mutation has found: an archive that no table expects, an OpenDocument file with two bodies."""

from __future__ import annotations

import pytest
from fuzz import zips
from support import odf_samples
from support.archive_samples import zip_of

from sanitizer.formats.base import Refused
from sanitizer.formats.package.members import Archive, Budget
from sanitizer.identify import identify
from sanitizer.limits import Limits
from sanitizer.verify.odf import verify


@pytest.mark.parametrize("name", [b"mimetype", b"[Content_Types].xml"])
def test_a_stated_type_that_cannot_be_inflated_is_unreadable(name: bytes) -> None:
    broken = zip_of((name, b"application/vnd.oasis.opendocument.text" * 9))
    at = broken.index(name) + len(name)
    with pytest.raises(Refused, match="unreadable"):
        identify(broken[:at] + b"\xff" * 8 + broken[at + 8 :], "a.odt")


def test_a_member_without_a_name_is_passed_over() -> None:
    members = zips.read(zip_of(("a.xml", b"a"), ("b.xml", b"b")))
    assert members
    data = zips.write([members[0].called(b""), members[1]])
    assert list(Archive(data, Budget(1000, 1000)).members) == ["b.xml"]


@pytest.mark.parametrize("ending", ["odt", "ods", "odp", "odg"])
def test_a_second_body_goes(ending: str) -> None:
    draft = odf_samples.document(ending, "")
    content = str(draft.members["content.xml"])
    start, end = content.index("<office:body>"), content.index("</office:body>") + len("</office:body>")
    doubled = content[:end] + content[start:end] + content[end:]
    made = odf_samples.rebuilt(draft.add("content.xml", doubled).data(), ending)
    verify(made.data, Limits(), made.mime)
    assert odf_samples.members(made.data)["content.xml"].count(b"<office:body>") == 1


def test_a_formula_object_that_is_not_shown_goes() -> None:
    draft = odf_samples.document(
        "odt", "<text:zz><draw:frame><draw:object xlink:href='./Object 1'/></draw:frame></text:zz>"
    )
    draft = draft.add("Object 1/content.xml", odf_samples.xml("math:math", "<math:mi>x</math:mi>", ""))
    made = odf_samples.rebuilt(draft.data())
    verify(made.data, Limits(), made.mime)
    assert not any(name.startswith("Part") for name in odf_samples.members(made.data))
