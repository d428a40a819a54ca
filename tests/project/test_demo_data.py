"""The sample city hangs together, and its files hold what the demonstration is about."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from PIL import ExifTags, Image
from pypdf import PdfReader

from ops.demo_data import CITY, sample_files
from ops.demo_data.fonts import Letters
from ops.demo_data.talk import AGENDA, DISGUISED, FORM, PHOTO, STOCK

LOGINS = {person.login for person in CITY.people}
TALK = [(room, talk) for room in CITY.rooms for talk in room.talk]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return sample_files()


def test_the_contract_s_logins_are_among_the_people() -> None:
    assert {"sato", "suzuki", "tanaka", "admin", "auditor"} <= LOGINS
    assert len(LOGINS) == len(CITY.people) >= 12


def test_everyone_sits_in_a_section_of_the_chart_and_parents_come_first() -> None:
    names = [section.name for section in CITY.sections]
    assert len(set(names)) == len(names)
    assert all(section.parent in names[:place] for place, section in enumerate(CITY.sections) if section.parent)
    assert all(person.section in names for person in CITY.people)
    assert CITY.path("市民課") == ("市民部", "市民課")


def test_only_members_talk_only_in_the_room_s_zones_and_in_order() -> None:
    for room in CITY.rooms:
        assert set(room.members) <= LOGINS and len(set(room.members)) == len(room.members)
        assert [talk.minutes_ago for talk in room.talk] == sorted((t.minutes_ago for t in room.talk), reverse=True)
        assert all(talk.author in room.members and talk.zone in room.zones for talk in room.talk)
        assert (len(room.members) == 2) == (room.kind == "direct")


def test_every_attachment_exists_and_every_file_is_attached(files: dict[str, bytes]) -> None:
    assert {talk.attachment for _, talk in TALK if talk.attachment} == files.keys()


def test_files_are_the_same_each_time(files: dict[str, bytes]) -> None:
    assert sample_files() == files


def test_the_form_holds_everything_active_that_must_not_cross(files: dict[str, bytes]) -> None:
    reader = PdfReader(io.BytesIO(files[FORM]))
    root = cast(dict[str, Any], reader.trailer["/Root"].get_object())
    assert root["/OpenAction"]["/S"] == "/JavaScript"
    assert root["/Names"].keys() >= {"/JavaScript", "/EmbeddedFiles"}
    fields = reader.get_fields() or {}
    assert fields.keys() >= {"kana", "name", "birth", "address", "phone", "emergency", "service0"}
    notes = cast(list[Any], reader.pages[0]["/Annots"])
    assert "/Launch" in [note.get_object().get("/A", {}).get("/S") for note in notes]


@pytest.mark.parametrize(("name", "words"), [(FORM, "霞ヶ浜市長"), (AGENDA, "待ち時間")])
def test_the_text_of_a_pdf_can_be_searched(files: dict[str, bytes], name: str, words: str) -> None:
    assert words in "".join(page.extract_text() for page in PdfReader(io.BytesIO(files[name])).pages)


def test_without_a_japanese_font_letters_are_coded_for_the_reader_s_own() -> None:
    assert Letters("霞", None).encode("霞") == "霞".encode("utf-16-be")


def test_the_photo_tells_where_it_was_taken(files: dict[str, bytes]) -> None:
    with Image.open(io.BytesIO(files[PHOTO])) as photo:
        assert photo.format == "JPEG" and photo.size == (1600, 1200)
        assert ExifTags.GPS.GPSLatitude in photo.getexif().get_ifd(ExifTags.IFD.GPSInfo)


def test_the_list_is_shift_jis_with_formulas(files: dict[str, bytes]) -> None:
    text = files[STOCK].decode("cp932")
    assert '"=SUM(C2,C6,C9)"' in text and '"=cmd|' in text


def test_the_estimate_is_a_program_by_another_name(files: dict[str, bytes]) -> None:
    assert DISGUISED.endswith(".pdf") and files[DISGUISED].startswith(b"MZ")
