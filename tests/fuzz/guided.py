"""The same targets under a coverage-guided engine: ``python -m fuzz.guided "verify text/html" --seconds 60``.

Rules kept here:

- Atheris is optional (``uv sync --group fuzz``; wheels for Linux and Python 3.11 to 3.13); nothing else needs it.
- It sees pure Python alone, which is where our own parsers are; its mutations are ours in half of the cases.
- Files of interest stay in the folder of the target; a finding ends the run, its input lies beside them.

>>> parsed(["identify", "--seconds", "5"]).seconds
5
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from pathlib import Path
from random import Random
from typing import Any

from fuzz.mutate import mutated

from sanitizer.formats import FORMATS
from sanitizer.verify import VERIFIERS


def parsed(argv: list[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.guided", description="Coverage-guided fuzzing of one target.")
    parser.add_argument("target", help="its whole name, as the campaign's report has it")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--folder", type=Path, default=Path("campaigns/fuzz/guided"))
    return parser.parse_args(argv)


def main(argv: list[str]) -> None:
    """Run until the time is over or something is found."""
    asked = parsed(argv)
    try:
        import atheris
    except ImportError:
        raise SystemExit("atheris is not installed: .venv/bin/uv sync --group fuzz") from None
    with atheris.instrument_imports(include=["sanitizer", "server"]):
        from fuzz.targets import TARGETS

        for table in (VERIFIERS, FORMATS):
            if (module := table.get(asked.target.partition(" ")[2])) is not None:
                importlib.import_module(module)
    target = next((one for one in TARGETS if one.name == asked.target), None)
    if target is None:
        raise SystemExit("targets:\n" + "\n".join(one.name for one in TARGETS))
    place = asked.folder / re.sub(r"[^\w.-]+", "-", target.name)
    place.mkdir(parents=True, exist_ok=True)
    given = [target.input(1, number) for number in range(200)]
    for number, (_, data) in enumerate(given):
        (place / f"seed-{number}").write_bytes(data)
    name = given[0][0]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        chance = Random(seed)
        if chance.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        return mutated(data, chance.choice(given)[1], chance)[:most]

    options: dict[str, Any] = {"custom_mutator": mutate}
    limits = [f"-max_total_time={asked.seconds}", "-max_len=131072", "-timeout=60", f"-artifact_prefix={place}/"]
    atheris.Setup([sys.argv[0], *limits, str(place)], lambda data: target.take((name, data)) and None, **options)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
