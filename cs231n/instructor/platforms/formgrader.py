"""nbgrader's course folder and its gradebook: where they are, whom they know, and what a person gave in Formgrader."""

import html
import os
import re
import sysconfig
from contextlib import contextmanager
from pathlib import Path

import nbformat

from ..reports.safe import file_name, plain

NOTEBOOK = "NetworkVisualization"
INSTALL = 'nbgrader is not installed. Install it with: pip install "nbgrader>=0.9.5" -c constraints.txt'
# What nbgrader takes for a student: one folder's name, and a part of its addresses.
PLAIN_ID = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.@+-]{0,98}[A-Za-z0-9_])?")


def nbgrader_id(student: str) -> str:
    """Return the id of a student in nbgrader: the student's own key where it can be one, else that of the student's files."""
    return student if PLAIN_ID.fullmatch(student) else file_name(student)


def course_folder(course, assignment):
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


def _has_config(course):
    return (course / "nbgrader_config.py").is_file()


def gradebook(coursedir):
    """Open nbgrader's gradebook, which is made if it is new."""
    from nbgrader.api import Gradebook

    with _scripts_on_path():
        return Gradebook(coursedir.db_url, coursedir.course_id)


@contextmanager
def _scripts_on_path():
    """A new gradebook asks the program `alembic` for its version, and looks for it on the path only."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), before))
    try:
        yield
    finally:
        os.environ["PATH"] = before


def has_gradebook(coursedir):
    """Opening a gradebook makes one; this only looks."""
    kind, _, path = coursedir.db_url.partition(":///")
    return kind != "sqlite" or Path(path).exists()


def folder(coursedir, step, student, assignment):
    """Return the folder of a submission. step: "source", "submitted" or "autograded"."""
    return Path(coursedir.format_path(getattr(coursedir, f"{step}_directory"), student, assignment))


def sources(folder):
    """Return {cell id: source} of the notebook that an earlier run, or nbgrader, left in a folder of autograded/."""
    path = folder / f"{NOTEBOOK}.ipynb"
    return {cell.get("id"): cell.source for cell in nbformat.read(path, as_version=4).cells} if path.exists() else {}


def as_text(answer):
    """Return a Markdown cell that shows what the student wrote letter by letter; only formulas are drawn.

    It is one line: an empty line would end the piece of HTML, and what follows it would be Markdown again.
    """
    text = html.escape(plain(answer).strip())
    if not text:
        return "*(no answer)*"
    return f'<div style="white-space: pre-wrap">{text.replace(chr(10), "&#10;")}</div>'


def given(grade):
    """Return the points that a person gave. For a cell of 0 points Formgrader takes extra credit only."""
    return (grade.manual_score or 0) + (grade.extra_credit or 0)


def is_marked(grade):
    """Return whether a person gave points."""
    return grade.manual_score is not None or (grade.max_score == 0 and grade.extra_credit is not None)
