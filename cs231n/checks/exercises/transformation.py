"""Is a transform_images correct, and if not, what is the mistake?"""

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

RIGHT = "Its pictures of dots and of noise are as expected, for batches and images of different sizes."
MISTAKES = {
    "degrees": Explanation(
        "Degrees and radians are mixed up",
        "Your angles are too small or too large by a factor of 57.3.",
        "what unit are the angles in, what unit does torch.sin take, and is there anything to convert?",
    ),
    "rotates-the-other-way": Explanation(
        "It rotates the other way",
        "Your pictures turn clockwise where they should turn counterclockwise.",
        "the second coordinate grows downwards here, and theta leads from the result to the image. What does each of these do to "
        "the sign of an angle?",
    ),
    "rotation-ignored": Explanation(
        "The rotation is ignored",
        "Your pictures stay the same when the angles change.",
        "which of the function's arguments do you never use?",
    ),
    "scale-inverted": Explanation(
        "Things shrink where they should grow",
        "In your pictures, a scale of 2 makes things half as large.",
        "theta leads from a position in the result to a position in the image. For things to look twice as large, how far "
        "apart in the image must two neighbours in the result look?",
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
        "Along at least one axis, things move in the opposite direction.",
        "theta leads from the result to the image. If something has moved to the right, where must theta look for it?",
    ),
    "shift-half": Explanation(
        "Half the shift",
        "Things move half as far as they should.",
        "how long is a side in the coordinates that theta uses?",
    ),
    "shift-in-pixels": Explanation(
        "The shift is in the wrong unit",
        "Things move too little, or too far, by a factor that depends on the number of pixels.",
        "what unit are the shifts in, and what unit does theta use? Does the number of pixels matter to either?",
    ),
    "shift-axes-swapped": Explanation(
        "The axes of the shift are swapped",
        "What should move to the right moves down.",
        "which coordinate comes first in theta, and which in `shifts`?",
    ),
    "shift-not-turned-back": Explanation(
        "The shift is not rotated back",
        "Rotation and scale are correct, and so is the shift on its own; but together they act as if the shift came first.",
        "things are rotated and scaled first, then moved. Undo that step by step: what do you undo first, and what does that do "
        "to the shift?",
    ),
    "not-inverted": Explanation(
        "The transformation is not inverted",
        "Your theta leads from the image to the result, so your pictures show the inverse of each transformation.",
        "for each position in the result, theta says where to look in the image. Which direction is that?",
    ),
    "same-for-all-images": Explanation(
        "All images are treated the same",
        "Every image gets the rotation, scale and shift of the first one.",
        "what shape should theta have, and do its values differ along the first dimension?",
    ),
    "other-padding": Explanation(
        "Different padding",
        "What comes in from outside the image is not its mirror image.",
        "which padding does the docstring ask for?",
    ),
    "aligned-corners": Explanation(
        "Corners are aligned",
        "Your grid or sampling does not put -1 and 1 where the exercise does: they can be at the edges of the image or at "
        "the centres of its outermost pixels.",
        "did you change align_corners?",
    ),
    "other-interpolation": Explanation(
        "Different interpolation",
        "Your colours are not interpolated bilinearly from the nearest pixels.",
        "did you change the mode of grid_sample?",
    ),
    "gradient-cut": Explanation(
        "No gradient reaches the images",
        "Your pictures are correct, but PyTorch cannot trace all of them back to `images`, and class images need that gradient.",
        ".detach(), .data, .item(), NumPy, torch.no_grad() and torch.tensor() cut the graph. Where is it cut in your code?",
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
    network = target = None

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


def _evidence(case: TransformationCase, n: int, place: tuple[int, ...], mine: np.ndarray, exam: Exam) -> list[str]:
    """In a picture of a dot, say where it went."""
    if not case.dots:
        return []
    pictures, *_ = case.arguments()
    start, due, came = map(_brightest, (pictures[n].numpy(), exam.known.right(KEY, case)[n], mine))
    said = f"Its bright dot, originally in row {start[0]}, column {start[1]}, should be in row {due[0]}, column {due[1]}"
    return [
        f"{said}; in yours, the brightest pixel is in row {came[0]}, column {came[1]}."
        if came != due
        else f"{said}, as in yours."
    ]


def _brightest(picture: np.ndarray) -> tuple[int, int]:
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


def _gradient_failure(function: Any, exam: Exam) -> Report | None:
    """Return the Report of a result that leads no gradient, or a wrong one, to the images, or None."""
    case = exam.of(KEY).main[1]
    images, *numbers = (tensor.to(exam.device) for tensor in case.arguments())
    trial = exam.run(function, images.requires_grad_(), *numbers, network=None, differentiate=True)
    if trial.error is not None and not isinstance(trial.error, Exception):
        return problem(EXERCISE, trial, case.about())
    gradient = None if trial.value is None else as_array(trial, trial.value, images)
    if trial.error is not None:
        seen = ["If `images` require grad, it raises an error.", *broken(trial.error, trial.where, "")]
    elif gradient is None:
        seen = ["If `images` require grad, the pictures that it returns have no gradient with respect to them."]
    elif gradient.shape != case.result_shape or not same(gradient, exam.known.gradient(KEY, case)):
        seen = ["If `images` require grad, the pictures that it returns have a wrong gradient with respect to them."]
    else:
        return None
    return Report(EXERCISE, Verdict.WRONG, ["gradient-cut", *side_effects([trial])[0]], evidence=seen)
