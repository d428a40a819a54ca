"""Attachments: sending one, what became of it, and the bytes a zone may read.

Rules kept here:
- no byte of an original reaches a zone whose treatment is not ``pass``: the state is asked before anything is opened;
- what is served is hashed against its row before the first time;
- a download is on record before its first byte; parts of one download are one act;
- served files cannot act: ``nosniff``, ``Content-Disposition``, a sandboxing CSP, and a type from a short list.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from rooms.attachment import Attachment, Release
from rooms.commands import Command
from rooms.commands.comparing import AskComparison
from rooms.commands.noting import NoteAct
from rooms.commands.receiving import GivePassword
from rooms.file_name import with_extension
from rooms.perform import Outcome
from rooms.permissions import may_see_attachment
from rooms.refusals import Refusal, refuse
from rooms.store.blobs import BlobFolder
from rooms.store.comparing import comparison_of
from rooms.store.database import Database
from rooms.store.gathering import room_for
from rooms.store.receiving import attachment_by_id
from rooms.zones import CrossingTable
from sanitizer.supervisor import Supervisor
from server.on_record import on_record
from server.receiving import Receiving, UploadCut
from server.release_worker import ReleaseWorker, sha256_of
from server.routes.attachment_parts import FILE_HEADERS, SHOWN_IN_PLACE, Parts
from server.routes.http import NO_STORE, Caller, Door, answer, body
from server.views import Viewer

_ONE_RANGE = re.compile(r"bytes=(?P<first>[0-9]{1,18})?-(?P<last>(?(first)[0-9]{0,18}|[0-9]{1,18}))")
MAX_PASSWORD = 1024
MOST_HASHED = 100_000
MOST_DOWNLOADS = 10_000
BELONGS_WITHIN = 600.0


class FilePassword(Struct, forbid_unknown_fields=True):
    password: str


class InQuarantine(Struct):
    """The attachment is durable and waits for its verdict."""

    id: str
    state: Literal["quarantined"] = "quarantined"


class Asked(Struct):
    """The comparison will be made; ``GET attachments/{id}`` shows it."""

    id: str


class Attachments:
    def __init__(
        self,
        database: Database,
        viewer: Viewer,
        receiving: Receiving,
        worker: ReleaseWorker,
        quarantine: BlobFolder,
        renditions: BlobFolder,
        table: CrossingTable,
        supervisor: Supervisor,
        compare: Callable[[], None],
        submit: Callable[[Command], Awaitable[Outcome]],
    ) -> None:
        self._table = table
        self._compare = compare
        self._parts = Parts(supervisor, submit)
        self._database = database
        self._viewer = viewer
        self._receiving = receiving
        self._worker = worker
        self._quarantine = quarantine
        self._renditions = renditions
        self._submit = submit
        self._hashed: set[str] = set()
        self._downloads = Downloads(time.monotonic)
        self._looks = Downloads(time.monotonic)

    def routes(self, door: Door) -> list[Route]:
        one = "/attachments/{attachment}"
        return [
            Route("/attachments", door.known(self.receive, "attachment.receive"), methods=["POST"]),
            Route(one, door.known(self.show, "attachment.show"), methods=["GET"]),
            Route(f"{one}/content", door.known(self.content, "attachment.read"), methods=["GET"]),
            Route(f"{one}/thumbnail", door.known(self.thumbnail, "attachment.thumbnail"), methods=["GET"]),
            Route(f"{one}/comparison", door.known(self.comparison, "attachment.compare"), methods=["GET"]),
            Route(f"{one}/comparison", door.known(self.compare, "attachment.compare"), methods=["POST"]),
            Route(f"{one}/receipt", door.known(self.receipt, "attachment.receipt"), methods=["GET"]),
            Route(f"{one}/password", door.known(self.password, "attachment.password"), methods=["POST"]),
        ]

    async def receive(self, request: Request, caller: Caller) -> Response | Refusal:
        """The raw body, streamed; 202 when file, folder and row are durable."""
        room, name = request.query_params.get("room", ""), request.query_params.get("name", "")
        if not name or len(name) > 1024:
            return refuse("bad_file_name")
        length = request.headers.get("content-length")
        size = int(length) if length is not None and length.isdigit() else None
        refusal = await self._receiving.may_begin(caller.origin, room, size)
        if refusal is not None:
            return refusal
        try:
            received = await self._receiving.stream(request.stream())
        except (ClientDisconnect, UploadCut):
            return refuse("upload_cut")
        if isinstance(received, Refusal):
            return received
        recorded = await self._receiving.record(caller.origin, room, name, received)
        if isinstance(recorded, Refusal):
            return on_record(recorded)
        return answer(InQuarantine(recorded.id), 202)

    async def _visible(self, request: Request, caller: Caller) -> Attachment | Refusal:
        async with self._database.read() as connection:
            attachment = await attachment_by_id(connection, request.path_params["attachment"])
            if attachment is None:
                return refuse("not_found")
            found = await connection.run_sync(room_for, attachment.room, caller.person, caller.zone)
        room = found[0] if found is not None else None
        return may_see_attachment(caller.live.person, room, attachment, caller.zone) or attachment

    async def _released(self, request: Request, caller: Caller) -> tuple[Attachment, Release] | Refusal:
        """The attachment and what this zone may read of it, or why not."""
        attachment = await self._visible(request, caller)
        if isinstance(attachment, Refusal):
            return attachment
        release = attachment.releases.get(caller.zone)
        if release is None or release.treatment == "forbid":
            return refuse("forbidden_crossing")
        return (attachment, release) if release.state == "released" else refuse("not_released")

    async def show(self, request: Request, caller: Caller) -> Response | Refusal:
        """What became of it; where its text may not be read, its name and size are text too."""
        attachment = await self._visible(request, caller)
        if isinstance(attachment, Refusal):
            return attachment
        release = attachment.releases.get(caller.zone)
        if release is not None and release.treatment == "forbid":
            return refuse("forbidden_crossing")
        comparison = None
        if release is not None and release.state == "released":
            async with self._database.read() as connection:
                comparison = await comparison_of(connection, attachment.id, release.treatment)
        return answer(self._viewer.attachment(attachment, caller.zone, comparison))

    async def content(self, request: Request, caller: Caller) -> Response | Refusal:
        """The rendition for the caller's zone; ``?inline`` shows it in place where its type allows."""
        ignore_other_ranges(request)
        found = await self._released(request, caller)
        if isinstance(found, Refusal):
            return found
        attachment, release = found
        path = await self._sound(attachment, release)
        if isinstance(path, Refusal):
            return path
        if "as" in request.query_params:
            return await self._parts.give_out(request, caller, attachment, release, path)
        if self._downloads.begins(request, caller, attachment.id):
            notes = {"zone": caller.zone, "sha256": release.sha256}
            noted = await self._submit(NoteAct(caller.origin, "attachment.read", attachment.id, notes=notes))
            if noted.refused:
                return on_record(noted.answer)
            self._downloads.noted(caller, attachment.id)
        mime = release.mime or "application/octet-stream"
        inline = "inline" in request.query_params and mime in SHOWN_IN_PLACE
        return FileResponse(
            path,
            headers={**FILE_HEADERS, "content-type": mime},
            filename=with_extension(attachment.name, mime) if release.blob else attachment.name,
            content_disposition_type="inline" if inline else "attachment",
        )

    async def _sound(self, attachment: Attachment, release: Release) -> Path | Refusal:
        """The file behind a release, hashed against its row before it is served for the first time."""
        folder, key = (self._renditions, release.blob) if release.blob else (self._quarantine, attachment.blob)
        if key in self._hashed:
            return folder.path(key)
        try:
            descriptor = folder.open(key)
        except FileNotFoundError:
            return refuse("not_found")
        try:
            digest = await asyncio.to_thread(sha256_of, descriptor)
        finally:
            os.close(descriptor)
        if digest != release.sha256:
            return refuse("damaged")
        if len(self._hashed) >= MOST_HASHED:
            self._hashed.clear()
        self._hashed.add(key)
        return folder.path(key)

    async def thumbnail(self, request: Request, caller: Caller) -> Response | Refusal:
        """A small PNG of what this zone may read."""
        ignore_other_ranges(request)
        found = await self._released(request, caller)
        if isinstance(found, Refusal):
            return found
        _, release = found
        if not release.thumbnail or not self._renditions.path(release.thumbnail).is_file():
            return refuse("not_found")
        return FileResponse(
            self._renditions.path(release.thumbnail), headers=dict(FILE_HEADERS), media_type="image/png"
        )

    async def comparison(self, request: Request, caller: Caller) -> Response | Refusal:
        """The picture of a page that differs, of the rebuilt file or of the original, where this zone may see it."""
        ignore_other_ranges(request)
        found = await self._released(request, caller)
        if isinstance(found, Refusal):
            return found
        attachment, release = found
        page, side = request.query_params.get("page", ""), request.query_params.get("side", "")
        if not (page.isascii() and page.isdigit() and len(page) < 6) or side not in ("original", "rebuilt"):
            return refuse("malformed")
        if side == "original" and not self._table.original_may_be_pictured(attachment.made_in, caller.zone):
            return refuse("not_found")
        async with self._database.read() as connection:
            known = await comparison_of(connection, attachment.id, release.treatment)
        pictures = known.pictures if known is not None else ()
        blob = next((one.blob for one in pictures if (one.page, one.side) == (int(page), side)), None)
        if blob is None or not self._renditions.path(blob).is_file():
            return refuse("not_found")
        if not self._looks.lately(caller, attachment.id):
            notes = {"zone": caller.zone, "sha256": release.sha256}
            noted = await self._submit(NoteAct(caller.origin, "attachment.compare", attachment.id, notes=notes))
            if noted.refused:
                return on_record(noted.answer)
            self._looks.noted(caller, attachment.id)
        return FileResponse(self._renditions.path(blob), headers=dict(FILE_HEADERS), media_type="image/png")

    async def compare(self, request: Request, caller: Caller) -> Response | Refusal:
        """A comparison that is made only when somebody asks; what is made, or under way, is answered as it is."""
        found = await self._released(request, caller)
        if isinstance(found, Refusal):
            return found
        attachment, release = found
        asked = (await self._submit(AskComparison(caller.origin, attachment.id, release.treatment))).answer
        if isinstance(asked, Refusal):
            return on_record(asked)
        self._compare()
        return answer(Asked(attachment.id), 202)

    async def receipt(self, request: Request, caller: Caller) -> Response | Refusal:
        """The signed crossing receipt, byte for byte as it was signed."""
        found = await self._released(request, caller)
        if isinstance(found, Refusal):
            return found
        _, release = found
        if release.receipt is None:
            return refuse("no_crossing")
        return Response(release.receipt, 200, NO_STORE, "application/json")

    async def password(self, request: Request, caller: Caller) -> Response | Refusal:
        """The password of a file that needs one; kept in memory for the next try only."""
        sent = await body(request, FilePassword)
        if isinstance(sent, Refusal):
            return sent
        if not 0 < len(sent.password) <= MAX_PASSWORD:
            return refuse("invalid")
        attachment = await self._visible(request, caller)
        if isinstance(attachment, Refusal):
            return attachment
        if attachment.uploader != caller.person:
            return refuse("not_found")
        waits = any(release.state == "needs_password" for release in attachment.releases.values())
        if waits:  # nobody else's word may take the place of one that is on its way
            self._worker.give_password(attachment.id, sent.password)
        given = (await self._submit(GivePassword(caller.origin, attachment.id))).answer
        if isinstance(given, Refusal):
            if waits:
                self._worker.forget_password(attachment.id)
            return on_record(given)
        return answer(InQuarantine(attachment.id), 202)


def ignore_other_ranges(request: Request) -> None:
    """Only one range of bytes is served; any other ``Range`` is as if it were not there (RFC 9110 section 14.2)."""
    wanted = _ONE_RANGE.fullmatch(request.headers.get("range", ""))
    backwards = wanted is not None and wanted["first"] and wanted["last"] and int(wanted["first"]) > int(wanted["last"])
    if wanted is None or backwards:
        headers = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
        request.scope["headers"][:] = headers


class Downloads:
    """Which requests are parts of a download that is on record. ``now`` in seconds.

    Rules: a request for the first byte begins a download; one for later bytes belongs to the download that the same
    session began within ``BELONGS_WITHIN`` seconds, else it begins one itself, so that no byte leaves unrecorded.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._begun: OrderedDict[tuple[str, str], float] = OrderedDict()

    def begins(self, request: Request, caller: Caller, attachment: str) -> bool:
        """Whether this request needs a leaf of its own."""
        if request.method == "HEAD":
            return False
        wanted = _ONE_RANGE.fullmatch(request.headers.get("range", ""))
        if wanted is None or (wanted["first"] and int(wanted["first"]) == 0):
            return True
        return not self.lately(caller, attachment)

    def lately(self, caller: Caller, attachment: str) -> bool:
        """Whether the same session has one on record that this still belongs to."""
        begun = self._begun.get((caller.live.session.id, attachment))
        return begun is not None and self._now() - begun <= BELONGS_WITHIN

    def noted(self, caller: Caller, attachment: str) -> None:
        self._begun[caller.live.session.id, attachment] = self._now()
        self._begun.move_to_end((caller.live.session.id, attachment))
        while len(self._begun) > MOST_DOWNLOADS:
            self._begun.popitem(last=False)
