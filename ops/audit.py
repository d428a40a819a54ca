"""``sekisho audit …``: export the record; verify an export or a receipt offline (``ops.audit_verify`` shares no
code with this).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection

from ops.audit_verify import add_audit_parsers
from ops.control import reach
from ops.place import WrongUse, add_place, place_of, wrong_use
from ops.telling import tell, tell_refused
from rooms.audit import verifier_key
from rooms.audit.bundle import write_bundle
from rooms.commands import SERVER
from rooms.commands.noting import MakeCheckpoint, NoteAct
from rooms.perform import Keys
from rooms.refusals import Refusal
from rooms.store.audit import all_checkpoints, all_leaves, stored_frontier
from rooms.store.database import snapshot
from server.installation import DATABASE, StartRefused, load_keys


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("audit", help="監査記録を書き出す・検査する / the audit record")
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    export = acts.add_parser("export", help="監査記録を1つのファイルに書き出す / write the record to one file")
    export.add_argument("-o", dest="output", metavar="F", type=Path, required=True, help="出力先 / where to")
    add_place(export)
    export.set_defaults(run=run_export)
    add_audit_parsers(acts)


def run_export(args: argparse.Namespace) -> int:
    """Put the export itself on record, sign the head, then write what is stored (as it is stored)."""
    try:
        folder, terms = place_of(args)
        with reach(folder, terms) as installation:
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
    with snapshot(folder / DATABASE) as connection, partial.open("wb") as out:
        size = write_stored(connection, keys, out)
        out.flush()
        os.fsync(out.fileno())
    partial.rename(output)
    return size


def write_stored(connection: Connection, keys: Keys, out: BinaryIO) -> int:
    """Write leaves, checkpoints and head as they are stored; answers the size of the stored head."""
    head = stored_frontier(connection)
    public = verifier_key(keys.origin, keys.checkpoint.public_key)
    leaves, checkpoints = all_leaves(connection), all_checkpoints(connection)
    write_bundle(out, keys.origin, [public], leaves, checkpoints, (head.size, head.root()))
    return head.size
