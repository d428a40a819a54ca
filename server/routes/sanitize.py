"""``POST /sanitize``: a file in, the rebuilt file out, for other systems with an API key.

Rules kept here:
- the key is asked for before the first byte is read;
- 200 carries the rebuilt bytes, their type, name (RFC 6266) and digest (RFC 9530), and the report in one header; a
  file that is not released is 422 with the report inside; what says nothing about the file (busy, too many) is 429 or
  503 with ``Retry-After``;
- a header takes no more than many programs read (``MOST_HEADER``): a longer report has its lists summed by kind;
- a password travels in a header, never in the address, where logs would keep it.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rooms.api_key import SANITIZE
from rooms.commands import Origin
from rooms.file_name import safe_file_name
from rooms.refusals import Refusal, refuse
from sanitizer.supervisor import Examined
from sanitizer.verdict import Office, Treatment, Verdict
from server.admission import Listener, presented_token
from server.api_keys import ApiKeys
from server.problems import verdict_response
from server.receiving import UploadCut, patient, pieces
from server.routes.http import NO_STORE, Door, language, request_origin
from server.sanitizing import Asked, Sanitizing, Spool

MAX_NAME = 255
MAX_PASSWORD = 1024
MOST_HEADER = 4096
_CHUNK = 256 * 1024
_TREATMENTS: dict[str, Treatment] = {"rebuild": "rebuild", "flatten": "flatten"}
_OFFICES: dict[str, Office] = {"ooxml": "ooxml", "odf": "odf"}


class Sanitize:
    def __init__(self, keys: ApiKeys, sanitizing: Sanitizing, stalls_after: float) -> None:
        self._keys = keys
        self._sanitizing = sanitizing
        self._stalls_after = stalls_after

    def routes(self, door: Door) -> list[Route]:
        return [Route("/sanitize", door.open(self.sanitize), methods=["POST"])]

    async def sanitize(self, request: Request, origin: Origin) -> Response | Refusal:
        listener: Listener = request.scope["state"]["listener"]
        presented = presented_token(listener, request.scope["headers"])
        token = presented.token if presented is not None and presented.by == "bearer" else None
        key = await self._keys.opened(token, SANITIZE, listener.name, origin)
        if isinstance(key, Refusal):
            return key
        asked = _asked(request, origin, key.id)
        if isinstance(asked, Refusal):
            return asked
        spool = self._sanitizing.begin(_length(request))
        if isinstance(spool, Refusal):
            return spool
        async with spool:
            refusal = await self._received(spool, request.stream())
            if refusal is not None:
                return refusal
            examined = await self._sanitizing.judge(spool, asked)
        if isinstance(examined, Refusal):
            return examined
        if examined.output is None:
            return verdict_response(examined.verdict, language(request), request_origin(request).request_id)
        return Rebuilt(examined)

    async def _received(self, spool: Spool, chunks: AsyncIterator[bytes]) -> Refusal | None:
        try:
            async for piece in pieces(patient(chunks, self._stalls_after)):
                refusal = await spool.write(piece)
                if refusal is not None:
                    return refusal
        except (ClientDisconnect, UploadCut):
            return refuse("upload_cut")
        return None


class Rebuilt(Response):
    """The rebuilt file; its descriptor is closed whatever becomes of the answer."""

    def __init__(self, examined: Examined) -> None:
        output, facts = examined.output, examined.verdict.output
        assert output is not None
        assert facts is not None
        assert facts.sha256 is not None
        self._output, self._size = output, facts.size
        digest = base64.b64encode(bytes.fromhex(facts.sha256)).decode("ascii")
        headers = {
            "content-length": str(facts.size),
            "content-disposition": disposition(facts.name),
            "repr-digest": f"sha-256=:{digest}:",
            "sekisho-report": report_header(examined.verdict),
        }
        super().__init__(None, 200, NO_STORE | headers, facts.type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for offset in range(0, self._size, _CHUNK):
                part = os.pread(self._output, min(_CHUNK, self._size - offset), offset)
                more = offset + len(part) < self._size
                await send({"type": "http.response.body", "body": part, "more_body": more})
        finally:
            os.close(self._output)


def _asked(request: Request, origin: Origin, key: str) -> Asked | Refusal:
    name = request.query_params.get("name", "")
    treatment = _TREATMENTS.get(request.query_params.get("treatment", "rebuild"))
    if not name or len(name) > MAX_NAME:
        return refuse("bad_file_name")
    office = _OFFICES.get(request.query_params.get("office", "ooxml"))
    password = _password(request.headers.get("sekisho-password"))
    if treatment is None or office is None or isinstance(password, Refusal):
        return refuse("malformed")
    return Asked(origin, "http", name, treatment, password, office, key)


def _password(header: str | None) -> str | Refusal | None:
    if not header:
        return None
    try:
        password = base64.b64decode(header, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return refuse("malformed")
    return password if len(password) <= MAX_PASSWORD else refuse("malformed")


def _length(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None


def disposition(name: str) -> str:
    """``attachment`` under the rebuilt file's name (RFC 6266, RFC 8187)."""
    return f"attachment; filename*=UTF-8''{quote(safe_file_name(name).name, safe='')}"


def report_header(verdict: Verdict) -> str:
    """The report as base64url of its JSON, without padding. One that would be longer than ``MOST_HEADER`` has
    ``summed`` true and in ``removed`` and ``changed`` one line for each kind, without places."""
    header = _encoded(verdict.report())
    return header if len(header) <= MOST_HEADER else _encoded(summed(verdict.report()))


def summed(report: dict[str, Any]) -> dict[str, Any]:
    """The report with its lists summed by kind, and without the sentences that tell their places."""
    short = {name: value for name, value in report.items() if not name.startswith("summary")} | {"summed": True}
    for which in ("removed", "changed"):
        counts: dict[str, int] = {}
        for line in report[which]:
            counts[line["kind"]] = counts.get(line["kind"], 0) + line["count"]
        short[which] = [{"kind": kind, "count": count, "where": ""} for kind, count in sorted(counts.items())]
    return short


def _encoded(report: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(report)).decode("ascii").rstrip("=")
