"""The system calls of a jailed process: a short list of what may stay, compiled once, loaded in each jail.

Rules kept here:

- Nothing that opens, creates, connects, forks, signals, traces, mounts or changes identity is on the list. Jailed code
  reads and writes the descriptors it was given and asks for memory, and memory is never executable.
- Everything else answers EPERM; another architecture's calls (x32, i386) end the process.
- One decoder (HEVC) cannot work without a thread of its own: its jail alone may start threads, with exactly the flags
  of ``pthread_create``; a process it still cannot start.
- The compiler (libseccomp) runs in the cell before the first file; a jail only loads the finished program.
"""

from __future__ import annotations

import ctypes
import errno
import os

_PROT_EXEC = 4
_BINARY_TREE = 2  # the kernel walks the filter for every number of a system call whenever it is loaded

ALLOWED = (
    # the given descriptors
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "lseek",
    "fstat",
    "close",
    # memory
    "brk",
    "munmap",
    "mremap",
    "madvise",
    # waiting inside the process
    "futex",
    "sched_yield",
    "restart_syscall",
    # signals to itself
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    # facts without reach
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "getcwd",  # always the root; os.path.abspath asks for it
    "getrandom",
    "getpid",
    "gettid",
    "getrusage",
    "times",
    # the end
    "exit",
    "exit_group",
)
NEVER_EXECUTABLE = ("mmap", "mprotect")
# VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID: what pthread_create of glibc asks for
_THREAD = 0x003D0F00


class Program(ctypes.Structure):
    """``struct sock_fprog``: BPF of the running architecture, eight bytes an instruction."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def compile_filter(*, threads: bool = False) -> Program:
    """The filter. ``threads``: one may be started."""
    import pyseccomp  # type: ignore[import-untyped]  # here, so that a jail without libseccomp can be refused with a sentence

    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    rules.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, _BINARY_TREE)
    for name in ALLOWED:
        rules.add_rule(pyseccomp.ALLOW, name)
    for name in NEVER_EXECUTABLE:
        rules.add_rule(pyseccomp.ALLOW, name, pyseccomp.Arg(2, pyseccomp.MASKED_EQ, _PROT_EXEC, 0))
    if threads:
        rules.add_rule(pyseccomp.ALLOW, "clone", pyseccomp.Arg(0, pyseccomp.EQ, _THREAD))
        rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags cannot be seen; glibc falls back to clone
        for name in ("rseq", "set_robust_list"):  # a thread begins with these
            rules.add_rule(pyseccomp.ALLOW, name)
    with os.fdopen(os.memfd_create("seccomp"), "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        code = file.read()
    return Program(len(code) // 8, code)


def number(name: str) -> int:
    """The number of a system call on the running architecture."""
    import pyseccomp

    return int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))
