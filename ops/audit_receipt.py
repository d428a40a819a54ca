"""``sekisho audit receipt``: check a crossing receipt (通関証), and the file it speaks of, offline.

Rules kept here:
- Nothing is shared with the code that signs receipts; the format is in ``docs/audit.md``.
- The rebuilt file is what a receipt vouches for. The file as it was received is named as such and does not pass.
- Words of the receipt are printed with everything that is not plain ASCII escaped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, BinaryIO

from ops.audit_format import canonical, exact_base64, fingerprint, is_whole, signature_holds

DOMAIN = b"sekisho-receipt-v1\n"
MAX_RECEIPT = 1 << 20

_TEXTS = ("attachment", "grammar", "made_in", "organisation", "policy", "read_in", "transformer", "verifier")
_MEMBERS = ("at", "attachment", "grammar", "input", "leaf", "made_in", "organisation", "output", "policy", "read_in",
            "removed", "transformer", "treatment", "verifier", "version")  # fmt: skip
_SHA256 = re.compile(r"[0-9a-f]{64}")

FINDINGS = {
    "form": ("通関証が正しい形式ではありません（書き換えられています）", "the receipt is malformed (altered)"),
    "signature": (
        "通関証の署名が正しくありません（書き換えられています）",
        "the receipt's signature is wrong (altered)",
    ),
    "key": ("指定の鍵で署名されていません: {key}", "signed with another key than the pinned one: {key}"),
    "file-original": (
        "このファイルは受け取った原本です。無害化済みファイルではありません",
        "this file is the original as received, not the rebuilt one",
    ),
    "file": (
        "このファイルは通関証のファイルではありません（書き換えられたか、別のファイルです）",
        "this is not the receipt's file (altered, or another one)",
    ),
}


@dataclass(frozen=True)
class ReceiptReport:
    """What the check found. ``code`` is None if the receipt holds; ``public`` is its key once it could be read."""

    code: str | None
    public: bytes | None = None
    receipt: dict[str, Any] | None = None

    def sentences(self) -> tuple[str, str]:
        """What was found, in Japanese and English. Only where there is a finding."""
        key = fingerprint(self.public) if self.public else ""
        ja, en = FINDINGS[self.code or "form"]
        return ja.format(key=key), en.format(key=key)


def check_receipt(document: bytes, pins: list[bytes], file: BinaryIO | None = None) -> ReceiptReport:
    """Check the document against the pinned keys (none: its own key), then ``file`` against what it says."""
    read = _read(document)
    if read is None:
        return ReceiptReport("form")
    public, signature, signed, receipt = read
    if pins and public not in pins and sha256(public).digest() not in pins:
        return ReceiptReport("key", public, receipt)
    if not signature_holds(public, signature, DOMAIN + signed):
        return ReceiptReport("signature", public, receipt)
    return ReceiptReport(None if file is None else _check_file(receipt, file), public, receipt)


def looks_like_receipt(document: bytes) -> bool:
    """True if this was meant to be a receipt: else there is nothing to check."""
    return b'"receipt"' in document or (b'"signature"' in document and b'"key"' in document)


def _read(document: bytes) -> tuple[bytes, bytes, bytes, dict[str, Any]] | None:
    """Key, signature, the signed bytes and the receipt; None unless all is in the one form."""
    try:
        outer = canonical(document)
        if tuple(outer) != ("key", "receipt", "signature") or tuple(outer["key"]) != ("id", "public"):
            return None
        public, signature = exact_base64(outer["key"]["public"]), exact_base64(outer["signature"])
    except (ValueError, TypeError):
        return None
    receipt = outer["receipt"]
    if outer["key"]["id"] != sha256(public).hexdigest() or not _is_receipt(receipt):
        return None
    start = document.index(b'"receipt":') + len(b'"receipt":')
    return public, signature, document[start : document.rindex(b',"signature":')], receipt


def _is_receipt(receipt: Any) -> bool:
    return (
        type(receipt) is dict
        and tuple(receipt) == _MEMBERS
        and all(type(receipt[name]) is str for name in _TEXTS)
        and receipt["treatment"] in ("rebuild", "flatten")
        and type(receipt["version"]) is int
        and receipt["version"] == 1
        and all(is_whole(receipt[name], least=0) for name in ("at", "leaf"))
        and all(_is_file(receipt[name]) for name in ("input", "output"))
        and type(receipt["removed"]) is list
        and all(_is_removed(one) for one in receipt["removed"])
    )


def _is_file(facts: Any) -> bool:
    return (
        type(facts) is dict
        and tuple(facts) == ("sha256", "size", "type")
        and type(facts["sha256"]) is str
        and _SHA256.fullmatch(facts["sha256"]) is not None
        and is_whole(facts["size"], least=0)
        and type(facts["type"]) is str
    )


def _is_removed(one: Any) -> bool:
    return (
        type(one) is dict
        and tuple(one) == ("count", "kind")
        and is_whole(one["count"], least=0)
        and type(one["kind"]) is str
    )


def _check_file(receipt: dict[str, Any], file: BinaryIO) -> str | None:
    digest, size = sha256(), 0
    while chunk := file.read(1 << 20):
        digest.update(chunk)
        size += len(chunk)
    facts = (digest.hexdigest(), size)
    if facts == (receipt["output"]["sha256"], receipt["output"]["size"]):
        return None
    return "file-original" if facts == (receipt["input"]["sha256"], receipt["input"]["size"]) else "file"
