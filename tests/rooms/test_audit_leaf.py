"""A leaf has one encoding, RFC 8785, and nothing that would need a second one gets in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.audit import Leaf, Note, commitment, decode_leaf, encode_leaf

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
maybe = st.none() | text
note_values = st.none() | st.booleans() | text | st.integers(-(2**53 - 1), 2**53 - 1)
leaves = st.builds(
    Leaf,
    at=st.integers(0, 2**53 - 1),
    mono=st.integers(0, 2**63),
    boot=text,
    actor=maybe,
    action=text,
    outcome=st.sampled_from(["done", "refused"]),
    policy=text,
    role=text,
    zone=maybe,
    device=maybe,
    address=maybe,
    request=maybe,
    object=maybe,
    reason=maybe,
    approvals=st.lists(text, max_size=3),
    notes=st.dictionaries(st.from_regex(r"[a-z0-9_.-]{1,12}", fullmatch=True), note_values, max_size=5),
)


def leaf(**changes: object) -> Leaf:
    fields: dict[str, object] = {
        "at": 1, "mono": 2, "boot": "b", "actor": "p_1", "action": "message.post", "outcome": "done",
        "policy": "beta/1",
    }  # fmt: skip
    return Leaf(**{**fields, **changes})  # type: ignore[arg-type]


def jcs(data: bytes) -> bytes:
    """RFC 8785 by another writer: for ASCII names and whole numbers this is what it comes to."""
    return json.dumps(json.loads(data), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


@given(leaves)
def test_the_encoding_is_canonical_and_reads_back(one: Leaf) -> None:
    data = encode_leaf(one)
    assert data == jcs(data)
    assert decode_leaf(data) == one


def test_the_bytes_are_exactly_these() -> None:
    written = encode_leaf(
        leaf(
            mono=2**60,
            zone="lgwan",
            notes={"room": "r_1", "forwarded": True},
            object='€$\x0f\nA\'B"\\\\"/',  # the string of RFC 8785 section 3.2.2
            approvals=["p_2"],
        )
    )
    assert written == (
        b'{"action":"message.post","actor":"p_1","address":null,"approvals":["p_2"],"at":1,"boot":"b","device":null,'
        b'"mono":"1152921504606846976","notes":{"forwarded":true,"room":"r_1"},'
        b'"object":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/","outcome":"done","policy":"beta/1","reason":null,'
        b'"request":null,"role":"","zone":"lgwan"}'
    )


def test_notes_in_any_order_give_the_same_bytes() -> None:
    assert encode_leaf(leaf(notes={"b": 1, "a": 2})) == encode_leaf(leaf(notes={"a": 2, "b": 1}))


@pytest.mark.parametrize(
    "changes",
    [
        {"at": -1},
        {"at": 2**53},
        {"mono": -1},
        {"actor": "\ud800"},
        {"object": "x" * 70_000},
        {"notes": {"Name": 1}},
        {"notes": {"": 1}},
        {"notes": {"名": 1}},
        {"notes": {"n": 1.5}},
        {"notes": {"n": 2**53}},
        {"notes": {"n": [1]}},
    ],
)
def test_a_leaf_that_breaks_a_rule_is_not_written(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        encode_leaf(leaf(**changes))


@pytest.mark.parametrize("number", [2**53 - 1, 1 - 2**53])
def test_what_is_just_within_the_bounds_is_written(number: int) -> None:
    one = leaf(at=2**53 - 1, mono=0, notes={"n": number, "abcdefghijklmnopqrstuvwxyz0123456789_.-": True})
    assert decode_leaf(encode_leaf(one)) == one
    with pytest.raises(ValueError, match="carries exactly"):
        encode_leaf(leaf(notes={"n": number + (1 if number > 0 else -1)}))


def test_a_leaf_has_64_kib_and_no_byte_more() -> None:
    room = 64 * 1024 - len(encode_leaf(leaf(object="")))
    assert len(encode_leaf(leaf(object="x" * room))) == 64 * 1024
    with pytest.raises(ValueError, match="65537 bytes"):
        encode_leaf(leaf(object="x" * (room + 1)))


def test_note_keys_have_their_alphabet_alone() -> None:
    for of in map(chr, range(256)):
        if of in "abcdefghijklmnopqrstuvwxyz0123456789_.-":
            encode_leaf(leaf(notes={of: 1}))
            continue
        with pytest.raises(ValueError, match="note keys"):
            encode_leaf(leaf(notes={of: 1}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"at":1', b'"at":1.0'),
        (b'"at":1', b'"at": 1'),
        (b'"at":1', b'"at":true'),
        (b'"at":1', b'"at":1,"at":1'),
        (b'"mono":"2"', b'"mono":"02"'),
        (b'"mono":"2"', b'"mono":2'),
        (b'"role":""', b'"role":"","rule":""'),
        (b'"outcome":"done"', b'"outcome":"undone"'),
        (b'"boot":"b"', b'"boot":"\\u0062"'),
        (b'"boot":"b"', b'"boot":"\xff"'),
        (b'"notes":{}', b'"notes":{"a":1e2}'),
        (b'"zone":null}', b'"zone":null} '),
        (b'"zone":null}', b'"zone":null'),
    ],
)
def test_bytes_that_are_not_the_one_encoding_are_refused(old: bytes, new: bytes) -> None:
    data = encode_leaf(leaf())
    assert old in data
    with pytest.raises(ValueError, match="leaf"):
        decode_leaf(data.replace(old, new))


def test_line_breaks_and_controls_cannot_leave_their_field() -> None:
    hostile = 'x"},\r\n{"index":9,"leaf":\x00\u202e=cmd|'
    data = encode_leaf(leaf(object=hostile))
    assert b"\n" not in data
    assert b"\r" not in data
    assert b"\x00" not in data
    assert decode_leaf(data).object == hostile


def test_a_commitment_hides_its_value_and_holds_for_no_other() -> None:
    salt = bytes(range(16))
    assert commitment(salt, "sato") == "commit:720ccbe6b893ce52232cc7c38d13a023ffbc695e06451e76a9925a2db1d06f49"
    assert commitment(salt, "sato") != commitment(bytes(16), "sato")
    assert commitment(salt, "sato") != commitment(salt, "satou")
    with pytest.raises(ValueError, match="salt"):
        commitment(b"short", "sato")


def test_note_types_are_those_of_the_format() -> None:
    notes: dict[str, Note] = {"a": None, "b": True, "c": 3, "d": "四"}
    assert decode_leaf(encode_leaf(leaf(notes=notes))).notes == notes
