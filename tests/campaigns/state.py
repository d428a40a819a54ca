"""What a campaign has come to so far, in its folder: whole after every round, so that it goes on where it was ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def recalled(state: Path) -> Any:
    """What was kept; None before the first round."""
    return json.loads(state.read_text()) if state.exists() else None


def counted(state: Path) -> Counter[str]:
    """The counts that were kept; none before the first round."""
    return Counter(recalled(state) or {})


def keep(state: Path, figures: Mapping[str, Any]) -> None:
    """Put ``figures`` in the place of what was kept; somebody who ends the campaign here finds one or the other."""
    partial = state.with_suffix(".partial")
    partial.write_text(json.dumps(figures))
    partial.rename(state)
