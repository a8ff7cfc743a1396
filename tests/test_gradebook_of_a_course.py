"""A course with a file of its own, groups and late days, through nbgrader: nbgrader and grades.csv say the same.

The gradebook is filled once; a test that changes something gets it back as it was.
"""

import csv
import shutil

import nbformat
import pytest
from helpers.gradebooks import command, comments_of, formgrader, give, graded_folder, grades_of, open_gradebook, record

from cs231n.instructor.grading import rubric as rubrics
from cs231n.instructor.grading import settings
from cs231n.instructor.reports import grades as grades_files
from cs231n.instructor.reports import journal, records
from cs231n.instructor.reports import marks as marks_files
from cs231n.instructor.reports.items import item_id
from cs231n.whole_file import write_whole

COURSE = """
title = "Seeing with Networks"
left-out = ["fooling_image", "question-2", "question-3", "question-4", "7"]
bonus = ["question-6"]
[points]
saliency_maps = 7.5
[question-1]
points = 2.5
text = "Why is the sky blue?"
rubric = "* 2.5: it scatters."
[question-6]
points = 3
text = "Why do images drift?"
rubric = "* 3: nothing holds them."
[late]
due = 2026-10-05T12:00:00
timezone = "UTC"
free-days = 1
deduction = "10 %"
of = "earned"
cap = "15 %"
last-day = 9
[late.extensions]
dora = 3
ben = 2
"""
ANN, BEN = {"student": "ann", "name": "Ann Lee", "ids": []}, {"student": "ben", "name": "Ben Ng", "ids": []}
TEAM = [ANN, BEN]
# Two days late with one of them free; capped; within an extension; after the last day; a group with a member's extension.
HANDED_IN = {"bob": "05", "jane": "07", "carl": "12", "dora": "08", "erik": "20", "team": "09"}
# Of 7.5 + 1.5 + 2.5 points and a bonus of 3, which the group does not have.
PENALTIES = {"bob": 0, "jane": 1.45, "carl": 2.17, "dora": 0, "erik": 14.5, "ann": 1.15, "ben": 1.15}
MARKS = {"question-1": (1.5, "Say why."), "question-5": (2.5, "Good.")}


def handed_in(student):
    members = TEAM if student == "team" else []
    told = record(student, handed_in=f"2026-10-{HANDED_IN[student]}T11:00:00+00:00", members=members)
    told["answers"]["question-6"] = "It drifts." if student != "team" else ""
    return told


def marks_of(student):
    return {**MARKS} if student == "team" else {**MARKS, "question-6": (3.0, "")}


def rubric_of(grades):
    return settings.settled(grades, None, None, resume=True)[0]


def table(grades):
    """Return the rows of grades.csv by student, as `grade --resume` would write them now."""
    rubric, graded = rubric_of(grades), records.read_all(grades / "rows")
    marks = marks_files.read(grades, rubric)
    columns = {one.student: rubric.score(one, marks.get(one.student, {})) for one in graded}
    header, *rows = grades_files.grades_table(graded, rubric, columns, [])
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


def exported(course):
    """Return the rows of nbgrader's own export by student."""
    from nbgrader.plugins import CsvExportPlugin

    path = course / "exported.csv"
    with open_gradebook(course) as book:
        CsvExportPlugin(to=str(path), assignment=["viz"]).export(book)
    with path.open(encoding="utf-8", newline="") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def scores_of(course, student):
    """Return {cell: (points, the most)}, as nbgrader counts them."""
    with open_gradebook(course) as book:
        entry = book.find_submission_notebook("NetworkVisualization", "viz", student)
        return {grade.name: (grade.score, grade.max_score) for grade in entry.grades}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """(grades, course): a class whose answers are marked, in nbgrader's gradebook."""
    folder = tmp_path_factory.mktemp("spring")
    write_whole(folder / "spring.toml", COURSE)
    rubric = rubrics.load(None, folder / "spring.toml")
    everybody = [handed_in(student) for student in HANDED_IN]
    grades = graded_folder(folder / "grades", everybody, rubric)
    settings.remember(grades, rubric, settings.Lists())
    for question in rubric.questions:
        marks = {one["student"]: marks for one in everybody if (marks := marks_of(one["student"]).get(question))}
        marks_files.fill(grades / "marking" / f"{question}.csv", [records.from_json(one) for one in everybody], marks)
    assert command(grades, folder / "course") == 0
    return grades, folder / "course"


@pytest.fixture
def spring(filled, tmp_path):
    """What `filled` is, to be changed."""
    folder = filled[0].parent
    shutil.copytree(folder, tmp_path / "before")
    yield filled
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "before", folder)


# The course's own file


def test_cells_and_points_are_those_of_the_course_in_gradebook_notebook_and_grades(filled):
    grades, course = filled
    most = {"check-1": 7.5, "answer-1": 2.5, "check-3": 7, "answer-5": 3, "answer-6": 0}  # 0: a bonus
    assert {cell: points for cell, (_, points) in scores_of(course, "bob").items()} == most
    (assignment,) = formgrader(course).get_assignments()
    assert assignment["max_score"] == rubric_of(grades).full_marks() == 20
    source = nbformat.read(course / "source" / "viz" / "NetworkVisualization.ipynb", as_version=4)
    graded = [cell for cell in source.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert {cell.id: cell.metadata.nbgrader.points for cell in graded} == most
    texts = {cell.id: cell.source for cell in source.cells}
    assert any("Seeing with Networks" in text for text in texts.values())
    assert "Why is the sky blue?" in texts["question-1-text"]
    assert not any("it scatters" in text for text in texts.values())


def test_every_point_in_formgrader_is_the_one_in_grades_csv(filled):
    grades, course = filled
    rows = table(grades)
    assert set(rows) == set(PENALTIES)
    for student, row in rows.items():
        cells = {
            "compute_saliency_maps": "check-1", "class_visualization_update_step": "check-3",
            **{f"question-{number}": f"answer-{number}" for number in (1, 5, 6)},
        }  # fmt: skip
        assert {name: f"{scores_of(course, student)[cell][0]:g}" for name, cell in cells.items()} == {
            name: row[name] for name in cells
        }


def test_a_gradebook_with_what_the_course_leaves_out_is_refused_and_stays_as_it_is(spring):
    grades, course = spring
    (grades / "course.toml").write_text(COURSE.replace('"question-2", ', ""), encoding="utf-8")
    before = (course / "gradebook.db").read_bytes()
    with pytest.raises(ValueError, match=r"other graded cells for viz.*: answer-2\."):
        command(grades, course)
    assert (course / "gradebook.db").read_bytes() == before


def test_points_that_the_course_changes_later_are_changed_in_nbgrader_and_named(spring, capsys):
    grades, course = spring
    (grades / "course.toml").write_text(COURSE.replace("7.5", "8.25"), encoding="utf-8")
    assert command(grades, course) == 1
    assert "viz had other points in nbgrader than in these grades, which count: check-1 had 7.5 points and has 8.25." in (
        capsys.readouterr().out
    )
    assert scores_of(course, "bob")["check-1"] == (8.25, 8.25)
    assert command(grades, course) == 0


# Late days


def test_nbgraders_export_has_the_totals_and_deductions_of_grades_csv(filled):
    grades, course = filled
    rows, theirs = table(grades), exported(course)
    assert set(theirs) == set(rows)
    for student, row in rows.items():
        assert float(theirs[student]["score"]) == pytest.approx(float(row["total"]))
        assert float(theirs[student]["late_submission_penalty"]) == pytest.approx(float(row["deduction"]))
    assert {student: float(row["deduction"]) for student, row in rows.items()} == pytest.approx(PENALTIES)


def test_late_penalties_follow_marks_that_come_back(spring):
    grades, course = spring
    give(course, "jane", "answer-1", 0.5)
    assert command(grades, course, "--collect") == 0
    assert exported(course)["jane"]["late_submission_penalty"] == "1.35"
    assert float(table(grades)["jane"]["total"]) == pytest.approx(float(exported(course)["jane"]["score"]))


def test_a_deduction_that_the_course_takes_back_leaves_nbgrader_too(spring):
    grades, course = spring
    (grades / "course.toml").write_text(COURSE.replace("free-days = 1", "free-days = 30"), encoding="utf-8")
    assert command(grades, course) == 0
    assert exported(course)["jane"]["late_submission_penalty"] == "0.0"


def test_how_many_answers_wait_is_said_and_nothing_where_all_are_marked(spring, capsys):
    grades, course = spring
    assert command(grades, course) == 0
    assert "gradebook.db. All answers are marked." in capsys.readouterr().out
    for name in ("bob", "ann", "ben"):
        give(course, name, "answer-5", None)
        with open_gradebook(course) as book:
            book.find_grade("answer-5", "NetworkVisualization", "viz", name).needs_manual_grade = True
            book.db.commit()
    assert command(grades, course, "--collect") == command(grades, course) == 0
    assert "Answers to mark: 3, with `jupyter lab` in" in capsys.readouterr().out


def test_without_a_due_date_penalties_of_nbgraders_own_stay_and_are_named(spring, capsys):
    grades, course = spring
    (grades / "course.toml").write_text(COURSE[: COURSE.index("[late]")], encoding="utf-8")
    assert command(grades, course) == 1
    assert "ann (1.15), ben (1.15), carl (2.17), erik (14.5), jane (1.45). They stay" in capsys.readouterr().out
    assert exported(course)["jane"]["late_submission_penalty"] == "1.45"


# Groups


def test_each_member_of_a_group_has_an_entry_with_name_marks_and_comments(filled):
    _, course = filled
    listed = {entry["student"]: entry for entry in formgrader(course).get_submissions("viz")}
    assert set(listed) == set(PENALTIES)
    assert (listed["ann"]["first_name"], listed["ben"]["last_name"]) == ("Ann", "Ng")
    assert grades_of(course, "ann") == grades_of(course, "ben")
    assert comments_of(course, "ann") == comments_of(course, "ben")
    assert comments_of(course, "ben")["answer-1"] == "Say why."


def test_nbgraders_feedback_for_each_member_has_marks_comments_and_the_late_penalty(spring):
    _, course = spring
    for student in ("ann", "ben"):
        made = formgrader(course).generate_feedback("viz", student)
        assert made["success"], made["log"]
        page = (course / "feedback" / student / "viz" / "NetworkVisualization.html").read_text(encoding="utf-8")
        assert "Say why." in page
        assert "Late submission penalty (Score: -1.15)" in page


def marks_in_formgrader(course, cell, *students):
    return [(grades_of(course, student)[cell][1:], comments_of(course, student)[cell]) for student in students]


@pytest.mark.parametrize(("new", "words", "kept"), [(0.5, "No.", (0.5, "No.")), (None, None, None)])
def test_a_regrade_of_one_members_is_the_groups_and_is_given_to_the_others(spring, capsys, new, words, kept):
    grades, course = spring
    (grades / "grades.csv").write_text("student,group,question-1\nann,team,1.5\nben,team,1.5\n", encoding="utf-8")
    with open_gradebook(course) as book:  # as Formgrader does
        grade = book.find_grade("answer-1", "NetworkVisualization", "viz", "ben")
        grade.manual_score, grade.needs_manual_grade = new, new is None
        book.find_comment("answer-1", "NetworkVisualization", "viz", "ben").manual_comment = words
        book.db.commit()
    assert command(grades, course, "--collect") == 0
    assert "0 new marks, 1 changed. In Formgrader the other members of a group were given the same: 1." in capsys.readouterr().out
    assert marks_files.read(grades, rubric_of(grades))["team"].get("question-1") == kept
    ann, ben = marks_in_formgrader(course, "answer-1", "ann", "ben")
    assert ann == ben == ((new, new is None), words)
    with (grades / "marking" / "regrades.csv").open(encoding="utf-8-sig", newline="") as file:
        (logged,) = csv.DictReader(file)
    assert (logged["student"], logged["old"], logged["new"]) == ("team", "1.5", f"{'' if new is None else new}")
    assert {row["total"] for name, row in table(grades).items() if name in ("ann", "ben")} == {
        f"{round(0.9 * (10 + (new or 0)), 2):g}"
    }
    assert command(grades, course, "--collect") == 0
    assert command(grades, course) == 0


def answered(grades, text):
    """Let the group hand in another answer to question 5."""
    path = grades / "rows" / "team.json"
    told = records.read(path)
    records.write(path, records.from_json({**records.as_json(told), "answers": {**told.answers, "question-5": text}}))


def test_an_answer_handed_in_anew_needs_one_mark_for_the_group(spring):
    grades, course = spring
    answered(grades, "Another answer.")
    assert command(grades, course) == 1
    assert command(grades, course, "--collect") == 1
    give(course, "ann", "answer-5", 1, "Better.")
    assert command(grades, course, "--collect") == 0
    assert marks_files.read(grades, rubric_of(grades))["team"]["question-5"] == (1, "Better.")
    assert marks_in_formgrader(course, "answer-5", "ben") == [((1, False), "Better.")]


def test_a_mark_that_was_taken_back_counts_again_when_one_member_gets_it_again(spring):
    grades, course = spring
    give(course, "ben", "answer-1", None)
    assert command(grades, course, "--collect") == 0
    assert "question-1" not in marks_files.read(grades, rubric_of(grades))["team"]
    give(course, "ann", "answer-1", *MARKS["question-1"])
    assert command(grades, course, "--collect") == 0
    assert marks_files.read(grades, rubric_of(grades))["team"]["question-1"] == MARKS["question-1"]
    assert grades_of(course, "ben")["answer-1"][1:] == (1.5, False)


def test_different_marks_of_members_are_a_conflict_and_stay_until_they_are_the_same(spring, capsys):
    grades, course = spring
    give(course, "ann", "answer-1", 2, "Well.")
    give(course, "ben", "answer-1", 1, "")
    assert command(grades, course, "--collect") == 1
    assert (
        "team, question-1: a group has one grading, but in Formgrader ann has 2 points (Well.), ben has 1 point."
        in capsys.readouterr().out
    )
    assert marks_files.read(grades, rubric_of(grades))["team"]["question-1"] == MARKS["question-1"]
    assert marks_in_formgrader(course, "answer-1", "ann", "ben") == [((2, False), "Well."), ((1, False), "")]
    give(course, "ben", "answer-1", 2)
    assert command(grades, course, "--collect") == 0
    assert marks_files.read(grades, rubric_of(grades))["team"]["question-1"] == (2, "Well.")


def test_a_comment_without_points_is_not_lost_when_another_member_gets_points(spring, capsys):
    grades, course = spring
    answered(grades, "Another answer.")
    command(grades, course)
    with open_gradebook(course) as book:
        book.find_grade("answer-5", "NetworkVisualization", "viz", "ben").manual_score = None
        book.find_comment("answer-5", "NetworkVisualization", "viz", "ben").manual_comment = "See me."
        book.db.commit()
    give(course, "ann", "answer-5", 1, "Better.")
    assert command(grades, course, "--collect") == 0
    assert marks_in_formgrader(course, "answer-5", "ben") == [((1, False), "See me.")]
    assert command(grades, course, "--collect") == 1
    assert "ann has 1 point (Better.), ben has 1 point (See me.)" in capsys.readouterr().out


# What does not come back, and other contradictions


def test_points_for_an_exercise_by_hand_do_not_come_back_and_are_named(spring, capsys):
    grades, course = spring
    give(course, "bob", "check-3", 5)
    assert command(grades, course, "--collect") == 1
    assert "bob, check-3: 5 points by hand in Formgrader, 0 by the grader." in capsys.readouterr().out


@pytest.mark.parametrize("collects", [False, True])
def test_a_conflict_of_a_marks_file_with_the_browser_is_printed_with_whom_it_concerns_and_what_to_do(spring, capsys, collects):
    grades, course = spring
    rubric, graded = rubric_of(grades), records.read_all(grades / "rows")
    (bob,) = (one for one in graded if one.student == "bob")
    marks_files.enter(grades, rubric, graded, {"question-1": {"bob": (2.0, "")}}, "Formgrader")
    give(course, "bob", "answer-1", 2, "")
    path = grades / "marking" / "question-1.csv"
    written = path.read_text(encoding="utf-8")
    assert '"bob","2"' in written
    path.write_text(written.replace('"bob","2"', '"bob","0.5"'), encoding="utf-8")
    standing = journal.Journals(grades / "marking" / journal.FOLDER)
    standing.refresh()
    item = item_id(bob, "question-1")
    heads = tuple(head.id for head in standing.standing.heads("question-1", item, "bob"))
    writer = journal.Writer(standing.folder / "ada.jsonl")
    writer.append([journal.Entry(journal.Kind.MARK, "question-1", item, "Ada", ("bob",), points=1.0, replaces=heads)])
    writer.close()
    assert command(grades, course, *["--collect"] * collects) == 1
    told = capsys.readouterr().out
    assert "bob, question-1: 0.5 points in the marks file, 1 points in the browser. Until you decide between them" in told
