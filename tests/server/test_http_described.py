"""The interface is described as it is: one table, ``openapi.json``, ``docs/http.md``, the routes that are served."""

from __future__ import annotations

from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Mount, Route
from support.described import operation_of
from support.installation import Installation

from rooms.refusals import STATUS
from server.routes.openapi import description
from server.routes.reference import http_page
from server.routes.table import TABLE

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[2]


def served(town: Installation) -> set[tuple[str, str]]:
    """(method, path) of every route under /api/v1, as Starlette has them; a path with and without its last slash is
    one."""
    (mount,) = (route for route in town.application.routes if isinstance(route, Mount))
    found = set()
    for route in mount.routes:
        assert isinstance(route, Route)
        methods = set(route.methods or ())
        found |= {(m, route.path.rstrip("/")) for m in methods - ({"HEAD"} if "GET" in methods else set())}
    return found


async def test_every_route_is_described_and_every_description_is_served(town: Installation) -> None:
    assert served(town) == {(row.method, row.path.rstrip("/")) for row in TABLE}


async def test_the_document_is_valid_and_served_to_anybody(town: Installation) -> None:
    answered = await town.anonymous("lgwan").get("openapi.json")
    assert (answered.status_code, answered.headers["content-type"]) == (200, "application/json")
    document = answered.json()
    assert document == description()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")


async def test_names_are_unique_and_codes_are_the_contracts() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert {code for row in TABLE for code in row.all_codes} <= set(STATUS)
    for row in TABLE:
        assert operation_of(row.method, f"/api/v1{row.path.replace('{', 'x').replace('}', 'x')}") == row


async def test_the_page_in_the_repository_is_made_from_the_table() -> None:
    page = (ROOT / "docs/http.md").read_text(encoding="utf-8")
    assert page == http_page(), "run: python -m server.routes.reference > docs/http.md"
    for row in TABLE:
        assert f"`{row.method} {row.path.removeprefix('/')}" in page
