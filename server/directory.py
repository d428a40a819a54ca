"""Names for ids: the people and organisations that events and rooms speak of.

Rules: a copy of rows, loaded at the start and kept up by what the writer tells; never asked whether somebody may
do something (that is ``rooms.permissions``, over the writer's own state).
"""

from __future__ import annotations

from rooms.people import Organisation, Person
from rooms.store.database import Database
from rooms.store.people import all_people, organisation_names
from server import wire

UNKNOWN = wire.Actor("", "", "")


class Directory:
    """Everyone on this server, by id."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}
        self._actors: dict[str, wire.Actor] = {}
        self._organisations: dict[str, str] = {}

    async def load(self, database: Database) -> None:
        async with database.read() as connection:
            for person in await all_people(connection):
                self.know(person)
            self._organisations = await organisation_names(connection)

    def know(self, person: Person) -> None:
        self._people[person.id] = person
        self._actors[person.id] = wire.Actor(person.login, person.name, person.organisation)

    def know_organisation(self, organisation: Organisation) -> None:
        self._organisations[organisation.id] = organisation.name

    def person(self, person_id: str) -> Person | None:
        return self._people.get(person_id)

    def actor(self, person_id: str) -> wire.Actor:
        return self._actors.get(person_id, UNKNOWN)

    def user(self, person: Person) -> wire.User:
        """The person as it is told about itself."""
        organisation = self._organisations.get(person.organisation, "")
        return wire.User(
            person.login, person.name, person.organisation, organisation, person.section_name, sorted(person.roles)
        )

    def organisation_name(self, organisation: str) -> str:
        return self._organisations.get(organisation, "")
