"""A real squid (Debian's) on loopback, whose downloads and uploads go through an ICAP server; and an origin behind it.

Rules: ports are free ones, nothing is cached, nothing is written; ended by its own process id.

>>> with origin() as site, squid(folder, icap_port) as proxy:                          # doctest: +SKIP
...     httpx.get(f"{site.url}/a.pdf", proxy=proxy)
"""

from __future__ import annotations

import http.server
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SQUID = shutil.which("squid") or shutil.which("squid", path="/usr/sbin")
needs_squid = pytest.mark.skipif(SQUID is None, reason="needs Debian's squid: apt-get install squid")

CONFIGURATION = """
http_port 127.0.0.1:{port}
icap_enable on
icap_preview_enable on
icap_persistent_connections on
icap_send_client_ip on
icap_service sekisho_in respmod_precache bypass=off icap://127.0.0.1:{icap}/respmod
icap_service sekisho_out reqmod_precache bypass=off icap://127.0.0.1:{icap}/reqmod
adaptation_access sekisho_in allow all
adaptation_access sekisho_out allow all
http_access allow localhost
http_access deny all
cache deny all
access_log none
cache_log /dev/null
cache_store_log none
pid_filename none
netdb_filename none
memory_cache_shared off
pinger_enable off
shutdown_lifetime 1 second
visible_hostname proxy.test
"""


@contextmanager
def squid(folder: Path, icap: int) -> Iterator[str]:
    """The address of a proxy that is ready."""
    assert SQUID is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    configuration = folder / "squid.conf"
    configuration.write_text(CONFIGURATION.format(port=port, icap=icap), "ascii")
    command = [SQUID, "-N", "-f", str(configuration)]
    with subprocess.Popen(command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            _wait(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        ended = process.poll() is not None or time.monotonic() > until
        assert not ended, process.stdout.read() if process.stdout else ""
        time.sleep(0.05)


class Site:
    """A web server. ``pages``: path → (type, bytes); ``asked`` and ``sent``: what reached it."""

    def __init__(self) -> None:
        self.url = ""
        self.pages: dict[str, tuple[str, bytes]] = {}
        self.asked: list[dict[str, str]] = []
        self.sent: list[tuple[str, bytes]] = []


@contextmanager
def origin() -> Iterator[Site]:
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append({name.lower(): value for name, value in self.headers.items()})
            kind, data = site.pages.get(self.path.partition("?")[0], ("text/plain", b""))
            self._answer(kind, data)

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            site.sent.append((self.headers.get("content-type", ""), self.rfile.read(length)))
            self._answer("text/html", b"<p>thank you</p>")

        def _answer(self, kind: str, data: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", '"old"')
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its base class's name)
            """Nothing is logged."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join(10)
