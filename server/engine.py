"""What the transport needs of the product behind it, and nothing more.

Rules: the transport (listeners, sockets, fan-out, resume) reaches rooms, sessions and the record only through
``Engine``; ``server/app.py`` implements it over ``rooms.perform`` and ``rooms.store``, the tests over lists in memory.
A "no" is a ``Refusal``, never an exception; an exception of the engine is a fault and is answered ``internal``.

What the engine in turn calls, always on the event loop's thread and always after the commit:
``Hub.publish``, ``Hub.joined``, ``Hub.left``, ``Hub.to_person``, ``Hub.end_session``, ``Hub.end_person``
(server/fanout.py).

Example, in ``server/app.py``::

    hub = Hub()
    engine = RoomsEngine(store, writer, hub)          # implements Engine; publishes to the hub after each drain
    endpoint = WebSocketEndpoint(engine, hub, limits)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from msgspec import Struct

from rooms.refusals import Refusal
from server import wire


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """Where a request came from, as the server itself saw it. No field is taken from a header, with two exceptions:
    ``host`` (one of the listener's own names, checked) and ``address`` behind the listener's own ``trusted_proxy``.

    ``device`` is ``tls:`` and the SHA-256 of the client certificate (mTLS listeners), else empty.
    ``forwarded``: headers were present that claim another zone, address, scheme or host; they changed nothing.
    """

    listener: str
    zone: str
    address: str
    device: str
    host: str
    forwarded: bool
    request_id: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session that was checked: it is alive and belongs to the zone it was presented in.

    ``view`` names the rendering of events this session reads: sessions with equal ``view`` get the same bytes. On a
    server of one organisation it is the zone; where organisations differ in their crossing tables it names both.
    """

    session: str
    person: str
    zone: str
    view: str
    user: wire.User


class Posted(Struct, frozen=True):
    """A durable post (or the same answer again for the same ``client_msg_id``)."""

    message_id: str
    seq: int


class StoredEvent(Struct, frozen=True, eq=False):
    """An event that is durable. ``at_ms``: ms since the epoch, UTC.

    ``view`` gives what one view (see ``LoggedIn.view``) may read of it; it must be pure and cheap, for it is called
    once per view and publication, and once per replayed event.
    """

    room: str
    seq: int
    at_ms: int
    actor: wire.Actor
    view: Callable[[str], wire.RoomEvent]


Answered = Callable[[Posted | Refusal], None]


class Gap(NamedTuple):
    """At most ``limit`` events of ``room`` with seq > ``after``."""

    room: str
    after: int
    limit: int


class Pruned:
    """Answer of ``Engine.events``: the cursor lies before what is kept; the client loads the room afresh."""

    __slots__ = ()


PRUNED = Pruned()


class Engine(Protocol):
    """The product behind the sockets. All methods are called on the event loop's thread."""

    async def authenticate(self, token: str, origin: RequestOrigin) -> LoggedIn | Refusal:
        """The session of ``token`` if it is alive and was issued in ``origin.zone``; the engine audits refusals."""
        ...

    async def rooms_of(self, who: LoggedIn) -> list[wire.RoomView] | Refusal:
        """Every room the person may see in this zone, with a ``head`` that was committed before the answer.

        Called once after ``authenticate``; refuses if the session ended in between (the hub is told of an end once).
        """
        ...

    async def events(self, who: LoggedIn, gaps: Sequence[Gap]) -> list[Sequence[StoredEvent] | Pruned]:
        """For each gap, in their order, the events that the person may read there, ascending.

        It must see every event that was published to the hub before the call. Empty: nothing more may be read.
        """
        ...

    def post(self, who: LoggedIn, frame: wire.Post, origin: RequestOrigin, answered: Answered) -> None:
        """Queue a post. ``answered`` is called once: after the commit, or at once where there will be none. Posts are
        queued in the order of the calls."""
        ...

    def mark_read(self, who: LoggedIn, room: str, seq: int) -> None:
        """Everything up to ``seq`` was seen. Not answered; the new mark comes back by ``Hub.to_person``."""
        ...

    def seen(self, who: LoggedIn) -> None:
        """The person did something on a socket. Called at most every 30 s per connection; puts off the end by rest."""
        ...

    def refused(self, origin: RequestOrigin, reason: str) -> None:
        """The transport itself refused a request (foreign host or origin …): for the audit, aggregated there."""
        ...
