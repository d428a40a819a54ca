"""Landlock by ctypes: a process that may not touch the file system, connect, or signal outside its own domain.

Rules kept here:

- The rule set handles every right that the running kernel knows and allows none.
- It is made once by the cell and applied by each jailed process to itself; it can never be taken off again.

Source: Linux ``Documentation/userspace-api/landlock.rst``; access rights up to ABI 7. The numbers of these system calls
are the same on x86_64 and aarch64.
"""

from __future__ import annotations

import ctypes
import os
import struct

_CREATE_RULESET = 444
_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _syscall(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def abi() -> int:
    """The version of Landlock that the kernel speaks; ``OSError`` where it has none."""
    return _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))


def deny_all() -> int:
    """A descriptor of a rule set that allows nothing of what the kernel can forbid; close-on-exec."""
    version = abi()
    file_rights = 13 + (version >= 2) + (version >= 3) + (version >= 5)  # refer, truncate, ioctl on devices
    network = 0b11 if version >= 4 else 0  # bind and connect of TCP
    scoped = 0b11 if version >= 6 else 0  # abstract unix sockets, signals
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attribute = ctypes.create_string_buffer(struct.pack("<QQQ", (1 << file_rights) - 1, network, scoped), 24)
    return _syscall(_CREATE_RULESET, ctypes.byref(attribute), ctypes.c_size_t(size), ctypes.c_uint32(0))
