"""The first lines of a cell: what must happen before any library is imported; then ``sanitizer.cell``.

Rules kept here:

- Libraries (``threading``, ``random``, ``logging``) register chores for every forked child: new locks, a new seed. A
  jail has one thread of Python's and takes no secret from ``random``, and the chores would cost each of its processes
  half a millisecond, most of it for copying memory that it otherwise shares with the cell. A registration cannot be
  taken back, so none is made.

Example: ``sanitizer.cell_link`` starts ``python -I -m sanitizer.cell_start N``.
"""

from __future__ import annotations

import os
import sys


def _no_chores(**_: object) -> None:
    """In the place of ``os.register_at_fork``."""


if __name__ == "__main__":
    os.register_at_fork = _no_chores
    from sanitizer.cell import main

    main(sys.argv)
