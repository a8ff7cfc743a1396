"""The command `grade`: its options, and what it prints."""

import argparse
import shlex
import sys
from pathlib import Path

from ...whole_file import NotWritten
from ..late_policy import told
from ..reports import marks as marks_files
from ..reports import pages
from ..reports.grades import NO_SUBMISSION
from ..reports.marks import Marks
from ..reports.records import Record, State
from . import roster as rosters
from .found_files import named
from .grading import grade_folder
from .late_days import counts
from .rubric import Rubric
from .settings import Lists, settled, settled_lists
from .worker import CutShort


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `grade` takes to an argparse parser."""
    parser.description = (
        "Grade a folder of submissions into GRADES: grades.csv, feedback pages, marking pages, summary.html, and intake.csv, "
        "which says for every file in SUBMISSIONS whose it is and whether it counted."
    )
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="the folder with what students handed in")
    parser.add_argument("--out", required=True, type=Path, metavar="GRADES", help="the folder to write; made if it is new")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many submissions at once (default: 1)")
    parser.add_argument(
        "--course",
        type=Path,
        metavar="FILE",
        help="the course's own TOML file, as for `release`; GRADES remembers it, and --resume uses it again",
    )
    parser.add_argument(
        "--rubric",
        type=Path,
        metavar="FILE",
        help="a TOML file with the fraction of the points that a mistake keeps, where yours differs from the kit's; GRADES "
        "remembers it",
    )
    parser.add_argument(
        "--roster",
        type=Path,
        metavar="FILE",
        help="a CSV file with the columns id and name, and others that identify a student (email, login ...): gives ids and "
        f"names; whoever handed in nothing gets a row in grades.csv with the verdict '{NO_SUBMISSION}'; GRADES remembers it",
    )
    parser.add_argument(
        "--members",
        type=Path,
        metavar="FILE",
        help="a CSV file with the columns group (or submission) and id, one line per member of a group: each gets a row in "
        "grades.csv; GRADES remembers it",
    )
    parser.add_argument(
        "--times",
        type=Path,
        metavar="FILE",
        help="a CSV file with the columns id and time, or Moodle's grading worksheet: when each submission was handed in, if "
        "the file names do not say so; GRADES remembers it",
    )
    parser.add_argument(
        "--days-used",
        type=Path,
        metavar="FILE",
        help="a CSV file with the columns id and days used: the free late days that earlier assignments took; GRADES "
        "remembers it",
    )
    parser.add_argument(
        "--gallery",
        nargs="+",
        action="extend",
        default=[],
        metavar="STUDENT",
        help="students whose pictures may be shown, without a name, in summary.html (default: nobody's)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="keep the results in GRADES, grade what is new or has changed, and add the marks"
    )
    parser.add_argument(
        "--backend", choices=["loky", "dask"], default="loky", help="where to grade: on this machine (loky), or on a Dask cluster"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="the address of Dask's scheduler, such as tcp://10.0.0.1:8786")
    parser.add_argument(
        "--without-isolation",
        action="store_true",
        help="grade even if submissions cannot be isolated from this machine's files and processes; every page then says so",
    )


def run(options: argparse.Namespace) -> int:
    """Grade, and print what came out. Returns 0, or 1 if the run was cut short: `--resume` goes on then."""
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}; expected 1 or more.")
    if (options.backend == "dask") != bool(options.scheduler):
        raise ValueError("--backend dask and --scheduler ADDRESS go together.")
    given = Lists(options.roster, options.members, options.times, options.days_used)
    lists, of_lists = settled_lists(options.out, given, options.resume)
    rubric, remembered = settled(options.out, options.rubric, options.course, options.resume, lists.days_used)
    roster = rosters.load(lists.roster) if lists.roster else None
    for notice in (*rubric.notices, *remembered, *of_lists):
        print(notice, file=sys.stderr)
    try:
        records = grade_folder(
            options.submissions,
            options.out,
            options.jobs,
            rubric,
            options.resume,
            options.scheduler,
            without_isolation=options.without_isolation,
            roster=roster,
            gallery=options.gallery,
            lists=lists,
        )
    except NotWritten as error:
        advice = "All other files are complete. Free some space, or make the folder writable; then continue with --resume."
        raise OSError(f"{error} {advice}") from None
    except (CutShort, KeyboardInterrupt) as error:
        done = len(list((options.out / "rows").glob("*.json")))
        print(
            f"{str(error) or 'Interrupted.'} {done} results are kept in {options.out}/rows: continue with --resume.",
            file=sys.stderr,
        )
        return 1
    marks = marks_files.read(options.out, rubric)
    unmarked = pages.waiting(records, rubric, marks)
    _tell_late(records, rubric, marks)
    print(f"{len(records)} submissions: {options.out}/grades.csv, feedback/, summary.html.")
    if unreadable := [record.student for record in records if record.verdict is State.UNREADABLE]:
        print(f"Could not be read: {named(unreadable)}. summary.html says why; they have no points for exercises or answers.")
    print(_to_mark(unmarked, options.out))
    return 0


def _to_mark(unmarked: int, out: Path) -> str:
    """Return a sentence on the answers that are not marked yet."""
    if not unmarked:
        return "All answers are marked."
    return (
        f"{unmarked} answer{' has' if unmarked == 1 else 's have'} to be marked. In the browser:\n"
        f"  {shlex.join([sys.executable, '-m', 'cs231n.instructor', 'mark', str(out)])}\n"
        "or in marking/question-N.csv, next to question-N.html. Then run the same `grade` command again, with --resume."
    )


def _tell_late(records: list[Record], rubric: Rubric, marks: Marks) -> None:
    """Print how many were late, if the course says when the work is due."""
    if not (late := rubric.course.late):
        return
    of_all = (rubric.deduction(record, rubric.score(record, marks.get(record.student, {}))) for record in records)
    found = counts(records, late, of_all)
    zone = late.zone_name or f"this machine's zone, {late.due.tzname()}, since the course's file names none"
    print(f"Due: {told(late.due)}. Times without a zone are read in {zone}.", file=sys.stderr)
    print(f"{found.late} late, {found.deducted} of them with a deduction.", file=sys.stderr)
    if found.unknown:
        print(
            f"{found.unknown} without a known time ({found.unknown_late} of them late according to the platform): nothing is "
            "deducted. Supply the times with --times.",
            file=sys.stderr,
        )
