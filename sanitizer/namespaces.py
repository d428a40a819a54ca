"""Linux namespaces for the cell and its jails, by ctypes.

Rules kept here:

- The cell enters namespaces of its own once: a user without rights outside, its own process numbers, no network, an
  empty read-only root. Each jail then enters new ones again, so that two files examined at once share nothing.
- Root does not stay root: a cell started by root becomes ``nobody`` before it enters its user namespace.
- Every function raises ``OSError`` where the system forbids the step; the caller decides what that means.

Source: Linux man pages namespaces(7), user_namespaces(7), pid_namespaces(7), pivot_root(2), capabilities(7).
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

NEW_USER, NEW_NET, NEW_PID = 0x10000000, 0x40000000, 0x20000000
NEW_MOUNT, NEW_IPC, NEW_UTS = 0x00020000, 0x08000000, 0x04000000
OF_THE_CELL = NEW_USER | NEW_NET | NEW_PID | NEW_MOUNT | NEW_IPC | NEW_UTS
OF_A_JAIL = NEW_USER | NEW_NET | NEW_MOUNT | NEW_IPC | NEW_UTS  # its process namespace comes with the fork

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36
_SIGKILL = 9
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT = 1, 2, 4, 8, 32
_MS_REC, _MS_PRIVATE = 16384, 1 << 18
_MNT_DETACH = 2
NOBODY = 65534

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)


def _check(result: int) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def unshare(flags: int) -> None:
    """Leave the named namespaces for new ones."""
    _check(_libc.unshare(ctypes.c_int(flags)))


def set_pid_namespace(descriptor: int) -> None:
    """Let the next children be born in this process namespace again."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(NEW_PID)))


def die_with_parent() -> None:
    """Get SIGKILL when the thread that created this process ends. Changing user clears it: call it afterwards."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process, so that it can wait for the last of them."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def not_dumpable() -> None:
    """No core file, and nobody of the same user may trace this process or read its memory."""
    _prctl(_PR_SET_DUMPABLE, 0)


def become_nobody() -> None:
    """Root gives itself up for good; anybody else stays who they are."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def enter_cell_namespaces() -> None:
    """New namespaces for the calling process; its own user stays itself in them. The process namespace begins with
    the next child."""
    _enter_as_oneself(OF_THE_CELL)


def enter_runner_namespaces() -> None:
    """A new user and mount namespace for the calling process; nothing it mounts is seen outside."""
    _enter_as_oneself(NEW_USER | NEW_MOUNT)
    _mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)


def mount_memory(folder: str, size: int) -> None:
    """An empty file system of at most ``size`` bytes of memory, over a folder that exists."""
    options = f"size={size},nr_inodes=20000,mode=700".encode()
    _mount(b"tmpfs", os.fsencode(folder), b"tmpfs", _MS_NOSUID | _MS_NODEV, options)


def _enter_as_oneself(flags: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    unshare(flags)
    _prctl(_PR_SET_DUMPABLE, 1)  # else /proc/self belongs to root after a change of user
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    not_dumpable()


def empty_root() -> None:
    """Make an empty, read-only file system the root; whatever was mounted is out of reach."""
    target = b"/proc"  # any folder that exists: the mount hides it in this namespace alone
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    _mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    _mount(b"tmpfs", target, b"tmpfs", flags, b"size=4k,mode=500")
    os.chdir(target)
    _check(_libc.syscall(ctypes.c_long(_pivot_root_number()), b".", b"."))
    _check(_libc.umount2(b".", ctypes.c_int(_MNT_DETACH)))
    os.chdir("/")
    _mount(b"none", b"/", None, flags | _MS_REMOUNT | _MS_RDONLY, None)


def _mount(source: bytes, target: bytes, kind: bytes | None, flags: int, data: bytes | None) -> None:
    _check(_libc.mount(source, target, kind, ctypes.c_ulong(flags), data))


def _pivot_root_number() -> int:
    return {"x86_64": 155, "aarch64": 41}[os.uname().machine]


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, value, 0, 0, 0))
