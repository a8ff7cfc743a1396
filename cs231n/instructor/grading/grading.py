"""Grade a folder of submissions: each becomes one record, whatever it holds, and the records become grades and pages.

Everything that a student wrote runs in the sandbox. What is right is known here alone, drawn at random.
"""

import contextlib
import dataclasses
import sys
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from ...checks.guard import own_settings
from ...checks.report import Verdict
from ..reports import marks as marks_files
from ..reports import pages, writing
from ..reports.deductions import Deduction
from ..reports.grades import write_intake
from ..reports.marks import Marks
from ..reports.records import Record
from ..reports.reference import REFERENCE, Reference, reference_material
from ..sandbox.inside.cage import ISOLATION, PROTECTIONS, PROTECTIONS_INSTEAD
from ..sandbox.launcher import Launcher
from . import rubric as rubrics
from .accounting import with_unreadable
from .course_material import as_asked
from .folder import kept_row, set_aside, write_row
from .found_files import named
from .handed_in import with_files_beside
from .kept_exam import keep, kept_exam
from .late_days import notices_on_days_used, require_known
from .on_dask import by_dask, checked_cluster
from .owners import Submission
from .pool import by_workers, started_ahead
from .roster import Roster
from .rubric import Rubric
from .run import Asked, Run, cells_of, draw_the_rest
from .settings import Lists, remember
from .submissions import Intake, intake
from .unchanged import Said
from .whom import everybody
from .worker import Graded, close_sandbox, in_worker, unreadable_one


def grade_folder(
    folder: Path,
    out: Path,
    jobs: int | None = None,
    rubric: Rubric | None = None,
    resume: bool = False,
    scheduler: str | None = None,
    *,
    without_isolation: bool = False,
    roster: Roster | None = None,
    gallery: Sequence[str] = (),
    lists: Lists | None = None,
    said: Said | None = None,
    launcher: Launcher | None = None,
) -> list[Record]:
    """Grade the submissions in a folder, write `out`, and return the records, one for each student.

    jobs: how many at once, in as many processes; None for one after the other in this very process. rubric: a Rubric, by
    default the kit's. resume: keep the rows that are there. scheduler: the address of Dask's, to run there. without_isolation:
    go on where submissions cannot be kept from the machine's files and processes. roster: a Roster. gallery: the students
    whose pictures may be in the summary. lists: of members and of times. said: collects what is said. launcher: forks the
    workers' sandboxes, if one has been started. Raises ValueError if there is nothing to grade, if `out` holds another run or is
    being written, and for what the lists may not say; NotWritten for a file that the disk has no room for.
    """
    rubric, out, lists = rubric or rubrics.load(), Path(out), lists or Lists()
    writing.require_apart(folder, out)
    found = intake(folder, roster, lists.members, lists.times)
    people = everybody(found.submissions, found.absent)
    if rubric.course.late:
        require_known(rubric.course.late, people)
    found.notices += notices_on_days_used(rubric.days_used, people, rubric.course.late)
    found.submissions = with_files_beside(found.submissions, folder)
    _require_known(gallery, found.submissions)
    reference = as_asked(reference_material(REFERENCE), rubric)
    cells = cells_of(rubric)  # what contradicts the notebook is said before the work
    with writing.only_grader(out):
        return _grade_into(
            out,
            found,
            reference,
            cells,
            jobs,
            rubric,
            resume,
            scheduler,
            gallery,
            without_isolation,
            lists,
            said or Said(),
            launcher,
        )


def _grade_into(
    out: Path,
    found: Intake,
    reference: Reference,
    cells: Mapping[str, str],
    jobs: int | None,
    rubric: Rubric,
    resume: bool,
    scheduler: str | None,
    gallery: Sequence[str],
    without_isolation: bool,
    lists: Lists,
    said: Said,
    launcher: Launcher | None,
) -> list[Record]:
    """Grade an Intake into `out`, which no other grader writes meanwhile; return the records."""
    rows = out / "rows"
    if not resume and rows.is_dir() and any(rows.iterdir()):
        raise ValueError(f"{out} holds the results of an earlier run. Continue it with --resume, or name another folder.")
    if not resume and (out / "marking").is_dir():
        raise ValueError(f"{out}/marking holds marks already. Continue with --resume, or name another folder.")
    students = [submission.student for submission in found.submissions]
    marks_files.read(out, rubric, students)  # what is wrong there is said before the work, not after it
    # Before answers change, so that what was marked in the browser has its row in the marks files.
    marks_files.merge(out, rubric, expected=students)
    write_intake(out / "intake.csv", found.files)
    _tell_unusual(found.notices, set_aside(out, found.submissions), out, said)
    kept = {submission.student: kept_row(rows, submission, rubric) for submission in found.submissions}
    missing = [submission for submission in found.submissions if kept[submission.student] is None]
    by_student = {student: record for student, record in kept.items() if record is not None}
    _tell_without_sources(by_student.values(), rows, said)
    rows.mkdir(parents=True, exist_ok=True)
    remember(out, rubric, lists)
    with contextlib.closing(_graded(missing, rubric, cells, jobs, scheduler, without_isolation, out, launcher)) as results:
        for record in results:
            write_row(rows, record)
            by_student[record.student] = record
    records = [by_student[submission.student] for submission in found.submissions]
    for student, question, points in marks_files.outdated(out, rubric):
        said.news(f"{student}, {question}: the answer has changed since it got {points:g} points. It has to be marked again.")
    for conflict in marks_files.merge(out, rubric):
        said.news(str(conflict))
    marks = marks_files.read(out, rubric)
    write_intake(out / "intake.csv", with_unreadable(found.files, records))
    pages.write_pages(out, records, rubric, marks, reference, found.absent, gallery, _deductions(records, rubric, marks))
    return records


def _deductions(records: Iterable[Record], rubric: Rubric, marks: Marks) -> dict[str, list[Deduction]]:
    """Return, by student, what is taken off for late days."""
    found = {record.student: rubric.deduction(record, rubric.score(record, marks.get(record.student, {}))) for record in records}
    return {student: [deduction] for student, deduction in found.items() if deduction}


def _require_known(gallery: Iterable[str], found: Iterable[Submission]) -> None:
    known = {submission.student for submission in found}
    for student in gallery:
        if student not in known:
            raise ValueError(
                f"--gallery names {student}, who handed in nothing. Write the id as in grades.csv, without its apostrophe."
            )


def _tell_unusual(notices: Collection[str], gone: Collection[str], out: Path, said: Said) -> None:
    """Print what a person should look at. gone: of this what only this run has to say."""
    heading = f"Please check ({out}/intake.csv has a line for every file):"
    if notices:
        said.notice(heading)
    elif gone:
        said.news(heading)
    for notice in notices:
        said.notice(f"  {notice}")
    for notice in gone:
        said.news(f"  {notice}")


def _tell_without_sources(kept: Iterable[Record], rows: Path, said: Said) -> None:
    """Print which results an earlier version of the kit made, which kept no code beside them."""
    done = [record for record in kept if any(result.verdict is not Verdict.MISSING for result in record.exercises.values())]
    if without := [record.student for record in done if not record.sources]:
        said.notice(
            f"{named(without)}: graded by an earlier version of this kit, which did not keep the code with the results. They "
            "stay as they are, so there is no code of theirs in feedback and in comparisons. To grade them again, remove their "
            f"files from {rows} and run `grade --resume`."
        )


def _graded(
    found: list[Submission],
    rubric: Rubric,
    cells: Mapping[str, str],
    jobs: int | None,
    scheduler: str | None,
    without_isolation: bool,
    out: Path,
    launcher: Launcher | None,
) -> Generator[Record, None, None]:
    """Yield the records of Submissions as they come, in any order. Raises CutShort with a sentence where it cannot go on.

    out: the folder that has the exam of an earlier run, or is given this one's. launcher: for started_ahead().
    """
    if not found:
        return
    with contextlib.ExitStack() as ends:
        if jobs is None and scheduler is None and len(found) == 1:
            ends.callback(close_sandbox)
            asked = Asked.by_the_kit().following(rubric, cells)
            if unread := unreadable_one(dataclasses.replace(asked, without_isolation=without_isolation), found[0]):
                yield unread[0]
                return
        here = scheduler is None and jobs is not None
        cluster = ends.enter_context(checked_cluster(scheduler, found)) if scheduler is not None else None
        ahead = ends.enter_context(started_ahead(min(jobs or 1, len(found)), launcher)) if here else None
        kept = kept_exam(out, without_isolation)
        with own_settings():
            drawn = (Run.of(kept) if kept else Run.drawn()).following(rubric, cells)
        run = dataclasses.replace(drawn, without_isolation=without_isolation)
        if cluster is not None:
            with own_settings():  # here: another machine's processor rounds its way, and might draw another exam
                draw_the_rest(run.exam)
            results = by_dask(run, found, jobs or 1, cluster)
        else:
            results = _here(run, found) if ahead is None else by_workers(run, found, jobs or 1, ahead)
        ends.enter_context(contextlib.closing(results))
        told = begun = False
        for record, protections in tqdm(results, total=len(found), unit="submission", file=sys.stderr, disable=None):
            if not told and protections is not None:
                _tell(protections)
                told = True
                if not kept and not without_isolation:
                    begun = keep(out, run.exam, protections)
            yield record
        if begun and here:  # so that a late submission does not wait for it
            with own_settings():
                draw_the_rest(run.exam)
            keep(out, run.exam, ISOLATION)


def _here(run: Run, found: Iterable[Submission]) -> Generator[Graded, None, None]:
    """Yield (record, protections) of Submissions, graded in this very process."""
    try:
        for submission in found:
            yield in_worker(run, submission)
    finally:
        close_sandbox()


def _tell(protections: Collection[str]) -> None:
    """Print which protections are in force on the machine that graded first, and which are not."""
    instead = {name: meaning for name, meaning in PROTECTIONS_INSTEAD.items() if name in protections}
    for name, meaning in (PROTECTIONS | instead).items():
        tqdm.write(f"{'in force' if name in protections else 'NOT in force'}: {meaning}", file=sys.stderr)
