"""The tree against the vectors of certificate-transparency's reference tests and against the RFC read literally."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.audit import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [
    leaf_hash(bytes.fromhex(text))
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
_96 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
_5F = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
_6B = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
_BC = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
_CA = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
_0E = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = [  # index, size, path
    (0, 1, []),
    (0, 8, [_96, _5F, _6B]),
    (5, 8, [_BC, _CA, ROOTS[4]]),
    (2, 3, [ROOTS[2]]),
    (1, 5, [ROOTS[1], _5F, _BC]),
]
CONSISTENCY = [(1, 1, []), (1, 8, [_96, _5F, _6B]), (6, 8, [_0E, _CA, ROOTS[4]]), (2, 5, [_5F, _BC])]


def mth(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, word for word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def hashes(size: int, seed: int = 0) -> list[bytes]:
    return [sha256(b"%d/%d" % (seed, at)).digest() for at in range(size)]


def unhex(path: list[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in path]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index: int, size: int, path: list[str]) -> None:
    assert inclusion_proof(LEAVES[:size], index) == unhex(path)
    assert verify_inclusion(LEAVES[index], index, size, unhex(path), bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "size", "path"), CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old: int, size: int, path: list[str]) -> None:
    assert consistency_proof(LEAVES[:size], old) == unhex(path)
    assert verify_consistency(old, bytes.fromhex(ROOTS[old]), size, bytes.fromhex(ROOTS[size]), unhex(path))


def test_every_small_tree_equals_the_recursive_definition() -> None:
    leaves = hashes(300)
    frontier = Frontier()
    for size in range(301):
        assert frontier.root() == mth(leaves[:size])
        if size < 300:
            frontier = frontier.append(leaves[size])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4096), st.integers(0, 4096), st.integers(0, 2**32))
def test_extending_in_any_two_parts_equals_the_recursive_definition(size: int, cut: int, seed: int) -> None:
    leaves = hashes(size, seed)
    frontier = Frontier().extend(leaves[:cut])
    assert Frontier.from_bytes(frontier.to_bytes()).extend(leaves[cut:]).root() == mth(leaves)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_proofs_hold_and_hold_for_nothing_else(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 130))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    leaves = hashes(size)
    root, old_root = mth(leaves), mth(leaves[:old])
    path, steps = inclusion_proof(leaves, index), consistency_proof(leaves, old)
    assert verify_inclusion(leaves[index], index, size, path, root)
    assert verify_consistency(old, old_root, size, root, steps)
    chance = random.Random(size * 1000 + index)
    for wrong in mutations(path, chance):
        assert not verify_inclusion(leaves[index], index, size, wrong, root)
    for wrong in mutations(steps, chance):
        assert not verify_consistency(old, old_root, size, root, wrong)
    assert not verify_inclusion(leaves[index], (index + 1) % (size + 1), size, path, root)
    assert not verify_inclusion(sha256(b"other").digest(), index, size, path, root)
    assert not verify_consistency(old, sha256(b"other").digest(), size, root, steps)
    assert not verify_consistency(size + 1, old_root, size, root, steps)


def mutations(path: list[bytes], chance: random.Random) -> list[list[bytes]]:
    """The path with one hash more, one less, one bit changed."""
    junk = chance.randbytes(32)
    wrong = [[*path, junk], [junk, *path]]
    if path:
        at = chance.randrange(len(path))
        wrong += [path[:-1], path[1:], [*path[:at], junk, *path[at + 1 :]]]
    return wrong


def test_a_proof_for_what_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError):
        inclusion_proof(LEAVES, 8)
    with pytest.raises(IndexError):
        consistency_proof(LEAVES, 9)
    assert not verify_inclusion(LEAVES[0], -1, 8, [], EMPTY_ROOT)
    assert verify_consistency(0, EMPTY_ROOT, 8, bytes.fromhex(ROOTS[8]), [])
    assert not verify_consistency(0, EMPTY_ROOT, 8, bytes.fromhex(ROOTS[8]), [LEAVES[0]])


@pytest.mark.parametrize("data", [b"", bytes(7), bytes(40), (3).to_bytes(8, "big") + bytes(32), bytes(9)])
def test_a_stored_frontier_of_the_wrong_length_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(data)


def test_a_frontier_is_a_value() -> None:
    before = Frontier().extend(LEAVES[:5])
    before.append(LEAVES[5])
    assert before.root().hex() == ROOTS[5]
    assert before == Frontier().extend(LEAVES[:5])
