"""The work of one jailed process: read one file, do one thing with it, answer once.

Rules kept here:

- It runs after ``sanitizer.jail.enter``: descriptor 3 takes the answer, 4 gives the input, 5 takes the output, 6 gives
  a second input (for ``pack`` the treated members).
- Only refusals with a code mean something; every other exception is a refusal as well. Out of memory is ``memory``, too
  deep a recursion is ``too-deep``, the rest is ``unreadable`` for a transformer and a violation for a verifier.
- What it says is believed by nobody: the trusting side checks ranges, hashes the bytes and has them read again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from types import ModuleType

from sanitizer import asides, identify, parcel, probes, signatures
from sanitizer.formats.base import Change, Job, NeedsPassword, Rebuilt, Refused, ToConvert, Treated, Unpacked
from sanitizer.limits import Limits
from sanitizer.refusals import REFUSALS
from sanitizer.verify import Violation
from sanitizer.wire import MAX_CHANGES, Answer, Run, Status, write_answer

ANSWER, INPUT, OUTPUT, SECOND = 3, 4, 5, 6

Modules = Mapping[str, ModuleType]


def work(run: Run, modules: Modules) -> None:
    """Do ``run`` and send the answer; never raises what a file can cause."""
    os.write(ANSWER, write_answer(_answer(run, modules)))  # fits into the pipe


def _answer(run: Run, modules: Modules) -> Answer:
    limits = Limits(**run.limits)  # type: ignore[arg-type]
    if run.kind == "probe":
        return _probe(run)
    try:
        data = _read(run.size)
        if run.kind == "verify":
            return _verify(data, run, modules, limits)
        if run.kind == "thumbnail":
            return _thumbnail(data, run, modules, limits)
        if run.kind == "text":
            return _text(data, run, modules, limits)
        if run.kind == "pack":
            return _pack(data, run, modules, limits)
        if run.kind in asides.DOES:
            return _aside(data, run, modules, limits)
        return _transform(data, run, modules, limits)
    except MemoryError:
        return Answer(Status.REFUSED, "memory")


def _transform(data: bytes, run: Run, modules: Modules, limits: Limits) -> Answer:
    kind = ""
    try:
        kind = identify.identify(data, run.name, as_is=run.treatment == "pass").mime
        if run.treatment == "pass":
            return Answer(Status.DONE, input_type=kind)
        module = modules.get(kind)
        if module is None:
            raise Refused(signatures.unsupported(kind))
        drawn = _read(run.second, SECOND) if run.second else None
        job = Job(kind, run.treatment, run.name, run.password, limits, drawn, run.office)
        if hasattr(module, "unpack"):
            return _hand_out(module.unpack(data, job), kind, limits)
        return _hand_over(module.rebuild(data, job), kind, limits)
    except Exception as error:
        return _no(error, kind)


def _pack(data: bytes, run: Run, modules: Modules, limits: Limits) -> Answer:
    try:
        job = Job(run.mime, run.treatment, run.name, run.password, limits)
        members = [
            Treated(entry.name, entry.code, entry.mime, partial(_read, entry.size, SECOND, entry.offset))
            for entry in parcel.read_index(SECOND, run.members, limits.max_members)
        ]
        return _hand_over(modules[run.mime].pack(data, job, members), run.mime, limits)
    except Exception as error:
        return _no(error, run.mime)


def _no(error: Exception, kind: str) -> Answer:
    """Whatever a parser throws is a refusal."""
    match error:
        case Refused():
            return Answer(Status.REFUSED, error.code if error.code in REFUSALS else "unreadable", error.detail, kind)
        case NeedsPassword():
            return Answer(Status.NEEDS_PASSWORD, "wrong-password" if error.wrong else "needs-password", input_type=kind)
        case MemoryError():
            return Answer(Status.REFUSED, "memory", input_type=kind)
        case RecursionError():
            return Answer(Status.REFUSED, "too-deep", input_type=kind)
    return Answer(Status.REFUSED, "unreadable", type(error).__name__, kind)


def _hand_out(unpacked: Unpacked, kind: str, limits: Limits) -> Answer:
    """The members of a container, as a parcel."""
    writer = parcel.Writer(OUTPUT, limits.max_output)
    try:
        for number, member in enumerate(unpacked.members):
            if number == limits.max_members:
                raise Refused("bomb", "members")
            writer.add(member.name, b"" if member.refused else member.data, code=member.refused)
        size = writer.finish()
    except parcel.Full:
        raise Refused("bomb", "bytes of members") from None
    removed, changed = tuple(unpacked.removed[:MAX_CHANGES]), tuple(unpacked.changed[:MAX_CHANGES])
    return Answer(Status.UNPACKED, "", "", kind, "", size, removed, changed)


def _hand_over(rebuilt: Rebuilt | ToConvert, kind: str, limits: Limits) -> Answer:
    if len(rebuilt.data) > limits.max_output:
        raise Refused("output-too-large")
    _write_output(rebuilt.data)
    removed, changed = tuple(rebuilt.removed[:MAX_CHANGES]), tuple(rebuilt.changed[:MAX_CHANGES])
    if isinstance(rebuilt, ToConvert):
        return Answer(Status.CONVERT, rebuilt.recipe, "", kind, "", len(rebuilt.data), removed, changed)
    return Answer(Status.DONE, "", "", kind, rebuilt.mime, len(rebuilt.data), removed, changed)


def _verify(data: bytes, run: Run, modules: Modules, limits: Limits) -> Answer:
    try:
        modules[run.mime].verify(data, limits, run.mime)
    except Violation as no:
        return Answer(Status.REFUSED, no.code, no.where)
    except MemoryError:
        return Answer(Status.REFUSED, "memory")
    except Exception as error:  # a verifier that stumbles has not said yes
        return Answer(Status.REFUSED, "verifier-stumbled", type(error).__name__)
    return Answer(Status.DONE)


def _thumbnail(data: bytes, run: Run, modules: Modules, limits: Limits) -> Answer:
    try:
        drawn: bytes | None = modules[run.mime].thumbnail(data, limits)
    except Exception as error:  # no picture is not a reason to refuse
        return Answer(Status.NOTHING, "unreadable", type(error).__name__)
    if drawn is None or len(drawn) > limits.thumbnail_bytes:
        return Answer(Status.NOTHING)
    _write_output(drawn)
    return Answer(Status.DONE, output_type="image/png", size=len(drawn))


def _text(data: bytes, run: Run, modules: Modules, limits: Limits) -> Answer:
    try:
        said: str = modules[run.mime].text(data, limits)
        words = said.encode("utf-8", "replace")[: limits.text_bytes]
    except Exception as error:
        return Answer(Status.NOTHING, "unreadable", type(error).__name__)
    _write_output(words)
    return Answer(Status.DONE, output_type="text/plain", size=len(words))


def _aside(data: bytes, run: Run, modules: Modules, limits: Limits) -> Answer:
    try:
        second = _read(run.second, SECOND) if run.second else b""
        made = asides.DOES[run.kind](asides.Aside(run, data, second, modules, limits))
    except Exception as error:  # nothing depends on it
        return Answer(Status.NOTHING, "unreadable", type(error).__name__)
    if not 0 < len(made) <= run.max_file:
        return Answer(Status.NOTHING)
    _write_output(made)
    return Answer(Status.DONE, size=len(made))


def _probe(run: Run) -> Answer:
    outcome = probes.attempt(run.probe)
    blocked = tuple(Change(name, 1) for name, held in outcome.items() if held)
    escaped = tuple(Change(name, 1) for name, held in outcome.items() if not held)
    return Answer(Status.DONE, removed=blocked, changed=escaped)


def _read(size: int, descriptor: int = INPUT, start: int = 0) -> bytes:
    """Exactly ``size`` bytes as the trusting side counted them; fewer is a file that changed."""
    parts: list[bytes] = []
    offset, end = start, start + size
    while offset < end:
        part = os.pread(descriptor, min(end - offset, 1 << 26), offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _write_output(data: bytes) -> None:
    """All of ``data`` from the start of the output, whatever a first try may have left there."""
    view = memoryview(data)
    while view:
        view = view[os.pwrite(OUTPUT, view, len(data) - len(view)) :]
