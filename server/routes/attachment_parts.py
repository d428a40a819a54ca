"""Data instead of the document: only the text, the tables or the pictures of a file that this zone may read.

Rules kept here:
- parts are made on demand from rebuilt bytes, in a jail, each with its own verifier; nothing of them is kept;
- where the received bytes themselves are read (``pass``), a copy is rebuilt for this purpose alone;
- giving a part out is a read like any other: on record before its first byte.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import get_args
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from rooms.attachment import Attachment, Release
from rooms.commands import Command
from rooms.commands.noting import NoteAct
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from sanitizer import kinds
from sanitizer.extraction import Part, What, in_one
from sanitizer.supervisor import Supervisor, Unavailable
from server.on_record import on_record
from server.routes.http import Caller

SHOWN_IN_PLACE = frozenset(
    {"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "text/csv"}
)
FILE_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; object-src 'self'; "
    "plugin-types application/pdf; sandbox; frame-ancestors 'self'",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-store",
    "referrer-policy": "no-referrer",
}
WHATS: Mapping[str, What] = {what: what for what in get_args(What)}


class Parts:
    """Gives out parts of renditions."""

    def __init__(self, supervisor: Supervisor, submit: Callable[[Command], Awaitable[Outcome]]) -> None:
        self._supervisor = supervisor
        self._submit = submit

    async def give_out(
        self, request: Request, caller: Caller, attachment: Attachment, release: Release, path: Path
    ) -> Response | Refusal:
        """What ``?as=`` asks for of the file at ``path``: one part, several as a ZIP, or the one of ``?number=``."""
        what, number = WHATS.get(request.query_params["as"]), request.query_params.get("number")
        if what is None or (number is not None and not (number.isascii() and number.isdigit() and len(number) < 4)):
            return refuse("malformed")
        try:
            parts = await self._made(attachment, release, path, what)
        except (Unavailable, OSError):
            return refuse("busy")
        chosen = parts if number is None else parts[int(number) - 1 : int(number)] if int(number) else []
        if not chosen:
            return refuse("no_such_part")
        notes = {"zone": caller.zone, "sha256": release.sha256, "as": what}
        noted = await self._submit(NoteAct(caller.origin, "attachment.read", attachment.id, notes=notes))
        if noted.refused:
            return on_record(noted.answer)
        part = await asyncio.to_thread(in_one, chosen, what)
        return _served(part, attachment.name, number, len(parts), "inline" in request.query_params)

    async def _made(self, attachment: Attachment, release: Release, path: Path, what: What) -> list[Part]:
        source = await asyncio.to_thread(os.open, path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if release.blob is not None:
                return await self._supervisor.extract(source, release.mime or "", what)
            copy = await self._supervisor.examine(source, name=attachment.name, treatment="rebuild", thumbnail=False)
        finally:
            os.close(source)
        if copy.output is None or copy.verdict.output is None:
            return []
        try:
            return await self._supervisor.extract(copy.output, copy.verdict.output.type or "", what)
        finally:
            os.close(copy.output)


def _served(part: Part, name: str, number: str | None, count: int, in_place: bool) -> Response:
    """``name``: of the whole file; the part gets the ending of its own type, and its number if it was asked for by it
    (RFC 6266)."""
    stem, dot, _ = name.rpartition(".")
    if number is not None:
        name = f"{stem if dot else name}-{int(number)}{dot}{kinds.ending_of(part.mime)}"
    shown = in_place and part.mime in SHOWN_IN_PLACE
    disposition = f"{'inline' if shown else 'attachment'}; filename*=utf-8''{quote(kinds.output_name(name, part.mime))}"
    mime = f"{part.mime}; charset=utf-8" if part.mime.startswith("text/") else part.mime
    headers = {**FILE_HEADERS, "content-type": mime, "content-disposition": disposition, "sekisho-parts": str(count)}
    return Response(part.data, headers=headers)
