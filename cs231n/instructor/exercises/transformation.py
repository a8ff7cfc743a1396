"""The transformation: the known mistakes, how a hidden case is drawn, and the proof."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ... import feature_visualization
from ...checks.cases import Batches
from ...checks.exercises.transformation import TransformationCase
from ...checks.guard import gradient_of
from .arrays import ALL, ArrayExercise, double_arguments
from .combining import Ids, combinations
from .drawing import Draw

ANGLES = [
    ((), lambda angles: angles),
    (("degrees",), torch.deg2rad),
    (("degrees",), torch.rad2deg),
    (("rotates-the-other-way",), lambda angles: -angles),
    (("rotation-ignored",), torch.zeros_like),
]

SCALES = [
    ((), lambda scales: scales),
    (("scale-inverted",), lambda scales: 1 / scales),
    (("scale-ignored",), torch.ones_like),
]

# By how much things move, where the image's sides are 2 long: functions of shifts (N, 2) and the side in pixels.
SHIFTS = [
    ((), lambda shifts, side: 2 * shifts),
    (("shift-ignored",), lambda shifts, side: 0 * shifts),
    (("shift-half",), lambda shifts, side: shifts),
    (("shift-in-pixels",), lambda shifts, side: 2 * shifts / side),
    (("shift-in-pixels",), lambda shifts, side: shifts / side),
    (("shift-in-pixels",), lambda shifts, side: shifts * side),
    (("shift-in-pixels",), lambda shifts, side: 2 * shifts * side),
    (("shift-axes-swapped",), lambda shifts, side: 2 * shifts.flip(1)),
    *(
        (("shift-wrong-way",), lambda shifts, side, sign=sign: 2 * shifts * shifts.new_tensor(sign))
        for sign in ((-1, -1), (-1, 1), (1, -1))
    ),
]

# The shift in the result as a shift in the image: functions of the matrix back (N, 2, 2), the scales and the shift (N, 2, 1).
BACK = [
    ((), lambda back, scales, shift: -back @ shift),
    (("shift-not-turned-back",), lambda back, scales, shift: -shift),
    (("shift-not-turned-back",), lambda back, scales, shift: -shift / scales[:, None, None]),
    (("shift-not-turned-back",), lambda back, scales, shift: -(back * scales[:, None, None]) @ shift),
    (("shift-not-turned-back",), lambda back, scales, shift: -torch.linalg.inv(back) @ shift),
]

BATCHES = [((), lambda theta: theta), (("same-for-all-images",), lambda theta: theta[:1].expand_as(theta))]

PADDINGS = [((), "reflection"), (("other-padding",), "zeros"), (("other-padding",), "border")]
MODES = [((), "bilinear"), (("other-interpolation",), "nearest"), (("other-interpolation",), "bicubic")]
CORNERS = [((), (False, False)), *((("aligned-corners",), both) for both in ((True, True), (True, False), (False, True)))]


def _back(angles: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Return the matrices (N, 2, 2) that lead from the result to the image."""
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2) / scales[:, None, None]


def _thetas(
    angles: torch.Tensor, scales: torch.Tensor, shifts: torch.Tensor, side: int, at_most: int
) -> Iterator[tuple[Ids, torch.Tensor]]:
    """Yield (ids, theta (N, 2, 3))."""
    for ids, (to_angles, to_scales, to_shifts, to_back) in combinations((), (ANGLES, SCALES, SHIFTS, BACK), at_most):
        new_scales = to_scales(scales)
        back = _back(to_angles(angles), new_scales)
        yield ids, torch.cat([back, to_back(back, new_scales, to_shifts(shifts, side)[:, :, None])], dim=2)
    forth = torch.linalg.inv(_back(angles, scales))
    yield ("not-inverted",), torch.cat([forth, 2 * shifts[:, :, None]], dim=2)
    yield ("not-inverted", "shift-half"), torch.cat([forth, shifts[:, :, None]], dim=2)
    yield ("not-inverted", "rotates-the-other-way"), torch.cat([forth.mT, 2 * shifts[:, :, None]], dim=2)
    yield ("returns-input",), torch.eye(2, 3, dtype=angles.dtype).repeat(len(angles), 1, 1)
    yield ("degrees", "rotates-the-other-way"), _theta(-angles * math.pi / 180, scales, shifts)


def _theta(angles: torch.Tensor, scales: torch.Tensor, shifts: torch.Tensor) -> torch.Tensor:
    back = _back(angles, scales)
    return torch.cat([back, -back @ (2 * shifts[:, :, None])], dim=2)


def known_answers(
    images: torch.Tensor,
    angles: torch.Tensor,
    scales: torch.Tensor,
    shifts: torch.Tensor,
    at_most: int = 2,
    wanted: frozenset[str] | None = None,
) -> Iterator[tuple[Ids, torch.Tensor]]:
    """Yield (ids, images (N, C, S, S)) for the combinations of choices that make up to `at_most` mistakes.

    wanted: a frozenset of ids, to yield what makes exactly these mistakes and compute little else; None for all.
    """
    choices = BATCHES, PADDINGS, MODES, CORNERS
    for theta_ids, theta in _thetas(angles, scales, shifts, images.shape[2], at_most):
        for ids, (over_batch, padding, mode, (of_grid, of_sampling)) in combinations(theta_ids, choices, at_most, wanted):
            if wanted not in (None, set(ids)):
                continue
            grid = F.affine_grid(over_batch(theta), list(images.shape), align_corners=of_grid)
            yield ids, F.grid_sample(images, grid, mode=mode, padding_mode=padding, align_corners=of_sampling)


class _Transformation(ArrayExercise):
    key, noun = "transformation", "pictures"
    takes_network = False
    beside_the_values = frozenset({"gradient-cut"})
    without_result = frozenset({"returns-input"})
    solution = staticmethod(feature_visualization.transform_images)
    known_answers = staticmethod(known_answers)

    def gradients(self, cases: Batches, right: dict[Any, np.ndarray]) -> dict[Any, np.ndarray]:
        """The gradients that lead from the pictures back to the images."""
        return {case: self._gradient_of_pictures(case) for case in cases.main}

    def _gradient_of_pictures(self, case: TransformationCase) -> np.ndarray:
        images, *numbers = double_arguments(case)
        gradient = gradient_of(self.solution(images.requires_grad_(), *numbers), images)
        assert gradient is not None, "the solution's pictures depend on the images"
        return gradient.numpy()

    def drawn_case(self, case: Any, draw: Draw) -> Any:
        return dataclasses.replace(case, seed=draw.number())

    def given(self, X: torch.Tensor, y: torch.Tensor, n: int, random: torch.Generator) -> tuple[Any, ...]:
        angles, scales = torch.rand(ALL, generator=random) - 0.5, 0.7 + 0.6 * torch.rand(ALL, generator=random)
        return X, angles[:n], scales[:n], 0.4 * torch.rand(ALL, 2, generator=random)[:n] - 0.2


EXERCISE = _Transformation()
