"""The command `export`: its options, what it writes, and what it prints."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....whole_file import NotWritten
from ...grading import roster as rosters
from ...grading.found_files import named, printable
from ...grading.rubric import Rubric
from ...grading.settings import Lists, settled, settled_lists
from ...reports import current, writing
from ...reports import marks as marks_files
from ...reports.marks import Marks
from ...reports.records import Record, State
from ..gradebook import read_records
from .blackboard import Blackboard
from .brightspace import Brightspace
from .canvas import Canvas
from .gradescope import Gradescope
from .handing_back import (
    PAGES,
    HandBack,
    Wishes,
    counted,
    feedback_zip,
    from_ids,
    into_gradebook,
    left_out_table,
    mail_merge,
    page_of,
)
from .lms import Platform, Student
from .moodle import Moodle
from .sheet import Sheet
from .students import students_of

PLATFORMS: dict[str, Platform] = {one.key: one for one in (Canvas(), Moodle(), Brightspace(), Blackboard(), Gradescope())}
MAIL_MERGE, LEFT_OUT = "mail_merge.csv", "left_out.csv"
REASONS_LIMIT = 20  # students named with a reason on the console; left_out.csv has them all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `export` takes to an argparse parser."""
    parser.description = (
        "Write grades and feedback for upload to a learning platform: its grades file, a zip of feedback pages where it takes "
        "one, and a list for mail merge with a page for each student. Nothing is sent anywhere."
    )
    parser.add_argument("grades", type=Path, metavar="GRADES", help="the folder that `grade` wrote")
    parser.add_argument("--to", required=True, choices=PLATFORMS, help="the learning platform")
    parser.add_argument(
        "--gradebook",
        type=Path,
        metavar="FILE",
        help="the platform's own CSV file: this assignment's column is filled, and every other byte stays as it is",
    )
    parser.add_argument("--column", metavar="NAME", help="this assignment's column in the gradebook, or its name on the platform")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="the folder to write (default: GRADES/export/PLATFORM)")
    parser.add_argument(
        "--partial", action="store_true", help=f"write even if students are left out; {LEFT_OUT} says who, and why"
    )
    parser.add_argument(
        "--unmarked-as-zero", action="store_true", help="hand back unfinished grades, too; unmarked answers count as 0"
    )
    parser.add_argument(
        "--zero-missing",
        action="store_true",
        help="give 0 to students in the gradebook who have neither a submission nor points there",
    )
    parser.add_argument(
        "--cap",
        action="store_true",
        help="lower points above the column's maximum to that maximum; without --gradebook, to full marks without the bonus",
    )


def run(options: argparse.Namespace) -> int:
    """Write the folder. Returns 0, or 1 if students are left out and --partial is not given; then nothing is written."""
    platform = PLATFORMS[options.to]
    out = options.out or options.grades / "export" / platform.key
    records = read_records(options.grades)
    rubric, remembered = settled(options.grades, None, None, resume=True)
    for notice in (*rubric.notices, *remembered):
        print(notice, file=sys.stderr)
    _require_own(out, platform)
    wishes = Wishes(rubric.course.assignment.title, options.column, options.cap, options.unmarked_as_zero, options.zero_missing)
    if options.zero_missing and not options.gradebook:
        raise ValueError("--zero-missing needs --gradebook: only the platform's own file says who handed in nothing.")
    sheet = Sheet.read(options.gradebook) if options.gradebook else None
    with writing.only_grader(options.grades):
        marks = marks_files.read(options.grades, rubric)
        _require_current(options.grades, records, rubric, marks)
        conflicts = marks_files.conflicts(options.grades, rubric, records)
        students, full = list(students_of(records, rubric, marks, _roster(options.grades))), rubric.full_marks()
        done = into_gradebook(students, sheet, platform, full, wishes) if sheet else from_ids(students, platform, full, wishes)
        pages = [page_of(options.grades, student) for student, _ in done.given]
    for conflict in conflicts:
        print(conflict, file=sys.stderr)
    _tell(done, platform, records)
    if done.left_out and not options.partial:
        print(
            f"Nothing is written. Settle these, or add --partial to hand back the others' grades.{_ways(done)}", file=sys.stderr
        )
        return 1
    if not done.given:
        print("There is no grade to hand back; nothing is written.", file=sys.stderr)
        return 1
    files, without = _files(done, pages, platform)
    _replace(out, files)
    _tell_files(out, files, without, platform)
    return 0


def _roster(grades: Path) -> rosters.Roster | None:
    """Return the roster with which a folder was graded, None if there was none."""
    path = settled_lists(grades, Lists(), resume=True)[0].roster
    return rosters.load(path) if path else None


def _require_current(grades: Path, records: Sequence[Record], rubric: Rubric, marks: Marks) -> None:
    """Raise ValueError if a record, a mark or the course's points are not those that the pages were made from."""
    if stale := current.outdated(grades, records, rubric, marks):
        names = ", ".join(stale[:8]) + (f" and {len(stale) - 8} more" if len(stale) > 8 else "")
        raise ValueError(
            f"{grades}/grades.csv and feedback/ are older than the results or the marks of {names}. Run `grade --resume` first, "
            "so that both are up to date."
        )


def _require_own(out: Path, platform: Platform) -> None:
    """Raise ValueError if a folder holds what this command did not write: it is replaced as a whole."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f"--out {out} is a file; expected a folder.")
    names = {f"{platform.key}_feedback.zip", PAGES, MAIL_MERGE, LEFT_OUT}
    others = [path.name for path in out.iterdir() if path.name not in names and path.stem != f"{platform.key}_grades"]
    others += [f"{PAGES}/{path.name}" for path in (out / PAGES).glob("*") if path.suffix != ".html"]
    if others:
        raise ValueError(
            f"--out {out} would be replaced, but holds other files ({', '.join(sorted(others)[:4])}). Name another folder."
        )


def _files(done: HandBack, pages: Sequence[bytes], platform: Platform) -> tuple[dict[str, bytes], list[str]]:
    """Return ({path below the folder: content}, the keys of students for whom the zip has no place)."""
    ending, grades = done.grades
    listed, paths = mail_merge(done.given, done.most)
    packed, without = feedback_zip(done.given, pages, platform)
    files = {f"{platform.key}_grades{ending}": grades, MAIL_MERGE: listed.encode("utf-8", "surrogatepass")}
    if packed:
        files[f"{platform.key}_feedback.zip"] = packed
    if done.left_out:
        files[LEFT_OUT] = left_out_table(done.left_out).encode("utf-8", "surrogatepass")
    return files | dict(zip(paths, pages, strict=True)), without


def _replace(out: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder whole: what was there before goes when everything is written. Raises NotWritten."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".part-") as place:
            for name, content in files.items():
                path = Path(place) / "new" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            _swap(out, Path(place) / "new", Path(place) / "old")
    except OSError as error:
        raise NotWritten(out, error) from error


def _swap(out: Path, new: Path, old: Path) -> None:
    """Put a folder in the place of another, which is moved away, and moved back if that fails."""
    if out.exists():
        out.rename(old)
    try:
        new.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise


def _tell(done: HandBack, platform: Platform, records: Sequence[Record]) -> None:
    for notice in done.notices:
        print(notice, file=sys.stderr)
    if unreadable := [record.student for record in records if record.verdict is State.UNREADABLE]:
        they_get = "it gets" if len(unreadable) == 1 else "they get"
        what = f"{counted(len(unreadable), 'submission')} could not be read ({named(unreadable)})"
        print(f"{what}; {they_get} the points in grades.csv.", file=sys.stderr)
    if unmarked := [student.key for student, _ in done.given if student.unmarked]:
        print(f"Students with unmarked answers, which count as 0: {len(unmarked)}. {named(unmarked)}.", file=sys.stderr)
    if done.left_out:
        print(f"{counted(len(done.left_out), 'student')} without a grade in the file for {platform.name}:", file=sys.stderr)
    for one in done.left_out[:REASONS_LIMIT]:
        print(printable(f"  {_called(one.student)} {one.why}."), file=sys.stderr)
    if len(done.left_out) > REASONS_LIMIT:
        print(f"  and {len(done.left_out) - REASONS_LIMIT} more.", file=sys.stderr)


def _ways(done: HandBack) -> str:
    """Return what else settles some of those who are left out, as a sentence with a space before it, or ""."""
    if not any(one.student.unmarked for one in done.left_out):
        return ""
    return " --unmarked-as-zero counts unmarked answers as 0."


def _called(student: Student) -> str:
    return student.key if student.key == student.name else f"{student.key}, {student.name},"


def _tell_files(out: Path, files: Mapping[str, bytes], without: Sequence[str], platform: Platform) -> None:
    pages = [content for name, content in files.items() if name.startswith(f"{PAGES}/")]
    print(f"{counted(len(pages), 'grade')} in {out}:")
    for name, content in files.items():
        if "/" not in name:
            print(f"  {name}, {_size(content)}")
    print(f"  {PAGES}/, {counted(len(pages), 'page')}, {_size(b''.join(pages))}")
    if without and platform.takes_zip:
        print(
            f"{counted(len(without), 'page')} not in the zip, since no file name in a download from {platform.name} says where "
            f"to put them: {named(list(without))}.",
            file=sys.stderr,
        )
    print(platform.on_grades)
    if not platform.takes_zip or len(without) < len(pages):
        print(platform.on_feedback)


def _size(content: bytes) -> str:
    return f"{len(content) / 1e6:.1f} MB" if len(content) >= 1e5 else f"{max(1, round(len(content) / 1000))} kB"
