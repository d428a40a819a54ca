"""``sekisho audit export``: the record in one file that ``ops.audit_verify`` checks without sharing code with this.

Rules: the export itself goes on record and the head is signed before anything is written; what is stored is written as
it is stored; the file appears whole or not at all, for its owner alone.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection

from ops.control import existing, reach
from ops.former_keys import public_keys, used_keys
from ops.place import WrongUse, place_of, wrong_use
from ops.telling import tell, tell_refused
from rooms.audit.bundle import write_bundle
from rooms.commands import SERVER
from rooms.commands.noting import MakeCheckpoint, NoteAct
from rooms.refusals import Refusal
from rooms.store.audit import all_checkpoints, all_leaves, stored_frontier
from rooms.store.database import snapshot
from server.installation import DATABASE, StartRefused, load_keys


def run_export(args: argparse.Namespace) -> int:
    """Put the export itself on record, sign the head, then write what is stored (as it is stored)."""
    try:
        folder, terms = place_of(args)
        with reach(existing(folder), terms) as installation:
            for command in (NoteAct(SERVER, "audit.export"), MakeCheckpoint(SERVER)):
                answer = installation.perform(command)
                if isinstance(answer, Refusal):
                    return tell_refused(answer)
            count = _export(folder, args.output)
    except WrongUse as error:
        return wrong_use(error)
    except StartRefused as refused:
        return tell_refused(refused)
    except OSError as error:
        return wrong_use(WrongUse(f"{args.output}: {error.strerror}"))
    tell(f"{count} 件の記録を書き出しました: {args.output}", f"Wrote {count} leaves to {args.output}")
    return 0


def _export(folder: Path, output: Path) -> int:
    """The bundle appears complete or not at all."""
    keys = load_keys(folder)
    partial = output.with_name(output.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with snapshot(folder / DATABASE) as connection, os.fdopen(descriptor, "wb") as out:
            size = write_stored(connection, keys.origin, public_keys(folder, keys), out)
            out.flush()
            os.fsync(out.fileno())
        partial.rename(output)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return size


def write_stored(connection: Connection, origin: str, known: list[str], out: BinaryIO) -> int:
    """Write leaves, checkpoints and head as they are stored; answers the size of the stored head. ``known``: verifier
    keys, the present one first."""
    head = stored_frontier(connection)
    keys = used_keys(known, (note for _, note in all_checkpoints(connection)))
    leaves, checkpoints = all_leaves(connection), all_checkpoints(connection)
    write_bundle(out, origin, keys, leaves, checkpoints, (head.size, head.root()))
    return head.size
