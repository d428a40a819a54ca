"""ejabberd with accounts, rooms and their archive in PostgreSQL (``mod_mam``)."""

from __future__ import annotations

import signal
from pathlib import Path

from ops.bench.crowd import Script
from ops.bench.peers import xmpp
from ops.bench.peers.database import PostgreSQL
from ops.bench.product import TEXT, accepts, free_port
from ops.bench.served_chat import Group, wait_for

_CONFIG = """
hosts: [localhost]
loglevel: error
auth_method: [sql]
default_db: sql
sql_type: pgsql
sql_server: "127.0.0.1"
sql_port: {sql}
sql_database: chat
sql_username: bench
sql_password: "none"
sql_pool_size: 10
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    access: all
    starttls: false
    max_stanza_size: 262144
modules:
  mod_muc:
    host: rooms.localhost
    db_type: sql
    access_create: all
    access: all
    max_users: 5000
    min_message_interval: 0
    min_presence_interval: 0
    history_size: 0
    max_users_presence: 0
    default_room_options:
      mam: true
      max_users: 5000
      persistent: false
      presence_broadcast: []
  mod_mam:
    db_type: sql
    default: always
    assume_mam_usage: true
    request_activates_archiving: false
"""
_SCHEMA = Path("/usr/share/ejabberd/sql/pg.sql")


class Ejabberd:
    """One instance in ``folder``. Raises ``RuntimeError`` where it does not start."""

    name = "ejabberd"
    marker, ping, pong = xmpp.MARKER, b"", b""

    def __init__(self, folder: Path) -> None:
        self._people = self._rooms = 0
        self._database = PostgreSQL(folder)
        self._database.load(_SCHEMA)
        self.port = free_port()
        config = folder / "ejabberd.yml"
        config.write_text(_CONFIG.format(port=self.port, sql=self._database.port), encoding="utf-8")
        (folder / "mnesia").mkdir()
        environment = {
            "HOME": str(folder),
            "PATH": "/usr/bin:/bin",
            "ERL_LIBS": "/usr/lib/x86_64-linux-gnu",
            "EJABBERD_CONFIG_PATH": str(config),
            "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
        }
        database = ["-mnesia", "dir", f'"{folder / "mnesia"}"']
        command = ["/usr/bin/erl", "-noinput", "+K", "true", "+P", "250000", *database, "-s", "ejabberd"]
        self._group = Group(command, environment=environment, log=folder / "erlang.log")
        try:
            wait_for(lambda: accepts(self.port), self._group)
        except RuntimeError:
            self.end()
            raise

    def scripts(self, rooms: int, size: int) -> list[Script]:
        made, users = [], []
        for _ in range(rooms):
            self._rooms += 1
            for _ in range(size):
                self._people += 1
                users.append(f"u{self._people:05d}")
                made.append(xmpp.script(users[-1], f"r{self._rooms}", TEXT))
        rows = ",".join(f"('{user}', '{xmpp.PASSWORD}', '', '', 0)" for user in users)
        columns = "username, password, serverkey, salt, iterationcount"
        self._database.psql(f"INSERT INTO users ({columns}) VALUES {rows}")
        return made

    def cpu_seconds(self) -> dict[str, float]:
        return {"server": self._group.cpu_seconds(), "database": self._database.cpu_seconds()}

    def pss_kib(self) -> float:
        return self._group.pss_kib()

    def end(self) -> None:
        self._group.end(signal.SIGTERM)
        self._database.end()
