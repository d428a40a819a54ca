"""One file on its way through the jails: transform, verify, thumbnail (trusting side).

Rules kept here:

- Transform, verify and thumbnail are three processes in three jails of two cells: the verifier's cell has imported no
  format module. What comes out of a jail is checked for range, then compared with what is seen from here.
- Released means: the output was sealed, its verifier accepted those very bytes, both files were hashed here, and the
  received file was still the same at the end.
- Where a virus scanner is set up it has the first word, on every file, and only to say no.
- ``pass`` identifies and refuses, and releases the received bytes; its thumbnail comes from a rebuilt copy all the
  same.
- A container's answer is a parcel of its members; each is examined as if it had been received alone
  (``sanitizer/containing.py``), then another jail packs them.
- Where only LibreOffice can go on, its output is a file like a received one: read in jails alone
  (``sanitizer/conversion.py``).
- A thumbnail is an output like any other (sealed, verified, bounded), and never a reason to refuse.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace

from msgspec import structs

from sanitizer import intake, kinds
from sanitizer.clamd import Scanned
from sanitizer.containing import DECRYPTED, Allowance, Shelf, Stopped, condensed, treat_members
from sanitizer.conversion import Reading
from sanitizer.converter import NotConverted
from sanitizer.file_jails import FileJails, Jails, NotReleased
from sanitizer.refusals import REFUSALS
from sanitizer.verdict import FileFacts, Office, Treatment, Verdict, refused
from sanitizer.wire import MAX_NAME, MAX_PASSWORD, Answer, Kind, Run, Status

_INLINE = 1 << 20  # bytes that are hashed without a thread


@dataclass(frozen=True, slots=True)
class Examined:
    """``output``: descriptor of a sealed memory file, the caller closes it; None unless released, and for ``pass``,
    where the received bytes are served. ``thumbnail``: a verified canonical PNG. ``text``: what the output says, if it
    was asked for; None if it could not be read."""

    verdict: Verdict
    output: int | None
    thumbnail: bytes | None
    text: str | None = None


class NotScanned(Exception):
    """The virus scanner is away and required: there is no verdict now."""


class Examination:
    """One file. ``taken`` stays the caller's. ``left``: what may be spent, if it is a member of another file;
    ``nesting``: containers around it."""

    def __init__(
        self,
        jails: Jails,
        taken: intake.Taken,
        name: str,
        treatment: Treatment,
        password: str | None,
        *,
        office: Office = "ooxml",
        left: Allowance | None = None,
        nesting: int = 0,
    ) -> None:
        self._jails = jails
        self._limits = jails.limits
        self._taken = taken
        self._treatment = treatment
        self._office = office
        self._password = password[:MAX_PASSWORD] if password else None
        self._facts = FileFacts(name, taken.size, taken.sha256, None)
        self._scanned: Scanned | None = None
        self._left = left or Allowance.of(jails.limits, taken.size)
        self._jailed = FileJails(jails, self._left)
        self._nesting = nesting

    async def judge(self, thumbnail: bool, text: bool) -> Examined:
        """The verdict, with what may be served. Raises ``Unavailable`` of the supervisor, and ``NotScanned``."""
        output: int | None = None
        try:
            await self._scan()
            if self._treatment == "pass":
                verdict = await self._pass()
            else:
                verdict, output = await self._rebuild(self._treatment)
            picture = await self._picture(verdict, output) if thumbnail else None
            facts = verdict.output
            words = await self._jailed.words(output, facts) if text and output is not None and facts else None
        except NotReleased as no:
            if no.spent and self._nesting:
                raise
            return Examined(self._refused(no), None, None)
        except BaseException:
            if output is not None:
                os.close(output)
            raise
        return Examined(self._settled(verdict), output, picture, words)

    async def _scan(self) -> None:
        """Raises ``NotReleased`` for what is found or, where a word is required, not judged, else ``NotScanned``."""
        scanner = self._jails.scanner
        if scanner is None:
            return
        self._scanned = await scanner.scan(self._taken.descriptor, self._taken.size)
        state = self._scanned.state
        if state == "found":
            raise NotReleased("malware", self._scanned.detail)
        if scanner.required and state == "away":
            raise NotScanned
        if scanner.required and state == "undecided":
            raise NotReleased("not-scanned", self._scanned.detail)

    async def _pass(self) -> Verdict:
        answer = await self._transform("pass", None, self._reading(self._taken))
        await self._still_the_same()
        facts = self._facts = replace(self._facts, type=answer.input_type or None)
        return Verdict("released", "released", facts, "pass", facts)

    async def _rebuild(self, treatment: Treatment) -> tuple[Verdict, int]:
        """A verified output, owned by the caller."""
        answer, output = await self._made(treatment)
        try:
            self._facts = replace(self._facts, type=answer.input_type)
            facts = await self._sealed(output, answer)
            verified = await self._jailed.verified(output, facts.size, answer.output_type)
            await self._still_the_same()
        except BaseException:
            os.close(output)
            raise
        verdict = Verdict(
            "released",
            "released",
            self._facts,
            treatment,
            facts,
            removed=answer.removed,
            changed=answer.changed,
            verified=verified,
        )
        return verdict, output

    async def _made(self, treatment: Treatment) -> tuple[Answer, int]:
        """What a jail wrote, not sealed yet; owned by the caller."""
        reading = self._reading(self._taken)
        try:
            while True:
                answer, output = await self._read(treatment, reading)
                if answer.status is not Status.CONVERT:
                    break
                await self._convert(reading, answer, output)
            if answer.status is not Status.UNPACKED:
                return reading.told(answer), output
        finally:
            reading.close()
        try:
            return await self._packed(treatment, output, answer)
        finally:
            os.close(output)

    async def _read(self, treatment: Treatment, reading: Reading) -> tuple[Answer, int]:
        output = intake.new_output(self._limits.max_output)
        try:
            return await self._transform(treatment, output, reading), output
        except BaseException:
            os.close(output)
            raise

    async def _convert(self, reading: Reading, answer: Answer, output: int) -> None:
        """One step with LibreOffice; ``output`` belongs to ``reading`` from now on."""
        try:
            converted = await reading.convert(self._jails.converter, answer, output, self._limits)
        except NotConverted as no:
            self._facts = replace(self._facts, type=reading.input_type or answer.input_type or None)
            raise NotReleased(no.code, no.detail) from None
        self._left.converted = True
        self._left.cpu_seconds -= converted.cpu_seconds
        self._left.peak_rss = max(self._left.peak_rss, converted.peak_rss)

    async def _packed(self, treatment: Treatment, parcel: int, unpacked: Answer) -> tuple[Answer, int]:
        """A container made anew around its treated members; owned by the caller."""
        self._facts = replace(self._facts, type=unpacked.input_type)
        shelf = await self._members(treatment, parcel, unpacked)
        self._jailed.holds_members = True
        output = intake.new_output(self._limits.max_output)
        try:
            run = structs.replace(self._asked("pack", treatment, unpacked.input_type), members=shelf.size)
            descriptors = self._taken.descriptor, output, shelf.descriptor
            answer = await self._jailed.answer(self._jails.transformers, run, self._limits.wall_seconds, *descriptors)
            answer = self._believed(answer, as_is=False)
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(shelf.descriptor)
        removed = condensed((*unpacked.removed, *shelf.removed, *answer.removed))
        changed = condensed((*unpacked.changed, *shelf.changed, *answer.changed))
        return replace(answer, removed=removed, changed=changed), output

    async def _members(self, treatment: Treatment, parcel: int, unpacked: Answer) -> Shelf:
        size, opened = unpacked.size, any(change.kind == DECRYPTED for change in unpacked.changed)
        if self._nesting >= self._limits.max_nesting:
            raise NotReleased("too-deep", "container in container")
        if size > self._limits.max_output or not intake.seal_output(parcel, size):
            raise NotReleased("crashed", "impossible size")

        async def examine(taken: intake.Taken, name: str) -> tuple[Verdict, int | None]:
            inner = Examination(
                self._jails,
                taken,
                name,
                treatment,
                self._password,
                office=self._office,
                left=self._left,
                nesting=self._nesting + 1,
            )
            examined = await inner.judge(thumbnail=False, text=False)
            return examined.verdict, examined.output

        try:
            shelf = await treat_members(parcel, size, opened, self._limits, self._left, examine)
        except Stopped as stopped:
            raise NotReleased(stopped.code, stopped.detail, spent=stopped.spent) from None
        return shelf

    async def _transform(self, treatment: Treatment, output: int | None, reading: Reading) -> Answer:
        run = self._asked("transform", treatment, reading=reading)
        descriptors = [reading.descriptor] + ([] if output is None else [output])
        descriptors += [reading.drawn] if reading.drawn_size else []
        answer = await self._jailed.answer(self._jails.transformers, run, self._limits.wall_seconds, *descriptors)
        unfinished = answer.status in (Status.UNPACKED, Status.CONVERT)
        if unfinished and output is not None and answer.input_type in self._jails.formats:
            return answer
        return self._believed(answer, output is None)

    def _reading(self, taken: intake.Taken) -> Reading:
        return Reading(taken.descriptor, taken.size, self._facts.name)

    def _asked(self, kind: Kind, treatment: Treatment, mime: str = "", reading: Reading | None = None) -> Run:
        """An order that concerns the received bytes, or what a converter made of them."""
        read = reading or self._reading(self._taken)
        name = read.name.encode("utf-8", "replace").decode()[-MAX_NAME:]
        run = self._jailed.order(kind, mime, read.size)
        run = structs.replace(run, treatment=treatment, name=name, office=self._office, second=read.drawn_size)
        return structs.replace(run, password=self._password)

    def _believed(self, answer: Answer, as_is: bool) -> Answer:
        """The answer of a jail that has done its work, about types that are known here. Raises ``NotReleased``."""
        if answer.status is not Status.DONE:
            self._facts = replace(self._facts, type=answer.input_type or None)
            raise NotReleased(answer.code if answer.code in REFUSALS else "unreadable", answer.detail)
        known = answer.input_type in self._jails.formats and answer.output_type in self._jails.verifiers
        if not as_is and not known:
            raise NotReleased("verification-failed", "no verifier for the type")
        return answer

    async def _sealed(self, output: int, answer: Answer) -> FileFacts:
        if answer.size > self._limits.max_output:
            raise NotReleased("output-too-large")
        if not intake.seal_output(output, answer.size):
            raise NotReleased("crashed", "impossible size")
        digest = await _hashed(output, answer.size)
        return FileFacts(
            kinds.output_name(self._facts.name, answer.output_type), answer.size, digest, answer.output_type
        )

    async def _picture(self, verdict: Verdict, output: int | None) -> bytes | None:
        """The thumbnail of an output, or for ``pass`` of a copy that is rebuilt for that purpose alone."""
        known = self._facts.type in self._jails.formats
        if not known or self._facts.type in kinds.CONTAINERS | kinds.CONVERTED | kinds.MEDIA:
            return None
        try:
            if output is not None:
                assert verdict.output is not None
                return await self._jailed.drawn(output, verdict.output)
            copy, descriptor = await self._rebuild("rebuild")
            try:
                assert copy.output is not None
                return await self._jailed.drawn(descriptor, copy.output)
            finally:
                os.close(descriptor)
        except NotReleased:
            return None

    async def _still_the_same(self) -> None:
        if self._taken.stamp is not None and not await asyncio.to_thread(intake.unchanged, self._taken):
            raise NotReleased("changed-while-read")

    def _refused(self, no: NotReleased) -> Verdict:
        verdict = refused(no.code, self._facts, self._treatment, detail=no.detail, verified=no.verified)
        return self._settled(verdict)

    def _settled(self, verdict: Verdict) -> Verdict:
        isolation = self._jails.isolation
        return replace(
            verdict,
            scanned=self._scanned,
            isolation="bubblewrap" if self._left.converted and isolation == "full" else isolation,
            cpu_seconds=self._jailed.spent,
            peak_rss=self._left.peak_rss,
        )


async def _hashed(descriptor: int, size: int) -> str:
    if size <= _INLINE:
        return intake.sha256(descriptor, size)
    return await asyncio.to_thread(intake.sha256, descriptor, size)
