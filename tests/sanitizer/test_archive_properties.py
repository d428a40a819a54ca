"""Archives by chance: any names, any trees, any damage; what leaves is always in the grammar."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.archive_samples import Part, contents, lzh_of, repacked, seven_zip_of, zip_of

from sanitizer.formats.archive import lzh, text
from sanitizer.formats.archive.seven_zip import Malformed
from sanitizer.formats.archive.seven_zip_reading import Damaged, SevenZip
from sanitizer.formats.base import NeedsPassword, Refused
from sanitizer.formats.member_names import Names, read_names, safe_path
from sanitizer.limits import Limits
from sanitizer.verify.archive import verify
from sanitizer.verify.archive_names import check_names, is_sound

ANY_NAME = st.text(
    st.one_of(
        st.sampled_from("/\\.: \u3000．…{}conaux1\u202e\u200b表が゙\u2100"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=30,
)
LONG_NAME = st.builds("/".join, st.lists(st.text("あa. ", max_size=300), min_size=1, max_size=40))


@given(ANY_NAME | LONG_NAME)
@settings(deadline=None)
@example("..")
@example("a.{20D04FE0-3AEA-1069-A2D8-08002B30309D}/x.txt")
@example("ＣＯＮ.txt")
@example("\u2100\ufffe")
def test_every_name_becomes_sound_and_stays_so(name: str) -> None:
    safe = safe_path(name)
    assert is_sound(safe)
    assert safe_path(safe) == safe
    assert safe.endswith("/") == name.replace("\\", "/").endswith("/")


@given(
    st.lists(
        st.tuples(ANY_NAME | st.sampled_from(["a.txt", "A.TXT", "ａ.txt", "a.txt/b.txt", "a.txt/"]), st.booleans())
    )
)
@settings(deadline=None)
def test_names_are_told_apart_whatever_they_were(wanted: list[tuple[str, bool]]) -> None:
    names = Names()
    given_names = [names.file(name) for name, folder in wanted if not folder]
    check_names(given_names)
    assert len(given_names) == sum(not folder for _, folder in wanted)


@given(st.lists(st.binary(max_size=20), max_size=6))
@settings(deadline=None)
def test_any_bytes_read_as_some_name(raw: list[bytes]) -> None:
    assert read_names(raw).keys() == set(raw)


@given(st.text(st.sampled_from("表ソ能十予①ｶﾀｶﾅカタカナひらがなA1-_ ―～"), max_size=30))
@settings(deadline=None)
def test_names_in_cp932_are_read_as_such(name: str) -> None:
    raw = f"令和８年度 市議会の議案について{name}.txt".encode("cp932")
    assert read_names([raw, b"a.txt"])[raw] == raw.decode("cp932")


_WORDS = st.sampled_from([b"hello", "休館日".encode("cp932"), "庁舎".encode()])
_FILES = st.dictionaries(ANY_NAME.filter(lambda name: not name.endswith(("/", "\\"))), _WORDS, min_size=1)


@given(_FILES, st.lists(ANY_NAME.map(lambda name: name + "/"), max_size=3), st.booleans())
@settings(deadline=None, max_examples=200)
def test_any_tree_of_texts_leaves_whole_and_in_the_grammar(
    files: dict[str, bytes], folders: list[str], marked: bool
) -> None:
    parts = [Part(name if marked else name.encode(), data) for name, data in files.items()]
    try:
        rebuilt = repacked(zip_of(*parts, *(Part(folder) for folder in folders)))
    except Refused as no:
        assert no.code == "nothing-left"
        return
    verify(rebuilt.data, Limits())
    kept = [data for name, data in contents(rebuilt.data).items() if not name.endswith("/")]
    litter = sum(change.count for change in rebuilt.removed if change.kind == "system-file")
    assert len(files) - litter <= len(kept) <= len(files)
    assert set(kept) <= set(files.values())


def _zipped(files: dict[str, bytes]) -> bytes:
    return zip_of(*((f"{name}.zip" if data.startswith(b"PK") else f"{name}.txt", data) for name, data in files.items()))


_LEAF = st.dictionaries(st.sampled_from("あいう"), _WORDS, min_size=1).map(_zipped)
_MIDDLE = st.dictionaries(st.sampled_from("かきく"), _LEAF | _WORDS, min_size=1).map(_zipped)
_TREES = st.dictionaries(st.sampled_from("さしす"), _MIDDLE | _LEAF | _WORDS, min_size=1).map(_zipped)


def _leaves(data: bytes) -> list[bytes]:
    leaves: list[bytes] = []
    for content in contents(data).values():
        leaves += _leaves(content) if content.startswith(b"PK") else [content]
    return leaves


@given(_TREES)
@settings(deadline=None)
def test_any_tree_of_archives_keeps_every_leaf(tree: bytes) -> None:
    rebuilt = repacked(tree).data
    verify(rebuilt, Limits())
    assert _leaves(rebuilt) == _leaves(tree)
    assert text(rebuilt, Limits()).count(".txt\n") == len(_leaves(tree))


def _sample() -> bytes:
    return zip_of(
        Part("表.txt", b"hello" * 9),
        Part("b/c.csv", b"1,2", flags=8),
        ("d/", b""),
        Part("e.txt", b"x" * 300, method=0, comment=b"c"),
    )


@pytest.mark.parametrize("cut", range(0, len(_sample()), 3))
def test_every_cut_has_an_answer(cut: int) -> None:
    with pytest.raises((Refused, NeedsPassword)):
        repacked(_sample()[:cut])


@given(st.lists(st.tuples(st.integers(0, len(_sample()) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=300)
def test_every_damage_has_an_answer_and_nothing_invented_leaves(damage: list[tuple[int, int]]) -> None:
    data = bytearray(_sample())
    for at, value in damage:
        data[at] = value
    try:
        members = contents(repacked(bytes(data)).data)
    except (Refused, NeedsPassword):
        return
    honest = {b"hello" * 9, b"1,2", b"x" * 300, b""}
    assert all(content in honest or name.endswith(".txt") for name, content in members.items())


@given(
    st.sampled_from([0, 1, 2, 3]),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=4),
    st.integers(0, 200),
)
@settings(deadline=None, max_examples=300)
def test_every_damaged_lzh_has_an_answer(level: int, damage: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(lzh_of(("表.txt".encode("cp932"), b"hello"), (b"b.txt", b"x"), level=level, folder=b"f\xff"))
    for at, value in damage:
        data[at % len(data)] = value
    try:
        for entry in lzh.read(bytes(data[: max(cut, 1)])):
            assert 0 < entry.start <= entry.start + entry.packed <= len(data)
            assert entry.name is not None
    except Refused as no:
        assert no.code == "unreadable"


@given(
    st.booleans(),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.integers(0, 400),
)
@settings(deadline=None, max_examples=300)
def test_every_damaged_7z_has_an_answer(hidden: bool, encrypted: bool, damage: list[tuple[int, int]], cut: int) -> None:
    whole = seven_zip_of(("表.txt", b"hello" * 9), ("b.txt", b"x"), password="p" * encrypted, hidden=hidden)
    data = bytearray(whole[: len(whole) - cut] if cut < len(whole) // 2 else whole)
    for at, value in damage:
        data[at % len(data)] = value
    archive = SevenZip(bytes(data), "p", 1 << 20)
    try:
        contents_read = list(archive.contents(archive.directory()))
    except (Malformed, Damaged, Refused):
        return
    assert {data for _, data in contents_read} <= {b"hello" * 9, b"x", b"", None}


@given(st.binary(max_size=120))
@settings(deadline=None, max_examples=500)
def test_no_directory_of_a_7z_makes_its_reader_stumble(header: bytes) -> None:
    start = struct.pack("<QQI", 0, len(header), zlib.crc32(header))
    archive = SevenZip(b"7z\xbc\xaf\x27\x1c\0\4" + bytes(4) + start + header, None, 1 << 20)
    with suppress(Malformed, Damaged, Refused, NeedsPassword):
        list(archive.contents(archive.directory()))
