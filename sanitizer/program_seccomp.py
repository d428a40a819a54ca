"""The system calls of a foreign program in bubblewrap (LibreOffice): wider than a jail's, still a short list.

Rules kept here:

- It opens its own files and starts its own threads, so its list is wider; in a root of its own there is nothing to open
  but its own files. It starts no process, reaches no socket but its own, traces, signals and mounts nothing.
- Memory is never writable and executable at one address. (LibreOffice maps one file twice for its bridges, once to
  write and once to run.)
- Everything else answers EPERM; another architecture's calls end the process.

>>> len(compile_filter()) % 8
0
"""

from __future__ import annotations

import errno
import os
from typing import Any

from sanitizer.seccomp import ALLOWED

_PROT_WRITE, _PROT_EXEC = 2, 4
_THREAD = 0x003D0F00  # the flags of pthread_create of glibc, see sanitizer.seccomp
# what a foreign program may do besides: in a root of its own there is nothing to open but its own files
OF_A_PROGRAM = (
    *("openat", "open", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink"),
    *("readlinkat", "getdents64", "statfs", "fstatfs", "getxattr", "lgetxattr", "fgetxattr", "listxattr"),
    *("mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "chmod", "fchmod"),
    *("fchmodat", "ftruncate", "truncate", "fallocate", "fsync", "fdatasync", "utimensat", "fadvise64", "umask"),
    *("fcntl", "flock", "dup", "dup2", "dup3", "chdir", "preadv", "pwritev", "sendfile", "copy_file_range", "mincore"),
    *("pipe", "pipe2", "eventfd2", "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait"),
    *("epoll_pwait", "timerfd_create", "timerfd_settime", "nanosleep", "clock_nanosleep", "rt_sigtimedwait"),
    "tgkill",  # abort(); in its process namespace there is nobody else to signal
    *("set_tid_address", "set_robust_list", "rseq", "sched_getaffinity", "sched_getparam", "sched_getscheduler"),
    *("arch_prctl", "membarrier", "getrlimit", "prlimit64", "uname", "sysinfo", "getuid", "geteuid", "getgid"),
    *("getegid", "getppid", "getpgrp", "getcpu", "wait4"),
    *("bind", "listen", "accept", "accept4", "connect", "shutdown", "getsockname"),  # of the one kind of socket below
    "execve",  # bubblewrap starts the program under the filter; there is no other one in its root, and no way to fork
)
_PR_SET_NAME, _AF_UNIX = 15, 1


def compile_filter() -> bytes:
    """The filter of a foreign program in bubblewrap, as ``bwrap --seccomp`` wants it."""
    import pyseccomp  # type: ignore[import-untyped]  # where libseccomp is missing nothing is converted

    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in (*ALLOWED, *OF_A_PROGRAM):
        _allow_if_known(rules, name)
    rules.add_rule(pyseccomp.ALLOW, "mprotect", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, _PROT_EXEC, 0))
    for protection in (0, _PROT_WRITE, _PROT_EXEC):  # never both
        both = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, _PROT_EXEC | _PROT_WRITE, protection)
        rules.add_rule(pyseccomp.ALLOW, "mmap", both)
    rules.add_rule(pyseccomp.ALLOW, "prctl", pyseccomp.Arg(0, pyseccomp.EQ, _PR_SET_NAME))
    for name in ("socket", "socketpair"):  # LibreOffice listens for a second LibreOffice, in a room without network
        rules.add_rule(pyseccomp.ALLOW, name, pyseccomp.Arg(0, pyseccomp.EQ, _AF_UNIX))
    rules.add_rule(pyseccomp.ALLOW, "clone", pyseccomp.Arg(0, pyseccomp.EQ, _THREAD))
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    return _exported(rules)


def _allow_if_known(rules: Any, name: str) -> None:
    """Some names exist on one architecture only (``open`` on x86_64)."""
    import pyseccomp

    if pyseccomp.resolve_syscall(pyseccomp.system_arch(), name) >= 0:
        rules.add_rule(pyseccomp.ALLOW, name)


def _exported(rules: Any) -> bytes:
    with os.fdopen(os.memfd_create("seccomp"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
