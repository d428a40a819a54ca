"""For those who operate the server: is it alive, is it ready, what are its figures.

Rules: ``/healthz`` and ``/readyz`` say a word and nothing else; ``/metrics`` (Prometheus text format 0.0.4) is
there on operations listeners alone and holds counts, never names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


class Health:
    """``ready`` answers whether requests are served in full; ``figures`` name → (kind, help, value)."""

    def __init__(self, ready: Callable[[], bool], figures: Callable[[], Mapping[str, tuple[str, str, float]]]) -> None:
        self._ready = ready
        self._figures = figures

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def healthz(self, request: Request) -> Response:
        return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})

    async def readyz(self, request: Request) -> Response:
        ready = self._ready()
        return PlainTextResponse("ready\n" if ready else "reading only\n", 200 if ready else 503)

    async def metrics(self, request: Request) -> Response:
        if not request.scope["state"]["listener"].operations:
            return PlainTextResponse("not found\n", 404)
        lines = []
        for name, (kind, meaning, value) in self._figures().items():
            lines += [f"# HELP sekisho_{name} {meaning}", f"# TYPE sekisho_{name} {kind}", f"sekisho_{name} {value:g}"]
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")
