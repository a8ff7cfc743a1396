"""What a submission can import: of the installed packages those that the students' requirements name, and what these need."""

import csv
import importlib.metadata
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LEFT_OUT = {"", "..", "__pycache__"}  # of the first parts of paths in a package's list of files: programs, pages of manuals


def student_packages(requirements: Path) -> dict[str, Path]:
    """Return {name: path} of the files and folders that a submission may import from, by the name that it imports.

    requirements: the path of the students' requirements.txt. What it names and is not installed is left out, and so are .pth
    files: they lead elsewhere.
    """
    lines = Path(requirements).read_text(encoding="utf-8").splitlines()
    wanted = [line.partition("#")[0].strip() for line in lines]
    return dict(_entries(tuple(line for line in wanted if line)))


@cache
def _entries(wanted: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    entries: dict[str, Path] = {}
    for distribution in _with_dependencies(map(Requirement, wanted)):
        for name in _top_names(distribution):
            path = Path(distribution.locate_file(name))
            if path.exists():
                entries.setdefault(name, path)
    return tuple(entries.items())


def _with_dependencies(wanted):
    """Yield the installed Distributions that requirements lead to, each once."""
    found, waiting = set(), list(wanted)
    while waiting:
        requirement = waiting.pop()
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key in found:
            continue
        found.add(key)
        try:
            distribution = importlib.metadata.distribution(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            continue
        yield distribution
        needed = map(Requirement, distribution.requires or [])
        waiting += [more for more in needed if _applies(more, requirement.extras)]


def _applies(requirement, extras):
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _top_names(distribution):
    """Return the names beside each other in site-packages that a Distribution has installed."""
    paths = _installed_paths(distribution)
    if paths is None:  # as Debian packs them
        told = distribution.read_text("top_level.txt") or distribution.metadata["Name"]
        return {kind for name in told.split() for kind in (name, f"{name}.py")}
    names = {path.partition("/")[0] for path in paths}  # of an absolute path nothing
    return {name for name in names - LEFT_OUT if not name.endswith((".pth", ".egg-link")) and not name.startswith("__editable__")}


def _installed_paths(distribution):
    """Return the paths of a Distribution's files, None if it does not say. Its own `files` takes a second for PyTorch alone."""
    record = distribution.read_text("RECORD")
    if record is not None:
        return [row[0] for row in csv.reader(record.splitlines()) if row]
    return None if (files := distribution.files) is None else [file.as_posix() for file in files]
