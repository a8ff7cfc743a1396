"""What became of every file below the folder, and what of it an instructor should look at."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..reports.records import Record, State
from ..sandbox.inside import limits
from . import layouts
from .found_files import IGNORED, NAMED_LIMIT, kind_of, named, printable, shown_path
from .layouts import is_folder
from .owners import Student, Submission
from .places import MANY
from .reasons import Reason, Why


@dataclass(frozen=True)
class File:
    """What became of one file below the folder of submissions.

    student: the key of whose it is, "" for nobody's. why: it does not count.
    """

    path: str
    student: str
    counted: bool
    why: Why


def with_unreadable(files: Sequence[File], records: Iterable[Record]) -> list[File]:
    """Return Files, with what grading found out since: a file that counts and could not be read says so."""
    unreadable = {record.submission: record.note for record in records if record.verdict is State.UNREADABLE}
    return [
        replace(file, counted=False, why=Why.problem(unreadable[file.path]) if unreadable[file.path] else Why(Reason.UNREADABLE))
        if file.counted and file.path in unreadable
        else file
        for file in files
    ]


def files_of_all(
    folder: Path, students: dict[str, Student], found: dict[str, Submission], nobodys: dict[Path, Why]
) -> list[File]:
    """Return a File for every file below the folder, sorted by path; links and what cannot be listed are files, too."""
    owners = {entry: key for key, student in students.items() for entry in student.entries}
    counting = {found[key].path: key for key in found}
    others = {attempt.path: key for key, student in students.items() for attempt in student.attempts}
    files: list[File] = []
    waiting: deque[tuple[Path, str, Why | None]] = deque([(folder, "", None)])
    seen = Counter[str]()
    while waiting:
        here, key, hidden = waiting.popleft()
        seen[key] += 1
        try:
            entries = sorted(here.iterdir())
        except OSError as error:
            why_not = Why(Reason.NOT_LISTED, str(error.strerror))
            files.append(File(shown_path(here, folder), printable(key), False, why_not))
            continue
        if key and seen[key] > limits.FOLDERS_OF_STUDENT:
            why_not = Why(Reason.TOO_MANY_FOLDERS, str(limits.FOLDERS_OF_STUDENT))
            files.append(File(shown_path(here, folder), printable(key), False, why_not))
            continue
        for entry in entries:
            whose = key or owners.get(entry, "")
            why = hidden or nobodys.get(entry) or _left_by_a_system(entry)
            if is_folder(entry):
                waiting.append((entry, whose, why))
            else:
                files.append(_file(entry, whose, why, counting, others, found, folder))
    listed = {file.student for file in files}
    empty = [one for one in found.values() if one.student not in listed]
    files += [File(f"{one.shown}/", one.student, False, Why.problem(one.problem)) for one in empty]
    return sorted(files, key=lambda file: file.path)


def _file(
    entry: Path,
    key: str,
    why: Why | None,
    counting: Mapping[Path, str],
    others: Collection[Path],
    found: Mapping[str, Submission],
    folder: Path,
) -> File:
    path, student = shown_path(entry, folder), printable(key)
    if entry in counting:
        problem = found[counting[entry]].problem
        return File(path, student, not problem, Why.problem(problem))
    return File(path, student, False, why or _why_not(entry, key, others, found))


def _why_not(entry: Path, key: str, others: Collection[Path], found: Mapping[str, Submission]) -> Why:
    """Return why a file does not count that nothing was known about before. key: of whose it is, "" for nobody's."""
    if not key:
        return Why(Reason.NOBODYS)
    if entry.is_symlink():
        return Why(Reason.LINK)
    if entry.name == layouts.GRADESCOPE:
        return Why(Reason.NOT_BELIEVED)
    if entry in others:
        return Why(Reason.OTHER_ATTEMPT, found[key].shown)
    return Why(Reason.NOTHING_TO_GRADE) if found[key].problem else Why(Reason.BESIDE, found[key].shown)


def _left_by_a_system(entry: Path) -> Why | None:
    if entry.name.startswith("."):
        return Why(Reason.HIDDEN)
    return Why(Reason.OF_A_SYSTEM) if entry.name.lower() in IGNORED or entry.name.startswith("__") else None


def unusual(found: list[Submission], files: list[File]) -> list[str]:
    """Return sentences on what an instructor should look at."""
    notices = []
    if problems := [f"{one.student}: {one.problem}" for one in found if one.problem]:
        notices.append(f"Submissions that cannot be graded: {len(problems)}. {' '.join(problems[:NAMED_LIMIT])}")
    if several := [one.student for one in found if one.earlier]:
        notices.append(f"{named(several)}: several attempts, of which the latest counts.")
    if crowded := [one.student for one in found if len(one.earlier) >= MANY]:
        notices.append(
            f"{named(crowded)}: so many files could count that one folder or name may hold several students' work. "
            "If so, pass that folder as SUBMISSIONS."
        )
    if len(found) == 1 and not found[0].problem and found[0].path.suffix.lower() not in (".ipynb", ".py"):
        notices.append(f"{found[0].shown} is all there is. If it is the export of a whole class, unpack it first.")
    looked_at = (
        (Reason.LINK, "links, which are not followed"),
        (Reason.NOT_BELIEVED, "a Gradescope list inside a submission; ignored"),
        (Reason.NOBODYS, "files that belong to nobody"),
    )
    for reason, words in looked_at:
        if paths := [file.path for file in files if file.why.reason is reason]:
            notices.append(f"{named(paths)}: {words}.")
    rowless, hidden = hidden_work(files)
    if rowless:
        notices.append(
            f"{named(rowless)}: hidden files, which never count and belong to no student here. "
            "If one is a student's, rename it so that it does not begin with a dot, and grade again."
        )
    if hidden:
        notices.append(f"{named(hidden)}: hidden files, which never count.")
    if closed := [file.path for file in files if file.why.reason in (Reason.NOT_LISTED, Reason.TOO_MANY_FOLDERS)]:
        notices.append(f"{named(closed)}: folders that could not be looked into.")
    return notices


def hidden_work(files: list[File]) -> tuple[list[str], list[str]]:
    """Return (hidden paths that nobody has a row for, other hidden paths), of what could count if it were not hidden.

    Jupyter's checkpoints are not among them; what macOS writes beside a file of the same name is among the others.
    """
    paths = {file.path for file in files}
    rowless: list[str] = []
    others: list[str] = []
    for file in files:
        path = Path(file.path)
        if file.why.reason is Reason.HIDDEN and kind_of(path) and ".ipynb_checkpoints" not in path.parts:
            is_twin = path.name.startswith("._") and str(path.with_name(path.name[2:])) in paths
            (others if file.student or is_twin else rowless).append(file.path)
    return rowless, others
