"""The rubric: the default one against the notebook and the checks, rubrics of an instructor, and what an answer earns."""

import dataclasses
import itertools
import re

import nbformat
import pytest
from answers import ANSWERS
from helpers.places import ROOT

from cs231n import submit
from cs231n.checks.explanations import EXERCISES, MISTAKES
from cs231n.checks.report import Verdict
from cs231n.instructor.grading import rubric
from cs231n.instructor.reports.records import Record, Result

DEFAULT = rubric.load()
EXERCISE = "compute_saliency_maps"


def record(verdict="right", mistakes=(), answer="Because."):
    result = Result(Verdict(verdict), tuple(mistakes))
    answers = dict.fromkeys(DEFAULT.questions, answer)
    return Record("jane", "Jane", "jane.ipynb", "0" * 64, exercises=dict.fromkeys(EXERCISES, result), answers=answers)


def written(folder, text):
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def points_in_the_notebook():
    """Yield the points that the notebook shows, in its order."""
    exercises = iter(EXERCISES)
    for cell in nbformat.read(ROOT / "NetworkVisualization.ipynb", as_version=4).cells:
        pattern = r"^(?:### Inline question (\d)|\*\*Difficulty).*\*\*(Points|Bonus points)\*\* (\d+)$"
        shown = re.search(pattern, cell.source, re.MULTILINE)
        if shown:
            yield f"question-{shown[1]}" if shown[1] else next(exercises), int(shown[3]), shown[2] == "Bonus points"


def test_the_points_are_those_of_the_notebook_in_its_order():
    found = [(name, points, name in DEFAULT.bonus) for name, points in DEFAULT.points.items()]
    assert found == list(points_in_the_notebook())
    assert (DEFAULT.full_marks(), DEFAULT.most_bonus()) == (40, 14)
    assert DEFAULT.full_marks(DEFAULT.exercises) + DEFAULT.full_marks(DEFAULT.questions) == 40


def test_the_bonus_is_what_submit_calls_optional():
    questions = [f"question-{number}" for number in submit.OPTIONAL_QUESTIONS]
    assert DEFAULT.bonus == {*submit.OPTIONAL_EXERCISES, *questions}


def test_every_known_mistake_has_its_part_and_no_other():
    assert DEFAULT.kept.keys() == MISTAKES.keys()
    assert all(0 <= part < 1 for part in DEFAULT.kept.values())


def test_a_near_miss_keeps_more_than_a_missed_point_and_damage_keeps_nothing():
    kept = DEFAULT.kept
    assert kept["batch-mean"] > kept["no-absolute-value"] > kept["cross-entropy"] > kept["library-patched"] == 0


# What is nearer to the right answer, and what is further away: of each pair the first keeps no less than the second.
ORDER = {
    "saliency_maps": [
        *(("batch-mean", "mean-over-channels"), ("rescaled", "norm-over-channels"), ("mean-over-channels", "one-channel")),
        *(("sum-over-channels", "min-over-channels"), ("absolute-value-too-late", "cross-entropy")),
        *(("no-absolute-value", "cross-entropy"), ("squared-gradient", "wrong-class-score"), ("times-input", "one-channel")),
        *(("cross-entropy", "not-finite"), ("input-changed", "mode-changed"), ("mode-changed", "weights-changed")),
    ],
    "fooling_image": [
        *(("one-step-too-many", "no-stop-test"), ("already-fooled-image-changed", "no-stop-test")),
        *(("score-compared-with-class", "no-stop-test"), ("learning-rate-changed", "not-normalised")),
        *(("not-normalised", "gradient-accumulates"), ("divided-by-sum", "wrong-direction")),
        *(("gradient-accumulates", "gives-up-early"), ("cross-entropy", "gives-up-early"), ("no-stop-test", "gives-up-early")),
        *(("gives-up-early", "stop-test-inverted"), ("gives-up-early", "image-never-changed")),
        *(("gives-up-early", "never-returns"), ("no-stop-test", "too-many-network-calls"), ("wrong-direction", "returns-input")),
    ],
    "class_visualization_step": [
        *(("regulariser-halved", "regulariser-not-squared"), ("regulariser-other-size", "regulariser-not-squared")),
        *(("regulariser-not-squared", "regulariser-missing"), ("regulariser-wrong-sign", "regulariser-missing")),
        *(("regulariser-detached", "regulariser-missing"), ("regulariser-on-scores", "regulariser-missing")),
        *(("regulariser-on-weights", "regulariser-missing"), ("regulariser-not-normalised", "regulariser-missing")),
        *(("learning-rate-changed", "learning-rate-ignored"), ("learning-rate-ignored", "gradient-accumulates")),
        *(("other-normalisation", "wrong-direction"), ("not-in-place", "returns-input")),
    ],
    "smoothgrad": [
        *(("sum-over-copies", "not-squared"), ("root-taken", "not-squared"), ("maximum-before-mean", "squared-after-mean")),
        *(("not-squared", "one-copy-only"), ("squared-after-mean", "one-copy-only"), ("gradient-accumulates", "one-copy-only")),
        *(("noise-subtracted", "noise-ignored"), ("noise-accumulates", "noise-averaged-first"), ("noise-ignored", "wrong-shape")),
        *(("noise-averaged-first", "noise-without-image"),),
    ],
    "integrated_gradients": [
        *(("ends-of-parts", "num-steps-ignored"), ("steps-off-by-one", "num-steps-ignored")),
        *(("gradient-accumulates", "num-steps-ignored"), ("num-steps-ignored", "gradient-at-image-only")),
        *(("sum-over-steps", "not-times-difference"), ("baseline-not-on-path", "baseline-ignored")),
        *(("baseline-not-in-factor", "baseline-ignored"), ("baseline-not-in-factor", "not-times-difference")),
        *(("path-misses-image", "baseline-ignored"), ("sign-turned", "gradient-at-image-only")),
        *(("absolute-value-taken", "gradient-through-path"),),
    ],
    "grad_cam": [
        *(("sum-over-space", "gradient-not-averaged"), ("mean-over-feature-channels", "weights-mix-images")),
        *(("weights-mix-images", "gradient-not-averaged"), ("gradient-not-averaged", "weights-missing")),
        *(("activations-missing", "weights-missing"), ("relu-after-resizing", "relu-too-early"), ("relu-too-early", "no-relu")),
        *(("absolute-value-in-place-of-relu", "no-relu"), ("other-resizing", "not-resized"), ("not-resized", "wrong-shape")),
        *(("cross-entropy", "weights-missing"), ("negative-weights-lost", "weights-missing")),
    ],
    "transformation": [
        *(("degrees", "rotation-ignored"), ("rotates-the-other-way", "rotation-ignored"), ("scale-inverted", "scale-ignored")),
        *(("shift-half", "shift-in-pixels"), ("shift-wrong-way", "shift-ignored"), ("shift-in-pixels", "shift-ignored")),
        *(("shift-axes-swapped", "shift-ignored"), ("shift-not-turned-back", "shift-ignored"), ("not-inverted", "returns-input")),
        *(("other-padding", "gradient-cut"), ("aligned-corners", "same-for-all-images"), ("rotation-ignored", "returns-input")),
    ],
}


@pytest.mark.parametrize("exercise", ORDER)
def test_less_never_earns_more(exercise):
    for nearer, further in ORDER[exercise]:
        assert DEFAULT.kept[nearer] >= DEFAULT.kept[further], (nearer, further)


@pytest.mark.parametrize("exercise", ORDER)
def test_no_labelled_answer_earns_more_than_one_that_is_nearer(exercise):
    """Further away is one with more mistakes, or with a mistake that is further away instead of one that is nearer."""
    labels = {answer.mistakes for answer in ANSWERS if answer.exercise == exercise and answer.verdict == "wrong"}
    compared = 0
    for a, b in itertools.permutations(labels, 2):
        swapped = any((a - b, b - a) == ({nearer}, {further}) for nearer, further in ORDER[exercise])
        if a < b or swapped:
            compared += 1
            assert _points(a) >= _points(b), (a, b)
    assert compared >= 15


@pytest.mark.parametrize("exercise", ORDER)
def test_mistakes_together_earn_no_more_than_each_alone(exercise):
    for mistakes in {answer.mistakes for answer in ANSWERS if answer.exercise == exercise and len(answer.mistakes) > 1}:
        assert all(_points(mistakes) <= _points({name}) for name in mistakes), mistakes


def _points(mistakes):
    return DEFAULT.score(record("wrong", mistakes), {})[EXERCISE]


def test_a_single_step_earns_no_more_than_the_loop_in_which_the_gradient_accumulates():
    assert 0 < _points({"gives-up-early"}) <= _points({"gradient-accumulates"}) < _points({"one-step-too-many"})


def test_a_mistake_that_was_not_proved_earns_nothing():
    unproved = record("wrong", ["batch-mean"])
    assert DEFAULT.score(unproved, {})[EXERCISE] > 0
    unproved.exercises[EXERCISE] = dataclasses.replace(unproved.exercises[EXERCISE], explained=False)
    assert DEFAULT.score(unproved, {})[EXERCISE] == 0


def test_columns_are_the_exercises_and_questions_in_the_notebooks_order():
    assert DEFAULT.columns[:4] == (EXERCISE, "question-1", "question-2", "make_fooling_image")
    assert set(DEFAULT.exercises) | set(DEFAULT.questions) == set(DEFAULT.columns)


@pytest.mark.parametrize(
    ("verdict", "mistakes", "expected"),
    [
        ("right", [], 7),
        ("right", ["batch-mean"], 7),
        ("wrong", ["batch-mean"], 5.6),
        ("wrong", ["batch-mean", "no-absolute-value"], 3.36),
        ("wrong", ["batch-mean", "batch-mean"], 5.6),
        ("wrong", ["batch-mean", "library-patched"], 0),
        ("wrong", ["a name that nobody knows"], 0),
        ("wrong", [], 0),
        *((verdict, ["batch-mean"], 0) for verdict in ("unfinished", "broken", "missing", "stopped", "newer-python")),
    ],
)
def test_what_an_exercise_earns(verdict, mistakes, expected):
    assert DEFAULT.score(record(verdict, mistakes), {})[EXERCISE] == expected


def test_an_exercise_without_a_result_earns_nothing():
    without = record()
    del without.exercises[EXERCISE]
    assert DEFAULT.score(without, {})[EXERCISE] == 0


def test_an_answer_earns_its_mark_none_while_it_waits_and_0_when_it_is_empty():
    marks = {"question-1": (2.5, "half of it")}
    columns = DEFAULT.score(record(), marks)
    assert columns["question-1"] == 2.5
    assert columns["question-2"] is None
    assert DEFAULT.score(record(answer=" \n"), {})["question-2"] == 0
    assert DEFAULT.score(dataclasses.replace(record(), answers={}), {})["question-2"] == 0


def test_a_mark_counts_also_where_the_notebook_holds_no_answer():
    assert DEFAULT.score(record(answer=""), {"question-1": (3.0, "by mail")})["question-1"] == 3


def test_the_total_leaves_out_what_waits_and_has_two_decimals():
    columns = DEFAULT.score(record("wrong", ["cross-entropy", "batch-mean"]), {"question-1": (1.1, "")})
    assert DEFAULT.total(columns) == 9.22  # 3 * 1.96 + 1.1 + 4 * 0.56
    assert DEFAULT.bonus_of(columns) == 2.24
    every = DEFAULT.score(record(), dict.fromkeys(DEFAULT.questions, (2.0, "")))
    assert (DEFAULT.total(every), DEFAULT.bonus_of(every)) == (47, 14)  # 21 + 8 + 9 * 2


def test_who_leaves_the_optional_part_out_loses_nothing():
    left = record()
    for name in submit.OPTIONAL_EXERCISES:
        left.exercises[name] = Result(Verdict.UNFINISHED)
    columns = DEFAULT.score(left, {name: (DEFAULT.points[name], "") for name in DEFAULT.questions if name not in DEFAULT.bonus})
    columns |= {"question-7": 0.0, "question-8": 0.0, "question-9": 0.0}
    assert (DEFAULT.total(columns), DEFAULT.bonus_of(columns)) == (40, 0)


def test_points_are_as_the_course_gives_them_and_what_it_leaves_out_has_no_column(tmp_path):
    (tmp_path / "course.toml").write_text('left-out = ["7"]\nbonus = ["question-1"]\n[points]\nsaliency_maps = 7.5\n')
    own = rubric.load(None, tmp_path / "course.toml")
    assert own.columns == DEFAULT.columns[:9]
    assert own.points == {**{name: DEFAULT.points[name] for name in own.columns}, EXERCISE: 7.5}
    assert (own.bonus, own.full_marks(), own.most_bonus()) == ({"question-1"}, 36.5, 4)
    assert own.score(record(), {})[EXERCISE] == 7.5
    assert own.score(record("wrong", ["cross-entropy"]), {})[EXERCISE] == 2.62  # 35 % of 7.5
    assert own.course.text.startswith("left-out")


def test_points_in_a_rubric_still_count_by_key_or_function_and_the_notice_says_where_they_belong(tmp_path):
    text = 'bonus = ["saliency_maps", "transform_images"]\n[points]\nfooling_image = 3\nclass_visualization_update_step = 2.5\n'
    own = rubric.load(written(tmp_path, text))
    assert own.bonus == {EXERCISE, "transform_images"}
    assert (own.points["make_fooling_image"], own.points["class_visualization_update_step"]) == (3, 2.5)
    assert "--course" in own.notices[0]
    assert rubric.load(written(tmp_path, "[kept]\nbatch-mean = 0.5\n")).notices == ()


def test_a_rubric_cannot_give_points_to_what_the_course_leaves_out(tmp_path):
    (tmp_path / "course.toml").write_text('left-out = ["smoothgrad"]\n')
    with pytest.raises(ValueError, match=r"own\.toml: \[points\] 'compute_smoothgrad_maps' is not known"):
        rubric.load(written(tmp_path, "[points]\ncompute_smoothgrad_maps = 3"), tmp_path / "course.toml")


def test_a_rubric_cannot_give_other_points_to_a_question_of_the_courses_own(tmp_path):
    (tmp_path / "course.toml").write_text('[question-3]\npoints = 2\ntext = "Why?"\nrubric = "* 2: because."\n')
    with pytest.raises(ValueError, match=r"own\.toml: \[points\] names question-3, whose points are in .*course\.toml"):
        rubric.load(written(tmp_path, "[points]\nquestion-3 = 5\n"), tmp_path / "course.toml")
    assert rubric.load(written(tmp_path, "[points]\nquestion-2 = 5\n"), tmp_path / "course.toml").points["question-2"] == 5


def test_an_own_rubric_names_only_what_differs(tmp_path):
    own = rubric.load(written(tmp_path, "[points]\nquestion-1 = 6\n[kept]\ncross-entropy = 0.5\n"))
    assert own.points == {**DEFAULT.points, "question-1": 6}
    assert own.columns == DEFAULT.columns
    assert own.kept == {**DEFAULT.kept, "cross-entropy": 0.5}
    assert own.bonus == DEFAULT.bonus
    assert own.score(record("wrong", ["cross-entropy"]), {})[EXERCISE] == 3.5


def test_an_own_rubric_can_switch_the_bonus_off_or_count_it_for_full_marks(tmp_path):
    off = rubric.load(written(tmp_path, "[points]\n" + "\n".join(f"{name} = 0" for name in DEFAULT.bonus)))
    assert (off.full_marks(), off.most_bonus(), off.total(off.score(record(), {}))) == (40, 0, 21)
    other = rubric.load(written(tmp_path, 'bonus = ["question-8"]\n'))
    assert (other.full_marks(), other.most_bonus()) == (52, 2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bonus = 3", r"bonus = 3; expected a list"),
        ("bonus = ['question-10']", r"bonus: 'question-10' is not known; expected one of saliency_maps"),
        ("bonus = [['question-8']]", r"bonus: \['question-8'\] is not known"),
        ("[points]\nquestion-10 = 3", r"\[points\] 'question-10' is not known; expected one of saliency_maps"),
        ("[points]\ncross-entropy = 3", r"\[points\] 'cross-entropy' is not known"),
        ("[kept]\ncross_entropy = 1", r"\[kept\] 'cross_entropy' is not known"),
        ("[points]\nquestion-1 = -1", r"\[points\] question-1 = -1; expected a number from 0"),
        ("[points]\nquestion-1 = inf", r"question-1 = inf; expected a number from 0"),
        ("[points]\nquestion-1 = nan", r"question-1 = nan; expected a number from 0"),
        ("[points]\nquestion-1 = true", r"question-1 = True; expected a number from 0"),
        ("[points]\nquestion-1 = '4'", r"question-1 = '4'; expected a number from 0"),
        ("[points.question-1]\nmost = 3", r"question-1 = {'most': 3}; expected a number from 0"),
        ("[kept]\nbatch-mean = 1.5", r"\[kept\] batch-mean = 1.5; expected a fraction from 0 to 1"),
        ("[kept]\nbatch-mean = -0.1", r"batch-mean = -0.1; expected a fraction"),
        ("[parts]\nbatch-mean = 1", r"parts is not known; expected \[kept\]"),
        ("points = 3", r"points is 3; expected a table"),
        ("[points\n", r"is not a TOML file: .*line 1"),
        ("[points]\nquestion-1 = 3\nquestion-1 = 4", r"is not a TOML file"),
    ],
)
def test_what_is_no_rubric_is_refused_with_file_and_key(tmp_path, text, told):
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}:? .*{told}"):
        rubric.load(path)


def test_a_file_that_is_no_text_is_refused_and_a_missing_one_is_an_oserror(tmp_path):
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"own\.toml is not a TOML file"):
        rubric.load(path)
    with pytest.raises(FileNotFoundError):
        rubric.load(tmp_path / "none.toml")
