"""What of a student's files is read together: the one that counts, and what lies beside it.

Nothing is opened here but to be copied, byte for byte, into one archive for the sandbox.
"""

import collections
import contextlib
import dataclasses
import os
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, BinaryIO

from ..sandbox.inside import limits
from ..sandbox.inside.reading import kind
from .owners import Submission

EARLIER = "earlier attempts"  # the folder, in the archive, of what does not lie in the student's own folder


def with_files_beside(found: list[Submission], folder: Path) -> list[Submission]:
    """Return Submissions, each with what lies `beside` it: modules, further notebooks, earlier attempts.

    found: all Submissions in `folder`. A folder in which another student's file lies, too, is nobody's own.
    """
    owners = collections.Counter(parent for submission in found for parent in submission.path.parents)
    return [dataclasses.replace(one, beside=_beside(one, Path(folder), owners)) for one in found]


def _beside(submission: Submission, folder: Path, owners: Mapping[Path, int]) -> dict[str, Path]:
    """Return {name in an archive: path} of a Submission's other files of the kinds that are read."""
    if submission.problem:
        return {}
    home = submission.path.parent
    own = _files_below(home) if owners[home] == 1 and home != folder else []
    named = {path.relative_to(home).as_posix(): path for path in own}
    elsewhere = [path for shown in submission.earlier if (path := folder / shown) not in own]
    named |= {f"{EARLIER}/{path.relative_to(folder).as_posix()}": path for path in elsewhere}
    return {name: path for name, path in named.items() if path != submission.path and kind(path.name) and _is_plain(path)}


def _files_below(home: Path) -> list[Path]:
    """Return the files in a folder and below it, without hidden ones, the nearest first; links are not followed."""
    found = []
    for place, folders, names in os.walk(home):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        if len(found) > limits.FILES_BESIDE:
            break
    return found[: limits.FILES_BESIDE]


def _is_plain(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


@contextlib.contextmanager
def opened(submission: Submission) -> Iterator[tuple[BinaryIO, str, str]]:
    """Give (binary file to be read, its name, path of what counts in it if it is an archive made here, else "").

    What does not fit into the size that is read is left out of the archive.
    """
    if not submission.beside:
        with submission.path.open("rb") as file:
            yield file, submission.path.name, ""
        return
    first = _printable(submission.path.name)
    with tempfile.TemporaryFile() as file:
        _pack({first: submission.path, **submission.beside}, file)
        file.seek(0)
        yield file, f"{submission.student[:80]}.zip", first


def _pack(named: Mapping[str, Path], file: IO[bytes]) -> None:
    left = limits.SUBMISSION_BYTES // 2  # the archive and what is taken out of it are in memory together
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, path in named.items():
            with contextlib.suppress(OSError):  # gone, or closed to us, since it was found
                status = path.stat()
                if status.st_size <= left:
                    left -= status.st_size
                    date = max(time.localtime(status.st_mtime)[:6], (1980, 1, 1, 0, 0, 0))
                    archive.writestr(zipfile.ZipInfo(_printable(name), date), path.read_bytes())


def _printable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
