"""The notebook's sizes, and other layouts in memory."""

import pytest
import torch
from answers import ANSWERS
from helpers.solutions import FOOLING, GRAD_CAM, INTEGRATED, REFERENCE, SALIENCY, SMOOTHGRAD, STEP, told

from cs231n.checks import (
    EXERCISES,
    cases,
    examine,
)
from cs231n.checks.exam import own_exam

pytestmark = pytest.mark.usefixtures("short_patience")


OF_NETWORKS = (SALIENCY, FOOLING, STEP, SMOOTHGRAD, INTEGRATED, GRAD_CAM)


OTHER_NETWORKS = [
    *((exercise, cases.with_more_classes) for exercise in OF_NETWORKS),
    *((exercise, cases.with_strided_gradients) for exercise in OF_NETWORKS),
    # not GRAD_CAM: a map that is resized to the image depends on the image's size
    *((exercise, cases.Framed) for exercise in OF_NETWORKS if exercise != GRAD_CAM),
]


@pytest.mark.parametrize(("exercise", "change"), OTHER_NETWORKS)
def test_the_reference_is_right_with_more_classes_in_a_frame_and_with_strided_gradients(exercise, change):
    report = EXERCISES[exercise].examine(REFERENCE[exercise], own_exam().with_cases(change))
    assert report.as_json() == {"verdict": "right", "mistakes": [], "notes": []}


def indexes_a_class(number):
    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        objective = model(img)[0, target_y] - l2_reg * img.norm()
        img.data += learning_rate * torch.autograd.grad(objective, img)[0]
        return model(img)[0, number]

    return class_visualization_update_step


def test_what_fails_on_few_classes_is_told_what_was_found_with_1000_and_why_it_fails():
    text = told(STEP, indexes_a_class(130))
    assert "is wrong: the regulariser is not squared." in text
    assert "The following was found with the same networks widened to 1000 classes. A small network (GELU)" in text
    assert "On small networks:" in text
    assert "index 130 is out of bounds" in text.split("On small networks:")[1]
    assert "224" not in text


def test_what_fails_in_every_size_is_broken_by_its_error_on_small_networks():
    text = told(STEP, indexes_a_class(1000))
    assert "does not run" in text
    assert "index 1000 is out of bounds for dimension 1 with size 9" in text
    assert "The following" not in text


def test_what_needs_images_of_the_notebooks_size_is_told_so():
    flat = next(a.function for a in ANSWERS if a.function.__name__ == "flat_in_the_notebooks_size_norm")
    text = told(STEP, flat)
    assert "The following was found with images of 224 x 224 pixels and 1000 classes. A small network (GELU)" in text
    assert "shape '[1, 150528]' is invalid" in text.split("On small networks:")[1]


def test_a_right_answer_for_the_notebooks_size_has_to_be_right_for_its_whole_image():
    def compute_saliency_maps(X, y, model):
        flat = X.reshape(len(X), 3 * 224 * 224)
        maps = REFERENCE[SALIENCY](flat.reshape(X.shape), y, model)
        maps[:, 30:] = 0  # the part that small images in a corner do not reach
        return maps

    assert examine(SALIENCY, compute_saliency_maps).verdict == "wrong"
