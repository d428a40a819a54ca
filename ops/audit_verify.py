"""``sekisho audit verify`` and ``sekisho audit receipt``: check the record and its receipts offline, trusting nobody.

Rules kept here:
- Exit status: 0 intact, 1 tampered (each finding says where), 2 unreadable (no bundle, key, checkpoint or file there).
- A key that comes with the thing it signs proves nothing: without ``--key`` or ``--pinned`` the report says so and
  prints the key's fingerprint, to be compared with the one given at installation.
- Every sentence stands twice, Japanese and English. Runs alone too: ``python -m ops.audit_verify verify BUNDLE``.
"""

from __future__ import annotations

import argparse
import sys
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ops.audit_bundle import BundleCheck, Report
from ops.audit_format import SignedHead, UnreadableError, canonical, fingerprint, parse_note, parse_verifier_key
from ops.audit_receipt import MAX_RECEIPT, ReceiptReport, check_receipt, looks_like_receipt

INTACT, TAMPERED, UNREADABLE = 0, 1, 2
MAX_KEY_FILE = 64 * 1024
MAX_NOTE = 16 * 1024


def add_audit_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``verify`` and ``receipt`` to the ``audit`` command. Each sets ``run``: args to exit status."""
    verify = subparsers.add_parser("verify", help="監査記録の書き出しを検査する / check an export bundle offline")
    verify.add_argument("bundle", metavar="F", help="audit export が書いたファイル / the file that audit export wrote")
    verify.add_argument(
        "--pinned",
        metavar="CHECKPOINT",
        help="以前に保管した署名済み先頭か書き出し / a checkpoint, or a bundle, kept earlier",
    )
    _add_key(verify)
    verify.add_argument(
        "--save-checkpoint",
        metavar="F",
        help="改ざんがなければ最新の署名済み先頭を書く / if intact, write the newest checkpoint, for the next --pinned",
    )
    verify.set_defaults(run=run_verify)
    receipt = subparsers.add_parser("receipt", help="通関証を検査する / check a crossing receipt offline")
    receipt.add_argument("receipt", metavar="R", help="通関証 / the receipt")
    receipt.add_argument("file", metavar="FILE", nargs="?", help="無害化済みファイル / the rebuilt file it speaks of")
    _add_key(receipt)
    receipt.set_defaults(run=run_receipt)


def run_verify(args: argparse.Namespace) -> int:
    """``audit verify``: print the report and give the exit status."""
    try:
        check = BundleCheck(read_keys(args.key), read_pinned(args.pinned) if args.pinned else None)
        with _open(args.bundle) as stream:
            report = check.run(stream)
    except UnreadableError as error:
        return _unreadable(error)
    except OSError as error:
        return _unreadable(_cannot_read(error))
    if not report.intact:
        return _tell_findings(report)
    _tell_intact(report, pinned_key=bool(args.key or args.pinned))
    return _save_checkpoint(report, args.save_checkpoint) if args.save_checkpoint else INTACT


def run_receipt(args: argparse.Namespace) -> int:
    """``audit receipt``: print what the receipt says and give the exit status."""
    try:
        pins = read_keys(args.key)
        document = _read_small(args.receipt, MAX_RECEIPT)
        if not looks_like_receipt(document):
            raise UnreadableError("これは通関証ではありません", "this is not a receipt")
        if args.file is None:
            report = check_receipt(document, pins)
        else:
            with _open(args.file) as file:
                report = check_receipt(document, pins, file)
    except UnreadableError as error:
        return _unreadable(error)
    except OSError as error:
        return _unreadable(_cannot_read(error))
    if report.code is not None:
        _say(*report.sentences())
        return TAMPERED
    _tell_receipt(report, with_file=args.file is not None)
    if not pins and report.public is not None:
        _tell_not_pinned([report.public])
    return INTACT


# What is pinned -------------------------------------------------------------------------------------------------------


def read_keys(values: Sequence[str] | None) -> list[bytes]:
    """The pinned keys: public keys or their SHA-256, 32 bytes each. Raises UnreadableError.

    A value is a file or the text itself: ``name+id+base64``, the fingerprint (with or without ``SHA256:``), 32 bytes in
    base64 or hex, or a PEM public key. A file may hold several, one a line; lines that begin with ``#`` are left out.
    """
    keys = []
    for value in values or ():
        is_file = _is_file(value)
        text = _read_small(value, MAX_KEY_FILE).decode("utf-8", "replace") if is_file else value
        if "-----BEGIN" in text:
            keys.append(_read_pem(text))
            continue
        found = [_read_key(line.strip()) for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
        if not found:
            raise _no_key()
        keys += found
    return keys


def _read_key(text: str) -> bytes:
    try:
        if text.count("+") >= 2 and len(text) > 44:
            return parse_verifier_key(text).public
        bare = text.removeprefix("SHA256:")
        value = bytes.fromhex(bare) if len(bare) == 64 else b64decode(bare, validate=True)
    except ValueError:
        raise _no_key() from None
    if len(value) != 32:
        raise _no_key()
    return value


def _read_pem(text: str) -> bytes:
    try:
        key = load_pem_public_key(text.encode())
    except ValueError:
        raise _no_key() from None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key()
    return key.public_bytes_raw()


def _no_key() -> UnreadableError:
    return UnreadableError(
        "--key が公開鍵として読めません（Ed25519 の公開鍵、指紋、またはそのファイルを指定してください）",
        "--key is no public key (give an Ed25519 public key, its fingerprint, or a file with it)",
    )


def read_pinned(path: str) -> SignedHead:
    """The checkpoint in a file: a signed note, or the last one of an earlier bundle. Raises UnreadableError."""
    with _open(path) as stream:
        start = stream.read(MAX_NOTE)
        text = start
        if start.startswith(b"{"):
            stream.seek(0)
            text = b""
            for line in stream:
                text = line[:-1] if line.startswith(b'{"checkpoint":') else text
    try:
        return parse_note(canonical(text)["checkpoint"] if start.startswith(b"{") else text.decode())
    except (ValueError, TypeError, KeyError):
        raise UnreadableError(
            "--pinned が署名済み先頭として読めません",
            "--pinned holds no checkpoint (give a signed note or an earlier bundle)",
        ) from None


# What is said ---------------------------------------------------------------------------------------------------------


def _tell_findings(report: Report) -> int:
    _say("改ざんが見つかりました:", "TAMPERED:")
    for finding in report.findings:
        _say(f"  {finding.ja}", f"  {finding.en}")
    if report.total > len(report.findings):
        more = report.total - len(report.findings)
        _say(f"  ほか {more} 件", f"  and {more} more")
    _say(
        "このファイルと元のデータを保全し、監査担当者に知らせてください。",
        "Keep this file and the data it came from as they are, and tell the auditor.",
    )
    return TAMPERED


def _tell_intact(report: Report, *, pinned_key: bool) -> None:
    _say(
        f"改ざんは見つかりませんでした: 監査記録 {report.leaves} 件、署名済み先頭 {report.checkpoints} 個",
        f"Intact: {report.leaves} leaves, {report.checkpoints} checkpoints",
    )
    if report.first_at is not None and report.last_at is not None:
        span = f"{_time(report.first_at)} - {_time(report.last_at)}"
        _say(f"期間: {span}", f"Time: {span}")
    for index in report.clock_back:
        _say(
            f"注意: 監査記録 {index} の前で時計が戻っています（改ざんではありません）",
            f"Note: the clock was set back before leaf {index} (no tampering)",
        )
    if not pinned_key:
        _tell_not_pinned([key.public for key in report.keys])


def _tell_receipt(report: ReceiptReport, *, with_file: bool) -> None:
    receipt = report.receipt or {}
    removed = ", ".join(f"{ascii(one['kind'])[1:-1]} {one['count']}" for one in receipt["removed"]) or "-"
    way = f"{ascii(receipt['made_in'])[1:-1]} -> {ascii(receipt['read_in'])[1:-1]} ({receipt['treatment']})"
    _say("通関証は正しく署名されています", "Intact: the receipt is signed and unaltered")
    _say(f"越境: {way}、{_time(receipt['at'])}、監査記録 {receipt['leaf']}", f"Crossing: {way}, leaf {receipt['leaf']}")
    _say(f"取り除いたもの: {removed}", f"Removed: {removed}")
    _say(f"無害化済み SHA-256: {receipt['output']['sha256']}", f"Rebuilt file: {receipt['output']['size']} bytes")
    if with_file:
        _say("ファイルは通関証と一致します", "The file is the one of the receipt")


def _tell_not_pinned(keys: Sequence[bytes]) -> None:
    _say(
        "鍵は固定されていません: 下の指紋を、導入時に受け取った指紋と比べてください（次からは --key で指定）",
        "key not pinned: compare this fingerprint with the one given at installation (then use --key)",
    )
    for key in keys:
        print(f"  {fingerprint(key)}")


def _time(at_ms: int) -> str:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")
    except OverflowError:
        return f"{at_ms} ms"


def _unreadable(error: UnreadableError) -> int:
    _say(error.ja, error.en, stream=sys.stderr)
    return UNREADABLE


def _say(ja: str, en: str, stream: TextIO | None = None) -> None:
    """Both sentences; what the terminal cannot show is escaped rather than failing the check."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    for text in (ja, en):
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


# Files ----------------------------------------------------------------------------------------------------------------


def _open(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:
        raise _cannot_read(error) from None


def _read_small(path: str, limit: int) -> bytes:
    with _open(path) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise UnreadableError(f"ファイルが大きすぎます（{limit} バイトまで）", f"the file is larger than {limit} bytes")
    return data


def _is_file(value: str) -> bool:
    try:
        return Path(value).is_file()
    except (OSError, ValueError):
        return False


def _cannot_read(error: Exception) -> UnreadableError:
    reason = getattr(error, "strerror", None) or str(error)
    return UnreadableError(f"ファイルを読めません: {reason}", f"cannot read the file: {reason}")


def _save_checkpoint(report: Report, path: str) -> int:
    try:
        Path(path).write_text(report.newest, encoding="utf-8")
    except OSError as error:
        _say(
            f"署名済み先頭を書けません: {error.strerror}", f"cannot write the checkpoint: {error.strerror}", sys.stderr
        )
        return UNREADABLE
    return INTACT


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        metavar="K",
        action="append",
        help="信頼する公開鍵・指紋・そのファイル（繰り返し可）/ trusted key, fingerprint or file (repeatable)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The two commands without the rest of Sekisho."""
    parser = argparse.ArgumentParser(prog="audit_verify", description=__doc__.splitlines()[0] if __doc__ else None)
    add_audit_parsers(parser.add_subparsers(required=True))
    args = parser.parse_args(argv)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
