"""``sekisho user …``: people of an installation, one by one or from a CSV file."""

from __future__ import annotations

import argparse
import csv
import io
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ops.control import Reached, existing, reach
from ops.place import WrongUse, add_place, place_of, wrong_use
from ops.telling import tell_refused
from rooms.commands import SERVER, Command
from rooms.commands.people import AddOrganisation, AddPerson, AddSection, SetActive, SetPassword, SetRoles, SetZones
from rooms.commands.sessions import EndSessionsOf
from rooms.people import ADMINISTRATOR, AUDITOR
from rooms.refusals import Refusal
from rooms.zones import ZONES
from server.installation import StartRefused
from server.passwords import MAX_LENGTH, MIN_LENGTH, Passwords, read_password_file

COLUMNS = ["login", "name", "section", "password"]
ROLES = (ADMINISTRATOR, AUDITOR)
DEFAULT_ORGANISATION = "市役所"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    add = _act(acts, "add", _add, "職員を登録する / add a person", founds=True)
    add.add_argument("--name", required=True, help="氏名 / name")
    add.add_argument("--password-file", type=Path, required=True, metavar="F", help="1行目がパスワード / first line")
    add.add_argument("--section", default="", help="部署(「総務部/総務課」) / section path, parts joined by /")
    add.add_argument("--role", action="append", default=[], choices=ROLES, help="役割 / role")
    add.add_argument("--organisation", default=DEFAULT_ORGANISATION, help="団体名 / organisation")
    columns = ",".join(COLUMNS)
    load = _act(acts, "import", _import, "CSVから登録する / add people from a CSV file", login=False, founds=True)
    load.add_argument("file", metavar="F.csv", type=Path, help=f"{columns}のCSV / a CSV file with these columns")
    load.add_argument("--organisation", default=DEFAULT_ORGANISATION, help="団体名 / organisation")
    password = _act(acts, "password", _password, "パスワードを変える / set a password")
    password.add_argument(
        "--password-file", type=Path, required=True, metavar="F", help="1行目がパスワード / first line"
    )
    _act(acts, "disable", lambda r, a: _do(r, SetActive(SERVER, a.login, False)), "使えなくする / disable")
    _act(acts, "enable", lambda r, a: _do(r, SetActive(SERVER, a.login, True)), "使えるように戻す / enable")
    _act(
        acts,
        "logout",
        lambda r, a: _do(r, EndSessionsOf(SERVER, a.login, "administrator")),
        "全端末をログアウト / log out",
    )
    roles = _act(
        acts, "roles", lambda r, a: _do(r, SetRoles(SERVER, a.login, frozenset(a.role))), "役割を変える / roles"
    )
    roles.add_argument(
        "--role", action="append", default=[], choices=ROLES, help="役割(なしで全部外す) / none takes all"
    )
    zones = _act(acts, "zones", lambda r, a: _do(r, SetZones(SERVER, a.login, frozenset(a.zone))), "使える区画 / zones")
    zones.add_argument("--zone", action="append", required=True, choices=ZONES, help="区画(繰り返し可) / repeatable")


def _act(
    acts: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    act: Callable[[Reached, argparse.Namespace], Refusal | None],
    meaning: str,
    *,
    login: bool = True,
    founds: bool = False,
) -> argparse.ArgumentParser:
    """``founds``: it makes the installation if there is none; the others work on people who are there."""
    parser = acts.add_parser(name, help=meaning, description=meaning)
    if login:
        parser.add_argument("login", metavar="LOGIN", help="職員ID / login")
    add_place(parser)
    parser.set_defaults(run=lambda args: _run(act, args, founds))
    return parser


def _run(act: Callable[[Reached, argparse.Namespace], Refusal | None], args: argparse.Namespace, founds: bool) -> int:
    try:
        folder, terms = place_of(args)
        with reach(folder if founds else existing(folder), terms) as installation:
            refused = act(installation, args)
    except WrongUse as error:
        return wrong_use(error)
    except (OSError, ValueError) as error:
        return wrong_use(WrongUse(str(error)))
    except StartRefused as refusal:
        return tell_refused(refusal)
    return tell_refused(refused) if refused is not None else 0


def _do(installation: Reached, command: Command) -> Refusal | None:
    answer = installation.perform(command)
    return answer if isinstance(answer, Refusal) else None


def organisation_id(installation: Reached, name: str) -> str | Refusal:
    """The organisation of this name, made if it is not there."""
    answer = installation.perform(AddOrganisation(SERVER, name, secrets.token_bytes(16)))
    return answer if isinstance(answer, Refusal) else str(answer["id"])


def section_id(installation: Reached, organisation: str, path: str) -> str | Refusal | None:
    """The section of this path, made if it is not there; None for no path."""
    parts = tuple(part for part in path.split("/") if part.strip())
    if not parts:
        return None
    answer = installation.perform(AddSection(SERVER, organisation, parts, secrets.token_bytes(16)))
    return answer if isinstance(answer, Refusal) else str(answer["id"])


def _add_one(
    installation: Reached, organisation: str, row: dict[str, str], roles: frozenset[str], encoded: str
) -> Refusal | None:
    section = section_id(installation, organisation, row["section"])
    if isinstance(section, Refusal):
        return section
    chance = secrets.token_bytes(16)
    return _do(
        installation, AddPerson(SERVER, organisation, row["login"], row["name"], encoded, chance, section, roles)
    )


def _add(installation: Reached, args: argparse.Namespace) -> Refusal | None:
    password = read_password_file(args.password_file)
    organisation = organisation_id(installation, args.organisation)
    if isinstance(organisation, Refusal):
        return organisation
    row = {"login": args.login, "name": args.name, "section": args.section}
    return _add_one(installation, organisation, row, frozenset(args.role), Passwords().encode(password))


def _import(installation: Reached, args: argparse.Namespace) -> Refusal | None:
    """Every line that can be added is; those that cannot are told with their number, and the status says so."""
    rows = read_rows(args.file)
    organisation = organisation_id(installation, args.organisation)
    if isinstance(organisation, Refusal):
        return organisation
    last: Refusal | None = None
    with ThreadPoolExecutor(os.cpu_count()) as hashing:
        encodings = hashing.map(Passwords().encode, (row["password"] for _, row in rows))
        for (number, row), encoded in zip(rows, encodings, strict=True):
            refused = _add_one(installation, organisation, row, frozenset(), encoded)
            if refused is not None:
                last = refused
                said = f"{refused.sentence('ja')} / {refused.sentence('en')}"
                print(f"{args.file}:{number}: {row['login']}: {said}", file=sys.stderr)
    return last


def read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows with their line numbers, from UTF-8 or, as Excel writes it, Shift_JIS. Nothing is added if a row is not
    whole: raises ``WrongUse`` with every such line."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp932")
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    if reader.fieldnames != COLUMNS:
        raise WrongUse(f"1行目を {','.join(COLUMNS)} にしてください / the first line must be {','.join(COLUMNS)}")
    rows = [(reader.line_num, row) for row in reader]
    wrong = [f"{path}:{number}: {fault}" for number, row in rows if (fault := _fault(row))]
    if wrong:
        raise WrongUse(
            "\n".join(["直してください。まだ誰も登録していません / mend these; nobody was added yet", *wrong])
        )
    return rows


def _fault(row: dict[str, str]) -> str:
    if "" in row:
        return f"列が{len(COLUMNS)}つではありません / there are not {len(COLUMNS)} columns"
    if not (row["login"] and row["name"]):
        return "login か name がありません / login or name is missing"
    if not MIN_LENGTH <= len(row["password"]) <= MAX_LENGTH:
        return f"password は{MIN_LENGTH}文字以上 / a password has at least {MIN_LENGTH} characters"
    return ""


def _password(installation: Reached, args: argparse.Namespace) -> Refusal | None:
    encoded = Passwords().encode(read_password_file(args.password_file))
    return _do(installation, SetPassword(SERVER, args.login, encoded))
