"""Campaign: from the closed zone, ask for a file in every way there is while its verdict is pending.

Shows: no answer carries a byte of the original; once released, the answer is the rebuilt file and nothing of the
original's active content. The sanitizer's processes are held (SIGSTOP) meanwhile, so that the window stays open.

>>> python -m campaigns.peek --tries 10000 --folder DIR   # doctest: +SKIP
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from campaigns.served import SEKISHO, Server, people

from ops.demo_data import sample_files

AT_ONCE = 20
PASSWORD = "peek-campaign-password"


@contextmanager
def held(server: Server) -> Iterator[None]:
    """The sanitizer's processes stand still."""
    assert server.process is not None
    cells = psutil.Process(server.process.pid).children(recursive=True)
    assert cells, "the sanitizer has no processes"
    for cell in cells:
        cell.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for cell in cells:
            cell.send_signal(signal.SIGCONT)


def asks(attachment: str, room: str) -> list[tuple[str, str, dict[str, str]]]:
    """(method, path, headers): everything that could lead to the file."""
    one = f"/attachments/{attachment}"
    ways = [("GET", f"{one}/content", headers) for headers in (
        {}, {"Range": "bytes=0-99"}, {"Range": "bytes=0-0,5-9"}, {"Range": "bytes=-50"}, {"If-None-Match": "*"},
        {"If-Modified-Since": "Sun, 22 Nov 2026 00:00:00 GMT"}, {"If-Range": '"x"', "Range": "bytes=1-"},
        {"X-Zone": "internet"}, {"X-Forwarded-For": "127.0.0.1"}, {"Accept": "application/pdf"},
    )]  # fmt: skip
    ways += [("HEAD", f"{one}/content", {}), ("GET", f"{one}/content?inline=1", {})]
    for name in ("thumbnail", "receipt", "raw", "original", "preview", "text", "content/", "content/../content"):
        ways.append(("GET", f"{one}/{name}", {}))
    ways += [("GET", one, {}), ("GET", f"/rooms/{room}/events", {}), ("GET", "/search?q=申請書", {})]
    ways += [
        ("GET", f"/uploads/{attachment}", {}),
        ("HEAD", f"/uploads/{attachment}", {}),
        ("POST", f"{one}/content", {}),
    ]
    return ways


def leaks(original: bytes, answer: bytes) -> bool:
    """Whether 24 bytes in a row of the original stand in the answer (its name is not of its bytes)."""
    return any(original[i : i + 24] in answer for i in range(0, len(original) - 24, 24)) if answer else False


async def peek(
    base: str, token: str, ways: list[tuple[str, str, dict[str, str]]], tries: int, original: bytes
) -> Counter[int]:
    statuses: Counter[int] = Counter()
    gate = asyncio.Semaphore(AT_ONCE)
    headers = {"Authorization": f"Bearer {token}"}

    async def once(client: httpx.AsyncClient, number: int) -> None:
        method, path, more = ways[number % len(ways)]
        async with gate:
            answer = await client.request(method, base + path, headers=headers | more)
        assert not leaks(original, answer.content), f"{method} {path} answered with bytes of the original"
        assert not (path.split("?")[0].endswith("/content") and answer.status_code < 400), (method, path, answer)
        statuses[answer.status_code] += 1

    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=AT_ONCE)) as client:
        for first in range(0, tries, 500):
            await asyncio.gather(*(once(client, n) for n in range(first, min(first + 500, tries))))
    return statuses


def _reader(server: Server, login: str) -> str:
    """A session in the closed zone for the uploader's room mate."""
    answer = httpx.post(f"{server.http}/login", json={"login": login, "password": PASSWORD}, timeout=20)
    return str(answer.raise_for_status().json()["token"])


def campaign(folder: Path, tries: int) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder)
    server.start()
    try:
        everyone = people(server)
        original = next(data for name, data in sample_files().items() if name.endswith("申請書.pdf"))
        sender = _set_password(server, everyone[0]["login"])
        outside = f"http://127.0.0.1:{server.other}/api/v1"
        sent = httpx.post(f"{outside}/login", json={"login": sender, "password": PASSWORD}, timeout=20).json()
        headers = {"Authorization": f"Bearer {sent['token']}"}
        room = everyone[0]["room"]
        reader = _reader(server, _set_password(server, everyone[1]["login"]))
        with held(server):
            query = {"room": room, "name": "申請書.pdf"}
            up = httpx.post(f"{outside}/attachments", params=query, content=original, headers=headers, timeout=30)
            attachment = up.raise_for_status().json()["id"]
            body = {"client_msg_id": str(time.time_ns()), "text": "", "attachments": [attachment]}
            httpx.post(f"{outside}/rooms/{room}/messages", json=body, headers=headers, timeout=30).raise_for_status()
            statuses = asyncio.run(peek(server.http, reader, asks(attachment, room), tries, original))
        released = _released(server, reader, attachment)
    finally:
        server.stop()
    assert released.startswith(b"%PDF-")
    assert b"/JavaScript" not in released
    return {"tries": tries, "statuses": dict(sorted(statuses.items())), "bytes_of_the_original": 0}


def _set_password(server: Server, login: str) -> str:
    path = server.folder / "password"
    path.write_text(PASSWORD + "\n")
    arguments = ["user", "password", login, "--password-file", str(path), "--data", str(server.data)]
    subprocess.run([SEKISHO, *arguments], check=True)
    return login


def _released(server: Server, token: str, attachment: str) -> bytes:
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(200):
        answer = httpx.get(f"{server.http}/attachments/{attachment}/content", headers=headers, timeout=20)
        if answer.status_code == 200:
            return answer.content
        assert answer.status_code == 409, answer.text
        time.sleep(0.1)
    raise AssertionError("the file was never released")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tries", type=int, default=10_000)
    arguments.add_argument("--folder", type=Path, required=True)
    given = arguments.parse_args()
    print(json.dumps(campaign(given.folder, given.tries), indent=2))
