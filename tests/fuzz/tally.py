"""What a campaign has reached: counts, findings, where to go on. One JSON file a group and seed, replaced as a whole.

Rules kept here:

- The state is written after every batch, to a new file that then takes the old one's name: a kill loses one batch.
- ``next`` is the number of the first input not tried yet; a campaign goes on from there.
- Of findings that are the same (target, kind, signature) the first ``KEPT`` inputs are kept, all are counted.

>>> Tally("trusting", 1).next
0
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

KEPT = 3


@dataclass
class Found:
    """One kind of finding at one target. ``numbers``: of the first inputs that showed it."""

    target: str
    kind: str
    signature: str
    count: int = 0
    detail: str = ""
    numbers: list[int] = field(default_factory=list)


@dataclass
class Tally:
    """``labels``: target → label → count; ``commits``: commit → inputs tried at it."""

    group: str
    seed: int
    next: int = 0
    cpu_seconds: float = 0.0
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    commits: dict[str, int] = field(default_factory=dict)
    findings: list[Found] = field(default_factory=list)

    def count(self, target: str, label: str) -> None:
        """One more input with this label."""
        labels = self.labels.setdefault(target, {})
        labels[label] = labels.get(label, 0) + 1

    def find(self, target: str, kind: str, signature: str, detail: str, number: int) -> bool:
        """One more finding; True if its input is to be kept."""
        self.count(target, f"finding: {kind}")
        same = (target, kind, signature)
        found = next((one for one in self.findings if (one.target, one.kind, one.signature) == same), None)
        if found is None:
            found = Found(*same, detail=detail)
            self.findings.append(found)
        found.count += 1
        if len(found.numbers) < KEPT:
            found.numbers.append(number)
            return True
        return False

    def inputs(self) -> int:
        """How many were tried."""
        return sum(self.commits.values())

    def totals(self) -> dict[str, int]:
        """Label → count over all targets."""
        totals: dict[str, int] = {}
        for labels in self.labels.values():
            for label, count in labels.items():
                totals[label] = totals.get(label, 0) + count
        return dict(sorted(totals.items(), key=lambda item: -item[1]))

    def save(self, folder: Path) -> None:
        """Durable under its name, as a whole."""
        path = folder / f"{self.group}-{self.seed}.json"
        new = path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)

    @classmethod
    def load(cls, folder: Path, group: str, seed: int) -> Tally:
        """What was saved, or a new one."""
        path = folder / f"{group}-{seed}.json"
        if not path.exists():
            return cls(group, seed)
        said = json.loads(path.read_text("utf-8"))
        return cls(**{**said, "findings": [Found(**found) for found in said["findings"]]})

    def keep(self, folder: Path, target: str, number: int, name: str, data: bytes) -> Path:
        """The input of a finding, as a file to be looked at."""
        place = folder / "findings"
        place.mkdir(parents=True, exist_ok=True)
        ending = name.rpartition(".")[2][:8] if "." in name else "bin"
        path = place / re.sub(r"[^\w.-]+", "-", f"{self.group}-{self.seed}-{target}-{number}.{ending}")
        path.write_bytes(data)
        return path
