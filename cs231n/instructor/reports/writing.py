"""Who writes into GRADES: one grader at a time, and never into the folder of submissions."""

import contextlib
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

LOCK = "grading.lock"

_held: set[TextIO] = set()  # the lock files that this process has locked


def _close_in_fork() -> None:
    """Let the lock be this process's alone: a worker that is forked from it, and outlives it for a second, does not hold it."""
    for file in _held:
        file.close()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_fork)


def require_apart(submissions: Path, out: Path) -> None:
    """Raise ValueError if one of the two folders is, or lies in, the other: results would be taken for submissions."""
    inner, outer = Path(out).resolve(), Path(submissions).resolve()
    if inner == outer or outer in inner.parents:
        raise ValueError(
            f"--out {out} is inside of {submissions}. Name a folder outside of it: results would be taken for submissions."
        )
    if inner in outer.parents:
        raise ValueError(f"{submissions} is inside of --out {out}. Name another folder for the results.")


@contextlib.contextmanager
def only_grader(out: Path) -> Iterator[None]:
    """Hold the lock of a folder of results, which is made if it is new. Raises ValueError if another process holds it.

    The system lets go of the lock when the process ends, however it ends; a lock file that was left behind locks nothing.
    """
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    path = out / LOCK
    file = _locked(path)
    _held.add(file)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        _held.discard(file)
        file.close()
        if is_new:
            with contextlib.suppress(OSError):  # it is not empty, as a rule
                out.rmdir()


@contextlib.contextmanager
def only_one(path: Path, sentence: str) -> Iterator[None]:
    """Hold a lock file. Raises ValueError, beginning with the sentence, if another process holds it."""
    try:
        file = _locked(path)
    except ValueError:
        raise ValueError(f"{sentence}. If you are sure that this has ended, remove {path}.") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()


@contextlib.contextmanager
def in_turn(path: Path, seconds: float = 30.0) -> Iterator[None]:
    """Hold a lock file for something short; wait while another process or thread holds it, at most so many seconds.

    Raises ValueError if it is still held then.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            file = _locked(path)
            break
        except ValueError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()


def _locked(path: Path) -> TextIO:
    """Return the lock file, open and locked, with a note on who holds it."""
    import fcntl  # imported here: Windows has none, and grades in a container only

    while True:
        file = path.open("a+", encoding="utf-8")
        file.seek(0)
        holder = file.read(200).strip()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:  # that another has it, or that this file system has no locks: then the note counts
            if isinstance(error, BlockingIOError) or _may_run(holder):
                file.close()
                raise ValueError(
                    f"Another command is writing into {path.parent} ({holder or 'it does not say which'}). Wait until it has "
                    f"ended, or name another folder. If you are sure that it has ended, remove {path}."
                ) from None
        if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            break
        file.close()  # who held it has just removed it
    note = f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n"
    with contextlib.suppress(OSError):  # on a full disk the lock holds without its note, too
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), note.encode())
    return file


def _may_run(holder: str) -> bool:
    """Return whether the process of a note may still be running: on another machine nobody can tell."""
    found = re.match(r"process ([0-9]+) on (\S+)", holder)
    if not found or found[2] != socket.gethostname():
        return bool(found)
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
