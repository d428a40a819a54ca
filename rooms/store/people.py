"""People, sections, organisations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rooms.commands import Command
from rooms.commands.people import AddOrganisation, AddPerson, AddSection
from rooms.decide.people import OrganisationAdded, PasswordSet, PersonAdded, PersonChanged, SectionAdded
from rooms.people import Organisation, Person, Section, normal_login, normal_name
from rooms.store.prepared import Prepared
from rooms.store.schema import organisations, people, sections
from rooms.store.words import join, split
from rooms.world import World

_PERSON = (
    people.c.id,
    people.c.login,
    people.c.name,
    people.c.organisation,
    people.c.section_name,
    people.c.roles,
    people.c.zones,
    people.c.active,
)
_BY_ID = select(*_PERSON).where(people.c.id.in_(bindparam("ids", expanding=True)))
_BY_LOGIN = select(*_PERSON).where(people.c.login.in_(bindparam("logins", expanding=True)))


def person_of(row: Sequence[Any]) -> Person:
    return Person(row[0], row[1], row[2], row[3], row[4], split(row[5]), split(row[6]), bool(row[7]))


def load_people(connection: Connection, ids: Iterable[str | None], world: World) -> None:
    missing = {i for i in ids if i and not world.people.known(i)}
    if not missing:
        return
    for row in connection.execute(_BY_ID, {"ids": list(missing)}):
        _know(world, person_of(row))
    for person_id in missing:
        if not world.people.known(person_id):
            world.people[person_id] = None


def load_logins(connection: Connection, logins: Iterable[str], world: World) -> None:
    wanted = {normal_login(login) or "" for login in logins}
    missing = {login for login in wanted if login and not world.logins.known(login)}
    if not missing:
        return
    for row in connection.execute(_BY_LOGIN, {"logins": list(missing)}):
        _know(world, person_of(row))


def _know(world: World, person: Person) -> None:
    world.people[person.id] = person
    world.logins[person.login] = person.id


def load_administration(connection: Connection, commands: Sequence[Command], world: World) -> None:
    """For every command of ``rooms.commands.people`` that names a login."""
    load_people(connection, (c.origin.person for c in commands), world)
    load_logins(connection, (login for c in commands if (login := getattr(c, "login", None))), world)


def load_organisations(connection: Connection, commands: Sequence[AddOrganisation], world: World) -> None:
    load_people(connection, (c.origin.person for c in commands), world)
    names = [n for c in commands if (n := normal_name(c.name))]
    for row in connection.execute(select(organisations).where(organisations.c.name.in_(names))):
        world.organisations[row.name] = Organisation(row.id, row.name)


def load_sections(connection: Connection, commands: Sequence[AddSection | AddPerson], world: World) -> None:
    """The whole section tree of the organisations named: it is small and seldom asked for."""
    load_administration(connection, commands, world)
    wanted = {c.organisation for c in commands}
    for row in connection.execute(select(sections).where(sections.c.organisation.in_(wanted))):
        section = Section(row.id, row.organisation, row.parent, row.name)
        world.sections[row.organisation, row.parent, row.name] = section
        world.section_names[row.id] = row.name


def write_organisations(connection: Connection, changes: Sequence[OrganisationAdded]) -> None:
    rows = [{"id": c.organisation.id, "name": c.organisation.name} for c in changes]
    connection.execute(insert(organisations), rows)


def write_sections(connection: Connection, changes: Sequence[SectionAdded]) -> None:
    connection.execute(
        insert(sections),
        [
            {"id": s.id, "organisation": s.organisation, "parent": s.parent, "name": s.name}
            for s in (c.section for c in changes)
        ],
    )


def write_people(connection: Connection, changes: Sequence[PersonAdded]) -> None:
    connection.execute(
        insert(people),
        [
            {
                "id": p.id,
                "login": p.login,
                "name": p.name,
                "organisation": p.organisation,
                "section": c.section,
                "section_name": p.section_name,
                "roles": join(p.roles),
                "zones": join(p.zones),
                "active": p.active,
                "password": c.password,
            }
            for c in changes
            for p in (c.person,)
        ],
    )


def write_changed_people(connection: Connection, changes: Sequence[PersonChanged]) -> None:
    statement = update(people).where(people.c.id == bindparam("b_id"))
    rows = [
        {"b_id": p.id, "roles": join(p.roles), "zones": join(p.zones), "active": p.active}
        for p in (c.person for c in changes)
    ]
    connection.execute(
        statement.values(roles=bindparam("roles"), zones=bindparam("zones"), active=bindparam("active")), rows
    )


def write_passwords(connection: Connection, changes: Sequence[PasswordSet]) -> None:
    statement = update(people).where(people.c.id == bindparam("b_id")).values(password=bindparam("b_password"))
    connection.execute(statement, [{"b_id": c.person, "b_password": c.password} for c in changes])


_PASSWORD = Prepared(select(people.c.password).where(people.c.login == bindparam("login"), people.c.active), "login")


def password_of(connection: Connection, login: str) -> str | None:
    """The argon2 encoding of an active person's password, or None."""
    found = _PASSWORD.find(connection, [(login,)])
    return found[0][0] if found else None


async def people_by_id(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, Person]:
    rows = await connection.execute(_BY_ID, {"ids": list(set(ids))})
    return {row[0]: person_of(row) for row in rows}


async def organisation_names(connection: AsyncConnection) -> dict[str, str]:
    rows = await connection.execute(select(organisations.c.id, organisations.c.name))
    return {row[0]: row[1] for row in rows}


async def search_people(connection: AsyncConnection, query: str, limit: int, zones: Iterable[str]) -> list[Person]:
    """Active people of any of the zones whose login, name or section holds the query, by login."""
    like = "%" + query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found = or_(*(column.ilike(like, escape="\\") for column in (people.c.login, people.c.name, people.c.section_name)))
    of_zone = or_(*(literal(",").concat(people.c.zones).concat(",").like(f"%,{zone},%") for zone in zones))
    statement = select(*_PERSON).where(people.c.active, found, of_zone).order_by(people.c.login).limit(limit)
    return [person_of(row) for row in await connection.execute(statement)]


async def all_people(connection: AsyncConnection) -> list[Person]:
    return [person_of(row) for row in await connection.execute(select(*_PERSON).order_by(people.c.login))]
