"""The crossing receipt (通関証): the signed statement of what became of one file on its way from one zone into another.

Rules kept here:
- A receipt speaks of hashes, sizes, types, and of kinds and counts of what was removed; never of names or strings
  found in files.
- The signature covers ``sekisho-receipt-v1``, a newline and the canonical receipt (RFC 8785): it can never be taken for
  the signature of a checkpoint, nor the other way round. The key is used for nothing else.
- ``sign_receipt`` gives the whole document, key included, in one canonical form, laid down in ``docs/audit.md``.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

DOMAIN = b"sekisho-receipt-v1\n"


class ReceiptError(ValueError):
    """The document is not a receipt, or not signed by the key that was asked for."""


class FileFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """A file by content: hex SHA-256, size in bytes, MIME type."""

    sha256: str
    size: int
    type: str


class Removed(Struct, frozen=True, forbid_unknown_fields=True):
    """How many things of one kind (the sanitizer's slug, "javascript") were taken out."""

    count: int
    kind: str


class Receipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One crossing. Members stand in RFC 8785 order.

    ``at`` is milliseconds since the epoch UTC; ``leaf`` the index of the audit leaf of this verdict; ``policy`` the
    version of the crossing table; ``transformer``, ``verifier`` and ``grammar`` the engine that rebuilt the file, the
    one that checked the result, and the version of the allow-list grammar that it checked against.
    """

    at: int
    attachment: str
    grammar: str
    input: FileFacts
    leaf: int
    made_in: str
    organisation: str
    output: FileFacts
    policy: str
    read_in: str
    removed: list[Removed]
    transformer: str
    treatment: Literal["rebuild", "flatten"]
    verifier: str
    version: Literal[1] = 1


class _Key(Struct, forbid_unknown_fields=True):
    id: str
    public: str


class _Signed(Struct, forbid_unknown_fields=True):
    key: _Key
    receipt: Receipt
    signature: str


def encode_receipt(receipt: Receipt) -> bytes:
    """The canonical bytes that are signed (after the domain)."""
    return msgspec.json.encode(receipt)


def receipt_key_id(public_key: bytes) -> str:
    """The key's name in receipts: the hex SHA-256 of its 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()


def sign_receipt(receipt: Receipt, seed: bytes) -> bytes:
    """The signed document: ``{"key":{"id","public"},"receipt":{…},"signature"}``. ``seed`` is the 32-byte secret."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()
    signature = key.sign(DOMAIN + encode_receipt(receipt))
    named = _Key(receipt_key_id(public), b64encode(public).decode())
    return msgspec.json.encode(_Signed(named, receipt, b64encode(signature).decode()))


def verify_receipt(document: bytes, public_key: bytes) -> Receipt:
    """The receipt in ``document``, if ``public_key`` signed it and no byte is out of place. Raises ReceiptError."""
    try:
        signed = msgspec.json.decode(document, type=_Signed)
        signature = b64decode(signed.signature, validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, Base64Error) as error:
        raise ReceiptError(f"this is not a receipt: {error}") from error
    if msgspec.json.encode(signed) != document or b64encode(signature).decode() != signed.signature:
        raise ReceiptError("the receipt is not in its canonical form")
    if signed.key != _Key(receipt_key_id(public_key), b64encode(public_key).decode()):
        raise ReceiptError("the receipt is signed with another key")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, DOMAIN + encode_receipt(signed.receipt))
    except InvalidSignature:
        raise ReceiptError("the receipt's signature is wrong") from None
    return signed.receipt
