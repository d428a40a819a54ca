"""The bundle's bytes, exactly: ``docs/audit.md`` in numbers."""

from __future__ import annotations

import io
import json

from rooms.audit import (
    EMPTY_ROOT,
    Frontier,
    Leaf,
    NoteSigner,
    checkpoint,
    encode_leaf,
    leaf_hash,
    verifier_key,
    write_bundle,
)

ORIGIN = "town.example/audit"
SIGNER = NoteSigner(bytes(32), ORIGIN)


def test_a_bundle_is_these_lines() -> None:
    data = [
        encode_leaf(Leaf(at=at, mono=at, boot="b", actor=None, action="x", outcome="done", policy="1")) for at in (1, 2)
    ]
    hashes = [leaf_hash(one) for one in data]
    one, two = Frontier().append(hashes[0]), Frontier().extend(hashes)
    notes = [
        (0, checkpoint(ORIGIN, 0, EMPTY_ROOT, 1, SIGNER)),
        (1, checkpoint(ORIGIN, 1, one.root(), 2, SIGNER)),
        (2, checkpoint(ORIGIN, 2, two.root(), 3, SIGNER)),
    ]
    out = io.BytesIO()
    key = verifier_key(ORIGIN, SIGNER.public_key)
    write_bundle(out, ORIGIN, [key, key], enumerate_rows(data, hashes), iter(notes), (2, two.root()))
    written = [json.dumps(note, ensure_ascii=False) for _, note in notes]
    assert out.getvalue().decode() == (
        f'{{"format":"sekisho-audit-bundle-1","keys":["{key}"],"origin":"{ORIGIN}"}}\n'
        f'{{"checkpoint":{written[0]},"size":0}}\n'
        f'{{"hash":"{hashes[0].hex()}","index":0,"leaf":{data[0].decode()}}}\n'
        f'{{"checkpoint":{written[1]},"size":1}}\n'
        f'{{"hash":"{hashes[1].hex()}","index":1,"leaf":{data[1].decode()}}}\n'
        f'{{"checkpoint":{written[2]},"size":2}}\n'
        f'{{"checkpoints":3,"head":{{"root":"{two.root().hex()}","size":2}},"leaves":2}}\n'
    )


def test_what_the_store_holds_is_copied_not_mended() -> None:
    out = io.BytesIO()
    write_bundle(out, ORIGIN, [], [(3, b"\xff damaged \n", b"?")], [(9, "no note")], (5, b""))
    assert out.getvalue().split(b"\n", 1)[1] == (
        b'{"hash":"3f","index":3,"leaf":\xff damaged \n}\n'
        b'{"checkpoint":"no note","size":9}\n'
        b'{"checkpoints":1,"head":{"root":"","size":5},"leaves":1}\n'
    )


def enumerate_rows(data: list[bytes], hashes: list[bytes]) -> list[tuple[int, bytes, bytes]]:
    return [(at, one, stored) for at, (one, stored) in enumerate(zip(data, hashes, strict=True))]
