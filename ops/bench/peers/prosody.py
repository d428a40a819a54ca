"""Prosody with its rooms archived in PostgreSQL (``muc_mam`` over ``storage_sql``)."""

from __future__ import annotations

from pathlib import Path

from ops.bench.crowd import Script
from ops.bench.peers import xmpp
from ops.bench.peers.database import PostgreSQL
from ops.bench.product import TEXT, accepts, free_port
from ops.bench.served_chat import Group, wait_for

_CONFIG = """
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/prosody"
log = {{ warn = "*console" }}
network_backend = "epoll"
modules_enabled = {{ "saslauth"; "roster"; "posix" }}
modules_disabled = {{ "s2s"; "s2s_auth_certs"; "offline" }}
c2s_ports = {{ {port} }}
c2s_interfaces = {{ "127.0.0.1" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
sql = {{
    driver = "PostgreSQL"; database = "chat"; username = "bench"; password = ""; host = "127.0.0.1"; port = {sql}
}}
VirtualHost "localhost"
Component "rooms.localhost" "muc"
    modules_enabled = {{ "muc_mam" }}
    storage = {{ muc_log = "sql" }}
    muc_log_by_default = true
    muc_log_all_rooms = true
    muc_room_locking = false
    muc_room_default_history_length = 0
    muc_room_default_presence_broadcast = {{ visitor = false; participant = false; moderator = false }}
"""


class Prosody:
    """One instance in ``folder``. Raises ``RuntimeError`` where it does not start."""

    name = "prosody"
    marker, ping, pong = xmpp.MARKER, b"", b""

    def __init__(self, folder: Path) -> None:
        self._accounts = folder / "prosody" / "localhost" / "accounts"
        self._accounts.mkdir(parents=True)
        self._people = self._rooms = 0
        self._database = PostgreSQL(folder)
        self.port = free_port()
        config = folder / "prosody.cfg.lua"
        config.write_text(_CONFIG.format(folder=folder, port=self.port, sql=self._database.port), encoding="utf-8")
        command: list[str | Path] = ["/usr/bin/prosody", "-F", "--config", config]
        self._group = Group(command, environment={}, log=folder / "prosody.log")
        try:
            wait_for(lambda: accepts(self.port), self._group)
        except RuntimeError:
            self.end()
            raise

    def scripts(self, rooms: int, size: int) -> list[Script]:
        made = []
        for _ in range(rooms):
            self._rooms += 1
            for _ in range(size):
                self._people += 1
                user = f"u{self._people:05d}"
                (self._accounts / f"{user}.dat").write_text(f'return {{ ["password"] = "{xmpp.PASSWORD}"; }};\n')
                made.append(xmpp.script(user, f"r{self._rooms}", TEXT))
        return made

    def cpu_seconds(self) -> dict[str, float]:
        return {"server": self._group.cpu_seconds(), "database": self._database.cpu_seconds()}

    def pss_kib(self) -> float:
        return self._group.pss_kib()

    def end(self) -> None:
        self._group.end()
        self._database.end()
