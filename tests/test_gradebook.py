"""The way through nbgrader, with nbgrader itself: what Formgrader shows, what stays at a second run, and the marks' way back."""

import base64
import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import warnings
from html.parser import HTMLParser

import nbformat
import pytest
from helpers.gradebooks import (
    EXERCISES,
    QUESTIONS,
    command,
    comments_of,
    formgrader,
    give,
    graded_folder,
    grades_of,
    open_gradebook,
    png,
    record,
)
from helpers.places import ROOT

from cs231n.instructor.grading import rubric
from cs231n.instructor.platforms import gradebook
from cs231n.instructor.platforms.formgrader import nbgrader_id
from cs231n.instructor.release.edition import edition
from cs231n.instructor.reports import marks as marks_files
from cs231n.instructor.reports import rendering, safe
from cs231n.instructor.reports.records import from_json

with warnings.catch_warnings():  # of nbgrader 0.9.5, which Python 3.10 gets, about its own use of SQLAlchemy
    warnings.filterwarnings("ignore", "User-placed attribute Grade", DeprecationWarning)
    from nbgrader.api import Gradebook
    from nbgrader.nbgraderformat import MetadataValidator
    from nbgrader.server_extensions.formgrader.handlers import template_path

HOSTILE = (
    "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n</div>[a](javascript:alert(1)) ![b](http://example.org/b.png)\n\n"
    "<iframe src='http://example.org'></iframe>\n\n```\n</code></pre><script>alert(2)</script>\n```\n\n$$\n<script>alert(3)</script>\n$$"
)


@pytest.fixture(scope="module")
def points():
    return rubric.load()


@pytest.fixture
def new_course(tmp_path):
    """A course folder that is not there yet."""
    return tmp_path / "a new course"


@pytest.fixture(scope="module")
def empty_gradebook(tmp_path_factory):
    """Made once: nbgrader starts a program of its own for each new gradebook, which takes seconds."""
    path = tmp_path_factory.mktemp("empty") / "gradebook.db"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PATH", sysconfig.get_path("scripts"))
        Gradebook(f"sqlite:///{path}", "").close()
    return path


@pytest.fixture
def course(tmp_path, empty_gradebook):
    """A course folder of nbgrader in which nothing was graded yet."""
    folder = tmp_path / "course 231"
    folder.mkdir()
    shutil.copy(empty_gradebook, folder / "gradebook.db")
    return folder


def fill(course, records, marks=None, points=None):
    return gradebook.fill(list(map(from_json, records)), points or rubric.load(), marks or {}, course, "viz")


def cells_of(course):
    """Return {cell of the assignment: (is it locked?, its source, nbgrader's checksum)}."""
    with open_gradebook(course) as book:
        cells = book.find_notebook("NetworkVisualization", "viz").source_cells
        return {cell.name: (cell.locked, cell.source, cell.checksum) for cell in cells}


def autograded(course, student):
    return course / "autograded" / student / "viz" / "NetworkVisualization.ipynb"


def notebook(course, student):
    return nbformat.read(autograded(course, student), as_version=4)


def manual_grading_page(course, student):
    """Return the page on which Formgrader lets a person mark a submission, made by its own template."""
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(template_name="formgrade", extra_template_basedirs=[template_path])
    resources = dict.fromkeys(("assignment_id", "notebook_id", "submission_id", "base_url", "notebook_path"), "")
    with open_gradebook(course) as book:
        entry = book.find_student(student)
        names = {"student": student, "first_name": entry.first_name, "last_name": entry.last_name}
    resources |= {"index": 0, "total": 1, **names}
    return exporter.from_filename(str(autograded(course, student)), resources=resources)[0]


class Active(HTMLParser):
    """Collects what a page would do or ask for."""

    def __init__(self):
        super().__init__()
        self.scripts, self.addresses, self.handlers, self.frames = 0, [], [], 0

    def handle_starttag(self, tag, attributes):
        self.scripts += tag == "script"
        self.frames += tag in ("iframe", "object", "embed", "form")
        for name, value in attributes:
            if name in ("href", "src"):
                self.addresses.append(value)
            if name.startswith("on"):
                self.handlers.append(value)


def active(page):
    parser = Active()
    parser.feed(page)
    return parser


# Into the gradebook


def test_formgrader_lists_every_submission_as_graded_with_its_points(course, points):
    fill(course, [record("jane"), record("bob")])
    listed = {entry["student"]: entry for entry in formgrader(course).get_submissions("viz")}
    assert set(listed) == {"jane", "bob"}
    bonus = 2
    expected = 7 + points.points["make_fooling_image"] * points.kept["gradient-accumulates"] + bonus
    for entry in listed.values():
        assert entry["autograded"]
        assert entry["submitted"]
        assert entry["needs_manual_grade"]
        assert entry["code_score"] == pytest.approx(expected)
        assert entry["max_code_score"] == 21
        assert entry["max_written_score"] == 19
    assert listed["jane"]["last_name"] == "Doe"


def test_a_new_course_lists_the_assignment_with_its_submissions(new_course, monkeypatch):
    monkeypatch.setenv("PATH", "/bin")  # as for one who has not activated the environment
    fill(new_course, [record("jane"), record("bob")])
    assert os.environ["PATH"] == "/bin"
    (assignment,) = formgrader(new_course).get_assignments()
    assert (assignment["name"], assignment["num_submissions"], assignment["max_score"]) == ("viz", 2, 40)


def test_a_courses_cells_points_and_questions_are_its_own(new_course, tmp_path):
    own = tmp_path / "spring.toml"
    own.write_text(
        'left-out = ["5", "question-2", "question-6", "7.1"]\n[points]\nsaliency_maps = 7.5\n'
        '[question-1]\npoints = 2.5\ntext = "Why is the sky blue?"\nrubric = "* 2.5: it scatters."\n',
        encoding="utf-8",
    )
    fill(new_course, [record("jane")], points=rubric.load(None, own))
    with open_gradebook(new_course) as book:
        points = {cell.name: cell.max_score for cell in book.find_notebook("NetworkVisualization", "viz").grade_cells}
    questions = {f"answer-{number}": 3 for number in (5,)} | {"answer-1": 2.5, "answer-9": 0}
    assert points == {"check-1": 7.5, "check-3": 7, "check-7": 0} | questions
    assert grades_of(new_course, "jane")["check-1"][0] == 7.5
    sources = {cell.id: cell.source for cell in notebook(new_course, "jane").cells}
    assert "Why is the sky blue?" in sources["question-1-text"]


def test_answers_wait_for_a_person_and_a_missing_one_does_not(course):
    fill(course, [record("jane")])
    grades = grades_of(course, "jane")
    assert {cell for cell, (_, _, waits) in grades.items() if waits} == {f"answer-{number}" for number in (1, 2, 3, 4, 5, 7, 9)}
    for cell in ("answer-6", "answer-8"):
        assert grades[cell] == (0, None, False)
        assert comments_of(course, "jane")[cell] == "No response."


def test_the_comment_on_an_exercise_names_the_mistake_in_our_own_words(course):
    graded = record("jane")
    graded["exercises"]["make_fooling_image"]["mistakes"].append("<script>")
    fill(course, [graded])
    comments = comments_of(course, "jane")
    assert "The gradient accumulates" in comments["exercise-2"]
    assert "script" not in comments["exercise-2"]
    assert comments["exercise-3"] == rendering.VERDICTS["stopped"]


def test_marks_from_the_marks_files_stand_in_formgrader(course):
    fill(course, [record("jane")], {"jane": {"question-2": (2.5, "Say why.")}})
    assert grades_of(course, "jane")["answer-2"] == (None, 2.5, False)
    assert comments_of(course, "jane")["answer-2"] == "Say why."


def test_an_unreadable_submission_has_its_row_with_no_points(course):
    missing = {"verdict": "missing", "mistakes": [], "notes": [], "message": "It is not JSON.", "seconds": 0.0}
    unreadable = record("jane", verdict="unreadable", exercises=dict.fromkeys(EXERCISES, missing), answers={}, figures={})
    fill(course, [unreadable])
    assert all(grade == (0, None, False) for grade in grades_of(course, "jane").values())


def test_a_name_that_is_no_folder_gets_a_safe_one(course, tmp_path):
    fill(course, [record("../../jane"), record("Ünal/β")])
    listed = {entry["student"] for entry in formgrader(course).get_submissions("viz")}
    assert listed == {safe.file_name("../../jane"), safe.file_name("Ünal/β")}
    assert {path.name for path in tmp_path.iterdir()} == {course.name}


@pytest.mark.parametrize("student", ["jane", "Jane.Doe", "jd12@example.org", "0012"])
def test_usual_names_are_the_ids_that_a_course_has_already(student):
    assert nbgrader_id(student) == student


# The optional part


def test_bonus_points_are_extra_credit_above_the_40_points(course):
    fill(course, [record("jane")])
    (assignment,) = formgrader(course).get_assignments()
    assert assignment["max_score"] == 40
    with open_gradebook(course) as book:
        grade = book.find_grade("check-4", "NetworkVisualization", "viz", "jane")
        assert (grade.score, grade.max_score, grade.needs_manual_grade) == (2, 0, False)
        assert book.find_grade("check-5", "NetworkVisualization", "viz", "jane").score == 0


def test_a_bonus_question_is_marked_by_extra_credit_alone_as_formgrader_allows_it_and_comes_back(grades, course, points):
    command(grades, course)
    give(course, "jane", "answer-7", None, "Good.", extra=1.5)  # into the box of 0 points Formgrader lets nobody write more
    with open_gradebook(course) as book:
        assert book.find_grade("answer-7", "NetworkVisualization", "viz", "jane").score == 1.5
    assert command(grades, course, "--collect") == 0
    assert marks_files.read(grades, points)["jane"] == {"question-7": (1.5, "Good.")}
    assert command(grades, course) == 0
    assert grades_of(course, "jane")["answer-7"] == (0, None, False)


def test_a_bonus_mark_from_the_marks_files_stands_in_formgrader_as_extra_credit(course):
    for _ in range(2):
        _, conflicts = fill(course, [record("jane")], {"jane": {"question-7": (1.5, "Say why.")}})
        assert conflicts == []
        with open_gradebook(course) as book:
            grade = book.find_grade("answer-7", "NetworkVisualization", "viz", "jane")
            assert (grade.score, grade.extra_credit, grade.needs_manual_grade) == (1.5, 1.5, False)


# What Formgrader shows


def test_the_notebook_holds_messages_answers_and_figures_with_the_ids_of_the_student_edition(course):
    fill(course, [record("jane")])
    shown = notebook(course, "jane")
    MetadataValidator().validate_nb(shown)
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in shown.cells if "nbgrader" in cell.metadata}
    assert set(cells) == {f"{kind}-{number}" for kind in ("exercise", "check") for number in range(1, 8)} | {
        f"answer-{number}" for number in QUESTIONS
    }
    reference = {cell.id for cell in nbformat.read(ROOT / "NetworkVisualization.ipynb", as_version=4).cells}
    assert set(cells) <= reference
    assert "make_fooling_image: wrong, so it says" in cells["check-2"].outputs[0].text
    assert "Answer 1 by jane" in cells["answer-1"].source
    pictures = [cell for cell in shown.cells if cell.id == "saliency-figure"]
    assert [output.data["image/png"].strip() for cell in pictures for output in cell.outputs] == [png()]


def test_model_answers_are_not_in_it_because_feedback_is_made_of_it(course):
    fill(course, [record("jane")])
    for path in (autograded(course, "jane"), course / "source" / "viz" / "NetworkVisualization.ipynb"):
        assert "Model answer" not in path.read_text(encoding="utf-8")


def test_nothing_that_a_student_wrote_is_active_in_formgrader(course):
    hostile = record("jane", name=HOSTILE, submission=HOSTILE)
    hostile["answers"] = dict.fromkeys(hostile["answers"], HOSTILE)
    hostile["figures"] = {"saliency-figure": ['"><script>alert(4)</script>', base64.b64encode(b"<svg onload=alert(5)>").decode()]}
    for result in hostile["exercises"].values():
        result["message"] = HOSTILE
    fill(course, [record("bob", figures={}), hostile])
    harmless, page = (active(manual_grading_page(course, student)) for student in ("bob", "jane"))
    assert page.scripts == harmless.scripts
    assert page.frames == harmless.frames
    assert page.handlers == harmless.handlers
    assert sorted(page.addresses) == sorted(harmless.addresses)
    assert "alert(1)" in manual_grading_page(course, "jane")  # it is shown, letter by letter


def test_nbgraders_own_feedback_can_be_made(course):
    fill(course, [record("jane")], {"jane": {"question-2": (2.5, "Say why.")}})
    made = formgrader(course).generate_feedback("viz", "jane")
    assert made["success"], made["log"]
    page = (course / "feedback" / "jane" / "viz" / "NetworkVisualization.html").read_text(encoding="utf-8")
    assert "Say why." in page
    assert "Answer 1 by jane" in page


def test_the_button_autograde_runs_nothing_and_changes_nothing(course):
    fill(course, [record("jane")])
    before = grades_of(course, "jane"), autograded(course, "jane").read_bytes()
    assert not formgrader(course).autograde("viz", "jane")["success"]
    assert (grades_of(course, "jane"), autograded(course, "jane").read_bytes()) == before


# Again


def test_a_second_run_updates_automatic_points_and_keeps_what_was_marked_by_hand(course):
    fill(course, [record("jane")])
    give(course, "jane", "answer-1", 3, "Good.")
    give(course, "jane", "check-2", 5)
    better = record("jane")
    better["exercises"]["class_visualization_update_step"]["verdict"] = "right"
    _, look = fill(course, [better])
    grades = grades_of(course, "jane")
    assert look == []
    assert grades["check-3"] == (7, None, False)
    assert grades["answer-1"] == (None, 3, False)
    assert grades["check-2"][1:] == (5, False)
    assert comments_of(course, "jane")["answer-1"] == "Good."


def test_an_answer_handed_in_anew_after_it_was_marked_waits_again_and_is_told(course):
    fill(course, [record("jane")])
    give(course, "jane", "answer-1", 3)
    anew = record("jane")
    anew["answers"]["question-1"] = "Another answer"
    _, look = fill(course, [anew])
    assert len(look) == 1
    assert "answer-1: changed after you gave 3 points" in look[0]
    assert grades_of(course, "jane")["answer-1"] == (None, 3, True)


def test_two_marks_that_contradict_each_other_are_told_and_formgraders_stays(course):
    fill(course, [record("jane")])
    give(course, "jane", "answer-1", 3)
    _, conflicts = fill(course, [record("jane")], {"jane": {"question-1": (2.0, "")}})
    assert conflicts == ["jane, question-1: 2 points in the marks file, 3 in Formgrader. Change one."]
    assert grades_of(course, "jane")["answer-1"] == (None, 3, False)


def test_a_course_that_collects_with_nbgrader_keeps_its_files_and_times(course):
    collected = course / "submitted" / "jane" / "viz"
    collected.mkdir(parents=True)
    (collected / "timestamp.txt").write_text("2026-03-01 12:00:00 UTC", encoding="utf-8")
    (collected / "NetworkVisualization.ipynb").write_text("as it was handed in", encoding="utf-8")
    (course / "nbgrader_config.py").write_text('get_config().CourseDirectory.course_id = "cs231n"\n', encoding="utf-8")
    fill(course, [record("jane")])
    assert (collected / "NetworkVisualization.ipynb").read_text(encoding="utf-8") == "as it was handed in"
    (entry,) = formgrader(course).get_submissions("viz")
    assert entry["autograded"]
    assert entry["timestamp"] == "2026-03-01T12:00:00"


def test_a_course_that_released_the_student_edition_with_nbgrader_takes_the_results(course):
    source = course / "source" / "viz" / "NetworkVisualization.ipynb"
    source.parent.mkdir(parents=True)
    source.write_bytes(edition()[1][source.name])
    released = formgrader(course).generate_assignment("viz")
    assert released["success"], released["log"]
    before = cells_of(course)
    fill(course, [record("jane")])
    assert cells_of(course) == before
    assert formgrader(course).get_submissions("viz")[0]["max_score"] == 40


def test_the_assignment_of_a_new_course_can_be_released_with_nbgrader_and_keeps_its_stubs(course):
    fill(course, [record("jane")])
    before = cells_of(course)
    released = formgrader(course).generate_assignment("viz")
    assert released["success"], released["log"]
    assert set(cells_of(course)) == set(before)
    release = nbformat.read(course / "release" / "viz" / "NetworkVisualization.ipynb", as_version=4)
    stubs = [cell.source for cell in release.cells if cell.id.startswith("exercise-") and cell.cell_type == "code"]
    for name, stub in zip(EXERCISES, stubs, strict=True):
        assert f"def {name}(" in stub
        assert '"""' in stub
        assert "    # YOUR CODE HERE\n    raise NotImplementedError()" in stub


def test_folders_named_in_the_courses_configuration_are_used(course):
    (course / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.autograded_directory = "seen"\n', encoding="utf-8"
    )
    fill(course, [record("jane")])
    assert (course / "seen" / "jane" / "viz" / "NetworkVisualization.ipynb").exists()


def test_an_assignment_with_other_graded_cells_is_refused_before_anything_is_written(course):
    with open_gradebook(course) as book:
        book.add_assignment("viz")
        book.add_notebook("NetworkVisualization", "viz")
        book.add_grade_cell("test-1", "NetworkVisualization", "viz", max_score=1, cell_type="code")
    with pytest.raises(ValueError, match=r"other graded cells.*answer-1.*test-1"):
        fill(course, [record("jane")])
    assert {path.name for path in course.iterdir()} == {"gradebook.db"}


@pytest.mark.parametrize("name", ["", "a/b", "..", "a+b", "-x"])
def test_an_assignment_name_that_nbgrader_cannot_use_is_refused(new_course, name):
    with pytest.raises(ValueError, match="cannot be the name of an assignment"):
        gradebook.fill([from_json(record("jane"))], rubric.load(), {}, new_course, name)
    assert not new_course.exists()


def test_without_nbgrader_the_message_says_how_to_install_it(tmp_path):
    code = (
        "import sys; sys.modules['nbgrader'] = None\n"
        "from cs231n.instructor.grading import rubric\n"
        "from cs231n.instructor.platforms import gradebook\n"
        f"gradebook.fill([], rubric.load(), {{}}, {str(tmp_path)!r}, 'viz')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "ValueError: nbgrader is not installed. Install it with: pip install" in done.stderr


# Back, and the command


@pytest.fixture
def grades(tmp_path, points):
    """A folder as `grade` writes it."""
    return graded_folder(tmp_path / "grades", [record("jane"), record("bob")], points)


def test_marks_given_in_formgrader_come_back_into_the_marks_files(grades, course, points):
    assert command(grades, course) == 0
    give(course, "jane", "answer-1", 3.5, "=1+1, as you say, “yes”")
    give(course, "bob", "answer-6", 1, extra=0.5)  # bob wrote nothing there, so the marks file has no row for him
    assert command(grades, course, "--collect") == 0
    assert marks_files.read(grades, points) == {
        "jane": {"question-1": (3.5, "=1+1, as you say, “yes”")},
        "bob": {"question-6": (1.5, "")},
    }
    assert command(grades, course) == 0  # and they agree with where they came from


def put_into_grades(grades, points):
    (grades / "grades.csv").write_text(f"student,question-1\njane,{points}\nbob,\n", encoding="utf-8")


@pytest.mark.parametrize("new", [2.5, None])
def test_a_mark_changed_or_taken_back_in_formgrader_comes_back_as_a_regrade(grades, course, points, new):
    command(grades, course)
    give(course, "jane", "answer-1", 3.5, "Good.")
    assert command(grades, course, "--collect") == 0
    put_into_grades(grades, 3.5)
    give(course, "jane", "answer-1", new)
    assert command(grades, course, "--collect") == 0
    assert marks_files.read(grades, points) == ({"jane": {"question-1": (2.5, "Good.")}} if new else {})
    with (grades / "marking" / "regrades.csv").open(encoding="utf-8-sig", newline="") as file:
        (logged,) = csv.DictReader(file)
    assert (logged["by"], logged["student"], logged["old"], logged["new"]) == ("Formgrader", "jane", "3.5", f"{new or ''}")
    assert logged["reason"] == "changed in Formgrader"


def test_a_mark_changed_on_both_sides_is_a_conflict_and_stays(grades, course, points, capsys):
    command(grades, course)
    give(course, "jane", "answer-1", 3.5)
    command(grades, course, "--collect")
    path = grades / "marking" / "question-1.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("3.5", "1"), encoding="utf-8")
    give(course, "jane", "answer-1", 2.5)
    assert command(grades, course, "--collect") == 1
    assert "2.5 points in Formgrader, 1 in the marks file" in capsys.readouterr().out
    assert marks_files.read(grades, points) == {"jane": {"question-1": (1.0, "")}}


def test_rows_that_are_filled_stay_and_contradictions_are_told(grades, course, points, capsys):
    command(grades, course)
    path = grades / "marking" / "question-1.csv"
    path.write_text("student;points;comment;seen by\r\njane;2,5;Fine.;Ada\r\nbob;;;\r\n", encoding="utf-8")
    give(course, "jane", "answer-1", 3)
    give(course, "bob", "answer-1", 1.5, "Half; say why.")
    for _ in range(2):  # the second time bob's mark is there already, without its ";"
        assert command(grades, course, "--collect") == 1
        told = capsys.readouterr().out
        assert "jane, question-1: 3 points in Formgrader, 2.5 in the marks file" in told
        assert "bob, question-1" not in told
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    assert header[:4] == ["student", "points", "comment", "seen by"]
    assert [row[:4] for row in rows] == [["jane", "2,5", "Fine.", "Ada"], ["bob", "1,5", "Half, say why.", ""]]
    assert marks_files.read(grades, points) == {
        "jane": {"question-1": (2.5, "Fine.")},
        "bob": {"question-1": (1.5, "Half, say why.")},
    }


def hand_in_anew(grades, student, question, answer):
    path = grades / "rows" / f"{safe.file_name(student)}.json"
    graded = json.loads(path.read_text(encoding="utf-8"))
    graded["answers"][question] = answer
    path.write_text(json.dumps(graded), encoding="utf-8")


@pytest.mark.parametrize("filled_again", [False, True])
def test_a_mark_of_formgraders_for_an_answer_that_has_changed_does_not_come_back_and_is_told(
    grades, course, points, capsys, filled_again
):
    command(grades, course)
    give(course, "jane", "answer-1", 3)
    hand_in_anew(grades, "jane", "question-1", "Another answer.")
    if filled_again:
        assert command(grades, course) == 1
    assert command(grades, course, "--collect") == 1
    assert "jane, question-1: the answer has changed since it was marked in Formgrader" in capsys.readouterr().out
    assert marks_files.read(grades, points) == {}
    give(course, "jane", "answer-1", 2)  # looked at again
    if not filled_again:
        command(grades, course)
    give(course, "jane", "answer-1", 2)
    assert command(grades, course, "--collect") == 0
    assert marks_files.read(grades, points) == {"jane": {"question-1": (2.0, "")}}


def test_a_mark_in_the_marks_files_for_an_answer_that_has_changed_does_not_go_into_the_gradebook(grades, course, points):
    marks_files.fill(grades / "marking" / "question-1.csv", [from_json(record("jane"))], {"jane": (2.5, "Fine.")})
    hand_in_anew(grades, "jane", "question-1", "Another answer.")
    command(grades, course)
    assert grades_of(course, "jane")["answer-1"] == (None, None, True)


def test_a_withdrawn_submission_is_not_entered_and_one_that_was_entered_is_told(grades, course, capsys):
    gone = grades / "rows" / marks_files.GONE
    gone.mkdir()
    (grades / "rows" / "bob.json").rename(gone / "bob.json")
    assert command(grades, course) == 0
    assert {entry["student"] for entry in formgrader(course).get_submissions("viz")} == {"jane"}
    (gone / "bob.json").rename(grades / "rows" / "bob.json")
    assert command(grades, course) == 0
    (grades / "rows" / "bob.json").rename(gone / "bob.json")
    assert command(grades, course) == 1
    assert "bob: in nbgrader's gradebook with a submission of viz, and not in these grades." in capsys.readouterr().out


def test_more_points_than_a_question_gives_do_not_come_back(grades, course, points, capsys):
    command(grades, course)
    give(course, "jane", "answer-1", 4, extra=2)
    assert command(grades, course, "--collect") == 1
    assert "6 points in Formgrader; expected 0 to 4" in capsys.readouterr().out
    assert marks_files.read(grades, points) == {}


def test_collecting_from_a_course_that_is_not_there_makes_none(grades, new_course):
    with pytest.raises(ValueError, match="has no assignment viz"):
        command(grades, new_course, "--collect")
    assert not new_course.exists()


def test_a_folder_without_results_is_refused(tmp_path, new_course):
    with pytest.raises(ValueError, match="holds no results"):
        command(tmp_path, new_course)
    assert not new_course.exists()
