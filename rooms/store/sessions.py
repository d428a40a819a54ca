"""Sessions and failed logins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.commands import Command
from rooms.commands.sessions import EndSession, FailLogin, OpenSession, TouchSession
from rooms.decide.sessions import LoginTried, SessionEnded, SessionOpened, SessionSeen
from rooms.people import Person
from rooms.session import LoginTries, Session, password_mark
from rooms.store.people import load_administration, load_logins, person_of
from rooms.store.prepared import Prepared
from rooms.store.schema import login_tries, people, sessions
from rooms.world import World

_COLUMNS = (
    sessions.c.id,
    sessions.c.person,
    sessions.c.zone,
    sessions.c.device,
    sessions.c.opened,
    sessions.c.seen,
    sessions.c.ended,
)


def load_login(connection: Connection, commands: Sequence[OpenSession | FailLogin], world: World) -> None:
    logins = [c.login for c in commands]
    load_logins(connection, logins, world)
    for row in connection.execute(select(people.c.id, people.c.password).where(people.c.login.in_(logins))):
        world.passwords[row.id] = password_mark(row.password)
    for row in connection.execute(select(login_tries).where(login_tries.c.login.in_(logins))):
        world.login_tries[row.login] = LoginTries(row.failures, row.locked_until)


def load_sessions(connection: Connection, commands: Sequence[TouchSession | EndSession], world: World) -> None:
    wanted = [c.session for c in commands]
    for row in connection.execute(select(*_COLUMNS).where(sessions.c.id.in_(wanted))):
        world.sessions[row.id] = Session(*row)


def load_sessions_of_named(connection: Connection, commands: Sequence[Command], world: World) -> None:
    """For commands that end a person's sessions: the person by login, and its open sessions."""
    load_administration(connection, commands, world)
    ids = [world.logins.get(getattr(c, "login", "")) for c in commands]
    _load_open_sessions(connection, [i for i in ids if i], world)


def _load_open_sessions(connection: Connection, ids: Iterable[str], world: World) -> None:
    statement = select(*_COLUMNS).where(sessions.c.person.in_(list(ids)), sessions.c.ended.is_(None))
    of: dict[str, list[str]] = {}
    for row in connection.execute(statement):
        world.sessions[row.id] = Session(*row)
        of.setdefault(row.person, []).append(row.id)
    for person, found in of.items():
        world.sessions_of[person] = tuple(found)


def write_opened(connection: Connection, changes: Sequence[SessionOpened]) -> None:
    connection.execute(
        insert(sessions),
        [
            {
                "id": s.id,
                "token_hash": c.token_hash,
                "person": s.person,
                "zone": s.zone,
                "device": s.device,
                "opened": s.opened,
                "seen": s.seen,
            }
            for c in changes
            for s in (c.session,)
        ],
    )


_SEEN = update(sessions).where(sessions.c.id == bindparam("b_id")).values(seen=bindparam("b_seen"))
_ENDED = update(sessions).where(sessions.c.id == bindparam("b_id")).values(ended=bindparam("b_ended"))


def write_seen(connection: Connection, changes: Sequence[SessionSeen]) -> None:
    connection.execute(_SEEN, [{"b_id": c.session.id, "b_seen": c.session.seen} for c in changes])


def write_ended(connection: Connection, changes: Sequence[SessionEnded]) -> None:
    connection.execute(_ENDED, [{"b_id": c.session.id, "b_ended": c.session.ended} for c in changes])


def write_login_tries(connection: Connection, changes: Sequence[LoginTried]) -> None:
    last = {c.login: c.tries for c in changes}
    connection.execute(delete(login_tries).where(login_tries.c.login.in_(list(last))))
    rows = [
        {"login": login, "failures": t.failures, "locked_until": t.locked_until}
        for login, t in last.items()
        if t.failures
    ]
    if rows:
        connection.execute(insert(login_tries), rows)


_BY_TOKEN = Prepared(
    select(
        *_COLUMNS, people.c.id.label("p_id"), people.c.login, people.c.name, people.c.organisation,
        people.c.section_name, people.c.roles, people.c.zones, people.c.active,
    )
    .join(people, people.c.id == sessions.c.person)
    .where(sessions.c.token_hash == bindparam("token_hash")),
    "token_hash",
)  # fmt: skip


def session_by_token(connection: Connection, token_hash: str) -> tuple[Session, Person] | None:
    """The session behind a token, ended or not, with its person."""
    found = _BY_TOKEN.find(connection, [(token_hash,)])
    return (Session(*found[0][:7]), person_of(found[0][7:])) if found else None


async def open_sessions(connection: AsyncConnection) -> list[Session]:
    rows = await connection.execute(select(*_COLUMNS).where(sessions.c.ended.is_(None)))
    return [Session(*row) for row in rows]


_TRIES = Prepared(
    select(login_tries.c.failures, login_tries.c.locked_until).where(login_tries.c.login == bindparam("login")), "login"
)


def tries_of(connection: Connection, login: str) -> LoginTries:
    found = _TRIES.find(connection, [(login,)])
    return LoginTries(*found[0]) if found else LoginTries()
