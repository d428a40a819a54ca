"""What every handler does with a request: who calls, what was sent, how to answer.

Rules: a body is decoded by its type (unknown fields and wrong types are ``malformed``); an answer is JSON that no
cache keeps; a refusal is a problem in the caller's language; what a logged-in caller is refused is on record.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from rooms.commands import Command, Origin
from rooms.commands.noting import NoteAct
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.store.database import ReadersBusy
from server.admission import SAFE_METHODS, presented_token, same_origin, values
from server.engine import RequestOrigin
from server.on_record import OnRecord
from server.problems import problem_response
from server.rate_limits import Buckets
from server.rooms_engine import domain_origin
from server.sessions import Live, Sessions
from server.strangers import Strangers

T = TypeVar("T")
NO_STORE = {"cache-control": "no-store"}


class Caller(NamedTuple):
    """Who calls, from where."""

    live: Live
    origin: Origin

    @property
    def person(self) -> str:
        return self.live.person.id

    @property
    def zone(self) -> str:
        return self.live.session.zone


Handler = Callable[[Request, Caller], Awaitable[Response | Refusal]]
MaybeHandler = Callable[[Request, Origin, Caller | None], Awaitable[Response | Refusal]]
OpenHandler = Callable[[Request, Origin], Awaitable[Response | Refusal]]
Endpoint = Callable[[Request], Awaitable[Response]]


def request_origin(request: Request) -> RequestOrigin:
    """The origin that the listener's middleware determined."""
    origin: RequestOrigin = request.scope["state"]["origin"]
    return origin


def language(request: Request) -> str:
    """``ja`` unless the caller asks for English (``?lang=`` before ``Accept-Language``)."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "ja")
    return "en" if asked.strip().lower().startswith("en") else "ja"


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON body of wire structs or plain data."""
    return Response(msgspec.json.encode(value), status, NO_STORE | (headers or {}), "application/json")


async def body(request: Request, kind: type[T]) -> T | Refusal:
    """The JSON body as ``kind``, or ``malformed``. The size is bounded by the middleware."""
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        return refuse("malformed")


def number(request: Request, name: str, default: int | None, low: int, high: int) -> int | Refusal | None:
    """A whole number of the query, at most ``high``; ``default`` if it is not there; ``malformed`` if it is not one or
    below ``low``."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) < low:
        return refuse("malformed")
    return min(int(text), high)


class Door:
    """Wraps handlers: finds the caller, turns refusals into problems, puts denials on record."""

    def __init__(
        self,
        sessions: Sessions,
        strangers: Strangers,
        submit: Callable[[Command], Awaitable[Outcome]],
        requests: Buckets | None,
    ) -> None:
        self._sessions = sessions
        self._strangers = strangers
        self._submit = submit
        self._requests = requests

    def open(self, handler: OpenHandler) -> Endpoint:
        """A route that needs no login. No other site's page may log somebody in."""

        async def serve(request: Request) -> Response:
            if _cross_site(request):
                self._strangers.refused(domain_origin(request_origin(request)), "foreign_origin")
                return self._refused(request, refuse("foreign_origin"))
            answered = await handler(request, domain_origin(request_origin(request)))
            return self._refused(request, answered) if isinstance(answered, Refusal) else answered

        return serve

    def maybe(self, handler: MaybeHandler) -> Endpoint:
        """A route that answers everybody, and more to those who are logged in."""

        async def serve(request: Request) -> Response:
            listener = request.scope["state"]["listener"]
            presented = presented_token(listener, request.scope["headers"])
            caller = await self._caller(request) if presented is not None else None
            known = None if isinstance(caller, Refusal) else caller
            answered = await handler(request, domain_origin(request_origin(request)), known)
            return self._refused(request, answered) if isinstance(answered, Refusal) else answered

        return serve

    def known(self, handler: Handler, action: str) -> Endpoint:
        """A route for those who are logged in. ``action`` names the act in the record of a denial; a handler whose
        command the writer refused has its leaf already and answers through ``on_record``; ``busy`` denies nobody
        anything, and a leaf for each would be load upon load."""

        async def serve(request: Request) -> Response:
            caller = await self._caller(request)
            if isinstance(caller, Refusal):
                return self._refused(request, caller)
            answered = await handler(request, caller)
            if not isinstance(answered, Refusal):
                return answered
            if not isinstance(answered, OnRecord) and answered.code != "busy":
                object_ = next(iter(request.path_params.values()), None)
                await self._submit(NoteAct(caller.origin, action, _short(object_), "refused", answered.reason))
            return self._refused(request, answered)

        return serve

    async def _caller(self, request: Request) -> Caller | Refusal:
        origin = request_origin(request)
        listener = request.scope["state"]["listener"]
        presented = presented_token(listener, request.scope["headers"])
        if presented is None:
            self._strangers.refused(domain_origin(origin), "unauthenticated")
            return refuse("unauthenticated")
        live = await self._sessions.authenticate(presented.token, domain_origin(origin))
        if isinstance(live, Refusal):
            if not isinstance(live, OnRecord):
                self._strangers.refused(domain_origin(origin), live.reason)
            return live
        wait = self._requests.take(live.session.id, time.monotonic()) if self._requests is not None else 0
        if wait:
            return refuse("rate_limited", math.ceil(wait))
        return Caller(live, domain_origin(origin, live.person.id))

    def _refused(self, request: Request, refusal: Refusal) -> Response:
        response = problem_response(refusal, language(request), request_origin(request).request_id)
        if refusal.reason == "upload_cut":  # the rest of the body never comes, or comes by another request
            response.headers["connection"] = "close"
        return response


def _cross_site(request: Request) -> bool:
    """Whether a page of another site sends something that changes something."""
    headers, listener = request.scope["headers"], request.scope["state"]["listener"]
    told = request.method not in SAFE_METHODS and bool(values(headers, b"origin"))
    return told and not same_origin(listener, headers)


def _short(value: object) -> str | None:
    return str(value)[:64] if value is not None else None


class Routes(Starlette):
    """The routes, and problems where there is none. A fault of a route is left to the front, which answers it."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        super().__init__(routes=routes)

    def build_middleware_stack(self) -> ASGIApp:
        handlers = {404: not_found, 405: not_allowed, ReadersBusy: readers_busy}
        return ExceptionMiddleware(self.router, handlers=handlers)


async def not_found(request: Request, error: Exception) -> Response:
    """No such route."""
    return problem_response(refuse("not_found"), language(request), request_origin(request).request_id)


async def readers_busy(request: Request, error: Exception) -> Response:
    """The store could not be read in time."""
    return problem_response(refuse("busy", 2), language(request), request_origin(request).request_id)


async def not_allowed(request: Request, error: Exception) -> Response:
    """The route has no such method."""
    response = problem_response(refuse("malformed"), language(request), request_origin(request).request_id)
    response.status_code = 405
    return response
