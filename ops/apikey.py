"""``sekisho apikey add|list|revoke``: keys by which other systems may have files rebuilt (``POST /api/v1/sanitize``).

Rules: a key is printed once, on standard output and nowhere else, and only its SHA-256 is kept; ``list`` looks into the
database without changing it, also beside a running server; giving and taking are on record.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from ops.control import Reached, existing, reach
from ops.place import WrongUse, add_place, place_of, wrong_use
from ops.telling import tell, tell_refused
from rooms.api_key import PREFIX, SANITIZE, ApiKey
from rooms.commands import SERVER
from rooms.commands.api_keys import AddApiKey, RevokeApiKey
from rooms.refusals import Refusal
from rooms.session import token_hash
from rooms.store.api_keys import all_api_keys
from rooms.store.database import snapshot
from rooms.zones import ZONES
from server.installation import DATABASE, StartRefused

Act = Callable[[Reached, argparse.Namespace], Refusal | None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    add = _act(acts, "add", "鍵を作り、一度だけ表示 / make a key and print it once", lambda args: _changed(args, _add))
    add.add_argument("--name", required=True, help="使うシステムの名前 / the system that uses it")
    add.add_argument("--zone", required=True, choices=ZONES, help="使える区画 / where it works")
    add.add_argument("--listener", metavar="NAME", help="この受付口だけ / at this listener alone")
    add.add_argument("--days", type=int, metavar="N", help="有効な日数(なければ無期限) / ends after N days")
    _act(acts, "list", "鍵の一覧 / every key", _list)
    revoke = _act(acts, "revoke", "鍵を使えなくする / take a key away", lambda args: _changed(args, _revoke))
    revoke.add_argument("key", metavar="KEY", help="一覧にあるID / its id, as listed")


def _act(
    acts: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    meaning: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = acts.add_parser(name, help=meaning, description=meaning)
    add_place(parser)
    parser.set_defaults(run=lambda args: _told(run, args))
    return parser


def _told(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    try:
        return run(args)
    except WrongUse as error:
        return wrong_use(error)
    except StartRefused as refused:
        return tell_refused(refused)


def _changed(args: argparse.Namespace, act: Act) -> int:
    folder, terms = place_of(args)
    with reach(existing(folder), terms) as installation:
        refused = act(installation, args)
    return tell_refused(refused) if refused is not None else 0


def _add(installation: Reached, args: argparse.Namespace) -> Refusal | None:
    token = PREFIX + secrets.token_urlsafe(32)
    command = AddApiKey(
        SERVER, args.name, args.zone, args.listener, frozenset({SANITIZE}), args.days, token_hash(token),
        secrets.token_bytes(16),
    )  # fmt: skip
    answer = installation.perform(command)
    if isinstance(answer, Refusal):
        return answer
    print(token)
    tell(
        f"鍵 {answer['id']} を作りました。表示は今だけです。使うシステムに、ほかの人に見えない方法で渡してください。",
        f"Made the key {answer['id']}. It is shown this once; hand it to its system where nobody else sees it.",
    )
    return None


def _revoke(installation: Reached, args: argparse.Namespace) -> Refusal | None:
    answer = installation.perform(RevokeApiKey(SERVER, args.key))
    return answer if isinstance(answer, Refusal) else None


def _list(args: argparse.Namespace) -> int:
    folder = existing(place_of(args)[0])
    with snapshot(folder / DATABASE) as connection:
        keys = all_api_keys(connection)
    now = int(datetime.now(UTC).timestamp() * 1000)
    for key in keys:
        print("\t".join((key.id, _state(key, now), key.zone, key.listener or "*", _day(key.made), key.name)))
    return 0


def _state(key: ApiKey, now: int) -> str:
    if key.revoked is not None:
        return f"revoked {_day(key.revoked)}"
    if key.expires is None:
        return "good"
    return f"{'good until' if now < key.expires else 'expired'} {_day(key.expires)}"


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")
