"""Run a command as an ordinary user, from root: python tests/as_user.py [--without-namespaces] --show PATH ... -- COMMAND ...

The user owns nothing and has no account. He sees the --show paths, this Python and the kit also where they lie below a folder
that is closed to others, as /root is: in a mount namespace of this command alone, so that nothing on the disk is changed.
With --without-namespaces unshare, mount and the like are refused, as Docker refuses them to its containers.
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

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from cs231n.instructor import cage  # noqa: E402

USER = 60123  # below those that the sandbox takes where root grades
REFUSED = ("unshare", "setns", "mount", "fsopen", "open_tree", "move_mount")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--without-namespaces", action="store_true")
    parser.add_argument("--show", action="append", default=[], type=Path, metavar="PATH")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    open_to_others([*options.show, *own_folders()])
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    if options.without_namespaces:
        refuse_namespaces()
    os.environ.update(HOME="/nonexistent", USER="ordinary", LOGNAME="ordinary")
    os.execvp(options.command[0], options.command)


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
    with tempfile.TemporaryDirectory(prefix="shown-") as staging:
        cage._mount("none", staging, "tmpfs", 0, "mode=755")
        for folder, inside in covered.items():
            places = [(path, Path(staging, f"{len(covered)}-{i}-{folder.name}")) for i, path in enumerate(inside)]
            for path, place in places:
                cage._show(path, place)
            cage._mount("none", folder, "tmpfs", 0, "mode=755")
            for path, place in places:
                cage._show(place, path)
        cage._call("umount2", os.fsencode(staging), 2)  # MNT_DETACH


def refuse_namespaces():
    """Refuse REFUSED and clone with new namespaces to this process and all its children."""
    cage.prctl(cage.PR_SET_NO_NEW_PRIVS, 1)
    column, _ = cage.ARCHITECTURES[platform.machine()]
    program = [(0x20, 0, 0, 0)]
    for name in REFUSED:
        program += [(0x15, 0, 1, cage.REFUSED_CALLS[name][column]), (0x06, 0, 0, cage.REFUSE)]
    program += [(0x15, 0, 1, cage.CLONE3[column]), (0x06, 0, 0, cage.UNKNOWN)]
    program += [(0x15, 0, 3, cage.CLONE_CALL[column]), (0x20, 0, 0, 16), (0x45, 0, 1, sum(cage.CLONE.values()))]
    program += [(0x06, 0, 0, cage.REFUSE), (0x06, 0, 0, cage.ALLOW)]
    whole = cage._Program(len(program), b"".join(struct.pack("=HBBI", *step) for step in program))
    cage._call("prctl", cage.PR_SET_SECCOMP, *(ctypes.c_ulong(cage.SECCOMP_FILTER), ctypes.byref(whole), 0, 0))


if __name__ == "__main__":
    main()
