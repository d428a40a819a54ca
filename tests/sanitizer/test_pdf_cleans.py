"""Whatever can act or hide is gone from a rebuilt PDF, said so in the report, and the page looks the same."""

from __future__ import annotations

import pytest
from support.pdf_readers import everything_in, keys_and_names, kinds, miner_names, pixels, rebuilt
from support.received_pdf import BENIGN, HOSTILE, Draft, everything, hostile, marker

from sanitizer.formats.pdf import KINDS
from sanitizer.formats.pdf.kinds import Report

FORBIDDEN = set(
    """
    /JS /JavaScript /OpenAction /AA /Launch /SubmitForm /ImportData /GoToR /GoToE /Hide /Rendition /Movie /Sound /XFA
    /CO /EmbeddedFiles /EmbeddedFile /EF /AF /Filespec /FileAttachment /RichMedia /RichMediaContent /Screen /3D /U3D /PS
    /Alternates /Thumb /PieceInfo /Metadata /Info /OCProperties /OCG /ByteRange /NM /RC /Encrypt
    """.split()  # noqa: SIM905
)


@pytest.mark.parametrize("kind", HOSTILE)
def test_each_threat_is_gone_and_reported(kind: str) -> None:
    original = hostile(kind)
    result = rebuilt(original)
    assert marker(kind) not in everything_in(result.data)
    assert kind in kinds(result.removed)
    assert not keys_and_names(result.data) & FORBIDDEN


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_page_looks_the_same_without_the_threat(kind: str) -> None:
    original = hostile(kind)
    assert pixels(rebuilt(original).data) == pixels(original)


def test_all_threats_at_once_for_two_other_parsers() -> None:
    original = everything()
    assert len(keys_and_names(original) & FORBIDDEN) > 30  # the sample does hold them
    result = rebuilt(original)
    assert not keys_and_names(result.data) & FORBIDDEN
    assert not {"/" + name for name in miner_names(result.data)} & FORBIDDEN
    assert b"SECRET" not in everything_in(result.data)
    assert b"<script" not in everything_in(result.data)
    assert pixels(result.data) == pixels(original)


def test_what_was_rebuilt_rebuilds_to_the_same_bytes() -> None:
    once = rebuilt(everything()).data
    again = rebuilt(once)
    assert again.data == once
    assert again.removed == []


def test_the_report_says_on_which_page() -> None:
    result = rebuilt(hostile("launch"))
    assert [(change.kind, change.count, change.where) for change in result.removed] == [("launch", 1, "page 1")]


def test_what_can_act_is_reported_first() -> None:
    removed = rebuilt(hostile("metadata", "comment-bytes", "javascript")).removed
    assert [change.kind for change in removed] == ["javascript", "javascript", "comment-bytes", "metadata"]


def test_every_kind_has_words_in_both_languages() -> None:
    assert set(HOSTILE) <= set(KINDS)
    for slug, (ja, en) in KINDS.items():
        assert slug == slug.lower() and len(slug) <= 40
        assert ja and en


def test_a_kind_without_words_cannot_be_reported() -> None:
    with pytest.raises(KeyError):
        Report().removed("surprise")


def test_multimedia_leaves_its_appearance_as_a_stamp() -> None:
    d = Draft()
    look = d.stream("/Type/XObject/Subtype/Form/BBox[0 0 50 50]", b"0 0 1 rg 0 0 50 50 re f")
    d.annotate(f"/Subtype/RichMedia/Rect[10 10 60 60]/F 4/AP<</N {look}>>")
    original = bytes(d)
    result = rebuilt(original)
    assert "/Stamp" in keys_and_names(result.data)
    assert pixels(result.data) == pixels(original)


@pytest.mark.parametrize("names", [[name] for name in BENIGN])
def test_nothing_is_removed_from_a_harmless_document(names: list[str]) -> None:
    d = Draft()
    for name in names:
        BENIGN[name](d)
    assert rebuilt(bytes(d)).removed == []
