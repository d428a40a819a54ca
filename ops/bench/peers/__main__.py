"""``python -m ops.bench.peers``"""

from ops.bench.peers import main

main()
