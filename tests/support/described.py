"""Holds answers against the description of the interface: an answer that ``openapi.json`` does not tell of fails the
test that asked for it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from rooms.refusals import STATUS
from server.problems import MEDIA_TYPE
from server.routes.openapi import Problem, description
from server.routes.table import TABLE, Operation

API = "/api/v1"


def operation_of(method: str, path: str) -> Operation | None:
    """The row of the table for a request, or None where no route is."""
    below = path.removeprefix(API)
    for row in TABLE:
        pattern = re.sub(r"\{\w+\}", "[^/]+", row.path)
        fits = re.fullmatch(pattern.removesuffix("/") + "/?", below) is not None
        if fits and (row.method == method or (method, row.method) == ("HEAD", "GET")):
            return row
    return None


@cache
def _validator(name: str) -> Draft202012Validator:
    """For one type; a field that its description does not name is a mistake too."""
    schemas = description()["components"]["schemas"]
    for schema in schemas.values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}})


def _conforms(name: str, body: Any) -> None:
    mistakes = [f"{list(error.absolute_path)}: {error.message}" for error in _validator(name).iter_errors(body)]
    assert mistakes == [], f"the answer is no {name}: {mistakes}"


async def assert_described(response: httpx.Response) -> None:
    """An ``httpx`` event hook for answers."""
    await response.aread()
    request = response.request
    if not request.url.path.startswith(f"{API}/"):
        return
    row = operation_of(request.method, request.url.path)
    if response.headers.get("content-type") == MEDIA_TYPE:
        _assert_problem(row, request, response)
        return
    assert row is not None, f"{request.method} {request.url.path} is not described"
    assert response.status_code in row.answers, f"{row.name}: {response.status_code} is not described"
    kind = row.answers[response.status_code]
    if isinstance(kind, type) and request.method != "HEAD":
        assert response.headers["content-type"] == "application/json"
        _conforms(kind.__name__, response.json())


def _assert_problem(row: Operation | None, request: httpx.Request, response: httpx.Response) -> None:
    assert response.headers["cache-control"] == "no-store"
    if request.method == "HEAD":
        return
    problem = response.json()
    _conforms(Problem.__name__, problem)
    assert ("report" in problem) == (problem["code"] in ("refused", "needs_password"))
    assert problem["request_id"] == response.headers["x-request-id"]
    code, status = problem["code"], response.status_code
    if row is None:
        assert (status, code) in {(404, "not_found"), (405, "malformed"), (413, "too_large"), (403, "forbidden")}
        return
    assert code in row.all_codes, f"{row.name} does not tell of {code} ({problem['reason']})"
    assert status == STATUS[code] or (code == "malformed" and status in row.also)
