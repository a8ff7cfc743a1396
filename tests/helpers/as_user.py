"""Run a command as an ordinary user, from root: python tests/helpers/as_user.py [OPTIONS] -- COMMAND ...

The user owns nothing and has no account, and sees this Python and the kit also where they are below a folder that is closed to
others, as /root is: in a mount namespace of this command alone, so that nothing on the disk is changed. Where an ordinary user
runs this, he stays who he is.
"""

import argparse
import ctypes
import os
import platform
import stat
import struct
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from cs231n.instructor.sandbox.inside import cage  # noqa: E402

USER = 60123  # below those that the sandbox takes where root grades
NAMESPACES = [cage.REFUSED_CALLS[name] for name in ("unshare", "setns", "mount", "fsopen", "open_tree", "move_mount")]
LANDLOCK = [(cage.LANDLOCK_CREATE,) * 2]


def main():
    asked = options()
    be(asked)
    os.execvp(asked.command[0], asked.command)


def options(arguments=None):
    """Return the options in a command's arguments, by default in those of this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", action="append", default=[], type=Path, metavar="PATH", help="show this, too")
    parser.add_argument("--give", action="append", default=[], type=Path, metavar="PATH", help="show it and make the user own it")
    parser.add_argument("--as-root", action="store_true", help="stay root")
    parser.add_argument("--without-namespaces", action="store_true", help="refuse them, as Docker does to its containers")
    parser.add_argument("--without-landlock", action="store_true", help="refuse it, as kernels before 5.13 do")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def be(asked):
    """Have this process be the user, and on the machine, that the options ask for."""
    if os.geteuid() == 0 and not asked.as_root:
        for path in asked.give:
            os.chown(path, USER, USER)
        become_ordinary([*asked.show, *asked.give, *own_folders()])
    refused = [*(NAMESPACES if asked.without_namespaces else []), *(LANDLOCK if asked.without_landlock else [])]
    refuse(refused, asked.without_namespaces)


def become_ordinary(shown):
    open_to_others(shown)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.environ.update(HOME="/nonexistent", USER="ordinary", LOGNAME="ordinary")


def own_folders():
    """Return the paths of this Python, of what it imports, and of the kit, and what links in these lead to."""
    paths = [Path(path) for path in (sys.prefix, sys.base_prefix, ROOT)]
    paths += [path.resolve() for path in [*paths, *(ROOT / "datasets").iterdir()]]
    return sorted(set(paths))


def open_to_others(paths):
    """Let other users reach `paths` in a mount namespace of this process: closed folders on the way are covered there."""
    cage.separate(["mount"])
    cage._mount(None, "/", None, cage.MS_REC | cage.MS_PRIVATE)
    covered = {}  # {the first closed folder on the way: paths in it}
    for path in paths:
        closed = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & stat.S_IXOTH]
        if closed:
            covered.setdefault(closed[0], []).append(path)
    with tempfile.TemporaryDirectory(prefix="shown-", dir="/tmp") as staging:
        cage._mount("none", staging, "tmpfs", 0, "mode=755")
        for folder, inside in covered.items():
            places = [(path, Path(staging, f"{len(covered)}-{i}-{folder.name}")) for i, path in enumerate(inside)]
            for path, place in places:
                show(path, place)
            cage._mount("none", folder, "tmpfs", 0, "mode=755")
            for path, place in places:
                show(place, path)
        cage._call("umount2", os.fsencode(staging), 2)  # MNT_DETACH


def show(path, place):
    """Mount a file or a folder at `place`, which is made."""
    cage._show(cage.Shown(place.name, path.is_dir(), str(path)), place)


def refuse(calls, new_namespaces):
    """Refuse system calls to this process and all its children. new_namespaces: whether clone with them is refused, too."""
    column, _ = cage.ARCHITECTURES[platform.machine()]
    program = [(0x20, 0, 0, 0)]
    for numbers in calls:
        program += [(0x15, 0, 1, numbers[column]), (0x06, 0, 0, cage.REFUSE)]
    if new_namespaces:
        program += [(0x15, 0, 1, cage.CLONE3[column]), (0x06, 0, 0, cage.UNKNOWN)]
        program += [(0x15, 0, 3, cage.CLONE_CALL[column]), (0x20, 0, 0, 16), (0x45, 0, 1, sum(cage.CLONE.values()))]
        program += [(0x06, 0, 0, cage.REFUSE)]
    program += [(0x06, 0, 0, cage.ALLOW)]
    whole = cage._Program(len(program), b"".join(struct.pack("=HBBI", *step) for step in program))
    cage.prctl(cage.PR_SET_NO_NEW_PRIVS, 1)
    cage._call("prctl", cage.PR_SET_SECCOMP, ctypes.c_ulong(cage.SECCOMP_FILTER), ctypes.byref(whole), 0, 0)


if __name__ == "__main__":
    main()
