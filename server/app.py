"""The composition root: from settings to a running server. Everything is put together here and nowhere else.

The order of the start: lock, secrets, database (migrated), sockets bound, jail started, then the event loop:
directory loaded, left-overs swept, writer, control socket, release worker, housekeeping, listeners. The end is the
same backwards, in one drain.

>>> serve_installation(settings, ready=print)   # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Scope

from rooms.commands import SERVER, Command
from rooms.commands.noting import MakeCheckpoint, NoteAct
from rooms.perform import Clocks, Drain, Outcome, Performer
from rooms.session import MINUTE
from rooms.store.blobs import BlobFolder
from rooms.store.database import Database
from rooms.store.restoring import lineage
from sanitizer.supervisor import Supervisor
from server.api_keys import ApiKeys
from server.binding import Bound, allow_many_connections, bind, bind_icap
from server.binding import StartRefused as Unbound
from server.comparison_worker import ComparisonWorker
from server.control import ControlSocket
from server.directory import Directory
from server.event_loop import collect_seldom, loop_of
from server.fanout import Hub
from server.front import Front
from server.housekeeping import Retention, checkpoint_job, every, plain, sweep_folders
from server.icap.server import IcapServer
from server.incarnations import Incarnations
from server.installation import (
    CONTROL_SOCKET,
    KEYS,
    StartRefused,
    load_keys,
    lock_folder,
    open_database,
    system_clocks,
)
from server.listeners import serve
from server.load import Load
from server.load_watch import LoadWatch
from server.logins import Logins
from server.notices import Notices
from server.partials import Partials
from server.passwords import Passwords
from server.rate_limits import Buckets, Rate
from server.read_marks import ReadMarks
from server.receiving import Receiving
from server.release_worker import ReleaseWorker
from server.resumable import Resumables
from server.rooms_engine import RoomsEngine
from server.routes.accounts import Accounts
from server.routes.attachments import Attachments
from server.routes.client import Client
from server.routes.health import Health
from server.routes.http import Door, Routes
from server.routes.messages import Messages
from server.routes.openapi import OpenApi
from server.routes.rooms import Rooms
from server.routes.sanitize import Sanitize
from server.routes.search import Search
from server.routes.setup import Setup
from server.routes.uploads import Uploads
from server.sanitizing import Sanitizing
from server.search_worker import SearchWorker
from server.security_headers import SecurityHeaders
from server.sessions import Sessions
from server.settings import Settings
from server.setup_link import SetupLink
from server.steady_clock import SteadyClock
from server.storage_watch import StorageWatch
from server.strangers import Strangers
from server.telling import Teller
from server.terms import KIB, MIB, LoadTest, request_rate, scanner_of, socket_limits, terms_of
from server.thumbnail_worker import ThumbnailWorker
from server.views import Viewer
from server.websocket_endpoint import WebSocketEndpoint
from server.workshop import Workshop

log = logging.getLogger("sekisho")

API = "/api/v1"
HOUR = 60 * MINUTE
Ready = Callable[[Sequence[Bound]], None]


class HasRoutes(Protocol):
    """One slice of the HTTP interface."""

    def routes(self, door: Door) -> list[Route]: ...


class Application:
    """One installation at work. Made in the running loop; ``start`` before, ``close`` after the listeners serve."""

    def __init__(
        self, settings: Settings, folder: Path, database: Database, drain: Drain, supervisor: Supervisor, load: LoadTest
    ) -> None:
        self.settings = settings
        self.database = database
        self.drain = drain
        self.clocks: Clocks = drain.clocks
        now = self.clocks.now
        steady = SteadyClock(now, self._elapsed)
        terms = drain.terms
        self.quarantine = BlobFolder(folder / "quarantine")
        self.renditions = BlobFolder(folder / "renditions")
        quotas = settings.quotas
        self.storage = StorageWatch(
            self.quarantine.used_share, quotas.refuse_uploads_percent / 100, quotas.read_only_percent / 100
        )
        self.load = Load()
        self.hub = Hub()
        self.directory = Directory()
        self.viewer = Viewer(self.directory, terms.table, terms.zones)
        self.performer = Performer(database, drain, self._told, self._fatal, settings.limits.writer_queue)
        submit = self.storage.guard(self.performer.submit)
        self.submit = submit
        self.sessions = Sessions(database, terms.session_times, submit, now, self._elapsed)
        self.strangers = Strangers(submit, now, self._elapsed, limits=not load.on)
        self.supervisor = supervisor
        shop = Workshop(database, supervisor, self.quarantine, self.renditions, terms.table, submit, self.load)
        self.worker = ReleaseWorker(shop, settings.sanitizer.workers)
        self.drawer = ThumbnailWorker(shop)
        self.comparer = ComparisonWorker(shop)
        self.indexer = SearchWorker(database, self.performer.submit, self.load)
        self.teller = Teller(
            self.hub, self.directory, self.viewer, self.sessions,
            self.worker.wake, self.indexer.wake, self.comparer.wake,
        )  # fmt: skip
        self.passwords = Passwords(cheap=load.on)
        self.receiving = Receiving(
            database, self.quarantine, submit, self.storage.takes_uploads, settings.limits.upload_mib * MIB, self.load
        )
        self.resumables = Resumables(
            database, Partials(folder / "uploads"), self.quarantine, self.receiving, steady,
            settings.retention.unposted_hours * HOUR,
        )  # fmt: skip
        self.sanitizing = Sanitizing(
            supervisor, folder / "passing", submit, self.storage.takes_uploads,
            settings.limits.upload_mib * MIB, settings.sanitizer.workers,
        )  # fmt: skip
        files = Rate(0, 1) if load.on else Rate(settings.limits.sanitize_per_second, settings.limits.sanitize_at_once)
        self.api_keys = ApiKeys(database, self.strangers, submit, now, Buckets(files))
        self.icap = IcapServer(settings.icap, self.sanitizing, self.strangers.refused)
        self.marks = ReadMarks(submit, lambda: self.performer.queued, self.load)
        self.engine = RoomsEngine(
            database, self.sessions, self.strangers, self.viewer, lambda live: self.directory.user(live.person),
            self.storage.guard_perform(self.performer.perform), self.marks,
        )  # fmt: skip
        self.incarnations = Incarnations()
        self.endpoint = WebSocketEndpoint(self.engine, self.hub, socket_limits(settings, load), self.incarnations)
        self.notices = Notices(self.load, self.storage, self.endpoint.tell)
        self.load_watch = LoadWatch(self.load, self.performer, self.endpoint.buffered, self._load_changed)
        self.control = ControlSocket(
            folder / CONTROL_SOCKET, self.performer.submit, self._before_command, {"Load": self.notices.answer}
        )
        self.retention = Retention(
            database, self.quarantine, self.renditions, submit, steady.cautious,
            settings.retention.originals_days * 24 * HOUR, settings.retention.unposted_hours * HOUR,
        )  # fmt: skip
        self.asgi = self._asgi(folder, load)
        self.icap_socket: socket.socket | None = None  # bound, for ``start``
        self._jobs: list[asyncio.Task[None]] = []

    # HTTP ------------------------------------------------------------------------------------------------------------

    def _asgi(self, folder: Path, load: LoadTest) -> ASGIApp:
        requests = None if load.on else request_rate(self.settings)
        door = Door(self.sessions, self.strangers, self.submit, requests)
        health = Health(lambda: not self.storage.reads_only, self.figures)
        self.routes: list[BaseRoute] = [
            Mount(API, Router(self._api(door, folder), redirect_slashes=False)),
            *health.routes(),
            *Client().routes(),
        ]
        front = Front(
            Routes(self.routes),
            on_refused=self.engine.refused,
            json_body=self.settings.limits.json_body_kib * KIB,
            streams=_is_upload,
        )
        return SecurityHeaders(front)

    def _api(self, door: Door, folder: Path) -> list[Route]:
        database, viewer, directory, submit = self.database, self.viewer, self.directory, self.submit
        logins = Logins(database, self.passwords, self.strangers, submit, self.clocks.now)
        link = SetupLink(folder / KEYS)
        attachments = Attachments(
            database, viewer, self.receiving, self.worker, self.quarantine, self.renditions,
            self.drain.terms.table, self.supervisor, self.comparer.wake, submit,
        )  # fmt: skip
        slices: list[HasRoutes] = [
            Accounts(logins, directory, database, self.drain.terms.session_times, self.drain.terms.table, submit),
            Setup(link, self.passwords, self.strangers, submit, self.clocks.now),
            Rooms(database, viewer, directory, submit),
            Messages(database, viewer, self.incarnations, submit),
            attachments,
            Uploads(self.resumables),
            Search(database, directory, self.drain.terms.table, submit, self.load),
            Sanitize(self.api_keys, self.sanitizing, self.receiving.stalls_after),
            OpenApi(),
        ]
        return [route for one in slices for route in one.routes(door)]

    def figures(self) -> Mapping[str, tuple[str, str, float]]:
        """What ``/metrics`` shows."""
        return {
            "connections": ("gauge", "Open WebSocket connections", len(self.endpoint.connections)),
            "deliveries_total": ("counter", "Event frames handed to connections", self.hub.deliveries),
            "resyncs_total": ("counter", "Slow readers told to come back", self.endpoint.resyncs),
            "writer_queue": ("gauge", "Commands that wait for the writer", self.performer.queued),
            "audit_leaves": ("gauge", "Leaves of the audit tree", self.drain.frontier.size),
            "icap_connections": ("gauge", "Open ICAP connections", self.icap.connections),
            "files_held": ("gauge", "Files of other systems that are here now", self.sanitizing.held),
            "storage_used_ratio": ("gauge", "How full the disk is, 0 to 1", self.storage.used),
            **self._load_figures(),
        }

    def _load_figures(self) -> Mapping[str, tuple[str, str, float]]:
        load, measures = self.load, self.load.measures
        return {
            "load_level": ("gauge", "What rests: 1 marks, 2 previews, 3 search, 4 uploads too", load.level),
            "load_raised_total": ("counter", "How often a level was reached", load.raised),
            "load_refused_total": ("counter", "Searches and uploads refused because of the level", load.refused),
            "loop_lag_seconds": ("gauge", "How late the event loop comes to a timer, at the least", measures.lag),
            "writer_oldest_seconds": ("gauge", "How long commands wait for a commit, at the least", measures.oldest),
            "buffered_ratio": ("gauge", "What sockets have not taken, of what all may hold", measures.buffered),
            "memory_pressure_ratio": ("gauge", "Memory that should be left, by what is left", measures.memory),
        }

    # Life ------------------------------------------------------------------------------------------------------------

    def _elapsed(self) -> int:
        """Milliseconds of the clock that nobody sets."""
        return self.clocks.mono() // 1_000_000

    def _before_command(self, command: Command) -> None:
        """Who asks for a signed head wants all of the record under it: what strangers did goes first."""
        if isinstance(command, MakeCheckpoint):
            self.strangers.flush(everything=True)

    def _told(self, outcomes: list[Outcome]) -> None:
        self.teller(outcomes)

    def _fatal(self, error: BaseException) -> None:
        """The disk failed: nobody knows what is on it, so the process ends at once and recovery does the rest."""
        log.critical("the storage failed, the server ends: %s", error)
        os._exit(70)

    async def start(self) -> None:
        self.storage.look()
        await self.directory.load(self.database)
        async with self.database.read() as connection:
            self.incarnations.take_up(await lineage(connection))
        await sweep_folders(self.database, self.quarantine, self.renditions)
        await self.performer.start()
        await self.resumables.load()
        await self.control.start()
        if self.icap_socket is not None:
            await self.icap.start(self.icap_socket)
        self.submit(NoteAct(SERVER, "server.start"))
        jobs = [
            self.worker.run(),
            self.indexer.run(),
            self.comparer.run(),
            self.drawer.run(),
            every(2, self._sweep_sessions),
            every(5, plain(self._look_at_storage)),
            self.load_watch.run(),
            every(10, plain(self.strangers.flush)),
            every(10, checkpoint_job(self.submit)),
            every(3600, self.retention.run, first=3600),
            every(600, self.resumables.sweep, first=600),
        ]
        self._jobs = [asyncio.create_task(job) for job in jobs]

    def _load_changed(self) -> None:
        self.notices.look()
        self.drawer.wake()

    def _look_at_storage(self) -> None:
        self.storage.look()
        self.notices.look()

    async def _sweep_sessions(self) -> None:
        connected = {c.who.session for c in self.endpoint.connections if c.who is not None}
        for over in self.sessions.sweep(connected):
            self.hub.end(over.person, session=over.session, reason=over.reason)

    async def close(self) -> None:
        """What was accepted is performed, the head is signed, everything is given back."""
        await self.icap.close()
        await self.control.close()
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        self.marks.close()
        self.strangers.flush(everything=True)
        self.submit(NoteAct(SERVER, "server.stop"))
        self.submit(MakeCheckpoint(SERVER))
        await self.performer.close()
        self.receiving.close()
        self.passwords.close()
        await self.database.close()


def _is_upload(scope: Scope) -> bool:
    """Routes that take a stream and bound it themselves."""
    path: str = scope["path"]
    return path in (f"{API}/attachments", f"{API}/sanitize") or path.startswith(f"{API}/uploads")


def serve_installation(settings: Settings, *, ready: Ready | None = None, load: LoadTest | None = None) -> None:
    """Run one installation until a signal. Raises ``StartRefused`` with nothing running."""
    allow_many_connections()
    load = load or LoadTest()
    loop = loop_of(settings.event_loop)
    log.info("event loop: %s", loop.name)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(lock_folder(settings.data))
        supervisor = Supervisor(
            strict=settings.sanitizer.strict,
            workers=settings.sanitizer.workers,
            scanner=scanner_of(settings),
            media=settings.sanitizer.media == "auto",
        )
        stack.callback(supervisor.close_now)
        supervisor.spawn()  # the cells import while the store is opened
        drain = Drain(terms_of(settings, load), system_clocks(), load_keys(folder))
        database = open_database(folder)
        bound = bind(settings.listeners)
        if isinstance(bound, Unbound):
            raise StartRefused(*bound)
        for one in bound:
            stack.callback(one.sock.close)
        icap = bind_icap(settings.icap)
        if isinstance(icap, Unbound):
            raise StartRefused(*icap)
        if icap is not None:
            stack.callback(icap.close)
        supervisor.start()
        with asyncio.Runner(loop_factory=loop.factory) as runner:
            runner.run(_serve(settings, folder, database, drain, supervisor, bound, icap, ready, load))


async def _serve(
    settings: Settings,
    folder: Path,
    database: Database,
    drain: Drain,
    supervisor: Supervisor,
    bound: Sequence[Bound],
    icap: socket.socket | None,
    ready: Ready | None,
    load: LoadTest,
) -> None:
    application = Application(settings, folder, database, drain, supervisor, load)
    application.icap_socket = icap
    await application.start()
    collect_seldom()
    await serve(
        bound,
        application.asgi,
        application.endpoint,
        on_drain=[application.close, supervisor.close],
        ready=ready,
        drain_seconds=settings.drain_seconds,
    )


__all__ = ["Application", "StartRefused", "serve_installation"]
