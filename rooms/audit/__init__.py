"""The record: one leaf for every act, in a tree whose signed heads let anyone check that nothing was changed.

Pure: no clock, no randomness, no SQL. The formats are written down in ``docs/audit.md``; ``ops/audit_verify.py`` reads
them without using anything from here.

>>> from rooms.audit import Frontier, Leaf, encode_leaf, leaf_hash
>>> leaf = Leaf(at=1, mono=2, boot="b", actor="p_1", action="message.post", outcome="done", policy="1")
>>> Frontier().append(leaf_hash(encode_leaf(leaf))).size
1
"""

from __future__ import annotations

from rooms.audit.bundle import write_bundle
from rooms.audit.checkpoint import (
    Checkpoint,
    CheckpointError,
    NoteSigner,
    checkpoint,
    next_checkpoint_time,
    parse_checkpoint,
    verifier_key,
    verify_checkpoint,
)
from rooms.audit.leaf import Leaf, Note, commitment, decode_leaf, encode_leaf
from rooms.audit.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

__all__ = [
    "EMPTY_ROOT",
    "Checkpoint",
    "CheckpointError",
    "Frontier",
    "Leaf",
    "Note",
    "NoteSigner",
    "checkpoint",
    "commitment",
    "consistency_proof",
    "decode_leaf",
    "encode_leaf",
    "inclusion_proof",
    "leaf_hash",
    "next_checkpoint_time",
    "parse_checkpoint",
    "root_of",
    "verifier_key",
    "verify_checkpoint",
    "verify_consistency",
    "verify_inclusion",
    "write_bundle",
]
