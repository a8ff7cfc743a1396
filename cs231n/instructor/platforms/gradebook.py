"""The way through nbgrader: scores, answers and comments of a graded folder in its gradebook, and marks from Formgrader back.

nbgrader never runs a student's code here. What Formgrader shows is a notebook made from the record of a submission: the
answers as text, the grader's messages, the student's figures as pictures.
"""

import argparse
import base64
import copy
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from tqdm import tqdm

from ...checks.explanations import MISTAKES
from ...notebook_file import picture_type
from ...whole_file import write_whole
from ..grading.rubric import Rubric
from ..grading.settings import settled
from ..release.edition import edition
from ..reports import marks as marks_files
from ..reports import records as records_files
from ..reports.marks import Mark, Marks
from ..reports.records import Member, Record, Result
from ..reports.reference import FIGURES
from ..reports.rendering import VERDICTS
from ..reports.safe import MOST_PICTURES, plain
from ..reports.writing import only_grader
from . import formgrader
from .gradebook_late import write_late_penalties
from .gradebook_marks import collect, remember

NO_AUTOGRADE = "graded by cs231n.instructor.txt"
# The place in a stub where a student writes.
STUB = re.compile(r"^( *)# YOUR CODE HERE\n\1raise NotImplementedError\(.*\)$", re.MULTILINE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `nbgrader` takes to an argparse parser."""
    parser.description = (
        "Put the results of `grade` into nbgrader's gradebook, or fetch the marks given in Formgrader from there."
    )
    parser.add_argument("grades", type=Path, metavar="GRADES", help="the folder that `grade` wrote")
    parser.add_argument("--course", required=True, type=Path, metavar="DIR", help="nbgrader's course folder; made if it is new")
    parser.add_argument("--assignment", required=True, metavar="NAME", help="the assignment's name in nbgrader")
    parser.add_argument(
        "--rubric",
        type=Path,
        metavar="FILE",
        help="a TOML file with the fraction of the points that a mistake keeps, where yours differs from the kit's",
    )
    parser.add_argument("--collect", action="store_true", help="write the marks given in Formgrader into GRADES/marking")


def run(options: argparse.Namespace) -> int:
    """Fill the gradebook, or with --collect the marks files. Returns 0, or 1 if something should be looked at: it prints what.

    Raises ValueError and OSError, with a sentence, before anything is written.
    """
    records = read_records(options.grades)
    rubric, remembered = settled(options.grades, options.rubric, None, resume=True)
    for notice in (*rubric.notices, *remembered):
        print(notice, file=sys.stderr)
    if options.collect:
        with only_grader(options.grades):
            done, conflicts = collect(options.grades, records, options.course, options.assignment, rubric)
    else:
        marks = marks_files.read(options.grades, rubric)
        done, conflicts = fill(records, rubric, marks, options.course, options.assignment)
        remember(options.grades, records, options.course, options.assignment, rubric)
    conflicts += map(str, marks_files.conflicts(options.grades, rubric, records))
    print(done)
    for conflict in conflicts:
        print(f"  {conflict}")
    return int(bool(conflicts))


def read_records(grades: Path) -> list[Record]:
    """Return the records in a folder that `grade` wrote, by student. Raises ValueError if there are none."""
    paths = sorted(Path(grades).glob("rows/*.json"))
    if not paths:
        raise ValueError(f"{grades}/rows holds no results. Name the folder that `python -m cs231n.instructor grade --out` wrote.")
    return sorted(map(records_files.read, paths), key=lambda record: record.student)


# Into the gradebook


def fill(records: list[Record], rubric: Rubric, marks: Marks, course: Path, assignment: str) -> tuple[str, list[str]]:
    """Put a graded class into the gradebook of `course` and lay out what Formgrader shows.

    marks: {student: {question: (points, comment)}}, as marks.read() gives them. Doing it again updates the automatic
    points and keeps every mark and comment given in Formgrader. Returns a sentence on what was done and a list of sentences on
    marks that contradict each other or should be looked at again; of two marks that of Formgrader stays.
    Raises ValueError if nbgrader is missing, or if the gradebook knows the assignment with other cells.
    """
    coursedir = formgrader.course_folder(course, assignment)
    frame = _Frame(rubric)
    _require_fitting(coursedir, assignment, frame)
    Path(coursedir.root).mkdir(exist_ok=True)
    with formgrader.gradebook(coursedir) as gradebook:
        look = _write_assignment(gradebook, assignment, frame)
        source = formgrader.folder(coursedir, "source", ".", assignment)
        if not source.exists():
            _write_notebook(source, _as_source(frame.edition))
        for record in tqdm(records, unit="submission", disable=None):
            for person in formgrader.people(record):
                entry = _Submission(gradebook, coursedir, assignment, record, person, frame)
                look += entry.write(marks.get(record.student, {}))
        look += _left_behind(gradebook, assignment, {name for record in records for name in formgrader.ids(record)})
        look += write_late_penalties(gradebook, assignment, records, rubric)
        to_mark = formgrader.answers_to_mark(gradebook, assignment)
    waiting = "All answers are marked."
    if to_mark:
        waiting = f"Answers to mark: {to_mark}, with `jupyter lab` in {course}, menu Nbgrader, Formgrader, Manual grading."
    groups = sum(bool(record.members) for record in records)
    shared = f" ({groups} of them by groups, whose members have an entry each)" if groups else ""
    return f"{len(records)} submissions of {assignment}{shared} are in {course}/gradebook.db. {waiting}", look


def _left_behind(gradebook: Any, assignment: str, here: set[str]) -> list[str]:
    """Return a sentence on students whose submission an earlier run has entered and who have none now, in a list, or []."""
    gone = sorted({entry.student.id for entry in gradebook.assignment_submissions(assignment)} - here)
    if not gone:
        return []
    return [
        f"{', '.join(gone)}: in nbgrader's gradebook with a submission of {assignment}, and not in these grades. Nothing of "
        "theirs was changed; remove the submission in nbgrader if it was withdrawn."
    ]


def _require_fitting(coursedir: Any, assignment: str, frame: "_Frame") -> None:
    """The gradebook may know the assignment already, from the student edition: then it must have the same graded cells."""
    from nbgrader.api import MissingEntry

    if not formgrader.has_gradebook(coursedir):
        return
    with formgrader.gradebook(coursedir) as gradebook:
        try:
            notebooks = {notebook.name: notebook for notebook in gradebook.find_assignment(assignment).notebooks}
        except MissingEntry:
            return
        if set(notebooks) - {formgrader.NOTEBOOK}:
            raise ValueError(
                f"The assignment {assignment} has the notebooks {', '.join(sorted(notebooks))}; expected {formgrader.NOTEBOOK}."
            )
        if formgrader.NOTEBOOK not in notebooks:
            return
        known = {cell.name for cell in notebooks[formgrader.NOTEBOOK].grade_cells}
        if known != set(frame.points):
            differing = ", ".join(sorted(known ^ set(frame.points)))
            raise ValueError(
                f"The gradebook has other graded cells for {assignment} than this kit's edition: {differing}. "
                "Name another assignment, or release it again from the edition that was made with the same course's file."
            )


def _write_assignment(gradebook: Any, assignment: str, frame: "_Frame") -> list[str]:
    """Tell the gradebook of the cells of the student edition, as `nbgrader generate_assignment` would; points by the rubric.

    Returns a sentence on cells that had other points there, in a list, or [].
    """
    gradebook.update_or_create_assignment(assignment)
    gradebook.update_or_create_notebook(formgrader.NOTEBOOK, assignment)
    notebook = gradebook.find_notebook(formgrader.NOTEBOOK, assignment)
    known = {cell.name for cell in notebook.source_cells}
    before = {cell.name: cell.max_score for cell in notebook.grade_cells}
    changed = [
        f"{cell} had {before[cell]:g} points and has {points:g}"
        for cell, points in frame.points.items()
        if before.get(cell, points) != points
    ]
    for cell in (cell for cell in frame.edition.cells if "nbgrader" in cell.metadata):
        place = cell.id, formgrader.NOTEBOOK, assignment
        if cell.id in frame.points:
            gradebook.update_or_create_grade_cell(*place, max_score=frame.points[cell.id], cell_type=cell.cell_type)
        if cell.metadata.nbgrader.solution:
            gradebook.update_or_create_solution_cell(*place)
        if cell.id not in known:  # those of a release made with nbgrader stay: nbgrader compares checksums with them
            locked = cell.metadata.nbgrader.locked
            gradebook.update_or_create_source_cell(*place, cell_type=cell.cell_type, locked=locked, source=cell.source)
    return (
        [f"{assignment} had other points in nbgrader than in these grades, which count: {'; '.join(changed)}."] if changed else []
    )


def _as_source(edition: NotebookNode) -> NotebookNode:
    """Return the edition with nbgrader's marks around what a student writes.

    Where they are missing, `nbgrader generate_assignment` replaces the whole cell, signature and docstring as well.
    """
    source = copy.deepcopy(edition)
    for cell in source.cells:
        cell.source = STUB.sub(r"\1### BEGIN SOLUTION\n\g<0>\n\1### END SOLUTION", cell.source)
    return source


class _Submission:
    """A student's submission, or that of the student's group, in the gradebook and in the folders beside it."""

    def __init__(self, gradebook: Any, coursedir: Any, assignment: str, record: Record, person: Member, frame: "_Frame") -> None:
        self.gradebook, self.record, self.person, self.frame, self.rubric = gradebook, record, person, frame, frame.rubric
        self.id = formgrader.nbgrader_id(person.student)
        self.submitted = formgrader.folder(coursedir, "submitted", self.id, assignment)
        self.autograded = formgrader.folder(coursedir, "autograded", self.id, assignment)
        self._enter(coursedir, assignment)
        entry = gradebook.find_submission_notebook(formgrader.NOTEBOOK, assignment, self.id)
        self.grades = {grade.name: grade for grade in entry.grades}
        self.comments = {comment.name: comment for comment in entry.comments}

    def _enter(self, coursedir: Any, assignment: str) -> None:
        from nbgrader.api import MissingEntry
        from sqlalchemy.exc import SAWarning

        try:
            self.gradebook.find_student(self.id)
        except MissingEntry:
            self.gradebook.add_student(self.id, **_names(self.person))
        # Formgrader takes a submission for graded if its time is that of the folder `submitted`.
        time = coursedir.get_existing_timestamp(str(self.submitted))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # of nbgrader's own way of adding a submission
            self.gradebook.update_or_create_submission(assignment, self.id, timestamp=time)

    def write(self, marks: Mapping[str, Mark]) -> list[str]:
        """Write points, comments and folders. Returns sentences on marks that should be looked at."""
        columns = self.rubric.score(self.record, {})
        before = formgrader.sources(self.autograded)
        notebook = self.frame.notebook(self.record)
        now = {cell.id: cell.source for cell in notebook.cells}
        look = []
        for exercise, cell in self.frame.checks.items():
            look += self._write_points(cell, columns[exercise], changed=self.grades[cell].auto_score != columns[exercise])
        for exercise, cell in self.frame.solutions.items():
            self.comments[cell].auto_comment = _comment(self.record.result(exercise))
        for question, cell in self.frame.answers.items():
            look += self._write_points(cell, columns[question], changed=cell in before and before[cell] != now[cell])
            look += self._write_mark(cell, question, marks.get(question))
            self.comments[cell].auto_comment = "No response." if columns[question] == 0 else None
        self.gradebook.db.commit()
        _write_notebook(self.autograded, notebook)
        self._write_submitted()
        return look

    def _write_points(self, cell: str, points: float | None, changed: bool) -> list[str]:
        grade = self.grades[cell]
        # Extra credit counts only where there is a score: a bonus that waits has 0 and not none.
        grade.auto_score = 0.0 if points is None and grade.max_score == 0 else points
        if not formgrader.is_marked(grade):
            grade.needs_manual_grade = points is None
        elif changed:
            grade.needs_manual_grade = True
            return [f"{self.id}, {cell}: changed after you gave {formgrader.given(grade):g} points. Look at it again."]
        return []

    def _write_mark(self, cell: str, question: str, mark: Mark | None) -> list[str]:
        grade, comment = self.grades[cell], self.comments[cell]
        if mark is None:
            return []
        points, words = mark
        if not formgrader.is_marked(grade):
            formgrader.give(grade, mark, question in self.rubric.bonus)
            comment.manual_comment = comment.manual_comment or words or None
        elif formgrader.given(grade) != points:
            given = formgrader.given(grade)
            return [f"{self.id}, {question}: {points:g} points in the marks file, {given:g} in Formgrader. Change one."]
        return []

    def _write_submitted(self) -> None:
        """The folder makes Formgrader count the submission. Without a notebook in it, its button Autograde changes nothing."""
        if not self.submitted.exists():
            words = f"{self.record.submission} was graded by python -m cs231n.instructor. nbgrader should not run it.\n"
            write_whole(self.submitted / NO_AUTOGRADE, plain(words))


def _names(person: Member) -> dict[str, str]:
    if person.name == person.student:
        return {}
    name = re.sub(r"[<>&\s]+", " ", plain(person.name, 100))  # Formgrader puts names into its page as they are
    first, _, last = name.strip().rpartition(" ")
    return {"first_name": first, "last_name": last}


def _comment(result: Result) -> str:
    """Return what is shown below an exercise, in Markdown: our own words only, for nbgrader would render a student's."""
    mistakes = [MISTAKES[name] for name in result.mistakes if name in MISTAKES]
    told = "\n\n".join(f"**{mistake.title}.** {mistake.meaning}" for mistake in mistakes)
    return told or VERDICTS[result.verdict]


# The notebook that Formgrader shows


class _Frame:
    """The cells of the notebook that Formgrader shows, with the ids that they have in the student edition.

    edition: the student edition's notebook. sources: {its cell: source}.
    checks, solutions: {exercise: cell}. answers: {question: cell}. points: {graded cell: points}, 0 where they are a bonus:
    in nbgrader a bonus is what is given above the points of a cell.
    """

    def __init__(self, rubric: Rubric) -> None:
        self.rubric = rubric
        self.edition = nbformat.reads(
            edition(course_file=rubric.course_file)[1][f"{formgrader.NOTEBOOK}.ipynb"].decode(), as_version=4
        )
        self.sources = {cell.id: cell.source for cell in self.edition.cells}
        self.checks, self.answers = formgrader.check_cells(rubric), formgrader.answer_cells(rubric)
        self.solutions = {name: cell.replace("check", "exercise") for name, cell in self.checks.items()}
        graded = self.checks | self.answers
        self.points = {cell: 0.0 if name in rubric.bonus else rubric.points[name] for name, cell in graded.items()}

    def notebook(self, record: Record) -> NotebookNode:
        """Return the notebook of a record."""
        cells = []
        for name in self.rubric.columns:
            cells += self._exercise(name, record) if name in self.checks else self._question(name, record)
        return new_notebook(
            cells=cells, metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        )

    def _exercise(self, name: str, record: Record) -> list[NotebookNode]:
        result = record.result(name)
        verdict = VERDICTS[result.verdict]
        message = new_output("stream", name="stdout", text=plain(result.message) + "\n")
        return [
            new_markdown_cell(f"## `{name}`", id=f"{self.solutions[name]}-title"),
            self._cell(new_code_cell, self.solutions[name], f"# {name}: {verdict}", solution=True),
            self._cell(new_code_cell, self.checks[name], self.sources[self.checks[name]], grade=True, outputs=[message]),
            *self._figures(name, record),
        ]

    def _figures(self, exercise: str, record: Record) -> list[NotebookNode]:
        own = {cell: figure for cell, figure in FIGURES.items() if figure.exercise == exercise}
        return [
            new_code_cell(f"# {figure.caption}, as handed in", id=cell, outputs=outputs)
            for cell, figure in own.items()
            if (outputs := [_picture(text) for text in record.figures.get(cell, []) if _is_picture(text)][:MOST_PICTURES])
        ]

    def _question(self, name: str, record: Record) -> list[NotebookNode]:
        answer = formgrader.as_text(record.answer(name))
        return [
            new_markdown_cell(self.sources[f"{name}-text"], id=f"{name}-text"),
            self._cell(new_markdown_cell, self.answers[name], answer, grade=True, solution=True),
            *self._answer_pictures(name, record),
        ]

    def _answer_pictures(self, name: str, record: Record) -> list[NotebookNode]:
        outputs = [_picture(text) for text in record.answer_pictures.get(name, []) if _is_picture(text)]
        return [new_code_cell("# The pictures in the answer", id=f"{name}-pictures", outputs=outputs)] if outputs else []

    def _cell(
        self,
        make: Callable[..., NotebookNode],
        name: str,
        source: str,
        grade: bool = False,
        solution: bool = False,
        **parts: list[NotebookNode],
    ) -> NotebookNode:
        nbgrader = {
            "grade": grade,
            "grade_id": name,
            "locked": grade and not solution,
            "schema_version": 3,
            "solution": solution,
            "task": False,
        }
        points = {"points": self.points[name]} if grade else {}
        return make(source, id=name, metadata={"nbgrader": nbgrader | points}, **parts)


def _is_picture(text: str) -> bool:
    try:
        return picture_type(base64.b64decode(text, validate=True)) == "image/png"
    except ValueError:
        return False


def _picture(text: str) -> NotebookNode:
    return new_output("display_data", data={"image/png": text})


def _write_notebook(folder: Path, notebook: NotebookNode) -> None:
    write_whole(folder / f"{formgrader.NOTEBOOK}.ipynb", nbformat.writes(notebook))
