"""The trusting side of the sanitizer: a file in, a verdict out; everything in between happens in jails.

Rules kept here:

- Every file gets a verdict; where the machine itself fails (no cell can be started) there is none, and ``Unavailable``
  says that the file must be tried again later.
- A cell that dies is started again and its file tried once more; a second death refuses the file as ``crashed``.
- At most ``workers`` files are examined at once. The event loop never waits: copying and hashing run in threads,
  unless the file is small and in memory already.
- With a virus scanner (``scanner``) every file is scanned first; where it is away and required there is no verdict.
- The caller's descriptor is only read at given offsets, never moved, closed or kept.

Example::

    supervisor = Supervisor(workers=2)
    supervisor.start()                                       # before the event loop starts
    examined = await supervisor.examine(descriptor, name="届出.pdf", treatment="rebuild")
    examined.verdict.report()
    await supervisor.close()
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from sanitizer import intake
from sanitizer.cell_link import START_SECONDS, CellDied, CellLink, Ending, NoIsolation
from sanitizer.clamd import Clamd
from sanitizer.comparison import SIDES, Compared, Comparison, Side
from sanitizer.containing import Allowance
from sanitizer.converter import Converter, ConverterAway
from sanitizer.errands import Source
from sanitizer.examination import Examination, Examined, NotScanned
from sanitizer.extraction import Part, What, extract
from sanitizer.file_jails import FileJails, NotReleased
from sanitizer.formats import FORMATS
from sanitizer.kinds import CONTAINERS, CONVERTED, MEDIA
from sanitizer.layouts import both_laid_out, hides_something, recipe_of
from sanitizer.limits import Limits
from sanitizer.verdict import FileFacts, Isolation, Office, Treatment, Verdict, refused
from sanitizer.verify import VERIFIERS
from sanitizer.wire import PIXELS, Run

__all__ = ["Examined", "NoIsolation", "Supervisor", "Unavailable"]

MOST_WAITING = 16  # calls that ask for parts of files
_PDF = "application/pdf"
_PIXELS = "sanitizer.formats.pixels"
T = TypeVar("T")


class Unavailable(Exception):
    """No verdict: the sanitizer is closed, or cannot be started again. The file is untouched; try again later."""


class Supervisor:
    """Two cells and the files on their way through them. ``formats``, ``verifiers`` and ``module_path`` are for tests,
    which bring evil modules of their own; ``namespaces=False`` acts as if the system forbade namespaces.
    ``media=False``: sound and video are refused."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        strict: bool = False,
        workers: int = 2,
        namespaces: bool = True,
        formats: Mapping[str, str] = FORMATS,
        verifiers: Mapping[str, str] = VERIFIERS,
        module_path: Sequence[str] = (),
        scanner: Clamd | None = None,
        media: bool = True,
    ) -> None:
        self.limits = limits or Limits()
        self.isolation: Isolation = "full"
        self.notes: tuple[str, ...] = ()  # why it is not full
        self.formats = {mime: module for mime, module in formats.items() if media or mime not in MEDIA}
        self.verifiers = dict(verifiers)
        self.transformers = CellLink({**self.formats, PIXELS: _PIXELS}, module_path, strict, namespaces)
        self.readers = CellLink(self.verifiers, module_path, strict, namespaces)
        self.scanner = scanner
        self.converter = Converter()
        self._places = asyncio.Semaphore(workers)
        self._comparing = asyncio.Semaphore(1)
        self._extracting = asyncio.Semaphore(1)
        self._waiting_parts = 0
        self._reviving = asyncio.Lock()
        self._spawned = False
        self._closed = False

    def spawn(self) -> None:
        """Exec both cells, which ``start`` waits for: whoever starts may do something else meanwhile."""
        self._spawned = True
        self.transformers.spawn()
        self.readers.spawn()

    def start(self) -> None:
        """Exec both cells and wait until they are ready (about a second); before the event loop starts. Raises
        ``NoIsolation`` where files could not be locked in, or not fully under ``strict``."""
        links = (self.transformers, self.readers)
        try:
            if not self._spawned:
                self.spawn()
            ready = [link.wait_ready(START_SECONDS) for link in links]
        except BaseException:
            self.close_now()
            raise
        self.isolation = "full" if all(one.isolation == "full" for one in ready) else "landlock"
        self.notes = tuple(dict.fromkeys(note for one in ready for note in one.notes))

    async def examine(
        self,
        source_fd: int,
        *,
        name: str,
        treatment: Treatment,
        password: str | None = None,
        office: Office = "ooxml",
        thumbnail: bool = True,
        text: bool = False,
    ) -> Examined:
        """The verdict on the file behind ``source_fd``, which is read from its start. Raises ``Unavailable``; a
        cancelled call kills its jails."""
        facts = FileFacts(name, 0, None, None)
        async with self._places:
            try:
                taken = await self._take_in(source_fd)
            except intake.NotTaken as no:
                facts = FileFacts(name, no.size, None, None)
                return Examined(refused(no.code, facts, treatment, isolation=self.isolation), None, None)
            try:
                return await Examination(self, taken, name, treatment, password, office=office).judge(thumbnail, text)
            except NotScanned as error:
                raise Unavailable("the virus scanner is away") from error
            except ConverterAway as error:
                raise Unavailable(f"the converter is away: {error}") from error
            finally:
                os.close(taken.descriptor)

    async def compare(
        self,
        original_fd: int,
        rebuilt_fd: int,
        verdict: Verdict,
        *,
        sides: Collection[Side] = SIDES,
        layout: bool = False,
    ) -> Compared | None:
        """How like the original the rebuilt file is, after ``verdict`` on them; None where there is nothing to compare,
        or where one of the files is not the one of the verdict. ``sides``: which of them may be pictured; ``layout``:
        Office files too, which takes seconds. Waits for no file, and no file waits for it. Raises ``Unavailable``."""
        if verdict.output is None or verdict.input.type is None or verdict.output.type is None:
            return None
        async with self._comparing, contextlib.AsyncExitStack() as stack:
            files = []
            for source, facts in ((original_fd, verdict.input), (rebuilt_fd, verdict.output)):
                taken = await self._taken(source)
                if taken is None:
                    return None
                stack.callback(os.close, taken.descriptor)
                if taken.sha256 != facts.sha256:
                    return None
                files.append(Source(taken.descriptor, taken.size))
            types = verdict.input.type, verdict.output.type
            changes = (*verdict.removed, *verdict.changed)
            if any(recipe_of(mime) for mime in types):
                files = await both_laid_out(self, files, types) if layout else []
                for pages in files:
                    stack.callback(os.close, pages.descriptor)
                if not files:
                    return None
                types = _PDF, _PDF
                sides = [side for side in sides if side == "rebuilt" or not hides_something(changes)]
            name = verdict.input.name
            return await Comparison(self, files[0], files[1], name, types, changes, sides).compare()

    async def draw(self, rebuilt_fd: int, mime: str) -> bytes | None:
        """The verified thumbnail of a rebuilt, verified file of type ``mime``; None where it has none. Waits for
        comparisons, and no file waits for it. Raises ``Unavailable``."""
        if mime not in self.formats or mime in CONTAINERS | CONVERTED | MEDIA:
            return None
        async with self._comparing:
            taken = await self._taken(rebuilt_fd)
            if taken is None:
                return None
            try:
                jails = FileJails(self, Allowance.of(self.limits, taken.size))
                return await jails.drawn(taken.descriptor, FileFacts("", taken.size, taken.sha256, mime))
            except NotReleased:
                return None
            finally:
                os.close(taken.descriptor)

    async def extract(self, rebuilt_fd: int, mime: str, what: What) -> list[Part]:
        """What a rebuilt, verified file of type ``mime`` says, its tables or its pictures, each a verified output;
        empty where it has nothing of the kind. One at a time, so that no file waits for its verdict because of it.
        Raises ``Unavailable``, also where too many wait."""
        if self._waiting_parts >= MOST_WAITING:
            raise Unavailable("too many ask for parts of files")
        self._waiting_parts += 1
        try:
            async with self._extracting:
                taken = await self._taken(rebuilt_fd)
                if taken is None:
                    return []
                try:
                    return await extract(self, Source(taken.descriptor, taken.size), mime, what)
                finally:
                    os.close(taken.descriptor)
        finally:
            self._waiting_parts -= 1

    async def _take_in(self, source_fd: int) -> intake.Taken:
        """The received file. Raises ``NotTaken``."""
        taken = intake.take_at_once(source_fd, self.limits.max_input)
        if taken is not None:
            return taken
        source = os.dup(source_fd)  # a cancelled caller may close its own while a thread still reads
        return await _in_thread(lambda: _take(source, self.limits.max_input), lambda late: os.close(late.descriptor))

    async def _taken(self, source_fd: int) -> intake.Taken | None:
        """The file, for as long as the caller needs it; None for one that cannot be taken in."""
        source = os.dup(source_fd)  # a cancelled caller may close its own while a thread still reads
        try:
            return await _in_thread(
                lambda: _take(source, max(self.limits.max_input, self.limits.max_output)),
                lambda late: os.close(late.descriptor),
            )
        except intake.NotTaken:
            return None

    async def run(self, link: CellLink, run: Run, wall_seconds: float, *descriptors: int) -> Ending:
        """One jailed process in one of the cells, in a second cell if the first dies. Raises ``CellDied`` after two
        deaths, ``Unavailable`` if no cell can be had."""
        await self._alive(link)
        try:
            return await link.run(run, wall_seconds, *descriptors)
        except CellDied:
            await self._alive(link)
            return await link.run(run, wall_seconds, *descriptors)

    async def close(self) -> None:
        """End the cells and everything in them; examinations under way raise ``Unavailable``."""
        self._closed = True
        self.converter.close_now()
        await asyncio.gather(self.transformers.close(), self.readers.close())

    def close_now(self) -> None:
        """The same where no event loop runs."""
        self._closed = True
        self.converter.close_now()
        self.transformers.close_now()
        self.readers.close_now()

    async def _alive(self, link: CellLink) -> None:
        async with self._reviving:
            if self._closed:
                raise Unavailable("the sanitizer is closed")
            if link.alive:
                return
            try:
                ready = await link.revive()
            except (CellDied, OSError) as error:
                raise Unavailable("the inspection process cannot be started again") from error
            if not ready.isolation:
                raise Unavailable(ready.problem)
            if ready.isolation == "landlock":
                self.isolation = "landlock"


def _take(source: int, max_input: int) -> intake.Taken:
    try:
        return intake.take_in(source, max_input)
    except OSError as error:  # a disk that does not give the file
        raise intake.NotTaken("unreadable", 0) from error
    finally:
        os.close(source)


async def _in_thread(work: Callable[[], T], dispose: Callable[[T], None]) -> T:
    """``work`` in a thread; if the caller is cancelled meanwhile, its late result is disposed of."""
    future = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        future.add_done_callback(lambda late: dispose(late.result()) if late.exception() is None else None)
        raise
