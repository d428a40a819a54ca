"""``docs/http.md``, made from the route table and the types of the wire.

Rules: the page in the repository is the output of ``http_page`` (a test compares them; ``python -m
server.routes.reference > docs/http.md`` in the repository renews it).

>>> http_page().splitlines()[0]
'# The HTTP and WebSocket interface'
"""

from __future__ import annotations

import sys
import typing
from typing import Any

import msgspec

from rooms.refusals import STATUS
from server import wire
from server.routes.openapi import REFERENCE, description
from server.routes.table import TABLE, Operation

_HEAD = """\
# The HTTP and WebSocket interface

This page is made from `server/routes/table.py` and `server/wire.py`; programs read the same as
`GET /api/v1/openapi.json`. All paths are below `/api/v1`.

- **Zone**: the listener a request comes in by is its zone. No header changes zone, scheme or address; that one tried is
  noted on record. A `Host` that is not the listener's own is `not_found`.
- **Login**: `Authorization: Bearer TOKEN`, or the cookie `__Host-sekisho-ZONE`; either works only in the zone it was
  issued in. An unsafe request with a cookie needs a same-origin `Origin`; one with a bearer token needs none.
- **Ids** are opaque ASCII of at most 64 characters; **times** RFC 3339 in UTC with `Z` and milliseconds; `seq` starts
  at 1 and has no gaps in a room.
- **Bodies** are JSON with exactly the fields of their type: unknown fields and wrong types are `malformed`. Answers may
  grow fields.
- **Refusals** are `application/problem+json` (RFC 9457) with a stable `code`, an exact `reason`, a `detail` in Japanese
  or, for `Accept-Language: en` or `?lang=en`, in English, and a `request_id`. What one may not know of is `not_found`,
  the same as what is not there. Under load searches (`reason` `search_paused`) and new uploads (`uploads_paused`, also
  the creation of a resumable one) are `busy`; messages and uploads that were begun go on. 429 and 503 carry
  `Retry-After`. A method that a path does not have is 405 `malformed`.
- Every write is answered when it is durable. A post may be sent again with its `client_msg_id`, an upload gone on with.
"""
_SOCKET = """\
## WebSocket

`GET /api/v1/ws`, subprotocol `sekisho.v1`, JSON text frames of at most 64 KiB (binary frames close 1003, larger ones
1009). With an allowed `Origin` a cookie or a token authenticates; without `Origin` only the token in `hello` or an
`Authorization` header; a wrong `Origin` is 403 before the upgrade. No `hello` within 10 seconds closes 4001.

Rooms missing in `cursors` start at their head; 0 means from the start. After `ready` come each room's events after the
given cursor, then live ones: nothing is missed and nothing comes twice. Close codes: 1001 the server ends, 1003 binary,
1009 too big, 4001 not logged in, 4003 the session or the right to the zone ended, 4008 come back with your cursors.

After a backup was brought back, seqs beyond it name other events than before. `ready` therefore names the history as
`incarnation`, and a `hello` should carry the one under which its cursors were got: rooms whose cursors speak of what
was given up are answered `reset`. Who says none is told so at the first `hello` of a login session.

`"notices": true` in `hello` asks to be told when the server rests from something because it is busy or its disk is
nearly full: `notice` after `ready` (unless all is well) and at every change, an empty `paused` at the end. Who does not
ask hears none.
"""
_UPLOADS = """\
## Resumable uploads

tus 1.0.0 (https://tus.io/protocols/resumable-upload) at `uploads/` with creation, creation-with-upload, termination,
expiration and checksum (sha1, sha256, sha512). `Upload-Metadata` names `room` and `filename`. `Sekisho-Attachment` on
every answer is the id of the attachment that exists once the last part was acknowledged. What arrived before a cut is
kept, except of a part with a checksum; `HEAD` says how much. An upload belongs to one person in one zone and is removed
24 hours after its last part (`retention.unposted_hours`). `X-HTTP-Method-Override` is understood.
"""


def http_page() -> str:
    """The whole page."""
    schemas = description()["components"]["schemas"]
    lines = [_HEAD, "## Routes", "", "| route | body → answer | codes |", "|---|---|---|"]
    lines += [_row(row) for row in TABLE]
    lines += ["", _codes(), "", _UPLOADS, _SOCKET]
    lines += _frames("From a client", wire.ClientFrame) + _frames("From the server", wire.ServerFrame)
    lines += ["## Types", ""]
    for name in sorted(schemas):
        lines += _type(name, schemas[name])
    return "\n".join(lines).rstrip() + "\n"


def _row(row: Operation) -> str:
    query = "&".join(q.name if q.required else f"[{q.name}]" for q in row.query)
    answers = ", ".join(f"{status} {_kind(kind)}".strip() for status, kind in row.answers.items())
    takes = f"{_kind(row.takes)} → " if row.takes is not None else "→ "
    path = row.path.removeprefix("/") + (f"?{query}" if query else "")
    codes = ", ".join(f"`{code}`" for code in row.all_codes)
    return f"| `{row.method} {path}` | {takes}{answers}<br>{row.meaning} | {codes} |"


def _kind(kind: Any) -> str:
    if kind is None:
        return ""
    return f"`{kind}`" if isinstance(kind, str) else f"[{kind.__name__}](#{kind.__name__.lower()})"


def _codes() -> str:
    by_status: dict[int, list[str]] = {}
    for code, status in STATUS.items():
        by_status.setdefault(status, []).append(f"`{code}`")
    told = (f"{status} {', '.join(codes)}" for status, codes in sorted(by_status.items()))
    return "Status of each code: " + "; ".join(told) + "."


def _frames(title: str, union: Any) -> list[str]:
    lines = [f"### {title}", "", "| op | fields | |", "|---|---|---|"]
    for kind in typing.get_args(union):
        _, schemas = msgspec.json.schema_components([kind], ref_template=REFERENCE)
        schema = schemas[kind.__name__]
        fields = ", ".join(f"`{n}` {_shape(s)}" for n, s in schema["properties"].items() if n != "op")
        lines.append(f"| `{kind.__struct_config__.tag}` | {fields} | {_sentence(schema)} |")
    return [*lines, ""]


def _type(name: str, schema: dict[str, Any]) -> list[str]:
    required = set(schema.get("required", ()))
    fields = [
        f"| `{field}` | {_shape(shape)} | {'' if field in required else 'may be left out'} |"
        for field, shape in schema.get("properties", {}).items()
    ]
    about = [_sentence(schema), ""] if schema.get("description") else []
    table = ["| field | type | |", "|---|---|---|", *fields, ""] if fields else []
    return [f"### {name}", "", *about, *table]


def _shape(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_shape(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        inner = " and ".join(_shape(one) for one in schema.get("prefixItems", ())) or _shape(schema.get("items", {}))
        return f"list of {inner}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_shape(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def _sentence(schema: dict[str, Any]) -> str:
    return " ".join(str(schema.get("description", "")).replace("``", "`").split())


if __name__ == "__main__":
    sys.stdout.write(http_page())
