"""The marker's desk: what is shown to whom, what a mark is for, and what a change needs."""

import csv
import dataclasses
import json

import pytest
from helpers.marking import QUESTION, graded
from helpers.places import ROOT

from cs231n.assignment import assignment
from cs231n.instructor.grading import rubric
from cs231n.instructor.grading.course_material import as_asked
from cs231n.instructor.marking.api import Api, Wrong
from cs231n.instructor.marking.desk import Desk, Refused
from cs231n.instructor.marking.near import difference, nearly_equal
from cs231n.instructor.marking.shares import Share
from cs231n.instructor.reports import marks
from cs231n.instructor.reports.reference import reference_material
from cs231n.instructor.rubric_lines import Line, rubric_lines

RUBRIC = rubric.load()
ANSWERS = {
    "jane": "The values are tiny.",
    "ben": " the values  are TINY.",
    "cy": "The values are tiny, too.",
    "dan": "No idea.",
    "eve": "",
}
LONG = "The probability of the class is close to one, so the weights of the gradients vanish and the map turns dark everywhere. "


@pytest.fixture(scope="module")
def reference():
    return as_asked(reference_material(ROOT / "NetworkVisualization.ipynb"), RUBRIC)


@pytest.fixture
def sit(tmp_path, reference):
    """A function that lets a marker sit down in a graded folder; all leave at the end."""
    desks = []
    graded(tmp_path, ANSWERS)

    def sit(marker="anna", share=None, rubric=RUBRIC):
        desks.append(Desk(tmp_path, rubric, reference, marker, share))
        return Api(desks[-1])

    yield sit
    for desk in desks:
        desk.close()


def refreshed(api):
    api.desk.refresh()
    return api


def items(api, question=QUESTION):
    """Return {answer in small letters: item}."""
    return {item["answer"].text.strip().lower(): item for item in refreshed(api).get_question(question)["items"]}


def item_of(api, start):
    return next(item for answer, item in items(api).items() if answer.startswith(start))


def mark(api, start, points, **more):
    return refreshed(api).post_mark({"question": QUESTION, "item": item_of(api, start)["id"], "points": points, **more})["item"]


def given(api):
    """Return {student: (points, comment)}, as grades and feedback take them."""
    return {student: found[QUESTION] for student, found in marks.read(api.desk.grades, RUBRIC).items()}


def in_grades(api, **points):
    lines = [f"{student},{value}" for student, value in points.items()]
    (api.desk.grades / "grades.csv").write_text("\n".join([f"student,{QUESTION}", *lines]), encoding="utf-8")


# What is marked


def test_equal_answers_are_one_item_and_their_mark_is_for_all_who_gave_them(sit):
    api = sit()
    assert {answer: len(item["aliases"]) for answer, item in items(api).items()} == {
        "the values  are tiny.": 2,
        "the values are tiny, too.": 1,
        "no idea.": 1,
    }
    mark(api, "the values  are", 2.5, comment="Yes.", lines=[2, 0, 0])
    assert given(api) == {"jane": (2.5, "Yes."), "ben": (2.5, "Yes.")}
    graded(api.desk.grades, {"fay": "The values are tiny."})  # hands in later
    assert item_of(api, "the values  are")["mark"]["points"] == 2.5
    assert given(api)["fay"] == (2.5, "Yes.")


def test_a_marker_gets_back_what_was_given(sit):
    api = sit()
    item = mark(api, "no", 1, comment="Why?\nSee me; soon", lines=[2], seconds=7)
    assert item["marked"]
    assert {**item["mark"], "when": ""} == {"points": 1, "lines": [2], "comment": "Why?\nSee me; soon", "by": "anna", "when": ""}
    api.desk.close()
    assert item_of(sit(), "no")["mark"] == item["mark"]


def test_students_whose_equal_answers_have_different_marks_are_told_apart_and_can_be_marked_together(sit):
    api = sit()
    path = api.desk.grades / "marking" / f"{QUESTION}.csv"
    path.write_text("student,points,comment\njane,1,\n", encoding="utf-8")
    api.desk.sync()
    item = item_of(api, "the values  are")
    jane = api.desk.alias("jane")
    assert (item["mark"], item["marked"]) == (None, False)
    assert item["before"] == f"{jane} already has 1 points, by {QUESTION}.csv."
    mark(api, "the values  are", 2)
    assert given(api) == {"jane": (2.0, ""), "ben": (2.0, "")}


def test_an_answer_that_changes_is_shown_again_with_its_old_mark(sit):
    api = sit()
    mark(api, "no", 1, comment="Why?")
    graded(api.desk.grades, {"dan": "An idea."})
    item = item_of(api, "an idea")
    assert item["mark"] is None
    assert item["before"] == f"{api.desk.alias('dan')} had 1 point for an earlier answer: Why?"
    with pytest.raises(Refused, match="no longer exists"):
        refreshed(api).post_mark({"question": QUESTION, "item": item_id_of("No idea."), "points": 1})
    assert "dan" not in given(api)
    mark(api, "an idea", 2)
    assert item_of(api, "an idea")["before"] == ""
    assert given(api)["dan"] == (2.0, "")


def item_id_of(answer):
    from cs231n.instructor.reports.items import item_id
    from cs231n.instructor.reports.records import Record

    return item_id(Record("dan", "", "", "", answers={QUESTION: answer}), QUESTION)


def test_nearly_equal_answers_are_offered_and_get_a_mark_together_and_lose_it_together(sit):
    api = sit()
    graded(
        api.desk.grades,
        {"fay": LONG, "gil": LONG.replace("dark", "black"), "hal": LONG + "So it says little.", "ian": "Yes. " * 30},
    )
    first = items(api)[LONG.strip().lower()]
    near = api.get_item(QUESTION, first["id"])["near"]
    assert len(near) == 2
    assert any("<del>dark</del><ins>black</ins>" in one["difference"] for one in near)
    others = [one["id"] for one in near]
    with pytest.raises(Refused, match="Mark this answer first"):
        api.post_near({"question": QUESTION, "item": first["id"], "others": others})
    api.post_mark({"question": QUESTION, "item": first["id"], "points": 3, "comment": "All.", "lines": [0, 1, 2]})
    mark(api, "yes", 0)
    told = api.post_near({"question": QUESTION, "item": first["id"], "others": others})
    assert [item["mark"]["points"] for item in told["items"]] == [3, 3]
    assert {student for student, found in given(api).items() if found == (3.0, "All.")} == {"fay", "gil", "hal"}
    with pytest.raises(Refused, match="not nearly equal"):
        api.post_near({"question": QUESTION, "item": first["id"], "others": [item_of(api, "yes")["id"]]})
    api.post_undo({"question": QUESTION})
    assert {student for student, found in given(api).items() if found == (3.0, "All.")} == {"fay"}


def test_undo_takes_back_ones_own_changes_one_by_one_and_brings_back_what_they_replaced(sit):
    api = sit()
    mark(api, "no", 1)
    mark(api, "no", 2)
    mark(api, "the values are tiny, too", 3)
    told = [api.post_undo({"question": QUESTION})["item"] for _ in range(4)]
    assert [item and item["mark"] and item["mark"]["points"] for item in told] == [None, 1, None, None]
    assert told[3] is None
    assert given(api) == {}


def test_a_change_that_another_marker_has_replaced_is_not_undone(sit):
    anna, ben = sit(), sit("ben")
    mark(anna, "no", 1)
    mark(ben, "no", 2)
    with pytest.raises(Refused, match="ben has changed this mark since"):
        refreshed(anna).post_undo({"question": QUESTION})
    assert given(anna) == {"dan": (2.0, "")}


def test_a_flag_is_seen_by_all_markers_and_can_be_taken_away(sit):
    anna, ben = sit(), sit("ben")
    for flag in (True, False):
        anna.post_flag({"question": QUESTION, "item": item_of(anna, "no")["id"], "flag": flag})
        assert item_of(ben, "no")["flag"] is flag
        assert ben.get_desk()["counts"]["flagged"] == flag


def test_comments_are_offered_again_the_most_frequent_first(sit):
    api = sit()
    mark(api, "no", 1, comment="Why?")
    mark(api, "the values  are", 1, comment="Which formula?")
    mark(api, "the values are tiny, too", 1, comment="Which formula?")
    assert api.get_comments(QUESTION)["comments"] == [{"text": "Which formula?", "times": 2}, {"text": "Why?", "times": 1}]
    assert api.get_comments("question-1")["comments"] == []


def test_progress_and_pace_count_answers_not_students(sit):
    api = sit()
    desk = api.get_desk()
    assert desk["counts"] == {"total": 3, "marked": 0, "flagged": 0, "seconds_an_answer": None, "left_seconds": None}
    told = refreshed(api).post_mark({"question": QUESTION, "item": item_of(api, "no")["id"], "points": 0, "seconds": 10})
    assert told["progress"] == {"total": 3, "marked": 1, "flagged": 0, "seconds_an_answer": 10, "left_seconds": 20}
    question = next(question for question in api.get_desk()["questions"] if question["key"] == QUESTION)
    assert (question["total"], question["marked"], question["students"], question["most"]) == (3, 1, 4, 3.0)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ({"points": 3.01}, Refused, "expected a number from 0 to 3"),
        ({"points": -1}, Refused, "expected a number from 0 to 3"),
        ({"points": True}, Refused, "expected a number"),
        ({"points": "2"}, Refused, "expected a number"),
        ({"points": 10**400}, Refused, "expected a number"),
        ({"points": 1.234}, Refused, "at most two digits"),
        ({"points": 1, "lines": [3]}, Wrong, "from 0 to 2"),
        ({"points": 1, "lines": [True]}, Wrong, "from 0 to 2"),
        ({"points": 1, "lines": "0"}, Wrong, "from 0 to 2"),
        ({"points": 1, "comment": 7}, Wrong, "comment: expected a text"),
        ({"points": 1, "comment": "x" * 5001}, Refused, "5001 characters"),
        ({"points": 1, "seconds": -1}, Wrong, "seconds"),
        ({"points": 1, "question": "question-99"}, Refused, "no question"),
        ({"points": 1, "question": None}, Wrong, "question: expected a text"),
        ({"points": 1, "item": "0" * 16}, Refused, "no longer exists"),
    ],
)
def test_a_mark_that_cannot_be_is_refused_and_nothing_is_written(sit, body, kind, said):
    api = sit()
    with pytest.raises(kind, match=said):
        api.post_mark({"question": QUESTION, "item": item_of(api, "no")["id"], **body})
    assert not api.desk.journals.standing.entries
    assert given(api) == {}


def test_what_a_marker_writes_loses_what_deceives_and_keeps_its_script(sit):
    api = sit()
    item = mark(api, "no", 1, comment="\u202eevil\ud800 हिन्दी <b>=1+1</b>")
    assert item["mark"]["comment"] == "\ufffdevil\ufffd हिन्दी <b>=1+1</b>"


# Names, order, shares


def test_no_answer_has_a_students_name_until_the_names_are_asked_for(sit):
    api = sit()
    mark(api, "no", 1)
    told = [api.get_desk(), api.get_question(QUESTION), api.get_log(), api.get_conflicts(), api.get_disagreements()]
    shown = json.dumps(told, default=lambda markdown: markdown.text).lower()
    assert not [name for name in ("jane", 'cy"', 'dan"', "ms ") if name in shown]
    names = api.get_names()
    assert sorted(names.values()) == [f"Ms {name.title()} ({name})" for name in sorted(ANSWERS)]
    assert sorted(names) == [f"Student {number}" for number in range(1, 6)]


def test_aliases_stay_when_students_come(sit):
    before = sit().get_names()
    api = sit("ben")
    graded(api.desk.grades, dict.fromkeys(("aaa", "zzz"), "x"))
    after = refreshed(api).get_names()
    assert before.items() < after.items()
    assert len(after) == 7


def test_the_order_is_each_markers_own_and_the_same_every_time(sit):
    anna, ben = sit(), sit("ben")
    graded(anna.desk.grades, {f"s{number}": f"Answer {number}." for number in range(40)})
    orders = [[item["id"] for item in refreshed(api).get_question(QUESTION)["items"]] for api in (anna, ben, anna)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
    anna.desk.close()
    assert [item["id"] for item in sit().get_question(QUESTION)["items"]] == orders[0]


def test_shares_divide_the_answers_and_ones_own_come_first(sit):
    anna, ben = sit("anna", Share(1, 2)), sit("ben", Share(2, 2))
    graded(anna.desk.grades, {f"s{number}": f"Answer {number}." for number in range(60)})
    found = [refreshed(api).get_question(QUESTION)["items"] for api in (anna, ben)]
    own = [{item["id"] for item in one if item["mine"]} for one in found]
    assert not own[0] & own[1]
    assert own[0] | own[1] == {item["id"] for item in found[0]}
    assert min(map(len, own)) > 15
    assert [item["mine"] for item in found[0]] == sorted((item["mine"] for item in found[0]), reverse=True)
    assert [api.get_desk()["counts"]["total"] for api in (anna, ben)] == list(map(len, own))
    assert anna.get_desk()["share"] == "1/2"


def test_markers_who_share_the_answers_in_different_ways_are_refused(sit):
    sit("anna", Share(1, 2, 10))
    with pytest.raises(ValueError, match="shared in another way"):
        sit("ben", Share(2, 3, 10))
    sit("ben", Share(2, 2, 10))


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "1/101"])
def test_a_share_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="expected a share such as 1/2"):
        Share.read(text, 0)


@pytest.fixture
def pair(sit):
    """The marker whose share `dan`'s answer is, and the other; both are to mark everything."""
    anna, ben = sit("anna", Share(1, 2, 100)), sit("ben", Share(2, 2, 100))
    return (anna, ben) if item_of(anna, "no")["mine"] else (ben, anna)


def test_what_is_marked_twice_is_marked_without_seeing_the_others_mark(pair):
    owner, other = pair
    assert all(item["twice"] for item in owner.get_question(QUESTION)["items"])
    mark(owner, "no", 3, comment="Fine.")
    item = item_of(other, "no")
    assert (item["mark"], item["marked"], item["others"], item["before"]) == (None, False, [], "")
    assert other.get_disagreements() == {"items": []}
    item = mark(other, "no", 1)
    assert item["mark"]["points"] == 1
    assert [one["points"] for one in item["others"]] == [3]


@pytest.mark.parametrize("first", [0, 1])
def test_until_a_disagreement_is_settled_the_mark_of_the_share_counts(pair, first):
    order = [(pair[0], 3), (pair[1], 1)]
    for api, points in (order[first], order[1 - first]):
        mark(api, "no", points)
    owner, other = pair
    assert given(owner) == {"dan": (3.0, "")}
    assert [item_of(api, "no")["mark"]["points"] for api in pair] == [3, 1]
    for api in pair:
        refreshed(api)
        assert [[one["points"] for one in item["marks"]] for item in api.get_disagreements()["items"]] == [[3, 1]]
        assert api.get_desk()["disagreements"] == 1
    mark(other, "no", 2)
    assert given(owner) == {"dan": (2.0, "")}
    assert [(refreshed(api).get_disagreements()["items"], item_of(api, "no")["mark"]["points"]) for api in pair] == [([], 2)] * 2


def test_two_who_agree_do_not_disagree(pair):
    for api in pair:
        mark(api, "no", 2)
    assert refreshed(pair[0]).get_disagreements() == {"items": []}
    assert given(pair[0]) == {"dan": (2.0, "")}


def test_two_who_mark_the_same_answer_at_the_same_moment_disagree_and_nothing_is_lost(sit):
    anna, ben = sit(), sit("ben")
    name = item_of(anna, "no")["id"]
    item_of(ben, "no")
    anna.post_mark({"question": QUESTION, "item": name, "points": 1})
    refreshed(ben).post_mark({"question": QUESTION, "item": name, "points": 2})  # has not seen anna's
    assert given(anna) == {"dan": (1.0, "")}
    assert [[one["points"] for one in item["marks"]] for item in refreshed(anna).get_disagreements()["items"]] == [[1, 2]]


def test_a_marker_who_has_seen_anothers_mark_replaces_it(sit):
    anna, ben = sit(), sit("ben")
    mark(anna, "no", 1)
    assert item_of(ben, "no")["mark"]["by"] == "anna"
    mark(ben, "no", 2)
    assert given(anna) == {"dan": (2.0, "")}
    assert refreshed(anna).get_disagreements() == {"items": []}
    assert item_of(anna, "no")["mark"]["by"] == "ben"


def test_one_marker_has_one_desk(sit):
    sit("anna")
    with pytest.raises(ValueError, match=r"anna is marking in .* already"):
        sit("anna")


# What is in the grades


def test_a_change_of_points_in_the_grades_needs_a_reason_and_is_in_the_log(sit):
    api = sit()
    mark(api, "no", 1)
    in_grades(api, dan="1", jane="")
    mark(api, "no", 1, comment="The points are the same.")
    mark(api, "the values  are", 2)
    with pytest.raises(
        Refused, match=r"1 point for this answer in the grades already\. To change it to 2 points, give a reason"
    ) as refused:
        mark(api, "no", 2)
    assert refused.value.needs_reason
    assert given(api)["dan"][0] == 1
    with pytest.raises(Refused):
        mark(api, "no", None)
    mark(api, "no", 2, reason="=added up wrongly")
    change = api.get_log()["changes"]
    assert [(one["student"], one["old"], one["new"], one["reason"], one["by"]) for one in change] == [
        (api.desk.alias("dan"), 1.0, 2.0, "=added up wrongly", "anna")
    ]
    api.desk.sync()
    with (api.desk.grades / "marking" / marks.REGRADES).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["student"], row["old"], row["new"], row["reason"]) for row in rows] == [("dan", "1", "2", "'=added up wrongly")]
    api.post_undo({"question": QUESTION})
    assert given(api)["dan"][0] == 1
    assert api.get_log()["changes"][0]["undone"]


def test_a_mark_that_the_grades_have_is_not_simply_taken_back(sit):
    api = sit()
    mark(api, "no", 1)
    in_grades(api, dan="1")
    with pytest.raises(Refused, match="This mark is already in the grades"):
        api.post_undo({"question": QUESTION})
    assert given(api)["dan"][0] == 1


def test_a_second_opinion_on_a_mark_in_the_grades_changes_nothing_and_needs_no_reason(pair):
    owner, other = pair
    mark(owner, "no", 1)
    in_grades(owner, dan="1")
    mark(other, "no", 3)
    assert given(owner)["dan"][0] == 1
    with pytest.raises(Refused, match="give a reason"):
        mark(other, "no", 2)


def test_the_mark_of_the_share_needs_a_reason_where_it_replaces_a_second_opinion_that_is_in_the_grades(pair):
    owner, other = pair
    mark(other, "no", 3)
    in_grades(owner, dan="3")
    with pytest.raises(Refused, match="3 points for this answer in the grades"):
        mark(owner, "no", 1)
    mark(owner, "no", 1, reason="stricter")
    assert given(owner)["dan"][0] == 1


def test_a_conflict_with_a_marks_file_is_shown_and_decided_either_way(sit):
    for keep, points in (("journal", 3.0), ("file", 2.0)):
        api = sit(keep)
        mark(api, "no", 1)
        api.desk.sync()
        path = api.desk.grades / "marking" / f"{QUESTION}.csv"
        path.write_text(path.read_text(encoding="utf-8").replace('"dan","1"', '"dan","2"'), encoding="utf-8")
        mark(api, "no", 3)
        dan = api.desk.alias("dan")
        found = api.get_conflicts()["items"]
        assert [(one["student"], one["file"]["points"], one["journal"]["points"]) for one in found] == [(dan, 2.0, 3.0)]
        assert api.get_desk()["conflicts"] == 1
        assert api.post_conflict({"question": QUESTION, "student": dan, "keep": keep}) == {"conflicts": 0}
        assert given(api)["dan"][0] == points
        assert f'"dan","{points:g}"' in path.read_text(encoding="utf-8")
        assert item_of(api, "no")["mark"]["points"] == points
        with pytest.raises(Refused, match="no longer exists"):
            api.post_conflict({"question": QUESTION, "student": dan, "keep": keep})


def test_a_marks_file_that_cannot_be_read_is_a_notice_and_marking_goes_on(sit):
    api = sit()
    path = api.desk.grades / "marking" / f"{QUESTION}.csv"
    content = path.read_text(encoding="utf-8")
    path.write_text(content + '"nobody","1","","",""\n', encoding="utf-8")
    assert "there is no submission of 'nobody'" in str(refreshed(api).get_desk()["notices"])
    item = mark(api, "no", 1)
    api.desk.sync()
    assert item["marked"]
    path.write_text(content, encoding="utf-8")
    assert api.get_desk()["notices"] == []
    api.desk.sync()
    assert given(api) == {"dan": (1.0, "")}
    assert '"dan","1"' in path.read_text(encoding="utf-8")


def test_a_marks_file_that_cannot_be_read_stops_a_marker_who_begins(sit):
    api = sit()
    path = api.desk.grades / "marking" / f"{QUESTION}.csv"
    path.write_text("student,points,comment\ndan,9,\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"question-2\.csv, line 2: the points of dan are '9'"):
        sit("ben")
    path.write_text("student,points,comment\ndan,1,\n", encoding="utf-8")
    assert item_of(sit("ben"), "no")["mark"]["points"] == 1


# Figures, pictures, texts


def test_an_answer_about_a_figure_comes_with_the_students_own_and_the_references(sit, reference):
    api = sit()
    picture = reference.figures["class-figure"][0]
    graded(api.desk.grades, {"jane": {"question-5": "Pooling.", "question-2": "x"}}, figures={"class-figure": [picture]})
    listed = refreshed(api).get_question("question-5")["items"][0]
    assert (listed["figures"], listed["pictures_waiting"]) == ([], True)
    (figure,) = api.get_item("question-5", listed["id"])["figures"]
    assert figure["caption"] == "Class visualizations"
    assert figure["own"][0].startswith("data:image/jpeg;base64,")
    assert figure["reference"]
    item = item_of(api, "x")
    assert (api.get_item(QUESTION, item["id"])["figures"], item["pictures_waiting"]) == ([], False)


def test_pictures_in_an_answer_belong_to_it_and_only_pictures_are_shown(sit, reference):
    api, picture = sit(), reference.figures["class-figure"][0]
    for student, pictures in {"jane": [picture], "ben": ["PHNjcmlwdD4="], "cy": []}.items():
        graded(api.desk.grades, {student: "See above."}, answer_pictures={QUESTION: pictures})
    found = [item for item in refreshed(api).get_question(QUESTION)["items"] if item["answer"].text == "See above."]
    assert sorted(len(api.get_item(QUESTION, item["id"])["pictures"]) for item in found) == [0, 0, 1]


def test_where_an_answer_was_found_is_said(sit):
    api = sit()
    graded(api.desk.grades, {"cy": "Lost.", "dan": "Lost."}, answer_notes={QUESTION: "It was in the cell below."})
    assert item_of(api, "lost")["note"] == "It was in the cell below."
    graded(api.desk.grades, {"dan": "Lost."})
    assert item_of(api, "lost")["note"] == f"{api.desk.alias('cy')}: It was in the cell below."


def test_a_course_with_other_points_and_a_question_of_its_own_is_marked_by_its_rubric(tmp_path, reference):
    course = tmp_path / "course.toml"
    course.write_text(
        'left-out = ["question-1"]\n[question-5]\npoints = 2.5\ntext = "Why?"\nrubric = "* 1.5: because\\n* 1: for"\n',
        encoding="utf-8",
    )
    own = rubric.load(None, course)
    grades = graded(tmp_path / "grades", {"jane": {"question-5": "So.", "question-2": "x"}})
    desk = Desk(grades, own, as_asked(reference_material(ROOT / "NetworkVisualization.ipynb"), own), "anna")
    told = {question["key"]: question for question in Api(desk).get_desk()["questions"]}
    desk.close()
    assert "question-1" not in told
    five = told["question-5"]
    assert (five["most"], five["mode"], five["figures"]) == (2.5, "additive", False)
    assert [line["points"] for line in five["lines"]] == [1.5, 1]
    assert five["question"].text == "Why?"


def test_marks_above_what_the_question_gives_by_now_are_to_be_given_again(sit):
    api = sit()
    mark(api, "no", 3)
    fewer = dataclasses.replace(RUBRIC, points={**RUBRIC.points, QUESTION: 2.0})
    api.desk.rubric = fewer
    item = item_of(api, "no")
    assert item["mark"] is None
    assert "had 3 points, which is more than the question gives now" in item["before"]


# Rubric lines


def test_every_rubric_of_the_kit_has_its_lines(reference):
    found = {key: rubric_lines(text, RUBRIC.points[key]) for key, text in reference.model_answers.items()}
    assert {key: lines.additive for key, lines in found.items()} == {key: key != "question-1" for key in found}
    assert [line.points for line in found["question-1"].lines] == [4, 3, 2, 1, 0]
    for task in assignment().questions:
        if found[task.key].additive:
            assert sum(line.points for line in found[task.key].lines) == task.points
    assert found["question-2"].lines[0].text == "the values are close to 0."


@pytest.mark.parametrize(
    ("text", "lines", "additive"),
    [
        ("* 2: a\n* 1: b", [(2, "a"), (1, "b")], True),
        ("- 1,5: a\n+ 1.5 points: b", [(1.5, "a"), (1.5, "b")], True),
        ("* 3: a\n* 0: b", [(3, "a"), (0, "b")], False),
        ("* 2: a\n* 2: b", [(2, "a"), (2, "b")], False),
        ("* 0.1: a\n" * 30, [(0.1, "a")] * 30, True),
        ("* 2: a\n  goes on\n\n* 1: b", [(2, "a\ngoes on"), (1, "b")], True),
        ("* 2: in the answer\n\n**Rubric (3 points).**\n\n* 3: a\n\n**Your course gives 5 points here.**", [(3, "a")], True),
        ("**Rubric (2 points).**\n* 1: a\n* 1: b", [(1.5, "a"), (1.5, "b")], True),
        ("Give what you like.", [], False),
        ("* a\n* 2 b\n* x: c", [], False),
        ("", [], False),
    ],
)
def test_the_lines_of_a_rubric_are_additive_if_they_add_up(text, lines, additive):
    found = rubric_lines(text, 3.0)
    assert (found.lines, found.additive) == (tuple(Line(*line) for line in lines), additive)


def test_where_the_question_gives_other_points_than_the_rubric_its_lines_are_scaled():
    rubric = "**Rubric (4 points).**\n* 4: all\n* 3: most\n* 1: some\n* 0: none"
    found = rubric_lines(rubric, 2.5)
    assert ([line.points for line in found.lines], found.additive, found.scaled_from) == ([2.5, 1.88, 0.62, 0], False, 4.0)
    same = rubric_lines(rubric, 4.0)
    assert ([line.points for line in same.lines], same.scaled_from) == ([4, 3, 1, 0], None)
    adding = rubric_lines("**Rubric (3 points).**\n* 1: a\n* 1: b\n* 1: c", 2.5)
    assert ([line.points for line in adding.lines], adding.additive, adding.scaled_from) == ([0.83] * 3, True, 3.0)


@pytest.mark.parametrize("points", [4.0, 2.5])
def test_no_line_of_a_rubric_gives_more_than_the_question(points):
    found = rubric_lines("**Rubric (4 points).**\n* 4: all\n* 3: most", points)
    assert max(line.points for line in found.lines) == points


@pytest.mark.parametrize(
    ("below", "rest"),
    [
        ("* 2: a\n  and more\n\n* 1: b\n", "**Model answer.** No."),
        ("* 2: a\n\nBut nothing for a bare no.", None),
        ("As you see fit.", None),
    ],
)
def test_a_rubric_is_left_out_of_the_model_answer_only_if_its_lines_say_all_of_it(below, rest):
    text = f"**Model answer.** No.\n\n**Rubric (3 points).**\n{below}"
    assert rubric_lines(text, 3.0).rest == (text if rest is None else rest)


# Nearly equal


def test_answers_are_nearly_equal_if_most_of_their_text_is():
    words = LONG.split()
    changed = " ".join("other" if number % 8 == 7 else word for number, word in enumerate(words))
    apart = "Softmax saturates, hence every derivative of it is nearly zero; other classes enter through their own derivatives."
    found = nearly_equal({"a": LONG, "b": changed, "c": apart, "d": "", "e": "No idea, sorry.", "f": "No idea,  sorry"})
    assert found == {"a": ["b"], "b": ["a"], "c": [], "d": [], "e": ["f"], "f": ["e"]}
    assert nearly_equal({}) == {}


@pytest.mark.parametrize("fraction", [0.2, 0.35, 0.65, 0.8])
def test_the_fraction_of_text_in_common_decides(fraction):
    """Two texts share so much of all their 5-grams, spelled in letters that are each used once."""
    letters = [chr(0x4E00 + number) for number in range(6000)]
    common = round(2000 * 2 * fraction / (1 + fraction))
    one, other = letters[:2000], letters[:common] + letters[3000 : 5000 - common]
    assert bool(nearly_equal({"a": "".join(one), "b": "".join(other)})["a"]) is (fraction > 0.5)


def test_a_difference_is_text():
    assert difference("<b>one</b> two", "<b>one</b> 'three'") == (
        "&lt;b&gt;one&lt;/b&gt; <del>two</del><ins>&#39;three&#39;</ins>"
    )
    assert "<script" not in difference("<script>alert(1)</script>", "x <script>alert(2)</script>")
