"""nbgrader's course folder and its gradebook: where they are, whom they know, and what a person gave in Formgrader."""

import html
import os
import re
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from ..grading.rubric import Rubric
from ..reports.journal import Mark
from ..reports.records import Member, Record
from ..reports.safe import file_name, plain

NOTEBOOK = "NetworkVisualization"
INSTALL = 'nbgrader is not installed. Install it with: pip install "nbgrader>=0.9.5" -c constraints.txt'
# What nbgrader takes for a student: one folder's name, and a part of its addresses.
PLAIN_ID = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.@+-]{0,98}[A-Za-z0-9_])?")


def nbgrader_id(student: str) -> str:
    """Return the id of a student in nbgrader: the student's own key where it can be one, else that of the student's files."""
    return student if PLAIN_ID.fullmatch(student) else file_name(student)


def people(record: Record) -> tuple[Member, ...]:
    """Return who has an entry in nbgrader for a submission: its student, or each member of the group."""
    return record.members or (Member(record.student, record.name),)


def ids(record: Record) -> list[str]:
    """Return the ids in nbgrader of those whose submission it is."""
    return [nbgrader_id(person.student) for person in people(record)]


def check_cells(rubric: Rubric) -> dict[str, str]:
    """Return {exercise: the cell that has its points}."""
    return {name: f"check-{rubric.course.assignment.by_function[name].number}" for name in rubric.exercises}


def answer_cells(rubric: Rubric) -> dict[str, str]:
    """Return {question: the cell with its answer and points}."""
    return {name: name.replace("question", "answer") for name in rubric.questions}


def course_folder(course: Path, assignment: str) -> Any:
    """Return nbgrader's CourseDirectory, with what an nbgrader_config.py in it says."""
    try:
        from nbgrader.coursedir import CourseDirectory
    except ImportError:
        raise ValueError(INSTALL) from None
    from traitlets.config import Config, PyFileConfigLoader

    course = Path(course).resolve()
    if not course.parent.is_dir():
        raise ValueError(f"{course.parent} does not exist. Make it, or name the course folder that you have for --course.")
    if not PLAIN_ID.fullmatch(assignment) or "+" in assignment:
        raise ValueError(f"{assignment!r} cannot be the name of an assignment; expected letters, digits, '.', '_' and '-'.")
    own = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config() if _has_config(course) else Config()
    own.CourseDirectory.root = str(course)
    return CourseDirectory(config=own)


def _has_config(course: Path) -> bool:
    return (course / "nbgrader_config.py").is_file()


def gradebook(coursedir: Any) -> Any:
    """Open nbgrader's gradebook, which is made if it is new."""
    from nbgrader.api import Gradebook

    with _scripts_on_path():
        return Gradebook(coursedir.db_url, coursedir.course_id)


@contextmanager
def _scripts_on_path() -> Iterator[None]:
    """A new gradebook asks the program `alembic` for its version, and looks for it on the path only."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), before))
    try:
        yield
    finally:
        os.environ["PATH"] = before


def has_gradebook(coursedir: Any) -> bool:
    """Opening a gradebook makes one; this only looks."""
    kind, _, path = coursedir.db_url.partition(":///")
    return kind != "sqlite" or Path(path).exists()


def folder(coursedir: Any, step: str, student: str, assignment: str) -> Path:
    """Return the folder of a submission. step: "source", "submitted" or "autograded"."""
    return Path(coursedir.format_path(getattr(coursedir, f"{step}_directory"), student, assignment))


def sources(folder: Path) -> dict[str, str]:
    """Return {cell id: source} of the notebook that an earlier run, or nbgrader, left in a folder of autograded/."""
    path = folder / f"{NOTEBOOK}.ipynb"
    return {cell.get("id"): cell.source for cell in nbformat.read(path, as_version=4).cells} if path.exists() else {}


def as_text(answer: str) -> str:
    """Return a Markdown cell that shows what the student wrote letter by letter; only formulas are drawn.

    It is one line: an empty line would end the piece of HTML, and what follows it would be Markdown again.
    """
    text = html.escape(plain(answer).strip())
    if not text:
        return "*(no answer)*"
    return f'<div style="white-space: pre-wrap">{text.replace(chr(10), "&#10;")}</div>'


def given(grade: Any) -> float:
    """Return the points that a person gave. For a cell of 0 points Formgrader takes extra credit only."""
    return (grade.manual_score or 0) + (grade.extra_credit or 0)


def is_marked(grade: Any) -> bool:
    """Return whether a person gave points."""
    return grade.manual_score is not None or (grade.max_score == 0 and grade.extra_credit is not None)


def answers_to_mark(gradebook: Any, assignment: str) -> int:
    """Return how many answers of an assignment wait for a person, as Formgrader counts them."""
    entries = gradebook.notebook_submissions(NOTEBOOK, assignment)
    return sum(grade.needs_manual_grade for entry in entries for grade in entry.grades if grade.name.startswith("answer-"))


def give(grade: Any, mark: Mark | None, is_bonus: bool) -> None:
    """Set the points of a cell as if a person had given them in Formgrader; None takes them back."""
    if mark is None:
        grade.manual_score, grade.extra_credit = None, None
    elif is_bonus:
        grade.manual_score, grade.extra_credit = 0.0, mark[0]
    else:
        grade.manual_score, grade.extra_credit = mark[0], None
    grade.needs_manual_grade = mark is None
