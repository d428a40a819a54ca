"""The converter: LibreOffice and ffmpeg, for what nothing else can read (trusting side).

Rules kept here:

- It runs in bubblewrap alone (``sanitizer/bubblewrap.py``) under its own seccomp list and limits, one process a file,
  started by exec through ``sanitizer/runner.py``. Where that is not possible nothing is converted: ``NoConverter``.
- What comes out is bytes of bounded size and nothing more. They are never read here; the caller has them identified,
  rebuilt and verified in jails like any received file.
- At most ``places`` run at once. The wall clock is kept here; a cancelled call kills its processes.
- LibreOffice's profile is made once, in the same bubble, from nothing that was received; every file gets a fresh copy.

>>> converter = Converter()                                              # doctest: +SKIP
>>> await converter.convert(descriptor, size, RECIPES["xls-xlsx"], Limits())  # doctest: +SKIP
Converted(size=11418, cpu_seconds=0.9, peak_rss=223000000)
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from sanitizer import bubblewrap, intake, transcoding
from sanitizer.limits import MIB, Limits
from sanitizer.recipes import RECIPES, Recipe
from sanitizer.runner import MAX_TASK, Ran, Task, pack_folder, read_ran

_PLACES = ("/usr/lib/libreoffice/program", "/usr/lib64/libreoffice/program", "/opt/libreoffice/program")
_FOLDERS = ("/etc/libreoffice", "/usr/share/libreoffice", "/usr/share/liblangtag")
_PROFILE = "profile"
_BASE_MEMORY = 768 * MIB  # address space of LibreOffice before it reads a file, with a margin
_ROOM = 64 * MIB  # the profile and what LibreOffice keeps beside the documents
_SIGKILL, _SIGXCPU, _SIGXFSZ, _LAST_SIGNAL = 9, 24, 25, 64
_SETTINGS = (
    ("Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Common/Misc", "UseLocking", "false"),
    ("Common/Misc", "FirstRun", "false"),
    ("Common/Save/Document", "AutoSave", "false"),
    ("Recovery/RecoveryInfo", "Enabled", "false"),
    ("Recovery/AutoSave", "Enabled", "false"),
    ("Writer/Content/Update", "Link", "0"),  # never
    ("Calc/Content/Update", "Link", "2"),  # never
    ("Calc/Formula/Load", "OOXMLRecalcMode", "1"),  # never
    ("Calc/Formula/Load", "ODFRecalcMode", "1"),
)


class NoConverter(Exception):
    """Nothing can be converted on this machine; the text says what is missing."""


class ConverterAway(Exception):
    """It is closed, or no process can be had now: there is no verdict, try again later."""


class NotConverted(Exception):
    """This file could not be converted; ``code`` is a refusal."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written to the output, and what it cost."""

    size: int
    cpu_seconds: float
    peak_rss: int


def missing() -> str:
    """What this machine lacks for conversions, as Debian package names; empty if nothing."""
    lacking = [] if program_folder() else ["libreoffice-writer", "libreoffice-calc", "libreoffice-impress"]
    return " ".join(lacking if shutil.which(bubblewrap.PROGRAM) else [*lacking, "bubblewrap"])


def program_folder() -> Path | None:
    """Where ``soffice.bin`` is; None if it is not installed."""
    named = shutil.which("soffice")
    places = ([Path(named).resolve().parent] if named else []) + [Path(place) for place in _PLACES]
    return next((place for place in places if (place / "soffice.bin").is_file()), None)


@dataclass(slots=True)
class Converter:
    """LibreOffice at the service of one supervisor."""

    places: int = 2
    _free: asyncio.Semaphore = field(init=False)
    _profile: int = -1
    _preparing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.places)

    async def convert(self, source: int, size: int, output: int, recipe: Recipe, limits: Limits) -> Converted:
        """Convert the ``size`` bytes behind ``source`` into ``output`` (a memory file of the largest size). Raises
        ``NoConverter``, ``NotConverted`` or ``ConverterAway``; cancelling kills the program."""
        async with self._free:
            if recipe.program == "ffmpeg":
                ran = await self._transcode(source, size, output, recipe, limits)
            else:
                profile = await self.prepared()
                task = self._task(recipe, size, seeded=True, limits=limits)
                ran = await self.run(task, limits.wall_seconds, output, source, profile)
        _raise_for(ran, limits)
        return Converted(ran.size, ran.cpu_seconds, ran.peak_rss)

    async def _transcode(self, source: int, size: int, output: int, recipe: Recipe, limits: Limits) -> Ran:
        lacking = transcoding.missing()
        if lacking:
            raise NoConverter(f"not installed: {lacking}")
        task = transcoding.task(recipe, size, limits)
        try:
            ran = await self.run(task, limits.media_wall_seconds, output, source)
        except NotConverted as no:
            raise NotConverted("media-too-long" if no.code == "timeout" else no.code, no.detail) from no
        if ran.cpu_seconds > limits.media_cpu_seconds - 2:
            raise NotConverted("media-too-long")
        if ran.problem:
            raise NoConverter(ran.problem)
        if ran.status == 128 + _SIGXFSZ:
            raise NotConverted("output-too-large")
        if 0 < ran.status < 128 or ran.status > 128 + _LAST_SIGNAL:  # it has looked at the file and given up
            raise NotConverted("unreadable", f"ffmpeg ends with {ran.status}")
        return ran

    async def run(self, task: Task, wall_seconds: float, *descriptors: int) -> Ran:
        """One program in bubblewrap, from birth to death. Raises ``NotConverted`` (``timeout``, ``crashed``) and
        ``ConverterAway``."""
        if self._closed:
            raise ConverterAway("closed")
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            process = self._started(theirs)
        except OSError as error:  # no process, no descriptors to be had
            raise ConverterAway(str(error)) from error
        with ours:
            self._running.add(process)
            try:
                socket.send_fds(ours, [msgspec.json.encode(task)], descriptors)
                ours.setblocking(False)
                async with asyncio.timeout(wall_seconds):
                    data = await asyncio.get_running_loop().sock_recv(ours, MAX_TASK)
            except TimeoutError:
                raise NotConverted("timeout") from None
            except OSError:
                data = b""
            finally:
                self._running.discard(process)
                process.kill()
                await asyncio.shield(asyncio.to_thread(process.wait))
        if self._closed:
            raise ConverterAway("closed")
        if not data:
            raise NotConverted("crashed", "runner")
        try:
            return read_ran(data)
        except msgspec.DecodeError:
            raise NotConverted("crashed", "runner") from None

    async def attempt(self, output: int, files: dict[str, bytes], module: str, arguments: Sequence[str]) -> Ran:
        """Run a Python module in the place of LibreOffice; ``files`` lie in the room, interpreter and all, and it
        leaves the file ``result``. Raises ``NoConverter`` or ``NotConverted``."""
        limits = Limits()
        run = f"import runpy, sys; sys.path.append({bubblewrap.ROOM!r}); runpy.run_module({module!r}, None, '__main__')"
        task = msgspec.structs.replace(
            self._task(RECIPES["rtf-docx"], 0, seeded=True, limits=limits),
            argv=[f"{bubblewrap.ROOM}/python/bin/python3", "-I", "-S", "-B", "-c", run, *arguments],
            environment={"LD_LIBRARY_PATH": f"{bubblewrap.ROOM}/python/lib"},
            source="",
            result="result",
        )
        seed = os.memfd_create("seed", os.MFD_CLOEXEC)
        try:
            os.write(seed, pack_folder(files))
            ran = await self.run(task, limits.wall_seconds, output, seed)
        finally:
            os.close(seed)
        if ran.problem:
            raise NoConverter(ran.problem)
        return ran

    @staticmethod
    def _started(theirs: socket.socket) -> subprocess.Popen[bytes]:
        """A runner; the socket is its own from now on."""
        null = subprocess.DEVNULL
        with theirs:
            return subprocess.Popen(
                [sys.executable, "-I", "-m", "sanitizer.runner", str(theirs.fileno())],
                stdin=null,
                stdout=null,
                stderr=null,
                env={},
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def close_now(self) -> None:
        """Kill what runs and forget the profile; calls under way raise ``ConverterAway``."""
        self._closed = True
        for process in tuple(self._running):
            process.kill()
        if self._profile >= 0:
            os.close(self._profile)
            self._profile = -1

    async def prepared(self) -> int:
        """The profile that every file gets a copy of: a sealed memory file."""
        async with self._preparing:
            if self._profile < 0:
                self._profile = await self._prepare(Limits())
        return self._profile

    async def _prepare(self, limits: Limits) -> int:
        lacking = missing()
        if lacking:
            raise NoConverter(f"not installed: {lacking}")
        output, seed = intake.new_output(limits.max_output), os.memfd_create("seed", os.MFD_CLOEXEC)
        try:
            letter = {"in.rtf": b"{\\rtf1\\ansi a\\par}", f"{_PROFILE}/user/registrymodifications.xcu": _settings()}
            os.write(seed, pack_folder(letter))
            task = self._task(RECIPES["rtf-docx"], 0, seeded=True, limits=limits)
            task = msgspec.structs.replace(task, source="", result=_PROFILE)
            ran = await self.run(task, limits.wall_seconds, output, seed)
            if ran.status or not intake.seal_output(output, ran.size):
                raise NoConverter(ran.problem or f"LibreOffice ends with {ran.status}")
        except NotConverted as no:
            os.close(output)
            raise ConverterAway(f"LibreOffice does not start ({no.code})") from no
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(seed)
        return output

    def _task(self, recipe: Recipe, size: int, *, seeded: bool, limits: Limits) -> Task:
        folder = program_folder()
        if folder is None:
            raise NoConverter("not installed: libreoffice")
        source = f"in.{recipe.source}"
        options = ("--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck")
        return Task(
            parent=os.getpid(),
            argv=[
                str(folder / "soffice.bin"),
                *options,
                f"-env:UserInstallation=file://{bubblewrap.ROOM}/{_PROFILE}",
                f"--infilter={recipe.reads}",
                "--convert-to",
                f"{recipe.target}:{recipe.writes}",
                "--outdir",
                bubblewrap.ROOM,
                f"{bubblewrap.ROOM}/{source}",
            ],
            folders=[str(folder.parent), *_FOLDERS],
            environment={"LANG": "C.UTF-8", "SAL_USE_VCLPLUGIN": "svp", "LD_LIBRARY_PATH": str(folder)},
            source=source,
            size=size,
            result=f"in.{recipe.target}",
            seeded=seeded,
            room_bytes=_ROOM + size + limits.max_output,
            cpu_seconds=limits.cpu_seconds,
            memory=_BASE_MEMORY + limits.memory,
            max_file=_ROOM + limits.max_output,
        )


def _raise_for(ran: Ran, limits: Limits) -> None:
    """What the end of the program means for the file."""
    if ran.problem:
        raise NoConverter(ran.problem)
    if ran.status in (128 + _SIGXCPU, 128 + _SIGKILL, -_SIGKILL) and ran.cpu_seconds > limits.cpu_seconds - 2:
        raise NotConverted("timeout")
    if ran.status:
        raise NotConverted("crashed", f"converter status {ran.status}")
    if ran.size > limits.max_output:
        raise NotConverted("output-too-large")
    if not ran.size:
        raise NotConverted("unreadable", "converter wrote nothing")


def _settings() -> bytes:
    """A profile's settings: no macro runs, no link is followed, nothing is kept for later."""
    items = "".join(
        f'<item oor:path="/org.openoffice.Office.{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value>'
        "</prop></item>"
        for path, name, value in _SETTINGS
    )
    spaces = 'xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    more = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<oor:items {spaces} {more}>{items}</oor:items>'.encode()
