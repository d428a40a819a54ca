"""What becomes of a response on its way to a browser (RESPMOD), and of a request on its way out (REQMOD).

Rules kept here:
- a file leaves rebuilt, or a page says why not (403; 503 where nothing is said of the file): never the bytes that came;
- what the policy lets through is answered 204 where the gateway can take that, else sent back as it came;
- a request for a part of a file asks for the whole, unpacked: only that can be rebuilt;
- what told of the old bytes (length, digest, validators, ranges) leaves with them;
- every file is on record (``server.sanitizing``); what was let through is not.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from rooms.commands import Origin
from rooms.file_name import safe_file_name
from rooms.refusals import Refusal
from sanitizer.supervisor import Examined
from sanitizer.verdict import FileFacts, Treatment, Verdict
from server.icap.body import Body
from server.icap.forms import NoForm, Part, boundary_of, is_form, parts_of
from server.icap.messages import BadMessage, HttpHead
from server.icap.pages import page
from server.icap.policy import Policy, file_name, host_of, is_packed, unworkable
from server.sanitizing import Asked, Sanitizing, Spool

_PIECE = 64 * 1024
_OF_THE_OLD_BYTES = (
    "content-length", "content-md5", "digest", "content-digest", "repr-digest", "etag", "last-modified",
    "accept-ranges", "content-range", "transfer-encoding", "trailer", "content-encoding",
)  # fmt: skip


class Call(NamedTuple):
    """One REQMOD or RESPMOD. ``stack`` is closed when the answer was sent. ``allow_204``: the gateway takes that also
    where it has sent everything."""

    request: HttpHead | None
    response: HttpHead | None
    body: Body | None
    origin: Origin
    client: str | None
    allow_204: bool
    stack: contextlib.ExitStack

    @property
    def target(self) -> str:
        return self.request.target if self.request is not None else ""


class Content(NamedTuple):
    """Bytes of an answer: in memory, or the first ``size`` of an open file."""

    data: bytes = b""
    descriptor: int | None = None
    size: int = 0

    def pieces(self) -> Iterator[bytes]:
        if self.descriptor is None:
            yield from (self.data[at : at + _PIECE] for at in range(0, len(self.data), _PIECE))
            return
        for at in range(0, self.size, _PIECE):
            yield os.pread(self.descriptor, min(_PIECE, self.size - at), at)


class Adapted(NamedTuple):
    """The message that goes on instead; ``content`` None: without a body. ``also``: fields of the ICAP answer."""

    head: HttpHead
    content: Content | None
    also: tuple[str, ...] = ()


class Untouched(NamedTuple):
    """204."""


Answer = Adapted | Untouched


class _Stop(Exception):
    """The message ends here; ``answer`` is what is sent instead."""

    def __init__(self, answer: Adapted) -> None:
        super().__init__()
        self.answer = answer


class Adapter:
    """``most``: bytes of a file."""

    def __init__(self, sanitizing: Sanitizing, policy: Policy, treatment: Treatment) -> None:
        self._sanitizing = sanitizing
        self._policy = policy
        self._treatment = treatment

    async def respmod(self, call: Call) -> Answer:
        head, body = call.response, call.body
        if head is None:
            raise BadMessage(400, "no response")
        if body is None:
            return Untouched() if call.allow_204 else Adapted(head, None)
        await body.peek()
        disposition = head.get("content-disposition")
        if self._policy.passes(head.get("content-type"), disposition, _first(head, body)):
            return await self._as_it_came(call, head, body)
        try:
            return await self._rebuilt_response(call, head, body, disposition)
        except _Stop as stop:
            return stop.answer

    async def reqmod(self, call: Call) -> Answer:
        head, body = call.request, call.body
        if head is None:
            raise BadMessage(400, "no request")
        if body is None:
            return self._plain_request(call, head)
        await body.peek()
        told = head.get("content-type")
        if not is_form(told) and self._policy.passes(told, "", _first(head, body)):
            return await self._as_it_came(call, head, body)
        try:
            if is_form(told):
                return await self._rebuilt_form(call, head, body)
            return await self._rebuilt_upload(call, head, body)
        except _Stop as stop:
            return stop.answer

    # What goes through -----------------------------------------------------------------------------------------------

    async def _as_it_came(self, call: Call, head: HttpHead, body: Body) -> Answer:
        if call.allow_204 or body.in_preview:
            return Untouched()
        try:
            spool = await self._held(call, head, body, "")
        except _Stop as stop:
            return stop.answer
        return Adapted(head, Content(descriptor=spool.descriptor, size=spool.size))

    def _plain_request(self, call: Call, head: HttpHead) -> Answer:
        if head.method not in ("GET", "HEAD"):
            return Untouched() if call.allow_204 else Adapted(head, None)
        return Adapted(head.without("range", "if-range").having(("Accept-Encoding", "identity")), None)

    # What is rebuilt -------------------------------------------------------------------------------------------------

    async def _rebuilt_response(self, call: Call, head: HttpHead, body: Body, disposition: str) -> Answer:
        name = file_name(disposition, call.target, head.get("content-type"))
        code = unworkable(head)
        if code is not None:
            raise _stop(code, name)
        spool = await self._held(call, head, body, name)
        if spool.size == 0:
            return Adapted(head, Content())
        facts, content = await self._rebuilt(call, spool, name, "icap-respmod")
        fields = [("Content-Type", facts.type or ""), ("Content-Length", str(facts.size))]
        if facts.name != name:
            fields.append(("Content-Disposition", _saved_as(facts.name)))
        return Adapted(head.without(*_OF_THE_OLD_BYTES).having(*fields), content)

    async def _rebuilt_upload(self, call: Call, head: HttpHead, body: Body) -> Answer:
        name = file_name(head.get("content-disposition"), head.target, head.get("content-type"))
        code = unworkable(head)
        if code is not None:
            raise _stop(code, name)
        spool = await self._held(call, head, body, name)
        if spool.size == 0:
            return Adapted(head, Content())
        facts, content = await self._rebuilt(call, spool, name, "icap-reqmod")
        fields = [("Content-Type", facts.type or ""), ("Content-Length", str(facts.size))]
        return Adapted(head.without(*_OF_THE_OLD_BYTES).having(*fields), content)

    async def _rebuilt_form(self, call: Call, head: HttpHead, body: Body) -> Answer:
        if unworkable(head) is not None:
            raise _stop("encoded", "")
        spool = await self._held(call, head, body, "")
        try:
            boundary = boundary_of(head.get("content-type"))
            data = call.stack.enter_context(mmap.mmap(spool.descriptor, spool.size, prot=mmap.PROT_READ))
            parts = parts_of(data, boundary)
        except (NoForm, ValueError):  # an empty file cannot be mapped
            raise _stop("no-form", "") from None
        if not any(part.file for part in parts):
            return Adapted(head, Content(descriptor=spool.descriptor, size=spool.size))
        fresh = "sekisho" + secrets.token_hex(16)
        made = self._spool(call, "", counted=False)
        for part in parts:
            await self._write_part(call, made, part, data, fresh)
        await self._write(made, f"--{fresh}--\r\n".encode(), "")
        fields = [("Content-Type", f"multipart/form-data; boundary={fresh}"), ("Content-Length", str(made.size))]
        content = Content(descriptor=made.descriptor, size=made.size)
        return Adapted(head.without(*_OF_THE_OLD_BYTES).having(*fields), content)

    async def _write_part(self, call: Call, made: Spool, part: Part, data: mmap.mmap, boundary: str) -> None:
        """A field as it came, a file rebuilt."""
        content: Iterator[bytes] = (data[at : min(at + _PIECE, part.end)] for at in range(part.start, part.end, _PIECE))
        if part.file:
            name = part.name or "upload"
            with contextlib.ExitStack() as ours:
                inner = self._spool(call._replace(stack=ours), name, counted=False)
                for piece in content:
                    await self._write(inner, piece, name)
                facts, rebuilt = await self._rebuilt(call, inner, name, "icap-reqmod")
            part, content = part.having(facts.name, facts.type or ""), rebuilt.pieces()
        await self._write(made, f"--{boundary}\r\n".encode() + part.head(), part.name)
        for piece in content:
            await self._write(made, piece, part.name)
        await self._write(made, b"\r\n", part.name)

    async def _rebuilt(self, call: Call, spool: Spool, name: str, by: str) -> tuple[FileFacts, Content]:
        """The rebuilt file of what is held. Raises ``_Stop``."""
        notes = {"client": call.client, "host": host_of(call.request) if call.request is not None else None}
        asked = Asked(call.origin, by, name, self._treatment, notes=notes)
        examined = await self._sanitizing.judge(spool, asked)
        if isinstance(examined, Refusal):
            raise _stop(examined.reason, name, *_status(examined))
        if examined.output is None:
            raise _refused(examined, name)
        call.stack.callback(os.close, examined.output)
        facts = examined.verdict.output
        assert facts is not None
        return facts, Content(descriptor=examined.output, size=facts.size)

    # What is held ----------------------------------------------------------------------------------------------------

    async def _held(self, call: Call, head: HttpHead, body: Body, name: str) -> Spool:
        """All of a body, on the disk. Raises ``_Stop``, before the rest is asked for where the length is told."""
        length = head.get("content-length")
        size = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
        spool = self._spool(call, name, size=size)
        while piece := await _joined(body):
            await self._write(spool, piece, name)
        return spool

    def _spool(self, call: Call, name: str, *, size: int | None = None, counted: bool = True) -> Spool:
        spool = self._sanitizing.begin(size, counted=counted)
        if isinstance(spool, Refusal):
            raise _stop(spool.reason, name, *_status(spool))
        call.stack.callback(spool.close)
        return spool

    async def _write(self, spool: Spool, data: bytes, name: str) -> None:
        refusal = await spool.write(data)
        if refusal is not None:
            raise _stop(refusal.reason, name, *_status(refusal))


def _first(head: HttpHead, body: Body) -> bytes:
    return b"" if is_packed(head) else body.seen


async def _joined(body: Body) -> bytes:
    """The next MiB, or what is left: fewer hand-overs to the disk's threads. Empty at the end."""
    waiting, length = [], 0
    while length < 1 << 20 and (piece := await body.read()):
        waiting.append(piece)
        length += len(piece)
    return b"".join(waiting)


def _status(refusal: Refusal) -> tuple[int, int | None]:
    """Of the page: 403 is for what was judged."""
    status = {"too_large": 413, "busy": 503, "storage_full": 507}.get(refusal.code, 503)
    return status, refusal.retry_after


def _stop(code: str, name: str, status: int = 403, retry_after: int | None = None, also: tuple[str, ...] = ()) -> _Stop:
    head, data = page(code, name, status, retry_after)
    return _Stop(Adapted(head, Content(data), also))


def _refused(examined: Examined, name: str) -> _Stop:
    verdict: Verdict = examined.verdict
    also: tuple[str, ...] = ()
    if verdict.code == "malware":  # as gateways know it (draft-stecher-icap-subid)
        threat = verdict.detail.replace(";", "_")[:100] or "unknown"
        also = (f"X-Infection-Found: Type=0; Resolution=2; Threat={threat};",)
    return _stop(verdict.code, name, also=also)


def _saved_as(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(safe_file_name(name).name, safe='')}"
