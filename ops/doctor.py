"""``sekisho doctor [--scrub] [--json]``: what is right and what is not, each with what to do.

Rules: looks, never changes, also beside a running server; a check that cannot be made is a finding; exit status 1 if
anything is wrong, warnings alone are 0.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import platform
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from ops.control import ask
from ops.place import read_settings
from ops.scrub import Finding, scrub
from rooms.audit import verifier_key
from rooms.store.audit import found_record
from rooms.store.database import quick_check, snapshot
from rooms.store.kept_head import KeptHead
from sanitizer import transcoding
from sanitizer.clamd import Clamd
from sanitizer.converter import ConverterAway, NoConverter, NotConverted, missing
from sanitizer.self_check import probe_converter, probe_isolation, probe_media
from sanitizer.supervisor import NoIsolation
from server.installation import DATABASE, HEAD, KEYS, StartRefused, check_folder, load_keys, system_clocks
from server.load import LIMITS
from server.settings import IcapSettings, Settings, warnings

NEARLY_FULL = 0.90
ICAP_SECONDS = 3.0
SIGNED_WITHIN = 10 * 60_000  # ms
SERVER_SECONDS = 5.0
_MEASURES = {
    "lag": ("プロセッサーが足りません", "the processor is the bottleneck"),
    "oldest": ("ディスクへの書き込みが追いつきません", "writing to the disk is the bottleneck"),
    "buffered": ("受け取りの遅い端末が多くあります", "many terminals read slowly"),
    "memory": ("メモリーの残りがわずかです", "little memory is left"),
}
KEY_FILES = ("checkpoint.key", "receipt.key", "origin")
_TIMEX, _TIME_ERROR = 512, 5  # more than a struct timex takes, all zero: only ask


def add_arguments(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--data", metavar="DIR", type=Path, help="データの置き場所 / the data folder")
    where.add_argument("--config", metavar="FILE", type=Path, help="設定ファイル / the configuration, sekisho.toml")
    parser.add_argument("--json", action="store_true", help="JSONで出す / as JSON")
    parser.add_argument(
        "--scrub",
        action="store_true",
        help="保存した全部を読んで確かめる / read and check everything that is stored",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    findings = list(look(args))
    if args.json:
        print(json.dumps([f._asdict() for f in findings], ensure_ascii=False, indent=2))
    else:
        marks = {"ok": "✓", "warning": "!", "wrong": "✗"}
        for finding in findings:
            print(f"{marks[finding.level]} {finding.check}: {finding.ja}\n  {finding.en}")
    return 1 if any(f.level == "wrong" for f in findings) else 0


def look(args: argparse.Namespace) -> Iterator[Finding]:
    """Every check that applies."""
    settings: Settings | None = None
    yield from _guarded("python", _python)
    yield from _guarded("isolation", _isolation)
    yield from _guarded("converter", _converter)
    yield from _guarded("client", _client)
    yield from _guarded("clock", _clock)
    if args.config is None:
        yield from _guarded("media", lambda: _media("auto"))
    else:
        try:
            settings = read_settings(args.config)
        except Exception as error:
            yield Finding("settings", "wrong", f"設定を読めません: {error}", f"The settings cannot be read: {error}")
            return
        yield Finding("settings", "ok", "設定は正しく読めます", "The settings are sound")
        for warning in warnings(settings):
            yield Finding("settings", "wrong", warning, warning)
        media = settings.sanitizer.media
        yield from _guarded("media", lambda: _media(media))
        if settings.clamd.socket:
            yield from _guarded("clamd", lambda: _clamd(Path(settings.clamd.socket)))
        if settings.icap.host:
            yield from _guarded("icap", lambda: _icap(settings.icap))
    folder = settings.data if settings is not None else args.data
    if folder is not None:
        yield from _guarded("folder", lambda: _folder(folder))
        yield from _guarded("storage", lambda: _storage(folder))
        yield from _guarded("keys", lambda: _keys(folder))
        yield from _guarded("load", lambda: _load(folder))
        yield from _guarded("database", lambda: _database(folder))
        yield from _guarded("audit", lambda: _audit(folder))
        if args.scrub:
            yield from _scrubbed(folder)


def _scrubbed(folder: Path) -> Iterator[Finding]:
    """What the scrub found, up to what it cannot read."""
    try:
        yield from scrub(folder)
    except (DBAPIError, OSError, ValueError) as error:
        why = error.orig if isinstance(error, DBAPIError) else error
        yield Finding("scrub", "wrong", f"読めません: {why}", f"Cannot be read: {why}")


def _guarded(check: str, work: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        yield work()
    except StartRefused as refused:
        yield Finding(check, "wrong", refused.ja, refused.en)
    except DBAPIError as error:
        yield Finding(check, "wrong", f"読めません: {error.orig}", f"Cannot be read: {error.orig}")
    except (OSError, ValueError, NoIsolation) as error:
        yield Finding(check, "wrong", f"調べられません: {error}", f"Cannot be checked: {error}")


def _python() -> Finding:
    what = (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()} {platform.release()}"
    )
    return Finding("python", "ok" if sys.version_info >= (3, 11) else "wrong", what, what)


def _isolation() -> Finding:
    probed = probe_isolation()
    if probed.escaped:
        ways = ", ".join(probed.escaped)
        return Finding(
            "isolation", "wrong", f"隔離から抜け出せます: {ways}", f"Files can break out of their isolation: {ways}"
        )
    if probed.isolation == "full":
        return Finding("isolation", "ok", "ファイル検査の隔離: 完全", "Files are inspected in full isolation")
    why = "; ".join(probed.notes)
    return Finding(
        "isolation",
        "warning",
        f"ファイル検査の隔離: 名前空間なし(Landlock+seccomp)。{why}",
        f"Files are inspected without namespaces (Landlock and seccomp only). {why}",
    )


def _converter() -> Finding:
    lacking = missing()
    if lacking:
        return Finding(
            "converter",
            "warning",
            f"旧形式のOffice文書は変換できず、拒否されます。入れるには: sudo apt-get install {lacking}",
            f"Legacy Office files cannot be converted and are refused. To have it: sudo apt-get install {lacking}",
        )
    try:
        probed = probe_converter()
    except (NoConverter, NotConverted, ConverterAway) as error:
        return Finding(
            "converter",
            "warning",
            f"LibreOfficeを隔離して動かせないため、旧形式のOffice文書は拒否されます({error})",
            f"LibreOffice cannot be run in isolation, so legacy Office files are refused ({error})",
        )
    escaped = probed.escaped if probed else ()
    if escaped:
        ways = ", ".join(escaped)
        return Finding(
            "converter", "wrong", f"LibreOfficeの隔離から抜け出せます: {ways}", f"LibreOffice can break out: {ways}"
        )
    return Finding("converter", "ok", "LibreOfficeの隔離: bubblewrap", "LibreOffice is isolated in bubblewrap")


def _media(media: str) -> Finding:
    if media == "off":
        return Finding("media", "ok", "音声・動画: 受け付けません(設定)", "Sound and video are refused, as set")
    lacking = transcoding.missing()
    if lacking:
        return Finding(
            "media",
            "ok",
            f"音声・動画: MP3とWAVだけ。ほかの形式も通すには: sudo apt-get install {lacking}",
            f"Sound and video: MP3 and WAV alone. To have the rest: sudo apt-get install {lacking}",
        )
    try:
        probe_media()
    except (NoConverter, NotConverted, ConverterAway) as error:
        return Finding(
            "media",
            "warning",
            f"ffmpegを隔離して動かせないため、MP3とWAV以外の音声・動画は拒否されます({error})",
            f"ffmpeg cannot be run in isolation, so sound and video but MP3 and WAV are refused ({error})",
        )
    return Finding(
        "media", "ok", "音声・動画: ffmpegをbubblewrapに隔離", "Sound and video: ffmpeg, isolated in bubblewrap"
    )


def _client() -> Finding:
    built = (Path(__file__).parent.parent / "server" / "client" / "index.html").is_file()
    if built:
        return Finding("client", "ok", "ウェブ画面: あり", "The web client is there")
    return Finding(
        "client", "wrong", "ウェブ画面がありません。make client", "The web client is missing. Run: make client"
    )


def _clamd(path: Path) -> Finding:
    """Whether it answers, and not whether its signatures are new: that is its own keeper's part."""
    try:
        version = asyncio.run(Clamd(path).version())
    except OSError as error:
        return Finding(
            "clamd",
            "wrong",
            f"clamd が {path} で応答しません({error})。systemctl status clamav-daemon とソケットの権限を見てください。",
            f"clamd does not answer at {path} ({error}). See systemctl status clamav-daemon and the socket's rights.",
        )
    return Finding("clamd", "ok", f"ウイルス対策: {version}", f"Virus scanner: {version}")


def _icap(settings: IcapSettings) -> Finding:
    """Whether a running server answers OPTIONS; from an address that is no gateway's it may not."""
    where = f"{settings.host}:{settings.port}"
    try:
        with socket.create_connection((settings.host, settings.port), ICAP_SECONDS) as connection:
            connection.sendall(f"OPTIONS icap://{where}/respmod ICAP/1.0\r\nHost: {where}\r\n\r\n".encode())
            good = connection.recv(64).startswith(b"ICAP/1.0 200 ")
    except OSError:
        good = False
    if good:
        return Finding("icap", "ok", f"ICAP: {where} が応答します", f"ICAP answers at {where}")
    return Finding(
        "icap",
        "warning",
        f"ICAP が {where} で応答しません。サーバーの起動と、icap.clients にこの機械の住所があるかを確かめてください。",
        f"ICAP does not answer at {where}. See that the server runs, and whether icap.clients names this machine.",
    )


def _folder(folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding("folder", "wrong", f"{folder} がありません", f"There is no {folder}")
    check_folder(folder)
    return Finding("folder", "ok", "ほかの利用者は読めません", "Nobody else may read the folder")


def _keys(folder: Path) -> Finding:
    """Looked at only: ``load_keys`` would make what is missing."""
    lost = [name for name in KEY_FILES if not (folder / KEYS / name).is_file()]
    if lost:
        ja, en = "、".join(lost), ", ".join(lost)
        return Finding(
            "keys",
            "wrong",
            f"鍵がありません: {ja}。控えから戻してください。このまま起動すると新しい鍵になります。",
            f"Keys are missing: {en}. Bring them back from a copy; a start now makes new ones.",
        )
    keys = load_keys(folder)
    key = verifier_key(keys.origin, keys.checkpoint.public_key)
    return Finding("keys", "ok", f"公開鍵 {key}", f"Public key {key}")


def _storage(folder: Path) -> Finding:
    usage = shutil.disk_usage(folder)
    share = 1 - usage.free / usage.total
    ja, en = f"ディスク使用率 {share:.0%}", f"The disk is {share:.0%} full"
    return Finding("storage", "warning" if share >= NEARLY_FULL else "ok", ja, en)


def _load(folder: Path) -> Finding:
    """What the running server rests from (``server.load``), and by which measure."""
    said = ask(folder, "Load", SERVER_SECONDS)
    if said is None:
        return Finding(
            "load", "ok", "サーバーは動いていません(止めてあるなら問題ありません)", "No server is running here"
        )
    if not said["level"]:
        return Finding("load", "ok", "サーバーには余裕があります", "The server has room to spare")
    highest = max(LIMITS, key=lambda name: said["measures"][name] / LIMITS[name][0])
    ja, en = _MEASURES[highest]
    resting = ", ".join(said["paused"])
    return Finding(
        "load",
        "warning",
        f"混み合っているため休んでいるもの: {resting}(段階 {said['level']}/4、{ja})。メッセージは届きます。"
        "続くようなら ops/runbooks/overload.md を見てください。",
        f"The server is busy and rests from: {resting} (level {said['level']} of 4, {en}). Messages arrive. "
        "If it lasts, see ops/runbooks/overload.md.",
    )


def _database(folder: Path) -> Finding:
    with snapshot(folder / DATABASE) as connection:
        answer = quick_check(connection)
    if answer != "ok":
        return Finding(
            "database", "wrong", f"データベースが壊れています: {answer}", f"The database is damaged: {answer}"
        )
    return Finding("database", "ok", "データベースは壊れていません", "The database is sound")


def _audit(folder: Path) -> Finding:
    kept = KeptHead(folder / KEYS / HEAD).read()
    with snapshot(folder / DATABASE) as connection:
        record = found_record(connection, kept)
    if not record.sound:
        return Finding(
            "audit",
            "wrong",
            "監査記録のつじつまが合いません。audit export と audit verify で場所を確かめてください。",
            "The audit record contradicts itself. Run audit export, then audit verify.",
        )
    size, (signed, at) = record.frontier.size, record.signed or (0, 0)
    if size > signed and system_clocks().now() - at > SIGNED_WITHIN:
        return Finding(
            "audit",
            "warning",
            f"記録 {size} 件のうち {size - signed} 件に署名がありません。動いているサーバーは10秒ごとに署名します。",
            f"{size - signed} of {size} leaves are not signed. A running server signs every ten seconds.",
        )
    return Finding("audit", "ok", f"記録 {size} 件、うち {signed} 件まで署名済み", f"{size} leaves, {signed} signed")


def _clock() -> Finding:
    """Whether the kernel knows its clock to be kept right by somebody (adjtimex(2): TIME_ERROR says no)."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX))
    if state < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
    if state == _TIME_ERROR:
        return Finding(
            "clock",
            "warning",
            "時刻合わせが働いていません。時刻は記録の証拠になります。庁内の NTP に合わせてください。",
            "Nothing keeps the clock right. The record's times are evidence: set up NTP.",
        )
    return Finding("clock", "ok", "時刻は合わせられています", "The clock is kept right")
