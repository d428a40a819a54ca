"""The web client: built files, served as they are.

Rules: the page is never cached, its hashed files for a year; only files that were there at the start are served,
as they were then, so no path can lead anywhere and a client built meanwhile breaks no open page; without a built client
the API works and the page says what is missing.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

CLIENT = Path(__file__).parent.parent / "client"
_HASHED = {"cache-control": "public, max-age=31536000, immutable"}
_FRESH = {"cache-control": "no-cache"}
_MISSING = (
    "ウェブ画面がまだ作られていません。make client を実行してください。\n"
    "The web client is not built. Run: make client\n"
)


class Client:
    """The files of ``folder`` by their path."""

    def __init__(self, folder: Path = CLIENT) -> None:
        self._files = (
            {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
            if folder.is_dir()
            else {}
        )

    def routes(self) -> list[Route]:
        return [Route("/{path:path}", self.serve, methods=["GET"])]

    async def serve(self, request: Request) -> Response:
        """A built file, or the page for every address that is the page's own business."""
        name = request.path_params["path"]
        found = self._files.get(name)
        if found is None and "." not in name.rpartition("/")[2]:
            name = "index.html"
            found = self._files.get(name)
            if found is None:
                return PlainTextResponse(_MISSING, 503)
        if found is None:
            return PlainTextResponse("not found\n", 404)
        headers = _HASHED if name.startswith("assets/") else _FRESH
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response(found, headers=dict(headers), media_type=kind)
