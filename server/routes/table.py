"""The routes under ``/api/v1`` in one table: what each takes, what it answers, by which codes it refuses.

Rules: ``openapi.json`` and ``docs/http.md`` are made from this table, and tests hold it against the routes that are
really served and against every answer they give; a new route adds one row here. Paths are below ``/api/v1``.

>>> next(row for row in TABLE if row.name == "login").login
False
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from server import wire
from server.routes.accounts import LoggedIn, LoggedOut, Login, Me, PeopleFound, ZoneView
from server.routes.attachments import Asked, FilePassword, InQuarantine
from server.routes.messages import EventPage, NewMessage, PostedMessage
from server.routes.rooms import MemberChange, MemberCount, NewRoom, RoomList, RoomWithMembers
from server.routes.search import Found
from server.routes.setup import FirstAdministrator, FirstLogin

BYTES = "application/octet-stream"
PART = "application/offset+octet-stream"
JSON = "application/json"


class Query(NamedTuple):
    """A parameter of the query. ``kind`` is a JSON Schema type; bounds for integers."""

    name: str
    meaning: str
    kind: str = "string"
    required: bool = False
    least: int | None = None
    most: int | None = None


class Header(NamedTuple):
    name: str
    meaning: str
    required: bool = False


class Operation(NamedTuple):
    """One method of one path. ``takes``: a type for JSON, or a media type; ``answers``: by status, None for no body.
    ``codes``: beyond those of ``all_codes``; ``also``: statuses that tus gives a ``malformed`` request; ``key``: for
    API keys, not for people."""

    method: str
    path: str
    name: str
    meaning: str
    answers: Mapping[int, Any]
    takes: Any = None
    login: bool = True
    query: tuple[Query, ...] = ()
    headers: tuple[Header, ...] = ()
    codes: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    key: bool = False

    @property
    def all_codes(self) -> tuple[str, ...]:
        """Every code of the contract that this route may refuse by."""
        found = {*self.codes, "not_found", "internal", "busy"}
        if self.login or self.key:
            found |= {"unauthenticated", "rate_limited"}
        if self.method not in ("GET", "HEAD", "OPTIONS"):
            found |= {"forbidden", "storage_full"}
        if self.takes is not None:
            found |= {"malformed", "too_large"}
        return tuple(sorted(found))


_TUS = Header("Tus-Resumable", "the version of the protocol, 1.0.0", True)
_OFFSET = Header("Upload-Offset", "where the part begins, in bytes", True)
_CHECKSUM = Header("Upload-Checksum", "algorithm (sha1, sha256, sha512) and base64 digest of the part")
_LENGTH = Header("Upload-Length", "size of the whole file, bytes", True)
_METADATA = Header("Upload-Metadata", "room and filename, each as base64", True)
_RANGE = Header("Range", "a part of the bytes (RFC 9110 section 14)")
_WRITES = ("busy", "storage_full")

TABLE: tuple[Operation, ...] = (
    Operation(
        "GET", "/zone", "zone", "The zone of this listener, and who is logged in if anybody is.", {200: ZoneView},
        login=False,
    ),
    Operation(
        "POST", "/login", "login",
        "A password becomes a token and a cookie of this zone. Unknown names and wrong passwords get the same answer.",
        {200: LoggedIn}, takes=Login, login=False, codes=("unauthenticated", "rate_limited"),
    ),
    Operation("POST", "/logout", "logout", "The session ends, its sockets too.", {200: LoggedOut}),
    Operation("GET", "/me", "me", "Who is logged in.", {200: Me}),
    Operation(
        "GET", "/people", "people", "People whose login, name or section holds the query.", {200: PeopleFound},
        query=(Query("q", "what to look for"), Query("limit", "at most so many", "integer", least=1, most=50)),
        codes=("malformed",),
    ),
    Operation(
        "POST", "/setup", "setup", "The holder of the one-time link becomes the first administrator.",
        {201: FirstLogin}, takes=FirstAdministrator, login=False, codes=("rate_limited", "invalid", "conflict"),
    ),
    Operation("GET", "/rooms", "rooms", "The rooms that exist for the caller in this zone.", {200: RoomList}),
    Operation(
        "POST", "/rooms", "open_room",
        "A new room; the creator is always a member. A direct room that is there already is answered with 200.",
        {201: wire.RoomView, 200: wire.RoomView}, takes=NewRoom,
        codes=("invalid", "unknown_person", "forbidden_crossing", "conflict"),
    ),
    Operation("GET", "/rooms/{room}", "room", "A room with its members.", {200: RoomWithMembers}),
    Operation(
        "POST", "/rooms/{room}/members", "change_members", "Bring people in or out, by login.", {200: MemberCount},
        takes=MemberChange, codes=("invalid", "unknown_person", "conflict"),
    ),
    Operation(
        "POST", "/rooms/{room}/leave", "leave_room", "The caller leaves.", {200: MemberCount},
        codes=("invalid", "conflict"),
    ),
    Operation(
        "POST", "/rooms/{room}/messages", "post_message",
        "Post a message. The same client_msg_id again gets the first answer, with 200.",
        {201: PostedMessage, 200: PostedMessage}, takes=NewMessage, codes=("invalid", "forbidden_crossing"),
    ),
    Operation(
        "GET", "/rooms/{room}/events", "events", "A page of a room's events, ascending.", {200: EventPage},
        query=(
            Query("after", "events with a greater seq", "integer", least=0),
            Query("before", "the last events with a smaller seq", "integer", least=0),
            Query("limit", "at most so many; 100 by default", "integer", least=1, most=500),
        ),
        codes=("malformed",),
    ),
    Operation(
        "POST", "/attachments", "send_attachment",
        "The raw bytes of a file, streamed. Answered when file, folder and row are durable.",
        {202: InQuarantine}, takes=BYTES,
        query=(Query("room", "where it will be posted", required=True), Query("name", "file name", required=True)),
        codes=("invalid", "forbidden_crossing"),
    ),
    Operation(
        "GET", "/attachments/{attachment}", "attachment",
        "What became of an attachment, zone by zone. Others than the uploader see it once it is posted.",
        {200: wire.AttachmentView}, codes=("forbidden_crossing",),
    ),
    Operation(
        "GET", "/attachments/{attachment}/content", "attachment_content",
        "The bytes that the caller's zone may read; ?inline shows them in place where their type allows.",
        {200: BYTES, 206: BYTES, 416: "text/plain"},
        query=(
            Query("inline", "show in place"),
            Query("as", "only its text, table or pictures (text, CSV, PNG or JPEG; a ZIP where there are several)"),
            Query("number", "of several tables or pictures only this one, from 1", "integer", least=1, most=999),
        ),
        headers=(_RANGE,),
        codes=("malformed", "not_released", "forbidden_crossing", *_WRITES),
    ),
    Operation(
        "GET", "/attachments/{attachment}/thumbnail", "attachment_thumbnail",
        "A small picture of what the caller's zone may read.", {200: "image/png", 206: "image/png", 416: "text/plain"},
        codes=("not_released", "forbidden_crossing"),
    ),
    Operation(
        "GET", "/attachments/{attachment}/comparison", "attachment_comparison",
        "A picture of a page that differs from the original's; of the original itself only where this zone may see it.",
        {200: "image/png", 206: "image/png", 416: "text/plain"},
        query=(
            Query("page", "which page, from 1", "integer", required=True, least=1, most=99_999),
            Query("side", "original or rebuilt", required=True),
        ),
        codes=("malformed", "not_released", "forbidden_crossing", *_WRITES),
    ),
    Operation(
        "POST", "/attachments/{attachment}/comparison", "compare_attachment",
        "Ask for a comparison with the original that is not made by itself, because it takes seconds (Office files).",
        {202: Asked}, codes=("not_released", "forbidden_crossing", "forbidden", *_WRITES),
    ),
    Operation(
        "GET", "/attachments/{attachment}/receipt", "attachment_receipt",
        "The signed crossing receipt (docs/audit.md); no_crossing where the treatment was pass.", {200: JSON},
        codes=("not_released", "forbidden_crossing", "no_crossing"),
    ),
    Operation(
        "POST", "/attachments/{attachment}/password", "attachment_password",
        "The password of a file that needs one; it is kept in memory for the next try only.",
        {202: InQuarantine}, takes=FilePassword, codes=("invalid", "conflict"),
    ),
    Operation(
        "GET", "/search", "search", "Messages, attachments by name, and people; newest first.", {200: Found},
        query=(
            Query("q", "words that must all be there; 100 characters, 8 words", required=True),
            Query("limit", "at most so many of each kind; 20 by default", "integer", least=1, most=50),
        ),
        codes=("malformed", "invalid", *_WRITES),
    ),
    Operation(
        "OPTIONS", "/uploads/", "upload_options", "What of tus 1.0 is spoken here.", {204: None}, login=False,
    ),
    Operation(
        "POST", "/uploads/", "create_upload",
        "A new resumable upload; a body counts as its first part. Location names it.", {201: None}, takes=PART,
        headers=(_TUS, _LENGTH, _METADATA, _CHECKSUM), codes=("invalid", "forbidden_crossing", "checksum_mismatch"),
        also=(412,),
    ),
    Operation(
        "OPTIONS", "/uploads/{upload}", "upload_options_of_one", "The same.", {204: None}, login=False,
    ),
    Operation(
        "HEAD", "/uploads/{upload}", "upload_offset", "How much of it is durable.", {200: None}, headers=(_TUS,),
        codes=("malformed",), also=(412,),
    ),
    Operation(
        "PATCH", "/uploads/{upload}", "write_upload",
        "Append a part. The last one is answered when the attachment is durable; Sekisho-Attachment names it.",
        {204: None}, takes=PART, headers=(_TUS, _OFFSET, _CHECKSUM),
        codes=("conflict", "invalid", "forbidden_crossing", "checksum_mismatch"), also=(412, 415),
    ),
    Operation(
        "DELETE", "/uploads/{upload}", "end_upload", "Give it up.", {204: None}, headers=(_TUS,), codes=("malformed",),
        also=(412,),
    ),
    Operation(
        "POST", "/uploads/{upload}", "override_upload",
        "For those who cannot send PATCH or DELETE: X-HTTP-Method-Override says which.", {204: None}, takes=PART,
        headers=(_TUS, Header("X-HTTP-Method-Override", "PATCH or DELETE", True)),
        codes=("conflict", "invalid", "forbidden_crossing", "checksum_mismatch"), also=(412, 415),
    ),
    Operation(
        "POST", "/sanitize", "sanitize",
        "For systems with an API key: the raw bytes of a file in, the rebuilt file out, with Sekisho-Report "
        "(docs/sanitize-service.md).",
        {200: BYTES}, takes=BYTES, login=False, key=True,
        query=(
            Query("name", "file name", required=True), Query("treatment", "rebuild (by default) or flatten"),
            Query("office", "what legacy Office files leave as: ooxml (by default) or odf"),
        ),
        headers=(Header("Sekisho-Password", "the file's password, base64 of its UTF-8"),),
        codes=("invalid", "refused", "needs_password"),
    ),
    Operation("GET", "/openapi.json", "openapi", "This description.", {200: JSON}, login=False),
)  # fmt: skip
