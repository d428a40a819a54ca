"""Resumable uploads: tus 1.0.0 (https://tus.io/protocols/resumable-upload) with creation, creation-with-upload,
termination, expiration and checksum.

Rules: what an upload is, ``server.resumable`` says; here are its headers. Every answer carries ``Tus-Resumable``; a
request without it, or of another version, is 412 (but ``OPTIONS``, which tells what is spoken here); ``Sekisho-
Attachment`` names the attachment that exists once the last byte was acknowledged. An upload of somebody else, of the
same person in another zone, or past its time is 404.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from email.utils import formatdate

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from rooms.commands import Origin
from rooms.refusals import Refusal, refuse
from server.problems import problem_response
from server.receiving import UploadCut
from server.resumable import CHECKSUMS, Checksum, Resumables, Upload
from server.routes.http import Caller, Door, Endpoint, Handler, language, request_origin

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"
BYTES = "application/offset+octet-stream"
MAX_NAME = 1024
_SPOKEN = {"tus-resumable": VERSION, "cache-control": "no-store"}


class Uploads:
    def __init__(self, resumables: Resumables) -> None:
        self._resumables = resumables

    def routes(self, door: Door) -> list[Route]:
        def spoken(handler: Handler, action: str) -> Endpoint:
            return self._spoken(door.known(handler, action))

        folder, one = spoken(self.create, "upload.create"), "/uploads/{upload}"
        routes = [Route(path, folder, methods=["POST"]) for path in ("/uploads/", "/uploads")]
        routes += [
            Route(path, self._spoken(door.open(self.options)), methods=["OPTIONS"])
            for path in ("/uploads/", "/uploads", one)
        ]
        return [
            *routes,
            Route(one, spoken(self.head, "upload.show"), methods=["HEAD"]),
            Route(one, spoken(self.patch, "upload.write"), methods=["PATCH"]),
            Route(one, spoken(self.delete, "upload.end"), methods=["DELETE"]),
            Route(one, spoken(self.overridden, "upload.write"), methods=["POST"]),
        ]

    def _spoken(self, endpoint: Endpoint) -> Endpoint:
        """Every answer names the version; a request of another version is not looked at."""

        async def serve(request: Request) -> Response:
            if request.method != "OPTIONS" and request.headers.get("tus-resumable") != VERSION:
                response = _problem(request, refuse("malformed"), 412)
                response.headers["tus-version"] = VERSION
            else:
                response = await endpoint(request)
            response.headers["tus-resumable"] = VERSION
            return response

        return serve

    async def options(self, request: Request, origin: Origin) -> Response | Refusal:
        """What is spoken here."""
        headers = {
            "tus-version": VERSION,
            "tus-extension": EXTENSIONS,
            "tus-max-size": str(self._resumables.max_size),
            "tus-checksum-algorithm": ",".join(CHECKSUMS),
        }
        return Response(status_code=204, headers=_SPOKEN | headers)

    async def create(self, request: Request, caller: Caller) -> Response | Refusal:
        """201 with ``Location``; a body counts as the first part."""
        length = _whole(request.headers.get("upload-length"))
        metadata = _metadata(request.headers.get("upload-metadata", ""))
        if length is None or metadata is None:
            return refuse("malformed")
        room, name = metadata.get("room", ""), metadata.get("filename", "")
        if not name or len(name) > MAX_NAME:
            return refuse("bad_file_name")
        sent = request.headers.get("upload-metadata", "")
        upload = await self._resumables.begin(caller.origin, room, name, sent, length)
        if isinstance(upload, Refusal):
            return upload
        if request.headers.get("content-type") == BYTES:
            refusal = await self._write(request, caller, upload, 0)
            if refusal is not None and refusal.reason != "upload_cut":
                await self._resumables.end(upload)
                return refusal
        headers = {"location": f"{request.url.path.rstrip('/')}/{upload.begun.id}"}
        return Response(status_code=201, headers=self._headers(upload) | headers)

    async def head(self, request: Request, caller: Caller) -> Response | Refusal:
        """How much is durable."""
        upload = self._find(request, caller)
        if upload is None:
            return refuse("not_found")
        async with upload.held():
            headers = {"upload-length": str(upload.begun.length), "upload-metadata": upload.begun.metadata}
            return Response(status_code=200, headers=self._headers(upload) | headers)

    async def patch(self, request: Request, caller: Caller) -> Response | Refusal:
        """204 when what came is durable, and after the last byte when the attachment is."""
        upload = self._find(request, caller)
        if upload is None:
            return refuse("not_found")
        if request.headers.get("content-type") != BYTES:
            return _problem(request, refuse("malformed"), 415)
        offset = _whole(request.headers.get("upload-offset"))
        if offset is None:
            return refuse("malformed")
        refusal = await self._write(request, caller, upload, offset)
        return refusal or Response(status_code=204, headers=self._headers(upload))

    async def _write(self, request: Request, caller: Caller, upload: Upload, offset: int) -> Refusal | None:
        checksum = _checksum(request.headers.get("upload-checksum"))
        if isinstance(checksum, Refusal):
            return checksum
        return await self._resumables.write(upload, offset, _chunks(request), checksum, caller.origin)

    async def delete(self, request: Request, caller: Caller) -> Response | Refusal:
        """Given up by its owner; an attachment that it has become stays."""
        upload = self._find(request, caller)
        if upload is None:
            return refuse("not_found")
        await self._resumables.end(upload)
        return Response(status_code=204, headers=_SPOKEN)

    async def overridden(self, request: Request, caller: Caller) -> Response | Refusal:
        """``X-HTTP-Method-Override`` for those who cannot send PATCH or DELETE."""
        match request.headers.get("x-http-method-override", "").upper():
            case "PATCH":
                return await self.patch(request, caller)
            case "DELETE":
                return await self.delete(request, caller)
            case _:
                return refuse("malformed")

    def _find(self, request: Request, caller: Caller) -> Upload | None:
        return self._resumables.find(request.path_params["upload"], caller.person, caller.zone)

    def _headers(self, upload: Upload) -> dict[str, str]:
        return _SPOKEN | {
            "upload-offset": str(upload.offset),
            "upload-expires": formatdate(self._resumables.expires(upload) / 1000, usegmt=True),
            "sekisho-attachment": upload.attachment,
        }


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises ``UploadCut`` when the client goes away."""
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise UploadCut from None


def _whole(text: str | None) -> int | None:
    """A non-negative whole number, or None."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 15 else None


def _metadata(header: str) -> dict[str, str] | None:
    """``Upload-Metadata``: pairs of a key and a base64 value, by commas. None if it is not that."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        if key in found:
            return None
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return None
    return found


def _checksum(header: str | None) -> Checksum | Refusal | None:
    """``Upload-Checksum``: an algorithm and a base64 digest."""
    if header is None:
        return None
    algorithm, _, encoded = header.partition(" ")
    try:
        digest = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return refuse("malformed")
    return Checksum(algorithm, digest) if algorithm in CHECKSUMS else refuse("malformed")


def _problem(request: Request, refusal: Refusal, status: int) -> Response:
    """The problem under a status that tus names."""
    response = problem_response(refusal, language(request), request_origin(request).request_id)
    response.status_code = status
    return response
