"""Sockets and conversations: one listener, bound to one zone, for gateways whose addresses are named.

Rules kept here:
- who may speak is decided by the address of the other end before a byte is read; there is no other authentication in
  ICAP, and no header gives one; strangers are on record with the minute's others, and get no answer;
- messages of one connection are answered one after another, in their order, however many were sent at once; each body
  is read to its end, or the connection ends with the answer;
- what is no ICAP is answered with its status and ends the connection, for nobody knows where the next message begins;
- a fault of ours is 500, never bytes that were not inspected;
- at the end nothing new is accepted, and what is under way has ``drain`` seconds.

Example::

    server = IcapServer(settings.icap, sanitizing, strangers.refused)
    await server.start(sock)
    await server.close()
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import logging
import socket
from collections.abc import Callable
from importlib.metadata import version

from rooms.commands import Origin
from sanitizer.verdict import ENGINE
from sanitizer.verify import GRAMMARS
from server.admission import new_request_id
from server.icap.adapting import Adapted, Adapter, Call, Content
from server.icap.body import PACE_SECONDS, Body, Gone, Wire
from server.icap.messages import (
    MAX_HEAD,
    BadMessage,
    Head,
    HttpHead,
    Sections,
    adapted_head,
    answer_head,
    listed,
    only,
    preview_of,
    read_head,
    read_request,
    read_response,
    sections_of,
)
from server.icap.policy import Policy
from server.sanitizing import Sanitizing
from server.settings import IcapSettings

log = logging.getLogger("sekisho.icap")

SERVICES = {"respmod": "RESPMOD", "reqmod": "REQMOD"}
PREVIEW = 1024
OPTIONS_SECONDS = 600
IDLE_SECONDS = 300.0


class IcapServer:
    """``refused`` hears of strangers, for the record; ``pace`` and ``idle`` are seconds."""

    def __init__(
        self,
        settings: IcapSettings,
        sanitizing: Sanitizing,
        refused: Callable[[Origin, str], None],
        *,
        pace: float = PACE_SECONDS,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._settings = settings
        self._refused = refused
        self._sanitizing = sanitizing
        self._adapter = Adapter(
            sanitizing, Policy(settings.pass_types), "flatten" if settings.treatment == "flatten" else "rebuild"
        )
        self._clients = frozenset(ipaddress.ip_address(each) for each in settings.clients)
        self._pace, self._idle = pace, idle
        self._server: asyncio.Server | None = None
        self._conversations: dict[asyncio.Task[None], Conversation] = {}
        self.istag = istag(settings)

    async def start(self, sock: socket.socket) -> None:
        self._server = await asyncio.start_server(self._accepted, sock=sock, limit=MAX_HEAD)

    async def close(self, drain: float = 2.0) -> None:
        if self._server is None:
            return
        self._server.close()
        tasks = list(self._conversations)
        for conversation in self._conversations.values():
            conversation.end()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=drain)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def connections(self) -> int:
        return len(self._conversations)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        address = self._known(writer)
        if address is None or len(self._conversations) >= self._settings.connections:
            await self._turned_away(writer, address)
            return
        conversation = Conversation(
            Wire(reader, writer, self._idle, self._pace), self._adapter, self._settings, self.istag, address,
            self._sanitizing.max_size,
        )  # fmt: skip
        self._conversations[task] = conversation
        try:
            await conversation.run()
        except (Gone, ConnectionError):
            pass
        except Exception:
            log.exception("an ICAP conversation failed")
        finally:
            del self._conversations[task]
            await _closed(writer)

    def _known(self, writer: asyncio.StreamWriter) -> str | None:
        """The address of the other end, if it may speak here."""
        peer = writer.get_extra_info("peername")
        if not peer:
            return None
        address = ipaddress.ip_address(peer[0].partition("%")[0])
        return str(address) if address in self._clients else None

    async def _turned_away(self, writer: asyncio.StreamWriter, address: str | None) -> None:
        """503 for one too many; a stranger gets no answer."""
        if address is not None:
            writer.write(answer_head(503, self.istag, [("Encapsulated", "null-body=0"), ("Connection", "close")]))
        else:
            peer = writer.get_extra_info("peername")
            self._refused(Origin(zone=self._settings.zone, address=peer[0] if peer else None), "icap.stranger")
        await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(5):
            await writer.wait_closed()
    writer.transport.abort()


def istag(settings: IcapSettings) -> str:
    """Changes with what would become of a file: the release, the grammars, the policy (RFC 3507 section 4.7)."""
    told = (version("sekisho"), ENGINE, sorted(GRAMMARS.items()), settings.pass_types, settings.treatment)
    return "sekisho-" + hashlib.sha256(repr(told).encode()).hexdigest()[:16]


class Conversation:
    """One connection, from its first message to its last."""

    def __init__(
        self, wire: Wire, adapter: Adapter, settings: IcapSettings, istag: str, address: str, most: int
    ) -> None:
        self._wire = wire
        self._adapter = adapter
        self._settings = settings
        self._istag = istag
        self._address = address
        self._most = most
        self._ending = False
        self._resting: asyncio.Future[bytes | None] | None = None

    def end(self) -> None:
        """No message after the one that is answered."""
        self._ending = True
        if self._resting is not None:
            self._resting.cancel()

    async def run(self) -> None:
        while not self._ending:
            try:
                block = await self._next()
                if block is None or not await self._answered(block):
                    return
            except BadMessage as bad:
                await self._status(bad.status, close=True)
                await self._wire.linger()
                return

    async def _next(self) -> bytes | None:
        """The next head; None at the end, also ours."""
        waiting = asyncio.ensure_future(self._wire.head())
        self._resting = waiting
        try:
            return await waiting
        except asyncio.CancelledError:
            if self._ending:
                return None
            raise
        finally:
            self._resting = None

    async def _answered(self, block: bytes) -> bool:
        """Answer one message; whether another one may follow."""
        head = read_head(block)
        stays = "close" not in listed(head.fields, "connection") and not self._ending
        method = SERVICES.get(head.service.lower())
        if head.method == "OPTIONS":
            await self._options(method, stays)
            return stays
        if method is None:
            raise BadMessage(404, "service")
        if method != head.method:
            raise BadMessage(405, "method")
        return await self._adapted(head, sections_of(head), stays)

    async def _options(self, method: str | None, stays: bool) -> None:
        if method is None:
            await self._status(404, close=not stays)
            return
        fields = [
            ("Methods", method), ("Service", "Sekisho"), ("Service-ID", method.lower()),
            ("Max-Connections", str(self._settings.connections)), ("Options-TTL", str(OPTIONS_SECONDS)),
            ("Allow", "204"), ("Preview", str(PREVIEW)), ("Transfer-Preview", "*"), ("Encapsulated", "null-body=0"),
            *([] if stays else [("Connection", "close")]),
        ]  # fmt: skip
        await self._wire.send(answer_head(200, self._istag, fields))

    async def _adapted(self, head: Head, sections: Sections, stays: bool) -> bool:
        request, response = await self._inside(sections)
        preview = preview_of(head.fields)
        body = Body(self._wire, preview) if sections.body is not None else None
        allow_204 = "204" in listed(head.fields, "allow")
        with contextlib.ExitStack() as stack:
            origin = Origin(zone=self._settings.zone, address=self._address, request=new_request_id())
            call = Call(request, response, body, origin, _client(head), allow_204, stack)
            try:
                answer = await (self._adapter.respmod(call) if head.method == "RESPMOD" else self._adapter.reqmod(call))
            except (BadMessage, Gone, asyncio.CancelledError):
                raise
            except Exception:
                log.exception("a message could not be adapted")
                await self._status(500, close=True)
                await self._wire.linger()
                return False
            stays = stays and (body is None or await body.settle(self._most))
            if isinstance(answer, Adapted):
                await self._send(answer, request=answer.head.line[:5] != "HTTP/", stays=stays)
            else:
                await self._status(204, close=not stays)
        if not stays:
            await self._wire.linger()
        return stays

    async def _inside(self, sections: Sections) -> tuple[HttpHead | None, HttpHead | None]:
        """The HTTP heads."""
        request = response = None
        for name, start, end in sections.heads:
            block = await self._wire.exactly(end - start)
            if name == "req-hdr":
                request = read_request(block)
            else:
                response = read_response(block)
        return request, response

    async def _send(self, answer: Adapted, *, request: bool, stays: bool) -> None:
        content: Content | None = answer.content
        await self._wire.send(
            adapted_head(
                self._istag, answer.head, request=request, body=content is not None, close=not stays, also=answer.also
            )
        )
        if content is None:
            return
        for piece in content.pieces():
            if piece:
                await self._wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await self._wire.send(b"0\r\n\r\n")

    async def _status(self, status: int, *, close: bool) -> None:
        fields = [("Encapsulated", "null-body=0"), *([("Connection", "close")] if close else [])]
        await self._wire.send(answer_head(status, self._istag, fields))


def _client(head: Head) -> str | None:
    """Whose browser it is, as the gateway says (``X-Client-IP``, draft-stecher-icap-subid); None if it says nothing
    that is an address."""
    try:
        return str(ipaddress.ip_address(only(head.fields, "x-client-ip") or ""))
    except ValueError:
        return None
