"""``python3 -m ops.setup``: set up this checkout. Exit status 0: ``.venv/bin/sekisho`` is there; 1: it said why."""

from __future__ import annotations

import subprocess
import sys

from ops.setup import environment, system


def main() -> int:
    ready = environment.is_ready()
    lacking = system.missing(system.for_tests())
    if ready and not any(need.extra for need in lacking):  # an extra may be asked for later
        system.tell(lacking, system.distribution())
    elif not system.provide():
        return 1
    try:
        if not ready:
            environment.provide()
        environment.provide_client()
    except subprocess.CalledProcessError as failed:
        print(f"setup: stopped, because this failed: {' '.join(map(str, failed.cmd))}", file=sys.stderr)
        print("setup: mend what is said above (mostly the way to the package index) and call again", file=sys.stderr)
        return 1
    if not ready:
        print("setup: ready: .venv/bin/sekisho", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
