"""Is a class_visualization_update_step correct, and if not, what is the mistake?

Several calls on the same image are judged, with several sizes of regulariser and learning rate: a raw step and one
divided by its length are both right.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from .. import cases
from ..explanations import LIKE_A_LOGARITHM, Explanation
from ..fingerprints import LEAST_CHANGE, TOLERANCE, Fingerprints, fingerprint, is_constant
from ..guard import Trial
from ..judging import SPOILING, compared, problem, relative_error, same, side_effects
from ..networks import BELOW_0, gelu_network, relu_network, softplus_network, squeezenet_sized_network, tanh_network
from ..report import Report, Verdict
from ..sizes import examined_in_other_sizes
from . import function_of

if TYPE_CHECKING:
    from ..exam import Exam

KEY, ARGUMENTS = "class_visualization_step", "img, model, target_y, l2_reg, learning_rate"
EXERCISE = function_of(KEY)

RIGHT = (
    "Three calls in a row change the image as expected on five small networks, for several values of l2_reg and learning_rate, "
    "and for a dead class."
)
MISTAKES = {
    "learning-rate-ignored": Explanation(
        "The learning rate is ignored",
        "Your change to the image stays the same when the learning rate changes.",
        "which of the function's arguments do you never use?",
    ),
    "regulariser-missing": Explanation(
        "The regulariser has no effect",
        "Your change to the image stays the same when l2_reg changes.",
        "follow l2_reg through your code: how does it get to the image?",
    ),
    "regulariser-detached": Explanation(
        "The regulariser is cut off from the gradient",
        "You compute it from a copy of the image that is not part of the graph (`.data`, `.detach()`, or under no_grad), so its "
        "gradient is 0 and it has no effect.",
        "which tensor do you have to compute the regulariser from so that `backward()` reaches the image?",
    ),
    "regulariser-on-weights": Explanation(
        "The regulariser is on the weights",
        "You penalise the size of the network's weights. They do not depend on the image, so this does not affect it.",
        "whose values should stay small?",
    ),
    "regulariser-on-scores": Explanation(
        "The regulariser is on the scores",
        "You penalise the size of the scores instead of the image.",
        "whose values should stay small?",
    ),
    "regulariser-not-squared": Explanation(
        "The regulariser is not squared",
        "You penalise the norm of the image, not its square. For the notebook's images that is hundreds of times too weak.",
        "which exponent does the norm have in the formula? What is the gradient with it, and without it?",
    ),
    "regulariser-other-norm": Explanation(
        "A different norm in the regulariser",
        "You penalise something other than the sum of squares of the image, such as the sum of absolute values (the L1 norm) or "
        "of their third powers.",
        "to which power does the squared L2 norm raise each value, and what is the derivative of that?",
    ),
    "regulariser-wrong-sign": Explanation(
        "The regulariser has the wrong sign",
        "It makes large values larger: it pushes the image away from 0.",
        "do you go uphill or downhill, and which sign must the penalty have then?",
    ),
    "regulariser-halved": Explanation(
        "Half the regulariser",
        "The regulariser contributes half as much to the step as it should.",
        "what is the derivative of x squared?",
    ),
    "regulariser-constant": Explanation(
        "The regulariser is a constant",
        "The same number is added to, or subtracted from, every pixel, whatever the image is.",
        "large values should be pulled back more than small ones. Which values must l2_reg be multiplied by, then?",
    ),
    "regulariser-other-size": Explanation(
        "The regulariser has the wrong size",
        "The part from the score is correct; the part from the regulariser is too strong or too weak.",
        "write down the derivative of l2_reg times the sum of squares, and compare each factor.",
    ),
    "regulariser-without-learning-rate": Explanation(
        "The learning rate is missing from the regulariser",
        "The part of your step from the score is multiplied by the learning rate, the part from the regulariser is not, so their "
        "ratio depends on the learning rate.",
        "which vector is the direction of steepest ascent of the whole objective, and what is multiplied by the learning rate?",
    ),
    "regulariser-not-normalised": Explanation(
        "Only the score's gradient is normalised",
        "You add the regulariser after dividing by the norm, so the two parts do not have the weights that the objective "
        "gives them.",
        "which vector is the direction of steepest ascent of the whole objective? Divide that one, or none.",
    ),
    "not-in-place": Explanation(
        "The image is not changed in place",
        "The caller still has the old image.",
        "does your last line change the tensor that you were given, or does it create a new one under the same name?",
    ),
}
STEP_CALLS = 3  # of the function, on one image


@dataclass(frozen=True, kw_only=True)
class StepCase(cases.Case):
    """Some calls with an image. l2_reg, learning_rate: those of each call."""

    l2_reg: float
    learning_rate: float


@dataclass(frozen=True)
class StepCases:
    """The cases of this exercise.

    Parameters
    ----------
    main : tuple
        Small ones, one of them with a dead class.
    large : StepCase
        An image of the notebook's size, for code that works for nothing else.
    """

    main: tuple[StepCase, ...]
    large: StepCase


CASES = StepCases(
    main=(
        StepCase(
            name="GELU",
            network=partial(gelu_network, seed=12),
            seed=32,
            shape=(1, 9, 11),
            target=8,
            l2_reg=0.08,
            learning_rate=0.5,
        ),
        StepCase(
            name="tanh",
            network=partial(tanh_network, seed=11),
            seed=31,
            shape=(1, 8, 11),
            target=0,
            l2_reg=0.03,
            learning_rate=1.7,
        ),
        StepCase(
            name="ReLU",
            network=partial(relu_network, seed=11),
            seed=33,
            shape=(1, 9, 8),
            target=6,
            l2_reg=0.05,
            learning_rate=0.9,
        ),
        StepCase(
            name="softplus, scores below 0",
            network=partial(softplus_network, seed=12, biases=BELOW_0),
            seed=34,
            shape=(1, 10, 12),
            target=2,
            l2_reg=0.04,
            learning_rate=2.3,
        ),
        StepCase(
            name="ReLU, dead class",
            network=partial(relu_network, seed=10),
            seed=20,
            shape=(1, 9, 8),
            target=6,
            dead_class=True,
            l2_reg=0.06,
            learning_rate=1.2,
        ),
    ),
    large=StepCase(
        name="224 x 224 pixels, 1000 classes",
        network=squeezenet_sized_network,
        seed=20,
        shape=(1, 224, 224),
        target=3,
        l2_reg=1e-3,
        learning_rate=5.0,
    ),
)


class Form(enum.IntEnum):
    """The two forms of a step that are right, numbered as `Fingerprints.right` has them."""

    RAW = 0
    DIVIDED = 1


UNDIVIDED = (
    "Your step is not divided by its length. That is fine, but it needs a smaller learning rate: set LEARNING_RATE = 5 where "
    "the notebook sets it to 25."
)


@dataclass
class Calls:
    """Some calls on one image. images: (calls + 1, 3, H, W), before the first and after each."""

    case: StepCase
    trials: list[Trial]
    images: np.ndarray
    in_place: bool

    @property
    def changes(self) -> np.ndarray:
        return self.images[1:] - self.images[0]


def examine(function: Any, exam: Exam) -> Report:
    """Return the Report on a class_visualization_update_step."""
    report = _examine(function, exam)
    if report.verdict is not Verdict.BROKEN:
        return report
    return examined_in_other_sizes(report, _examine, _examine_large, function, exam)


def _examine(function: Any, exam: Exam) -> Report:
    found: list[Calls] = []
    for case in exam.of(KEY).main:
        calls = _attempt(function, case, exam)
        if isinstance(calls, Report):
            return calls
        found.append(calls)
    changed, notes = side_effects([trial for calls in found for trial in calls.trials])
    form = min(Form, key=lambda form: sum(min(_error(calls, form, exam), 1) for calls in found))
    if all(calls.in_place and _is_right(calls, form, exam) for calls in found):
        if _fails_with_strided_gradients(function, form, exam):
            notes.append("needs-contiguous-gradients")
        seen = [] if changed or form is Form.DIVIDED else [UNDIVIDED]
        return Report(EXERCISE, Verdict.WRONG if changed else Verdict.RIGHT, changed, notes, seen)
    return _wrong(function, exam, found, form, changed, notes)


def _attempt(function: Any, case: StepCase, exam: Exam) -> Calls | Report:
    """Return the Calls, or the Report of what is wrong with their form."""
    network = case.network().to(exam.device)
    img = case.images().to(exam.device).requires_grad_()
    shape, images, trials, in_place = tuple(img.shape), [_values(img, case)[0]], [], True
    for call in range(1, STEP_CALLS + 1):
        trial = exam.run(function, img, network, case.target, case.l2_reg, case.learning_rate, network=network)
        trials.append(trial)
        about = f"a small network ({case.name}), an image of {case.shape[1]} x {case.shape[2]} pixels"
        where = f"{about}, target class {case.target}, in call {call}"
        failure = problem(EXERCISE, trial, where)
        if failure is not None:
            return failure
        if tuple(img.shape) != shape:
            seen = f"Given {where}, img has shape {tuple(img.shape)} afterwards; before, it had shape {shape}."
            return Report(EXERCISE, Verdict.WRONG, ["wrong-shape"], evidence=[seen])
        after = _values(img, case)
        if np.array_equal(after[0], images[-1]):
            stub = call == 1 and case in (exam.of(KEY).main[0], exam.of(KEY).large)
            if stub and not trial.calls and (trial.value is None or trial.value is img):
                return Report(EXERCISE, Verdict.UNFINISHED)
            in_place = False
            if isinstance(trial.value, torch.Tensor) and trial.value.shape == img.shape:
                images.append(_values(trial.value, case)[0])  # what it would have been, for a name
                break
        images.append(after[0])
    return Calls(case, trials, np.stack(images), in_place)


def _fails_with_strided_gradients(function: Any, form: Form, exam: Exam) -> bool:
    case = exam.of(KEY).main[0]
    if isinstance(case, cases.Framed):
        return False
    calls = _attempt(function, cases.with_strided_gradients(case), exam)
    return isinstance(calls, Report) or not _is_right(calls, form, exam)


def _values(img: torch.Tensor, case: StepCase) -> np.ndarray:
    """Return what is known of an image (1, 3, H, W) as an array."""
    return cases.cropped(case, img.detach().cpu().double().numpy())


def _error(calls: Calls, form: Form, exam: Exam) -> float:
    """Return the largest relative error of the changes so far, after each call, against the raw or the normalised step."""
    expected = exam.known.right(KEY, calls.case)[form].astype(np.float64)
    pairs = zip(calls.images[1:], expected[1:], strict=False)
    return max(relative_error(mine, due, due - expected[0]) for mine, due in pairs)


def _is_right(calls: Calls, form: Form, exam: Exam) -> bool:
    expected = exam.known.right(KEY, calls.case)[form]
    return all(same(mine, due, due - expected[0]) for mine, due in zip(calls.images[1:], expected[1:], strict=False))


def _examine_large(function: Any, exam: Exam) -> Report | None:
    """Return the Report on an image of the notebook's size, or None if the function fails with it, too."""
    calls = _attempt(function, exam.of(KEY).large, exam)
    if isinstance(calls, Report) or not calls.in_place:
        return None
    names = exam.known.nearest(f"{KEY}-224", {calls.case: fingerprint(calls.changes)}, LEAST_CHANGE)
    changed, notes = side_effects(calls.trials)
    verdict = Verdict.RIGHT if names == () and not changed else Verdict.WRONG
    return Report(EXERCISE, verdict, [*_confirmed(names or (), function, exam.of(KEY).large, exam), *changed], notes)


def _wrong(function: Any, exam: Exam, found: Sequence[Calls], form: Form, changed: list[str], notes: list[str]) -> Report:
    live = [calls for calls in found if not calls.case.dead_class]
    in_place = any(calls.in_place for calls in live)
    names: tuple[str, ...] | None = ()
    explained = False
    if any(calls.changes.any() for calls in live):
        marks = {calls.case: fingerprint(calls.changes) for calls in found}
        names = exam.known.nearest(KEY, marks, LEAST_CHANGE)
        explained = names is not None
        if names is None and SPOILING & set(changed):
            names = ()
        if names is None:
            rates = np.array([case.learning_rate for case in marks])
            laws = {"learning-rate-changed": np.ones(len(marks)), "learning-rate-ignored": 1 / rates}
            names = exam.known.nearest_but_for_length(KEY, marks, laws, forms=len(Form))
        if names is None:
            names = _nearest_regulariser({calls.case: marks[calls.case] for calls in live}, exam.known)
        explained = explained or bool(names)
        if names is None and any(not np.isfinite(calls.images).all() for calls in live):
            names = ("not-finite",)
    confirmed = _confirmed(names or (), function, exam.of(KEY).main[0], exam)
    nearly = sum(_is_right(calls, form, exam) for calls in found) >= len(found) - 1
    report = Report(EXERCISE, Verdict.WRONG, [*([] if in_place else ["not-in-place"]), *confirmed, *changed], notes)
    report.explained = explained or nearly
    _add_evidence(report, found, form, exam)
    return report


def _nearest_regulariser(found: Mapping[StepCase, np.ndarray], known: Fingerprints) -> tuple[str, ...] | None:
    """Return the mistakes of a class visualization step whose first change is a known gradient plus a share of the image.

    How large the share is, compared with that of the right answer, tells the mistake. None if no known gradient leaves just a
    share of the image over. found: {case: fingerprints (T, LENGTH)}, without dead classes. known: the Fingerprints of the exam.
    """
    names = known.mistakes(KEY)
    sizes = np.array([np.linalg.norm(case.images()) for case in found])
    weights, rates = (np.array([getattr(case, name) for case in found]) for name in ("l2_reg", "learning_rate"))
    for objective in [(), ("cross-entropy",), ("softmax",)]:
        parts = []
        for case, marks in found.items():
            answers = known.arrays[f"known/{KEY}/{case.name}"][:, 0].astype(np.float64)
            image = fingerprint(case.images().numpy())[0]
            gradient = answers[names.index(tuple(sorted({*objective, "regulariser-missing"})))]
            due = answers[names.index(())] - answers[names.index(("regulariser-missing",))]
            parts.append((*_parts(marks[0], gradient, image), np.dot(due, image) / np.dot(image, image)))
        lengths, shares, due = np.array(parts).T
        if np.isfinite(lengths).all():
            ids = _regulariser_mistakes(shares / lengths / due, sizes, weights, shares / weights)
            if not is_constant(lengths) and is_constant(lengths * rates):
                ids = (*ids, "learning-rate-ignored")
            if not (objective or ids):
                return None  # the first step has the right direction: what is wrong is its length, or comes later
            return tuple(sorted({*objective, *ids}))
    return None


def _parts(change: np.ndarray, gradient: np.ndarray, image: np.ndarray) -> tuple[float, float]:
    """Return (a, b) where `change` is a * gradient + b * image, the gradient not being negligible; NaN if it is not so."""
    basis = np.stack([gradient, image], axis=1)
    a, b = np.linalg.lstsq(basis, np.nan_to_num(change), rcond=None)[0]
    tells = a * np.linalg.norm(gradient) > 0.01 * np.linalg.norm(change)  # an image set to 0 changes by a share of itself, too
    fits = tells and np.linalg.norm(basis @ [a, b] - change) < TOLERANCE * np.linalg.norm(change)
    return (a, b) if fits else (np.nan, np.nan)


def _regulariser_mistakes(ratios: np.ndarray, sizes: np.ndarray, weights: np.ndarray, per_weight: np.ndarray) -> tuple[str, ...]:
    """Return the mistakes in a regulariser that none of the known answers has.

    ratios: the image's share, relative to the right one, in each case. sizes: the images' norms. weights: l2_reg.
    per_weight: the image's share itself, divided by l2_reg.
    """
    if np.abs(ratios).max() < 5e-3:
        return ("regulariser-missing",)
    sign = ("regulariser-wrong-sign",) if ratios.mean() < 0 else ()
    if not is_constant(ratios) and is_constant(per_weight):
        factor = abs(per_weight.mean()) / 2
        return (*sign, *_size_mistakes(factor), "regulariser-without-learning-rate")
    if not is_constant(ratios) and is_constant(ratios * sizes):
        return (*sign, "regulariser-not-squared")
    if is_constant(ratios * sizes * weights):
        return (*sign, "regulariser-not-squared", "regulariser-other-size")
    return (*sign, *(_size_mistakes(abs(ratios.mean())) if is_constant(ratios) else ("regulariser-other-size",)))


def _size_mistakes(factor: float) -> tuple[str, ...]:
    """Return the mistakes in a regulariser that is `factor` times as large as it should be."""
    if abs(factor - 1) < 0.01:
        return ()
    return ("regulariser-halved",) if abs(factor - 0.5) < 0.005 else ("regulariser-other-size",)


def _add_evidence(report: Report, found: Sequence[Calls], form: Form, exam: Exam) -> None:
    calls = next((calls for calls in found if not _is_right(calls, form, exam)), found[0])
    case, expected = calls.case, exam.known.right(KEY, calls.case)[form].astype(np.float64)
    report.evidence.append(
        f"A small network ({case.name}), an image of {case.shape[1]} x {case.shape[2]} pixels, target class {case.target}, "
        f"l2_reg = {case.l2_reg}, learning_rate = {case.learning_rate}."
    )
    if not calls.in_place:
        report.evidence.append("After the call, img is the same as before.")
    for call in range(1, len(calls.images)):
        if not same(calls.images[call], expected[call], expected[call] - expected[0]):
            break
    else:
        return
    mine, due = calls.images[call] - calls.images[call - 1], expected[call] - expected[call - 1]
    gap = np.nan_to_num(np.abs(mine - due), nan=np.inf)
    place = tuple(int(i) for i in np.unravel_index(gap.argmax(), gap.shape))
    report.evidence.append(
        f"Call {call} is the first whose change is wrong: it has {compared(mine, due)}. At {place} yours is {mine[place]:+.4f}, "
        f"expected {due[place]:+.4f}."
    )
    divided = form is Form.DIVIDED
    report.evidence.append(
        "Expected: the gradient of the target's raw score minus l2_reg times the sum of squares of the image, at the image before"
        f" the call{', divided by its length' * divided}, times learning_rate. (A step that is {'not ' * divided}divided by its "
        "length is accepted, too.)"
    )
    if "log-of-score" in report.mistakes:
        report.evidence.append(LIKE_A_LOGARITHM)
    colour = np.abs(due).sum(axis=(1, 2)).argmax()
    report.yours, report.expected, report.caption = mine[colour], due[colour], f"change to img in call {call}, in one colour"


class _Number(float):
    """A number that tells what other numbers it is multiplied by."""

    others: list[torch.Tensor]

    def __new__(cls, value: float, others: list[torch.Tensor]) -> _Number:
        number = super().__new__(cls, value)
        number.others = others
        return number

    def __mul__(self, other: float) -> float:
        if isinstance(other, (float, np.floating)):
            self.others.append(torch.tensor(float(other)))
        return super().__mul__(other)

    __rmul__ = __mul__


class _Uses(TorchFunctionMode):
    """Records the tensors without a gradient that are multiplied by l2_reg, apart from its sign and a factor of 2."""

    def __init__(self, l2_reg: float) -> None:
        super().__init__()
        self.l2_reg = l2_reg
        self.detached: list[torch.Tensor] = []
        self.attached: list[torch.Tensor] = []

    def __torch_function__(
        self, function: Callable, types: Collection[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        numbers = [abs(float(value)) / self.l2_reg for value in args if isinstance(value, float) or _is_number(value)]
        product = "mul" in getattr(function, "__name__", "")
        if product and any(abs(number - factor) < 1e-6 for number in numbers for factor in (0.5, 1, 2)):
            for value in args:
                if isinstance(value, torch.Tensor):
                    (self.attached if value.requires_grad else self.detached).append(value.detach().clone())
        return function(*args, **(kwargs or {}))


def _is_number(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim == 0 and not value.requires_grad


def _confirmed(names: Sequence[str], function: Any, case: StepCase, exam: Exam) -> list[str]:
    """Return the names, in which a regulariser without effect has the name that its use in a case gives it."""
    return [_named_by_use(function, case, exam) if name == "regulariser-missing" else name for name in names]


def _changes_with_l2_reg(function: Any, case: StepCase, exam: Exam) -> bool:
    """Return whether a much larger l2_reg makes another change: then the regulariser has an effect, however small."""
    images = []
    for l2_reg in (case.l2_reg, 1e6 * case.l2_reg):
        network, img = case.network().to(exam.device), case.images().to(exam.device).requires_grad_()
        exam.run(function, img, network, case.target, l2_reg, case.learning_rate, network=network)
        images.append(img.detach().cpu().numpy())
    small, large = images
    return not np.allclose(small, large, rtol=1e-3, atol=1e-6, equal_nan=True)


def _named_by_use(function: Any, case: StepCase, exam: Exam) -> str:
    """Return why the regulariser has no effect, as far as can be told from what l2_reg is multiplied by."""
    if _changes_with_l2_reg(function, case, exam):
        return "regulariser-other-size"
    network, img = case.network().to(exam.device), case.images().to(exam.device).requires_grad_()
    uses = _Uses(case.l2_reg)

    def watched(*arguments: Any) -> Any:  # a mode belongs to its thread, so it is entered where the function runs
        with uses:
            return function(*arguments)

    exam.run(watched, img, network, case.target, _Number(case.l2_reg, uses.detached), case.learning_rate, network=network)
    image, network = case.images(), case.network()
    scores, weights = network(image)[0], list(network.parameters())
    squares, norms = [w.square().sum() for w in weights], [w.norm() for w in weights]
    own = scores[case.target]
    of_the_image = [image, image.square(), image.square().sum(), image.norm(), image.square().mean(), image.abs().sum()]
    of_the_scores = [scores, scores.square(), scores.square().sum(), scores.norm(), own, own.square(), own.abs()]
    of_all, norm_of_all = torch.stack(squares).sum(), torch.stack(norms).sum()
    of_the_weights = [*weights, *(w.square() for w in weights), *squares, *norms, of_all, norm_of_all, of_all.sqrt()]
    if _any_equal(uses.detached, of_the_image):
        return "regulariser-detached"
    if _any_equal(uses.detached + uses.attached, of_the_scores):
        return "regulariser-on-scores"
    if _any_equal(uses.detached, of_the_weights):
        return "regulariser-on-weights"
    return "regulariser-missing"


def _any_equal(tensors: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> bool:
    pairs = [(a.cpu(), b) for a in tensors for b in others if a.numel() == b.numel()]
    return any(torch.allclose(a.flatten().float(), b.flatten(), rtol=1e-3, atol=1e-6) for a, b in pairs)
