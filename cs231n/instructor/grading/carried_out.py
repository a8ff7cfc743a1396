"""What the command `grade` does, and what it prints."""

import argparse
import shlex
import sys
from pathlib import Path

from ...whole_file import NotWritten
from ..late_policy import told
from ..reports import current, pages
from ..reports import marks as marks_files
from ..reports.marks import Marks
from ..reports.records import Record, State
from ..sandbox.launcher import Launcher
from . import roster as rosters
from .found_files import named
from .grading import grade_folder
from .late_days import counts
from .rubric import Rubric
from .settings import Lists, settled, settled_lists
from .unchanged import Said, Watch
from .worker import CutShort


def carried_out(options: argparse.Namespace, launcher: Launcher | None) -> int:
    """Grade as the options say, and print what came out. Returns 0, or 1 if the run was cut short.

    launcher: forks the sandboxes of the run, if it has been started.
    """
    watch, said = Watch.begun(options.submissions, options.out, options.gallery), Said()
    given = Lists(options.roster, options.members, options.times, options.days_used)
    lists, of_lists = settled_lists(options.out, given, options.resume)
    rubric, remembered = settled(options.out, options.rubric, options.course, options.resume, lists)
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
            said=said,
            launcher=launcher,
        )
    except NotWritten as error:
        advice = "All other files are complete. Free some space, or make the folder writable; then continue with --resume."
        raise OSError(f"{error} {advice}") from None
    except (CutShort, KeyboardInterrupt) as error:
        done = len(list((options.out / "rows").glob("*.json")))
        kept = f"{done} result{' is' if done == 1 else 's are'} kept in {options.out}/rows"
        print(f"{str(error) or 'Interrupted.'} {kept}: continue with --resume.", file=sys.stderr)
        return 1
    made = watch.made()  # before marks are read: those that come later are seen by the next run
    marks = marks_files.read(options.out, rubric)
    unmarked = pages.waiting(records, rubric, marks)
    _tell_late(records, rubric, marks, said)
    said.result(f"{len(records)} submissions: {options.out}/grades.csv, feedback/, summary.html.")
    if unreadable := [record.student for record in records if record.verdict is State.UNREADABLE]:
        said.result(
            f"Could not be read: {named(unreadable)}. summary.html says why; they have no points for exercises or answers."
        )
    said.result(_to_mark(unmarked, options.out))
    if not current.outdated(options.out, records, rubric, marks):
        said.errors[:0] = _said_first(options.out)
        watch.keep(said, made)
    return 0


def _said_first(out: Path) -> list[str]:
    """Return the sentences with which a later run that is given nothing but the folders begins."""
    rubric, remembered = settled(out, None, None, resume=True)
    return [*rubric.notices, *remembered, *settled_lists(out, Lists(), resume=True)[1]]


def _to_mark(unmarked: int, out: Path) -> str:
    """Return a sentence on the answers that are not marked yet."""
    if not unmarked:
        return "All answers are marked."
    return (
        f"{unmarked} answer{' has' if unmarked == 1 else 's have'} to be marked. In the browser:\n"
        f"  {shlex.join([sys.executable, '-m', 'cs231n.instructor', 'mark', str(out)])}\n"
        "or in marking/question-N.csv, next to question-N.html. Then run the same `grade` command again, with --resume."
    )


def _tell_late(records: list[Record], rubric: Rubric, marks: Marks, said: Said) -> None:
    """Print how many were late, if the course says when the work is due."""
    if not (late := rubric.course.late):
        return
    of_all = (rubric.deduction(record, rubric.score(record, marks.get(record.student, {}))) for record in records)
    found = counts(records, late, of_all)
    zone = late.zone_name or f"this machine's zone, {late.due.tzname()}, since the course's file names none"
    said.notice(f"Due: {told(late.due)}. Times without a zone are read in {zone}.")
    said.notice(f"{found.late} late, {found.deducted} of them with a deduction.")
    if found.unknown:
        said.notice(
            f"{found.unknown} without a known time ({found.unknown_late} of them late according to the platform): nothing is "
            "deducted. Supply the times with --times."
        )
