"""The grader's exam: the roles of the students' own checks, with networks, images and targets drawn anew for every run."""

import dataclasses
import warnings
from functools import partial

import numpy as np
import torch

from ... import attribution
from ... import net_visualization_pytorch as reference
from ...checks.cases import Case
from ...checks.exam import ARRAYS, Batches, own_exam
from ...checks.fingerprints import Fingerprints, stored
from .fingerprints import of_arrays, of_steps

CLEAR = 0.1  # by how much the target is ahead of, or behind, every other class, so that rounding changes no step
ALIVE = 0.05  # a score behind a ReLU that is this large at every image
LARGEST_SEED = 2**31


def drawn_exam(seed):
    """Return an Exam like the students' own, drawn from `seed`, an int >= 0. It takes some ten seconds.

    Every mistake and every pair of mistakes that the students' exam can name can be named in it; other draws are dropped.
    """
    draw = _Draw(np.random.default_rng(seed))
    exam, arrays = _until_all_can_be_named(
        lambda: draw.steps(own_exam(known=Fingerprints({}))), of_steps, ("fooling_image", "class_visualization_step")
    )
    for key in ARRAYS:
        given = getattr(exam, key)
        batches, more = _until_all_can_be_named(partial(draw.batches, key, given), partial(of_arrays, key), (key,))
        exam, arrays = dataclasses.replace(exam, **{key: batches}), arrays | more
    return dataclasses.replace(exam, known=Fingerprints(arrays))


def _until_all_can_be_named(draw, fingerprints, exercises):
    """Return (what draw() gives, its fingerprints), drawn again until they tell apart whatever the stored ones do."""
    while True:
        drawn = draw()
        arrays, _ = fingerprints(drawn)
        known = Fingerprints(arrays)
        if all(_pairs(stored(), exercise) <= _pairs(known, exercise) for exercise in exercises):
            return drawn, arrays


def _pairs(known, exercise):
    return {ids for ids in known.mistakes(exercise) if len(ids) <= 2}


class _Draw:
    """Draws cases that play the role of given ones: the same kind of network, other weights, pixels and targets."""

    def __init__(self, random):
        self.random = random

    def steps(self, exam):
        """The exam with other fooling images and class visualization steps."""
        dead = self.dead_class(exam.step_dead)
        return dataclasses.replace(
            exam,
            fooling_cases=self.ways(exam.fooling_cases),
            already_fooled=self.already_fooled(exam.already_fooled),
            score_is_a_class_id=self.away_from_0(exam.score_is_a_class_id),
            own_score_is_its_id=self.again(exam.own_score_is_its_id),
            long_way=self.long_way(exam.long_way),
            never_fooled=self.again(exam.never_fooled),
            dead_target=self.dead_class(exam.dead_target),
            fooling_224=self.way(exam.fooling_224, range(2, 40))[0],
            already_fooled_224=self.already_fooled(exam.already_fooled_224),
            step_cases=(*(self.step(case) for case in exam.step_cases if case is not exam.step_dead), dead),
            step_dead=dead,
            step_224=self.step(exam.step_224),
        )

    def batches(self, key, given):
        """The cases of an exercise that returns an array."""
        new = {"grad_cam": self.shown, "transformation": self.pictures}.get(key, self.labels)
        return Batches(tuple(map(new, given.main)), tuple(map(new, given.other)), given.large and self.labels(given.large))

    def pictures(self, case):
        return dataclasses.replace(case, seed=self.number())

    def shown(self, case):
        """Labels as below, of which all but the dead one have something to show on their Grad-CAM maps."""
        while True:
            drawn = self.labels(case)
            maps = attribution.compute_grad_cam_maps(*drawn.arguments(drawn.network()))
            if ((maps > 0).float().mean(dim=(1, 2)) > 0.1).sum() >= len(maps) - _with_dead_class(case):
                return drawn

    def again(self, case, biases=None):
        keywords = {**getattr(case.network, "keywords", {}), "seed": self.number()}
        if biases is not None:
            keywords["biases"] = biases
        network = partial(getattr(case.network, "func", case.network), **keywords)
        return dataclasses.replace(case, network=network, seed=self.number())

    def number(self):
        return int(self.random.integers(LARGEST_SEED))

    def labels(self, case):
        """Labels at random, of at least three classes in a batch of five; the first one's score can be 0 at all images."""
        one_dead = _with_dead_class(case)
        while True:
            drawn = self.again(case)
            scores, count = _scores(drawn), case.shape[0]
            candidates = np.flatnonzero(scores.min(axis=0) > ALIVE) if one_dead else np.arange(scores.shape[1])
            dead = np.flatnonzero(~scores.any(axis=0))[:one_dead]
            if len(candidates) < 3 or len(dead) < one_dead:
                continue
            target = [*dead, *self.random.choice(candidates, size=count - one_dead)]
            if len(set(target)) >= min(count, 3):
                return dataclasses.replace(drawn, target=tuple(map(int, target)))

    def target(self, drawn):
        return dataclasses.replace(drawn, target=int(self.random.integers(_scores(drawn).shape[1])))

    def way(self, case, steps, any_target=True):
        """A case that the reference solves in one of `steps`, clear of ties; also the top classes on its way, and the
        probability at its end."""
        while True:
            drawn = self.again(case)
            drawn = self.target(drawn) if any_target else drawn
            images = _right_way(drawn)
            scores, margins = _scores(drawn, images), _margins(drawn, images)
            if len(images) - 1 in steps and np.abs(margins).min() > CLEAR and margins[-1] > 0:
                probability = np.exp(scores[-1, drawn.target] - np.logaddexp.reduce(scores[-1]))
                return drawn, scores.argmax(axis=1), probability

    def away_from_0(self, case):
        """A way that starts at class 0, for the target that is given."""
        while True:
            drawn, tops, _ = self.way(case, range(2, 20), any_target=False)
            if tops[0] == 0:
                return drawn

    def ways(self, given):
        """One of the ways passes a third class, and one ends with a probability below 0.5."""
        found = [self.way(case, range(3, 13)) for case in given]
        while True:
            passes_a_third = any(len(set(tops)) > 2 for _, tops, _ in found)
            if passes_a_third and any(probability < 0.5 for *_, probability in found):
                return tuple(case for case, *_ in found)
            i = int(self.random.integers(len(given)))
            found[i] = self.way(given[i], range(3, 13))

    def long_way(self, case):
        """The class 5 is so far ahead that the network is fooled after 36 to 39 steps. Its lead does not turn the way."""
        while True:
            drawn, steps = self.again(case, biases={5: 1000.0}), int(self.random.integers(36, 40))
            images = _right_way(drawn)[: steps + 1]
            leads = (lambda scores: scores[:, 5] - scores[:, drawn.target])(_scores(drawn, images))
            needed = float(1000 - (leads[-1] + leads[-2]) / 2)
            drawn.network.keywords["biases"][5] = needed
            images = _right_way(drawn)
            if len(images) - 1 == steps and np.abs(_margins(drawn, images)).min() > CLEAR:
                return drawn

    def already_fooled(self, case):
        while True:
            drawn = self.again(case)
            second, first = np.sort(_scores(drawn)[0])[-2:]
            if first - second > CLEAR:
                return dataclasses.replace(drawn, target=int(_scores(drawn)[0].argmax()))

    def dead_class(self, case):
        """A class whose score stays 0, also some steps away."""
        while True:
            drawn = self.again(case)
            nearby = drawn.images() + 0.1 * torch.from_numpy(self.random.standard_normal((20, 3, *case.shape[1:])))
            dead = np.flatnonzero(~_scores(drawn, torch.cat([drawn.images(), nearby])).any(axis=0))
            if len(dead):
                return self.numbers(dataclasses.replace(drawn, target=int(dead[0])))

    def step(self, case):
        while True:
            drawn = self.target(self.again(case))
            if abs(_scores(drawn)[0, drawn.target]) > ALIVE:
                return self.numbers(drawn)

    def numbers(self, case):
        """Another l2_reg and learning_rate, of the size of the given ones."""
        factors = self.random.uniform(0.7, 1.4, size=2)
        return dataclasses.replace(
            case, l2_reg=round(case.l2_reg * factors[0], 5), learning_rate=round(case.learning_rate * factors[1], 3)
        )


def _with_dead_class(case):
    return "dead class" in case.name


def _scores(case: Case, images=None):
    """Return the scores (N, C) that the network of a case gives its images, or others."""
    images = case.images() if images is None else torch.as_tensor(images, dtype=torch.float32)
    with torch.no_grad():
        return case.network()(images).double().numpy()


def _margins(case, images):
    """Return by how much the target is ahead of the best other class, (N,), for images (N, 3, H, W)."""
    scores = _scores(case, images)
    return scores[:, case.target] - np.delete(scores, case.target, axis=1).max(axis=1)


def _right_way(case):
    """Return the images (T + 1, 3, H, W) on the reference's way, in float32 as a student's function computes."""
    network, way = case.network(), []
    network.on_call = lambda X, scores: way.append(X.detach()[0].numpy().copy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could not be fooled
        reference.make_fooling_image(case.images(), case.target, network)
    return np.stack(way)


# On SqueezeNet and photographs, where the effect counts


@dataclasses.dataclass(frozen=True)
class Photographs:
    """What the exercises are given besides, and what is right. X: (5, 3, 224, 224), y: (5,).

    seed: of the noise, baselines and transformations of the optional part, which are made where they are needed.
    target: the class to fool X[:1] into, which the reference reaches in 2 to 12 steps. steps: {form: changes of X[1:2] after
    two calls}, l2_reg and learning_rate being those of the calls.
    """

    X: torch.Tensor
    y: torch.Tensor
    seed: int
    target: int
    distance: float
    step_target: int
    l2_reg: float
    learning_rate: float
    steps: dict


def drawn_photographs(seed, model, photographs):
    """Return Photographs: `photographs` (N, 3, H, W), preprocessed, shifted and mirrored at random, with random targets."""
    random = np.random.default_rng([seed, 224])
    X = photographs[torch.from_numpy(random.permutation(len(photographs))[:5])]
    X = torch.stack([image.flip(2) if random.integers(2) else image for image in X])
    X = X.roll(tuple(int(shift) for shift in random.integers(-30, 31, size=2)), dims=(2, 3)).contiguous()
    with torch.no_grad():
        best = model(X).argsort(dim=1, descending=True)
    y = best[:, int(random.integers(3))]
    target, distance = _reachable(X[:1], best[0, 1:40].tolist(), model, random)
    l2_reg, learning_rate = float(random.uniform(0.5e-3, 2e-3)), float(random.uniform(3, 9))
    step_target = int(best[1, random.integers(1, 5)])
    steps = {form: _two_steps(X[1:2], model, step_target, l2_reg, learning_rate, form) for form in ("raw", "normalised")}
    return Photographs(X, y, seed, target, distance, step_target, l2_reg, learning_rate, steps)


def _reachable(X, classes, model, random):
    """Return (target, L2 distance) of a class that the reference reaches from X in 2 to 12 steps."""
    while True:
        target = int(random.choice(classes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            distance = (reference.make_fooling_image(X, target, model) - X).norm().item()
        if 1.5 < distance <= 12:
            return target, distance


def _two_steps(X, model, target, l2_reg, learning_rate, form):
    img = X.clone().requires_grad_()
    for _ in range(2):
        (ascent,) = torch.autograd.grad(model(img)[0, target] - l2_reg * img.square().sum(), img)
        length = ascent.norm() if form == "normalised" else 1
        img = (img + learning_rate * ascent / length).detach().requires_grad_()
    return (img - X).detach()
