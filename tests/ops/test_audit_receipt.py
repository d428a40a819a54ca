"""Receipts: what ``rooms.receipt`` signs is what the offline reader accepts, and nothing else is."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ops import audit_verify
from ops.audit_receipt import check_receipt
from rooms.receipt import FileFacts, Receipt, Removed, receipt_key_id, sign_receipt, verify_receipt

SEED = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
ORIGINAL, REBUILT = b"%PDF with a script", b"%PDF without"


def facts(data: bytes) -> FileFacts:
    return FileFacts(sha256=sha256(data).hexdigest(), size=len(data), type="application/pdf")


RECEIPT = Receipt(
    at=1_800_000_000_000, attachment="a_1", grammar="pdf/1", input=facts(ORIGINAL), leaf=41, made_in="internet",
    organisation="o_1", output=facts(REBUILT), policy="beta/1", read_in="lgwan", removed=[Removed(2, "javascript")],
    transformer="pdf/1", treatment="rebuild", verifier="pdf-reader/1",
)  # fmt: skip
SIGNED = sign_receipt(RECEIPT, SEED)

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
whole = st.integers(0, 2**53 - 1)
files = st.builds(FileFacts, sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True), size=whole, type=words)
receipts = st.builds(
    Receipt, at=whole, attachment=words, grammar=words, input=files, leaf=whole, made_in=words,
    organisation=words, output=files, policy=words, read_in=words,
    removed=st.lists(st.builds(Removed, count=whole, kind=words), max_size=4),
    transformer=words, treatment=st.sampled_from(["rebuild", "flatten"]), verifier=words,
)  # fmt: skip


@given(receipts)
def test_every_receipt_that_is_signed_is_accepted_by_both_readers(receipt: Receipt) -> None:
    signed = sign_receipt(receipt, SEED)
    assert verify_receipt(signed, PUBLIC) == receipt
    assert check_receipt(signed, [PUBLIC]).code is None
    assert json.dumps(json.loads(signed), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() == signed


def test_no_byte_of_a_receipt_is_free() -> None:
    for at, byte in enumerate(SIGNED):
        for middle in (bytes([byte ^ 1]), bytes([byte ^ 0x20]), bytes([byte ^ 0x80]), b"", bytes([byte, byte])):
            changed = SIGNED[:at] + middle + SIGNED[at + 1 :]
            assert check_receipt(changed, []).code is not None, (at, middle)
            with pytest.raises(ValueError, match="receipt"):
                verify_receipt(changed, PUBLIC)
    assert check_receipt(SIGNED + b"\n", []).code == "form"


def test_a_receipt_signed_again_with_another_key_is_refused() -> None:
    forged = sign_receipt(RECEIPT, bytes(32))
    assert check_receipt(forged, []).code is None  # a key that comes with the receipt proves nothing
    assert check_receipt(forged, [PUBLIC]).code == "key"
    assert check_receipt(forged, [sha256(OTHER).digest()]).code is None
    with pytest.raises(ValueError, match="another key"):
        verify_receipt(forged, PUBLIC)


def test_a_signature_of_something_else_is_no_receipt() -> None:
    """The same key and the same bytes without the domain: as if a checkpoint's signature were passed off."""
    body = SIGNED[SIGNED.index(b'"receipt":') + 10 : SIGNED.rindex(b',"signature"')]
    signature = b64encode(Ed25519PrivateKey.from_private_bytes(SEED).sign(body))
    forged = SIGNED[: SIGNED.rindex(b'"signature":')] + b'"signature":"' + signature + b'"}'
    assert check_receipt(forged, []).code == "signature"
    with pytest.raises(ValueError, match="signature"):
        verify_receipt(forged, PUBLIC)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1', b'"version":2'),
        (b'"version":1', b'"version":true'),
        (b'"leaf":41', b'"leaf":-1'),
        (b'"leaf":41', b'"leaf":41.0'),
        (b'"treatment":"rebuild"', b'"treatment":"pass"'),
        (b'"count":2', b'"count":"2"'),
        (b'"removed":[', b'"removed":[7,'),
        (b'"size":12', b'"size":12,"xtra":1'),
    ],
)
def test_what_is_signed_but_no_receipt_is_refused(old: bytes, new: bytes) -> None:
    body = SIGNED[SIGNED.index(b'"receipt":') + 10 : SIGNED.rindex(b',"signature"')]
    assert old in body
    changed = body.replace(old, new)
    signature = b64encode(Ed25519PrivateKey.from_private_bytes(SEED).sign(b"sekisho-receipt-v1\n" + changed))
    key = f'{{"id":"{receipt_key_id(PUBLIC)}","public":"{b64encode(PUBLIC).decode()}"}}'.encode()
    document = b'{"key":' + key + b',"receipt":' + changed + b',"signature":"' + signature + b'"}'
    assert check_receipt(document, [PUBLIC]).code == "form"


def test_the_file_must_be_the_rebuilt_one() -> None:
    assert check_receipt(SIGNED, [PUBLIC], io.BytesIO(REBUILT)).code is None
    assert check_receipt(SIGNED, [PUBLIC], io.BytesIO(ORIGINAL)).code == "file-original"
    assert check_receipt(SIGNED, [PUBLIC], io.BytesIO(REBUILT + b" ")).code == "file"


@dataclass
class Answer:
    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def run(*arguments: object) -> Answer:
        status = audit_verify.main(["receipt", *(str(one) for one in arguments)])
        captured = capsys.readouterr()
        return Answer(status, captured.out, captured.err)

    return run


def test_the_command_says_what_the_receipt_says(command: Callable[..., Answer], tmp_path: Path) -> None:
    receipt, rebuilt, original = tmp_path / "r.json", tmp_path / "new.pdf", tmp_path / "old.pdf"
    receipt.write_bytes(SIGNED)
    rebuilt.write_bytes(REBUILT)
    original.write_bytes(ORIGINAL)
    answer = command(receipt, rebuilt)
    assert answer.status == 0
    assert "internet -> lgwan (rebuild)" in answer.out
    assert "javascript 2" in answer.out
    assert f"SHA256:{receipt_key_id(PUBLIC)}" in answer.out
    assert "key not pinned" in answer.out
    assert "not pinned" not in command(receipt, rebuilt, "--key", PUBLIC.hex()).out
    assert command(receipt, "--key", OTHER.hex()).status == 1
    refused = command(receipt, original)
    assert refused.status == 1
    assert "原本" in refused.out
    assert "original" in refused.out


def test_a_receipts_words_cannot_paint_the_terminal(command: Callable[..., Answer], tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    kinds = [Removed(1, "\x1b[2J\u202efdp")]
    hostile = Receipt(
        at=1, attachment="a", grammar="g", input=facts(b""), leaf=1, made_in="\x1b]0;x\x07", organisation="o",
        output=facts(b""), policy="p", read_in="\r\n改ざん", removed=kinds, transformer="t", treatment="flatten",
        verifier="v",
    )  # fmt: skip
    path.write_bytes(sign_receipt(hostile, SEED))
    answer = command(path)
    assert answer.status == 0
    assert not {"\x1b", "\u202e", "\r", "\x07"} & set(answer.out)


@pytest.mark.parametrize("content", [None, b"", b"hello", b"%PDF-1.7", b'{"a":1}', b"x" * 2_000_000])
def test_what_is_no_receipt_is_unreadable(
    command: Callable[..., Answer], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "r.json"
    if content is not None:
        path.write_bytes(content)
    answer = command(path)
    assert answer.status == 2
    assert answer.err.count("\n") == 2


def test_a_damaged_receipt_is_tampered_and_an_absent_file_unreadable(
    command: Callable[..., Answer], tmp_path: Path
) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(SIGNED.replace(b"lgwan", b"lgwam"))
    assert command(path).status == 1
    path.write_bytes(SIGNED[:-1])
    assert command(path).status == 1
    path.write_bytes(SIGNED)
    assert command(path, tmp_path / "absent").status == 2
