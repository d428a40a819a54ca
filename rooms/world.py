"""What the commands of one drain know: a layer of working state over what is already committed.

Rules: later commands of a drain see earlier ones' effects; nothing below is touched until the drain is durable,
then ``settle`` swaps in what lasts; a layer that failed is simply dropped. ``None`` in a layer means "known not to
exist".
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from rooms.api_key import ApiKey
from rooms.attachment import Attachment
from rooms.comparison import Comparison
from rooms.people import Organisation, Person, Section
from rooms.room import Room
from rooms.session import LoginTries, Session, SessionTimes
from rooms.zones import BETA, CrossingTable

K = TypeVar("K")
V = TypeVar("V")

GIB = 1 << 30


class Terms(NamedTuple):
    """What an installation has settled: the crossing table, the zones it serves, times and quotas (bytes)."""

    table: CrossingTable = BETA
    zones: frozenset[str] = frozenset({"internet", "lgwan"})
    session_times: SessionTimes = SessionTimes()
    quota_person: int = 20 * GIB
    quota_organisation: int = 2048 * GIB
    lockout: bool = True


class Layer(Generic[K, V]):
    """A dictionary over another one."""

    __slots__ = ("_below", "_own")

    def __init__(self, below: Layer[K, V] | None = None) -> None:
        self._own: dict[K, V | None] = {}
        self._below = below

    def get(self, key: K) -> V | None:
        own = self._own
        if key in own:
            return own[key]
        return self._below.get(key) if self._below is not None else None

    def known(self, key: K) -> bool:
        return key in self._own or (self._below is not None and self._below.known(key))

    def __setitem__(self, key: K, value: V | None) -> None:
        self._own[key] = value

    def absorb(self, upper: Layer[K, V]) -> None:
        self._own.update(upper._own)

    def settle(self, upper: Layer[K, V]) -> None:
        """The same without what does not exist: strangers' ids must not stay."""
        self._own.update((key, value) for key, value in upper._own.items() if value is not None)

    def __len__(self) -> int:
        return len(self._own)


class Posted(NamedTuple):
    """The answer to a post, remembered by its ``client_msg_id``."""

    message_id: str
    seq: int
    repeated: bool = False


class World:
    """The working state. ``people``, ``logins``, ``rooms`` and ``heads`` outlive a drain; the rest is loaded for
    each. What does not exist is known within a drain alone.
    """

    def __init__(self, below: World | None = None) -> None:
        self.people: Layer[str, Person] = Layer(below.people if below else None)
        self.logins: Layer[str, str] = Layer(below.logins if below else None)
        self.rooms: Layer[str, Room] = Layer(below.rooms if below else None)
        self.heads: Layer[str, int] = Layer(below.heads if below else None)
        self.direct_rooms: Layer[str, str] = Layer(below.direct_rooms if below else None)
        self.organisations: Layer[str, Organisation] = Layer(below.organisations if below else None)
        self.sections: Layer[tuple[str, str | None, str], Section] = Layer(below.sections if below else None)
        self.section_names: Layer[str, str] = Layer(below.section_names if below else None)
        self.posted: Layer[tuple[str, str, str], Posted] = Layer(below.posted if below else None)
        self.messages: Layer[str, str] = Layer(below.messages if below else None)
        self.attachments: Layer[str, Attachment] = Layer(below.attachments if below else None)
        self.comparisons: Layer[tuple[str, str], Comparison] = Layer(below.comparisons if below else None)
        self.usage: Layer[str, int] = Layer(below.usage if below else None)
        self.read_marks: Layer[tuple[str, str], int] = Layer(below.read_marks if below else None)
        self.sessions: Layer[str, Session] = Layer(below.sessions if below else None)
        self.sessions_of: Layer[str, tuple[str, ...]] = Layer(below.sessions_of if below else None)
        self.passwords: Layer[str, str] = Layer(below.passwords if below else None)
        self.login_tries: Layer[str, LoginTries] = Layer(below.login_tries if below else None)
        self.api_keys: Layer[str, ApiKey] = Layer(below.api_keys if below else None)
        self.outbox: Layer[int, bool] = Layer(below.outbox if below else None)

    def absorb(self, upper: World) -> None:
        """Take over everything that ``upper`` changed or loaded."""
        for name, layer in vars(self).items():
            layer.absorb(getattr(upper, name))

    def settle(self, upper: World) -> None:
        """Take over what outlives a drain that is durable; called on the lasting world."""
        for name in LASTING:
            getattr(self, name).settle(getattr(upper, name))


LASTING = ("people", "logins", "rooms", "heads")
