"""The solutions of the exercises, their checks, and what tests of the checks ask of them."""

import torch
from answers import ANSWERS

from cs231n import attribution, feature_visualization, net_visualization_pytorch
from cs231n.checks import (
    EXERCISES,
    check_class_visualization_step,
    check_fooling_image,
    check_grad_cam,
    check_integrated_gradients,
    check_saliency_maps,
    check_smoothgrad,
    check_transformation,
    examine,
)

SALIENCY, FOOLING, STEP, SMOOTHGRAD, INTEGRATED, GRAD_CAM, TRANSFORMATION = EXERCISES
OF_FILE = {
    **{"saliency_maps": SALIENCY, "fooling_image": FOOLING, "class_visualization_step": STEP, "smoothgrad": SMOOTHGRAD},
    **{"integrated_gradients": INTEGRATED, "grad_cam": GRAD_CAM, "transformation": TRANSFORMATION},
}
CHECKS = {
    **{SALIENCY: check_saliency_maps, FOOLING: check_fooling_image, STEP: check_class_visualization_step},
    **{SMOOTHGRAD: check_smoothgrad, INTEGRATED: check_integrated_gradients, GRAD_CAM: check_grad_cam},
    TRANSFORMATION: check_transformation,
}
SOLVED_IN = dict.fromkeys((SALIENCY, FOOLING, STEP), net_visualization_pytorch)


SOLVED_IN |= dict.fromkeys((SMOOTHGRAD, INTEGRATED, GRAD_CAM), attribution) | {TRANSFORMATION: feature_visualization}
REFERENCE = {name: getattr(module, name) for name, module in SOLVED_IN.items()}


def answer(exercise, name):
    """Return the function of this name in the collection of answers to an exercise."""
    return next(a.function for a in ANSWERS if a.exercise == exercise and a.function.__name__ == name)


CROSS_ENTROPY = next(a.function.__name__ for a in ANSWERS if a.exercise == "saliency_maps" and a.mistakes == {"cross-entropy"})


def step_with(direction, rate=lambda rate: rate):
    """Return an update step that moves along direction(score's gradient, image, l2_reg), divided by its length."""

    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        (gradient,) = torch.autograd.grad(model(img)[0, target_y], img)
        change = direction(gradient, img.detach(), l2_reg)
        img.data += rate(learning_rate) * change / change.norm()

    return class_visualization_update_step


def raw_step_with(direction, rate=lambda rate: rate):
    """Return an update step as above that is not divided by its length."""

    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        (gradient,) = torch.autograd.grad(model(img)[0, target_y], img)
        img.data += rate(learning_rate) * direction(gradient, img.detach(), l2_reg)

    return class_visualization_update_step


def told(exercise, function):
    """Return what the check of a function tells, in one line."""
    return " ".join(examine(exercise, function).text().split())
