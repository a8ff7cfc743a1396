"""Is a transform_images right, and if not, which mistake is it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..arrays import ArrayCheck, Rescaled
from ..cases import Batches
from ..explanations import Explanation
from ..judging import as_array, broken, problem, same, side_effects
from ..report import Report, Verdict
from . import function_of

if TYPE_CHECKING:
    from ..exam import Exam

KEY, ARGUMENTS = "transformation", "images, angles, scales, shifts"
EXERCISE = function_of(KEY)

RIGHT = "Its pictures are those expected, of dots and of noise, for batches and images of different sizes."
MISTAKES = {
    "degrees": Explanation(
        "Degrees and radians are mixed up",
        "Your angles are too small or too large by a factor of 57.3.",
        "which unit do the angles have, which one does torch.sin take, and is there anything to convert?",
    ),
    "rotates-the-other-way": Explanation(
        "It rotates the other way",
        "What is in your pictures turns clockwise where it should turn counterclockwise.",
        "the second coordinate grows downwards here, and theta leads from the result to the image. What does each of the two do "
        "to the sign of an angle?",
    ),
    "rotation-ignored": Explanation(
        "The rotation is ignored",
        "Your pictures stay the same when the angles change.",
        "which of the function's arguments do you never use?",
    ),
    "scale-inverted": Explanation(
        "Things shrink where they should grow",
        "A scale of 2 makes things half as large in your pictures.",
        "theta leads from a place in the result to a place in the image. Something shall look twice as large: how far apart in "
        "the image are the places that two neighbours in the result look at?",
    ),
    "scale-ignored": Explanation(
        "The scale is ignored",
        "Your pictures stay the same when the scales change.",
        "which of the function's arguments do you never use?",
    ),
    "shift-ignored": Explanation(
        "The shift is ignored",
        "Your pictures stay the same when the shifts change.",
        "which of the function's arguments do you never use?",
    ),
    "shift-wrong-way": Explanation(
        "It shifts the wrong way",
        "Along one axis at least, things move in the direction against the one asked for.",
        "theta leads from the result to the image. Where must it look for a thing that has moved to the right?",
    ),
    "shift-half": Explanation(
        "Half the shift",
        "Things move half as far as they should.",
        "how long is a side in the coordinates that theta works with?",
    ),
    "shift-in-pixels": Explanation(
        "The shift has another unit",
        "Things move too little, or too far, by a factor that depends on the number of pixels.",
        "in which unit are the shifts given, and in which one does theta count? Does the number of pixels matter to either?",
    ),
    "shift-axes-swapped": Explanation(
        "The axes of the shift are swapped",
        "What should move to the right moves down.",
        "which coordinate comes first in theta, which one first in `shifts`?",
    ),
    "shift-not-turned-back": Explanation(
        "The shift is not turned back",
        "Rotation and scale are right, and alone the shift would be, too; together they are as if the shift came first.",
        "things are rotated and enlarged first, then moved. Undo that, step by step: what comes first on the way back, and what "
        "then happens to the shift?",
    ),
    "not-inverted": Explanation(
        "The transformation is not inverted",
        "Your theta leads from the image to the result. So everything is undone where it should be done.",
        "for each place in the result, theta is asked where to look. In which direction is that?",
    ),
    "same-for-all-images": Explanation(
        "The same for all images",
        "Every image gets the rotation, scale and shift of the first one.",
        "which shape should theta have, and does its first dimension hold different values?",
    ),
    "other-padding": Explanation(
        "Other colours come in over the edges",
        "What comes in from outside of the image is not the mirrored picture.",
        "which padding does the docstring ask for?",
    ),
    "aligned-corners": Explanation(
        "Corners are aligned",
        "Grid and sampling do not agree with the exercise on where -1 and 1 lie: at the edges of the image or at the middles of "
        "its outermost pixels.",
        "was something changed about align_corners?",
    ),
    "other-interpolation": Explanation(
        "Interpolated in another way",
        "Your colours are not mixed bilinearly from the nearest pixels.",
        "was something changed about the mode in which the image is sampled?",
    ),
    "gradient-cut": Explanation(
        "No gradient leads back to the images",
        "Your pictures are right, but PyTorch cannot follow how all of them came about, and class images are made by the "
        "gradient that leads back.",
        ".detach(), .data, .item(), NumPy, torch.no_grad() and torch.tensor() end a graph. Where does the one of `images` end?",
    ),
}


@dataclass(frozen=True, kw_only=True)
class TransformationCase:
    """A call of transform_images, which takes no network.

    Parameters
    ----------
    name : str
        Also of what the fingerprints hold of it.
    seed : int
        Of images and numbers.
    shape : tuple
        (N, C, S) of the images.
    dots : bool
        Whether each image holds a bright dot, and no noise.
    """

    name: str
    seed: int
    shape: tuple[int, int, int]
    dots: bool = False
    network = None

    def arguments(self, network: None = None) -> tuple[torch.Tensor, ...]:
        """Return images (N, C, S, S), angles (N,), scales (N,), shifts (N, 2): float tensors."""
        n, *_ = self.shape
        random = np.random.RandomState(self.seed)
        pictures = self._pictures(random)
        angles = random.choice([-1, 1], n) * random.uniform(0.3, 1.3, n)
        scales = random.uniform(0.9, 1.1, n) * (1.3 if self.dots else random.choice([0.7, 1.3], n))
        shifts = random.choice([-1, 1], (n, 2)) * random.uniform([0.04, 0.1], [0.08, 0.16], (n, 2))
        return tuple(torch.from_numpy(values.astype(np.float32)) for values in (pictures, angles, scales, shifts))

    def _pictures(self, random: np.random.RandomState) -> np.ndarray:
        n, colours, side = self.shape
        if not self.dots:
            return random.standard_normal((n, colours, side, side))
        places = random.choice([-1, 1], (n, 2, 1)) * random.uniform(0.15, 0.4, (n, 2, 1))  # so near that no mirrored dot comes in
        profiles = np.exp(-((np.linspace(-1, 1, side) - places) ** 2) / 0.05)
        return np.einsum("ni,nj->nij", profiles[:, 1], profiles[:, 0])[:, None].repeat(colours, axis=1)

    @property
    def result_shape(self) -> tuple[int, int, int, int]:
        n, colours, side = self.shape
        return n, colours, side, side

    def about(self) -> str:
        n, colours, side = self.shape
        return f"{n} image{'s' * (n > 1)} of {side} x {side} pixels, {colours} colour{'s' * (colours > 1)}"

    def about_image(self, n: int) -> str:
        _, angles, scales, shifts = self.arguments()
        right, down = shifts[n].tolist()
        return (
            f"{self.about()}: {self.name}. Image {n}, angle {angles[n]:+.2f}, scale {scales[n]:.2f}, "
            f"shift ({right:+.2f}, {down:+.2f})"
        )


CASES = Batches(
    main=(
        TransformationCase(name="bright dots", seed=71, shape=(5, 3, 24), dots=True),
        TransformationCase(name="noise", seed=70, shape=(5, 3, 12)),
        TransformationCase(name="noise, an odd number of pixels", seed=72, shape=(5, 3, 15)),
    ),
    other=(
        TransformationCase(name="3 images", seed=73, shape=(3, 3, 13)),
        TransformationCase(name="1 image", seed=74, shape=(1, 3, 11)),
    ),
)


def _evidence(case, n, place, mine, exam):
    """In a picture of a dot, say where it went."""
    if not case.dots:
        return []
    pictures, *_ = case.arguments()
    start, due, came = map(_brightest, (pictures[n].numpy(), exam.known.right(KEY, case)[n], mine))
    said = f"Its bright dot, at first in row {start[0]}, column {start[1]}, belongs into row {due[0]}, column {due[1]}"
    return [
        f"{said}; in yours the brightest pixel is in row {came[0]}, column {came[1]}." if came != due else f"{said}, as in yours."
    ]


def _brightest(picture):
    _, row, column = np.unravel_index(np.nan_to_num(picture).argmax(), picture.shape)
    return int(row), int(column)


_check = ArrayCheck(EXERCISE, KEY, "picture", _evidence, rescaled=Rescaled.NEVER)


def examine(function: Any, exam: Exam) -> Report:
    """Return the Report on a function: on its values and, if these are right, on the gradient that leads back to `images`."""
    report = _check.examine(function, exam)
    failure = _gradient_failure(function, exam) if report.verdict is Verdict.RIGHT else None
    if failure is not None:
        failure.notes = report.notes
    return failure or report


def _gradient_failure(function, exam):
    """Return the Report of a result that leads no gradient, or a wrong one, to the images, or None."""
    case = exam.of(KEY).main[1]
    images, *numbers = (tensor.to(exam.device) for tensor in case.arguments())
    trial = exam.run(function, images.requires_grad_(), *numbers, network=None, differentiate=True)
    if trial.error is not None and not isinstance(trial.error, Exception):
        return problem(EXERCISE, trial, case.about())
    gradient = None if trial.value is None else as_array(trial, trial.value, images)
    if trial.error is not None:
        seen = ["Given `images` that ask for a gradient, it ends in an error.", *broken(trial.error, trial.where, "")]
    elif gradient is None:
        seen = ["Given `images` that ask for a gradient, it returns pictures from which none leads back to them."]
    elif gradient.shape != case.result_shape or not same(gradient, exam.known.gradient(KEY, case)):
        seen = ["Given `images` that ask for a gradient, it returns pictures from which a wrong one leads back to them."]
    else:
        return None
    return Report(EXERCISE, Verdict.WRONG, ["gradient-cut", *side_effects([trial])[0]], evidence=seen)
