"""Where a mistake is in a student's code: only where it is known, and never elsewhere."""

import inspect

import pytest
from answers import ANSWERS
from helpers.solutions import OF_FILE
from hypothesis import given
from hypothesis import strategies as st

from cs231n.checks.explanations import EXERCISES, MISTAKES
from cs231n.checks.report import Verdict
from cs231n.instructor.reports.mistake_lines import CALLS, in_solution, places
from cs231n.instructor.reports.records import Result

SALIENCY, FOOLING, STEP, SMOOTHGRAD, INTEGRATED, GRAD_CAM, TRANSFORMATION = EXERCISES
# Solutions whose line is found though the answer's label has a mistake that is made without a call: none may appear here.
BY_HAND = {"score_less_logsumexp", "log_of_softmax_of_the_label", "softmax_by_hand", "sum_divided_by_n", "gradient_divided_by_n"}


def found(exercise, source, *mistakes, verdict=Verdict.WRONG, message=""):
    return [place.line for place in places(exercise, source, Result(verdict, mistakes, message=message))]


def test_the_table_names_mistakes_that_there_are():
    assert CALLS.keys() <= MISTAKES.keys()


def test_a_call_that_a_solution_makes_itself_is_no_sign_of_a_mistake():
    listed = set().union(*CALLS.values())
    calls = {name: in_solution(name) & listed for name in EXERCISES}
    expected = {SALIENCY: {"abs"}, FOOLING: {"norm"}, STEP: {"norm"}, GRAD_CAM: {"mean"}}
    assert {name: names for name, names in calls.items() if names} == expected


@pytest.mark.parametrize("answer", [a for a in ANSWERS if a.mistakes & CALLS.keys()], ids=lambda a: a.function.__name__)
def test_of_the_labelled_solutions_a_line_that_is_named_makes_the_mistake(answer):
    source = inspect.getsource(answer.function)
    lines = source.split("\n")
    for place in places(OF_FILE[answer.exercise], source, Result(Verdict.WRONG, tuple(sorted(answer.mistakes)))):
        code = lines[place.line - 1].partition("#")[0]
        mistake = next(name for name in answer.mistakes if place.why.startswith(MISTAKES[name].title))
        assert any(f"{name}(" in code for name in CALLS[mistake])
        assert answer.function.__name__ not in BY_HAND
        assert f"line {place.line} is the only one" in place.why


def test_of_the_labelled_solutions_with_a_mistake_in_the_table_most_have_their_line_named():
    labelled = [answer for answer in ANSWERS if answer.mistakes & CALLS.keys()]
    named = [a for a in labelled if found(OF_FILE[a.exercise], inspect.getsource(a.function), *sorted(a.mistakes))]
    assert 0.75 * len(labelled) < len(named) < len(labelled)


def test_where_two_lines_or_two_mistakes_come_into_question_none_is_named():
    once = "def f(X):\n    return X.mean()  # mean() of all\n"
    assert found(SALIENCY, once, "batch-mean") == [2]
    assert found(SALIENCY, once + "    X.mean()\n", "batch-mean") == []
    assert found(SALIENCY, once, "batch-mean", "mean-over-channels") == []
    assert found(GRAD_CAM, once, "batch-mean") == []
    assert found(SALIENCY, once, "gradient-accumulates") == []
    assert found(SALIENCY, once, "batch-mean", verdict=Verdict.RIGHT) == []
    assert found(SALIENCY, 'def f(X):\n    "mean()"\n    mean = X\n', "batch-mean") == []


def test_the_line_that_a_message_quotes_is_named_if_it_is_the_only_one_of_its_kind():
    source = "def f(X):\n    a = X.grad\n    b = a.nothing(\n        1,  2)\n    return b\n"
    message = "✗ f does not run.\n  line 17: b =\n  a.nothing(\n  AttributeError: ..."
    assert found(SALIENCY, source, verdict=Verdict.BROKEN, message=message) == [3]
    assert found(SALIENCY, source, verdict=Verdict.BROKEN, message="line 17: return b. Python cannot read this: x.") == [5]
    assert found(SALIENCY, source + "    return b\n", verdict=Verdict.BROKEN, message="line 17: return b. Python cannot") == []
    assert found(SALIENCY, source, verdict=Verdict.BROKEN, message="line 3: return bb") == []
    assert found(SALIENCY, source, verdict=Verdict.BROKEN, message="a = X.grad") == []
    assert found(SALIENCY, source, verdict=Verdict.WRONG, message=message) == []


@given(st.text(st.characters(), max_size=60), st.sampled_from(sorted(CALLS)), st.text(max_size=60))
def test_whatever_the_code_is_a_line_that_is_named_is_there(source, mistake, message):
    for verdict in (Verdict.WRONG, Verdict.BROKEN):
        for line in found(SALIENCY, source, mistake, verdict=verdict, message=f"line 1: {message}"):
            assert 1 <= line <= len(source.split("\n"))


@pytest.mark.parametrize("source", ["(" * 50_000, "-" * 99_999 + "1", "x = '''", "\0", "f(" * 30_000, "  x\n y\n", "a" * 200_000])
def test_code_that_brings_down_parsers_names_no_line(source):
    assert found(SALIENCY, source, "batch-mean", "softmax") == []
