"""Eighteen attempts to get out of a jail; each must fail.

Rules kept here:

- A probe does what a taken-over parser would do, harmlessly, and returns if it worked; any exception means blocked.
- Probes run inside a jail in the place of a file (``sekisho doctor`` and the tests), aimed at a target that the
  trusting side has opened: its process, a loopback TCP and UDP port and an abstract socket that really answer.
- Everything is imported and resolved beforehand, so that a probe fails for the right reason.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
from collections.abc import Callable, Mapping

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

_PTRACE_SEIZE, _PTRACE_DETACH = 0x4206, 17
_NEW_USER = 0x10000000
_IO_URING_SETUP = 425  # the same on x86_64 and aarch64
_KEYCTL = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine, 0)

Target = Mapping[str, int]  # "pid", "port" and "udp_port" on 127.0.0.1, "socket" (the number in the abstract name)


def abstract_name(number: int) -> str:
    """The name of the abstract socket that the target listens on."""
    return f"\0sekisho-probe-{number}"


def _need(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "blocked")


def _file_read(_: Target) -> None:
    os.close(os.open("/etc/passwd", os.O_RDONLY))


def _list_root(_: Target) -> None:
    os.listdir("/")  # noqa: PTH208


def _file_write(target: Target) -> None:
    path = f"/tmp/sekisho-probe-{target['pid']}"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    os.unlink(path)  # noqa: PTH108


def _tcp(target: Target) -> None:
    with socket.socket() as probe:
        probe.settimeout(1)
        probe.connect(("127.0.0.1", target["port"]))


def _udp(target: Target) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.sendto(b"x", ("127.0.0.1", target["udp_port"]))


def _abstract_unix(target: Target) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        probe.connect(abstract_name(target["socket"]))


def _exec(_: Target) -> None:
    # the jail would end here if it worked, and the probe would be missing from the answer
    os.execv("/bin/true", ["true"])


def _fork(_: Target) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _ptrace(target: Target) -> None:
    _need(_libc.ptrace(_PTRACE_SEIZE, target["pid"], None, None))
    _libc.ptrace(_PTRACE_DETACH, target["pid"], None, None)


def _parent_memory(target: Target) -> None:
    os.close(os.open(f"/proc/{target['pid']}/mem", os.O_RDONLY))


def _first_process(_: Target) -> None:
    os.close(os.open("/proc/1/cmdline", os.O_RDONLY))


def _signal(target: Target) -> None:
    os.kill(target["pid"], 0)


def _allocate(_: Target) -> None:
    mmap.mmap(-1, 3 << 30).close()


def _mount(_: Target) -> None:
    _need(_libc.mount(b"none", b"/mnt", b"tmpfs", 0, None))
    _libc.umount(b"/mnt")


def _new_user_namespace(_: Target) -> None:
    _need(_libc.unshare(_NEW_USER))


def _io_uring(_: Target) -> None:
    descriptor = int(_libc.syscall(ctypes.c_long(_IO_URING_SETUP), 4, ctypes.create_string_buffer(120)))
    _need(descriptor)
    os.close(descriptor)


def _keyctl(_: Target) -> None:
    _need(int(_libc.syscall(ctypes.c_long(_KEYCTL), 0, ctypes.c_long(-3), 0)))


def _executable_memory(_: Target) -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


PROBES: dict[str, Callable[[Target], None]] = {
    "file-read": _file_read,
    "list-root": _list_root,
    "file-write": _file_write,
    "tcp-connect": _tcp,
    "udp-send": _udp,
    "abstract-unix": _abstract_unix,
    "exec": _exec,
    "fork": _fork,
    "ptrace-parent": _ptrace,
    "parent-memory": _parent_memory,
    "first-process": _first_process,
    "signal-parent": _signal,
    "allocate-3-gib": _allocate,
    "mount": _mount,
    "new-user-namespace": _new_user_namespace,
    "io-uring": _io_uring,
    "keyctl": _keyctl,
    "executable-memory": _executable_memory,
}


def attempt(target: Target, probes: Mapping[str, Callable[[Target], None]] = PROBES) -> dict[str, bool]:
    """Try all; True: blocked."""
    return {name: _blocked(probe, target) for name, probe in probes.items()}


def _blocked(probe: Callable[[Target], None], target: Target) -> bool:
    try:
        probe(target)
    except (OSError, MemoryError, SystemError):
        return True
    return False
