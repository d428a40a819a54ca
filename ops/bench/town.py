"""A whole city hall at once: thousands of connections in rooms of fifty who talk at a steady pace, with slow readers
among them, through a restart and through a start with cold caches.

Measures: delay of acknowledgements and of hearing, errors, the server's CPU and memory; how long it takes until all
are back, and until delays are small again; at the end what was lost or came twice, as the clients heard it and as the
store has it.

Rules: the clients are processes of their own (``ops.bench.residents``) that come back as the web client does; limits
are a town's own; a phase is compared with phases of the same run.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops.bench.crowd import allow_connections
from ops.bench.product import Product, served
from ops.bench.residents import WINDOW, Plan
from ops.bench.town_options import Options

ROOM = 50
CALM_MS = 1_000.0
COMING_AND_GOING = {"cut", "cut_slow", "timed_out", "turned_away", "resync"}
"""What clients meet when they are slow or the server was away, and get over by themselves; told, and no error there."""

DATABASE = "sekisho.db"


class Hall(Product):
    """With the limits of any town."""

    limits = ""


def figures(options: Options) -> dict[str, Any]:
    """Every phase that ``options`` ask for, and what was lost in all of them."""
    allow_connections(options.connections)
    with served(Hall) as hall:
        people = [(p["login"], p["token"], p["room"]) for p in hall.people(options.connections // ROOM, ROOM)]
        before = hall.pss_kib()
        with _clients(hall, people, options) as clients:
            return _phases(hall, clients, options, before)


def _phases(hall: Hall, clients: Clients, options: Options, before: float) -> dict[str, Any]:
    result: dict[str, Any] = {"connections": options.connections, "posts_per_second": options.posts}
    result["slow"] = options.slow
    joined = clients.ask("join")
    result["join_seconds"] = max(one["seconds"] for one in joined)
    result["kib_per_connection_in_all"] = round((hall.pss_kib() - before) / options.connections, 2)
    result["steady"] = _talk(hall, clients, 60 * options.minutes)
    if options.slow:
        result["slow_readers"] = _slow(hall, clients, options)
    if options.restart:
        result["restart"] = _come_back(hall, clients, options.come_back, signal.SIGTERM)
    if options.cold:
        result["cold"] = _come_back(hall, clients, options.come_back, signal.SIGKILL)
    return result | {"whole": _whole(hall.data / DATABASE, clients.ask("settle"))}


# Phases --------------------------------------------------------------------------------------------------------------


def _talk(hall: Hall, clients: Clients, seconds: float) -> dict[str, Any]:
    """A phase of talk: delays in ms, what went wrong, what it cost the server."""
    cpu = sum(hall.cpu_seconds().values())
    with Peak(hall) as peak:
        answers = clients.ask("talk", seconds=seconds)
    spent = sum(hall.cpu_seconds().values()) - cpu
    return _summary(answers, seconds) | {"server_cpu_share": round(spent / seconds, 3), **peak.found()}


def _summary(answers: Sequence[dict[str, Any]], seconds: float) -> dict[str, Any]:
    tally: Counter[str] = Counter()
    for answer in answers:
        tally.update(answer["tally"])
    acks, heard = _added(answers, "acks"), _added(answers, "heard")
    return {
        "seconds": seconds,
        "acknowledged": sum(acks.values()),
        "ack_ms": _quantiles(acks),
        "heard_ms": _quantiles(heard),
        "window_p99_ms": [max(p99) for p99 in zip(*([w[2] for w in one["windows"]] for one in answers), strict=True)],
        "deliveries_per_second": round(sum(answer["deliveries"] for answer in answers) / seconds),
        "errors": sum(count for what, count in tally.items() if what not in COMING_AND_GOING),
        "tally": dict(tally),
        "clients_cpu_share": round(sum(answer["client_cpu_seconds"] for answer in answers) / seconds, 3),
    }


def _slow(hall: Hall, clients: Clients, options: Options) -> dict[str, Any]:
    """With and without slow readers, in turn; what they do to the others and to the memory."""
    minutes = options.slow_minutes
    alone = [_talk(hall, clients, 20 * minutes)]
    clients.ask("slow")
    beside = _talk(hall, clients, 60 * minutes)
    clients.ask("hurry")
    alone.append(_talk(hall, clients, 20 * minutes))
    grown = beside["peak_kib"] - alone[0]["peak_kib"]
    kernel = beside["peak_kernel_kib"] - alone[0]["peak_kernel_kib"]
    p99 = sum(one["ack_ms"]["p99"] for one in alone) / len(alone)
    return {
        "readers": options.slow,
        "without": alone,
        "with": beside,
        "memory_mib": round(grown / 1024, 1),
        "kernel_memory_mib": round(kernel / 1024, 1),
        "p99_to_without": round(beside["ack_ms"]["p99"] / max(p99, 0.1), 3),
        "cut": beside["tally"].get("cut_slow", 0),
    }


def _come_back(hall: Hall, clients: Clients, seconds: float, number: signal.Signals) -> dict[str, Any]:
    """The server ends and starts again while everybody talks on. A killed one starts with nothing in the page cache."""
    clients.begin("talk", seconds=seconds)
    time.sleep(WINDOW)
    ended = time.perf_counter()
    hall.end(number)
    if number == signal.SIGKILL:
        forget_pages(hall.data)
    started = time.perf_counter()
    hall.start()
    accepting = time.perf_counter()
    answers = clients.answers()
    found = _summary(answers, seconds)
    windows = [window for answer in answers for window in answer["windows"]]
    late = [at + WINDOW for at, count, p99 in windows if p99 > CALM_MS or not count]
    return found | {
        "end_seconds": round(started - ended, 2),
        "start_seconds": round(accepting - started, 2),
        "all_back_seconds": max(answer["back_seconds"] for answer in answers),
        "away_at_the_end": sum(answer["away"] for answer in answers),
        "calm_after_seconds": max(late, default=WINDOW) - WINDOW,
        "server_cpu_seconds_since": round(sum(hall.cpu_seconds().values()), 1),
    }


def forget_pages(folder: Path) -> None:
    """Have the system drop what it keeps of the files in memory (posix_fadvise(2)); what is not on the disk yet goes
    there first."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def _whole(database: Path, settled: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Every message that was said stands in the store once, and everybody heard each once."""
    said = {f"{login}-{n}" for one in settled for login, count in one["said"].items() for n in range(count)}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT json_extract(body, '$.client_msg_id') FROM events WHERE kind = 'message.posted'"
        )
        kept = Counter(row[0] for row in rows)
        heads = dict(connection.execute("SELECT id, head FROM rooms"))
    connection.close()
    told = {room: head for one in settled for room, head in one["heads"].items()}
    return {
        "messages": len(said),
        "unacknowledged": sum(one["unacknowledged"] for one in settled),
        "lost": len(said - kept.keys()),
        "twice": sum(kept[one] > 1 for one in said),
        "rooms_not_heard_to_the_end": sum(heads[room] != head for room, head in told.items()),
        "people_behind": sum(one["behind"] for one in settled),
        "heard_twice": sum(one["twice"] for one in settled),
        "missed": sum(one["missed"] for one in settled),
    }


# Figures -------------------------------------------------------------------------------------------------------------


def _added(answers: Sequence[dict[str, Any]], what: str) -> Counter[float]:
    added: Counter[float] = Counter()
    for answer in answers:
        for tenths, count in answer[what].items():
            added[int(tenths) / 10] += count
    return added


def _quantiles(delays: Counter[float]) -> dict[str, float]:
    """p50, p99 and the longest, of delays in ms with how often each came."""
    total, seen, result = sum(delays.values()), 0, {"p50": 0.0, "p99": 0.0, "max": max(delays, default=0.0)}
    for delay in sorted(delays):
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            if seen < share * total <= seen + delays[delay]:
                result[name] = delay
        seen += delays[delay]
    return result


class Peak:
    """Most memory while a block runs: the server's own (proportional set), and that of the system's TCP buffers."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._kib = self._kernel = 0.0

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self._kib = max(self._kib, self._hall.pss_kib())
            self._kernel = max(self._kernel, kernel_kib())
            if self._done.wait(2.0):
                return

    def found(self) -> dict[str, float]:
        return {"peak_kib": self._kib, "peak_kernel_kib": self._kernel}


def kernel_kib() -> float:
    """Memory of all TCP sockets of this machine, both ends (proc_net(5), ``sockstat``)."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        words = line.split()
        if words[0] == "TCP:":
            return int(words[words.index("mem") + 1]) * os.sysconf("SC_PAGESIZE") / 1024
    return 0.0


# Clients -------------------------------------------------------------------------------------------------------------


class Clients:
    """The processes with the residents. One question goes to all; the answers come in their order."""

    def __init__(self, plans: Sequence[Path]) -> None:
        command = [sys.executable, "-m", "ops.bench.residents"]
        self._processes = [
            subprocess.Popen([*command, plan], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for plan in plans
        ]

    def ask(self, what: str, **arguments: object) -> list[dict[str, Any]]:
        self.begin(what, **arguments)
        return self.answers()

    def begin(self, what: str, **arguments: object) -> None:
        for process in self._processes:
            assert process.stdin is not None, "the question goes by a pipe"
            process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
            process.stdin.flush()

    def answers(self) -> list[dict[str, Any]]:
        return [self._answer(process) for process in self._processes]

    def _answer(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None, "the answer comes by a pipe"
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("a process of clients has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
            if process.stdout is not None:
                process.stdout.close()


@contextmanager
def _clients(hall: Hall, people: list[tuple[str, str, str]], options: Options) -> Iterator[Clients]:
    """Whole rooms to each process; slow readers are the last of each."""
    count = max(1, min(options.processes, len(people) // ROOM))
    share = len(people) // ROOM // count * ROOM
    parts = [people[n * share : (n + 1) * share if n < count - 1 else len(people)] for n in range(count)]
    paths = []
    for number, part in enumerate(parts):
        path = hall.data.parent / f"clients-{number}.json"
        plan = Plan(hall.port, part, options.posts / count, options.slow // count, number)
        path.write_text(json.dumps(plan._asdict()), encoding="utf-8")
        paths.append(path)
    clients = Clients(paths)
    try:
        yield clients
    finally:
        clients.end()
