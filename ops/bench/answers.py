"""What single answers cost the server: opening a room of very many messages, coming back after a night to hundreds of
rooms, a herd that comes back, passwords, search, uploads.

Rules: CPU is the server's own, with all its processes, over enough repetitions to be counted; wall time stands beside
it; each measure names a reference in the same run, which does the least that a server can be asked for, or the bare
work without a server. The clients are simple and wait for each answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import os
import socket
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from argon2 import PasswordHasher

from ops.bench.crowd import Crowd, Script, allow_connections, talk
from ops.bench.product import UPGRADE, Product, masked, served
from server.passwords import Passwords

API = "/api/v1"
DATABASE = "sekisho.db"
WINDOW = 48
MIB = 1 << 20
WORDS = ("避難所", "開設", "会議", "資料", "回覧", "確認", "期限", "担当", "総務課", "予算", "庁舎", "道路", "給食")
RARE = "臨時駐車場"
RARE_EACH = 1_000
QUERIES = {"common": "避難所", "two_words": "資料 道路", "rare": RARE, "absent": "存在しない言葉"}


class Sizes(NamedTuple):
    """How large everything is. ``missed``: messages in each of the ``rooms`` of the night."""

    messages: int = 100_000
    rooms: int = 300
    missed: int = 5
    herd: int = 1_000
    logins: int = 24
    tries: int = 40
    uploads: int = 12
    upload_mib: int = 16
    repeat: int = 40


def figures(sizes: Sizes | None = None) -> dict[str, Any]:
    """All of it, on one installation."""
    sizes = sizes or Sizes()
    allow_connections(sizes.herd)
    with served(Desk) as server:
        least = _asked(server, 5 * sizes.repeat, _member(server, 1, 2)[0], "/me")
        return {
            "sizes": sizes._asdict(),
            "least_request": least,
            "room": _room(server, sizes),
            "night": _night(server, sizes),
            "herd": _herd(server, sizes.herd),
            "upload": _upload(server, sizes),
            "login": _login(sizes),
        }


class Desk(Product):
    """With no limit of requests either: one session asks here what many would."""

    limits = Product.limits + "requests_per_second = 0\n"


# The server as one client meets it ------------------------------------------------------------------------------------


class Member(NamedTuple):
    """Somebody with a token in a room."""

    token: str
    room: str


def _member(server: Product, rooms: int, size: int) -> list[Member]:
    return [Member(p["token"], p["room"]) for p in server.people(rooms, size)]


def _asked(server: Product, times: int, member: Member, path: str) -> dict[str, float]:
    """What one request costs, over a connection that is kept."""
    headers = {"Authorization": f"Bearer {member.token}"}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:

        def ask() -> int:
            connection.request("GET", API + path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
            return len(body)

        return _cost(server, times, ask)


def _cost(server: Product, times: int, work: Callable[[], int]) -> dict[str, float]:
    """CPU and wall milliseconds of one ``work``, and the bytes of its answer."""
    size, walls = work(), []
    before = _cpu(server)
    for _ in range(times):
        began = time.perf_counter()
        work()
        walls.append(time.perf_counter() - began)
    spent = (_cpu(server) - before) / times
    return {"cpu_ms": round(1e3 * spent, 2), "wall_ms": round(1e3 * statistics.median(walls), 2), "bytes": size}


def _cpu(server: Product) -> float:
    return sum(server.cpu_seconds().values())


# A room of very many messages -----------------------------------------------------------------------------------------


def text_of(number: int) -> str:
    """The n-th message: office words in a changing order, now and then the rare one."""
    chosen = [WORDS[(number * step + step) % len(WORDS)] for step in (1, 3, 5, 7, 11)]
    rare = RARE if number % RARE_EACH == 0 else ""
    return f"{chosen[0]}の{chosen[1]}について、{chosen[2]}を{chosen[3]}までに{chosen[4]}へ。{rare} 第{number}号"


def _room(server: Product, sizes: Sizes) -> dict[str, Any]:
    """First screens of a room of ``messages`` and of one of a hundred, and searches over all of them."""
    large, small = _member(server, 1, 50)[:2], _member(server, 1, 50)[:2]
    began = time.perf_counter()
    asyncio.run(_fill(server, large, sizes.messages))
    filled = time.perf_counter()
    asyncio.run(_fill(server, small, 100))
    _until_findable(server)
    result: dict[str, Any] = {"messages": sizes.messages, "filled_seconds": round(filled - began, 1)}
    result["findable_seconds_later"] = round(time.perf_counter() - filled, 1)
    for name, member, head in (("open", large[0], sizes.messages), ("open_small", small[0], 100)):
        page = f"/rooms/{member.room}/events?before={head + 1}&limit="
        result[name] = _asked(server, 2 * sizes.repeat, member, page + "100")
    unread = f"/rooms/{large[0].room}/events?before={sizes.messages + 1}&limit=500"
    result["open_all_unread"] = _asked(server, sizes.repeat, large[0], unread)
    result["room_list"] = _asked(server, sizes.repeat, large[0], "/rooms")
    return result | {"search": _search(server, large[0], sizes)}


async def _fill(server: Product, speakers: list[Member], messages: int) -> None:
    """``speakers`` say that many in their room."""
    hello, post = {"op": "hello"}, {"op": "post", "ref": 0}

    def script(member: Member, own: int) -> Script:
        def say(number: int) -> bytes:
            place = number * len(speakers) + own
            words = {"room": member.room, "client_msg_id": f"m-{own}-{number}", "text": text_of(place)}
            return masked(json.dumps(post | words, ensure_ascii=False).encode())

        steps = (
            (UPGRADE % server.port, b"\r\n\r\n"),
            (masked(json.dumps(hello | {"token": member.token}).encode()), b'"op":"ready"'),
        )
        return Script(steps, say, b"\0")

    crowd = Crowd(server.port, server.marker, server.ping, server.pong)
    try:
        await crowd.join([script(member, own) for own, member in enumerate(speakers)])
        await talk(crowd, len(speakers), messages, WINDOW)
    finally:
        crowd.leave()


def _until_findable(server: Product, seconds: float = 240.0) -> None:
    """The search index follows from rows; until none waits."""
    deadline = time.monotonic() + seconds
    with sqlite3.connect(f"file:{server.data / DATABASE}?mode=ro", uri=True) as connection:
        while connection.execute("SELECT count(*) FROM outbox").fetchone()[0]:
            if time.monotonic() > deadline:
                raise RuntimeError("the search index does not come up")
            time.sleep(0.25)
    connection.close()


def _search(server: Product, member: Member, sizes: Sizes) -> dict[str, Any]:
    """Queries over everything, newest first; a LIKE over the same rows is what a server without an index would do."""
    result: dict[str, Any] = {}
    with sqlite3.connect(f"file:{server.data / DATABASE}?mode=ro", uri=True) as connection:
        for name, query in QUERIES.items():
            path = "/search?q=" + "".join(f"%{byte:02X}" for byte in query.encode())
            found = _asked(server, sizes.repeat, member, path)
            like = " AND ".join("body LIKE ?" for _ in query.split())
            statement = f"SELECT room, seq FROM events WHERE {like} ORDER BY at DESC LIMIT 20"
            began = time.process_time()
            connection.execute(statement, [f"%{word}%" for word in query.split()]).fetchall()
            result[name] = found | {"like_cpu_ms": round(1e3 * (time.process_time() - began), 2)}
    connection.close()
    return result


# Coming back ----------------------------------------------------------------------------------------------------------


def _night(server: Product, sizes: Sizes) -> dict[str, Any]:
    """Somebody in ``rooms`` rooms comes back to ``missed`` messages in each; and to none."""
    everyone = server.people(sizes.rooms, 10, 10)
    first, second = everyone[0]["login"], everyone[1]["login"]
    token = {one["login"]: one["token"] for one in everyone}
    rooms = [one["room"] for one in everyone if one["login"] == first]
    listed = _come_back(server, token[first], {}, 0)[1]
    heads = {view["id"]: view["head"] for view in listed["rooms"]}
    asyncio.run(_say_everywhere(server, token[second], rooms, sizes.missed))
    now = {room: head + sizes.missed for room, head in heads.items()}
    missed = sizes.missed * len(rooms)
    return {
        "rooms": len(rooms),
        "missed": missed,
        "return": _cost(server, sizes.repeat // 2, lambda: _come_back(server, token[first], heads, missed)[0]),
        "return_missing_nothing": _cost(server, sizes.repeat // 2, lambda: _come_back(server, token[first], now, 0)[0]),
    }


async def _say_everywhere(server: Product, token: str, rooms: list[str], each: int) -> None:
    def say(number: int) -> bytes:
        room = rooms[number % len(rooms)]
        post = {"op": "post", "ref": 0, "room": room, "client_msg_id": f"n-{number}", "text": text_of(number)}
        return masked(json.dumps(post, ensure_ascii=False).encode())

    hello = masked(json.dumps({"op": "hello", "token": token}).encode())
    script = Script(((UPGRADE % server.port, b"\r\n\r\n"), (hello, b'"op":"ready"')), say, b"\0")
    crowd = Crowd(server.port, server.marker, server.ping, server.pong)
    try:
        await crowd.join([script])
        await talk(crowd, 1, each * len(rooms), 32)
    finally:
        crowd.leave()


def _come_back(server: Product, token: str, cursors: dict[str, int], events: int) -> tuple[int, dict[str, Any]]:
    """One client from the handshake until that many events were heard: bytes, and its ``ready``."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as line:
        line.sendall(UPGRADE % server.port)
        heard = bytearray()
        _read_until(line, heard, lambda: b"\r\n\r\n" in heard)
        del heard[: heard.index(b"\r\n\r\n") + 4]
        line.sendall(_hello(token, cursors))
        _read_until(line, heard, lambda: len(heard) > 10 and len(heard) >= sum(_first_frame(heard)))
        start, size = _first_frame(heard)
        ready: dict[str, Any] = json.loads(heard[start : start + size])
        _read_until(line, heard, lambda: heard.count(server.marker) >= events)
        return len(heard), ready


def _hello(token: str, cursors: dict[str, int]) -> bytes:
    return masked(json.dumps({"op": "hello", "token": token, "cursors": cursors}).encode())


def _read_until(line: socket.socket, heard: bytearray, reached: Callable[[], bool]) -> None:
    while not reached():
        data = line.recv(1 << 18)
        if not data:
            raise ConnectionError(f"the server closed the connection: {bytes(heard[-200:])!r}")
        heard += data


def _first_frame(data: bytearray) -> tuple[int, int]:
    """Where the first frame's text begins, and how long it is (RFC 6455 section 5.2; a server's is not masked)."""
    if data[1] < 126:
        return 2, data[1]
    return (4, int.from_bytes(data[2:4], "big")) if data[1] == 126 else (10, int.from_bytes(data[2:10], "big"))


def _herd(server: Product, count: int) -> dict[str, Any]:
    """Many at once with good tokens that the server does not know yet, in rooms of fifty."""
    scripts = server.scripts(max(1, count // 50), 50)

    async def work() -> dict[str, Any]:
        crowd = Crowd(server.port, server.marker, server.ping, server.pong)
        before, began = _cpu(server), time.perf_counter()
        try:
            await crowd.join(scripts)
            seconds = time.perf_counter() - began
            return {
                "connections": len(scripts),
                "cpu_ms_each": round(1e3 * (_cpu(server) - before) / len(scripts), 2),
                "per_second": round(len(scripts) / seconds),
            }
        finally:
            crowd.leave()

    return asyncio.run(work())


# Passwords and files --------------------------------------------------------------------------------------------------


def _login(sizes: Sizes) -> dict[str, Any]:
    """Right passwords from many at once; then wrong ones from one source until it is told to wait. The reference is
    argon2 alone."""
    with served(lambda folder: _Staffed(folder, sizes.logins)) as server:
        before, began = _cpu(server), time.perf_counter()
        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(lambda n: _log_in(server, f"staff{n:03}", PASSWORD), range(sizes.logins)))
        wall, spent = time.perf_counter() - began, _cpu(server) - before
        if set(statuses) != {200}:
            raise RuntimeError(f"a right password was refused: {statuses}")
        wrong = [_log_in(server, f"staff{n % sizes.logins:03}", "not the password") for n in range(sizes.tries)]
        return {
            "cpu_ms_each": round(1e3 * spent / sizes.logins, 1),
            "per_second": round(sizes.logins / wall, 1),
            "argon2_cpu_ms": _argon2_ms(),
            "wrong_tries": sizes.tries,
            "wrong_tries_checked": wrong.count(401),
            "wrong_tries_told_to_wait": wrong.count(429),
        }


PASSWORD = "bench password 関所"


class _Staffed(Product):
    """With people who have passwords."""

    def __init__(self, folder: Path, staff: int) -> None:
        super().__init__(folder)
        csv = folder / "staff.csv"
        lines = [f"staff{n:03},職員 {n},総務課,{PASSWORD}" for n in range(staff)]
        csv.write_text("\n".join(["login,name,section,password", *lines]) + "\n", encoding="utf-8")
        self.command("user", "import", csv, "--data", self.data)


def _log_in(server: Product, login: str, password: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        body = json.dumps({"login": login, "password": password})
        connection.request("POST", API + "/login", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def _argon2_ms() -> float:
    """CPU of one check, as the server's parameters have it."""
    encoded, hasher = Passwords().encode(PASSWORD), PasswordHasher()
    before = time.process_time()
    for _ in range(5):
        hasher.verify(encoded, PASSWORD)
    return round(1e3 * (time.process_time() - before) / 5, 1)


def _upload(server: Product, sizes: Sizes) -> dict[str, Any]:
    """Files of chance, one after another; the server's CPU holds its inspectors', who refuse them at first sight. The
    reference hashes the same bytes and writes them durably."""
    member = _member(server, 1, 2)[0]
    data = os.urandom(sizes.upload_mib * MIB)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {member.token}", "Content-Type": "application/octet-stream"}
    before, began = _cpu(server), time.perf_counter()
    for number in range(sizes.uploads):
        connection.request("POST", f"{API}/attachments?room={member.room}&name={number}.bin", data, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 202:
            raise RuntimeError(f"an upload was answered {answer.status}")
    wall, spent = time.perf_counter() - began, _cpu(server) - before
    connection.close()
    total = sizes.uploads * sizes.upload_mib
    bare_wall, bare_cpu = _bare_upload(data, sizes.uploads)
    return {
        "files": sizes.uploads,
        "mib_each": sizes.upload_mib,
        "mib_per_second": round(total / wall, 1),
        "cpu_ms_per_mib": round(1e3 * spent / total, 2),
        "bare_mib_per_second": round(total / bare_wall, 1),
        "bare_cpu_ms_per_mib": round(1e3 * bare_cpu / total, 2),
    }


def _bare_upload(data: bytes, count: int) -> tuple[float, float]:
    began, before = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as folder:
        for number in range(count):
            hashlib.sha256(data).digest()
            with (Path(folder) / str(number)).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
    return time.perf_counter() - began, time.process_time() - before
