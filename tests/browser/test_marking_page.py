"""Marking in the browser: by keyboard, by two at once, through crashes, and whatever a student wrote."""

import contextlib
import dataclasses
import http.server
import threading
from pathlib import Path

import pytest
from classroom import NAMES, everybody, graded, key_of, png, record
from looks import PIXELS, SCREEN, SCREENSHOTS
from marker import WIDE, Marker, marking

from cs231n.instructor.grading import rubric
from cs231n.instructor.reports import marks
from cs231n.instructor.reports.marks import fill
from cs231n.instructor.reports.records import read, write

ELSEWHERE = Path(__file__).with_name("elsewhere.html")
REFUSED = "net::ERR_", "status of 401", "status of 409"  # by a dead program, one with a new token, or for want of a reason
PHONE = {"width": 390, "height": 844}
RUBRIC = rubric.load()
# What a person would press for each answer of the class, in the order of NAMES: for question 1 one of five lines, which give
# 4 to 0 points; for question 2 those that fit of three lines, which give a point each, or none.
FRIEND_JUDGED = tuple("12354152351315251421")
PROBABILITY_JUDGED = tuple("123 12 0 12 0 123 1 1 13 123 0 12 123 0 123 0 13 12 1 13".split(" "))  # noqa: SIM905
JUDGED = {"question-1": FRIEND_JUDGED, "question-2": PROBABILITY_JUDGED}


def points_of(question, keys):
    return 5 - int(keys) if question == "question-1" else len(keys.strip("0"))


def all_points():
    """Return {student: {question: points}} of JUDGED."""
    return {
        key_of(name): {question: points_of(question, keys[place]) for question, keys in JUDGED.items()}
        for place, name in enumerate(NAMES)
    }


@pytest.fixture
def grades(tmp_path):
    """What grading the class leaves."""
    return graded(tmp_path / "grades", everybody())


@pytest.fixture
def seated(context):
    """A function that seats a Marker in front of a desk's page; it leaves at the end."""
    pages = []

    def seated(desk):
        pages.append(context.new_page())
        return Marker(pages[-1], desk)

    yield seated
    for page in pages:
        page.close()


def judge(marker, question):
    """Mark the answer that is shown as JUDGED says, by keyboard; return (student, points) once the page says it is on disk.

    Names are shown for it, which says who "a person who reads the answer" has in front.
    """
    student = marker.text("who").split("(")[1].rstrip(")")
    keys = JUDGED[question][[key_of(name) for name in NAMES].index(student)]
    marker.press(*keys)
    assert marker.points() == str(points_of(question, keys))
    marker.save()
    return student, points_of(question, keys)


def saved_points(folder):
    return {
        student: {question: mark[0] for question, mark in given.items()} for student, given in marks.read(folder, RUBRIC).items()
    }


def judge_share(marker, question):
    """Mark what is left of a marker's share of a question, yielding (student, points) after each that is on disk."""
    while "is marked" not in marker.text("status") and "are marked" not in marker.text("status"):
        yield judge(marker, question)


def test_two_markers_mark_forty_answers_and_a_crash_in_between_loses_nothing(grades, seated):
    acknowledged = {}
    with contextlib.ExitStack() as desks:
        first = desks.enter_context(marking(grades, "ada", "--share", "1/2"))
        ada, ben = seated(first), seated(desks.enter_context(marking(grades, "ben", "--share", "2/2")))
        for number, question in enumerate(JUDGED, 1):
            for one in (ada, ben):
                if number == 1:
                    one.open(number)
                    one.press("n")
                    one.see("#names[aria-pressed='true']")
                else:
                    one.press("Enter")  # nothing is left of the question before
                    one.see("#title:has-text('Inline question 2')")
                    one.at(1)
            ways = [judge_share(ada, question), judge_share(ben, question)]
            while ways:
                for way in list(ways):
                    if (mark := next(way, None)) is None:
                        ways.remove(way)
                        continue
                    acknowledged[mark[0], question] = mark[1]
                    if len(acknowledged) == 11:
                        crash_in_between(ada, first, desks, grades)
        assert len(acknowledged) == 2 * len(NAMES)
    assert saved_points(grades) == all_points()


def crash_in_between(marker, desk, desks, grades):
    """Kill the program in front of a marker, who chooses a mark, sees that it is not saved, and saves it after a new start."""
    desk.kill()
    place = marker.text("position")
    marker.press("1", "Enter")
    assert "is not responding" in marker.refused()
    assert marker.is_unsaved()
    shown = marker.mark()
    again = desks.enter_context(marking(grades, "ada", "--share", "1/2", "--port", desk.port))
    marker.press("r")
    marker.see("#address")  # a new start has a new token
    marker.page.fill("#new-address", again.address)
    marker.page.press("#new-address", "Enter")
    marker.done()
    assert not marker.is_unsaved()
    assert (marker.text("position"), marker.mark()) == (place, shown)
    marker.press("u")
    marker.done()


HOSTILE = {
    "script": "<script>alert(1)</script> <img src=x onerror=alert(2)> <svg onload=alert(3)>",
    "style": "<style>* { display: none !important }</style> <div style='position: fixed; inset: 0'>over everything</div>",
    "links": "[a](javascript:alert(4)) ![b](http://example.com/b.png) <iframe src='http://example.com'></iframe>",
    "closing": "</div></section></main></body> `</textarea>` {{ 7 * 7 }} ${7 * 7}",
    "turned": "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 " * 40,
    "word": "A" * 100_000,
    "formula": "$" + "{" * 500 + "x" + "}" * 500 + "$ $$\\frac{" * 50 + " $\\style{position:fixed}{x}$",
    "code": "```\n" + "<b>" * 300 + "\n```\n\n|" + " wide |" * 200 + "\n|" + "---|" * 200 + "\n|" + " w |" * 200,
    "marks": "Z\u0351\u036b\u0343" * 200 + "\u2028\u0000\ufffe",
}
ACTIVE = "script, style, img, svg, a, iframe, object, embed, form, input, link, meta, [style], [onerror], [onload], [href], [src]"


@pytest.fixture
def hostile(tmp_path):
    """A class that answers question 1 with whatever could harm the marker, whose names and ids are no better."""
    records = [record(f"<img/src=x/onerror=alert(5)>{name} x", question_1=words) for name, words in HOSTILE.items()]
    return graded(tmp_path / "hostile", records)


def test_whatever_a_student_writes_stays_text_in_its_place(hostile, seated, watch):
    dialogs = []
    with marking(hostile, "ada") as desk:
        marker = seated(desk)
        marker.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        marker.open(1)
        marker.press("n")
        marker.see("#names[aria-pressed='true']")
        seen = []
        for screen in (SCREEN, PHONE):
            marker.page.set_viewport_size(screen)
            for _ in HOSTILE:
                seen.append(marker.text("answer"))
                assert marker.page.locator("#answer").locator(ACTIVE).count() == 0
                assert "<img/src=x/onerror=alert(5)>" in marker.text("who")
                assert not marker.page.evaluate(WIDE)
                marker.page.locator("#save").click(trial=True)  # it can be hit: nothing lies over it
                marker.press("j")
        marker.page.screenshot(path=photo("hostile"))
    assert len(set(seen)) == len(HOSTILE)
    for part in ("<script>alert(1)</script>", "<style>* { display: none !important }</style>", "{{ 7 * 7 }}", "A" * 1000):
        assert any(part in words for words in seen)
    assert dialogs == []
    assert watch.outward() == []


def test_a_comment_stays_text_and_is_offered_again(grades, seated):
    hostile = "<b onclick=alert(1)>Why?</b> =1+1"
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        marker.open(1)
        marker.press("1")
        marker.write("c", hostile)
        marker.save()
        marker.press("2")
        marker.write("c", "Say what follows for the step.")
        marker.save()
        marker.press("c")
        marker.page.keyboard.type("follows")
        assert marker.see("#suggestions li") == "Say what follows for the step."
        marker.press("ArrowDown", "Enter", "Escape")
        assert marker.mark()[2] == "Say what follows for the step."
        marker.press("3")
        marker.save()
        marker.press("c")
        offered = marker.page.locator("#suggestions li").all_inner_texts()
        assert [words.split("\n")[0] for words in offered] == ["Say what follows for the step.", hostile]
        assert "2 times" in offered[0]
    given = [mark for answers in marks.read(grades, RUBRIC).values() for mark in answers.values()]
    assert sorted(given) == [(2.0, "Say what follows for the step."), (3.0, "Say what follows for the step."), (4.0, hostile)]


def test_what_is_typed_into_a_field_is_no_shortcut(grades, seated):
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        marker.open(1)
        place = marker.text("position")
        words = "1 2 3 jkl sfu xegGnor?0vpq"
        marker.write("c", words)
        assert (marker.text("position"), marker.mark()) == (place, ("", [], words))
        marker.press("Enter")
        assert "No points yet" in marker.refused()
        marker.write("p", "2,5")
        marker.save()
        marker.press("k")
        assert marker.mark() == ("2.5", [], words)
        marker.press("j", "p")
        marker.page.keyboard.type("4.5")
        marker.press("Enter")
        assert "from 0 to 4" in marker.refused()
    assert [mark for answers in marks.read(grades, RUBRIC).values() for mark in answers.values()] == [(2.5, words)]


def test_keys_that_are_pressed_before_a_mark_is_on_disk_are_for_the_next_answer(grades, seated):
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        marker.open(1)
        marker.page.route("**/api/mark", lambda route: (marker.page.wait_for_timeout(300), route.continue_()))
        marker.press("1", "Enter", "2", "Enter", "5", "c", "x", "1", "Escape", "Enter")
        marker.at(4)
        marker.press("k")
        found = []
        for _ in range(3):
            found.append(marker.mark())
            marker.press("k")
    assert found == [("0", [5], "x1"), ("3", [2], ""), ("4", [1], "")]


def test_equal_answers_are_marked_once_and_nearly_equal_ones_as_chosen(grades, seated):
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        marker.open(3)
        while "3 students gave this answer" not in marker.text("badges"):
            marker.press("j")
        marker.press("1", "2", "e")
        assert "2 nearly equal answers: 2 points" in marker.see("#near-title")
        shown = marker.page.locator(".near").all_inner_texts()
        assert sorted(marker.page.locator(".near ins").all_inner_texts())[0] in ("all", "all ", "almost")
        assert len(shown) == 2
        marker.page.screenshot(path=photo("nearly-equal"))
        marker.press("Space", "Enter")
        marker.see("#status:has-text('the same mark for 1 other answer')")
        assert "2 of 4" in marker.text("pace")
    assert sorted(saved_points(grades).values(), key=str) == [{"question-3": 2.0}] * 4


@pytest.mark.parametrize("saved_before", [False, True])
def test_after_a_mark_for_nearly_equal_answers_comes_the_first_that_is_left(grades, seated, saved_before):
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        marker.open(3)
        while "nearly equal" not in marker.text("badges"):
            marker.press("j")
        marker.press("1")
        if saved_before:
            place = marker.text("position")
            marker.save()
            while marker.text("position") != place:
                marker.press("k")
        marker.press("e")
        marker.see("#near[open]")
        marker.press("a", "Enter")
        assert "press" not in marker.see("#status:has-text('the same mark for 2 other answers')").lower()  # one is left: here
        assert "3 of 4" in marker.text("pace")
        assert marker.mark() == ("", [], "")
        assert "388" in marker.text("answer")
        marker.press("2")
        assert "All answers to this question are marked." in marker.save()
        marker.press("s")
        assert marker.see("#status:has-text('no other answer')") == "There is no other answer to mark."


def test_the_overview_says_how_long_it_takes_while_something_is_left(tmp_path, seated):
    folder = graded(tmp_path / "grades", [record("Ada Lindqvist", question_1="No."), record("Ben Okafor", question_1="Yes.")])
    told = []
    with marking(folder, "ann") as desk:
        marker = seated(desk)
        for _ in range(2):
            marker.open(1)
            marker.press("g", "1")
            marker.save()
            marker.overview()
            told.append(marker.text("view").split("Press a question")[0])
    assert [("of 2 answers are marked" in one, "s each" in one, " left" in one) for one in told] == [
        (True, True, True),
        (True, True, False),
    ]


def test_answers_that_a_filter_hides_are_not_called_marked_nor_another_marker_s(grades, seated):
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        marker.open(1)
        marker.press("f")
        marker.done()
        marker.page.select_option("#filter", "flagged")
        marker.press("1")
        assert "All answers that are shown are marked. Press g to continue with the others" in marker.save()
        marker.press("g")
        marker.at(2)


def test_a_question_about_a_figure_shows_the_student_s_beside_the_reference_s(tmp_path, seated):
    own = {"fooling-figure": [png("teal", (900, 400))], "fooling-scores": []}
    one = dataclasses.replace(
        record("Ada Lindqvist", question_3="As the figure shows."), figures=own, answer_pictures={"question-3": [png("navy")]}
    )
    with marking(graded(tmp_path / "grades", [one]), "ada") as desk:
        marker = seated(desk)
        marker.open(3)
        marker.see("#pictures .pair")
        shown = marker.page.locator("#pictures img")
        shown.evaluate_all("images => Promise.all(images.map(image => image.decode()))")  # an error for what is no picture
        alts = shown.evaluate_all("images => images.map(image => image.alt)")
        assert alts[:3] == ["Picture 1 in the answer", "The student's: The fooling image", "Reference: The fooling image"]
        left, right = (shown.nth(place).bounding_box() for place in (1, 2))
        assert left["x"] + left["width"] <= right["x"]
        assert abs(left["y"] - right["y"]) < 1
        assert "The student's: there is none." in marker.text("pictures")
        marker.press("v")
        assert marker.page.locator("#large img").count() == len(alts)
        marker.page.screenshot(path=photo("pictures"))
        marker.press("Escape")


def test_of_several_markers_each_counts_a_share_and_is_told_where_the_other_answers_are(tmp_path, seated):
    folder = graded(tmp_path / "grades", [record("Ada Lindqvist", question_1="No."), record("Ben Okafor", question_1="Yes.")])
    with marking(folder, "ann", "--share", "1/2") as first, marking(folder, "bob", "--share", "2/2") as second:
        found = []
        for marker in (seated(first), seated(second)):
            overview = marker.page.locator("#view tbody tr").nth(0).inner_text()
            marker.open(1)
            found.append((overview, marker.text("position"), marker.text("pace"), marker.text("status")))
    for overview, position, pace, status in found:
        if "none in your share" in overview:
            assert "2 outside it" in overview
            assert (position, pace) == ("Answer 1 of 2 outside your share", "none in your share marked")
            assert "These belong to other markers" in status
        else:
            own = int(position.split(" of ")[1].split()[0])
            assert position == f"Answer 1 of {own} in your share"
            assert pace == f"0 of {own} in your share marked"
            assert (f"{2 - own} outside it" in overview) is (own < 2)
            assert status == ""


def test_alone_nothing_is_said_of_shares(grades, seated):
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        assert "outside" not in marker.text("view")
        marker.open(1)
        assert marker.text("pace") == "0 of 20 marked"
        assert "other markers' share" not in marker.page.locator("#filter option:not([hidden])").all_inner_texts()


def test_the_button_says_what_enter_does_next(tmp_path, seated):
    answers = {"question_1": "No.", "question_2": "Small."}
    folder = graded(tmp_path / "grades", [record("Ada Lindqvist", **answers), record("Ben Okafor", question_1="Yes.")])
    with marking(folder, "ann") as desk:
        marker = seated(desk)
        marker.open(1)
        assert marker.text("save").startswith("Save and next")
        marker.press("1")
        marker.save()
        marker.press("k")
        assert marker.text("save").startswith("Next to mark")  # this one is saved, another is not marked
        marker.press("Enter")
        assert marker.text("save").split("Enter")[0].strip() == "Save"  # the last one
        marker.press("1")
        marker.save()
        assert marker.text("save").startswith("Go to inline question 2")
        marker.press("5")
        assert marker.text("save").startswith("Save")  # what has changed since is saved first
        marker.save()
        marker.press("Enter")
        marker.see("#title:has-text('Inline question 2')")
        marker.press("1")
        marker.save()
        assert "Press Enter for the overview." in marker.text("status")
        assert marker.text("save").startswith("Go to the overview")
        marker.press("Enter")
        marker.see("#view table")


OWN = """
[question-4]
points = 2
text = "Why does the figure say so?"
rubric = '''
* 1: names the figure.
* 1: gives a reason.
'''
"""


def test_a_question_without_a_model_answer_is_shown_in_its_place(tmp_path, seated):
    folder = graded(tmp_path / "grades", [record("Ada Lindqvist", question_1="No.", question_4="Because.")])
    (folder / "course.toml").write_text(OWN, encoding="utf-8")
    with marking(folder, "ann") as desk:
        marker = seated(desk)
        marker.open(4)
        assert marker.see("#question:visible") == "Why does the figure say so?"
        assert not marker.page.is_visible("#answered")
        marker.overview()
        marker.open(1)
        assert marker.page.is_visible("#model-answer")
        assert not marker.page.is_visible("#question")


def test_in_full_size_a_missing_picture_takes_no_room_and_the_way_out_stays_in_sight(tmp_path, seated):
    figures = {"fooling-figure": [png("teal", (900, 400))], "fooling-scores": []}
    one = dataclasses.replace(record("Ada Lindqvist", question_3="As the figure shows."), figures=figures)
    with marking(graded(tmp_path / "grades", [one]), "ada") as desk:
        marker = seated(desk)
        marker.open(3)
        marker.see("#pictures .pair")
        marker.press("v")
        marker.see("#large img")
        pairs = marker.page.locator("#large .pair")
        own, ours = (pairs.nth(0).locator("figure").nth(place).bounding_box() for place in (0, 1))
        assert ours["x"] >= own["x"] + own["width"]  # side by side
        whole, alone = pairs.nth(1).bounding_box(), pairs.nth(1).locator("figure").nth(1).bounding_box()
        assert alone["width"] == pytest.approx(whole["width"], abs=1)
        marker.page.locator("#large").evaluate("window => window.scrollTo(0, window.scrollHeight)")
        marker.page.locator("#large form button").click(trial=True)  # nothing lies over it
        title, heading = (marker.page.locator(f"#large {name}").first for name in ("form", "#large-pictures"))
        marker.page.locator("#large").evaluate("window => window.scrollTo(0, 0)")
        assert heading.bounding_box()["y"] >= title.bounding_box()["y"] + title.bounding_box()["height"] - 1
        marker.press("Escape")


def test_an_answer_that_has_changed_comes_again_with_its_old_mark(tmp_path, seated):
    folder = graded(tmp_path / "grades", [record("Ada Lindqvist", question_1="No."), record("Ben Okafor", question_1="Yes.")])
    with marking(folder, "ada") as desk:
        marker = seated(desk)
        marker.open(1)
        for _ in range(2):
            marker.press("2")
            marker.write("c", "Why?")
            marker.save()
    write(folder / "rows" / "ada.json", record("Ada Lindqvist", question_1="No, since the sign is lost."))
    with marking(folder, "ada") as desk:
        marker = seated(desk)
        marker.open(1)
        assert marker.text("answer") == "No, since the sign is lost."
        assert "3 points for an earlier answer: Why?" in marker.text("before")
        assert marker.mark() == ("", [], "")
        assert "1 of 2" in marker.text("pace")
        marker.press("1")
        marker.save()
        assert "are marked" in marker.text("status")
    assert saved_points(folder) == {"ada": {"question-1": 4.0}, "ben": {"question-1": 3.0}}


def test_what_two_people_mark_is_marked_blindly_and_then_shown_where_they_differ(tmp_path, seated):
    folder = graded(tmp_path / "grades", [record("Ada Lindqvist", question_1="No.")])
    with (
        marking(folder, "ann", "--share", "1/2", "--twice", 100) as first,
        marking(folder, "bob", "--share", "2/2", "--twice", 100) as second,
    ):
        ann, bob = seated(first), seated(second)
        ann.open(1)
        assert "to be marked by two people" in ann.text("badges")
        ann.press("1")
        ann.save()
        bob.open(1)
        assert "to be marked by two people" in bob.text("badges")  # ann's mark is hidden, and does not count before bob's
        assert bob.mark() == ("", [], "")
        assert "4 points" not in bob.text("marking")
        bob.press("4")
        bob.save()
        ann.overview()
        assert ann.text("to-disagreements") == "Disagreements (1)"
        ann.page.click("#to-disagreements")
        words = ann.see("#view td:has-text('bob: 1 point')")
        assert "ann: 4 points" in words
        ann.page.click("#view td a")
        ann.at(1)
        assert "1 point, bob" in ann.text("badges")
        assert "marked by two people" in ann.text("badges")
        assert "to be marked" not in ann.text("badges")
        ann.press("2")
        ann.save()
        ann.overview()
        assert ann.text("to-disagreements") == "Disagreements"
    assert saved_points(folder) == {"ada": {"question-1": 3.0}}


def test_a_mark_that_was_edited_in_the_file_meanwhile_is_a_conflict_that_one_decides(tmp_path, seated):
    folder = graded(tmp_path / "grades", [record("Ada Lindqvist", question_1="No."), record("Ben Okafor", question_1="Yes.")])
    path = folder / "marking" / "question-1.csv"
    with marking(folder, "ann") as desk:
        marker = seated(desk)
        marker.open(1)
        for _ in range(2):
            marker.press("2")
            marker.save()
        fill(
            path, [read(folder / "rows" / f"{name}.json") for name in ("ada", "ben")], {"ada": (1.0, "Short."), "ben": (2.0, "")}
        )
        marker.overview()
        assert marker.text("to-conflicts") == "Conflicts (2)"
        marker.press("n")
        marker.page.click("#to-conflicts")
        marker.see("#view td:has-text('Ada Lindqvist')")
        marker.page.screenshot(path=photo("conflicts"))
        marker.page.click("#view tr:has-text('Ada Lindqvist') button:has-text('file')")
        marker.done()
        assert marker.text("to-conflicts") == "Conflicts (1)"
        marker.page.click("#view tr:has-text('Ben Okafor') button:has-text('given here')")
        marker.see("#view:has-text('There are no conflicts')")
    found = marks.read(folder, RUBRIC)
    assert found == {"ada": {"question-1": (1.0, "Short.")}, "ben": {"question-1": (3.0, "")}}


def test_a_mark_that_is_in_the_grades_changes_with_a_reason_and_is_in_the_log(tmp_path, seated):
    folder = graded(tmp_path / "grades", [record("Ada Lindqvist", question_1="No.")])
    with marking(folder, "ann") as desk:
        marker = seated(desk)
        marker.open(1)
        marker.press("2")
        marker.save()
    (folder / "grades.csv").write_text("student,question-1\nada,3\n", encoding="utf-8")
    with marking(folder, "ann") as desk:
        marker = seated(desk)
        marker.open(1)
        assert marker.mark() == ("3", [2], "")
        marker.press("1", "Enter")
        assert "3 points for this answer in the grades already. To change it to 4 points, give a reason." in marker.see("#graded")
        assert marker.text("problem") == ""  # a question, not a failure
        assert not marker.is_unsaved()
        marker.page.screenshot(path=photo("regrade"))
        marker.press("Escape")  # the field for the reason has the focus
        assert marker.mark() == ("3", [2], "")
        marker.write("c", "Kept.")
        marker.press("x")
        assert "To take the mark back, give a reason." in marker.see("#graded")
        assert marker.text("regrade-do") == "Take the mark back"
        marker.press("u")  # pressed by mistake: undone before it was done, and what was typed is there
        assert not marker.page.is_visible("#regrade")
        assert marker.mark() == ("3", [2], "Kept.")
        marker.press("x")
        marker.see("#regrade")
        marker.page.keyboard.type("Wrong student")  # any other letter begins the reason
        assert marker.page.input_value("#reason") == "Wrong student"
        marker.press("Escape", "u")
        assert marker.mark() == ("3", [2], "")
        marker.press("1", "Enter")
        marker.see("#regrade")
        marker.page.keyboard.type("The colours are in the figure. <b>1</b>")
        marker.press("Enter")
        marker.done()
        marker.page.click("#to-log")
        marker.see("#view td:has-text('The colours are in the figure. <b>1</b>')")
        row = marker.page.locator("#view tbody td").all_inner_texts()
        assert row[3:5] == ["3 points", "4 points"]
        assert row[-1] == "ann"
    assert saved_points(folder) == {"ada": {"question-1": 4.0}}


def test_undo_skip_flag_and_unmark(grades, seated):
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        marker.open(1)
        marker.press("1")
        marker.press("u")
        assert marker.mark() == ("", [], "")
        marker.press("1")
        marker.save()
        assert marker.text("position") == "Answer 2 of 20"
        marker.press("u")
        marker.at(1)
        assert marker.mark() == ("", [], "")
        marker.press("s", "f")
        marker.done()
        assert "flagged" in marker.text("badges")
        marker.press("j", "j", "G")
        assert marker.text("position") == "Answer 2 of 20"
        marker.press("g")
        assert marker.text("position") == "Answer 3 of 20"
        marker.press("2")
        marker.save()
        marker.press("k")
        marker.page.evaluate("document.getElementById('status').classList.remove('saved')")
        marker.press("x")
        marker.done()
        assert "0 of 20" in marker.text("pace")
    assert saved_points(grades) == {}


def test_leaving_the_page_with_a_mark_that_is_not_saved_is_asked_about(grades, seated):
    asked = []
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        marker.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
        marker.open(1)
        marker.press("1", "j")
        assert marker.is_unsaved()
        marker.page.goto("about:blank")
        assert asked == ["beforeunload"]
        marker = Marker(marker.page, desk)
        marker.open(1)
        marker.press("1")
        marker.save()
        marker.page.goto("about:blank")
    assert asked == ["beforeunload"]


@contextlib.contextmanager
def elsewhere():
    """Yield the address of another site on this machine, which serves ELSEWHERE: a page that does what it can."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(ELSEWHERE.read_bytes())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_the_page_of_another_site_can_neither_read_nor_mark_even_with_the_token(grades, seated, browser):
    with marking(grades, "ada") as desk, elsewhere() as site:
        marker = seated(desk)
        with marker.page.expect_response("**/api/question/question-1") as asked:
            marker.open(1)
        item = asked.value.json()["items"][0]["id"]
        own = f"http://127.0.0.1:{desk.port}/"
        token = desk.address.split("token=")[1]
        stranger = browser.new_context()
        page = stranger.new_page()
        page.goto(f"{site}?desk={own}&token={token}&item={item}")
        page.wait_for_function("window.found !== undefined")
        assert page.evaluate("window.found") == []
        stranger.close()
        marker.overview()
        assert "0 of 20" in marker.text("view")
        marker.open(1)
        marker.press("1")
        marker.save()  # the same mark from the page itself
    assert len(saved_points(grades)) == 1


def photo(name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS / f"marking-{name}.png"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", [SCREEN, PHONE], ids=["laptop", "phone"])
def test_a_usual_answer_needs_no_scrolling_on_a_laptop_and_nothing_is_wider_than_a_phone(grades, browser, theme, screen):
    window = browser.new_context(viewport=screen, color_scheme=theme, device_scale_factor=PIXELS)
    errors = []
    window.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    window.on("weberror", lambda error: errors.append(str(error.error)))
    name = f"{screen['width']}-{theme}"
    with marking(grades, "ada") as desk:
        marker = Marker(window.new_page(), desk)
        marker.page.screenshot(path=photo(f"overview-{name}"))
        assert not marker.page.evaluate(WIDE)
        marker.open(1)
        for _ in NAMES:
            marker.press("2")
            if screen is SCREEN:
                assert scrolling(marker) == []
            assert not marker.page.evaluate(WIDE)
            marker.save()
        marker.press("k", "c")
        marker.page.screenshot(path=photo(f"answer-{name}"), full_page=screen is PHONE)
        marker.press("Escape", "?")
        marker.page.screenshot(path=photo(f"keys-{name}"))
        assert not marker.page.evaluate(WIDE)
        for view in ("disagreements", "conflicts", "log"):
            marker.page.keyboard.press("Escape")
            marker.page.click(f"#to-{view}")
            marker.see(f"#to-{view}[aria-current]")
            assert not marker.page.evaluate(WIDE)
    assert errors == []
    window.close()


def scrolling(marker):
    """Return which parts of the marking view scroll."""
    return marker.page.locator("#marking > section").evaluate_all(
        "parts => parts.filter(part => part.scrollHeight > part.clientHeight + 1).map(part => part.id)"
    )


def test_every_control_has_a_name_and_shows_the_focus(grades, seated):
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        marker.open(1)
        marker.press("1")
        marker.save()
        controls = marker.page.locator(
            "button:visible, a:visible, select:visible, input:visible, textarea:visible, summary:visible"
        )
        reached = set()
        for _ in range(2 * controls.count()):
            marker.press("Tab")
            reached.add(tuple(marker.page.evaluate(FOCUSED)))
        names = {name for name, _ in reached}
        assert all(name for name in names)
        assert [name for name, is_shown in reached if not is_shown] == []
        for wanted in (
            "Overview",
            "Names",
            "Save and next",
            "Previous",
            "Flag",
            "Undo",
            "Points",
            "Comment for the student",
            "Show",
        ):
            assert any(wanted in name for name in names), wanted


FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one)
    const name = one.labels?.[0]?.innerText || one.getAttribute('aria-label') || one.innerText || one.title || one.tagName
    const isShown = one === document.body || style.outlineStyle !== 'none' || one.id === 'answer'
    return [name.trim(), isShown]
}"""


def test_only_the_current_answer_is_in_the_page_however_many_there_are(tmp_path, seated):
    count = 300
    records = [
        record(f"student{place} x", question_1=f"Answer number {place}, as nobody else wrote it: {'word ' * place}")
        for place in range(count)
    ]
    with marking(graded(tmp_path / "grades", records), "ada") as desk:
        marker = seated(desk)
        marker.open(1)
        assert marker.text("position") == f"Answer 1 of {count}"
        sizes = []
        for _ in range(count):
            sizes.append(marker.page.evaluate("document.querySelectorAll('*').length"))
            assert marker.page.evaluate("document.body.innerText.split('as nobody else wrote it').length") == 2
            marker.press("j")
        assert marker.text("position") == f"Answer 1 of {count}"
        assert max(sizes) - min(sizes) < 40


def test_no_request_left_the_machine_and_no_console_shows_an_error(watch):
    """It comes last: it is about all pages above. The browser itself reports a request that a test wants refused."""
    assert watch.requests
    assert watch.outward() == []
    assert [error for error in watch.errors if not any(reason in error for reason in REFUSED)] == []


def test_where_the_course_gives_other_points_the_lines_are_scaled_and_the_page_says_so(grades, seated):
    course = 'title = "CS 4410 Computer Vision: Network Visualization"\n[points]\nquestion-1 = 2.5\nquestion-2 = 2.5\n'
    (grades / "course.toml").write_text(course, encoding="utf-8")
    with marking(grades, "ada") as desk:
        marker = seated(desk)
        assert marker.page.evaluate(
            "document.getElementById('title').scrollWidth <= document.getElementById('title').clientWidth"
        )
        marker.open(1)
        assert marker.see("#scaled") == "Scaled: this rubric gives 4 points, your course 2.5."
        marker.press("2")
        assert marker.points() == "1.88"
        assert marker.page.evaluate(
            "document.getElementById('points').scrollWidth <= document.getElementById('points').clientWidth"
        )
        assert "no; repeats how the map" not in marker.text("model")  # the rubric is in the lines, not beside them once more
        assert "Your course gives 2.5 points here, this rubric 4." in marker.text("model")
        marker.page.screenshot(path=SCREENSHOTS / "marking-scaled.png")
        marker.save()
        marker.overview()
        marker.open(2)
        marker.press("1", "2")
        assert marker.points() == "1.66"
        marker.press("3")
        assert marker.points() == "2.5"  # all lines give all points, however each is rounded
        marker.overview()
        marker.open(3)
        assert marker.text("scaled") == ""
