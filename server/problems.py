"""Errors over HTTP: RFC 9457 problem details with the contract's stable codes.

Rules: every error body has ``code`` (CONTRACT, few and stable), ``reason`` (exact and stable), ``detail`` (a
sentence in the reader's language that says what to do) and ``request_id`` (what to tell an administrator); never a
traceback or a path.

>>> problem(refuse("not_found"), "en")["code"]
'not_found'
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from rooms.refusals import STATUS, Refusal, refuse
from sanitizer.verdict import Verdict

MEDIA_TYPE = "application/problem+json"
_TITLES = {460: "Checksum Mismatch"}  # tus 1.0; no status of HTTP itself

__all__ = [
    "MEDIA_TYPE", "problem", "problem_body", "problem_headers", "problem_response", "refuse", "verdict_response",
]  # fmt: skip


def problem(refusal: Refusal, lang: str, request_id: str = "") -> dict[str, Any]:
    """The members of the problem (section 3). ``type`` names the code; ``title`` is the status's own phrase."""
    members: dict[str, Any] = {
        "type": f"urn:sekisho:problem:{refusal.code}",
        "title": _TITLES.get(refusal.status) or HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": refusal.sentence(lang),
        "code": refusal.code,
        "reason": refusal.reason,
    }
    if request_id:
        members["request_id"] = request_id
    return members


def problem_body(refusal: Refusal, lang: str, request_id: str = "") -> bytes:
    return msgspec.json.encode(problem(refusal, lang, request_id))


def problem_headers(refusal: Refusal, lang: str) -> dict[str, str]:
    """``Retry-After`` where waiting helps (RFC 9110 section 10.2.3), ``WWW-Authenticate`` where a login does
    (11.6.1).
    """
    headers = {"content-type": MEDIA_TYPE, "content-language": lang, "cache-control": "no-store"}
    if refusal.retry_after is not None or refusal.status in (429, 503):
        headers["retry-after"] = str(refusal.retry_after or 1)
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    return headers


def verdict_response(verdict: Verdict, lang: str, request_id: str) -> Response:
    """The answer for a file that is not released: ``refused`` or ``needs_password``, with the verdict's own code as
    ``reason``, its sentence, and the whole report."""
    code, status = verdict.outcome, STATUS[verdict.outcome]
    members = {
        "type": f"urn:sekisho:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": verdict.message_en if lang == "en" else verdict.message,
        "code": code,
        "reason": verdict.code,
        "request_id": request_id,
        "report": verdict.report(),
    }
    headers = {"content-type": MEDIA_TYPE, "content-language": lang, "cache-control": "no-store"}
    return Response(msgspec.json.encode(members), status, headers)


def problem_response(refusal: Refusal, lang: str, request_id: str = "") -> Response:
    """The answer of a route that refuses."""
    body = problem_body(refusal, lang, request_id)
    return Response(body, status_code=refusal.status, headers=problem_headers(refusal, lang))
