"""``sekisho audit …``: export the record; verify an export or a receipt offline (``ops.audit_verify`` shares no
code with the export, and starts without it).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ops.audit_verify import add_audit_parsers
from ops.place import add_place


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    meaning = "監査記録を1つのファイルに書き出す / write the record to one file"
    export = acts.add_parser("export", help=meaning, description=meaning)
    export.add_argument("-o", dest="output", metavar="F", type=Path, required=True, help="出力先 / where to")
    add_place(export)
    export.set_defaults(run=_export)
    add_audit_parsers(acts)


def _export(args: argparse.Namespace) -> int:
    from ops.audit_export import run_export

    return run_export(args)
