#!/bin/sh
# Chooses a Python of 3.11 or newer and hands over to the package ops.setup. SEKISHO_PYTHON names one; else the system's
# own comes first, because a version manager's python3 on PATH may be older than what the machine has.
set -eu
cd -- "$(dirname -- "$0")/../.."
for candidate in ${SEKISHO_PYTHON:+"$SEKISHO_PYTHON"} /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        exec "$candidate" -m ops.setup "$@"
    fi
done
echo "setup: no Python 3.11 or newer was found. On Debian 12 or Ubuntu 24.04 run: apt-get install python3" >&2
echo "setup: elsewhere, name one: make setup SEKISHO_PYTHON=/path/to/python3.11" >&2
exit 1
