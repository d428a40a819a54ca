"""What the commands of one drain know: a layer of working state over what is already committed.

Rules: later commands of a drain see earlier ones' effects; nothing below is touched until the drain is durable,
then ``settle`` swaps in what lasts; a layer that failed is simply dropped. ``None`` in a layer means "known not to
exist".
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

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
    each. What does not exist is known within a drain alone. A layer is made when it is first asked for: a drain needs
    few of them.
    """

    people: Layer[str, Person]
    logins: Layer[str, str]
    rooms: Layer[str, Room]
    heads: Layer[str, int]
    direct_rooms: Layer[str, str]
    organisations: Layer[str, Organisation]
    sections: Layer[tuple[str, str | None, str], Section]
    section_names: Layer[str, str]
    posted: Layer[tuple[str, str, str], Posted]
    messages: Layer[str, str]
    attachments: Layer[str, Attachment]
    comparisons: Layer[tuple[str, str], Comparison]
    usage: Layer[str, int]
    read_marks: Layer[tuple[str, str], int]
    sessions: Layer[str, Session]
    sessions_of: Layer[str, tuple[str, ...]]
    passwords: Layer[str, str]
    login_tries: Layer[str, LoginTries]
    api_keys: Layer[str, ApiKey]
    outbox: Layer[int, bool]

    def __init__(self, below: World | None = None) -> None:
        self._below = below

    def __getattr__(self, name: str) -> Layer[Any, Any]:
        if name not in _LAYERS:
            raise AttributeError(name)
        layer: Layer[Any, Any] = Layer(getattr(self._below, name) if self._below is not None else None)
        setattr(self, name, layer)
        return layer

    def absorb(self, upper: World) -> None:
        """Take over everything that ``upper`` changed or loaded."""
        for name in _LAYERS.intersection(vars(upper)):
            getattr(self, name).absorb(getattr(upper, name))

    def settle(self, upper: World) -> None:
        """Take over what outlives a drain that is durable; called on the lasting world."""
        for name in LASTING:
            if name in vars(upper):
                getattr(self, name).settle(getattr(upper, name))


_LAYERS = frozenset(World.__annotations__)
LASTING = ("people", "logins", "rooms", "heads")
