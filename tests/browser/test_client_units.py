"""The web client's own unit tests (``web_client/tests``), run by Node's test runner from the Node wheel."""

from __future__ import annotations

import subprocess

from ops import build_client


def test_client_units_pass() -> None:
    done = subprocess.run(
        [str(build_client.node_program()), "--test", "tests/*.test.ts"],
        cwd=build_client.CLIENT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "\nℹ fail 0\n" in done.stdout or "\n# fail 0\n" in done.stdout
