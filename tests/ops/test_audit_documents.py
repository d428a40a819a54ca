"""``docs/audit.md`` is true: its tables are the formats, and the check runs alone as it says."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.audit_bundle import BundleCheck
from rooms.audit import Frontier, Leaf, NoteSigner, checkpoint, encode_leaf, leaf_hash, verifier_key, write_bundle
from rooms.receipt import FileFacts, Receipt, encode_receipt

ROOT = Path(__file__).parents[2]
LEAF = Leaf(at=1, mono=2, boot="b", actor=None, action="x", outcome="done", policy="1")
FACTS = FileFacts("0" * 64, 1, "text/plain")
RECEIPT = Receipt(
    at=1, attachment="a", grammar="g", input=FACTS, leaf=0, made_in="internet", organisation="o", output=FACTS,
    policy="1", read_in="lgwan", removed=[], transformer="t", treatment="rebuild", verifier="v",
)  # fmt: skip


def members(section: str) -> list[str]:
    """The names in the first column of the table of one section."""
    text = (ROOT / "docs/audit.md").read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def small_bundle() -> bytes:
    signer, data = NoteSigner(bytes(32), "town.example/audit"), encode_leaf(LEAF)
    tree = Frontier().append(leaf_hash(data))
    note = checkpoint(signer.name, 1, tree.root(), 5, signer)
    out = io.BytesIO()
    keys = [verifier_key(signer.name, signer.public_key)]
    write_bundle(out, signer.name, keys, [(0, data, leaf_hash(data))], [(1, note)], (1, tree.root()))
    return out.getvalue()


@pytest.mark.parametrize(("section", "data"), [("Leaf", encode_leaf(LEAF)), ("Receipt", encode_receipt(RECEIPT))])
def test_the_tables_name_every_member(section: str, data: bytes) -> None:
    assert sorted(members(section)) == list(json.loads(data))


def test_the_check_runs_alone_from_the_files_that_the_document_names(tmp_path: Path) -> None:
    bundle, folder = tmp_path / "record.bundle", tmp_path / "carried" / "ops"
    bundle.write_bytes(small_bundle())
    assert BundleCheck().run(io.BytesIO(bundle.read_bytes())).intact
    folder.mkdir(parents=True)
    for path in [ROOT / "ops/__init__.py", *(ROOT / "ops").glob("audit_*.py")]:
        if path.name in {"__init__.py", "audit_format.py", "audit_bundle.py", "audit_receipt.py", "audit_verify.py"}:
            shutil.copy(path, folder)
    script = "import sys; sys.path.insert(0, '.'); from ops.audit_verify import main, __file__ as f; print(f); main()"
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script, "verify", str(bundle)],
        cwd=folder.parent, capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert ran.stdout.startswith(("./ops", str(folder)))
    assert "Intact: 1 leaves, 1 checkpoints" in ran.stdout
