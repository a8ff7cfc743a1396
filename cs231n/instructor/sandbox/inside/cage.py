"""What keeps a submission from the rest of the machine: namespaces, another user, limits. Linux has all of it, others less.

Used in the process that runs submissions (child.py); imports nothing but the standard library and the limits.
"""

import contextlib
import ctypes
import functools
import math
import os
import platform
import re
import resource
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from . import limits

CLONE = {"mount": 0x00020000, "ipc": 0x08000000, "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000}
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 4096, 16384, 1 << 18
MNT_DETACH = 2
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT, LANDLOCK_VERSION, BENEATH = 444, 445, 446, 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 1, 4, 38, 36

# What a process of Python needs of the system: libraries, and the list of them. No programs, and nothing else of /etc.
SYSTEM = (
    *("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/nix/store"),
    "/etc/ld.so.cache",
)
DEVICES = ("null", "random", "urandom")  # not zero: mapped, it is memory that no limit counts

# System calls that a submission has no use for: memory that no limit counts, keys that outlive it, other processes' memory,
# namespaces and mounts of its own, other roads into the kernel. {call: (its number on x86_64, on aarch64)}
REFUSED_CALLS = {
    **{
        "shmget": (29, 194),
        "shmat": (30, 196),
        "msgget": (68, 186),
        "semget": (64, 190),
        "mq_open": (240, 180),
        "memfd_create": (319, 279),
        "memfd_secret": (447, 447),
    },
    **{"add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219)},
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438)},
    **{"unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41)},
    **{"chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsmount": (432, 432)},
    **{"perf_event_open": (298, 241), "bpf": (321, 280), "userfaultfd": (323, 282), "io_uring_setup": (425, 425)},
}
SOCKET, MMAP, CLONE_CALL, CLONE3 = (41, 198), (9, 222), (56, 220), (435, 435)
MAP_SHARED, MAP_HUGETLB = 0x01, 0x40000
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # {machine: (column above, number in a filter)}
PR_SET_SECCOMP, SECCOMP_FILTER, ALLOW, REFUSE, UNKNOWN = 22, 2, 0x7FFF0000, 0x00050001, 0x00050026  # with EPERM, ENOSYS

# What the instructor is told: {name: what it means}.
PROTECTIONS = {
    "limits": "limits on memory, CPU time, files, processes and output",
    "clean-up": "all processes of a submission end with it, including those that left its group",
    "other-user": "the submission's processes belong to a user who owns nothing",
    "own-processes": "it sees no process but its own",
    "no-network": "no network",
    "few-calls": "unneeded system calls are blocked: other sockets, shared memory, keys, tracing, namespaces",
    "small-disk": "it sees nothing of the disk but Python, what the students' requirements name and the system's libraries, and "
    f"writes nowhere but into {limits.DISK_BYTES // 2**20} MB of its own, which vanish",
}
CLOSED_DISK = "closed-disk"  # where there is no small disk: it opens no other file either, but it sees their names
PROTECTIONS_INSTEAD = {CLOSED_DISK: "it opens no file but those of Python, of the requirements and of the system's libraries"}
ISOLATION = frozenset({"own-processes", "small-disk"})  # without these a submission can reach the solutions and the others

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> None:
    """Call a function of the C library. Raises OSError if it fails or is not there."""
    function = getattr(_libc, name, None)
    if function is None:
        raise OSError(f"this system has no {name}")
    if function(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def prctl(option: int, value: int) -> None:
    """Linux' prctl. Raises OSError where there is none."""
    _call("prctl", ctypes.c_int(option), *map(ctypes.c_ulong, (value, 0, 0, 0)))


def adopt_orphans() -> None:
    """Make this process the parent of all that its descendants leave behind. Raises OSError where that is not possible."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def close_to_others(closed: bool = True) -> None:
    """Forbid other processes of the same user to read this one's memory; root needs its files in /proc, and no such lock.

    closed: False opens it again, for as long as this process has to write to its own files in /proc.
    """
    if sys.platform == "linux" and os.geteuid() != 0:
        prctl(PR_SET_DUMPABLE, 0 if closed else 1)


def end_with_parent(wanted: bool = True) -> None:
    """End this process when its parent ends, or no longer."""
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, 9 if wanted else 0)


def separate(names: set[str]) -> None:
    """Put this process, or the children it will have, into namespaces of their own. names: of CLONE."""
    flags, user, group = 0, os.geteuid(), os.getegid()
    for name in names:
        flags |= CLONE[name]
    if user != 0:
        flags |= CLONE["user"]
    _call("unshare", flags)
    if user != 0:
        close_to_others(False)  # the files below belong to root as long as this process is closed
        try:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        finally:
            close_to_others()


def _mount(source: str | Path | None, target: str | Path, kind: str | None, flags: int, data: str | None = None) -> None:
    encoded = [os.fsencode(value) if value is not None else None for value in (source, target, kind)]
    _call("mount", *encoded, ctypes.c_ulong(flags), data.encode() if data else None)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


class Shown(NamedTuple):
    """Something of the disk that small_disk shows: a file or a folder, a link, or an empty folder over a hidden one.

    Attributes
    ----------
    place : str
        Where, without the first slash.
    folder : bool
        Whether a folder is made there.
    source : str
        What is mounted there; "" for nothing.
    link : str
        Where a link leads to; "" for what is none.
    """

    place: str
    folder: bool = False
    source: str = ""
    link: str = ""


@functools.cache  # thousands of looks at the disk, which all jobs would take: forks inherit what is known
def shown_on_small_disk(folders: tuple[str, ...], packages: str, hidden: tuple[str, ...]) -> list[Shown]:
    """Return what small_disk shows, in the order in which it is mounted. The arguments are those of small_disk."""
    found: list[Shown] = []
    shown: list[Path] = []
    for path in sorted({Path(path) for path in (*SYSTEM, *folders)}):
        if path.is_symlink():
            found.append(Shown(_below_root(path), link=str(path.readlink())))
        elif path.exists() and not any(other in path.parents for other in shown):
            shown.append(path)
            found.append(Shown(_below_root(path), path.is_dir(), str(path)))
    for link in Path(packages).iterdir():
        path = link.resolve()
        found.append(Shown(_below_root(link), path.is_dir(), str(path)))
    for path in (Path(path).resolve() for path in hidden):
        for folder in (folder for folder in shown if path.is_relative_to(folder.resolve()) and path.is_dir()):
            found.append(Shown(_below_root(folder / path.relative_to(folder.resolve())), folder=True))
    return [*found, *(Shown(f"dev/{name}", source=f"/dev/{name}") for name in DEVICES)]


def _below_root(path: Path) -> str:
    return str(path.relative_to("/"))


def small_disk(folders: list[str], packages: str, hidden: list[str], scratch: str) -> None:
    """See nothing of the disk but what is named, read-only; and some memory at `scratch`. There is no /proc.

    folders: shown besides SYSTEM, where they are. packages: a folder of links, shown with what they lead to in their place.
    hidden: folders that stay empty, should they lie within one that is shown.
    """
    _mount(None, "/", None, MS_REC | MS_PRIVATE)  # what is mounted from now on is for this process alone
    root = Path(scratch)
    _mount("none", root, "tmpfs", MS_NOSUID, "size=1m,mode=755")
    for one in shown_on_small_disk(tuple(folders), packages, tuple(hidden)):
        _show(one, root / one.place)
    (root / scratch.lstrip("/")).mkdir(parents=True)
    os.chroot(root)
    os.chdir("/")
    attributes = _MountAttributes(MS_RDONLY | MS_NOSUID, 0, 0, 0)
    _call("syscall", MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, ctypes.byref(attributes), ctypes.sizeof(attributes))
    _empty_scratch(scratch)


def _empty_scratch(scratch: str) -> None:
    _mount("none", scratch, "tmpfs", MS_NOSUID | MS_NODEV, f"size={limits.DISK_BYTES},nr_inodes={limits.DISK_FILES},mode=777")


def cleared(scratch: str) -> None:
    """Remove what a job left in the cage: end all its processes and mount a new, empty `scratch`.

    For the first process of a pid namespace, which is not ended. Raises OSError in any other, or if it cannot be done.
    """
    if os.getpid() != 1:  # the call below would end processes of others
        raise OSError("this process is not the first one of a pid namespace")
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    _call("umount2", os.fsencode(scratch), MNT_DETACH)
    _empty_scratch(scratch)


def _show(one: Shown, inside: Path) -> None:
    """Make what is shown at the path `inside`."""
    if one.folder:
        inside.mkdir(parents=True, exist_ok=True)
    else:
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.symlink_to(one.link) if one.link else inside.touch()
    if one.source:
        _mount(one.source, inside, None, MS_BIND | MS_REC)
    elif one.folder:
        _mount("none", inside, "tmpfs", MS_NOSUID, "size=4k,mode=755")


def close_disk(folders: list[str], packages: str, hidden: list[str], scratch: str) -> None:
    """Let this process and all its children open no file but what small_disk would show, and write at `scratch` alone.

    Where Linux knows how, they also reach no process but each other by a signal, and connect to nothing. Raises OSError where
    there is no Landlock.
    """
    version = _landlock(LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION)
    every = sum(1 << bit for bit in range(13 + min(2, version - 1)))
    handled = (ctypes.c_uint64 * 3)(every, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = _landlock(LANDLOCK_CREATE, ctypes.byref(handled), size, 0)

    def allow(path: Path, access: int) -> None:
        access &= every if path.is_dir() else EXECUTE | WRITE_FILE | READ_FILE | (TRUNCATE & every)
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            _landlock(LANDLOCK_ADD, rules, BENEATH, struct.pack("=Qi", access, descriptor), 0)
        finally:
            os.close(descriptor)

    def show(path: Path) -> None:
        """Allow to read what is below a path, without what is hidden in it: its names can be listed all the same."""
        inside = [other for other in closed if other.is_relative_to(path)]
        if path in inside or not path.exists():
            return
        allow(path, EXECUTE | READ_FILE | READ_DIR if not inside else READ_DIR)
        for entry in path.iterdir() if inside else ():
            show(entry.resolve())

    closed = [Path(path).resolve() for path in hidden]
    for path in (*SYSTEM, *folders):
        show(Path(path).resolve())
    for entry in Path(packages).iterdir():
        allow(entry.resolve(), EXECUTE | READ_FILE | READ_DIR)
    allow(Path(packages), READ_DIR)
    for name in DEVICES:
        allow(Path("/dev", name), READ_FILE | WRITE_FILE)
    allow(Path(scratch), every)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    _landlock(LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


def _landlock(call: int, *arguments: Any) -> int:
    """Make a system call of Landlock; return what it returns. Raises OSError where there is none."""
    if sys.platform != "linux":  # this number may be anything there
        raise OSError("only Linux has Landlock")
    kinds: dict[type, Callable[[Any], Any]] = {int: ctypes.c_long}
    result = _libc.syscall(ctypes.c_long(call), *(kinds.get(type(value), lambda same: same)(value) for value in arguments))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result


def own_processes() -> None:
    """Show in /proc the processes of this pid namespace only."""
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV)


def counted_by_namespace() -> bool:
    """Return whether Linux counts a user's processes in each user namespace by itself."""
    return tuple(int(number) for number in re.findall(r"\d+", platform.release())[:2]) >= (5, 14)


def tasks_of_user() -> int | None:
    """Return how many processes and threads this process's user has now, on the whole machine; None if there is no /proc."""
    if not Path("/proc/self/status").exists():
        return None
    count, user = 0, str(os.getuid())
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError, KeyError):  # it has ended
            told = dict(line.partition(":")[::2] for line in status.read_text().splitlines())
            count += int(told["Threads"]) if told["Uid"].split()[0] == user else 0
    return count


def limit(memory: int, cpu_seconds: float, processes: int | None) -> None:
    """Limit this process: bytes of memory, CPU seconds, processes and threads of its user (None: no limit)."""
    values = {
        "RLIMIT_AS": memory,
        "RLIMIT_CPU": math.ceil(cpu_seconds),
        "RLIMIT_FSIZE": limits.WRITTEN_FILE_BYTES,
        "RLIMIT_NOFILE": limits.OPEN_FILES,
        "RLIMIT_CORE": 1,  # bytes; unlike 0 it also keeps a program that collects core files from being started
        "RLIMIT_NPROC": processes,
    }
    for name, value in values.items():
        if hasattr(resource, name) and value is not None:
            hard = resource.getrlimit(getattr(resource, name))[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(getattr(resource, name), (value, value))


def mapped() -> int:
    """Return how many bytes this process has mapped; 0 where that is not told."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0


def give_up_rights(user: int | None) -> None:
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


def refuse_calls() -> None:
    """Refuse REFUSED_CALLS to this process and all its children, for ever. Raises OSError where there is no such filter.

    Refused are also sockets other than those of the machine itself (AF_VSOCK, for one, leads out of a network namespace),
    memory mapped to be shared, whose pages no process's size holds once it has let go of them, and new namespaces.
    """
    if platform.machine() not in ARCHITECTURES:
        raise OSError(f"the system calls of {platform.machine()} are not known here")
    column, architecture = ARCHITECTURES[platform.machine()]
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    program = [
        *((load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, REFUSE)),
        *((load, 0, 0, 0), (at_least, 0, 1, 0x40000000), (give, 0, 0, REFUSE)),  # x86's second table of calls
    ]
    for number in (numbers[column] for numbers in REFUSED_CALLS.values()):
        program += [(equal, 0, 1, number), (give, 0, 0, REFUSE)]
    # its flags lie in memory, where a filter cannot look; the C library takes clone where this one is unknown
    program += [(equal, 0, 1, CLONE3[column]), (give, 0, 0, UNKNOWN)]
    flags = {MMAP: (3, MAP_SHARED | MAP_HUGETLB), CLONE_CALL: (0, sum(CLONE.values()))}  # {call: (argument, refused bits)}
    for numbers, (argument, refused) in flags.items():
        program += [(equal, 0, 4, numbers[column]), (load, 0, 0, 16 + 8 * argument), (any_bit, 0, 1, refused)]
        program += [(give, 0, 0, REFUSE), (give, 0, 0, ALLOW)]
    program += [(equal, 0, 3, SOCKET[column]), (load, 0, 0, 16), (equal, 1, 0, 1), (give, 0, 0, REFUSE), (give, 0, 0, ALLOW)]
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    whole = _Program(len(program), code)
    _call("prctl", PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_FILTER), ctypes.byref(whole), ctypes.c_ulong(0), ctypes.c_ulong(0))
