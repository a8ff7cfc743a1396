"""The grader's exam: drawn anew for every run, and as able to tell right from wrong as the students' own."""

import pickle

import numpy as np
import pytest
import torch
from answers import ANSWERS

from cs231n import attribution, feature_visualization
from cs231n import net_visualization_pytorch as reference
from cs231n.checks import EXERCISES, examine
from cs231n.checks.exam import Exam, own_exam
from cs231n.checks.fingerprints import Fingerprints
from cs231n.checks.report import Verdict
from cs231n.instructor.exercises.exam import LATER, drawn_cases, drawn_exam, drawn_photographs, exam_of
from cs231n.instructor.exercises.fingerprints import of_exercise
from cs231n.instructor.grading import rubric
from cs231n.instructor.reports.records import Record, Result

SALIENCY, FOOLING, STEP, SMOOTHGRAD, INTEGRATED, GRAD_CAM, TRANSFORMATION = EXERCISES
NAMES = {
    **{"saliency_maps": SALIENCY, "fooling_image": FOOLING, "class_visualization_step": STEP, "smoothgrad": SMOOTHGRAD},
    **{"integrated_gradients": INTEGRATED, "grad_cam": GRAD_CAM, "transformation": TRANSFORMATION},
}
SOLVED = vars(reference) | vars(attribution) | vars(feature_visualization)


def points_of(report):
    """Return the points that the rubric gives for a Report."""
    result = Result(Verdict(report.verdict), tuple(report.mistakes), explained=report.explained)
    record = Record("ada", "Ada", "ada.ipynb", "0" * 64, exercises={report.exercise: result})
    return rubric.load().score(record, {})[report.exercise]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_reference_is_right_in_a_drawn_exam(drawn, exercise):
    report = examine(exercise, SOLVED[exercise], exam=drawn)
    assert (report.verdict, report.mistakes) == ("right", [])


def test_answers_are_judged_and_named_as_the_students_own_check_does(drawn):
    """Every eighth of the labelled answers, to save time."""
    for answer in ANSWERS[::8]:
        report = examine(NAMES[answer.exercise], answer.function, exam=drawn)
        assert (report.verdict, set(report.mistakes)) == (answer.verdict, set(answer.mistakes)), answer.function.__name__


# Of these seeds, cases that are drawn for the right way alone confuse some of the names; 1 is that of the other tests' exam.
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (6, 8))])
def test_when_the_steps_of_a_fooling_image_end_is_named_as_the_students_own_check_does(seed, drawn):
    if seed == 1:
        exam = drawn
    else:
        cases, arrays = drawn_cases(seed, "fooling_image")
        exam = Exam({"fooling_image": cases}, Fingerprints(arrays))
    ends = {"one-step-too-many", "no-stop-test", "other-stop-test"}
    answers = [answer for answer in ANSWERS if answer.exercise == "fooling_image" and ends & answer.mistakes]
    assert ends <= set().union(*(answer.mistakes for answer in answers))
    for answer in answers:
        assert set(examine(FOOLING, answer.function, exam=exam).mistakes) == answer.mistakes, answer.function.__name__


def test_what_is_known_of_the_notebooks_sizes_is_computed_when_it_is_asked_for_and_is_the_same_as_ever(drawn):
    given = {name: array for name, array in drawn.known.arrays.items() if "-224" not in name}
    known = exam_of(1, drawn.cases, given).known
    for key in ("saliency_maps", "fooling_image"):
        expected = {name: array for name, array in of_exercise(key, drawn.of(key))[0].items() if "-224" in name}
        assert len(expected) == 2
        assert not expected.keys() & known.arrays.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(known.arrays[name], array)
        assert expected.keys() <= known.arrays.keys()
    for unknown in ("mistakes/saliency-224", "mistakes/transformation-224", "known/saliency_maps-224/another case", "nothing"):
        with pytest.raises(KeyError, match=unknown):
            known.arrays[unknown]


def test_what_is_drawn_later_is_drawn_when_it_is_asked_for_and_is_the_same_as_drawn_at_once(drawn):
    asked = []

    def computed(draw, keys):
        asked.extend(keys)
        return [(key, (drawn.cases[key], {})) for key in keys]

    exam = pickle.loads(pickle.dumps(drawn_exam(1, computed, LATER)))  # as it comes to a worker that is not a fork
    assert asked == list(exam.cases) == ["saliency_maps", "fooling_image", "class_visualization_step"]
    key = "grad_cam"
    report = examine(GRAD_CAM, attribution.compute_grad_cam_maps, exam=exam)
    assert report.verdict == "right"
    assert list(exam.cases) == [*asked, key]
    for case, other in zip(exam.of(key).main, drawn.of(key).main, strict=True):
        assert torch.equal(case.images(), other.images())
        np.testing.assert_array_equal(exam.known.right(key, case), drawn.known.right(key, other))
    assert exam.known.mistakes(key) == drawn.known.mistakes(key)
    assert exam.known.mistakes("grad_cam-224") == drawn.known.mistakes("grad_cam-224")
    with pytest.raises(KeyError, match="nothing"):
        exam.of("nothing")


def _of_the_notebooks_sizes(take):
    def compute_saliency_maps(X, y, model):
        assert X.shape[2:] == (224, 224)
        X = X.detach().requires_grad_()
        model(X).gather(1, y[:, None]).sum().backward()
        return take(X.grad).amax(dim=1)

    return compute_saliency_maps


@pytest.mark.parametrize(
    ("take", "verdict", "mistakes"), [(torch.abs, "right", []), (torch.clone, "wrong", ["no-absolute-value"])]
)
def test_a_function_for_the_notebooks_sizes_alone_is_judged_by_them(drawn, take, verdict, mistakes):
    report = examine(SALIENCY, _of_the_notebooks_sizes(take), exam=drawn)
    assert (report.verdict, report.mistakes) == (verdict, mistakes)
    assert "mistakes/saliency_maps-224" in drawn.known.arrays


def test_networks_images_and_targets_are_others_than_the_students(drawn):
    own = own_exam()
    for key in own.cases:
        for ours, theirs in zip(drawn.of(key).main, own.of(key).main, strict=True):
            assert ours.name == theirs.name
            images = [case.images() if case.network else case.arguments()[0] for case in (ours, theirs)]
            assert images[0].shape == images[1].shape
            assert not torch.equal(*images)
            if ours.network:
                weights = [next(case.network().parameters()) for case in (ours, theirs)]
                assert weights[0].shape == weights[1].shape
                assert not torch.equal(*weights)
    assert [case.target for case in drawn.of("fooling_image").main] != [case.target for case in own.of("fooling_image").main]


def test_an_answer_learnt_by_heart_for_the_students_check_is_wrong(drawn):
    own = own_exam()
    by_heart = {case.images().numpy().tobytes(): own.known.right("saliency_maps", case) for case in own.of("saliency_maps").main}

    def compute_saliency_maps(X, y, model):
        return torch.from_numpy(by_heart[X.numpy().tobytes()]) if X.numpy().tobytes() in by_heart else torch.zeros(X[:, 0].shape)

    assert examine(SALIENCY, compute_saliency_maps, exam=drawn).verdict == "wrong"


def test_the_roles_hold(drawn):
    def scores(case):
        with torch.no_grad():
            return case.network()(case.images())

    fooling = drawn.of("fooling_image")
    assert scores(fooling.already_fooled).argmax() == fooling.already_fooled.target
    assert not scores(fooling.dead_target)[0, fooling.dead_target.target]
    (dead,) = (case for case in drawn.of("class_visualization_step").main if case.dead_class)
    assert not scores(dead)[0, dead.target]
    assert scores(fooling.score_is_a_class_id).argmax() == 0
    assert scores(fooling.score_is_a_class_id)[0, 0] == fooling.score_is_a_class_id.target
    for key in ("saliency_maps", "smoothgrad", "integrated_gradients", "grad_cam"):
        (case,) = (case for case in drawn.of(key).main if case.dead_class)
        assert not scores(case)[:, case.target[0]].any()
    for case in (*drawn.of("grad_cam").main, *drawn.of("grad_cam").other):
        assert (drawn.known.right("grad_cam", case).any(axis=(1, 2))).sum() >= len(case.target) - 1
    distance = np.linalg.norm(drawn.known.right("fooling_image", fooling.long_way) - fooling.long_way.images().numpy())
    assert 30 < distance < 40


def test_the_photographs_are_shifted_and_hold_what_the_reference_gives(model, photographs):
    X, _ = photographs
    given, again, other = (drawn_photographs(seed, model, X) for seed in (5, 5, 6))
    assert torch.equal(given.X, again.X)
    assert not torch.equal(given.X, other.X)
    assert not any(torch.equal(image, known) for image in given.X for known in X)
    fooling, step = given.given["fooling_image"], given.given["class_visualization_step"]
    fooled = reference.make_fooling_image(given.X[:1], fooling.target, model)
    assert (fooled - given.X[:1]).norm().item() == pytest.approx(fooling.distance)
    img = given.X[1:2].clone().requires_grad_()
    for _ in range(2):
        reference.class_visualization_update_step(img, model, step.target, step.l2_reg, step.learning_rate)
    torch.testing.assert_close(img.detach() - given.X[1:2], step.steps["normalised"], rtol=1e-3, atol=1e-4)
    assert not torch.allclose(step.steps["raw"], step.steps["normalised"], rtol=0.1)


def _zeros_in_place(X, y, model):
    X.data.zero_()
    return torch.zeros(X[:, 0].shape)


def _noise_in_training_mode(X, y, model):
    model.train()
    return torch.rand(X[:, 0].shape)


def _zeros_and_changed_noise(X, y, model, noise):
    noise.zero_()
    return torch.zeros(X[:, 0].shape)


def _changed_baseline(X, y, model, baseline, num_steps):
    baseline.zero_()
    return X - baseline


def _empty_maps(X, y, model):
    return torch.zeros_like(model.features(X)[:, 0])


def _the_same_images(images, angles, scales, shifts):
    return images.clone()


def _changed_angles(images, angles, scales, shifts):
    angles.zero_()
    return images.flip(3)


def _a_copy(X, target_y, model):
    model(X)
    return X.clone()


def _a_little_lighter(X, target_y, model):
    return X + 1 if model(X).argmax() == target_y else X.clone()


def _nothing(img, model, target_y, l2_reg, learning_rate):
    model(img)


def _noise(img, model, target_y, l2_reg, learning_rate):
    img.data += learning_rate * torch.rand_like(img)


def _black(img, model, target_y, l2_reg, learning_rate):
    img.data.zero_()


@pytest.mark.parametrize(
    ("exercise", "function"),
    [
        *((SALIENCY, function) for function in (_zeros_in_place, _noise_in_training_mode)),
        *((FOOLING, function) for function in (_a_copy, _a_little_lighter)),
        *((STEP, function) for function in (_nothing, _noise, _black)),
        *((SMOOTHGRAD, _zeros_and_changed_noise), (INTEGRATED, _changed_baseline), (GRAD_CAM, _empty_maps)),
        *((TRANSFORMATION, function) for function in (_the_same_images, _changed_angles)),
    ],
)
def test_what_only_makes_a_named_mistake_beside_nothing_right_earns_nothing(drawn, exercise, function):
    report = examine(exercise, function, exam=drawn)
    assert points_of(report) == 0, report.mistakes


def test_an_accumulating_gradient_keeps_its_part_of_the_points(drawn):
    def make_fooling_image(X, target_y, model):
        X = X.clone().requires_grad_()
        while model(X).argmax() != target_y:
            model(X)[0, target_y].backward()
            X.data += X.grad / X.grad.norm()
        return X

    report = examine(FOOLING, make_fooling_image, exam=drawn)
    assert report.mistakes == ["gradient-accumulates"]
    assert 0 < points_of(report) < 7
