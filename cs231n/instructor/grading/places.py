"""Where the students' files and folders lie in what an export, or a person, has laid out."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..sandbox.inside.reading import is_expected
from . import layouts
from .found_files import files_inside, is_ignored, kind_of, named, printable
from .layouts import Owner, is_folder, stem
from .roster import Roster

OUTER_LIMIT = 8  # folders around the students' own
MANY = 4  # files with work, or folders for each file beside them: rather several students' than one's
AROUND = (".html", ".htm", ".xlsx", ".xls", ".csv", ".txt")  # what a platform may put beside the folder of an export
CONTAINERS = {"submitted", "submissions", "abgaben"}  # names of a folder around all students
OF_THE_KIT = {"cs231n", "datasets"}  # folders that lie in one student's own folder


@dataclass
class Place:
    """A folder whose entries are students'. prefix: what goes before their keys. platform, owners: as layouts.recognised()."""

    path: Path
    prefix: str = ""
    platform: str = ""
    owners: dict[str, Owner] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.entries: list[Path] = []
        with contextlib.suppress(OSError):  # one that cannot be listed costs the others nothing
            self.entries = sorted(entry for entry in self.path.iterdir() if not is_ignored(entry))

    def recognised(self) -> "Place":
        """Return the place with what a platform's names say. Raises ValueError for a list that is damaged."""
        self.platform, self.owners = layouts.recognised(self.path, self.entries, kind_of)
        return self


def places_in(folder: Path, roster: Roster | None) -> tuple[list[Place], list[str]]:
    """Return ([Place], notices): the folder itself, the one inside of it, or those in which an instructor sorted students.

    Where the roster knows one of the names, they are the students' own, and what lies in their folders is named by them.
    """
    place, notices = Place(folder).recognised(), []
    for _ in range(OUTER_LIMIT):
        inner = [entry for entry in place.entries if is_folder(entry)]
        beside = [entry for entry in place.entries if not is_folder(entry)]
        around = len(inner) == 1 and all(entry.suffix.lower() in AROUND for entry in beside)
        if place.platform or _knows_any(roster, place.entries) or not (around and _holds_students(inner[0])):
            break
        place = Place(inner[0]).recognised()
        notices.append(
            f"{printable(str(place.path.relative_to(folder)))} is the only folder, and is taken for one around the students: "
            f"each of the {len(place.entries)} files and folders in it is a student's own."
        )
    sections, undecided = ([], []) if place.platform else _sections(place, roster)
    if undecided:
        names = named([section.path.name for section in undecided])
        notices.append(
            f"{names}: taken for one student's own folder, although there are several folders with work in it; only one of "
            "those counts. If they are several students', move them up one level, or grade that folder on its own."
        )
    if sections:
        folders = [section.path for section in sections]
        names = named([entry.name for entry in folders])
        notices.append(f"{names}: folders around several students', so each folder in them is taken for a student's own.")
        place.entries = [entry for entry in place.entries if entry not in folders]
    return [place, *sections], notices


def _holds_students(folder: Path) -> bool:
    """Return whether the only folder there is holds several students' work, or looks like an export."""
    place = Place(folder)
    with contextlib.suppress(ValueError):  # a student's own file, perhaps; whoever goes in looks again
        if place.recognised().platform in ("Gradescope", *layouts.EXPORTS, "GitHub Classroom"):
            return True
    inner = [entry for entry in place.entries if is_folder(entry)]
    works = [entry for entry in place.entries if not is_folder(entry) and kind_of(entry) and entry.suffix.lower() != ".py"]
    if works or any(entry.name in OF_THE_KIT for entry in inner):
        return len(works) > 1 and not any(entry.name in OF_THE_KIT for entry in inner)
    with_work = [entry for entry in inner if _has_work(entry)]
    if len(with_work) == 1:
        return folder.name.lower() in CONTAINERS or _holds_students(with_work[0])
    return len(with_work) > 1


def _knows_any(roster: Roster | None, entries: Iterable[Path]) -> bool:
    return roster is not None and any(roster.knows(stem(entry)) for entry in entries)


def _sections(place: Place, roster: Roster | None) -> tuple[list[Place], list[Place]]:
    """Return (a Place for each folder among which students were sorted, those that look so but may be one student's own).

    A student may keep several folders, too, and names them. So all folders must look so, with nothing beside them, or with
    many times as many folders in them as there are files beside them. No name in one folder may be that of one in another, as
    assignments' are. And the roster must know nobody here, and either somebody in each folder or nobody in any: one student
    alone cannot arrange that.
    """
    inner = [Place(entry, f"{entry.name}/") for entry in place.entries if is_folder(entry)]
    works = {section.path: [entry for entry in section.entries if is_folder(entry) and _has_work(entry)] for section in inner}
    times = Counter(entry.name for folders in works.values() for entry in folders)
    alike = [section for section in inner if _is_like_a_section(section, works[section.path])]
    beside = len(place.entries) - len(inner)
    all_of_them = not beside and len(inner) > 1 and len(times) > len(inner)
    the_bulk = 0 < MANY * beside < len(times)
    somebody = {_knows_any(roster, works[section.path]) for section in inner}
    is_sorted = (
        len(alike) == len(inner)
        and (all_of_them or the_bulk)
        and max(times.values()) == 1
        and not _knows_any(roster, place.entries)
        and len(somebody) == 1
    )
    if is_sorted:
        return inner, []
    several = [section for section in alike if len(works[section.path]) > 1]
    return [], [section for section in several if any(times[entry.name] == 1 for entry in works[section.path])]


def _is_like_a_section(section: Place, folders: Sequence[Path]) -> bool:
    """Return whether a folder holds nothing to grade but the folders with work in it, and those are not of one student's kit."""
    loose = any(kind_of(entry) for entry in section.entries if not is_folder(entry))
    own = {entry.name for entry in folders}
    of_one = len([entry for entry in folders if _has_work(entry, is_expected)]) == 1  # the others are other assignments
    return bool(own) and not loose and not of_one and not OF_THE_KIT & own


def _has_work(
    folder: Path, is_wanted: Callable[[str], bool] = lambda name: is_expected(name) or not name.lower().endswith(".py")
) -> bool:
    """Return whether somewhere in a folder there is a notebook, an archive or the file of the exercises."""
    return any(kind_of(path) and is_wanted(path.name) for path in files_inside(folder))
