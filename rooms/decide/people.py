"""Setting up organisations, sections and people. From the command line the origin is the server's own (``SERVER``)."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from rooms.commands import Command
from rooms.commands.people import AddOrganisation, AddPerson, AddSection, SetActive, SetPassword, SetRoles, SetZones
from rooms.decide import Act, Change, Decision, actor, no
from rooms.decide.sessions import LoginTried, ended_sessions
from rooms.ids import derive_id, make_id
from rooms.people import Organisation, Person, Section, normal_login, normal_name
from rooms.permissions import may_administer
from rooms.refusals import Refusal, refuse
from rooms.session import LoginTries, password_mark
from rooms.world import Terms, World


class OrganisationAdded(Struct, frozen=True):
    organisation: Organisation

    def apply(self, world: World) -> None:
        world.organisations[self.organisation.name] = self.organisation
        world.organisations[self.organisation.id] = self.organisation


class SectionAdded(Struct, frozen=True):
    section: Section

    def apply(self, world: World) -> None:
        section = self.section
        world.sections[section.organisation, section.parent, section.name] = section
        world.section_names[section.id] = section.name


class PersonAdded(Struct, frozen=True):
    """``password`` is an argon2 encoding, kept apart from the person."""

    person: Person
    section: str | None
    password: str

    def apply(self, world: World) -> None:
        world.people[self.person.id] = self.person
        world.logins[self.person.login] = self.person.id
        world.passwords[self.person.id] = password_mark(self.password)


class PersonChanged(Struct, frozen=True):
    person: Person

    def apply(self, world: World) -> None:
        world.people[self.person.id] = self.person


class PasswordSet(Struct, frozen=True):
    person: str
    password: str

    def apply(self, world: World) -> None:
        world.passwords[self.person] = password_mark(self.password)


def administrator(world: World, command: Command) -> Refusal | None:
    """The server's own acts (command line, first set-up) need no person."""
    if command.origin.person is None and command.origin.zone is None:
        return None
    person = actor(world, command)
    return person if isinstance(person, Refusal) else may_administer(person)


def add_organisation(world: World, command: AddOrganisation, now: int, terms: Terms) -> Decision:
    refusal = administrator(world, command)
    name = normal_name(command.name)
    if refusal is not None or name is None:
        return no(refusal or refuse("invalid"), "organisation.add")
    there = world.organisations.get(name)
    if there is not None:
        return Decision(there)
    organisation = Organisation(make_id("organisation", command.chance), name)
    return Decision(organisation, (OrganisationAdded(organisation),), Act("organisation.add", organisation.id))


def add_section(world: World, command: AddSection, now: int, terms: Terms) -> Decision:
    """Answers the last section of the path."""
    refusal = administrator(world, command)
    names = [normal_name(part) for part in command.path]
    if refusal is not None or not names or None in names:
        return no(refusal or refuse("invalid"), "section.add")
    changes: list[Change] = []
    parent: Section | None = None
    for depth, name in enumerate(names):
        assert name is not None
        above = parent.id if parent is not None else None
        section = world.sections.get((command.organisation, above, name))
        if section is None:
            section_id = derive_id("section", command.chance, str(depth))
            section = Section(section_id, command.organisation, above, name)
            changes.append(SectionAdded(section))
        parent = section
    assert parent is not None
    return Decision(parent, tuple(changes), Act("section.add", parent.id) if changes else None)


def add_person(world: World, command: AddPerson, now: int, terms: Terms) -> Decision:
    refusal = administrator(world, command)
    login, name = normal_login(command.login), normal_name(command.name)
    if refusal is not None or login is None or name is None:
        return no(refusal or refuse("invalid"), "person.add")
    if world.logins.get(login) is not None:
        return no(refuse("name_taken"), "person.add")
    zones = terms.zones if command.zones is None else command.zones & terms.zones
    person = Person(
        make_id("person", command.chance), login, name, command.organisation, _section_name(world, command),
        command.roles, zones,
    )  # fmt: skip
    change = PersonAdded(person, command.section, command.password)
    return Decision(person, (change,), Act("person.add", person.id))


def _section_name(world: World, command: AddPerson) -> str:
    return world.section_names.get(command.section or "") or ""


def _named(world: World, command: Command, login: str) -> Person | Refusal:
    refusal = administrator(world, command)
    if refusal is not None:
        return refusal
    person_id = world.logins.get(normal_login(login) or "")
    person = world.people.get(person_id) if person_id else None
    return person if person is not None else refuse("unknown_person")


def set_password(world: World, command: SetPassword, now: int, terms: Terms) -> Decision:
    """Also lifts a lock and ends every session of the person."""
    person = _named(world, command, command.login)
    if isinstance(person, Refusal):
        return no(person, "person.password")
    changes: tuple[Change, ...] = (
        PasswordSet(person.id, command.password),
        LoginTried(person.login, LoginTries()),
        *ended_sessions(world, person.id, now, "administrator"),
    )
    return Decision(person, changes, Act("person.password", person.id))


def set_active(world: World, command: SetActive, now: int, terms: Terms) -> Decision:
    person = _named(world, command, command.login)
    if isinstance(person, Refusal):
        return no(person, "person.active")
    changed = msgspec.structs.replace(person, active=command.active)
    ended = () if command.active else ended_sessions(world, person.id, now, "inactive")
    act = Act("person.active", person.id, notes={"active": command.active})
    return Decision(changed, (PersonChanged(changed), *ended), act)


def set_roles(world: World, command: SetRoles, now: int, terms: Terms) -> Decision:
    person = _named(world, command, command.login)
    if isinstance(person, Refusal):
        return no(person, "person.roles")
    changed = msgspec.structs.replace(person, roles=command.roles)
    act = Act("person.roles", person.id, notes={"roles": ",".join(sorted(command.roles))})
    return Decision(changed, (PersonChanged(changed),), act)


def set_zones(world: World, command: SetZones, now: int, terms: Terms) -> Decision:
    """Sessions in zones that are no longer allowed end."""
    person = _named(world, command, command.login)
    if isinstance(person, Refusal) or not command.zones <= terms.zones:
        return no(person if isinstance(person, Refusal) else refuse("unknown_zone"), "person.zones")
    changed = msgspec.structs.replace(person, zones=command.zones)
    ended = tuple(
        change for change in ended_sessions(world, person.id, now, "administrator")
        if change.session.zone not in command.zones  # type: ignore[attr-defined]
    )  # fmt: skip
    act = Act("person.zones", person.id, notes={"zones": ",".join(sorted(command.zones))})
    return Decision(changed, (PersonChanged(changed), *ended), act)
