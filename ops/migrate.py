"""``sekisho migrate``: bring the database to this release's schema, with a copy before. Refuses while a server runs."""

from __future__ import annotations

import argparse

from ops.control import existing
from ops.place import WrongUse, add_place, place_of, wrong_use
from ops.telling import tell, tell_refused
from rooms.store.migrate import migrate
from server.installation import BACKUPS, DATABASE, StartRefused, lock_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_place(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
        folder, _ = place_of(args)
        with lock_folder(existing(folder)):
            before, after = migrate(folder / DATABASE, folder / BACKUPS)
    except WrongUse as error:
        return wrong_use(error)
    except StartRefused as refused:
        return tell_refused(refused)
    if before == after:
        tell(f"すでに最新です: {after}", f"Already up to date: {after}")
    else:
        tell(f"移行しました: {before or '新規'} → {after}", f"Migrated: {before or 'new'} to {after}")
    return 0
