"""How many people each room has: a bounded copy, for counting the members of all rooms of a person takes long.

Rules: truth is in the store; the copy is kept up by what the writer tells, which is newer than anything that is being
read at the time; the oldest copies go first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from rooms.room import Room
from rooms.store.database import Database
from rooms.store.gathering import Audience, audiences_of
from server.directory import Directory

MOST_KEPT = 50_000
NOBODY = Audience(0, 0)


class Audiences:
    """Audiences by room."""

    def __init__(self, directory: Directory, most: int = MOST_KEPT) -> None:
        self._directory = directory
        self._most = most
        self._kept: OrderedDict[str, Audience] = OrderedDict()

    async def of(self, database: Database, rooms: Sequence[str]) -> dict[str, Audience]:
        """The audience of each room."""
        missing = [room for room in rooms if room not in self._kept]
        read = await database.look(lambda connection: audiences_of(connection, missing)) if missing else {}
        found = {room: self._kept.get(room) or read.get(room, NOBODY) for room in rooms}
        for room, audience in found.items():
            self._keep(room, audience)
        return found

    def told(self, room: Room) -> Audience:
        """The writer says who is in the room now."""
        people = [self._directory.person(person) for person in room.members]
        foreign = sum(1 for person in people if person is not None and person.organisation != room.organisation)
        audience = Audience(len(room.members), foreign)
        self._keep(room.id, audience)
        return audience

    def _keep(self, room: str, audience: Audience) -> None:
        self._kept[room] = audience
        self._kept.move_to_end(room)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
