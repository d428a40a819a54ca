"""People, rooms and session tokens for a load test, made through the commands of an installation.

Rules: only for an installation on loopback (the tokens are written to a file); rooms are filled in turn, so that
every person is in at least one room while there is place; one line of JSON for each membership: login, token,
zone, room.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
from collections.abc import Sequence
from itertools import islice
from typing import Any

from ops.control import Reached, reach
from ops.telling import tell, tell_refused
from rooms.commands import SERVER, Command, Origin
from rooms.commands.gathering import OpenRoom
from rooms.commands.people import AddOrganisation, AddPerson
from rooms.commands.sessions import OpenSession
from rooms.refusals import Refusal
from rooms.session import token_hash
from server.installation import StartRefused
from server.passwords import Passwords

ORGANISATION = "負荷試験"
ZONE = "lgwan"
PIECE = 200


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def run(args: argparse.Namespace) -> int:
    """0 when the file is there; the counts must be sensible."""
    if args.count < 1 or args.rooms < 1 or not 1 <= args.size <= args.count:
        tell("--size は 1 から --count までにしてください。", "--size must be between 1 and --count.")
        return 2
    try:
        with reach(args.data.resolve()) as installation:
            lines = make(installation, args.count, args.rooms, args.size)
    except StartRefused as refused:
        return tell_refused(refused)
    except _Refused as error:
        return tell_refused(error.refusal)
    partial = args.output.with_name(args.output.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    partial.rename(args.output)
    return 0


def make(installation: Reached, count: int, rooms: int, size: int) -> list[dict[str, str]]:
    """The lines of the file."""
    run_id = secrets.token_hex(3)
    logins = [f"bench-{run_id}-{n:05d}" for n in range(count)]
    ids = _people(installation, logins)
    tokens = _tokens(installation, logins)
    lines = []
    for number in range(rooms):
        members = [logins[(number * size + i) % count] for i in range(size)]
        room = _room(installation, ids[members[0]], f"負荷 {run_id} {number}", members)
        lines += [{"login": login, "token": tokens[login], "zone": ZONE, "room": room} for login in members]
    return lines


def _all(installation: Reached, commands: Sequence[Command]) -> list[Any]:
    """Every answer, in pieces; the first refusal ends it."""
    answers: list[Any] = []
    queue = iter(commands)
    while piece := list(islice(queue, PIECE)):
        answers += installation.perform_all(piece)
    for answer in answers:
        if isinstance(answer, Refusal):
            raise _Refused(answer)
    return answers


def _people(installation: Reached, logins: list[str]) -> dict[str, str]:
    organisation = _all(installation, [AddOrganisation(SERVER, ORGANISATION, secrets.token_bytes(16))])[0]["id"]
    nobody = Passwords(cheap=True).encode(secrets.token_urlsafe(32))
    commands = [
        AddPerson(SERVER, organisation, login, login, nobody, secrets.token_bytes(16)) for login in logins
    ]  # fmt: skip
    return {login: answer["id"] for login, answer in zip(logins, _all(installation, commands), strict=True)}


def _tokens(installation: Reached, logins: list[str]) -> dict[str, str]:
    tokens = {login: secrets.token_urlsafe(32) for login in logins}
    origin = Origin(zone=ZONE, device="bench", address="127.0.0.1")
    _all(
        installation,
        [OpenSession(origin, login, token_hash(t), secrets.token_bytes(16)) for login, t in tokens.items()],
    )
    return tokens


def _room(installation: Reached, creator: str, name: str, members: list[str]) -> str:
    origin = Origin(zone=ZONE, person=creator, device="bench", address="127.0.0.1")
    command = OpenRoom(origin, "group", name, tuple(members), secrets.token_bytes(16))
    room: str = _all(installation, [command])[0]["room"]["id"]
    return room
