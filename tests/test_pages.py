"""The pages that come out of grading: what stands on them, that nothing a student wrote is active there, and the marks files."""

import base64
import copy
import csv
import dataclasses
import datetime
import html
import html.parser
import io
import math
import random
import re
import threading

import nbformat
import pytest
from helpers.own_figures import own_figures
from helpers.places import ROOT
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from cs231n import net_visualization_pytorch
from cs231n.checks.explanations import EXERCISES, MISTAKES, NOTES
from cs231n.checks.report import Report
from cs231n.formulas import ATTRIBUTES as FORMULA_ATTRIBUTES
from cs231n.formulas import ELEMENTS
from cs231n.instructor.grading import rubric
from cs231n.instructor.grading.accounting import File
from cs231n.instructor.grading.reasons import Why
from cs231n.instructor.grading.roster import Person
from cs231n.instructor.reports import pages, safe
from cs231n.instructor.reports.deductions import Deduction
from cs231n.instructor.reports.feedback import feedback as feedback_page
from cs231n.instructor.reports.grades import write_intake
from cs231n.instructor.reports.marking import marking as marking_page
from cs231n.instructor.reports.records import from_json
from cs231n.instructor.reports.reference import FIGURES, reference_material
from cs231n.instructor.reports.rendering import LEFT_OUT
from cs231n.instructor.reports.summary import summary as summary_page
from cs231n.notebook_file import picture_of

DAY = datetime.date(2026, 10, 9)
NOTEBOOK = ROOT / "NetworkVisualization.ipynb"
RUBRIC = rubric.load()
SALIENCY, FOOLING, STEP, SMOOTHGRAD, *_, TRANSFORMATION = EXERCISES


@pytest.fixture(scope="module")
def reference():
    return reference_material(NOTEBOOK)


def png(colour):
    content = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def record(student="jane", answers=None, **exercises):
    """A record, as JSON, in which all is right, except for the exercises given as {name: fields that differ}."""
    right = {"verdict": "right", "mistakes": [], "notes": [], "message": "It is right.", "seconds": 0.1}
    return {
        "student": student,
        "name": student.title(),
        "submission": f"{student}.ipynb",
        "sha256": "0" * 64,
        "earlier": [],
        "verdict": "graded",
        "note": "",
        "exercises": {name: {**right, **exercises.get(name, {})} for name in EXERCISES},
        "answers": {name: f"What {student} wrote to {name}." for name in RUBRIC.questions} if answers is None else answers,
        "figures": {},
    }


def wrong(*mistakes, message="It is wrong.", **fields):
    return {"verdict": "wrong", "mistakes": list(mistakes), "notes": [], "message": message, **fields}


def feedback(record, reference, marks=None):
    record = from_json(record)
    return feedback_page(record, RUBRIC.score(record, marks or {}), RUBRIC, marks or {}, reference)


def marking(question, records, *more):
    return marking_page(question, list(map(from_json, records)), RUBRIC, *more)


def write_pages(folder, records, *more, **others):
    pages.write_pages(folder, list(map(from_json, records)), RUBRIC, *more, **others)


def waiting(records, marks):
    return pages.waiting(list(map(from_json, records)), RUBRIC, marks)


def summary(records, reference, **more):
    records = list(map(from_json, records))
    return summary_page(records, RUBRIC, {record.student: RUBRIC.score(record, {}) for record in records}, reference, **more)


class Page(html.parser.HTMLParser):
    """What a browser would see: elements as (tag, attributes), and the text."""

    def __init__(self, source):
        super().__init__()
        self.elements, self.pieces, self.goes_on = [], [], False
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.goes_on = tag == "wbr"

    def handle_endtag(self, tag):
        self.goes_on = False

    def handle_data(self, data):
        if self.goes_on:  # within a word
            self.pieces[-1] += data
        elif self.elements and self.elements[-1][0] != "style":
            self.pieces.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.pieces).split())

    @property
    def sources(self):
        return [attributes["src"] for tag, attributes in self.elements if tag == "img"]


# Names of files


@given(st.lists(st.text(st.characters(), max_size=300), unique=True, max_size=8))
def test_file_names_are_safe_and_no_two_students_meet(students):
    names = [safe.file_name(student) for student in students]
    assert len({name.casefold() for name in names}) == len(students)
    assert all(re.fullmatch(r"[a-z0-9_][a-z0-9_~-]{0,80}", name) for name in names)


@pytest.mark.parametrize(
    "students",
    [
        ("jane", "Jane", "JANE", "jane ", "jane.", " jane", "jane\n"),
        ("é", "e\u0301", "e", "É"),
        ("..", ".", "/", "../..", "..\\..", "/etc/passwd", ""),
        ("con", "CON", "nul.txt", "lpt1", "aux"),
        ("x" * 300, "x" * 301, "x" * 60, "x" * 61),
        ("\ud800", "\udfff", "\0", "\u202e"),
        (safe.file_name("Jane"), "Jane"),
    ],
)
def test_students_who_are_nearly_the_same_get_files_of_their_own(students):
    names = [safe.file_name(student).casefold() for student in students]
    assert len(set(names)) == len(students)
    assert not {"con", "nul", "lpt1", "aux"} & set(names)


def test_a_simple_name_stays_and_a_name_is_the_same_each_time():
    assert safe.file_name("doejane_1234_5678") == "doejane_1234_5678"
    assert safe.file_name("Zoë Doe") == safe.file_name("Zoë Doe")
    assert safe.file_name("Zoë Doe").startswith("zoe-doe~")


# The reference


def test_the_figures_are_those_of_the_notebook_that_depend_on_an_exercise():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    drawn = [cell for cell in cells if any(picture_of(output) for output in cell.get("outputs", []))]
    waiting = {cell.id: re.findall(r"ready\((\w+)\b", cell.source) for cell in drawn}
    # a student's own photographs; images of other figures
    not_shown = {"own-saliency", "own-fooling", "seeds", "made-and-found-figure"}
    by_what_is_done = {"cheat-figure"}  # drawn with the methods that are
    assert {cell for cell, exercises in waiting.items() if exercises} == set(FIGURES) - by_what_is_done | not_shown
    assert all(figure.exercise in waiting[cell] for cell, figure in FIGURES.items() if cell not in by_what_is_done)
    assert by_what_is_done <= {cell.id for cell in drawn}


def test_the_reference_holds_figures_questions_and_model_answers(reference):
    assert list(reference.figures) == list(FIGURES)
    for pictures in reference.figures.values():
        assert pictures
        assert {Image.open(io.BytesIO(base64.b64decode(picture))).format for picture in pictures} == {"JPEG"}
    assert list(reference.questions) == list(reference.model_answers) == list(RUBRIC.questions)
    assert reference.questions["question-1"].startswith("A friend suggests")
    assert "**Rubric (4 points).**" in reference.model_answers["question-1"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("no JSON", "is not a notebook"),
        ("[]", "is not a notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [3]}', "is not a notebook"),
        ('{"nbformat": 99, "cells": []}', "is not a notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', "lacks the cells question-1-text"),
    ],
)
def test_another_file_is_refused_as_reference(tmp_path, content, told):
    (tmp_path / "other.ipynb").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"other\.ipynb {told}"):
        reference_material(tmp_path / "other.ipynb")


def test_a_notebook_without_a_model_answer_or_without_outputs_is_refused_as_reference(tmp_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.id == "own-class":
            cell.outputs = []
    nbformat.write(notebook, tmp_path / "other.ipynb")
    with pytest.raises(ValueError, match=r"no picture in the cells own-class\. Execute .*make refresh"):
        reference_material(tmp_path / "other.ipynb")
    notebook.cells = [cell for cell in notebook.cells if cell.id != "answer-3"]
    nbformat.write(notebook, tmp_path / "other.ipynb")
    with pytest.raises(ValueError, match="lacks the cells answer-3"):
        reference_material(tmp_path / "other.ipynb")


# Feedback


def test_feedback_shows_points_verdicts_messages_and_marks(reference):
    submitted = record(**{SALIENCY: wrong("batch-mean", message="It is 5 times\ntoo small.")})
    marks = {"question-1": (2.5, "And the colours?\nThink.")}
    page = Page(feedback(submitted, reference, marks))
    assert "22.1 of 40 points, and 8 of 14 bonus points so far" in page.text  # 5.6 + 7 + 7 + 2.5
    assert "8 answers are not marked yet" in page.text
    assert "compute_saliency_maps ✗ wrong 5.6 of 7" in page.text
    assert "It is 5 times\ntoo small." in "".join(page.pieces)
    assert "Inline question 1 marked 2.5 of 4" in page.text
    assert "What jane wrote to question-1. And the colours? Think." in page.text
    assert "Inline question 2 not marked yet \N{EN DASH} of 3" in page.text


def test_when_all_is_marked_the_points_are_no_longer_so_far(reference):
    page = Page(feedback(record(), reference, dict.fromkeys(RUBRIC.questions, (2.0, ""))))
    assert "33 of 40 points, and 14 of 14 bonus points" in page.text
    assert "so far" not in page.text


def test_an_optional_part_that_is_left_out_is_told_kindly_and_one_that_is_wrong_with_its_mistake(reference):
    left = {"verdict": "unfinished", "message": "… transform_images: not implemented yet."}
    told = wrong("batch-mean", message="It is wrong.")
    submitted = record(**{TRANSFORMATION: left, SMOOTHGRAD: told})
    submitted["answers"] |= {"question-7": " ", "question-8": "Because."}
    page = Page(feedback(submitted, reference))
    assert "21 of 40 points, and 5.6 of 14 bonus points so far" in page.text
    assert f"{TRANSFORMATION} left out (optional) 0 of 2 bonus" in page.text
    assert "not implemented yet" not in page.text
    assert f"{SMOOTHGRAD} ✗ wrong 1.6 of 2 bonus" in page.text
    assert "Inline question 7 left out (optional) 0 of 2 bonus" in page.text
    assert "You left this optional question out." in page.text
    assert "Inline question 8 not marked yet \N{EN DASH} of 2 bonus" in page.text


def test_without_a_bonus_in_the_rubric_the_pages_say_nothing_of_one(reference):
    own = dataclasses.replace(RUBRIC, points=RUBRIC.points | dict.fromkeys(RUBRIC.bonus, 0.0))
    right = from_json(record())
    columns = own.score(right, {})
    for page in (
        feedback_page(right, columns, own, {}, reference),
        summary_page([right], own, {"jane": columns}, reference),
    ):
        assert "bonus points" not in Page(page).text


def test_feedback_says_what_is_wrong_and_what_it_costs_then_why_then_what_was_seen_and_the_own_checks_words_last(reference):
    seen = {"evidence": ["5 images.", "It is 5 times too small."], "reported": ["On 3 images, too."]}
    told = wrong("batch-mean", message="All of it.", **seen)
    text = Page(feedback(record(**{SALIENCY: told}), reference)).text
    in_order = [
        "compute_saliency_maps is wrong: mean over the batch. This costs 1.4 of 7 points.",
        MISTAKES["batch-mean"].meaning,
        "Think:",
        "What the grader saw 5 images. It is 5 times too small.",
        "What the check in your notebook says On 3 images, too. This was reported while your code ran.",
    ]
    places = [text.index(one) for one in in_order]
    assert places == sorted(places)
    assert "All of it." not in text


def test_an_exercise_that_earns_nothing_says_so_and_one_that_is_right_costs_nothing(reference):
    broken = {"verdict": "broken", "evidence": [], "reported": ["line 1: f( SyntaxError"]}
    text = Page(feedback(record(**{SALIENCY: broken, FOOLING: {"evidence": []}}), reference)).text
    assert "does not run. It earns no points. What Python says about your code line 1: f( SyntaxError" in text
    assert f"{FOOLING} is correct. {EXERCISES[FOOLING]}" in text
    assert "costs" not in text


def test_an_exercise_with_two_mistakes_names_each_above_its_explanation(reference):
    page = Page(feedback(record(**{SALIENCY: wrong("batch-mean", "softmax", evidence=["Far off."])}), reference))
    for name in ("batch-mean", "softmax"):
        assert f"{MISTAKES[name].title} {MISTAKES[name].meaning[:40]}" in page.text


def test_feedback_explains_a_mistake_and_a_note_once(reference):
    mistake, note = MISTAKES["cross-entropy"], NOTES["unbounded-loop"]
    told = Report(FOOLING, "wrong", ["cross-entropy"], ["unbounded-loop"]).text()
    for message in ("It is wrong.", told):
        text = Page(
            feedback(record(**{FOOLING: wrong("cross-entropy", message=message, notes=["unbounded-loop"])}), reference)
        ).text
        assert text.count(mistake.meaning) == 1
        assert text.count(note) == 1


def colours(page):
    """Return the colours of a page's pictures of one colour, as the nearest names, and None for other pictures."""
    named = {name: ImageColor.getrgb(name) for name in ("red", "blue", "green", "lime", "black")}

    def colour(source):
        image = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB")
        seen = image.getpixel((0, 0))
        return min(named, key=lambda name: math.dist(named[name], seen)) if image.size == (4, 3) else None

    return [colour(source) for source in page.sources]


def test_a_picture_of_an_exercise_that_is_wrong_is_beside_the_references(reference):
    submitted = record(**{FOOLING: wrong("batch-mean")})
    submitted["figures"] = {"fooling-figure": [png("red"), png("blue")], "no figure of ours": [png("green")]}
    page = Page(feedback(submitted, reference))
    assert colours(page) == ["red", "blue", None]
    assert "The fooling image from your notebook the reference" in page.text
    assert [attributes["alt"] for tag, attributes in page.elements if tag == "img"] == [
        *(f"The fooling image, from your notebook, {number} of 2" for number in (1, 2)),
        "The fooling image, the reference",
    ]


def test_the_references_picture_is_only_there_where_the_students_would_differ(reference):
    submitted = record(**{FOOLING: {"verdict": "unfinished"}, TRANSFORMATION: {"verdict": "unfinished"}})
    submitted["figures"] = {cell: [png("red")] for cell in FIGURES if FIGURES[cell].exercise not in (FOOLING, TRANSFORMATION)}
    page = Page(feedback(submitted, reference))
    assert colours(page).count(None) == 1  # of the exercise that counts and is not done
    assert "no picture from your notebook" in page.text
    assert colours(page).count("red") == len(submitted["figures"]) == 6


@pytest.mark.parametrize("content", [b"GIF", b"RIFF", b"BM", b"<svg onload='alert(1)'/>", b"", b"\x89PN", b"%PDF"])
def test_what_is_no_picture_is_not_shown(reference, content):
    submitted = record()
    submitted["figures"] = {"fooling-figure": [base64.b64encode(content).decode(), '"><script>', "é", "A"]}
    assert Page(feedback(submitted, reference)).sources == []


def test_a_damaged_picture_and_one_of_too_many_pixels_are_named_as_such(reference):
    damaged = base64.b64decode(png("red"))[:40]
    bomb = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    submitted = record()
    submitted["figures"] = {"fooling-figure": [base64.b64encode(raw).decode() for raw in (damaged, bomb.getvalue())]}
    page = Page(feedback(submitted, reference))
    assert page.sources == []
    assert page.text.count("This picture cannot be shown: it is damaged or too large.") == 2


# How large a page is


def noise(width, height, seed):
    """Return a picture of which every byte counts."""
    content = io.BytesIO()
    Image.frombytes("RGB", (width, height), random.Random(seed).randbytes(3 * width * height)).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


@pytest.fixture(scope="module", name="own_figures")
def made_own_figures():
    return own_figures()


@pytest.mark.parametrize("verdict", ["right", "wrong"])
def test_a_page_with_all_figures_is_small_and_its_pictures_are_wide_enough_to_read(reference, own_figures, verdict):
    submitted = {**record(**{name: wrong("batch-mean") for name in EXERCISES if verdict == "wrong"}), "figures": own_figures}
    source = feedback(submitted, reference)
    page = Page(source)
    assert len(source.encode()) < 300_000
    assert len(page.sources) == len(FIGURES) + (6 if verdict == "wrong" else 0)
    widths = [Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).width for source in page.sources]
    assert set(widths) == {480 if verdict == "right" else 400}
    assert "Pictures are shown smaller here than in your notebook" in page.text


def test_pictures_that_fit_keep_their_size_and_nothing_is_said_about_it(reference, own_figures):
    page = Page(feedback({**record(), "figures": {"fooling-figure": own_figures["fooling-figure"]}}, reference))
    (source,) = page.sources
    assert Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).width == 720
    assert "smaller" not in page.text


@pytest.mark.long
def test_whatever_a_student_hands_in_the_page_is_small_and_says_what_is_left_out(reference):
    shown = [noise(720, 900, seed) for seed in range(4)]
    submitted = {
        **record(answers=dict.fromkeys(RUBRIC.questions, "$x$ < & " * 2500), **{name: wrong("batch-mean") for name in EXERCISES}),
        "figures": dict.fromkeys(FIGURES, shown),
        "answer_pictures": dict.fromkeys(RUBRIC.questions, shown),
        "sources": dict.fromkeys(EXERCISES, "\n&" * 10_000),
    }
    submitted["exercises"] = {name: {**result, "message": "<" * 6000} for name, result in submitted["exercises"].items()}
    source = feedback(submitted, reference, dict.fromkeys(RUBRIC.questions, (1.0, "&" * 20_000)))
    page = Page(source)
    assert len(source.encode()) < 300_000
    assert "more characters are left out here" in page.text
    assert page.text.count("This picture is left out, so that this page stays small.") + len(page.sources) == 4 * (10 + 9) + 6
    assert page.text.count("more lines are left out here") == 7


def test_of_too_many_pictures_the_first_of_an_exercise_is_kept_longest(reference):
    shown = [noise(720, 900, seed) for seed in range(4)]
    submitted = {**record(), "figures": dict.fromkeys(FIGURES, shown), "answer_pictures": {"question-1": shown}}
    alts = [attributes["alt"] for tag, attributes in Page(feedback(submitted, reference)).elements if tag == "img"]
    assert {"Saliency maps", "Class visualizations"} <= {alt.partition(",")[0] for alt in alts}
    assert "A class of one's own" not in " ".join(alts)


def test_a_page_that_would_be_the_same_keeps_its_date_and_one_that_is_not_gets_todays(tmp_path, reference, own_figures):
    submitted, path = {**record(), "figures": own_figures}, tmp_path / "feedback" / "jane.html"
    first, later = datetime.date(2026, 10, 1), datetime.date(2026, 10, 9)
    write_pages(tmp_path, [submitted], {}, reference, today=first)
    before = path.read_bytes()
    assert "Feedback as of 1 October 2026" in path.read_text(encoding="utf-8")
    write_pages(tmp_path, [submitted], {}, reference, today=later)
    assert path.read_bytes() == before
    write_pages(tmp_path, [submitted], {"jane": {"question-1": (2.0, "")}}, reference, today=later)
    assert "Feedback as of 9 October 2026" in path.read_text(encoding="utf-8")
    before = path.read_bytes()
    changed = {**submitted, "figures": {**own_figures, "own-class": [png("red")]}}
    write_pages(tmp_path, [changed], {"jane": {"question-1": (2.0, "")}}, reference, today=later)
    assert path.read_bytes() != before


# Who, when, and the student's own code


def test_feedback_names_the_student_the_group_and_the_times(reference):
    members = [{"student": "jane", "name": "Jane <Doe>", "ids": []}, {"student": "li", "name": "李雷", "ids": []}]
    submitted = {**record(), "name": "Zoë Doe", "members": members, "handed_in": "2026-10-05T23:59:30+02:00"}
    group = from_json(submitted)
    text = Page(feedback_page(group, RUBRIC.score(group, {}), RUBRIC, {}, reference, today=DAY)).text
    assert "Feedback for Zoë Doe" in text
    assert "Handed in on 5 October 2026, 23:59 (UTC+02:00) · Feedback as of 9 October 2026" in text
    assert "Handed in together by Jane <Doe> , 李雷 . This feedback is for all of you." in text
    alone = Page(feedback(record(), reference)).text
    assert "Handed in" not in alone
    assert "This feedback is for" not in alone


def test_a_deduction_is_a_line_of_its_own_and_taken_off_what_was_earned(reference):
    submitted, late = from_json(record()), Deduction("Late by 2 days", -4.5, "10 % a day.")
    columns = RUBRIC.score(submitted, {})
    text = Page(feedback_page(submitted, columns, RUBRIC, {}, reference, [late, Deduction("Free late day", 0.0)])).text
    assert "21 of 40 points, and 8 of 14 bonus points so far 24.5 points in all, after the late deduction" in text
    assert "in all" not in Page(feedback(record(), reference)).text
    free = Page(feedback_page(submitted, columns, RUBRIC, {}, reference, [Deduction("Free late day", 0.0)])).text
    assert "Free late day 0" in free
    assert "in all" not in free
    assert "Late by 2 days 10 % a day. \N{MINUS SIGN}4.5 Free late day 0" in text


def test_feedback_says_how_to_ask_for_a_regrade_in_the_courses_words(reference, tmp_path):
    assert "If you think that something was judged wrongly, write to your instructor" in Page(feedback(record(), reference)).text
    (tmp_path / "course.toml").write_text('regrade = "Ask <Ada>."', encoding="utf-8")
    own = rubric.load(course_file=tmp_path / "course.toml")
    submitted = from_json(record())
    text = Page(feedback_page(submitted, own.score(submitted, {}), own, {}, reference)).text
    assert "Ask <Ada>." in text
    assert "your instructor" not in text


def test_the_own_code_is_there_line_by_line_and_folded_only_where_it_is_right(reference):
    source = "def f(X):\n    a = '<b>'\n\n    return a  # mine\n"
    page = Page(feedback({**record(**{FOOLING: wrong()}), "sources": {SALIENCY: source, FOOLING: source}}, reference))
    assert [attributes for tag, attributes in page.elements if tag == "details"] == [{}, {"open": None}]
    assert "".join(page.pieces).count(source.rstrip()) == 2
    assert len([tag for tag, _ in page.elements if tag == "span"]) == 2 * 4 + 16 * 2  # and two in the head of each part
    stub = {**record(**{FOOLING: {"verdict": "unfinished"}}), "sources": {FOOLING: source}}
    assert "details" not in {tag for tag, _ in Page(feedback(stub, reference)).elements}


def test_the_given_docstring_is_left_out_of_the_own_code_and_the_lines_keep_their_numbers(reference):
    given = getattr(net_visualization_pytorch, SALIENCY).__doc__
    source = f'def f(X, y, model):\n    """{given}"""\n    """Mine."""\n    scores = model(X)\n    scores.mean().backward()\n'
    page = Page(feedback({**record(**{SALIENCY: wrong("batch-mean")}), "sources": {SALIENCY: source}}, reference))
    last = 2 + given.count("\n")
    shown = [int(attributes["data-line"]) for _, attributes in page.elements if "data-line" in attributes]
    assert shown == [1, last + 1, last + 2, last + 3]
    assert f"Lines 2 to {last}, the docstring that you were given, are left out here." in page.text
    assert f"line {last + 3} is the only one that calls mean()" in page.text
    assert given.split("\n")[2].strip() not in page.text
    assert "Mine." in page.text


@pytest.mark.parametrize("changed", ["another", "before"])
def test_a_docstring_that_is_not_the_given_one_or_has_code_beside_it_stays(reference, changed):
    given = getattr(net_visualization_pytorch, SALIENCY).__doc__
    doc = f'a = """{given}"""' if changed == "before" else f'"""{given} Mine."""'
    source = f"def f(X, y, model):\n    {doc}\n    return X"
    page = Page(feedback({**record(**{SALIENCY: wrong()}), "sources": {SALIENCY: source}}, reference))
    assert len([attributes for _, attributes in page.elements if "data-line" in attributes]) == source.count("\n") + 1
    assert "are left out here" not in page.text


def test_the_line_of_a_mistake_is_marked_where_it_is_known(reference):
    source = "def f(X, y, model):\n    scores = model(X)\n    scores.mean().backward()\n    return X.grad\n"
    submitted = {**record(**{SALIENCY: wrong("batch-mean")}), "sources": {SALIENCY: source}}
    page = Page(feedback(submitted, reference))
    lines = [attributes.get("class") for tag, attributes in page.elements if tag == "span" and "class" not in attributes] + [
        attributes["class"] for tag, attributes in page.elements if tag == "span" and attributes.get("class") == "here"
    ]
    assert lines == [None, None, None, "here"]
    assert "Mean over the batch: line 3 is the only one that calls mean()." in page.text
    submitted["sources"] = {SALIENCY: source.replace("X.grad", "X.grad.mean(1)")}
    assert "here" not in [attributes.get("class") for _, attributes in Page(feedback(submitted, reference)).elements]


def test_feedback_shows_neither_model_answers_nor_what_is_for_the_instructor(reference):
    submitted = {**record(), "note": "Looks like another one's.", "earlier": ["jane-1.ipynb"]}
    text = Page(feedback(submitted, reference, {"question-1": (1.0, "")})).text
    assert "Model answer" not in text
    assert "Rubric" not in text
    assert "another one's" not in text
    assert "1 earlier attempt does not count" in text


def test_a_submission_that_could_not_be_read_gets_a_page_that_says_so_and_blames_no_task(reference):
    submitted = {**record(answers={}), "verdict": "unreadable", "exercises": {}}
    text = Page(feedback(submitted, reference)).text
    assert "0 of 40 points, and 0 of 14 bonus points" in text
    assert "could not be read" in text
    assert "ask your instructor how to hand it in again" in text
    for blame in ("There is no answer", "You left this", LEFT_OUT, "not found", "the reference", "compute_saliency_maps"):
        assert blame not in text
    read = Page(feedback({**submitted, "verdict": "graded"}, reference)).text
    assert read.count("There is no answer in your submission.") == 6
    assert read.count("You left this optional question out.") == 3
    assert "compute_saliency_maps … not found 0 of 7" in read


def test_an_answers_markdown_is_shown_without_what_could_act(reference):
    answer = (
        "**bold** <b>x</b> `code` $a_1 < b_1$ [a link](https://a.example) ![a picture](https://a.example/x)\n\n1. one\n2. two"
    )
    source = feedback(record(answers={"question-1": answer}), reference)
    assert '<strong>bold</strong> &lt;b&gt;x&lt;/b&gt; <code>code</code> <math display="inline">' in source
    assert "<mo>&lt;</mo><msub><mi>b</mi><mn>1</mn></msub></mrow></math> a link [picture: a picture]" in source
    assert "<li>one</li>" in source
    assert "a.example" not in source


@pytest.fixture
def fresh_cache():
    safe.html.cache_clear()
    yield
    safe.html.cache_clear()


@pytest.mark.parametrize("place", ["_to_html", "cleaning"])
def test_an_answer_whose_markdown_does_not_end_is_shown_as_it_was_written_with_a_note(reference, monkeypatch, fresh_cache, place):
    """However fast the machine is: what is tested never returns."""

    def forever(text):
        while True:
            pass

    submitted = record(answers={"question-1": "<b>slow</b>", "question-2": "*quick*"})
    monkeypatch.setattr(safe, "RENDER_SECONDS", 0.3)
    real = safe._to_html if place == "_to_html" else safe._cleaner.clean
    target, name = (safe, "_to_html") if place == "_to_html" else (safe._cleaner, "clean")
    monkeypatch.setattr(target, name, lambda text: forever(text) if "slow" in text else real(text))
    source = feedback(submitted, reference)
    assert "takes too long to draw this text as Markdown, so it is shown as it was written.</p><pre>&lt;b&gt;slow" in source
    assert "<em>quick</em>" in source


def test_an_answer_with_a_heading_of_spaces_is_given_up_by_its_time(reference, monkeypatch, fresh_cache):
    monkeypatch.setattr(safe, "RENDER_SECONDS", 0.001)
    assert "takes too long" in feedback(record(answers={"question-1": "# a" + " " * 15_000 + "b"}), reference)


def test_a_text_is_drawn_once_for_all_pages(reference, monkeypatch, fresh_cache):
    drawn, real = [], safe._to_html
    monkeypatch.setattr(safe, "_to_html", lambda text: drawn.append(text) or real(text))
    for student in ("ada", "ben"):
        feedback(record(student, {"question-1": "The same."}), reference)
    assert len(drawn) == len(set(drawn)) == 1 + len(RUBRIC.questions)


def test_where_time_cannot_be_limited_long_texts_are_not_drawn(fresh_cache):
    shown = []
    thread = threading.Thread(target=lambda: shown.extend((safe.html("*a*"), safe.html("*a*" * 1000))))
    thread.start()
    thread.join()
    assert "<em>a</em>" in shown[0]
    assert "takes too long" in shown[1]


def test_an_answer_on_which_the_markdown_parser_gives_up_is_shown_as_it_is(reference):
    answer = "- a\n> b\n" * 2400
    assert "<pre>- a\n&gt; b\n" in feedback(record(answers={"question-1": answer}), reference)


# Nothing on a page acts

EVIL = (
    "<script>alert(1)</script>\"><img src=http://127.0.0.1:9/x onerror=alert(1)>'><svg onload=alert(1)>]]>--></style></title>"
    "{{ 7 * 7 }}{% raw %}<base href=//evil><meta http-equiv=refresh content=0>javascript:alert(1)\u202egnp.exe\x1b[2J\x00\ud800"
)
ATTRIBUTES = {
    "data-label",
    "data-line",
    "class",
    "id",
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "alt",
    "src",
    "href",
    "style",
}
TAGS = {"html", "head", "meta", "title", "style", "body", "section", "div", "p", "h1", "h2", "h3", "br", "hr", "figure", "img"}
TAGS |= {"figcaption", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "pre", "code", "blockquote", "span"}
TAGS |= {"bdi", "a", "em", "strong", "del", "details", "summary", "wbr"}
OF_A_CHART = {"svg", "line", "rect", "text"}


def evil_record():
    answer = f"{EVIL}\n\n{EVIL}\n\n[x](javascript:alert(1))\n\n" + "b\n" * 500_000
    evil = {"verdict": "wrong", "mistakes": [EVIL], "notes": [EVIL], "message": EVIL + "A" * 1_000_000, "seconds": 0}
    told = {"evidence": [EVIL], "reported": [EVIL, EVIL]}
    return {
        **record(EVIL, dict.fromkeys(RUBRIC.questions, answer)),
        **{"name": EVIL * 1000, "submission": EVIL, "earlier": [EVIL], "note": EVIL},
        "exercises": {SALIENCY: evil, FOOLING: wrong(EVIL, **told), STEP: wrong("cross-entropy", EVIL)},
        "figures": {cell: [EVIL, base64.b64encode(EVIL.encode("utf-8", "replace")).decode()] for cell in FIGURES},
    }


@pytest.fixture(scope="module")
def evil_pages(reference):
    evil, columns = evil_record(), RUBRIC.score(from_json(evil_record()), {})
    marks = {"question-1": (1.0, EVIL)}
    return {
        "feedback": feedback_page(from_json(evil), columns, RUBRIC, marks, reference),
        "marking": marking("question-1", [evil, record()], reference),
        "summary": summary([evil, record()], reference),
    }


@pytest.mark.parametrize("kind", ["feedback", "marking", "summary"])
def test_a_page_with_hostile_strings_holds_nothing_active(evil_pages, kind):
    source = evil_pages[kind]
    page = Page(source)
    for tag, attributes in page.elements:
        if tag in ELEMENTS:  # of a formula
            assert all(re.fullmatch(FORMULA_ATTRIBUTES[name], value) for name, value in attributes.items())
            continue
        if tag in OF_A_CHART:  # our own numbers
            assert not [value for name, value in attributes.items() if name.startswith(("on", "href", "xlink")) or "<" in value]
            continue
        assert tag in TAGS
        assert attributes.keys() <= (ATTRIBUTES | {"open"} if tag == "details" else ATTRIBUTES)
        assert re.fullmatch(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/]+=*", attributes.get("src", "data:image/png;base64,AA"))
        assert re.fullmatch(r"#[\w-]+|marking/question-\d\.html|feedback/[a-z0-9_~-]+\.html", attributes.get("href", "#x"))
        assert re.fullmatch(r"width: [\d.]+%", attributes.get("style", "width: 1%"))
    policies = [attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert "<script>alert(1)</script>" in page.text  # it is shown, and is only text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", source)
    assert re.findall(r"(?i)url\(|@import|expression\(", source) == []


def test_long_texts_are_cut_and_say_so(evil_pages):
    assert len(evil_pages["feedback"].encode()) < 300_000
    assert re.search(r"A … \[99\d{4} more characters are left out here\]", evil_pages["feedback"])
    assert "more characters are left out here" in evil_pages["marking"]


def test_a_page_without_hostile_strings_has_the_same_elements(reference):
    """So the test of hostile pages is not passed by pages without content."""
    submitted = {**record(), "figures": {"saliency-figure": [png("red")]}, "sources": {SALIENCY: "pass"}}
    tags = {tag for tag, _ in Page(feedback(submitted, reference)).elements}
    assert {"details", "span", "meta", "table", "section", "img", "pre", "figcaption", "math"} <= tags <= TAGS | ELEMENTS


def test_names_keep_the_characters_of_their_script():
    for name in ("Zoë", "李雷", "क्\u200dष", "نمی\u200cشد", "👩\u200d🎓"):
        assert safe.plain(name) == name


# Marking


def test_the_marking_page_shows_question_model_answer_and_all_answers_the_same_ones_together(reference):
    answers = {"ada": "Mean  pooling.", "ben": "", "cy": "mean pooling.", "abe": "Something else.", "eve": " \n"}
    records = [record(student, {"question-5": answer}) for student, answer in answers.items()]
    text = Page(marking("question-5", records, reference)).text
    assert "3 points · 3 answers, 3 of them to mark · 2 submissions without an answer (0 points; nothing to mark)" in text
    assert "marking/question-5.csv" in text
    assert "In most of the images the object appears several times" in text
    assert "Model answer. The last convolution" in text
    assert "Rubric (3 points)" in text
    assert "Ada ( ada ), Cy ( cy ) the same answer 2 times Mean pooling. Abe ( abe ) Something else." in text
    assert "ben" not in text.split("Rubric (3 points)")[1]


def test_the_marking_page_says_what_is_marked_and_what_was_marked_before_it_changed(reference):
    records = [record(student, {"question-5": f"{student}'s."}) for student in ("ada", "ben", "cy", "dan")]
    given = {"ada": {"question-5": (2.5, "")}, "dan": {"question-5": (1.0, "")}, "cy": {"question-1": (1.0, "")}}
    marks, before = given, {"ben": "1 point for an earlier answer"}
    text = Page(marking("question-5", records, reference, marks, before)).text
    assert "4 answers, 2 of them to mark" in text
    assert "Ada ( ada ) marked, 2.5 points ada's." in text
    assert "Dan ( dan ) marked, 1 point dan's." in text
    assert "Ben ( ben ) to mark again: the answer has changed. Before: 1 point for an earlier answer ben's." in text
    assert "Cy ( cy ) cy's." in text


def test_a_question_that_nobody_answered_has_a_marking_page(reference):
    assert "Nobody answered this question." in Page(marking("question-1", [record(answers={})], reference)).text


# The summary


def class_of_ten():
    records = [record(f"student{i}") for i in range(10)]
    for i in range(4):
        records[i]["exercises"][FOOLING].update(wrong("gradient-accumulates", *(["no-stop-test"] if i == 0 else [])))
        records[i]["figures"] = {"fooling-figure": [png(["red", "green", "blue", "black"][i])]}
    return records


def test_the_summary_shows_no_students_picture_that_nobody_chose(reference):
    page = Page(summary(class_of_ten(), reference))
    assert not [source for source in page.sources if "image/png" in source]
    assert "make_fooling_image : The gradient accumulates student1 , student2 , student3 , student0" in page.text
    page = Page(summary(class_of_ten(), reference, gallery=["student2", "student9"]))
    assert [source for source in page.sources if "image/png" in source] == [f"data:image/png;base64,{png('blue')}"]


def test_the_summary_counts_who_handed_in_nothing_apart(reference):
    assert "2 on the roster handed in nothing and are not counted" in Page(summary(class_of_ten(), reference, absent=2)).text
    assert "handed in nothing" not in Page(summary(class_of_ten(), reference)).text


def test_the_summary_counts_mistakes_and_shows_a_chosen_one_who_made_no_other_beside_the_reference(reference):
    page = Page(summary(class_of_ten(), reference, gallery=[f"student{i}" for i in range(10)]))
    assert "10 submissions · mean 19.1, median 21.0 of 40 points so far" in page.text  # (6 * 21 + 3 * 16.45 + 15.47) / 10
    assert "10 submissions have bonus points: 8.0 of 14 on average over the class." in page.text
    assert f"The gradient accumulates 4 40 % {MISTAKES['no-stop-test'].title} 1 10 %" in page.text
    accumulates = page.sources.index(f"data:image/png;base64,{png('green')}")
    assert page.sources[accumulates + 1] == f"data:image/jpeg;base64,{reference.figures['fooling-figure'][0]}"
    assert f"data:image/png;base64,{png('red')}" in page.sources  # the only one without a stop test
    assert MISTAKES["no-stop-test"].meaning in page.text


def test_the_summary_gives_a_mean_where_all_is_marked_and_counts_what_waits(reference):
    records = [record("ada"), record("ben", **{STEP: wrong("batch-mean")}), record("cy", answers={})]
    text = Page(summary(records, reference)).text
    assert "class_visualization_update_step 7 6.53 93 % \N{EN DASH} 2 0 0" in text
    assert "Inline question 1 4 \N{EN DASH} \N{EN DASH} \N{EN DASH} 0 1 2" in text
    assert "4 answers" not in text
    assert "18 answers are not marked yet" in text
    assert "transform_images 2 bonus 2.00 100 % of 3 \N{EN DASH} 3 0 0" in text
    assert "With fewer than 20 submissions a task's discrimination" in text


def test_the_summary_says_in_the_next_lecture_what_much_of_the_class_did_each_mistake_once(reference):
    records = class_of_ten()
    records[9]["exercises"][SALIENCY].update(wrong("gradient-accumulates"))
    text = Page(summary(records, reference)).text.partition("The tasks")[0]
    explained = MISTAKES["gradient-accumulates"]
    assert f"For the next lecture The gradient accumulates 5 of 10 submissions (50 %), in {SALIENCY} , {FOOLING}" in text
    assert text.count(explained.meaning) == 1
    assert "To ask the class:" in text
    assert MISTAKES["no-stop-test"].title not in text  # made once
    assert "Nothing stands out" in Page(summary([record("ada"), record("ben")], reference)).text


def test_the_summary_shows_a_hard_question_with_its_formulas_once_all_is_marked(reference):
    def shown(*points):
        marks = {student: {"question-2": (given, "")} for student, given in zip(("ada", "ben"), points, strict=False)}
        records = [from_json(record(student)) for student in ("ada", "ben")]
        columns = {record.student: RUBRIC.score(record, marks.get(record.student, {})) for record in records}
        return summary_page(records, RUBRIC, columns, reference).partition("<h2>The tasks")[0]

    hard = shown(1.0, 1.5)
    assert "Hard: Inline question 2" in Page(hard).text
    assert "On average, submissions earned 42 % of its points (2 submissions)." in Page(hard).text
    assert "<math" in hard
    assert "Hard:" not in Page(shown(1.0, 2.5)).text
    assert "Hard:" not in Page(shown(0.0)).text  # the other is not marked


def test_the_summary_counts_bonus_apart_in_words_and_charts(reference):
    page = Page(summary(class_of_ten(), reference))
    charts = [attributes["aria-label"] for tag, attributes in page.elements if tag == "svg"]
    assert [label.partition(".")[0] for label in charts] == [
        f"Histogram of the points for {what}" for what in ("the exercises", "everything so far", "the bonus")
    ]
    assert charts[2].endswith("Students by points: 8 to below 9: 10.")
    assert charts[0].endswith("Students by points: 14 to below 16: 1; 16 to below 18: 3; 20 to below 22: 6.")
    own = dataclasses.replace(RUBRIC, bonus=frozenset())
    records = [from_json(record())]
    text = Page(summary_page(records, own, {"jane": own.score(records[0], {})}, reference)).text
    assert "of 54 points" in text
    assert "bonus" not in text


def test_the_summary_counts_who_was_late_and_who_loses_points_for_it(reference):
    records = [{**record("ada"), "late": True}, {**record("ben"), "late": False}, record("cy")]
    text = Page(summary(records, reference)).text
    assert "1 submission was late." in text
    late = {"ben": [Deduction("Late by a day", -3.0)], "cy": [Deduction("Free late day", 0.0)]}
    text = Page(summary(records, reference, deductions=late)).text
    assert "3 submissions were late, and 1 loses points for it; the numbers here are the points earned, before that." in text
    assert "mean 21.0, median 21.0 of 40" in text
    assert "late" not in Page(summary([record()], reference)).text.partition("For the next lecture")[0]


def test_a_submission_in_time_for_its_student_is_not_late_in_the_summary_whatever_the_platform_says(reference, tmp_path):
    (tmp_path / "course.toml").write_text("[late]\ndue = 2026-10-05T23:59:00Z\n[late.extensions]\nada = 3\n")
    own = rubric.load(None, tmp_path / "course.toml")
    handed_in = {"late": True, "handed_in": "2026-10-07T12:00:00+00:00"}
    records = [from_json({**record("ada"), **handed_in}), from_json({**record("ben"), "late": True})]
    columns = {one.student: own.score(one, {}) for one in records}
    assert "1 submission was late." in Page(summary_page(records, own, columns, reference)).text


def test_the_summary_says_which_numbers_hold_submissions_that_could_not_be_read(reference):
    records = [record("ada"), {**record("torn"), "verdict": "unreadable"}]
    text = Page(summary(records, reference)).text
    assert "1 submission could not be read: it counts as 0 in the mean, the median and the charts" in text
    assert "could not be read:" not in Page(summary([record("ada")], reference)).text


def test_the_summary_names_its_own_threshold_where_nothing_stands_out(reference):
    assert "was made by 2 submissions or more" in Page(summary([record("ada"), record("ben")], reference)).text
    many = [record(f"student{number}") for number in range(50)]
    assert "was made by 3 submissions or more" in Page(summary(many, reference)).text


def test_the_summary_names_nobody_outside_of_the_folded_list(reference):
    records = class_of_ten()
    records[0]["note"] = "Two attempts."
    shown, _, folded = summary(records, reference).partition("<details>")
    assert not re.search("student[0-9]", shown, re.IGNORECASE)
    assert "student0" in folded


def test_the_summary_lists_what_needs_a_look_and_links_its_feedback(reference):
    records = [record(student) for student in ("fine", "odd", "slow", "torn", "Noted")]
    records[1]["exercises"][STEP].update(wrong())
    records[2]["exercises"][SALIENCY]["verdict"] = "stopped"
    records[3]["verdict"] = "unreadable"
    records[4]["note"] = "The notebook holds two definitions."
    page = Page(summary(records, reference))
    assert "4 submissions that need a look" in page.text
    assert "Odd (odd) odd.ipynb class_visualization_update_step is wrong, but the mistake was not recognised" in page.text
    assert "Slow (slow) slow.ipynb compute_saliency_maps was stopped" in page.text
    assert "Torn (torn) torn.ipynb it could not be read" in page.text
    assert "Noted Noted.ipynb The notebook holds two definitions." in page.text
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a" and "feedback" in attributes["href"]]
    assert links == [f"feedback/{safe.file_name(name)}.html" for name in ("odd", "slow", "torn", "Noted")]


def test_the_summary_says_of_what_was_not_proved_why(reference):
    records = [record(student) for student in ("small", "clock", "odd")]
    records[0]["exercises"][STEP].update(wrong("cross-entropy"), explained=False, look="Recognised on small networks only.")
    records[1]["exercises"][STEP].update(verdict="stopped", look="It was stopped after 120 seconds.")
    records[2]["exercises"][STEP].update(wrong(), look="Correct according to the student's own check.")
    text = Page(summary(records, reference)).text
    assert "3 submissions that need a look" in text
    assert "Small (small) small.ipynb class_visualization_update_step: Recognised on small networks only. Clock (clock)" in text
    assert "Clock (clock) clock.ipynb class_visualization_update_step: It was stopped after 120 seconds. Odd (odd)" in text
    assert "Odd (odd) odd.ipynb class_visualization_update_step: Correct according to the student's own check." in text
    assert "no name" not in text


def test_a_class_without_submissions_or_mistakes_or_pictures_has_a_summary(reference):
    assert "0 submissions" in Page(summary([], reference)).text
    assert Page(summary([record()], reference)).text.count("No mistakes that the checks recognise.") == 7
    text = Page(summary([record(**{STEP: wrong("softmax")})], reference)).text
    assert "No submission with this mistake contains a picture." in text


def test_a_mistake_whose_name_says_it_all_has_no_empty_paragraph(reference):
    named, explained = MISTAKES["wrong-type"], MISTAKES["batch-mean"]
    assert explained.meaning
    assert not named.meaning
    both = {"ada": "wrong-type", "ben": "batch-mean"}
    records = [record(student, compute_integrated_gradients=wrong(mistake)) for student, mistake in both.items()]
    listed = Page(summary(records, reference)).text.partition("Mistakes in compute_integrated_gradients")[2]
    listed = listed.partition("Mistakes in")[0]
    assert (listed.count(named.title), listed.count(explained.title)) == (1, 2)


def test_the_mistakes_of_an_exercise_that_has_no_figure_are_listed_without_one(reference):
    text = Page(summary([record(**{"compute_integrated_gradients": wrong("batch-mean")})], reference)).text
    columns = "Mistake Submissions Fraction of the class"
    assert f"Mistakes in compute_integrated_gradients {columns} {MISTAKES['batch-mean'].title} 1 100 %" in text
    assert "contains a picture" not in text


# The folder


def rows_of(path):
    with path.open(encoding="utf-8-sig", errors="surrogatepass", newline="") as file:
        return list(csv.DictReader(file))


def test_write_pages_lays_out_the_folder_and_a_second_time_changes_nothing(tmp_path, reference):
    records = [record("jane"), record("Zoë", **{FOOLING: wrong("batch-mean", "no-stop-test")}), record("=evil", answers={})]
    records[2]["note"] = "-1+1"
    marks = {"jane": {"question-1": (2.5, "")}}
    write_pages(tmp_path, records, marks, reference)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == {
        "grades.csv",
        "summary.html",
        "current.json",
        *(f"feedback/{safe.file_name(record['student'])}.html" for record in records),
        *(f"marking/{question}.{ending}" for question in RUBRIC.questions for ending in ("html", "csv")),
    }
    rows = rows_of(tmp_path / "grades.csv")
    assert list(rows[0]) == [
        *("student", "name", *EXERCISES),
        *(f"question-{number}" for number in range(1, 10)),
        *("bonus", "total", "verdict", "mistakes", "note", "submission"),
    ]
    assert [row["student"] for row in rows] == ["jane", "Zoë", "'=evil"]
    assert [(row["bonus"], row["total"]) for row in rows] == [("8", "31.5"), ("8", "25.36"), ("8", "29")]
    assert [row["question-1"] for row in rows] == ["2.5", "", "0"]
    assert rows[1]["mistakes"] == "make_fooling_image: batch-mean no-stop-test"
    assert rows[2]["note"] == "'-1+1"
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    write_pages(tmp_path, records, marks, reference)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_write_pages_takes_hostile_records_and_leaves_their_strings_in_their_cells(tmp_path, reference):
    evil = evil_record()
    write_pages(tmp_path, [copy.deepcopy(evil), record()], {}, reference)
    with (tmp_path / "grades.csv").open(encoding="utf-8-sig", errors="surrogatepass", newline="") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {7 + 8 + 9}
    assert rows[1][0] == EVIL
    assert {path.parent for path in tmp_path.rglob("*.*")} == {tmp_path, tmp_path / "feedback", tmp_path / "marking"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_wherever_a_spreadsheet_divides_grades_no_cell_is_a_formula_and_no_row_is_another(tmp_path, reference, delimiter):
    """A spreadsheet of a country that writes 2,5 divides at ";", within quotes that do not open a cell, too."""
    bad = "x;=cmd|'/C calc'!A0;=1+1\t@SUM(A1)\r\n=2+2;40;\uff1d3"
    records = [{**record(bad), "name": bad, "note": bad, "submission": bad}, record("jane")]
    write_pages(tmp_path, records, {}, reference, absent=[Person("=1;2", bad)])
    write_intake(tmp_path / "intake.csv", [File(bad, bad, False, Why.problem(bad))])
    for name, lines in (("grades.csv", 4), ("intake.csv", 2), ("marking/question-1.csv", 3)):
        content = (tmp_path / name).read_text(encoding="utf-8-sig")
        assert content.count("\n") == lines
        cells = [cell for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter) for cell in row]
        assert not [cell for cell in cells if re.match("[=+@\t\r\uff1d]|-", cell)]
        assert delimiter == "," or len(cells) == lines


def test_grades_open_in_a_spreadsheet_with_their_ids_as_they_are(tmp_path, reference):
    ids = ["007", "1-2", "MARCH1", "1e5", "4711", "jane", "s1-2"]
    write_pages(tmp_path, [record(student) for student in ids], {}, reference)
    raw = (tmp_path / "grades.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert [row["student"] for row in rows_of(tmp_path / "grades.csv")] == [
        "'007",
        "'1-2",
        "'MARCH1",
        "'1e5",
        "4711",
        "jane",
        "s1-2",
    ]


def test_who_handed_in_nothing_has_a_row_without_points(tmp_path, reference):
    write_pages(tmp_path, [record("jane")], {}, reference, absent=[Person("007", "Zoë Doe")])
    row = rows_of(tmp_path / "grades.csv")[1]
    assert (row["student"], row["name"], row["verdict"], row["total"], row[SALIENCY]) == (
        "'007",
        "Zoë Doe",
        "no submission",
        "",
        "",
    )


def test_grades_are_written_before_anything_is_drawn(tmp_path, reference, monkeypatch):
    def fails(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pages, "marking", fails)
    with pytest.raises(KeyboardInterrupt):
        write_pages(tmp_path, [record("jane")], {}, reference)
    assert [row["student"] for row in rows_of(tmp_path / "grades.csv")] == ["jane"]


def test_only_answers_without_a_mark_are_counted_as_waiting():
    records = [record("jane"), record("bob", answers={"question-1": "A.", "question-2": " "})]
    assert waiting(records, {}) == 9 + 1
    assert waiting(records, {"jane": {"question-1": (0.0, "")}}) == 9


# Answers that were moved, and pictures in them


def test_pictures_in_an_answer_and_where_it_was_found_are_on_the_students_page_and_for_the_marker(reference):
    moved = {
        **record(answers={"question-1": "see [picture 1]"}),
        "answer_notes": {"question-1": "It was written into the cell of the question.", "question-2": "Its cell is empty."},
        "answer_pictures": {"question-1": [png("lime")]},
    }
    page = Page(feedback(moved, reference))
    assert colours(page) == ["lime"]
    assert "see [picture 1]" in page.text
    assert "It was written into the cell of the question." in page.text
    assert "Its cell is empty." in page.text
    marker = Page(marking("question-1", [moved], reference))
    assert [f"base64,{png('lime')}" in source for source in marker.sources] == [True]
    assert "It was written into the cell of the question." in marker.text


def test_answers_with_the_same_words_and_other_pictures_are_not_the_same(reference):
    def answered(student, *pictures):
        shown = {"answer_pictures": {"question-1": list(pictures)}}
        return {**record(student, answers={"question-1": "see [picture 1]"}), **shown}

    same = marking("question-1", [answered("a", png("lime")), answered("b", png("lime"))], reference)
    assert "the same answer 2 times" in Page(same).text
    other = marking("question-1", [answered("a", png("lime")), answered("b", png("red"))], reference)
    assert "the same answer" not in Page(other).text


def test_what_was_not_judged_for_its_newer_python_is_for_the_instructor_to_look_at(reference):
    newer = {"verdict": "newer-python", "message": "This needs Python 3.14 or newer."}
    page = Page(summary([record("jane", **{SALIENCY: newer}), record("bob")], reference))
    assert f"{SALIENCY} was not judged and has 0 points: it needs a newer Python than this grader's" in page.text
    assert "1 submission that needs a look" in page.text
    assert "not judged: newer Python" in Page(feedback(record("jane", **{SALIENCY: newer}), reference)).text
