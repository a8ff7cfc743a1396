"""Look at a student's files from outside: which can count, which are ignored, how their names are printed."""

import contextlib
import re
from collections import deque
from pathlib import Path

from ..sandbox.inside import limits
from ..sandbox.inside.reading import kind

NAMED_LIMIT = 12  # names in one sentence
IGNORED = {"thumbs.db", "desktop.ini", "grades.csv", "__macosx"}
UNPRINTABLE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def named(names: list[str]) -> str:
    """Return names in one line, the first dozen and how many more there are."""
    shown = ", ".join(printable(name) for name in names[:NAMED_LIMIT])
    return f"{shown} and {len(names) - NAMED_LIMIT} more" if len(names) > NAMED_LIMIT else shown


def is_ignored(entry: Path) -> bool:
    return entry.name.startswith(".") or entry.name.lower() in IGNORED


def kind_of(path: Path) -> int:
    """Return the rank of a file's kind; 0 for what is no submission. Of several files the highest counts."""
    return kind(path.name)


def files_inside(folder: Path) -> list[Path]:
    """Return the ordinary files in a folder and below it, the nearest first; without hidden ones, without following links."""
    found, waiting, seen = [], deque([folder]), 0
    while waiting and seen < limits.FOLDERS_OF_STUDENT:
        seen += 1
        with contextlib.suppress(OSError):  # a path can be too long to be opened
            for entry in sorted(waiting.popleft().iterdir()):
                if entry.name.startswith((".", "__")) or entry.is_symlink():
                    continue
                if entry.is_dir():
                    waiting.append(entry)
                elif entry.is_file():
                    found.append(entry)
    return found


def shown_path(path: Path, folder: Path) -> str:
    return printable(str(path.relative_to(folder)))


def printable(text: str) -> str:
    """Return a text that prints in one line and can be written as UTF-8; different texts stay different."""
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
