"""The offline verifier against a log that is changed in every way that its keeper, a thief or a bad disk could."""

from __future__ import annotations

import argparse
import ast
import io
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ops import audit_verify
from ops.audit_bundle import BundleCheck, Report
from ops.audit_format import SignedHead, fingerprint, parse_note
from rooms.audit import (
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
SIGNER = NoteSigner(bytes(range(32)), ORIGIN)
THIEF = NoteSigner(bytes(32), ORIGIN)
START = 1_800_000_000_000
Row = tuple[int, bytes, bytes]


@dataclass
class Log:
    """What a store holds: rows (index, leaf, hash), checkpoints (size, note), the head."""

    rows: list[Row] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    head: tuple[int, bytes] = (0, b"")
    keys: list[str] = field(default_factory=list)

    def bundle(self) -> bytes:
        out = io.BytesIO()
        write_bundle(out, ORIGIN, self.keys, self.rows, self.notes, self.head)
        return out.getvalue()

    def copy(self) -> Log:
        return replace(self, rows=list(self.rows), notes=list(self.notes), keys=list(self.keys))


def record(number: int, **changes: object) -> bytes:
    fields: dict[str, object] = {
        "at": START + 1000 * number, "mono": 10**12 + 10**9 * number, "boot": "b1", "actor": f"p_{number % 7}",
        "zone": "lgwan", "action": "message.post", "outcome": "done", "object": f"m_{number}", "policy": "beta/1",
        "notes": {"forwarded": True} if number % 5 == 0 else {},
    }  # fmt: skip
    return encode_leaf(Leaf(**{**fields, **changes}))  # type: ignore[arg-type]


def make_log(size: int, *, every: int = 7, signer: NoteSigner = SIGNER, name: str = "m") -> Log:
    """A true log: a checkpoint every ``every`` leaves and at the end, and one more of the same size when idle."""
    log = Log(keys=[verifier_key(signer.name, signer.public_key)])
    frontier = Frontier()
    for at in range(size):
        if at and at % every == 0:
            sign(log, frontier, signer)
        data = record(at, object=f"{name}_{at}")
        log.rows.append((at, data, leaf_hash(data)))
        frontier = frontier.append(log.rows[-1][2])
    sign(log, frontier, signer)
    sign(log, frontier, signer)
    log.head = (size, frontier.root())
    return log


def sign(log: Log, frontier: Frontier, signer: NoteSigner, *, at: int | None = None) -> None:
    when = START + 1000 * frontier.size + len(log.notes) if at is None else at
    log.notes.append((frontier.size, checkpoint(ORIGIN, frontier.size, frontier.root(), when, signer)))


def renumber(rows: list[Row]) -> list[Row]:
    return [(at, data, stored) for at, (_, data, stored) in enumerate(rows)]


def rewrite(row: Row, **changes: object) -> Row:
    """The row with other content and a hash that fits it: what someone with the database's password can do."""
    data = record(row[0], **changes)
    return (row[0], data, leaf_hash(data))


def verify(bundle: bytes, pins: list[bytes] | None = None, pinned: SignedHead | None = None) -> Report:
    return BundleCheck(pins or (), pinned).run(io.BytesIO(bundle))


def codes(report: Report) -> set[str]:
    return {found.code for found in report.findings}


def assert_says(report: Report, code: str, at: int | None = None) -> None:
    found = [(one.code, one.at) for one in report.findings]
    assert any(one == code and (at is None or at == where) for one, where in found), (code, at, found)


def span(log: Log, index: int) -> tuple[int, int]:
    """The sizes of the checkpoints on both sides of a leaf."""
    sizes = sorted({0, *(size for size, _ in log.notes)})
    return max(one for one in sizes if one <= index), min(one for one in sizes if one > index)


# Clean logs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 63, 64, 65, 200])
def test_a_true_log_is_intact(size: int) -> None:
    log = make_log(size)
    report = verify(log.bundle(), [SIGNER.public_key], parse_note(log.notes[0][1]))
    assert report.findings == []
    assert (report.leaves, report.checkpoints) == (size, len(log.notes))


def test_no_false_alarm_in_a_thousand_true_logs() -> None:
    chance = random.Random(1)
    for _ in range(1000):
        log = make_log(chance.randrange(0, 30), every=chance.randrange(1, 12))
        pinned = parse_note(chance.choice(log.notes)[1])
        assert verify(log.bundle(), None, pinned).findings == []


def test_the_same_log_gives_the_same_bytes() -> None:
    assert make_log(20).bundle() == make_log(20).bundle()


def test_a_log_of_two_boots_whose_wall_clock_was_set_back_is_intact_with_a_note() -> None:
    log, frontier = make_log(0), Frontier()
    log.notes.clear()
    rows = [record(0), record(1), record(0, at=START - 3_600_000, boot="b2", mono=1), record(3, boot="b2", mono=2)]
    log.rows = [(at, data, leaf_hash(data)) for at, data in enumerate(rows)]
    frontier = frontier.extend([row[2] for row in log.rows])
    sign(log, frontier, SIGNER)
    log.head = (4, frontier.root())
    report = verify(log.bundle())
    assert report.intact
    assert report.clock_back == [2]


# Attacks on the rows (each at many places) ----------------------------------------------------------------------------

PLACES = range(100)


def places(size: int, low: int = 0) -> list[tuple[Log, int]]:
    chance = random.Random(size)
    log = make_log(size)
    return [(log.copy(), chance.randrange(low, size)) for _ in PLACES]


def test_an_edited_row_is_named() -> None:
    for log, at in places(60):
        index, _, stored = log.rows[at]
        log.rows[at] = (index, record(at, actor="p_other"), stored)
        report = verify(log.bundle())
        assert [(one.code, one.at) for one in report.findings] == [("leaf-altered", at)]


def test_an_edited_row_with_its_hash_made_to_fit_is_found_between_two_checkpoints() -> None:
    for log, at in places(60):
        log.rows[at] = rewrite(log.rows[at], actor="p_other")
        report = verify(log.bundle())
        low, high = span(log, at)
        assert codes(report) == {"range"}
        assert report.findings[0].at == low
        assert f"{low} to {high - 1} " in report.findings[0].en


def test_a_changed_bit_in_a_stored_hash_is_named() -> None:
    for log, at in places(60):
        index, data, stored = log.rows[at]
        log.rows[at] = (index, data, bytes([stored[0] ^ 1]) + stored[1:])
        assert [(one.code, one.at) for one in verify(log.bundle()).findings] == [("leaf-altered", at)]


def test_a_deleted_row_is_named() -> None:
    for log, at in places(60):
        del log.rows[at]
        assert_says(verify(log.bundle()), "missing" if at < 59 else "tail", at)


def test_a_deleted_row_hidden_by_new_numbers_is_found() -> None:
    for log, at in places(60):
        low, _ = span(log, at)
        log.rows = renumber(log.rows[:at] + log.rows[at + 1 :])
        report = verify(log.bundle())
        assert_says(report, "tail", 59)
        if at < 56:
            assert_says(report, "range", low)


def test_a_deleted_tail_is_named_with_what_the_checkpoint_says() -> None:
    for log, at in places(60):
        del log.rows[at:]
        report = verify(log.bundle())
        assert_says(report, "tail", at)
        assert f"after leaf {at - 1} is missing: checkpoint says 60 leaves, there are {at}" in report.findings[-1].en


def test_a_tail_deleted_after_the_last_checkpoint_shows_in_the_stored_head() -> None:
    log = make_log(60)
    log.head = (63, log.head[1])
    assert_says(verify(log.bundle()), "tail", 60)


def test_a_tail_deleted_with_its_checkpoints_and_head_shows_against_the_pinned_checkpoint() -> None:
    for log, at in places(60, low=8):
        pinned = parse_note(log.notes[-1][1])
        older = make_log(at)
        assert verify(older.bundle()).intact  # nothing in the file itself can tell
        assert codes(verify(older.bundle(), None, pinned)) == {"pinned-newer"}


def test_two_swapped_rows_are_named() -> None:
    for log, at in places(60, low=1):
        log.rows[at - 1], log.rows[at] = log.rows[at], log.rows[at - 1]
        assert_says(verify(log.bundle()), "order", at - 1)


def test_two_rows_with_swapped_content_are_found() -> None:
    for log, at in places(60, low=1):
        other = (at * 31) % at
        one, two = log.rows[at], log.rows[other]
        log.rows[at], log.rows[other] = (at, *two[1:]), (other, *one[1:])
        assert_says(verify(log.bundle()), "range", span(log, other)[0])


def test_an_inserted_back_dated_row_is_found() -> None:
    for log, at in places(60):
        data = record(at, actor="p_forged")
        log.rows = renumber([*log.rows[:at], (at, data, leaf_hash(data)), *log.rows[at:]])
        report = verify(log.bundle())
        assert_says(report, "range", span(log, at)[0])
        assert_says(report, "uncovered", 60)


def test_a_duplicated_row_is_named() -> None:
    for log, at in places(60):
        log.rows.insert(at, log.rows[at])
        assert_says(verify(log.bundle()), "order", at)


def test_rows_added_after_the_last_checkpoint_are_named() -> None:
    log = make_log(60)
    data = record(60)
    log.rows.append((60, data, leaf_hash(data)))
    log.head = (61, Frontier().extend([row[2] for row in log.rows]).root())
    assert codes(verify(log.bundle())) == {"uncovered"}


def test_everything_rewritten_by_someone_without_the_key_is_found() -> None:
    forged = make_log(60, signer=THIEF, name="forged")
    true = make_log(60)
    assert verify(forged.bundle()).intact  # a key that comes with the file proves nothing, and the report says so
    assert "key" in codes(verify(forged.bundle(), [SIGNER.public_key]))
    assert "pinned-key" in codes(verify(forged.bundle(), None, parse_note(true.notes[3][1])))
    forged.keys = true.keys
    assert "signature" in codes(verify(forged.bundle()))


def test_a_past_rewritten_and_signed_again_with_the_stolen_key_shows_against_the_pinned_checkpoint() -> None:
    true, forged = make_log(60), make_log(60, name="forged")
    for _, note in true.notes:
        assert codes(verify(forged.bundle(), [SIGNER.public_key], parse_note(note))) == {"pinned-differs"}


def test_a_fork_shows_to_the_reader_of_the_other_branch() -> None:
    one, two = make_log(60), make_log(60)
    two.rows[59] = rewrite(two.rows[59], actor="p_other")
    two.notes = two.notes[:-2]
    frontier = Frontier().extend([row[2] for row in two.rows])
    sign(two, frontier, SIGNER)
    two.head = (60, frontier.root())
    assert verify(two.bundle()).intact
    assert "pinned-differs" in codes(verify(two.bundle(), None, parse_note(one.notes[-1][1])))


def test_all_dropped_and_begun_again_shows_against_the_pinned_checkpoint() -> None:
    pinned = parse_note(make_log(60).notes[-1][1])
    assert "pinned-newer" in codes(verify(make_log(5, name="new").bundle(), None, pinned))


# Attacks on the checkpoints -------------------------------------------------------------------------------------------


def test_a_checkpoint_that_goes_back_in_size_or_time_is_found() -> None:
    log = make_log(30)
    sign(log, Frontier().extend([row[2] for row in log.rows[:21]]), SIGNER, at=START + 10**9)
    assert_says(verify(log.bundle()), "checkpoint-order")
    log = make_log(30)
    sign(log, Frontier().extend([row[2] for row in log.rows]), SIGNER, at=START)
    assert_says(verify(log.bundle()), "checkpoint-order")


@pytest.mark.parametrize("at", range(6))
def test_checkpoints_deleted_repeated_or_swapped_in_the_file_are_found(at: int) -> None:
    lines = make_log(30).bundle().splitlines(keepends=True)
    where = [number for number, line in enumerate(lines) if line.startswith(b'{"checkpoint":')]
    one, other = where[at], where[at - 1]
    deleted, repeated, swapped = list(lines), list(lines), list(lines)
    del deleted[one]
    repeated.insert(one, lines[one])
    swapped[one], swapped[other] = lines[other], lines[one]
    for changed in (deleted, repeated, swapped):
        assert not verify(b"".join(changed)).intact


@pytest.mark.parametrize("at", range(5))
def test_a_checkpoint_moved_by_one_line_is_found(at: int) -> None:
    lines = make_log(30).bundle().splitlines(keepends=True)
    one = [number for number, line in enumerate(lines) if line.startswith(b'{"checkpoint":')][at]
    for other in {one - 1, one + 1} - {at for at, line in enumerate(lines) if line.startswith(b'{"checkpoint')}:
        changed = list(lines)
        changed[one], changed[other] = lines[other], lines[one]
        assert_says(verify(b"".join(changed)), "checkpoint-order")


def test_checkpoints_out_of_order_are_found_also_where_the_leaves_are_gone() -> None:
    log, shorter = make_log(30), Frontier().extend([row[2] for row in make_log(30).rows[:25]])
    sign(log, shorter, SIGNER, at=START + 10**9)
    del log.rows[20:]
    assert_says(verify(log.bundle()), "checkpoint-order")


def test_a_signature_that_nobody_can_check_is_found() -> None:
    log = make_log(9)
    size, note = log.notes[-1]
    log.notes[-1] = (size, note + THIEF.sign("").splitlines(keepends=True)[-1])
    assert_says(verify(log.bundle()), "checkpoint")


def test_keys_twice_or_out_of_order_in_the_header_are_found() -> None:
    log = make_log(9)
    sign(log, Frontier().extend([row[2] for row in log.rows]), THIEF, at=START + 10**9)
    log.keys.append(verifier_key(ORIGIN, THIEF.public_key))
    bundle = log.bundle()
    one, other = (f'"{key}"'.encode() for key in sorted(log.keys))
    assert verify(bundle).intact
    assert codes(verify(bundle.replace(one + b"," + other, other + b"," + one))) == {"header"}
    assert codes(verify(bundle.replace(one + b",", one + b"," + one + b","))) == {"header"}


def test_a_key_change_is_intact_when_both_keys_are_named() -> None:
    log = make_log(20)
    frontier = Frontier().extend([row[2] for row in log.rows])
    sign(log, frontier, THIEF, at=START + 10**9)
    log.keys.append(verifier_key(ORIGIN, THIEF.public_key))
    assert verify(log.bundle(), [SIGNER.public_key, THIEF.public_key]).intact
    assert codes(verify(log.bundle(), [SIGNER.public_key])) == {"key"}
    log.notes.pop()
    assert codes(verify(log.bundle())) == {"unused-key"}


def test_a_log_without_any_checkpoint_is_not_intact() -> None:
    log = make_log(5)
    log.notes.clear()
    assert_says(verify(log.bundle()), "uncovered", 0)
    log.rows.clear()
    log.head = (0, Frontier().root())
    assert_says(verify(log.bundle()), "unsigned")


def test_a_pinned_checkpoint_of_another_log_is_refused() -> None:
    other = checkpoint("city.example/audit", 0, Frontier().root(), START, SIGNER)
    assert "pinned-origin" in codes(verify(make_log(5).bundle(), None, parse_note(other)))


# Bytes ----------------------------------------------------------------------------------------------------------------


def test_no_byte_of_a_bundle_is_free() -> None:
    """Every byte changed three ways, removed and doubled: all found, none taken for something that is no bundle."""
    bundle = make_log(4, every=2).bundle()
    for at, byte in enumerate(bundle):
        for middle in (bytes([byte ^ 1]), bytes([byte ^ 0x20]), bytes([byte ^ 0x80]), b"", bytes([byte, byte])):
            changed = bundle[:at] + middle + bundle[at + 1 :]
            assert changed != bundle
            assert not verify(changed).intact, (at, middle)


def test_random_damage_is_always_found() -> None:
    bundle = make_log(40).bundle()
    chance = random.Random(7)
    for _ in range(500):
        at, size = chance.randrange(len(bundle)), chance.randrange(1, 400)
        damage = chance.choice([b"", chance.randbytes(size), bundle[at - size : at], bundle[at : at + size][::-1]])
        changed = bundle[:at] + damage + bundle[at + size :]
        if changed != bundle:
            assert not verify(changed, None).intact


def test_a_bundle_cut_anywhere_says_that_the_end_is_missing() -> None:
    bundle = make_log(9, every=4).bundle()
    for end in range(bundle.index(b"\n") + 1, len(bundle)):
        assert_says(verify(bundle[:end]), "end")


def test_lines_after_the_end_are_found() -> None:
    bundle = make_log(9).bundle()
    for more in (b"\n", b"x", bundle.splitlines(keepends=True)[1]):
        assert_says(verify(bundle + more), "end")


@pytest.mark.parametrize(
    "data",
    [
        b'{"at":1}',
        b"[1]",
        b"not json",
        b'"\xff"',
        b"[" * 30_000,
        record(3) + b" ",
        record(3).replace(b'"at":', b'"at":1.5,"x":'),
        record(3).replace(b'"notes":{}', b'"notes":{"x":1.5}'),
        record(3).replace(b'"notes":{}', b'"notes":{"x":[]}'),
        record(3).replace(b'"notes":{}', b'"notes":{"x":' + b"9" * 5000 + b"}"),
        record(3).replace(b'"role":""', b'"role":null'),
        record(3).replace(b'"role":""', b'"role":"' + b"r" * 70_000 + b'"'),
    ],
)
def test_a_row_that_is_no_record_is_named_although_its_hash_fits(data: bytes) -> None:
    log = make_log(3)
    log.rows.append((3, data, leaf_hash(data)))
    frontier = Frontier().extend([row[2] for row in log.rows])
    sign(log, frontier, SIGNER, at=START + 10**9)
    log.head = (4, frontier.root())
    assert [(one.code, one.at) for one in verify(log.bundle()).findings] == [("leaf-form", 3)]


def test_time_that_runs_back_within_one_boot_is_named() -> None:
    log = make_log(0)
    rows = [record(0), record(100), record(80)]
    log.rows = [(at, data, leaf_hash(data)) for at, data in enumerate(rows)]
    frontier = Frontier().extend([row[2] for row in log.rows])
    sign(log, frontier, SIGNER)
    log.head = (3, frontier.root())
    assert_says(verify(log.bundle()), "time", 2)


def test_a_row_with_a_line_break_cannot_pass_for_two() -> None:
    log = make_log(5)
    data = record(2) + b"}\n" + b'{"hash":"' + log.rows[3][2].hex().encode() + b'","index":3,"leaf":' + record(3)
    log.rows[2:4] = [(2, data, leaf_hash(data))]
    assert not verify(log.bundle()).intact


def test_findings_are_counted_but_not_kept_without_end() -> None:
    log = make_log(400)
    log.rows = [(at, data, bytes(32)) for at, data, _ in log.rows]
    report = verify(log.bundle())
    assert report.total >= 400
    assert len(report.findings) == 100


# The command ----------------------------------------------------------------------------------------------------------


@dataclass
class Answer:
    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def run(*arguments: object) -> Answer:
        status = audit_verify.main([str(one) for one in arguments])
        captured = capsys.readouterr()
        return Answer(status, captured.out, captured.err)

    return run


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle"
    path.write_bytes(make_log(30).bundle())
    return path


def test_intact_without_a_pin_says_that_the_key_is_not_pinned(command: Callable[..., Answer], bundle: Path) -> None:
    answer = command("verify", bundle)
    assert answer.status == 0
    assert "改ざんは見つかりませんでした" in answer.out
    assert "Intact: 30 leaves" in answer.out
    assert "key not pinned" in answer.out
    assert fingerprint(SIGNER.public_key) in answer.out


def test_the_key_may_be_given_in_every_usual_form(command: Callable[..., Answer], bundle: Path, tmp_path: Path) -> None:
    from base64 import b64encode

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = SIGNER.public_key
    pem = Ed25519PublicKey.from_public_bytes(public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forms = [
        verifier_key(ORIGIN, public),
        fingerprint(public),
        fingerprint(public).removeprefix("SHA256:"),
        b64encode(public).decode(),
        public.hex(),
        pem.decode(),
        f"# the city's key\n\n{verifier_key(ORIGIN, public)}\n{fingerprint(THIEF.public_key)}\n",
    ]
    for number, form in enumerate(forms):
        file = tmp_path / f"key{number}"
        file.write_text(form)
        answer = command("verify", bundle, "--key", file)
        assert (answer.status, "not pinned" in answer.out) == (0, False), form
        if "\n" not in form:
            assert command("verify", bundle, "--key", form).status == 0
    assert command("verify", bundle, "--key", fingerprint(THIEF.public_key)).status == 1


def test_a_saved_checkpoint_pins_the_next_check(command: Callable[..., Answer], bundle: Path, tmp_path: Path) -> None:
    saved, later = tmp_path / "checkpoint", tmp_path / "later"
    assert command("verify", bundle, "--save-checkpoint", saved).status == 0
    later.write_bytes(make_log(50).bundle())
    for pinned in (saved, bundle):
        answer = command("verify", later, "--pinned", pinned)
        assert (answer.status, "not pinned" in answer.out) == (0, False)
        later_as_pin = command("verify", bundle, "--pinned", later)
        assert later_as_pin.status == 1
        assert "the pinned checkpoint says 50, there are 30" in later_as_pin.out


def test_tampered_says_where_in_both_languages(command: Callable[..., Answer], tmp_path: Path) -> None:
    log = make_log(30)
    log.rows[12] = (12, record(12, actor="p_x"), log.rows[12][2])
    path, saved = tmp_path / "bundle", tmp_path / "saved"
    path.write_bytes(log.bundle())
    answer = command("verify", path, "--save-checkpoint", saved)
    assert answer.status == 1
    assert "監査記録 12: 内容が" in answer.out
    assert "leaf 12: its content does not match" in answer.out
    assert not saved.exists()


@pytest.mark.parametrize("content", [None, b"", b"hello\n", b"%PDF-1.7\n", b"\x00" * 5000, b'{"format":"other"}\n'])
def test_what_is_no_bundle_is_unreadable(command: Callable[..., Answer], tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    answer = command("verify", path)
    assert answer.status == 2
    assert answer.err.count("\n") == 2
    assert "Traceback" not in answer.err


def test_a_pin_that_cannot_be_read_is_unreadable(command: Callable[..., Answer], bundle: Path, tmp_path: Path) -> None:
    junk, empty = tmp_path / "junk", tmp_path / "empty"
    junk.write_bytes(b"\xff\xfe junk")
    empty.write_bytes(b"# nothing\n")
    for pin in (["--key", "nonsense"], ["--key", junk], ["--key", empty], ["--key", "a+b+" + "c" * 44],
                ["--pinned", junk], ["--pinned", tmp_path / "absent"], ["--pinned", tmp_path]):  # fmt: skip
        assert command("verify", bundle, *pin).status == 2, pin
    assert command("verify", tmp_path).status == 2
    assert command("verify", bundle, "--save-checkpoint", tmp_path).status == 2


def test_a_terminal_that_cannot_show_japanese_still_gets_the_answer(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert audit_verify.main(["verify", str(bundle)]) == 0
    out.flush()
    buffer = out.buffer
    assert isinstance(buffer, io.BytesIO)
    assert b"Intact" in buffer.getvalue()


def test_the_parsers_hang_under_any_command() -> None:
    parser = argparse.ArgumentParser()
    audit_verify.add_audit_parsers(parser.add_subparsers())
    args = parser.parse_args(["verify", "F", "--key", "K", "--key", "L", "--pinned", "P"])
    assert (args.bundle, args.key, args.pinned, args.run) == ("F", ["K", "L"], "P", audit_verify.run_verify)


def test_the_verifier_shares_no_code_with_what_it_checks() -> None:
    allowed = set(sys.stdlib_module_names) | {"cryptography"}
    ours = {"ops.audit_format", "ops.audit_bundle", "ops.audit_receipt", "ops.audit_verify"}
    for module in ours:
        path = Path(audit_verify.__file__).parent / f"{module.removeprefix('ops.')}.py"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            else:
                continue
            assert all(name in ours or name.split(".")[0] in allowed for name in names), (module, names)
