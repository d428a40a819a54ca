"""Which histories a client's cursors may speak of: a restored server must not go on where a lost history stood.

Rules:
- Every restore begins an incarnation with a name of its own. ``ready`` names it, and a client says in its next
  ``hello`` under which one it got its cursors. A seq is unique within an incarnation.
- Cursors of this incarnation are good. Those of one that led to it are good up to where the room stood at the first
  restore. Those of any other are good for nothing: 0 alone is.
- A client that names none is taken for one of the past, until its login session was told what is and what is not: every
  session ends with a restore. After a start of the server it is told once more; too many resets do no harm.

>>> Incarnations(Lineage(("i_b",), {"r_1": 50})).judge("first", "s_1")("r_1", 51)
False
"""

from __future__ import annotations

from collections.abc import Callable

from rooms.store.restoring import Lineage

FIRST = "first"
"""The incarnation of an installation that no backup was ever brought back into."""
MOST_TOLD = 50_000
Good = Callable[[str, int], bool]


class Incarnations:
    """``current`` is the present one's name."""

    def __init__(self, found: Lineage | None = None) -> None:
        self.take_up(found or Lineage((), {}))

    def take_up(self, found: Lineage) -> None:
        """What the store says, at the start."""
        self.current = found.ids[-1] if found.ids else FIRST
        self._past = {FIRST, *found.ids[:-1]} if found.ids else set()
        self._heads = found.heads
        self._told: set[str] = set()

    def judge(self, said: str | None, session: str) -> Good:
        """Which cursors (room, seq) of a client that comes now are good; it is about to be told of the others."""
        if said == self.current or (said is None and self._was_told(session)):
            return _any
        if said is not None and said not in self._past:
            return _beginning
        return lambda room, seq: seq <= self._heads.get(room, seq)

    def _was_told(self, session: str) -> bool:
        """Whether this is not the first time that the session comes without a name; notes it."""
        if not self._past or session in self._told:
            return True
        if len(self._told) >= MOST_TOLD:
            self._told.clear()
        self._told.add(session)
        return False


def _any(room: str, seq: int) -> bool:
    return True


def _beginning(room: str, seq: int) -> bool:
    return seq == 0
