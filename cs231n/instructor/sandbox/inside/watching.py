"""Watch over the processes of a submission: how much they take, how many they are, that none is left."""

import contextlib
import os
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

from . import limits


def end_all(pid: int) -> None:
    """End a process, its group and its descendants, and whatever of them has become a child of this process."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    while True:
        for child in descendants(os.getpid()):
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def descendants(pid: int) -> set[int]:
    """Return the numbers of all processes below one, by /proc; none where there is no /proc."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found: set[int] = set()
    more = {pid}
    while more:
        more = {child for child, parent in parents.items() if parent in more} - found
        found |= more
    return found


def resident(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return 0


def tasks(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/task"))
    return 0


def taken(pids: Iterable[int], before: int) -> int:
    """Return how many bytes of memory processes take besides the `before` that they share with this one, their parent."""
    if sum(map(resident, pids)) < limits.ALL_PROCESSES_BYTES:  # the exact number costs milliseconds
        return 0
    try:
        pids = list(pids)
        # Each counts an n-th of what n share. Of what it has from this process, that is as much as this process counts itself.
        return sum(map(_share, pids)) - min(before, len(pids) * _share(os.getpid()))
    except (OSError, ValueError, IndexError):  # not told to this user, or a process has just ended
        return sum(max(0, resident(pid) - before) for pid in pids)


def _share(pid: int) -> int:
    """Return the memory of a process, what it shares with n others counted as an n-th."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("\nPss:")[2].split()[0]) * 1024


def empty_folder(folder: Path) -> None:
    for entry in folder.iterdir():
        with contextlib.suppress(OSError):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
