"""What a figure is worth nothing without: the command, the commit, the machine, the day.

>>> sorted(circumstances(["bench", "idle"]))
['command', 'commit', 'cores', 'day', 'kernel', 'python', 'version']
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def circumstances(words: Sequence[str]) -> dict[str, str | int]:
    """``words``: of the command line, without ``sekisho``."""
    return {
        "command": " ".join(["sekisho", *words]),
        "commit": _commit(),
        "cores": os.cpu_count() or 1,
        "day": datetime.now(UTC).date().isoformat(),
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
        "version": version("sekisho"),
    }


def _commit() -> str:
    """Of the checkout that this is, with ``+`` where it was changed since; empty for an installed wheel."""
    if not (_ROOT / ".git").exists():
        return ""
    described = subprocess.run(
        ["git", "-C", _ROOT, "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty=+"],
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip()
