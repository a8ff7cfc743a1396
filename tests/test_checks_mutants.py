"""Mutants of the solutions: each that behaves otherwise is not right."""

import ast
from pathlib import Path

import pytest
from helpers.mutants import mutants
from helpers.solutions import (
    FOOLING,
    GRAD_CAM,
    INTEGRATED,
    SALIENCY,
    SMOOTHGRAD,
    SOLVED_IN,
    STEP,
    TRANSFORMATION,
)

from cs231n.checks import (
    EXERCISES,
    examine,
)

pytestmark = pytest.mark.usefixtures("short_patience")


EQUIVALENT = {
    SALIENCY: ["gather(1, y[:, None]) -> own_scores = model(X).gather(-1, y[:, None])"],
    FOOLING: [
        # 1e-12 is far below rounding; without it a dead class gives NaN, which a note says
        "- 1e-12)", "+ -1e-12)", "+ 0)", "+ 2e-12)", "-> X_fooling += learning_rate * gradient / gradient.norm()",
        "-> X_fooling += gradient / (gradient.norm() + 1e-12)",  # the learning rate is 1
        "range(101)", "range(200)",  # no image here takes more than 100 steps
        "else: / warn_not_fooled", "warn_not_fooled(X_fooling, target_y, model) -> pass",  # a warning, no result
    ],
    STEP: [
        "- 1e-12)", "+ -1e-12)", "+ 0)", "+ 2e-12)", "-> img += learning_rate * ascent / ascent.norm()",
        "-> img += learning_rate * ascent",  # the raw step is right as well
        "check_step(img, model, target_y, l2_reg, learning_rate) -> pass",  # it only looks at the input
    ],
    SMOOTHGRAD: [
        "gather(-1, y[:, None])",
        "checked_noise(noise, X) -> pass",  # it only looks at the input
    ],
    INTEGRATED: [
        "gather(-1, y[:, None])",
        "checked_baseline(baseline, X, num_steps) -> pass",
    ],
    GRAD_CAM: [
        "gather(-1, y[:, None])", "mean(dim=(-2, 3), keepdim=True)", "X.shape[-2:], mode='bilinear', align_corners=False)[:, 0]",
        "mode='bilinear')[:, 0]",  # not to align the corners is the default
        "require_feature_map(model) -> pass",
    ],
    TRANSFORMATION: [
        "sin, cos], dim=-1).view(-1, 2, 2)",
        "affine_grid(theta, images.shape)", "padding_mode='reflection')",  # as above
        "require_transformation(images, angles, scales, shifts) -> pass",
    ],
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_mutant_of_the_reference_that_behaves_otherwise_is_not_right(exercise):
    text = Path(SOLVED_IN[exercise].__file__).read_text(encoding="utf-8")
    (function,) = [node for node in ast.parse(text).body if getattr(node, "name", None) == exercise]
    survivors, changed = [], list(mutants(function))
    for description, tree in changed:
        namespace = dict(vars(SOLVED_IN[exercise]))
        exec(compile(ast.Module([tree], []), "<mutant>", "exec"), namespace)
        if examine(exercise, namespace[exercise]).verdict == "right":
            survivors.append(description)
    assert len(changed) >= 20
    unknown = [text for text in survivors if not any(text.endswith(end) or end in text for end in EQUIVALENT[exercise])]
    assert not unknown
    assert len(survivors) == len(EQUIVALENT[exercise])
