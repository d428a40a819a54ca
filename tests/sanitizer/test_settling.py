"""The memory of a cell before its first jail: moved code means the same, and the heap has no holes left."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable

from sanitizer import settling

_HEAP = """
import ctypes
from sanitizer import settling
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
places = [libc.malloc(size) for size in (40, 600, 9000, 70000) for _ in range(50)]
for place in places[::2]:
    libc.free(place)  # holes, each between two that are taken
settling.settle()
fresh = [libc.malloc(size) for size in (40, 600, 9000, 70000)]
print(min(fresh) > max(places))
"""


def test_called_code_moves_and_means_the_same() -> None:
    def twice(number: int) -> int:
        return sum(each for each in (number, number))

    def untouched() -> int:
        return 3

    before, other = twice.__code__, untouched.__code__
    assert settling.gather(lambda: twice(1)) >= 1
    assert twice.__code__ is not before
    assert twice.__code__ == before
    assert twice.__code__.co_consts[1] is not before.co_consts[1]  # the generator expression
    assert untouched.__code__ is other
    assert twice(4) == 8


def test_functions_that_share_their_code_still_do() -> None:
    def maker() -> Callable[[], int]:
        return lambda: 5

    first, second = maker(), maker()
    settling.gather(first)
    assert first.__code__ is second.__code__
    assert (first(), second()) == (5, 5)


def test_a_profiler_stays_as_it_was() -> None:
    before = sys.getprofile()
    settling.gather(gc.isenabled)
    assert sys.getprofile() is before


def test_what_is_allocated_later_lies_behind_what_there_was() -> None:
    run = subprocess.run([sys.executable, "-c", _HEAP], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout == "True\n"
