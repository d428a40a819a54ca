"""Every target, derived from the tables of formats and verifiers and from what the trusting side reads.

Rules kept here:

- A target takes one input and answers with a short label, or raises ``Finding``; nothing else may come out of it.
- ``trusting``: what the trusting side reads of untrusted bytes, identification, and each verifier; all in this process.
- ``rebuild``: each format in this process, then its verifier on what it put out. An exception without a meaning counts
  as ``unreadable`` in earnest; here it has a label of its own, so that it is seen.
- ``jail`` and ``office`` go through the supervisor: see ``fuzz.jailed``.

>>> {target.group for target in TARGETS} == {"trusting", "rebuild"}
True
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from random import Random

from fuzz import frames, seeds
from fuzz.findings import Finding, unexpected
from fuzz.mutate import mutated
from fuzz.pdf_model import mutated_model
from fuzz.seeds import Seed

from sanitizer import kinds
from sanitizer.formats import FORMATS
from sanitizer.formats.base import Change, Job, NeedsPassword, Rebuilt, Refused, ToConvert, Treated
from sanitizer.identify import identify
from sanitizer.limits import MIB, Limits
from sanitizer.recipes import RECIPES
from sanitizer.refusals import REFUSALS
from sanitizer.verify import VERIFIERS, Violation
from sanitizer.wire import MEDIA_TYPE, PLACE, SLUG

LIMITS = Limits(max_pixels=4_000_000, max_inflated=64 * MIB, max_output=64 * MIB)
PASSWORD = "合言葉"
NAMES = ("a", "", "a.", "届出.PDF", "a.txt.exe", "a.docx.", "..", "a\0.pdf", "\udcff.zip", "a" * 300 + ".csv")


@dataclass(frozen=True)
class Target:
    """``make``: one input out of chance; ``take``: what is done with it."""

    name: str
    group: str
    make: Callable[[Random], Seed]
    take: Callable[[Seed], str]

    def try_one(self, seed: int, number: int) -> str:
        """The label of input ``number``. Raises ``Finding``."""
        return self.take(self.input(seed, number))

    def input(self, seed: int, number: int) -> Seed:
        """The same for the same numbers, always."""
        return self.make(Random(f"{seed}/{self.name}/{number}"))


def _mutating(files: Callable[[], Sequence[Seed]]) -> Callable[[Random], Seed]:
    def make(chance: Random) -> Seed:
        known = files()
        name, data = chance.choice(known)
        return name, mutated(data, chance.choice(known)[1], chance)

    return make


def _pdf(files: Callable[[], Sequence[Seed]]) -> Callable[[Random], Seed]:
    """Half of the PDFs are written from mutated objects."""
    make = _mutating(files)
    return lambda chance: ("a.pdf", mutated_model(chance)) if chance.random() < 0.5 else make(chance)


# Identification ------------------------------------------------------------------------------------------------------


def _any_file(chance: Random) -> Seed:
    """A file of one type, often under a name of another."""
    mime = chance.choice(list(FORMATS))
    name, data = _mutating(lambda: seeds.received()[mime])(chance)
    if chance.random() < 0.4:
        name = chance.choice((*NAMES, *(f"a.{ending}" for ending in kinds.ENDINGS)))
    return name, data


def _identify(given: Seed) -> str:
    name, data = given
    try:
        for as_is in (False, True):
            found = identify(data, name, as_is=as_is).mime
            if not MEDIA_TYPE.fullmatch(found):
                raise Finding("answer", "media type", found)
    except Refused as no:
        return _refused(no)
    except Finding:
        raise
    except Exception as error:
        raise unexpected(error) from error
    return "identified"


def _refused(no: Refused) -> str:
    if no.code not in REFUSALS:
        raise Finding("answer", f"code {no.code}")
    return no.code


# Verifiers -----------------------------------------------------------------------------------------------------------


def _verify(mime: str) -> Callable[[Seed], str]:
    def take(given: Seed) -> str:
        try:
            import_module(VERIFIERS[mime]).verify(given[1], LIMITS, mime)
        except Violation as no:
            if not SLUG.fullmatch(no.code) or not PLACE.fullmatch(no.where):
                raise Finding("answer", f"violation {no.code}", no.where) from no
            return "violation"
        except MemoryError:
            return "memory"
        except Exception as error:
            raise unexpected(error) from error
        return "accepted"

    return take


# Formats -------------------------------------------------------------------------------------------------------------


def _rebuild(mime: str) -> Callable[[Seed], str]:
    def take(given: Seed) -> str:
        name, data = given
        module = import_module(FORMATS[mime])
        try:
            job = Job(mime, "rebuild", name, PASSWORD, LIMITS)
            made = _repacked(module, data, job) if hasattr(module, "unpack") else module.rebuild(data, job)
        except Refused as no:
            return _refused(no)
        except NeedsPassword:
            return "needs-password"
        except (MemoryError, RecursionError) as error:
            return type(error).__name__
        except Exception as error:  # counts as unreadable in earnest
            return f"unreadable by {unexpected(error).signature}"
        return _judged(made)

    return take


def _repacked(module: object, data: bytes, job: Job) -> Rebuilt:
    """A container whose members all count as texts that nothing had to be done to, if they are texts."""
    unpacked = module.unpack(data, job)  # type: ignore[attr-defined]
    members = [_treated(member.name, member.data, member.refused) for member in unpacked.members]
    _changes((*unpacked.removed, *unpacked.changed))
    made: Rebuilt = module.pack(data, job, members)  # type: ignore[attr-defined]
    return made


def _treated(name: str, data: bytes, refused: str) -> Treated:
    if name.endswith("/"):
        return Treated(name, "", "", bytes)
    plain = b"".join(re.findall(rb"[\n -~]", data[:2000]))
    if refused or not plain:
        return Treated(name, refused or "empty", "", bytes)
    folder, slash, last = name.rpartition("/")
    return Treated(folder + slash + kinds.output_name(last, "text/plain"), "released", "text/plain", lambda: plain)


def _judged(made: Rebuilt | ToConvert) -> str:
    """What the second reader says of what leaves."""
    _changes((*made.removed, *made.changed))
    if isinstance(made, ToConvert):
        if made.recipe not in RECIPES:
            raise Finding("answer", f"recipe {made.recipe}")
        return "to convert"
    if made.mime not in VERIFIERS:
        raise Finding("answer", f"type {made.mime}")
    try:
        import_module(VERIFIERS[made.mime]).verify(made.data, LIMITS, made.mime)
    except Violation as no:
        raise Finding("disagreement", no.code, no.where) from no
    except Exception as error:
        raise unexpected(error) from error
    return "released"


def _changes(changes: Sequence[Change]) -> None:
    for change in changes:
        if not SLUG.fullmatch(change.kind) or not PLACE.fullmatch(change.where) or change.count < 1:
            raise Finding("answer", f"change {change.kind}", f"{change.where} {change.count}")


def _of_table(group: str, table: Sequence[str]) -> list[Target]:
    found = []
    for mime in table:
        verifying = group == "trusting"
        files = (lambda mime=mime: seeds.accepted()[mime]) if verifying else (lambda mime=mime: seeds.received()[mime])
        make = (_pdf if mime == "application/pdf" else _mutating)(files)
        take = _verify(mime) if verifying else _rebuild(mime)
        found.append(Target(f"{'verify' if verifying else 'rebuild'} {mime}", group, make, take))
    return found


TARGETS: tuple[Target, ...] = (
    *(Target(f"read {name}", "trusting", reader.make, reader.take) for name, reader in frames.READERS.items()),
    Target("identify", "trusting", _any_file, _identify),
    *_of_table("trusting", list(VERIFIERS)),
    *_of_table("rebuild", list(FORMATS)),
)


def of_group(group: str) -> list[Target]:
    """The targets of one group, in a fixed order."""
    return [target for target in TARGETS if target.group == group]
