"""From a fresh clone to ``.venv/bin/sekisho``: what ``make setup`` does.

Rules:
1. Only the standard library: this runs before anything is installed.
2. One apt call, with only what is missing, where the caller may install; otherwise the line to run is printed, what is
   switched off without it is said, and the set-up goes on with what is there.
3. Versions come from ``pyproject.toml`` and ``uv.lock``; where to fetch from is the machine's business (pip's
   and uv's own settings), and no host is named here.
4. A second call does nothing and says nothing: a stamp under ``.tools/`` holds what the last one installed.

Example: ``python3 -m ops.setup`` in the checkout's folder.
"""
