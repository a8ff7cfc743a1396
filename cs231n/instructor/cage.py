"""What keeps a submission from the rest of the machine: namespaces, another user, limits. Linux has all of it, others less.

Used in the process that runs submissions (sandbox_child.py); imports nothing but the standard library.
"""

import ctypes
import math
import os
import platform
import resource
import struct
import sys
from pathlib import Path

CLONE = {"mount": 0x00020000, "ipc": 0x08000000, "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000}
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 4096, 16384, 1 << 18
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 1, 4, 38, 36

SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/nix/store")
DEVICES = ("null", "zero", "random", "urandom")

# System calls that a submission has no use for: memory that no limit counts, keys that outlive it, other roads into the
# kernel. {call: (its number on x86_64, on aarch64)}
REFUSED_CALLS = {
    **{"shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "memfd_create": (319, 279), "memfd_secret": (447, 447)},
    **{"add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219)},
    **{"ptrace": (101, 117), "process_vm_writev": (311, 271), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40)},
    **{"perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282), "io_uring_setup": (425, 425)},
}
SOCKET = (41, 198)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # {machine: (column above, number in a filter)}
PR_SET_SECCOMP, SECCOMP_FILTER, ALLOW, REFUSE = 22, 2, 0x7FFF0000, 0x00050001  # with EPERM

# What the instructor is told: {name: what it means}.
PROTECTIONS = {
    "limits": "limits on memory, CPU time, files, processes and output",
    "clean-up": "all processes of a submission end with it, also those that left its group",
    "other-user": "the submission's processes belong to a user who owns nothing",
    "own-processes": "it sees no process but its own",
    "no-network": "no network",
    "few-calls": "no calls into the kernel that it has no use for: other sockets, shared memory, keys, tracing",
    "small-disk": "it sees nothing of the disk but Python and the system's libraries, and writes nowhere but into 32 MB of "
    "its own, which vanish",
}

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    """Call a function of the C library. Raises OSError if it fails or is not there."""
    function = getattr(_libc, name, None)
    if function is None:
        raise OSError(f"this system has no {name}")
    if function(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def prctl(option, value):
    """Linux' prctl. Raises OSError where there is none."""
    _call("prctl", ctypes.c_int(option), *map(ctypes.c_ulong, (value, 0, 0, 0)))


def adopt_orphans():
    """Make this process the parent of all that its descendants leave behind. Raises OSError where that is not possible."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def close_to_others():
    """Forbid other processes of the same user to read this one's memory; root needs its files in /proc, and no such lock."""
    if sys.platform == "linux" and os.geteuid() != 0:
        prctl(PR_SET_DUMPABLE, 0)


def end_with_parent():
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, 9)


def separate(names):
    """Put this process, or the children it will have, into namespaces of their own. names: of CLONE."""
    flags, user, group = 0, os.geteuid(), os.getegid()
    for name in names:
        flags |= CLONE[name]
    if user != 0:
        flags |= CLONE["user"]
    _call("unshare", flags)
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _mount(source, target, kind, flags, data=None):
    encoded = [os.fsencode(value) if value is not None else None for value in (source, target, kind)]
    _call("mount", *encoded, ctypes.c_ulong(flags), data.encode() if data else None)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def small_disk(folders, scratch):
    """See nothing of the disk but the system's libraries and `folders`, read-only; and 32 MB of memory at `scratch`."""
    _mount(None, "/", None, MS_REC | MS_PRIVATE)  # nobody else shall see what is mounted from now on
    root = Path(scratch)
    _mount("none", root, "tmpfs", MS_NOSUID, "size=1m,mode=755")
    shown = []
    for folder in sorted({Path(folder) for folder in (*SYSTEM, *folders)}):
        inside = root / folder.relative_to("/")
        if folder.is_symlink():
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.symlink_to(folder.readlink())
        elif folder.exists() and not any(other in folder.parents for other in shown):
            shown.append(folder)
            inside.mkdir(parents=True)
            _mount(folder, inside, None, MS_BIND | MS_REC)
    (root / "dev").mkdir()
    for name in DEVICES:
        (root / "dev" / name).touch()
        _mount(Path("/dev", name), root / "dev" / name, None, MS_BIND)
    for folder in ("proc", scratch.lstrip("/")):
        (root / folder).mkdir(parents=True)
    _mount("/proc", root / "proc", None, MS_BIND | MS_REC)
    os.chroot(root)
    os.chdir("/")
    attributes = _MountAttributes(MS_RDONLY | MS_NOSUID, 0, 0, 0)
    _call("syscall", MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, ctypes.byref(attributes), ctypes.sizeof(attributes))
    _mount("none", scratch, "tmpfs", MS_NOSUID | MS_NODEV, "size=32m,nr_inodes=2000,mode=777")


def own_processes():
    """Show in /proc the processes of this pid namespace only."""
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV)


def limit(memory, cpu_seconds, processes):
    """Limit this process: bytes of memory, CPU seconds, processes and threads of its user."""
    limits = {
        "RLIMIT_AS": memory,
        "RLIMIT_CPU": math.ceil(cpu_seconds),
        "RLIMIT_FSIZE": 16 * 2**20,
        "RLIMIT_NOFILE": 128,
        "RLIMIT_CORE": 1,  # bytes; unlike 0 it also keeps a program that collects core files from being started
        "RLIMIT_NPROC": processes,
    }
    for name, value in limits.items():
        if hasattr(resource, name):
            hard = resource.getrlimit(getattr(resource, name))[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(getattr(resource, name), (value, value))


def mapped():
    """Return how many bytes this process has mapped; 0 where that is not told."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0


def give_up_rights(user):
    """Become the user with this number, unless it is None; drop every capability, and never get one back."""
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if sys.platform == "linux":
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        _call("capset", header, data)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def refuse_calls():
    """Refuse REFUSED_CALLS to this process and all its children, for ever. Raises OSError where there is no such filter."""
    if platform.machine() not in ARCHITECTURES:
        raise OSError(f"the system calls of {platform.machine()} are not known here")
    column, architecture = ARCHITECTURES[platform.machine()]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    program = [
        *((load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, REFUSE)),
        *((load, 0, 0, 0), (at_least, 0, 1, 0x40000000), (give, 0, 0, REFUSE)),  # x86's second table of calls
    ]
    for number in (numbers[column] for numbers in REFUSED_CALLS.values()):
        program += [(equal, 0, 1, number), (give, 0, 0, REFUSE)]
    # of sockets those of the machine itself (AF_UNIX); AF_VSOCK, for one, leads out of a network namespace
    program += [(equal, 0, 3, SOCKET[column]), (load, 0, 0, 16), (equal, 1, 0, 1), (give, 0, 0, REFUSE), (give, 0, 0, ALLOW)]
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    whole = _Program(len(program), code)
    _call("prctl", PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_FILTER), ctypes.byref(whole), ctypes.c_ulong(0), ctypes.c_ulong(0))
