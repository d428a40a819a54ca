"""``GET openapi.json``: the interface described for programs, made from ``server.routes.table`` and the types.

Rules: OpenAPI 3.1.0; made once at the start; nothing in it depends on the installation but the version; every refusal
is a ``Problem`` (RFC 9457), and each route lists the codes it may carry.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rooms.commands import Origin
from rooms.refusals import STATUS, Refusal
from rooms.zones import ZONES
from server.admission import cookie_name
from server.problems import MEDIA_TYPE
from server.routes.http import Door
from server.routes.table import JSON, TABLE, Operation

REFERENCE = "#/components/schemas/{name}"
_TAGS = {
    "attachments": "attachments", "uploads": "attachments", "rooms": "rooms", "search": "search",
    "sanitize": "sanitizer",
}  # fmt: skip


class Problem(Struct, omit_defaults=True):
    """Why not (RFC 9457). ``code`` is stable and one of few, ``reason`` stable and exact; ``detail`` says in the
    caller's language what to do; ``request_id`` is what to tell an administrator. ``report``: the sanitizer's, where a
    file was refused (docs/sanitize-service.md).
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    reason: str
    request_id: str = ""
    report: dict[str, Any] | None = None


class OpenApi:
    def __init__(self) -> None:
        self._document = msgspec.json.encode(description())

    def routes(self, door: Door) -> list[Route]:
        return [Route("/openapi.json", door.open(self.serve), methods=["GET"])]

    async def serve(self, request: Request, origin: Origin) -> Response | Refusal:
        return Response(self._document, media_type=JSON)


def description() -> dict[str, Any]:
    """The whole document."""
    types = {kind for row in TABLE for kind in (row.takes, *row.answers.values()) if isinstance(kind, type)}
    ordered = [Problem, *sorted(types, key=lambda kind: kind.__name__)]
    _, components = msgspec.json.schema_components(ordered, ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for row in TABLE:
        paths.setdefault(row.path, _path(row))[row.method.lower()] = _operation(row)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sekisho",
            "version": version("sekisho"),
            "description": "The zone of a request is the listener it comes in by. Live events come over the WebSocket "
            "/api/v1/ws, subprotocol sekisho.v1 (docs/http.md).",
        },
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _schemes()},
    }


def _path(row: Operation) -> dict[str, Any]:
    """The parameters in the path are ids."""
    names = [part.strip("{}") for part in row.path.split("/") if part.startswith("{")]
    schema = {"type": "string", "maxLength": 64}
    inside = [{"name": name, "in": "path", "required": True, "schema": schema} for name in names]
    return {"parameters": inside} if inside else {}


def _operation(row: Operation) -> dict[str, Any]:
    parts = row.path.strip("/").split("/")
    told: dict[str, Any] = {
        "operationId": row.name,
        "summary": row.meaning,
        "tags": [_TAGS.get(parts[0], "account")],
        "security": _security() if row.login else [{"api_key": []}] if row.key else [],
        "responses": _responses(row),
    }
    parameters = [*_query(row), *_headers(row)]
    if parameters:
        told["parameters"] = parameters
    if row.takes is not None:
        told["requestBody"] = {"required": isinstance(row.takes, type), "content": _content(row.takes)}
    return told


def _query(row: Operation) -> list[dict[str, Any]]:
    found = []
    for query in row.query:
        bounds = {"minimum": query.least, "maximum": query.most}
        schema = {"type": query.kind} | {name: bound for name, bound in bounds.items() if bound is not None}
        found.append(
            {"name": query.name, "in": "query", "description": query.meaning, "required": query.required,
             "schema": schema}
        )  # fmt: skip
    return found


def _headers(row: Operation) -> list[dict[str, Any]]:
    return [
        {"name": h.name, "in": "header", "description": h.meaning, "required": h.required, "schema": {"type": "string"}}
        for h in row.headers
    ]


def _content(kind: Any) -> dict[str, Any]:
    if isinstance(kind, str):
        return {kind: {"schema": {} if kind == JSON else {"type": "string", "format": "binary"}}}
    return {JSON: {"schema": {"$ref": REFERENCE.format(name=kind.__name__)}}}


def _responses(row: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for status, kind in row.answers.items():
        content = {"content": _content(kind)} if kind is not None else {}
        told[str(status)] = {"description": row.meaning, **content}
    by_status: dict[int, list[str]] = {}
    for code in row.all_codes:
        by_status.setdefault(STATUS[code], []).append(code)
    by_status |= {status: ["malformed"] for status in row.also}
    for status, codes in sorted(by_status.items()):
        told[str(status)] = _refused(codes)
    return told


def _refused(codes: list[str]) -> dict[str, Any]:
    """A problem with one of these codes."""
    narrowed = {"properties": {"code": {"enum": codes}}}
    schema = {"allOf": [{"$ref": REFERENCE.format(name="Problem")}, narrowed]}
    return {"description": "code: " + ", ".join(codes), "content": {MEDIA_TYPE: {"schema": schema}}}


def _schemes() -> dict[str, Any]:
    cookies = {f"cookie_{zone}": {"type": "apiKey", "in": "cookie", "name": cookie_name(zone)} for zone in ZONES}
    bearer = {"type": "http", "scheme": "bearer"}
    return {"bearer": bearer, "api_key": {**bearer, "description": "sekisho apikey add"}, **cookies}


def _security() -> list[dict[str, list[str]]]:
    names = ["bearer", *(f"cookie_{zone}" for zone in ZONES)]
    return [{name: []} for name in names]
