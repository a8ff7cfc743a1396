"""Whether anything has changed since the last run: if nothing has, `grade --resume` only repeats what that run said.

GRADES/last-run.json has a hash of all that a run depends on and of all that it made, and what it said. Only Python's own modules
and light ones of the kit are imported here, so that nobody waits for PyTorch where there is nothing to do.
"""

import hashlib
import json
import os
import stat
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ...kit import PACKAGE, ROOT
from ...whole_file import write_whole
from ..reports.writing import LOCK

NAME = "last-run.json"
OF_THE_KIT = "NetworkVisualization.ipynb", "requirements.txt", "datasets/sources.json"  # besides the package


@dataclass
class Said:
    """What a run says, sentence by sentence.

    Parameters
    ----------
    errors, results : list of str
        What a run in which nothing is new says as well, on the standard error and on the standard output.
    is_settled : bool
        Whether it said nothing else: nothing that holds for this run alone.
    """

    errors: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    is_settled: bool = True

    def notice(self, sentence: str) -> None:
        """Print a sentence on the standard error."""
        print(sentence, file=sys.stderr)
        self.errors.append(sentence)

    def result(self, sentence: str) -> None:
        """Print a sentence."""
        print(sentence)
        self.results.append(sentence)

    def news(self, sentence: str) -> None:
        """Print a sentence on the standard error that the next run may not say."""
        print(sentence, file=sys.stderr)
        self.is_settled = False

    def repeat(self) -> None:
        """Print all again."""
        for sentence in self.errors:
            print(sentence, file=sys.stderr)
        for sentence in self.results:
            print(sentence)


@dataclass(frozen=True)
class Watch:
    """What a run depends on, as it was when the run began.

    Parameters
    ----------
    submissions, out : Path
        The folders, as the command names them.
    gallery : sequence of str
        The students whose pictures may be shown.
    before : str or None
        A hash of what is not in `out`; None if it cannot be told.
    """

    submissions: Path
    out: Path
    gallery: Sequence[str]
    before: str | None

    @classmethod
    def begun(cls, submissions: Path, out: Path, gallery: Sequence[str]) -> "Watch":
        return cls(submissions, out, gallery, _given(submissions, out, gallery))

    def made(self) -> str | None:
        """Return a hash of what is in `out` now; None if it cannot be told."""
        return _made(self.out)

    def keep(self, said: Said, made: str | None) -> None:
        """Remember what was said, unless something came meanwhile that the run may not have seen. made: as made() gave it.

        Raises NotWritten.
        """
        now = _given(self.submissions, self.out, self.gallery), _made(self.out)
        if said.is_settled and None not in now and now == (self.before, made):
            write_whole(self.out / NAME, json.dumps({"given": now[0], "made": now[1], "said": asdict(said)}, indent=1))


def said_before(submissions: Path, out: Path, gallery: Sequence[str]) -> Said | None:
    """Return what the last run said, if nothing has changed since; None if something has, or if that cannot be told."""
    try:
        kept = json.loads((out / NAME).read_text(encoding="utf-8"))
        before, said = (kept["given"], kept["made"]), Said(**kept["said"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    now = _given(submissions, out, gallery), _made(out)
    return said if None not in now and now == before and not (out / LOCK).exists() else None


def _given(submissions: Path, out: Path, gallery: Sequence[str]) -> str | None:
    """Return a hash of the command, the machine's Python and packages, the kit and the submissions."""
    folders = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    packages = sorted(path.name for folder in folders for path in Path(folder).glob("*-info"))  # NAME-VERSION.dist-info
    here = [sys.executable, sys.version, *time.tzname, os.environ.get("TZ", ""), *packages]
    command = [*(str(path) for path in (submissions, submissions.resolve(), out, out.resolve())), *gallery]
    kit = [PACKAGE, *(ROOT / name for name in OF_THE_KIT)]
    return _hash([*here, *command], [*kit, submissions], without=("__pycache__",))


def _made(out: Path) -> str | None:
    return _hash([], [out], without=(NAME, LOCK))


def _hash(words: Sequence[str], places: Sequence[Path], without: Sequence[str]) -> str | None:
    """Return a hash of words and of what is at places; None if one of them cannot be read, or leads out of itself."""
    found = hashlib.sha256(json.dumps(words).encode("utf-8", "surrogateescape"))
    try:
        for place in places:
            for told in _state(place.resolve(), without):
                found.update(json.dumps(told).encode("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return None
    return found.hexdigest()


def _state(place: Path, without: Sequence[str]) -> Iterator[tuple[str | int, ...]]:
    """Yield what tells whether a file, or anything below a folder, has been changed, added or removed. Raises ValueError
    for a link: what it leads to may change unseen."""
    told = place.lstat()
    if stat.S_ISLNK(told.st_mode):
        raise ValueError(f"{place} is a link.")
    if not stat.S_ISDIR(told.st_mode):
        yield str(place), told.st_mode, told.st_size, told.st_ino, told.st_mtime_ns, told.st_ctime_ns
        return
    yield str(place), told.st_mode
    for path in sorted(place.iterdir()):
        if path.name not in without:
            yield from _state(path, without)
