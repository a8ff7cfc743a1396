"""A graded class in nbgrader's gradebook, and what Formgrader does with it."""

import argparse
import base64
import io
import json
import warnings

from PIL import Image
from traitlets.config import Config

from cs231n import submit
from cs231n.instructor.platforms import gradebook
from cs231n.instructor.reports import marks as marks_files
from cs231n.instructor.reports import safe
from cs231n.instructor.reports.records import from_json

with warnings.catch_warnings():  # of nbgrader 0.9.5, which Python 3.10 gets, about its own use of SQLAlchemy
    warnings.filterwarnings("ignore", "User-placed attribute Grade", DeprecationWarning)
    from nbgrader.api import Gradebook
    from nbgrader.apps.api import NbGraderAPI

EXERCISES = (*submit.EXERCISES, *submit.OPTIONAL_EXERCISES)
QUESTIONS = range(1, 10)


def png():
    picture = io.BytesIO()
    Image.new("RGB", (4, 3)).save(picture, "PNG")
    return base64.b64encode(picture.getvalue()).decode()


def record(student, **changes):
    """A record, as JSON: the first exercise right, the second wrong, the third stopped; question 6 is not answered.

    Of the optional part the first exercise is right, question 7 is answered, and the rest is left out.
    """
    verdicts = (("right", []), ("wrong", ["gradient-accumulates"]), ("stopped", []), ("right", []), *[("unfinished", [])] * 3)
    exercises = {
        name: {"verdict": verdict, "mistakes": mistakes, "notes": [], "message": f"{name}: {verdict}, so it says", "seconds": 0.1}
        for name, (verdict, mistakes) in zip(EXERCISES, verdicts, strict=True)
    }
    graded = {
        "student": student,
        "name": f"{student.title()} Doe",
        "submission": f"{student}.ipynb",
        "sha256": "ab" * 32,
        "earlier": [],
        "verdict": "graded",
        "note": "",
        "exercises": exercises,
        "answers": {f"question-{number}": "" if number in (6, 8) else f"Answer {number} by {student}" for number in QUESTIONS},
        "figures": {"saliency-figure": [png()]},
    }
    return graded | changes


def open_gradebook(course):
    return Gradebook(f"sqlite:///{course}/gradebook.db", "")


def give(course, student, cell, points, comment=None, extra=None):
    """Mark a cell by hand, as Formgrader does."""
    with open_gradebook(course) as book:
        grade = book.find_grade(cell, "NetworkVisualization", "viz", student)
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = points, extra, False
        if comment is not None:
            book.find_comment(cell, "NetworkVisualization", "viz", student).manual_comment = comment
        book.db.commit()


def grades_of(course, student):
    """Return {cell: (automatic points, points by hand, whether it waits for a person)}."""
    with open_gradebook(course) as book:
        entry = book.find_submission_notebook("NetworkVisualization", "viz", student)
        return {grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade) for grade in entry.grades}


def comments_of(course, student):
    with open_gradebook(course) as book:
        entry = book.find_submission_notebook("NetworkVisualization", "viz", student)
        return {comment.name: comment.comment for comment in entry.comments}


def formgrader(course):
    """What Formgrader's pages ask for their tables and buttons."""
    config = Config()
    config.CourseDirectory.root = str(course)
    return NbGraderAPI(config=config)


def command(grades, course, *more):
    parser = argparse.ArgumentParser()
    gradebook.add_arguments(parser)
    return gradebook.run(parser.parse_args([str(grades), "--course", str(course), "--assignment", "viz", *more]))


def graded_folder(folder, records, rubric):
    """Lay out what `grade` writes of records, which are JSON, and nbgrader reads."""
    (folder / "rows").mkdir(parents=True)
    for graded in records:
        (folder / "rows" / f"{safe.file_name(graded['student'])}.json").write_text(json.dumps(graded), encoding="utf-8")
    for question in rubric.questions:
        answered = [graded["student"] for graded in records if graded["answers"][question]]
        marks_files.update(folder / "marking" / f"{question}.csv", list(map(from_json, records)), answered)
    return folder
