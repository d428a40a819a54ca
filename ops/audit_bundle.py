"""An export bundle checked line by line: what is wrong with it, and where.

Rules kept here:
- Every line is written again from what was read and compared: no byte of the bundle is free.
- A finding speaks in codes, numbers and hashes, never in words of the bundle: nothing in it can paint the terminal.
- The tree is compared at every checkpoint, until something is missing, misplaced or unlike a checkpoint; from then on
  there is a finding, and each further leaf is still held against its own hash.
- One line is kept at a time, whatever the size of the record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, BinaryIO

from ops.audit_format import (
    Key,
    SignedHead,
    Tree,
    UnreadableError,
    canonical,
    dumps,
    fingerprint,
    is_whole,
    parse_note,
    parse_verifier_key,
    read_leaf,
)

FORMAT = "sekisho-audit-bundle-1"
MAX_LINE = 1 << 20
MAX_FINDINGS = 100
SKEW_MS = 10_000  # acts that wait for the writer may be recorded a little out of order

# code → what was found, in Japanese and English; what to do stands once, at the end of the report
FINDINGS = {
    "header": (
        "1 行目: 見出しが正しい形式ではありません（書き換えられたか、新しい版で作られています）",
        "line 1: the header is not of this format (altered, or written by a newer version)",
    ),
    "line": (
        "{line} 行目（監査記録 {at} の位置）: 行が壊れています",
        "line {line} (at leaf {at}): the line is damaged",
    ),
    "leaf-altered": (
        "監査記録 {at}: 内容が保存されたハッシュと一致しません（書き換えられています）",
        "leaf {at}: its content does not match its stored hash (altered)",
    ),
    "leaf-form": (
        "監査記録 {at}: 監査記録の正規の形式ではありません",
        "leaf {at}: this is not the canonical form of a record",
    ),
    "missing": ("監査記録 {at}～{last} がありません（削除）", "leaves {at} to {last} are missing (deleted)"),
    "order": (
        "監査記録 {at}: 順序が入れ替わっているか、重複しています",
        "leaf {at}: out of order (swapped) or there twice",
    ),
    "time": (
        "監査記録 {at}: 同じ起動の中で時刻（単調時計）が大きく戻っています",
        "leaf {at}: the monotonic time goes far back within one boot",
    ),
    "range": (
        "監査記録 {at}～{last}（署名済み先頭 {at} 件と {size} 件の間）が書き換え・削除・追加・入れ替えされています",
        "leaves {at} to {last} (between the checkpoints of {at} and {size}) were altered, removed, added or swapped",
    ),
    "tail": (
        "監査記録 {last} より後（末尾）がありません: 署名済み先頭は {size} 件、実際は {at} 件です",
        "the tail after leaf {last} is missing: checkpoint says {size} leaves, there are {at}",
    ),
    "uncovered": (
        "監査記録 {at}～{last} は署名済み先頭に含まれていません（後から追加された可能性）",
        "leaves {at} to {last} are under no checkpoint (perhaps added afterwards)",
    ),
    "unsigned": (
        "署名済み先頭が一つもありません（何も署名されていません）",
        "there is no checkpoint: nothing here is signed",
    ),
    "checkpoint": (
        "{line} 行目: {size} 件の署名済み先頭が正しい形式ではありません",
        "line {line}: the checkpoint of {size} leaves is malformed",
    ),
    "checkpoint-order": (
        "{line} 行目: {size} 件の署名済み先頭の位置・順序・時刻が正しくありません",
        "line {line}: the checkpoint of {size} leaves stands in a wrong place, order or time",
    ),
    "signature": (
        "{line} 行目: {size} 件の署名済み先頭の署名が正しくありません",
        "line {line}: the signature of the checkpoint of {size} leaves is wrong",
    ),
    "head": ("保存された先頭（件数とハッシュ）が記録と一致しません", "the stored tree head does not match the leaves"),
    "end": (
        "{line} 行目: 終わりの行がないか、件数が一致しません（監査記録 {at} の位置）",
        "line {line}: the end line is missing or its counts are wrong (at leaf {at})",
    ),
    "unused-key": ("見出しに署名していない鍵があります", "the header names a key that signed nothing"),
    "key": (
        "署名の鍵が指定の鍵と違います: {key}（鍵を更新した場合は、両方を --key で指定してください）",
        "signed with another key than the pinned one: {key} (after a key change, name both with --key)",
    ),
    "pinned-origin": ("固定した先頭は別の記録のものです", "the pinned checkpoint is of another log"),
    "pinned-key": (
        "固定した先頭は、この記録の鍵で署名されていません",
        "the pinned checkpoint is not signed with a key of this bundle",
    ),
    "pinned-differs": (
        "監査記録 0～{last}: 固定した先頭（{size} 件）と一致しません（過去の記録が書き換えられています）",
        "leaves 0 to {last}: they differ from the pinned checkpoint of {size} leaves (the past was rewritten)",
    ),
    "pinned-newer": (
        "監査記録 {last} より後がありません: 固定した先頭は {size} 件、実際は {at} 件です（古い写しか、末尾の削除）",
        "the tail after leaf {last} is missing: the pinned checkpoint says {size}, there are {at} (old copy or cut)",
    ),
}

_LEAF_LINE = re.compile(rb'\{"hash":"([0-9a-f]{64})","index":(0|[1-9][0-9]{0,15}),"leaf":(.*)\}\n', re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: its code, the leaf index where it stands, both sentences."""

    code: str
    at: int
    ja: str
    en: str


@dataclass
class Report:
    """What a check found. Intact means: no finding."""

    findings: list[Finding] = field(default_factory=list)
    total: int = 0
    leaves: int = 0
    checkpoints: int = 0
    keys: list[Key] = field(default_factory=list)
    newest: str = ""  # the last checkpoint, as a note
    first_at: int | None = None
    last_at: int | None = None
    clock_back: list[int] = field(default_factory=list)  # leaves before which the wall clock was set back

    @property
    def intact(self) -> bool:
        return self.total == 0


class BundleCheck:
    """Reads a bundle line by line. ``pins``: public keys or their hashes; ``pinned``: a checkpoint known to be true."""

    def __init__(self, pins: Sequence[bytes] = (), pinned: SignedHead | None = None) -> None:
        self.report = Report()
        self._pins, self._pinned = list(pins), pinned
        self._origin: object = None
        self._used: set[Key] = set()
        self._line = 0
        self._next = 0  # the index of the next leaf
        self._missing: list[tuple[int, int]] = []
        self._trees = [Tree()]  # a second one while it is open whether a leaf or its stored hash was altered
        self._whole = True  # False after the first leaf that is missing, misplaced or unlike a checkpoint
        self._agreed = 0  # size of the last checkpoint that the leaves agree with
        self._head: SignedHead | None = None
        self._damaged = False  # the line before was damaged
        self._ended = False
        self._mono: dict[str, int] = {}

    def run(self, stream: BinaryIO) -> Report:
        """Check everything. Raises UnreadableError if this is no bundle at all."""
        first, second = stream.readline(MAX_LINE), stream.readline(MAX_LINE)
        if FORMAT[:-2].encode() not in first and not second.startswith((b'{"hash":"', b'{"checkpoint')):
            raise UnreadableError("これは監査記録の書き出しファイルではありません", "this is not an audit bundle")
        self._line = 1
        self._header(first)
        self._compare_with_pinned()
        raw = second
        while raw:
            self._line += 1
            self._one(raw)
            raw = stream.readline(MAX_LINE)
        self._finish()
        return self.report

    def _one(self, raw: bytes) -> None:
        leaf = _LEAF_LINE.fullmatch(raw)
        if self._ended:
            self._find("end", at=self._next)
        elif leaf is not None:
            self._leaf(leaf[1], int(leaf[2]), leaf[3])
            self._damaged = False
        elif raw.startswith(b'{"checkpoint":'):
            self._checkpoint(raw)
        elif raw.startswith(b'{"checkpoints":'):
            self._end(raw)
        else:
            self._find("line", at=self._next)
            self._damaged = True

    def _find(self, code: str, *, at: int = 0, **facts: object) -> None:
        report = self.report
        report.total += 1
        if len(report.findings) < MAX_FINDINGS:
            ja, en = (text.format(at=at, line=self._line, **facts) for text in FINDINGS[code])
            report.findings.append(Finding(code, at, ja, en))

    # header

    def _header(self, raw: bytes) -> None:
        try:
            header = canonical(raw[:-1])
            if raw[-1:] != b"\n" or type(header) is not dict or tuple(header) != ("format", "keys", "origin"):
                raise ValueError("not a header")
            keys = [parse_verifier_key(text) for text in header["keys"]]
            if header["format"] != FORMAT or header["keys"] != sorted(set(header["keys"])) or not keys:
                raise ValueError("another format")
        except (ValueError, TypeError):
            self._find("header")
            return
        self._origin, self.report.keys = header["origin"], keys
        self._check_pins()

    def _check_pins(self) -> None:
        trusted = list(self._pins)
        if self._pinned is not None:
            signers = [key.public for key in self.report.keys if self._pinned.signed_by(key)]
            trusted += signers
            if self._pinned.origin != self._origin:
                self._find("pinned-origin")
            elif not signers:
                self._find("pinned-key")
        for key in self.report.keys if trusted else ():
            if key.public not in trusted and sha256(key.public).digest() not in trusted:
                self._find("key", key=fingerprint(key.public))

    # leaves

    def _leaf(self, stored_hex: bytes, index: int, data: bytes) -> None:
        if self._head is not None and index < self._head.size:
            self._find("checkpoint-order", at=index, size=self._head.size)
        if index != self._next:
            self._misplaced(index)
        computed, stored = sha256(b"\x00" + data).digest(), bytes.fromhex(stored_hex.decode())
        if computed != stored:
            self._find("leaf-altered", at=index)
            if len(self._trees) == 1:
                self._trees.append(Tree(self._trees[0].levels))
        leaf = read_leaf(data)
        if leaf is None:
            self._find("leaf-form", at=index)
        else:
            self._times(index, leaf)
        self._trees[-1].push(computed)
        if len(self._trees) == 2:
            self._trees[0].push(stored)
        self.report.leaves += 1
        self._next = max(self._next, index + 1)
        self._compare_with_pinned()

    def _misplaced(self, index: int) -> None:
        """A leaf that is not the next one: leaves are missing before it, or it comes too late."""
        self._whole = False
        if index > self._next:
            if not (self._damaged and index == self._next + 1):
                self._missing.append((self._next, index - 1))
            return
        self._find("order", at=index)
        self._missing = [
            part
            for low, high in self._missing
            for part in ([(low, index - 1), (index + 1, high)] if low <= index <= high else [(low, high)])
            if part[0] <= part[1]
        ]

    def _times(self, index: int, leaf: dict[str, Any]) -> None:
        at, mono = leaf["at"], int(leaf["mono"])
        report = self.report
        if report.last_at is not None and at < report.last_at - SKEW_MS and len(report.clock_back) < MAX_FINDINGS:
            report.clock_back.append(index)
        if mono < self._mono.get(leaf["boot"], 0) - SKEW_MS * 1_000_000:
            self._find("time", at=index)
        self._mono[leaf["boot"]] = mono
        report.first_at = at if report.first_at is None else report.first_at
        report.last_at = at

    def _agrees(self, root: bytes) -> bool:
        """True if the leaves so far have this root; then an open question which hash was altered is decided too."""
        matching = [tree for tree in self._trees if tree.root() == root]
        self._trees = matching[:1] or self._trees
        return bool(matching)

    def _compare_with_pinned(self) -> None:
        pinned = self._pinned
        if pinned is not None and pinned.size == self._next and self._whole and not self._agrees(pinned.root):
            self._find("pinned-differs", size=pinned.size, last=pinned.size - 1)

    # checkpoints

    def _checkpoint(self, raw: bytes) -> None:
        try:
            line = canonical(raw[:-1])
            if raw[-1:] != b"\n" or tuple(line) != ("checkpoint", "size") or type(line["checkpoint"]) is not str:
                raise ValueError("not a checkpoint line")
            head = parse_note(line["checkpoint"])
            if head.size != line["size"] or type(line["size"]) is not int or len(head.signatures) != 1:
                raise ValueError("not a checkpoint of ours")
        except (ValueError, TypeError):
            self._find("checkpoint", at=self._next, size=self._next)
            return
        self.report.checkpoints += 1
        self._check_signature(head)
        last = self._head
        if head.size < self._next or (last is not None and (head.size < last.size or head.at <= last.at)):
            self._find("checkpoint-order", at=self._next, size=head.size)
        self._check_root(head)
        self._head, self.report.newest = head, line["checkpoint"]

    def _check_signature(self, head: SignedHead) -> None:
        signers = [key for key in self.report.keys if head.signed_by(key)]
        self._used.update(signers)
        if self.report.keys and (not signers or head.origin != self._origin):
            self._find("signature", at=head.size, size=head.size)

    def _check_root(self, head: SignedHead) -> None:
        if not self._whole or head.size != self._next:
            return
        if self._agrees(head.root):
            self._agreed = head.size
        else:
            self._whole = False
            self._find("range", at=self._agreed, last=head.size - 1, size=head.size)

    # the end

    def _end(self, raw: bytes) -> None:
        self._ended = True
        try:
            line = canonical(raw[:-1])
            counts, size, root = (line["checkpoints"], line["leaves"]), line["head"]["size"], line["head"]["root"]
            again = {"checkpoints": counts[0], "head": {"root": root, "size": size}, "leaves": counts[1]}
            if raw != dumps(again).encode() + b"\n" or not is_whole(size, least=0) or type(root) is not str:
                raise ValueError("not an end line")
        except (ValueError, TypeError, KeyError):
            self._find("end", at=self._next)
            return
        if dumps(counts) != dumps((self.report.checkpoints, self.report.leaves)):
            self._find("end", at=self._next)
        if size > self._next:
            self._tail(size)
        elif size != self._next or (self._whole and root != self._trees[0].root().hex()):
            self._find("head", at=self._next)

    def _tail(self, size: int) -> None:
        if not any(found.code == "tail" for found in self.report.findings):
            self._find("tail", at=self._next, last=self._next - 1, size=size)

    def _finish(self) -> None:
        size = 0 if self._head is None else self._head.size
        if not self._ended:
            self._find("end", at=self._next)
        if size > self._next:
            self._tail(size)
        elif size < self._next:
            self._find("uncovered", at=size, last=self._next - 1)
        elif self._head is None:
            self._find("unsigned")
        for low, high in self._missing:
            self._find("missing", at=low, last=high)
        if self._pinned is not None and self._pinned.size > self._next:
            self._find("pinned-newer", at=self._next, last=self._next - 1, size=self._pinned.size)
        if set(self.report.keys) - self._used and not self.report.findings:
            self._find("unused-key")
        self.report.findings.sort(key=lambda found: found.at)
